"""Twelve faults that a lax validator lets through, each refused at its place."""

from __future__ import annotations

import pytest

from stratum_core.checks import check

DOCUMENT = """\
stratum: "1"
contracts:
  Tone:
    label: { enum: [good, bad] }
    reason: string
functions:
  judge:
    mode: infer
    intent: Judge the tone of a text
    input: { text: opaque<string> }
    output: Tone
    ensure:
      - len(result.reason) > 10
flows:
  main:
    input: { text: opaque<string> }
    output: Tone
    budget: { usd: 0.10 }
    steps:
      - id: tone
        function: judge
        inputs: { text: input.text }
      - id: short
        compute: tone.reason
        after: [tone]
    return: { label: tone.label, reason: short }
"""


def test_the_document_itself_is_right() -> None:
    assert check(DOCUMENT).diagnostics == ()


@pytest.mark.parametrize(
    ("fault", "change", "code", "place"),
    [
        ("only a version", (DOCUMENT, 'stratum: "1"\n'), "E306", (1, 1)),
        ("unknown contract type", ("output: Tone\n    ensure", "output: Tune\n    ensure"), "E300", (11, 13)),
        ("ensure with a syntax error", ("> 10", "> 10 and"), "E202", (13, 33)),
        ("ensure on an unknown field", ("result.reason", "result.reasno"), "E211", (13, 20)),
        (
            "ensure with a dunder",
            ("len(result.reason) > 10", "result.__class__ is not None"),
            "E211",
            (13, 16),
        ),
        ("a step that omits an input", ("        inputs: { text: input.text }\n", ""), "E322", (21, 19)),
        ("$.input.nope", ("text: input.text", "text: $.input.nope"), "E211", (22, 33)),
        (
            "a reference to an unknown step",
            ("compute: tone.reason", "compute: tonne.reason"),
            "E210",
            (24, 18),
        ),
        ("an unknown output field", ("label: tone.label,", "label: tone.label, extra: 1,"), "E332", (26, 34)),
        ("duplicate step id", ("- id: short", "- id: tone"), "E324", (23, 13)),
        ("a dependency cycle", ("- id: tone\n", "- id: tone\n        after: [short]\n"), "E334", (21, 17)),
        ("a duplicate top-level key", ("flows:\n", "flows: {}\nflows:\n"), "E108", (15, 1)),
    ],
)
def test_a_fault_is_refused_at_its_place(
    fault: str,
    change: tuple[str, str],
    code: str,
    place: tuple[int, int],
) -> None:
    assert change[0] in DOCUMENT
    checked = check(DOCUMENT.replace(*change, 1))
    assert not checked.ok
    found = next(found for found in checked.diagnostics if found.code == code)
    assert (found.severity, found.line, found.column) == ("error", *place)
    assert found.message
