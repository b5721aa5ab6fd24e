"""Opaque values never become instructions: what is refused, what is a warning, what is fine."""

from __future__ import annotations

import json

import pytest

from stratum_core.checks import check
from tests.core.checks._documents import FUNCTIONS, document, flow
from tests.core.checks._support import apply, codes

PASS = "- id: it\n  function: {name}\n  inputs: {{ {inputs} }}"


def call(name: str, inputs: str) -> str:
    return PASS.format(name=name, inputs=inputs)


@pytest.mark.parametrize(
    ("name", "inputs", "expected"),
    [
        ("judge", "text: input.text", []),
        ("judge", "text: input.plain", []),
        ("clean", "text: input.text", []),
        ("reply", "text: input.text, reason: input.plain", []),
        ("reply", "text: input.text, reason: input.text", ["E404"]),
        ("reply", 'text: input.text, reason: "input.plain + input.text"', ["E404"]),
        ("reply", 'text: input.text, reason: "input.text.upper()"', ["E404"]),
        ("reply", "text: input.text, reason: input.plain, hint: input.text", ["E404"]),
        ("reply", 'text: input.text, reason: "str(len(input.text))"', []),
        ("reply", 'text: input.text, reason: \'"long" if len(input.text) > 9 else "short"\'', []),
    ],
)
def test_opaque_text_may_go_into_opaque_parameters_and_compute_functions_only(
    name: str,
    inputs: str,
    expected: list[str],
) -> None:
    assert codes(document(flow(call(name, inputs)))) == expected


JUDGED = """\
- id: tone
  function: judge
  inputs: { text: input.text }
- id: sure
  when: tone.score > 0.5
  function: judge
  inputs: { text: input.text }
- id: maybe
  compute: sure
"""


@pytest.mark.parametrize(
    ("reason", "expected"),
    [
        ("tone.reason", ["W507"]),
        ("tone.reason.strip()", ["W507"]),
        ("tone.label", []),
        ("str(tone.score)", []),
        ("tone.reason[:20]", ["W507"]),
        ('maybe.reason if maybe is not None else "none"', ["W507"]),
    ],
)
def test_text_a_model_made_from_opaque_data_is_a_warning_in_a_plain_parameter(
    reason: str,
    expected: list[str],
) -> None:
    steps = JUDGED + call("reply", f"text: input.text, reason: {json.dumps(reason)}")
    assert codes(document(flow(steps))) == expected


def test_a_number_read_from_a_tested_step_is_no_text() -> None:
    steps = JUDGED + (
        "- id: it\n  when: maybe is not None\n  function: reply\n"
        "  inputs: { text: input.text, reason: str(maybe.score) }"
    )
    assert codes(document(flow(steps))) == []
    assert codes(document(flow(steps.replace("str(maybe.score)", "maybe.reason")))) == ["W507"]


def test_the_taint_goes_through_compute_steps_functions_and_items() -> None:
    through_step = (
        JUDGED + "- { id: short, compute: tone.reason }\n" + call("reply", "text: input.text, reason: short")
    )
    assert codes(document(flow(through_step))) == ["W507"]
    through_function = (
        JUDGED
        + "- { id: short, function: clean, inputs: { text: tone.reason } }\n"
        + call("reply", "text: input.text, reason: short")
    )
    assert codes(document(flow(through_function))) == ["W507"]
    through_items = (
        "- { id: tones, for_each: input.texts, function: judge, inputs: { text: item } }\n"
        "- id: it\n  for_each: tones\n  function: reply\n  inputs: { text: input.text, reason: item.reason }"
    )
    assert codes(document(flow(through_items))) == ["W507"]


def test_a_compute_function_does_not_wash_the_mark_off() -> None:
    steps = "- { id: short, function: clean, inputs: { text: input.text } }\n" + call(
        "reply", "text: input.text, reason: short"
    )
    assert codes(document(flow(steps))) == ["W507"]


def test_a_flow_with_a_plain_parameter_does_not_take_opaque_text() -> None:
    inner = """\
  inner:
    input: { text: string }
    output: Tone
    steps:
      - { id: tone, function: judge, inputs: { text: input.text } }
    return: tone
"""
    outer = flow("- { id: it, flow: inner, inputs: { text: input.text } }")
    assert codes(document(outer, inner)) == ["E404"]
    assert codes(document(outer, inner.replace("{ text: string }", "{ text: opaque<string> }"))) == []


def test_conditions_may_read_anything() -> None:
    steps = "- id: it\n  when: '\"x\" in input.text'\n  function: judge\n  inputs: { text: input.text }"
    assert codes(document(flow(steps))) == []


def test_an_opaque_topic_does_not_go_to_debaters_with_a_plain_topic() -> None:
    steps = "- id: it\n  debate: { agents: [argue, argue], topic: input.text, synthesize: conclude, unresolved: fail }"
    assert codes(document(flow(steps))) == ["E404", "E404", "E404"]
    opaque = FUNCTIONS.replace("topic: string", "topic: opaque<string>")
    assert codes(document(flow(steps), functions=opaque)) == []


ARGUED = """\
stratum: "1"
contracts:
  Said: {{ text: string, quote: {quote} }}
  End: {{ text: string }}
functions:
  argue: {{ mode: infer, intent: Argue, input: {{ topic: string, arguments: {heard} }}, output: Said }}
  conclude:
    mode: infer
    intent: Conclude
    input: {{ topic: string, arguments: {weighed}, converged: bool }}
    output: End
flows:
  main:
    budget: {{ usd: 1 }}
    input: {{ topic: string }}
    output: string
    steps:
      - {{ id: it, debate: {{ agents: [argue, argue], topic: input.topic, synthesize: conclude, unresolved: fail }} }}
    return: it.text
"""


@pytest.mark.parametrize(
    ("quote", "heard", "weighed", "expected"),
    [
        ("string", "optional<json>", "json", []),
        ("opaque<string>", "optional<json>", "json", ["E404", "E404"]),
        ("opaque<string>", "optional<opaque<json>>", "json", ["E404"]),
        ("opaque<string>", "opaque<optional<json>>", "opaque<json>", []),
    ],
)
def test_opaque_parts_of_what_agents_say_are_not_heard_as_plain_arguments(
    quote: str, heard: str, weighed: str, expected: list[str]
) -> None:
    assert codes(ARGUED.format(quote=quote, heard=heard, weighed=weighed)) == expected


RECORDS = """\
contracts:
  Note: { text: string, label: { enum: [a, b] } }
  Safe: { text: opaque<string>, label: { enum: [a, b] } }
functions:
  note:
    mode: infer
    intent: Read a note
    input: { note: Note }
    output: string
  safe:
    mode: infer
    intent: Read a note
    input: { note: Safe }
    output: string
  notes:
    mode: infer
    intent: Read notes
    input: { notes: optional<list<Note>> }
    output: string
  data:
    mode: infer
    intent: Read data
    input: { data: json }
    output: string
"""
TEXT = '{"text": input.text, "label": "a"}'
PLAIN = '{"text": input.plain, "label": "a"}'


@pytest.mark.parametrize(
    ("name", "inputs", "expected"),
    [
        ("note", f"note: '{TEXT}'", ["E404"]),
        ("note", f"note: '{PLAIN}'", []),
        ("safe", f"note: '{TEXT}'", []),
        ("notes", f"notes: '[{TEXT}]'", ["E404"]),
        ("notes", f"notes: '[{PLAIN}]'", []),
        ("notes", f"notes: '[{TEXT}] if input.n > 1 else None'", ["E404"]),
        ("data", "data: input.text", ["E404"]),
        ("data", f"data: '{TEXT}'", ["E404"]),
        ("data", f"data: '{PLAIN}'", []),
        ("data", "data: input.n", []),
    ],
)
def test_a_record_or_json_does_not_carry_opaque_text_past_its_mark(
    name: str,
    inputs: str,
    expected: list[str],
) -> None:
    assert codes(document(flow(call(name, inputs)), functions=RECORDS)) == expected


def test_items_of_opaque_json_stay_opaque() -> None:
    inner = flow("- { id: it, for_each: input.data, function: data, inputs: { data: item } }")
    text = document(inner.replace("n: int", "data: opaque<json>"), functions=RECORDS)
    assert codes(text) == ["E404"]


@pytest.mark.parametrize("old", ["reason: string", "reason: { type: string, max_length: 9 }", "reason: json"])
def test_the_fix_marks_the_parameter_however_its_type_is_written(old: str) -> None:
    text = document(flow(call("reply", "text: input.text, reason: input.text")))
    text = text.replace("reason: string, hint", f"{old}, hint")
    found = next(one for one in check(text).diagnostics if one.code == "E404")
    assert found.fix is not None
    assert codes(apply(text, found.fix)) == []
