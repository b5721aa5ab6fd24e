"""Estimates of verbs of several calls and of what modifies one: sums, votes, iterations, chains, and what is free."""

from __future__ import annotations

from dataclasses import replace

import pytest

from stratum_core.checks import Limits, check
from stratum_core.errors import DiagnosticsError, PlanError
from stratum_core.journal._reviews import MAX_ANSWER_BYTES, MAX_NOTE_BYTES
from stratum_core.llm import (
    RETRY_BLOCK_BYTES,
    TRANSPORT_RETRIES,
    Missing,
    Price,
    PriceTable,
    prompt_tokens_bound,
)
from stratum_core.plan import HUMAN_ANSWER_BYTES, HUMAN_NOTE_BYTES, Plan, PlanContext, PlanOptions, build_plan
from stratum_core.plan._build import estimate_what_if
from stratum_core.plan._cost import attempt_worst, call_cost
from stratum_core.plan._estimate import Estimate, estimate_program
from stratum_core.plan._plan import reopen
from stratum_core.plan._sizes import PYTHON_OUTPUT_BYTES
from stratum_core.runtime._registered import MAX_OUTPUT_BYTES
from stratum_core.specs import InferSpec
from tests.core.plan.conftest import MODEL

FUNCTION = """
stratum: "1"
contracts:
  Mark: {{ kind: {{ enum: [a, b, c] }}, why: {{ type: string, max_length: 100 }} }}
functions:
  judge: {{ mode: infer, intent: Judge it, input: {{ t: string }}, output: Mark, retries: 1{modifiers} }}
  other: {{ mode: infer, intent: Judge it too, input: {{ t: string }}, output: Mark, retries: 1 }}
flows:
  main:
    input: {{ t: string }}
    output: json
    steps:
      - {{ id: got, {verb} }}
    return: "{returned}"
"""
ONE = "function: judge, inputs: { t: input.t }"
X, Y = "{ function: judge, inputs: { t: input.t } }", "{ function: other, inputs: { t: input.t } }"
BRANCHES = f"branches: {{ x: {X}, y: {Y} }}"


def document(verb: str = ONE, modifiers: str = "", returned: str = "got") -> str:
    return FUNCTION.format(verb=verb, modifiers=f", {modifiers}" if modifiers else "", returned=returned)


def planned(context: PlanContext, text: str, **options: object) -> Plan:
    return build_plan(text, inputs={"t": "x"}, context=context, options=PlanOptions(**options))  # pyright: ignore[reportArgumentType]


def judged(context: PlanContext, modifiers: str = "") -> Estimate:
    return planned(context, document(modifiers=modifiers, returned="got.kind")).estimate


def test_a_quorum_costs_as_many_calls_as_votes(context: PlanContext) -> None:
    plain, voted = judged(context), judged(context, "quorum: 3, agree_on: kind, threshold: 2")

    assert voted.worst.nusd == 3 * plain.worst.nusd
    assert voted.worst.calls == 3 * plain.worst.calls
    assert voted.most_calls == 3
    assert voted.least_attempt_nusd == 3 * plain.least_attempt_nusd


def test_a_budget_must_pay_the_first_request_of_every_vote(context: PlanContext) -> None:
    once = judged(context).least_attempt_nusd
    budget = f"budget: {{ usd: {2 * once / 1e9:.9f} }}"

    with pytest.raises(PlanError, match="a single attempt of each of its 3 votes"):
        judged(context, f"quorum: 3, agree_on: kind, threshold: 2, {budget}")
    assert judged(context, budget).worst.nusd <= 2 * once


def test_every_iteration_of_a_refine_is_a_call_with_a_block_of_feedback(context: PlanContext) -> None:
    refine = "refine: { until: 'len(result.why) > 3', feedback: result.why, max_iterations: 4 }"
    plain, refined = judged(context), judged(context, refine)
    price = context.prices.price(MODEL)
    assert price is not None
    per_request = price.worst_nusd(prompt_tokens_bound(RETRY_BLOCK_BYTES), 0)

    assert refined.worst.calls == 4 * plain.worst.calls
    assert refined.worst.nusd == pytest.approx(
        4 * (plain.worst.nusd + plain.worst.calls * per_request), rel=0.05
    )
    assert refined.most_calls == 4
    assert 1 < refined.likely_calls < 4


def test_votes_and_iterations_multiply_and_the_functions_own_budget_caps_them_all(
    context: PlanContext,
) -> None:
    both = (
        "quorum: 3, agree_on: kind, threshold: 2, "
        "refine: { until: 'len(result.why) > 3', feedback: result.why, max_iterations: 2 }"
    )

    assert judged(context, both).worst.calls == 3 * 2 * (1 + 1 + TRANSPORT_RETRIES)
    assert judged(context, f"{both}, budget: {{ usd: 0.02 }}").worst.nusd == 20_000_000


def test_a_chain_of_models_is_priced_at_its_dearest_with_one_request_more_for_each(
    context: PlanContext,
) -> None:
    dear = "anthropic/claude-sonnet-4-5"
    plain, chained = judged(context), judged(context, f"fallbacks: [{dear}]")
    on_dear = judged(replace(context, default_model=dear))

    assert chained.worst.calls == plain.worst.calls + 1
    assert chained.worst.nusd > on_dear.worst.nusd
    assert chained.likely_nusd == plain.likely_nusd


def test_models_that_step_in_are_listed_checked_and_asked_for_their_keys(context: PlanContext) -> None:
    text = document(modifiers="fallbacks: [openai/gpt-4.1-mini]", returned="got.kind")
    plan = planned(context, text)

    assert plan.models == {"judge": MODEL, "judge.fallbacks[0]": "openai/gpt-4.1-mini"}
    assert "if another model cannot answer" in plan.summary.replace("\n", " ")
    with pytest.raises(DiagnosticsError, match="is not allowed here"):
        planned(replace(context, limits=Limits(models_allowed=(MODEL,))), text)
    with pytest.raises(PlanError, match="price of openai/nobody is not known"):
        planned(context, text.replace("gpt-4.1-mini", "nobody"))

    def missing_for(model: str) -> Missing | None:
        return Missing(kind="key", name="OPENAI_API_KEY") if "openai" in model else None

    (lacks,) = planned(replace(context, missing_for=missing_for), text).warnings
    assert "before openai/gpt-4.1-mini can be called: set OPENAI_API_KEY" in lacks


def test_nothing_steps_in_for_the_offline_model_or_for_one_that_is_tried_out(context: PlanContext) -> None:
    text = document(modifiers="fallbacks: [openai/gpt-4.1-mini]", returned="got.kind")

    offline = planned(context, text, model="offline")
    assert offline.models == {"judge": "offline"}
    spec = offline.program.functions["judge"]
    assert isinstance(spec, InferSpec)
    assert spec.fallbacks == ()

    reopened = reopen(planned(context, text).to_record())
    spec = reopened.program.functions["judge"]
    assert isinstance(spec, InferSpec)
    assert spec.fallbacks == ("openai/gpt-4.1-mini",)
    tried = estimate_what_if(reopened, context, model=MODEL)
    assert tried.worst == judged(context).worst


@pytest.mark.parametrize("require", ["all", "any", "1", "2", "0"])
def test_branches_cost_their_sum_whatever_is_required(context: PlanContext, require: str) -> None:
    plan = planned(context, document(f"parallel: {{ require: {require}, {BRANCHES} }}"))

    assert plan.estimate.worst.calls == 2 * (1 + 1 + TRANSPORT_RETRIES)
    assert plan.estimate.worst.nusd == sum(step.worst_nusd for step in plan.estimate.steps)
    assert [step.function for step in plan.estimate.steps] == ["judge", "other"]


def test_a_race_is_expected_to_cost_what_is_reserved_for_its_loser(context: PlanContext) -> None:
    race = planned(context, document(f"race: {{ {BRANCHES} }}")).estimate
    every = planned(context, document(f"parallel: {{ {BRANCHES} }}")).estimate

    assert race.worst == every.worst
    assert race.low_nusd == every.low_nusd
    assert every.likely_nusd < race.likely_nusd <= race.high_nusd < race.worst.nusd


ROUNDS = """
stratum: "1"
contracts:
  Stand: {{ side: {{ enum: [yes_side, no_side] }}, said: {{ type: string, max_length: 200 }} }}
functions:
  pro: {{ mode: infer, intent: Speak for it, input: {{ topic: string, arguments: optional<json> }}, output: Stand }}
  con: {{ mode: infer, intent: Speak against it, input: {{ topic: string, arguments: optional<json> }}, output: Stand }}
  end: {{ mode: infer, intent: Conclude, input: {{ topic: string, arguments: json, converged: bool }}, output: Stand }}
flows:
  main:
    input: {{ t: string }}
    output: json
    steps:
      - id: got
        debate: {{ agents: [pro, con], topic: input.t, rounds: {rounds}, synthesize: end, unresolved: {unresolved} }}
    return: "[got.side, str(got.converged)]"
"""


def debate(context: PlanContext, rounds: int, unresolved: str = "synthesize") -> Estimate:
    return planned(context, ROUNDS.format(rounds=rounds, unresolved=unresolved)).estimate


def test_a_debate_asks_every_agent_in_every_round_and_concludes_once(context: PlanContext) -> None:
    for rounds in (1, 2, 5):
        assert debate(context, rounds).most_calls == 2 * rounds + 1
    assert 3 < debate(context, 2).likely_calls < 5


def test_later_rounds_hear_more_and_so_cost_more(context: PlanContext) -> None:
    one, two, three = (debate(context, rounds).worst.nusd for rounds in (1, 2, 3))

    assert three - two > two - one > 0


def test_a_persons_word_makes_the_conclusion_longer_and_costs_nothing_else(context: PlanContext) -> None:
    alone, asked = debate(context, 2), debate(context, 2, "human")

    assert asked.worst.calls == alone.worst.calls
    assert 0 < asked.worst.tokens - alone.worst.tokens < 1_000


def test_a_decided_field_may_be_as_long_as_what_the_agents_say_there(context: PlanContext) -> None:
    def read(unresolved: str) -> Estimate:
        text = ROUNDS.format(rounds=1, unresolved=f"{unresolved}, agree_on: said").replace(
            "output: Stand }\nflows:",
            "output: Stand, max_tokens: 20 }\n  use: { mode: infer, intent: Use it, "
            "input: { v: string }, output: bool, max_tokens: 8, retries: 0 }\nflows:",
        )
        text = text.replace("{ type: string, max_length: 200 }", "string")
        text = text.replace(
            "    return:", "      - { id: seen, function: use, inputs: { v: got.said } }\n    return:"
        )
        return planned(context, text).estimate

    asked, alone = read("human").steps[-1], read("synthesize").steps[-1]
    assert asked.function == alone.function == "use"
    assert asked.worst_nusd > alone.worst_nusd


ASKED = """
stratum: "1"
functions:
  use: { mode: infer, intent: Use it, input: { v: json }, output: string, max_tokens: 8, retries: 0 }
flows:
  main:
    input: { t: string }
    output: string
    steps:
      - { id: vote, await_human: { question: Go on?, %s } }
      - { id: used, function: use, inputs: { v: vote } }
    return: used
"""


def test_a_persons_answer_is_free_and_bounded_by_its_type_or_by_a_stated_limit(context: PlanContext) -> None:
    chosen = planned(context, ASKED % "options: [go, stay]").estimate
    free = planned(context, ASKED % "timeout: 1h").estimate

    assert chosen.most_calls == free.most_calls == 1
    assert free.worst.tokens - chosen.worst.tokens >= (HUMAN_ANSWER_BYTES - 20) // 2
    assert (HUMAN_ANSWER_BYTES, HUMAN_NOTE_BYTES) == (MAX_ANSWER_BYTES, MAX_NOTE_BYTES)


def test_what_registered_code_returns_is_bounded_by_its_type_or_by_a_stated_limit() -> None:
    text = """
stratum: "1"
functions:
  make: { mode: compute, python: make_it, input: { t: string }, output: %s }
  use: { mode: infer, intent: Use it, input: { v: json }, output: string, max_tokens: 8, retries: 0 }
flows:
  main:
    input: { t: string }
    output: string
    steps:
      - { id: made, function: make, inputs: { t: input.t } }
      - { id: used, function: use, inputs: { v: made } }
    return: used
"""
    price = PriceTable.load().price(MODEL)
    assert price is not None

    def tokens(output: str) -> int:
        program = check(text % output, limits=Limits(compute_registry=frozenset({"make_it"}))).program
        assert program is not None
        program = replace(
            program,
            functions={
                n: replace(s, model=MODEL) if isinstance(s, InferSpec) else s
                for n, s in program.functions.items()
            },
        )
        return estimate_program(program, "main", {"t": "x"}, price_of={MODEL: price}).worst.tokens

    assert tokens("int") < 10_000
    assert tokens("json") > PYTHON_OUTPUT_BYTES
    assert PYTHON_OUTPUT_BYTES == MAX_OUTPUT_BYTES


def test_one_sample_is_a_few_bytes_more_than_the_answer(context: PlanContext) -> None:
    text = document(modifiers="stable: false", returned="[most_likely(got).kind]")

    assert planned(context, text).estimate.worst == judged(context).worst


def test_what_certainly_fails_in_a_branch_fails_the_step_only_where_it_is_needed(
    context: PlanContext,
) -> None:
    broken = BRANCHES.replace(X, X.replace("input.t }", "'[input.t][3]' }"))

    def warned(require: str) -> str:
        return " ".join(planned(context, document(f"parallel: {{ require: {require}, {broken} }}")).warnings)

    assert "this run will fail" in warned("all")
    assert "this run will fail" in warned("2")
    assert "this run will fail" not in warned("any")
    assert "this run will fail" not in warned("0")


def test_the_condition_on_results_is_followed_where_it_is_decided(context: PlanContext) -> None:
    listed = """
stratum: "1"
flows:
  main:
    input: { ns: list<int> }
    output: list<int>
    steps:
      - { id: some, for_each: input.ns, compute: item * 2, validate: len(results) > 2 }
    return: some
"""

    def warnings(ns: list[int]) -> tuple[str, ...]:
        return build_plan(listed, inputs={"ns": list(ns)}, context=context).warnings

    assert warnings([1, 2, 3]) == ()
    assert "is false for its results" in warnings([1])[0]


def test_the_dearest_of_several_prices_counts() -> None:
    program = check(document(returned="got.kind")).program
    assert program is not None
    spec = program.functions["judge"]
    assert isinstance(spec, InferSpec)
    table = PriceTable.load()
    found = [table.price(name) for name in (MODEL, "anthropic/claude-sonnet-4-5")]
    prices = [price for price in found if isinstance(price, Price)]

    assert attempt_worst(spec, prices, 10) == attempt_worst(spec, prices[1:], 10)
    assert (
        call_cost(spec, prices, most_bytes=10, likely_bytes=5).likely
        == call_cost(spec, prices[:1], most_bytes=10, likely_bytes=5).likely
    )


TOLD = """
stratum: "1"
contracts:
  Stand: {{ side: {{ enum: [yes_side, no_side] }}, count: int }}
functions:
  pro: {{ mode: infer, intent: Speak for it, input: {{ topic: string, arguments: optional<json> }}, output: Stand }}
  con: {{ mode: infer, intent: Speak against it, input: {{ topic: string, arguments: optional<json> }}, output: Stand }}
  end: {{ mode: infer, intent: Conclude, input: {{ topic: string, arguments: json, converged: bool }}, output: Stand }}
  ask: {{ mode: infer, intent: Ask it, input: {{ t: string }}, output: Stand{modifiers} }}
flows:
  main:
    input: {{ t: string }}
    output: json
    steps:
      - {{ id: got, {verb} }}
    return: '"done"'
"""
SIDES = "agents: [pro, con, pro], topic: input.t, synthesize: end"
ASK = "{ function: ask, inputs: { t: input.t } }"
TWICE = f"branches: {{ first_try: {ASK}, second_try: {ASK} }}"


@pytest.mark.parametrize(
    ("verb", "modifiers", "words"),
    [
        (
            f"debate: {{ {SIDES}, rounds: 1 }}",
            "",
            "let three sides argue for one round, until they say the same:",
        ),
        (
            f"debate: {{ {SIDES}, agree_on: side, unresolved: human }}",
            "",
            '- if they do not agree, ask you to decide - then "conclude"',
        ),
        (
            f"debate: {{ {SIDES}, unresolved: human }}",
            "",
            '- if they do not agree, ask you; what you say is one more argument - then "conclude"',
        ),
        (f"debate: {{ {SIDES}, unresolved: fail }}", "", "- if they do not agree, stop here"),
        (f"debate: {{ {SIDES}, agree_on: side }}", "", "up to two rounds, until they say the same side:"),
        (f"parallel: {{ {TWICE}, concurrency: 1 }}", "", 'One at a time, I\'ll: - for first try: "ask it"'),
        (f"parallel: {{ {TWICE}, require: any }}", "", "At the same time, until one succeeds, I'll:"),
        (f"parallel: {{ {TWICE}, require: 0 }}", "", "At the same time, leaving out what fails, I'll:"),
        (f"race: {{ {TWICE} }}", "", "At the same time, taking the first that succeeds, I'll:"),
        (
            "await_human: { question: 'Go on?', options: [go, stay], timeout: 24h, on_timeout: stay }",
            "",
            'ask you: "Go on?" ("go" or "stay"), waiting up to 24 hours, then taking "stay".',
        ),
        (
            "await_human: { question: 'Why?', timeout: 90m }",
            "",
            "(in your own words), waiting up to 90 minutes, then giving up",
        ),
        ("await_human: { question: 'Sure?', type: bool }", "", '"Sure?" (yes or no).'),
        ("await_human: { question: 'How many?', type: int }", "", '"How many?" (a number).'),
        (
            "function: ask, inputs: { t: input.t }",
            ", quorum: 5, agree_on: side, threshold: 3",
            '"ask it", asked five times; at least three must agree on the side.',
        ),
        (
            "function: ask, inputs: { t: input.t }",
            ", refine: { until: result.count == 0, feedback: t, max_iterations: 1 }",
            '"ask it", and only if the count is 0.',
        ),
        (
            "function: ask, inputs: { t: input.t }",
            ", cache: session",
            "Equal requests are made and paid once.",
        ),
        ("function: ask, inputs: { t: input.t }", ", cache: global", "is used again, free of charge."),
    ],
)
def test_every_verb_and_modifier_is_told_in_plain_words(
    context: PlanContext, verb: str, modifiers: str, words: str
) -> None:
    summary = planned(context, TOLD.format(verb=verb, modifiers=modifiers)).summary

    assert words in " ".join(summary.split())
    assert len(summary.splitlines()) <= 20
