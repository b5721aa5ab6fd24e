"""What a checked document becomes."""

from __future__ import annotations

from stratum_core.budget import Budget
from stratum_core.checks import Limits, check
from stratum_core.contracts import EnumType, OpaqueType, StringType, describe
from stratum_core.money import to_nusd
from stratum_core.specs import (
    CallVerb,
    ComputeSpec,
    ComputeVerb,
    DebateVerb,
    HumanVerb,
    InferSpec,
    ParallelVerb,
    Quorum,
    RaceVerb,
    Verb,
    called,
)
from tests.core.checks._documents import document, flow, program

DOCUMENT = """\
stratum: "1"
name: triage
contracts:
  Tone:
    label: { enum: [good, bad], description: how it sounds }
functions:
  judge:
    mode: infer
    intent: Judge a text
    context: [Sarcasm is bad, Irony too]
    input: { text: { type: opaque<string>, description: what was said }, hint: optional<string> }
    output: Tone
    given: [len(text) > 0]
    ensure: ['result.label == "good"']
    model: a/b
    temperature: 0.5
    max_tokens: 100
    budget: { usd: 0.001, tokens: 2000, ms: 9000 }
    retries: 1
  count:
    mode: compute
    input: { tones: list<Tone> }
    output: int
    expression: len(tones)
flows:
  main:
    description: The work
    input: { texts: list<opaque<string>> }
    output: int
    budget: { usd: 0.5 }
    steps:
      - id: tones
        for_each: input.texts
        function: judge
        inputs: { text: item }
        require: 95%
        on_error: keep
        concurrency: 4
        validate: len(results) > 0
      - id: some
        when: len(tones) > 1
        function: count
        inputs: { tones: "[t.value for t in tones if t.value is not None]" }
        on_error: none
      - id: total
        compute: default(some, 0) + 1
    return: total
"""


def test_functions_become_specs_with_exact_units() -> None:
    found = program(DOCUMENT)
    judge = found.functions["judge"]
    assert isinstance(judge, InferSpec)
    assert judge.context == ("Sarcasm is bad", "Irony too")
    assert [(one.name, describe(one.type), one.description) for one in judge.inputs] == [
        ("text", "opaque<string>", "what was said"),
        ("hint", "optional<string>", ""),
    ]
    assert judge.budget == Budget(nusd=to_nusd("0.001"), tokens=2000, ms=9000)
    assert (judge.model, judge.temperature, judge.max_tokens, judge.retries) == ("a/b", 0.5, 100, 1)
    assert [one.canonical for one in (*judge.given, *judge.ensure)] == [
        "len(text) > 0",
        'result.label == "good"',
    ]
    assert len(judge.function_hash) == 12
    assert (judge.fallbacks, judge.cache, judge.stable, judge.quorum, judge.refine) == (
        (),
        "none",
        True,
        None,
        None,
    )
    count = found.functions["count"]
    assert isinstance(count, ComputeSpec)
    assert count.expression is not None
    assert count.function_hash not in {"", judge.function_hash}


def test_flows_become_specs() -> None:
    found = program(DOCUMENT)
    main = found.flows["main"]
    assert (found.name, len(found.ir_hash), list(found.contracts)) == ("triage", 64, ["Tone"])
    assert main.budget == Budget(nusd=to_nusd("0.5"))
    assert main.description == "The work"
    tones, some, total = main.steps
    assert tones.for_each is not None
    assert (tones.for_each.require, tones.for_each.on_error, tones.for_each.concurrency) == (0.95, "keep", 4)
    assert tones.for_each.items.canonical == "input.texts"
    assert tones.validate is not None
    assert tones.on_error == "fail"
    assert (some.on_error, describe(some.type)) == ("none", "optional<int>")
    assert some.when is not None
    assert some.reads == frozenset({"tones"})
    assert isinstance(total.verb, ComputeVerb)
    assert total.path == "flows.main.steps[2]"


def test_an_optional_input_that_is_not_given_is_bound_to_null() -> None:
    verb = program(DOCUMENT).flows["main"].steps[0].verb
    assert isinstance(verb, CallVerb)
    assert (verb.kind, verb.target, list(verb.inputs)) == ("function", "judge", ["text", "hint"])
    assert verb.inputs["text"].evaluate({"item": "so so"}) == "so so"
    assert verb.inputs["hint"].evaluate({}) is None


def test_defaults_are_filled_in() -> None:
    plain = DOCUMENT.replace("require: 95%", "").replace("on_error: keep", "").replace("t.value", "t")
    plain = plain.replace(" if t is not None", "").replace("concurrency: 4", "concurrency: auto")
    for_each = program(plain).flows["main"].steps[0].for_each
    assert for_each is not None
    assert (for_each.require, for_each.on_error, for_each.concurrency) == ("all", "drop", None)


def with_modifiers(lines: str) -> InferSpec:
    text = DOCUMENT.replace("    retries: 1\n", lines).replace("on_error: keep", "on_error: drop")
    text = text.replace("[t.value for t in tones if t.value is not None]", "[most_likely(t) for t in tones]")
    judge = program(text).functions["judge"]
    assert isinstance(judge, InferSpec)
    return judge


def test_modifiers_of_a_model_call_are_kept() -> None:
    judge = with_modifiers(
        "    quorum: 3\n    agree_on: label\n    threshold: 2\n    stable: false\n    fallbacks: [c/d, e/f]\n"
        "    cache: session\n"
    )
    assert judge.quorum == Quorum(votes=3, agree_on="label", threshold=2)
    assert (judge.stable, judge.fallbacks, judge.cache) == (False, ("c/d", "e/f"), "session")


def test_the_expressions_of_a_refine_see_the_answer_the_check_and_the_inputs() -> None:
    text = DOCUMENT.replace(
        "    retries: 1\n",
        "    refine:\n      check: problems\n      until: len(check) == 0 and len(text) > 1\n"
        "      feedback: check\n      max_iterations: 4\n",
    ).replace(
        "  count:\n",
        "  problems:\n    mode: compute\n    input: { result: Tone }\n    output: list<string>\n"
        '    expression: \'["bad"] if result.label == "bad" else []\'\n  count:\n',
    )
    judge = program(text).functions["judge"]
    assert isinstance(judge, InferSpec)
    assert judge.refine is not None
    assert (judge.refine.check, judge.refine.max_iterations) == ("problems", 4)
    assert judge.refine.until.evaluate({"check": [], "text": "so so"}) is True
    assert judge.refine.feedback.evaluate({"check": ["bad"]}) == ["bad"]


def test_a_refine_may_do_without_a_check() -> None:
    judge = with_modifiers(
        "    stable: false\n    refine: { until: 'result.label == \"good\"', feedback: result.label }\n"
    )
    assert judge.refine is not None
    assert (judge.refine.check, judge.refine.max_iterations) == (None, 5)
    assert judge.refine.feedback.canonical == "result.label"


def test_a_registered_function_stands_in_place_of_an_expression() -> None:
    python = DOCUMENT.replace("expression: len(tones)", "python: count_tones")
    registered = check(python, limits=Limits(compute_registry=frozenset({"count_tones"}))).program
    assert registered is not None
    count = registered.functions["count"]
    assert isinstance(count, ComputeSpec)
    assert (count.expression, count.python) == (None, "count_tones")


def verbs(steps: str) -> list[Verb]:
    return [step.verb for step in program(document(flow(steps))).flows["main"].steps]


def test_branches_are_kept_in_order_with_their_calls() -> None:
    parallel, race = verbs("""
- id: a
  parallel:
    branches:
      one: { function: judge, inputs: { text: input.text } }
      two: { function: rate, inputs: { text: input.text } }
    require: all
    validate: results.two > 1
    concurrency: 1
- id: b
  race:
    branches:
      one: { function: judge, inputs: { text: input.text } }
      two: { function: judge, inputs: { text: "input.texts[0]" } }
""")
    assert isinstance(parallel, ParallelVerb)
    assert [(one.name, one.call.kind, one.call.target) for one in parallel.branches] == [
        ("one", "function", "judge"),
        ("two", "function", "rate"),
    ]
    assert (parallel.require, parallel.concurrency) == ("all", 1)
    assert parallel.validate is not None
    assert parallel.validate.evaluate({"results": {"one": None, "two": 2}}) is True
    assert isinstance(race, RaceVerb)
    assert race.branches[1].call.inputs["text"].canonical == "input.texts[0]"
    assert called(parallel) == (("function", "judge"), ("function", "rate"))
    assert called(race) == (("function", "judge"),)


def test_a_debate_keeps_its_agents_topic_and_conclusion() -> None:
    (debate,) = verbs("""
- id: c
  debate:
    agents: [argue, argue]
    topic: input.plain
    rounds: 3
    agree_on: position
    synthesize: conclude
    unresolved: human
""")
    assert isinstance(debate, DebateVerb)
    assert (debate.agents, debate.synthesize, debate.rounds) == (("argue", "argue"), "conclude", 3)
    assert (debate.agree_on, debate.unresolved, debate.topic.canonical) == (
        "position",
        "human",
        "input.plain",
    )
    assert called(debate) == (("function", "argue"), ("function", "conclude"))


def test_a_question_keeps_what_is_shown_and_the_seconds_it_waits() -> None:
    chosen, free = verbs("""
- id: d
  await_human:
    question: Is it?
    show: { The number: input.n, text: input.plain }
    options: [approve, refuse]
    timeout: 15m
    on_timeout: refuse
- id: e
  await_human: { question: Why? }
""")
    assert isinstance(chosen, HumanVerb)
    assert [(label, shown.canonical) for label, shown in chosen.show.items()] == [
        ("The number", "input.n"),
        ("text", "input.plain"),
    ]
    assert (chosen.question, chosen.options, chosen.answer) == (
        "Is it?",
        ("approve", "refuse"),
        EnumType(("approve", "refuse")),
    )
    assert (chosen.timeout_s, chosen.on_timeout) == (900, "refuse")
    assert isinstance(free, HumanVerb)
    assert (free.answer, free.timeout_s, free.on_timeout) == (StringType(), None, None)
    assert called(free) == ()


def test_contracts_may_be_used_before_they_are_written() -> None:
    text = 'stratum: "1"\ncontracts:\n  A: { b: list<B> }\n  B: { c: opaque<string> }\n'
    text += "flows:\n  main:\n    input: { a: A }\n    output: int\n"
    text += "    steps: [{ id: n, compute: len(input.a.b) }]\n    return: n\n"
    contracts = program(text).contracts
    assert list(contracts) == ["A", "B"]
    field = contracts["B"].field("c")
    assert field is not None
    assert field.type == OpaqueType(StringType())


def test_a_document_with_warnings_has_a_program_and_one_with_errors_has_none() -> None:
    assert check(DOCUMENT.replace("    budget: { usd: 0.5 }\n", "")).ok
    assert not check(DOCUMENT.replace("return: total", "return: totl")).ok
    assert check(b"\xff").program is None
