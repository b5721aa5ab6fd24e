"""Rules about functions: conditions, quorum, refine, budgets and the operator's policy."""

from __future__ import annotations

from decimal import Decimal

import pytest

from stratum_core.checks import Limits, check
from tests.core.checks._support import codes

HEAD = """\
stratum: "1"
contracts:
  Tone:
    label: { enum: [good, bad] }
    score: optional<float>
    tags: list<string>
    part: Part
  Part:
    text: string
functions:
  verify:
    mode: compute
    input: { result: Tone, limit: optional<int> }
    output: Part
    expression: result.part
  judge:
    mode: infer
    intent: Judge a text
    input: { text: opaque<string>, min: int }
    output: Tone
"""


def judged(*lines: str) -> list[str]:
    return codes(HEAD + "".join(f"    {line}\n" for line in lines))


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("given: [min > 0]", []),
        ("given: [result.label]", ["E210"]),
        ("given: [min]", ["E215"]),
        ('ensure: [result.label == "good" or min > 3]', []),
        ("ensure: [result.label]", ["E215"]),
        ("ensure: [true]", ["W503"]),
        ("ensure: [min > 3]", ["W503"]),
        ("ensure: [input.min > 3]", ["E210"]),
        ("context: 'Mind {text}'", ["E311"]),
        ("context: [Be brief, 'use ${style}']", ["E311"]),
        ("context: 'An empty set is {}, JSON is {\"a\": 1}'", []),
    ],
)
def test_conditions_and_texts_of_a_function(line: str, expected: list[str]) -> None:
    assert judged(line) == expected


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (("quorum: 3", "agree_on: label", "threshold: 2"), []),
        (("quorum: 3", "agree_on: score", "threshold: 3"), []),
        (("quorum: 3", "agree_on: label"), ["E315"]),
        (("threshold: 2",), ["E315"]),
        (("quorum: 3", "agree_on: label", "threshold: 1"), ["E316"]),
        (("quorum: 2", "agree_on: label", "threshold: 1"), ["E316"]),
        (("quorum: 3", "agree_on: label", "threshold: 4"), ["E316"]),
        (("quorum: 3", "agree_on: lable", "threshold: 2"), ["E319"]),
        (("quorum: 3", "agree_on: tags", "threshold: 2"), ["E319"]),
        (("quorum: 3", "agree_on: part", "threshold: 2"), ["E319"]),
    ],
)
def test_a_quorum_is_complete_decides_and_names_a_plain_field(
    lines: tuple[str, ...], expected: list[str]
) -> None:
    assert judged(*lines) == expected


def test_agree_on_needs_a_contract() -> None:
    text = (
        HEAD.replace("output: Tone\n", "output: string\n")
        + "    quorum: 3\n    agree_on: label\n    threshold: 2\n"
    )
    assert codes(text) == ["E319"]
    assert codes(text.replace("output: string", "output: Unknown")) == ["E300"]


@pytest.mark.parametrize(
    ("check_", "until", "feedback", "expected"),
    [
        ("verify", 'check.text == "ok"', "check.text", []),
        ("verify", "check.text", "check.text", ["E215"]),
        ("verify", "check.txt == text", "result.part.text", ["E211"]),
        ("verfy", "check.text", "check.text", ["E305"]),
        ("judge", "check.text", "check.text", ["E317"]),
        (None, 'result.label == "good"', "result.part.text", []),
        (None, "check", "result.part.text", ["E210"]),
    ],
)
def test_refine_reads_the_check_the_result_and_the_inputs(
    check_: str | None,
    until: str,
    feedback: str,
    expected: list[str],
) -> None:
    lines = [f"until: {until}", f"feedback: {feedback}"] + ([f"check: {check_}"] if check_ else [])
    assert judged("refine:", *(f"  {line}" for line in lines)) == expected


@pytest.mark.parametrize(
    ("inputs", "expected"),
    [
        ("{ result: Tone, text: string }", []),
        ("{ result: Tone, min: int }", []),
        ("{ result: Tone, max: int }", ["E318"]),
        ("{ result: Part }", ["E318"]),
        ("{ result: Tone, min: string }", ["E318"]),
        ("3", ["E112"]),
    ],
)
def test_the_check_of_a_refine_takes_what_is_at_hand(inputs: str, expected: list[str]) -> None:
    text = HEAD.replace("{ result: Tone, limit: optional<int> }", inputs).replace(
        "result.part", "{text: '\"x\"'}"
    )
    refine = '    refine: { check: verify, until: check.text == "ok", feedback: check.text }\n'
    assert codes(text + refine) == expected


def test_a_function_with_refine_cannot_call_an_input_check() -> None:
    text = HEAD.replace("min: int", "check: int")
    assert codes(text) == []
    assert codes(text + '    refine: { until: result.label == "good", feedback: text }\n') == ["E302"]


def test_contracts_cannot_be_called_like_built_in_types() -> None:
    assert codes(HEAD.replace("  Part:", "  list: { x: int }\n  Part:")) == ["E302"]


@pytest.mark.parametrize(
    ("limits", "lines", "expected"),
    [
        (Limits(models_allowed=("a/b",)), ("model: a/b",), []),
        (Limits(models_allowed=("a/b",)), (), []),
        (Limits(models_allowed=("a/b",)), ("model: c/d", "fallbacks: [a/b, e/f]"), ["E401", "E401"]),
        (Limits(), ("model: c/d",), []),
        (Limits(max_usd=Decimal(1)), ("budget: { usd: 1 }",), []),
        (Limits(max_usd=Decimal(1)), ("budget: { usd: 1.01 }",), ["E402"]),
        (Limits(max_usd=Decimal(1)), ("budget: { ms: 100 }",), []),
    ],
)
def test_the_operators_policy_holds(limits: Limits, lines: tuple[str, ...], expected: list[str]) -> None:
    assert codes(HEAD + "".join(f"    {line}\n" for line in lines), limits=limits) == expected


def test_a_python_function_must_be_registered() -> None:
    text = HEAD.replace("expression: result.part", "python: verify_part")
    assert codes(text) == ["E403"]
    checked = check(text, limits=Limits(compute_registry=frozenset({"verify_part"})))
    assert checked.ok


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("result.part", []),
        ("{ text: result.part.text }", []),
        ("{ txt: result.part.text }", ["E332"]),
        ("{ }", ["E333"]),
        ("result", ["E220"]),
        ("check.part", ["E210"]),
        ("result.part\n    given: [nothing]", ["E210"]),
        ("result.part\n    ensure: ['result.text != \"\"']", ["E302"][1:]),
    ],
)
def test_a_compute_function_gives_its_output(expression: str, expected: list[str]) -> None:
    assert codes(HEAD.replace("expression: result.part", f"expression: {expression}")) == expected
