"""The worst case holds: whatever models answer, what a run reserves stays at or below it, on every axis."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stratum_core.budget import Usage
from stratum_core.plan import Plan, PlanContext, PlanOptions, Roots, build_plan
from stratum_core.plan._estimate import estimate_program
from stratum_core.specs import InferSpec
from tests.core.plan._behaviours import WorstLuck, prices, reserved_by_a_run
from tests.core.plan._documents import Exact, random_document
from tests.core.plan.conftest import MODEL, NOW
from tests.core.plan.test_describe import GOLDEN, REQUESTS, plan_of


@cache
def corpus_plan(name: str) -> Plan:
    return plan_of(name, PlanContext(roots=Roots(), prices=prices(), now=NOW, default_model=MODEL))


def worst_without_budgets(plan: Plan) -> tuple[Plan, Usage]:
    """Return the plan and its worst case without the budgets that would stop a run short of it."""
    flows = {name: replace(flow, budget=None) for name, flow in plan.program.flows.items()}
    functions = {
        name: replace(spec, budget=None) if isinstance(spec, InferSpec) else spec
        for name, spec in plan.program.functions.items()
    }
    program = replace(plan.program, flows=flows, functions=functions)
    price_of = {model: price for model in plan.models.values() if (price := prices().price(model))}
    estimate = estimate_program(program, plan.flow, plan.values, price_of=price_of)
    return replace(plan, program=program), estimate.worst


@settings(max_examples=60, deadline=None)
@given(name=st.sampled_from([name for name in GOLDEN if name not in REQUESTS]), seed=st.integers(0, 10_000))
def test_no_answer_makes_a_run_reserve_more_than_the_worst_case(name: str, seed: int) -> None:
    plan, worst = worst_without_budgets(corpus_plan(name))

    used = reserved_by_a_run(plan, seed)

    assert used.calls <= worst.calls
    assert used.tokens <= worst.tokens
    assert used.nusd <= worst.nusd


@settings(max_examples=150, deadline=None)
@given(document=st.integers(0, 100_000), seed=st.integers(0, 10_000))
def test_no_document_of_any_verbs_and_modifiers_reserves_more_than_its_worst_case(
    document: int, seed: int
) -> None:
    context = PlanContext(roots=Roots(), prices=prices(), now=NOW, default_model=MODEL)
    plan = build_plan(random_document(document), flow="main", inputs={"t": "a box of é"}, context=context)

    used = reserved_by_a_run(plan, seed)

    assert used.calls <= plan.estimate.worst.calls
    assert used.tokens <= plan.estimate.worst.tokens
    assert used.nusd <= plan.estimate.worst.nusd


@pytest.mark.parametrize("exact", ["succeeding", "failing"])
def test_requests_that_use_all_that_was_set_aside_for_them_cost_exactly_the_worst_case(exact: Exact) -> None:
    context = PlanContext(roots=Roots(), prices=prices(), now=NOW, default_model=MODEL)
    for seed in range(25):
        plan = build_plan(random_document(seed, exact=exact), inputs={"t": "a box of é"}, context=context)
        luck = WorstLuck(plan=plan, value="a box of é", at_last=exact == "succeeding")

        used = luck.run()

        assert luck.planned == plan.estimate.worst, seed
        assert used.calls == plan.estimate.worst.calls
        assert used.nusd <= plan.estimate.worst.nusd


def test_the_worst_luck_stays_within_the_worst_case_of_any_document() -> None:
    context = PlanContext(roots=Roots(), prices=prices(), now=NOW, default_model=MODEL)
    for seed in range(40):
        plan = build_plan(random_document(seed), flow="main", inputs={"t": "a box of é"}, context=context)

        used = WorstLuck(plan=plan).run()

        assert used.calls <= plan.estimate.worst.calls
        assert used.tokens <= plan.estimate.worst.tokens
        assert used.nusd <= plan.estimate.worst.nusd


CHAIN = """
stratum: "1"
contracts:
  Part: { name: string, weight: float, note: optional<string> }
  Parts: { parts: list<Part>, extra: json }
  Closed: { total: string, shout: string }
functions:
  list_parts: { mode: infer, intent: List the parts, input: { text: string }, output: Parts, max_tokens: 60 }
  weigh:
    mode: infer
    intent: Weigh a part
    input: { part: Part, all: string }
    output: list<float>
    max_tokens: 40
  close:
    mode: infer
    intent: Close the list
    input: { rows: "list<list<float>>", heavy: "list<Part>", extra: json }
    output: string
flows:
  main:
    input: { text: string }
    output: Closed
    steps:
      - { id: listed, function: list_parts, inputs: { text: input.text } }
      - { id: heavy, compute: "sort_by([p for p in listed.parts if p.weight > 2], 'name')" }
      - id: weighed
        for_each: heavy[:5]
        require: 0
        function: weigh
        inputs: { part: item, all: '", ".join([p.name.upper() + str(index) for p in listed.parts])' }
      - { id: closed, function: close, inputs: { rows: weighed, heavy: heavy + listed.parts, extra: listed.extra } }
    return:
      total: closed
      shout: closed.replace("a", input.text).upper()
"""


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_values_made_by_calls_and_expressions_stay_within_their_bounds(seed: int) -> None:
    context = PlanContext(roots=Roots(), prices=prices(), now=NOW, default_model=MODEL)
    plan = build_plan(CHAIN, inputs={"text": "a box of é"}, context=context, options=PlanOptions())

    used = reserved_by_a_run(plan, seed)

    assert used.calls <= plan.estimate.worst.calls
    assert used.tokens <= plan.estimate.worst.tokens
    assert used.nusd <= plan.estimate.worst.nusd


FAILING = """
stratum: "1"
functions:
  try_it: { mode: infer, intent: Try it, input: { t: string }, output: int, retries: 0, max_tokens: 20 }
  use: { mode: infer, intent: Use it, input: { kept: json, nulls: json, one: json }, output: string, retries: 0 }
flows:
  main:
    input: { ts: list<string> }
    output: optional<string>
    steps:
      - { id: kept, for_each: input.ts, function: try_it, inputs: { t: item }, require: 0, on_error: keep }
      - { id: nulls, for_each: input.ts, function: try_it, inputs: { t: item }, require: 0, on_error: none }
      - { id: one, function: try_it, inputs: { t: "'x'" }, on_error: none }
      - { id: used, function: use, inputs: { kept: kept, nulls: nulls, one: one }, on_error: none }
    return: used
"""


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_what_failed_items_leave_stays_within_its_bound(seed: int) -> None:
    context = PlanContext(roots=Roots(), prices=prices(), now=NOW, default_model=MODEL)
    plan = build_plan(FAILING, inputs={"ts": ["a", "b", "c", "d"]}, context=context)

    used = reserved_by_a_run(plan, seed)

    assert used.tokens <= plan.estimate.worst.tokens
    assert used.nusd <= plan.estimate.worst.nusd
