"""Rules about calls, results, debates, budgets and circles of flows."""

from __future__ import annotations

import pytest

from stratum_core.checks import check
from tests.core.checks._documents import document, flow
from tests.core.checks._support import codes

DEBATE = (
    "- id: it\n  debate: {{ agents: [{agents}], topic: {topic}, synthesize: {synthesize}, unresolved: fail }}"
)


@pytest.mark.parametrize(
    ("inputs", "expected"),
    [
        ("{ text: input.text, reason: input.plain }", []),
        ("{ text: input.text, reason: input.plain, hint: null }", []),
        ("{ text: input.text }", ["E322"]),
        ("{ text: input.text, reson: input.plain }", ["E321"]),
        ("{ text: input.text, reason: input.plain, nobody: 1 }", ["E321"]),
        ("{ text: input.text, reason: 5 }", ["E323"]),
        ("{ text: input.text, reason: null }", ["E323"]),
        ("{ text: input.text, reason: input.n }", ["E220"]),
        ("{ text: input.text, reason: input.maybe }", ["E216"]),
        ("3", ["E112"]),
    ],
)
def test_a_call_gives_exactly_the_inputs_of_its_target(inputs: str, expected: list[str]) -> None:
    assert codes(document(flow(f"- id: it\n  function: reply\n  inputs: {inputs}"))) == expected


def test_a_missing_input_names_values_of_its_type() -> None:
    steps = "- { id: note, compute: input.plain }\n- id: it\n  function: reply\n  inputs: { text: note }"
    found = next(one for one in check(document(flow(steps))).diagnostics if one.code == "E322")
    assert found.suggestion == "add reason: ...; of that type here: note"


@pytest.mark.parametrize(
    ("output", "returns", "expected"),
    [
        ("json", "{ a: input.n, b: input.plain }", []),
        ("map<int>", "{ a: input.n }", []),
        ("map<int>", "{ a: input.plain }", ["E220"]),
        ("optional<Side>", "{ position: input.plain }", []),
        ("Side", "{ position: input.n }", ["E220"]),
        ("Unknown", "{ position: input.n }", ["E300"]),
        ("list<string>", "{ position: input.plain }", ["E331"]),
    ],
)
def test_a_result_is_written_as_the_output_allows(output: str, returns: str, expected: list[str]) -> None:
    text = document(flow("- { id: it, compute: input.n }", output=output)).replace(
        'return: "1"', f"return: {returns}"
    )
    assert codes(text) == expected


@pytest.mark.parametrize(
    ("for_each", "expected"),
    [
        ("input.texts", []),
        ("[1, 2]", []),
        ("input", ["E325"]),
        ("input.maybe", ["E325"]),
        ("'{\"a\": 1}'", ["E325"]),
        ("input.table", ["E325"]),
        ("input.some", ["E325"]),
        ("default(input.some, [])", []),
        ("input.data", []),
        ("input.secret", []),
    ],
)
def test_for_each_needs_a_list(for_each: str, expected: list[str]) -> None:
    text = document(flow(f"- id: it\n  for_each: {for_each}\n  compute: index"))
    more = "n: int, table: map<int>, some: optional<list<int>>, data: json, secret: opaque<list<int>>"
    assert codes(text.replace("n: int", more)) == expected


@pytest.mark.parametrize(
    ("agents", "topic", "synthesize", "expected"),
    [
        ("argue, argue", "input.plain", "conclude", []),
        ("argue, argue", "input.n", "conclude", ["E329", "E329", "E329"]),
        ("argue, judge", "input.plain", "conclude", ["E329"]),
        ("argue, clean", "input.plain", "conclude", ["E317"]),
        ("clean, clean", "input.plain", "conclude", ["E317", "E317"]),
        ("argue, argu", "input.plain", "conclude", ["E305"]),
        ("argue, argue", "nothing", "conclude", ["E210"]),
        ("argue, argue", "input.plain", "argue", ["E329"]),
        ("argue, argue", "input.plain", "clean", ["E317"]),
        ("argue, argue", "input.plain", "nobody", ["E305"]),
        ("argue, 3", "input.plain", "conclude", ["E112"]),
    ],
)
def test_a_debate_checks_its_agents_topic_and_synthesizer(
    agents: str,
    topic: str,
    synthesize: str,
    expected: list[str],
) -> None:
    steps = DEBATE.format(agents=agents, topic=topic, synthesize=synthesize)
    assert codes(document(flow(steps))) == expected


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("output: Side\n  conclude", "output: Tone\n  conclude", []),
        ("converged: bool }\n    output: Side", "converged: bool }\n    output: string", ["E329"]),
        ("converged: bool }\n    output: Side", "converged: bool }\n    output: Sde", ["E300"]),
        ("converged: bool", "converged: string", ["E329"]),
        (
            "converged: bool }\n    output: Side",
            "converged: bool }\n    stable: false\n    output: Side",
            ["E317"],
        ),
        ("arguments: json", "arguments: string", ["E329"]),
        ("arguments: optional<json>", "arguments: json", []),
        ("{ topic: string, arguments: optional<json> }", "3", ["E112"]),
    ],
)
def test_the_signatures_of_a_debate(old: str, new: str, expected: list[str]) -> None:
    text = document(flow(DEBATE.format(agents="argue, argue", topic="input.plain", synthesize="conclude")))
    assert old in text
    assert codes(text.replace(old, new)) == expected


DECIDED = """\
stratum: "1"
contracts:
  Said: {{ side: {said} }}
  End: {{ {field}: {end} }}
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
    output: json
    steps:
      - id: it
        debate:
          agents: [argue, argue]
          topic: input.topic
          agree_on: side
          synthesize: conclude
          unresolved: {unresolved}
    return: it.{field}
"""


@pytest.mark.parametrize(
    ("said", "field", "end", "unresolved", "expected"),
    [
        ("{ enum: [a, b] }", "side", "{ enum: [a, b, c] }", "human", []),
        ("{ enum: [a, b] }", "side", "{ enum: [a, c] }", "human", ["E329"]),
        ("int", "side", "string", "human", ["E329"]),
        ("int", "side", "string", "fail", []),
        ("int", "other", "string", "human", []),
        ("optional<int>", "side", "int", "human", ["E329"]),
        ("opaque<string>", "side", "string", "human", ["E404"]),
        ("opaque<string>", "side", "opaque<string>", "human", []),
    ],
)
def test_where_a_person_decides_the_conclusion_can_hold_every_position(
    said: str, field: str, end: str, unresolved: str, expected: list[str]
) -> None:
    opaque = "opaque" in said
    heard, weighed = ("optional<opaque<json>>", "opaque<json>") if opaque else ("optional<json>", "json")
    text = DECIDED.format(
        said=said, field=field, end=end, unresolved=unresolved, heard=heard, weighed=weighed
    )
    assert codes(text) == expected


def test_agents_return_one_contract_and_agree_on_a_field_of_it() -> None:
    inputs = "{ topic: string, arguments: json }"
    other = f"  argue2:\n    mode: infer\n    intent: Argue\n    input: {inputs}\n    output: Tone\n"
    steps = DEBATE.format(agents="argue, argue2", topic="input.plain", synthesize="conclude")
    assert codes(document(flow(steps)).replace("flows:\n", other + "flows:\n")) == ["E329"]
    agreed = DEBATE.format(agents="argue, argue", topic="input.plain", synthesize="conclude")
    assert codes(document(flow(agreed.replace("unresolved", "agree_on: postion, unresolved")))) == ["E319"]


def call(name: str) -> str:
    return (
        f"- {{ id: it, flow: {name}, inputs: {{ text: input.text, plain: input.plain, texts: [], n: 1 }} }}"
    )


def test_a_circle_of_flows_is_reported_where_it_closes() -> None:
    assert codes(document(flow(call("main")))) == ["E330"]
    three = [flow(call("b"), name="a"), flow(call("c"), name="b"), flow(call("a"), name="c")]
    found = check(document(*three)).diagnostics
    circles = [one for one in found if one.code == "E330"]
    assert [(one.path, one.message) for one in circles] == [
        ("flows.c.steps[0].flow", "the flow calls itself: a -> b -> c -> a"),
    ]


def test_two_ways_to_one_flow_are_no_circle() -> None:
    twice = call("leaf") + "\n" + call("leaf").replace("id: it", "id: two")
    assert codes(document(flow(twice), flow("- { id: x, compute: input.n }", name="leaf"))) == []


def test_a_long_chain_of_flows_does_not_exhaust_the_stack() -> None:
    leaf = flow("- { id: x, compute: input.n }", name="f400")
    chain = [flow(call(f"f{index + 1}"), name=f"f{index}") for index in range(400)]
    assert codes(document(*chain, leaf)) == ["E337"]


def test_only_entry_flows_need_a_budget() -> None:
    inner = flow("- { id: t, function: judge, inputs: { text: input.text } }", name="inner")
    outer = flow(call("inner"))
    capped = "    budget: { usd: 1 }\n"
    assert codes(document(outer, inner.replace(capped, ""))) == []
    assert codes(document(outer.replace(capped, ""), inner)) == ["W501"]
    assert codes(document(outer.replace(capped, "    budget: { ms: 9 }\n"), inner)) == ["W501", "W502"][:1]
    assert codes(document(flow("- { id: t, compute: 1 }").replace(capped, ""))) == []


def test_a_call_above_the_flow_is_reported_once_for_each_target() -> None:
    calls = "\n".join(f"- {{ id: t{n}, function: judge, inputs: {{ text: input.text }} }}" for n in range(3))
    text = document(flow(calls)).replace("  judge:\n", "  judge:\n    budget: { usd: 2, ms: 5 }\n", 1)
    assert codes(text) == ["W502"]


def test_a_list_over_the_input_or_over_items_is_bounded() -> None:
    steps = """
- { id: tones, for_each: input.texts, function: judge, inputs: { text: item } }
- { id: more, for_each: tones, function: rate, inputs: { text: item.reason } }
- { id: some, function: tags, inputs: { text: input.text } }
- { id: fan, for_each: some, function: rate, inputs: { text: item } }
- { id: free, for_each: some, compute: item }
- { id: copy, compute: some }
- { id: fan2, for_each: copy, flow: leaf, inputs: { text: item, plain: input.plain, texts: [], n: 1 } }
"""
    leaf = flow("- { id: t, function: judge, inputs: { text: input.text } }", name="leaf")
    found = check(document(flow(steps), leaf)).diagnostics
    assert [one.path for one in found if one.code == "W504"] == [
        "flows.main.steps[3].for_each",
        "flows.main.steps[6].for_each",
    ]


def test_a_function_that_checks_a_refined_one_is_used() -> None:
    refine = "    refine: { check: fine, until: check, feedback: result.reason }\n"
    fine = "  fine:\n    mode: compute\n    input: { result: Tone }\n    output: bool\n"
    fine += "    expression: result.score > 0.5\n"
    text = document(flow("- { id: t, function: judge, inputs: { text: input.text } }"))
    text = text.replace("  guess:\n", f"{refine}{fine}  guess:\n", 1)
    unused = {one.path for one in check(text).diagnostics if one.code == "W506"}
    assert "functions.guess" in unused
    assert not unused & {"functions.fine", "functions.judge"}


def test_a_document_without_flows_is_a_library() -> None:
    text = document().removesuffix("flows:\n")
    assert [one.code for one in check(text).diagnostics] == []


def test_a_broken_flow_does_not_keep_the_others_from_being_checked() -> None:
    good = flow("- { id: it, flow: other, inputs: { text: input.text } }\n- { id: bad, compute: nothing }")
    assert codes(document(good) + "  other: 3\n") == ["E210", "E112"]
    assert codes(
        document(good) + "  other: { input: 3, output: int, steps: [{ id: a, compute: 1 }], return: a }\n"
    ) == [
        "E210",
        "E112",
    ]
