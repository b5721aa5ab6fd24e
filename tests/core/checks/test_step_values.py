"""The type later steps see, for each verb and modifier."""

from __future__ import annotations

import pytest

from tests.core.checks._documents import document, flow, program, step_types
from tests.core.checks._support import codes

CALL = "function: judge\n  inputs: { text: input.text }"
EACH = "for_each: input.texts\n  function: judge\n  inputs: { text: item }"
BRANCHES = """branches:
      one: { function: judge, inputs: { text: input.text } }
      two: { function: judge, inputs: { text: input.text } }"""


@pytest.mark.parametrize(
    ("body", "type_"),
    [
        (CALL, "Tone"),
        (f"{CALL}\n  on_error: none", "optional<Tone>"),
        (f"when: input.n > 0\n  {CALL}", "optional<Tone>"),
        ("function: guess\n  inputs: { text: input.text }", "probabilistic<Tone>"),
        ("compute: input.n > 3", "bool"),
        ("compute: 5", "int[5..5]"),
        (EACH, "list<Tone>"),
        (f"{EACH}\n  on_error: none", "list<optional<Tone>>"),
        (f"{EACH}\n  on_error: keep", "list<Outcome>"),
        (f"{EACH}\n  require: 0", "list<Tone>"),
        (f"when: input.n > 0\n  {EACH}", "optional<list<Tone>>"),
        (f"parallel:\n    {BRANCHES}", "{one, two}"),
        (f"parallel:\n    require: 0\n    {BRANCHES}", "{one, two}"),
        (f"parallel:\n    require: any\n    {BRANCHES}", "Tone"),
        (f"parallel:\n    require: 1\n    {BRANCHES}", "list<Tone>"),
        (f"race:\n    {BRANCHES}", "Tone"),
        ("await_human: { question: Is it?, options: [yes, no] }", "HumanDecision"),
    ],
)
def test_a_step_has_the_type_of_its_verb_and_modifiers(body: str, type_: str) -> None:
    assert step_types(f"- id: it\n  {body}")["it"] == type_


def test_parallel_with_require_0_gives_branches_that_may_be_null() -> None:
    steps = f"- id: it\n  parallel:\n    require: 0\n    {BRANCHES}\n- id: label\n  compute: it.one.label"
    assert codes(document(flow(steps))) == ["E216"]


def test_a_debate_gives_the_synthesizers_contract_and_converged() -> None:
    steps = """
- id: it
  debate: { agents: [argue, argue], topic: input.plain, synthesize: conclude }
- id: both
  compute: 'it.position if it.converged else "open"'
"""
    assert step_types(steps) == {"it": "Side", "both": "string"}


def test_a_decision_is_one_of_the_options() -> None:
    steps = """
- id: it
  await_human: { question: Is it?, options: ["yes", "no"] }
- id: value
  compute: it.value
- id: text
  await_human: { question: Why? }
- id: free
  compute: text.value
"""
    types = step_types(steps)
    assert types["value"] == '"yes" | "no"'
    assert types["free"] == "string"


@pytest.mark.parametrize(
    ("written", "type_"),
    [
        ("int", "int"),
        ("{ type: int, min: 1, max: 5 }", "int[1..5]"),
        ("list<Tone>", "list<Tone>"),
        ("{ enum: [low, high] }", '"low" | "high"'),
    ],
)
def test_a_decision_has_the_type_that_was_asked_for(written: str, type_: str) -> None:
    steps = f"- id: it\n  await_human: {{ question: How many?, type: {written} }}\n- id: value\n  compute: it.value"
    assert step_types(steps)["value"] == type_


def test_an_answer_of_an_unknown_type_is_reported_once() -> None:
    steps = "- id: it\n  await_human: { question: q, type: Tome, timeout: 1h, on_timeout: low }\n"
    assert codes(document(flow(steps + "- id: two\n  compute: it.value.label"))) == ["E300"]


def test_a_lapsed_question_gets_an_answer_that_could_be_chosen() -> None:
    steps = "- id: it\n  await_human: { question: q, type: %s, timeout: 1h, on_timeout: low }"
    assert codes(document(flow(steps % "{ enum: [low, high] }"))) == []
    assert codes(document(flow(steps % "{ enum: [high, 3] }"))) == ["E335"]
    assert codes(document(flow(steps % "int"))) == ["E335"]


def test_an_outcome_has_ok_value_error_and_index() -> None:
    steps = f"- id: it\n  {EACH}\n  on_error: keep\n- id: bad\n  compute: '[o.index for o in it if not o.ok]'"
    assert step_types(steps)["bad"].startswith("list<int")


def test_when_is_known_inside_its_step_and_not_after_it() -> None:
    call = "function: clean\n  inputs: { text: input.maybe }"
    assert codes(document(flow(f"- id: it\n  {call}"))) != []
    assert codes(document(flow(f"- id: it\n  when: input.maybe is not None\n  {call}"))) == []
    after = f"- id: it\n  when: input.maybe is not None\n  {call}\n- id: two\n  compute: input.maybe.upper()"
    assert codes(document(flow(after))) == ["E216"]


def test_item_and_index_are_in_scope_only_inside_a_for_each() -> None:
    inside = f"- id: it\n  {EACH}\n"
    assert codes(document(flow(inside))) == []
    assert codes(document(flow(inside + "- id: two\n  compute: index"))) == ["E210"]


def test_validate_sees_results_and_nothing_else() -> None:
    good = f"- id: it\n  {EACH}\n  validate: len(results) > 1"
    assert codes(document(flow(good))) == []
    assert codes(document(flow(good.replace("> 1", "> input.n")))) == ["E210"]


def test_the_validate_of_a_parallel_sees_its_branches() -> None:
    steps = "- id: it\n  parallel:\n    validate: results.one.score > 0.5\n    " + BRANCHES
    assert codes(document(flow(steps))) == []
    assert codes(document(flow(steps.replace("results.one", "results.three")))) == ["E211"]


def test_an_id_may_be_results() -> None:
    assert step_types("- id: results\n  compute: input.n")["results"] == "int"


def test_a_step_reads_what_its_expressions_name_and_what_it_waits_for() -> None:
    steps = """
- id: a
  compute: input.n
- id: b
  compute: a + 1
- id: c
  when: a > 0
  compute: b + 1
- id: d
  compute: input.n
  after: [c]
"""
    found = program(document(flow(steps))).flows["main"].steps
    assert [sorted(step.reads) for step in found] == [[], ["a"], ["a", "b"], ["c"]]
    assert found[3].after == ("c",)
    assert [step.path for step in found][3] == "flows.main.steps[3]"
