"""An input that is not given: where one value has its name and its type, the fix gives that one."""

from __future__ import annotations

import json

import pytest

from stratum_core.checks import check, repair
from stratum_core.ir import Diagnostic

_DOCUMENT = """\
stratum: "1"
contracts:
  Note: {{ id: int, text: string }}
functions:
  judge: {{ mode: infer, intent: Judge, input: {{ text: string, level: int }}, output: string }}
  count: {{ mode: infer, intent: Count, input: {{ text: string }}, output: int }}
flows:
  main:
    input: {{ {inputs} }}
    output: {output}
    budget: {{ usd: 1 }}
    steps:
      {steps}
    return: {returned}
"""


def _written(steps: str, *, inputs: str, output: str = "string", returned: str = "it") -> str:
    return _DOCUMENT.format(steps=steps, inputs=inputs, output=output, returned=returned)


def _missing(text: str) -> list[Diagnostic]:
    found = [one for one in check(text).diagnostics if one.code == "E322"]
    assert found
    return found


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (
            "- { id: it, function: judge }",
            "- { id: it, inputs: { text: input.text, level: input.level }, function: judge }",
        ),
        (
            "- id: it\n        function: judge # the first\n",
            "- id: it\n        inputs: { text: input.text, level: input.level }\n        function: judge # the first\n",
        ),
        (
            "- function: judge\n        id: it\n",
            "- inputs: { text: input.text, level: input.level }\n        function: judge\n        id: it\n",
        ),
        (
            "- { id: it, function: judge, inputs: { level: 3 } }",
            "- { id: it, function: judge, inputs: { text: input.text, level: 3 } }",
        ),
        (
            "- id: it\n        function: judge\n        inputs:\n          level: 3  # low\n",
            (
                "- id: it\n        function: judge\n"
                "        inputs:\n          text: input.text\n          level: 3  # low\n"
            ),
        ),
    ],
)
def test_the_fix_gives_what_has_the_name_and_the_type(before: str, after: str) -> None:
    inputs = "text: string, level: int"
    mended = repair(_written(before, inputs=inputs))
    assert mended.checked.ok
    assert mended.text == _written(after, inputs=inputs)


def test_a_step_and_a_field_of_the_item_have_names_too() -> None:
    steps = "- { id: level, compute: '3' }\n      - { id: it, for_each: input.notes, function: judge }"
    text = _written(steps, inputs="notes: list<Note>", output="list<string>")
    mended = repair(text)
    assert mended.checked.ok
    assert (
        "{ id: it, for_each: input.notes, inputs: { text: item.text, level: level }, function: judge }"
        in mended.text
    )


def test_a_branch_is_given_its_inputs_too() -> None:
    steps = "- { id: it, race: { branches: { a: { function: count }, b: { function: count } } } }"
    mended = repair(_written(steps, inputs="text: string", output="int"))
    assert mended.checked.ok
    assert mended.text.count("{ inputs: { text: input.text }, function: count }") == 2


@pytest.mark.parametrize(
    ("inputs", "steps"),
    [
        ("text: string", "- { id: it, function: judge }"),
        ("text: int, level: int", "- { id: it, function: judge }"),
        ("text: optional<string>, level: int", "- { id: it, function: judge }"),
        ("text: string, level: int", "- { id: it, function: judge, inputs: {} }"),
        (
            "text: string, level: int, notes: list<Note>",
            "- { id: it, for_each: input.notes, function: judge, inputs: { level: 1 } }",
        ),
        (
            "text: string",
            "- { id: text, compute: '\"a\"' }\n      - { id: it, function: count }",
        ),
    ],
)
def test_without_just_one_value_for_each_nothing_is_certain(inputs: str, steps: str) -> None:
    assert not [one for one in _missing(_written(steps, inputs=inputs)) if one.fix is not None]


def test_a_suggestion_names_the_value() -> None:
    (text,) = _missing(_written("- { id: it, function: count }", inputs="text: string"))
    assert text.suggestion.startswith("add inputs: { text: input.text }")


@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
def test_a_new_line_ends_as_the_others_do(line_end: str) -> None:
    steps = "- id: it\n        function: count\n"
    text = _written(steps, inputs="text: string", output="int").replace("\n", line_end)
    mended = repair(text)
    assert mended.checked.ok
    assert mended.text.count(line_end) == text.count(line_end) + 1
    assert mended.text.replace(line_end, "").isprintable()


def test_a_document_in_json_stays_json() -> None:
    step = {"id": "it", "function": "count"}
    document = {
        "stratum": "1",
        "functions": {
            "count": {"mode": "infer", "intent": "Count", "input": {"text": "string"}, "output": "int"}
        },
        "flows": {
            "main": {
                "input": {"text": "string"},
                "output": "int",
                "budget": {"usd": 1},
                "steps": [step],
                "return": "it",
            }
        },
    }
    mended = repair(json.dumps(document))
    assert mended.checked.ok
    assert json.loads(mended.text)["flows"]["main"]["steps"] == [{**step, "inputs": {"text": "input.text"}}]


def test_a_name_that_yaml_would_read_as_something_else_is_quoted() -> None:
    text = _written("- { id: it, function: count }", inputs="'null': string", output="int")
    mended = repair(
        text.replace("intent: Count, input: { text: string }", "intent: Count, input: { 'null': string }")
    )
    assert mended.checked.ok
    assert 'inputs: { "null": input.null }' in mended.text
