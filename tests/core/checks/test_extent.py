"""How far flows may reach: levels and steps, counted through the flows they call."""

from __future__ import annotations

import pytest

from stratum_core.checks import check
from tests.core.checks._support import codes


def _document(calls: list[int], *, loop: str = "") -> str:
    """Return a document of flows; each calls the one before it so many times, in a loop if one is given."""
    lines = ['stratum: "1"', "flows:", *_flow("flow_0", ["{ id: s0, compute: input.n + 1 }"], "s0")]
    for level, times in enumerate(calls, 1):
        called = f"flow: flow_{level - 1}, inputs: {{ n: input.n }}"
        steps = [f"{{ id: s{number}, {loop}{called} }}" for number in range(times)]
        lines += _flow(f"flow_{level}", steps, "len(s0)" if loop else "s0")
    return "\n".join(lines) + "\n"


def _flow(name: str, steps: list[str], returned: str) -> list[str]:
    body = [f"      - {step}" for step in steps]
    return [
        f"  {name}:",
        "    input: { n: int }",
        "    output: int",
        "    steps:",
        *body,
        f"    return: {returned}",
    ]


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        (_document([1] * 31), []),
        (_document([1] * 32), ["E337"]),
        (_document([100, 99]), []),  # 99 + 99 * (100 + 100 * 1) = 19,899
        (_document([100, 100]), ["E337"]),  # 20,100
        (_document([2] * 31), ["E337"]),
        (_document([100, 99], loop="for_each: '[1, 2, 3]', "), []),
    ],
    ids=["deepest", "too deep", "most steps", "too many steps", "doubling", "loops count once"],
)
def test_a_flow_reaches_so_far_and_no_further(document: str, expected: list[str]) -> None:
    assert codes(document) == expected


def test_only_the_innermost_flow_that_reaches_too_far_is_named() -> None:
    (finding,) = check(_document([100, 100, 1])).diagnostics
    assert finding.path == "flows.flow_2"
    assert "comes to 20,100 steps" in finding.message


def test_flows_in_a_circle_have_that_finding_alone() -> None:
    circle = [
        *_flow("ping", ["{ id: more, flow: pong, inputs: { n: input.n } }"], "more"),
        *_flow("pong", ["{ id: more, flow: ping, inputs: { n: input.n } }"], "more"),
    ]
    assert codes("\n".join(['stratum: "1"', "flows:", *circle, ""])) == ["E330"]
