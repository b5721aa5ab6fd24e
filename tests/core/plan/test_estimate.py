"""Estimates: exact over what is known, bounded over what is not, and honest about what will fail."""

from __future__ import annotations

import json
import random
import time

import pytest

from stratum_core.checks import check
from stratum_core.contracts import FloatType, IntType, JsonValue, ListType, check_value
from stratum_core.errors import ExpressionError, PlanError
from stratum_core.llm import TRANSPORT_RETRIES
from stratum_core.plan import Plan, PlanContext, PlanOptions, build_plan
from stratum_core.plan._rules import shape_of
from stratum_core.plan._sizes import Known, answer_shape, count_most, fit, item_of, json_bytes, size_of
from stratum_core.specs import CallVerb
from tests.core.plan._behaviours import raw_value

OVER_ANSWERS = """
stratum: "1"
contracts:
  Row: {{ name: string, rank: int, tags: list<string> }}
  Got: {{ xs: list<string>, t: string, n: int, r: float, m: map<string>, rows: list<Row>, o: optional<string> }}
functions:
  get: {{ mode: infer, intent: Get it, input: {{ q: string }}, output: Got, max_tokens: 60, retries: 0 }}
  use: {{ mode: infer, intent: Use it, input: {{ v: json }}, output: string, max_tokens: 8, retries: 0 }}
flows:
  main:
    input: {{ q: string, ks: list<string> }}
    output: string
    steps:
      - {{ id: got, function: get, inputs: {{ q: input.q }} }}
      - id: used
        function: use
        inputs:
          v: >-
            {expression}
    return: used
"""
ROOM = 480
"""Bytes of the answer: `max_tokens` times the bytes a token may have."""
EXPRESSIONS = [
    "got",
    "got.xs",
    "got.xs + input.ks",
    "got.t + input.q",
    "got.n * 2 + got.r",
    "-got.n",
    "got.n / 3",
    "got.xs[:2]",
    "got.t[:5]",
    "got.t[1:]",
    "got.xs[0]",
    "got.t[0]",
    "got.m['k']",
    "got.m.get('k', input.q)",
    "got.m.get(got.t, 'none')",
    "got.m.keys()",
    "got.m.values()",
    "got.t.upper()",
    "got.t.lower().strip()",
    "got.t.replace('x', input.q)",
    "got.t.replace(got.t[:1], 'abc')",
    "got.t.split(' ')",
    "got.t.split('x')",
    "', '.join(got.xs)",
    "got.t.join(got.xs)",
    "got.t.count('x')",
    "got.t.startswith('x') or got.n > 1",
    "not got.t.endswith('x')",
    "len(got.t)",
    "len(got.rows)",
    "sorted(got.xs)",
    "set(got.xs)",
    "sort_by(got.rows, 'rank')",
    "top(got.rows, 2, 'rank')",
    "group_by(got.rows, 'name')",
    "flatten([r.tags for r in got.rows])",
    "zip(got.xs, input.ks)",
    "first(got.xs)",
    "last(got.rows)",
    "default(got.o, input.q)",
    "find_all(got.t, 'x')",
    "find_all(got.t, 'x?')",
    "matches(got.t, 'x')",
    "min([r.rank for r in got.rows] + [got.n])",
    "max(got.n, 3)",
    "sum([r.rank for r in got.rows])",
    "any(r.rank > 1 for r in got.rows)",
    "str(got.n) + str(got.r)",
    "round(got.r, 2)",
    "abs(got.r)",
    "int(got.r) if got.r < 9 else 0",
    "[{'a': r.name, 'b': got.t} for r in got.rows if r.rank > 0]",
    "[x + got.t for x in input.ks]",
    "{'t': got.t, 'q': input.q, 'both': [got.o, input.q]}",
    "got.xs if got.n > 3 else input.ks",
    "got.o is None",
    "0 < got.n < 9",
    "'x' in got.xs",
]


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_what_an_expression_makes_of_an_answer_stays_within_its_bound(expression: str) -> None:
    program = check(OVER_ANSWERS.format(expression=expression)).program
    assert program is not None
    get, step = program.functions["get"], program.flows["main"].steps[1]
    assert isinstance(step.verb, CallVerb)
    compiled = step.verb.inputs["v"]
    inputs: JsonValue = {"q": 'a "b" é\x01', "ks": ["k1", "k2 ", "é"]}
    answer = answer_shape(get.output, answer_bytes=ROOM, likely_bytes=50)
    shape = shape_of(compiled, {"input": Known(inputs), "got": answer})
    evaluated = 0

    for seed in range(60):
        chance = random.Random(seed)  # noqa: S311 - a repeatable test
        raw = raw_value(get.output, int(ROOM * chance.choice([0.2, 0.6, 1])), chance)
        if len(raw.encode()) > ROOM:
            continue
        value = check_value(get.output, json.loads(raw))
        assert json_bytes(value) <= answer.most
        try:
            made = compiled.evaluate({"input": inputs, "got": value})
        except ExpressionError:
            continue
        evaluated += 1
        assert json_bytes(made) <= size_of(shape)[0], made
        if isinstance(made, list):
            assert len(made) <= count_most(shape)
            assert all(json_bytes(part) <= size_of(item_of(shape))[0] for part in made)

    assert evaluated > 5


LOOPS = """
stratum: "1"
contracts:
  Part: { parts: {type: list<string>, max_length: 7} }
  Open: { parts: list<string> }
functions:
  split: { mode: infer, intent: Split it, input: { t: string }, output: Part, retries: 0 }
  widen: { mode: infer, intent: Widen it, input: { t: string }, output: Open, retries: 1, max_tokens: 4000 }
  work: { mode: infer, intent: Work on it, input: { t: string }, output: string, retries: 0 }
flows:
  one:
    input: { t: string }
    output: list<string>
    steps:
      - { id: cut, function: split, inputs: { t: input.t } }
      - { id: done, for_each: cut.parts, function: work, inputs: { t: item } }
    return: done
  many:
    input: { ts: list<string> }
    output: list<list<string>>
    steps:
      - { id: all_done, for_each: "[t for t in input.ts if len(t) > 1]", flow: one, inputs: { t: item } }
    return: all_done
  open_ended:
    input: { t: string }
    output: list<string>
    steps:
      - { id: cut, function: widen, inputs: { t: input.t } }
      - { id: done, for_each: cut.parts, function: work, inputs: { t: item } }
    return: done
  pointless:
    input: { t: string, on: bool }
    output: optional<string>
    steps:
      - { id: done, when: input.on, function: work, inputs: { t: input.t } }
    return: done
  breaks:
    input: { ts: list<string> }
    output: list<string>
    steps:
      - id: chosen
        for_each: input.ts
        require: 1
        compute: item[:3] if int(item[3:]) > 0 else item
      - { id: done, for_each: chosen, function: work, inputs: { t: item } }
    return: done
"""


def loops(flow: str, context: PlanContext, **inputs: JsonValue) -> Plan:
    return build_plan(LOOPS, flow=flow, inputs=inputs, context=context)


def test_a_loop_over_data_is_counted_exactly_and_one_over_an_answer_by_its_longest(
    context: PlanContext,
) -> None:
    plan = loops("many", context, ts=["ab", "c", "def", ""])

    # Two of the four are long enough; each is split once and gives at most seven parts.
    assert plan.estimate.most_calls == 2 * (1 + 7)
    assert plan.estimate.worst.calls == 2 * (1 + 7) * (1 + TRANSPORT_RETRIES)
    assert {row.step: row.most_calls for row in plan.estimate.steps} == {"cut": 2, "done": 14}
    assert plan.estimate.loops["flows.many.steps[0]"].items == 2


def test_a_loop_that_only_the_length_of_an_answer_bounds_is_named(context: PlanContext) -> None:
    plan = loops("open_ended", context, t="x")

    assert any("only the length of an answer bounds this list" in text for text in plan.warnings)
    assert plan.estimate.most_calls > 1000
    assert plan.estimate.worst.calls < 10**6


def test_a_condition_that_the_data_decides_costs_nothing_when_false(context: PlanContext) -> None:
    assert loops("pointless", context, t="x", on=False).estimate.most_calls == 0
    assert loops("pointless", context, t="x", on=True).estimate.most_calls == 1


def test_a_plan_without_calls_needs_no_money(context: PlanContext) -> None:
    plan = loops("pointless", context, t="x", on=False)

    assert plan.cap_nusd == 0
    assert plan.estimate.worst.nusd == 0


def test_items_that_fail_for_certain_are_counted_and_not_paid_for(context: PlanContext) -> None:
    plan = loops("breaks", context, ts=["abc1", "abcx", "abc2"])

    assert plan.estimate.most_calls == 2
    assert any("1 item will fail" in text for text in plan.warnings)


def test_a_run_that_fails_for_certain_is_said_before_it_is_paid_for(context: PlanContext) -> None:
    plan = loops("breaks", context, ts=["abcx"])

    assert plan.warnings[0].startswith("this run will fail: flows.breaks.steps[0]")
    assert plan.estimate.most_calls == 0


def test_the_likely_range_lies_between_nothing_and_the_worst_case(context: PlanContext) -> None:
    figures = loops("many", context, ts=["ab", "def"]).estimate

    assert 0 < figures.low_nusd < figures.likely_nusd < figures.high_nusd <= figures.worst.nusd
    assert figures.basis
    assert sum(row.likely_nusd for row in figures.steps) == pytest.approx(figures.likely_nusd, abs=2)


def test_120_rows_plan_in_milliseconds_and_10000_in_seconds(context: PlanContext) -> None:
    started = time.process_time()
    loops("many", context, ts=["some text"] * 120)
    few = time.process_time() - started
    started = time.process_time()
    loops("many", context, ts=["some text"] * 10_000)
    many = time.process_time() - started

    assert few < 0.5
    assert many < 10


BUDGETED = """
stratum: "1"
functions:
  work: { mode: infer, intent: Work on it, input: { t: string }, output: string, budget: { usd: 0.006 } }
flows:
  one:
    input: { t: string }
    output: string
    budget: { usd: 0.004 }
    steps: [{ id: done, function: work, inputs: { t: input.t } }]
    return: done
  main:
    input: { ts: list<string> }
    output: list<string>
    steps: [{ id: all_done, for_each: input.ts, flow: one, inputs: { t: item }, require: 0 }]
    return: all_done
"""


def test_the_budgets_of_calls_and_inner_flows_lower_the_worst_case(context: PlanContext) -> None:
    plan = build_plan(BUDGETED, inputs={"ts": ["a", "b"]}, context=context)

    assert plan.estimate.worst.nusd == 2 * 4_000_000


def test_calls_that_their_own_budget_cannot_pay_are_counted(context: PlanContext) -> None:
    plan = build_plan(BUDGETED, inputs={"ts": ["a", "b" * 9000]}, context=context)

    assert "functions.work.budget: too small for 1 of 2 calls, which would fail" in plan.warnings
    with pytest.raises(PlanError, match="cannot pay a single attempt"):
        build_plan(BUDGETED, inputs={"ts": ["b" * 9000]}, context=context)


def test_a_proposed_cap_is_a_round_number_far_below_an_unlikely_worst_case(context: PlanContext) -> None:
    plan = loops("open_ended", context, t="x")

    assert plan.cap_source == "proposed"
    assert plan.estimate.high_nusd < plan.cap_nusd < plan.estimate.worst.nusd / 5
    assert len(str(plan.cap_nusd).rstrip("0")) <= 2


def test_known_values_keep_their_exact_size() -> None:
    shape = Known(["é", 1, None])

    assert size_of(shape) == (json_bytes(["é", 1, None]), json_bytes(["é", 1, None]))
    assert json_bytes("é") == 4
    assert count_most(shape) == 3
    assert count_most(Known(None)) == 0
    assert item_of(Known([])) == Known(None)
    assert fit(Known([1]), ListType(item=FloatType())) == Known([1.0])
    assert fit(Known(3), IntType()) == Known(3)


@pytest.mark.parametrize(
    ("model", "rule", "kept"),
    [
        ("openai/gpt-4.1-mini", "Mind the house style. " * 400, True),
        ("anthropic/claude-sonnet-5", "Mind the house style. " * 400, True),
        ("anthropic/claude-haiku-4-5", "Mind the house style. " * 400, False),
        ("openai/gpt-4.1-mini", "Mind the house style.", False),
        ("offline", "Mind the house style. " * 400, False),
    ],
)
def test_the_low_end_is_that_of_a_beginning_the_provider_has_kept(
    context: PlanContext, model: str, rule: str, *, kept: bool
) -> None:
    text = f"""
stratum: "1"
functions:
  f: {{ mode: infer, intent: "{rule}", input: {{ note: string }}, output: string, max_tokens: 16, retries: 0 }}
flows:
  main:
    input: {{ notes: list<string> }}
    output: list<string>
    steps: [{{ id: all, for_each: input.notes, function: f, inputs: {{ note: item }} }}]
    return: all
"""
    notes: list[JsonValue] = [f"n{number}" for number in range(20)]
    plan = build_plan(text, inputs={"notes": notes}, context=context, options=PlanOptions(model=model))
    low, likely = plan.estimate.low_nusd, plan.estimate.likely_nusd
    assert (low < likely * 0.5) is kept
    assert low > 0
