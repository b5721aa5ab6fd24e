"""Everything is reported at once, in document order, and a fault causes no others."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stratum_core.checks import check
from tests.core.checks._documents import document, flow
from tests.core.checks._support import BAD, apply, codes

BROKEN = (BAD.parent / "many" / "broken.stratum.yaml").read_text(encoding="utf-8")


def test_a_document_with_many_faults_gets_all_of_them_in_one_pass() -> None:
    found = [(one.line, one.code) for one in check(BROKEN).diagnostics]
    assert found == [
        (5, "E110"),
        (6, "E300"),
        (10, "E311"),
        (14, "E211"),
        (14, "E221"),
        (14, "E217"),
        (15, "E223"),
        (16, "E112"),
        (17, "E315"),
        (18, "E110"),
        (23, "E220"),
        (25, "W501"),
        (27, "E300"),
        (30, "E211"),
        (31, "E305"),
        (35, "E321"),
        (35, "E210"),
        (36, "E110"),
        (38, "E221"),
        (42, "E336"),
        (42, "E335"),
        (45, "E210"),
        (48, "E216"),
    ]


def test_applying_every_fix_in_turn_never_adds_a_fault() -> None:
    text, before = BROKEN, len(check(BROKEN).diagnostics)
    for _ in range(before):
        fixes = [found.fix for found in check(text).diagnostics if found.fix is not None]
        if not fixes:
            break
        text = apply(text, fixes[0])
        after = len(check(text).diagnostics)
        assert after <= before
        before = after
    assert before <= 12


def test_at_most_fifty_findings_are_shown_and_errors_come_before_warnings() -> None:
    unused = "".join(
        f"  f{index}:\n    mode: compute\n    input: {{ n: int }}\n    output: bool\n"
        f"    expression: n == {index}\n    ensure: [n > 0]\n"
        for index in range(60)
    )
    steps = "      - { id: it, compute: nothing }\n"
    text = f'stratum: "1"\nfunctions:\n{unused}flows:\n  main:\n    output: int\n    steps:\n{steps}    return: 1\n'
    found = check(text).diagnostics
    assert len(found) == 51
    assert found[-1].code == "N601"
    assert found[-1].message == "11 more findings are not shown"
    assert "E210" in {one.code for one in found}


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        ("- { id: a, compute: nothing }\n- { id: b, compute: a.x + a.y }", ["E210"]),
        ("- { id: a, function: nobody }\n- { id: b, compute: a.x }", ["E305"]),
        (
            "- { id: a, functoin: judge, inputs: { text: input.text } }\n- { id: b, compute: a.label }",
            ["E110"],
        ),
        ("- { compute: 1 }\n- { id: b, compute: a + 1 }", ["E111"]),
        ("- { id: a }\n- { id: b, compute: a.x }", ["E119"]),
        ("- { id: a, for_each: nothing, compute: item.x }\n- { id: b, compute: 'a[0].y' }", ["E210"]),
        (
            "- { id: a, parallel: { branches: { x: { function: nobody } } } }\n- { id: b, compute: a.x.y }",
            ["E305"],
        ),
        ("- { id: a, compute: 1, after: [b, 3] }\n- { id: b, compute: a + 1 }", ["E334", "E112"]),
        ("- 3\n- { id: b, compute: a + 1 }", ["E112"]),
        (
            "- { id: a, race: { branches: { x: 3, y: { function: judge, inputs: { text: input.text } } } } }",
            ["E112"],
        ),
        ("- { id: a, function: 3 }\n- { id: b, compute: a.x }", ["E112"]),
        ("- { id: a, race: 3 }\n- { id: b, compute: a.x }", ["E112"]),
    ],
)
def test_a_fault_causes_no_others(steps: str, expected: list[str]) -> None:
    assert codes(document(flow(steps))) == expected


def test_a_broken_type_fits_everywhere() -> None:
    text = document(
        flow("- { id: a, function: judge, inputs: { text: input.text } }", returns="a", output="Tone")
    )
    broken = text.replace("    score: { type: float, min: 0, max: 1 }", "    score: flaot")
    assert codes(broken) == ["E300"]
    assert codes(
        text.replace("input: { text: opaque<string> }\n    output: Tone", "input: 3\n    output: Tone", 1)
    ) == [
        "E112",
    ]
    assert codes(text.replace("  judge:\n    mode: infer\n", "  judge: 3\n  other:\n    mode: infer\n")) == [
        "E112"
    ]


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_no_text_makes_a_check_raise(data: st.DataObject) -> None:
    lines = BROKEN.splitlines()
    for _ in range(data.draw(st.integers(1, 4))):
        index = data.draw(st.integers(0, len(lines) - 1))
        piece = data.draw(
            st.sampled_from(["", "  - x", "    input: 3", "    steps: {}", "x: [", "null", ": :", "  a: b"])
        )
        lines[index] = piece
    checked = check("\n".join(lines))
    assert checked.ok is (checked.program is not None)
    assert checked.ok is not any(found.severity == "error" for found in checked.diagnostics)
