"""Caps on requests and tokens: in a function, in a flow, and in the options of a plan."""

from __future__ import annotations

from dataclasses import replace

import pytest

from stratum_core.budget import Budget
from stratum_core.checks import check
from stratum_core.errors import PlanError
from stratum_core.ir import dump, load
from stratum_core.llm import max_attempts
from stratum_core.plan import Plan, PlanContext, PlanOptions, build_plan, reopen
from stratum_core.specs import InferSpec

NOTES = ["first", "second", "third"]


def written(*, function: str = "", inner: str = "", outer: str = "") -> str:
    """Return a document whose function, inner flow and outermost flow have these budgets."""
    return f"""\
stratum: "1"
functions:
  judge:
    mode: infer
    intent: Judge a note
    input: {{ note: string }}
    output: string
    max_tokens: 100
    {function}
flows:
  one:
    input: {{ note: string }}
    output: string
    {inner}
    steps:
      - {{ id: first, function: judge, inputs: {{ note: input.note }} }}
      - {{ id: second, function: judge, inputs: {{ note: first }} }}
    return: second
  main:
    input: {{ notes: list<string> }}
    output: list<string>
    {outer}
    steps:
      - {{ id: all, for_each: input.notes, flow: one, inputs: {{ note: item }} }}
    return: all
"""


def planned(text: str, context: PlanContext, **options: int) -> Plan:
    return build_plan(
        text, inputs={"notes": [*NOTES]}, context=context, options=PlanOptions.from_json({**options})
    )


ATTEMPTS = 6  # 3 retries, 2 transport retries and the first


def test_without_a_cap_every_attempt_counts(context: PlanContext) -> None:
    assert planned(written(), context).estimate.worst.calls == 3 * 2 * ATTEMPTS


@pytest.mark.parametrize(
    ("text", "calls"),
    [
        (written(function="budget: { calls: 4 }"), 3 * 2 * 4),
        (written(inner="budget: { calls: 4 }"), 3 * 4),
        (written(outer="budget: { calls: 4 }"), 4),
        (written(function="budget: { calls: 2 }", inner="budget: { calls: 3 }", outer="budget: { calls: 40 }"), 9),
    ],
)  # fmt: skip
def test_a_budget_for_calls_bounds_the_requests_and_with_them_the_money(
    context: PlanContext, text: str, calls: int
) -> None:
    worst = planned(text, context).estimate.worst
    dearest = planned(written(), context, cap_calls=1).estimate.worst.nusd
    assert worst.calls == calls
    assert worst.nusd <= calls * dearest
    assert worst.nusd < planned(written(), context).estimate.worst.nusd


def test_the_options_of_a_plan_can_only_lower_what_its_flow_allows(context: PlanContext) -> None:
    text = written(outer="budget: { calls: 8, tokens: 50000 }")
    assert planned(text, context, cap_calls=4).estimate.worst.calls == 4
    assert planned(text, context, cap_calls=40).estimate.worst.calls == 8
    assert planned(text, context, cap_tokens=9_000).estimate.worst.tokens == 9_000
    assert planned(written(), context, cap_calls=5).estimate.worst.calls == 5
    assert planned(text, context, cap_calls=4).plan_hash != planned(text, context).plan_hash


def test_the_runner_is_given_the_smaller_of_both(context: PlanContext) -> None:
    plan = planned(written(outer="budget: { calls: 8, tokens: 50 }"), context, cap_calls=4)
    assert plan.options.counted_caps(plan.program.flows["main"]) == Budget(calls=4, tokens=50)


def test_votes_that_the_calls_cannot_pay_are_refused(context: PlanContext) -> None:
    votes = "quorum: 3, agree_on: kind, threshold: 2"
    text = written(function="budget: { calls: 2 }").replace(
        "output: string\n    max_tokens", "output: V\n    max_tokens"
    )
    text = text.replace("functions:", "contracts: { V: { kind: string } }\nfunctions:", 1)
    text = text.replace("max_tokens: 100", f"max_tokens: 100\n    {votes.replace(', ', chr(10) + '    ')}")
    text = text.replace("note: first }", "note: first.kind }").replace(
        "return: second", "return: second.kind"
    )
    with pytest.raises(PlanError, match=r"judge\.budget \(its calls\) cannot pay"):
        planned(text, context)


def test_a_budget_for_calls_survives_being_written_anew() -> None:
    text = written(function="budget: { calls: 4 }")
    document = load(text).document
    assert document is not None
    again = load(dump(document)).document
    assert again is not None
    assert "calls: 4" in dump(document)
    assert again.functions["judge"] == document.functions["judge"]


def test_a_flow_with_a_budget_for_calls_counts_as_capped() -> None:
    codes = [found.code for found in check(written(outer="budget: { calls: 4 }")).diagnostics]
    assert "W501" not in codes
    text = written(inner="budget: { calls: 9 }", outer="budget: { calls: 4 }")
    messages = [found.message for found in check(text).diagnostics if found.code == "W502"]
    assert messages == ["one call of `one` may use 9 requests, more than the whole flow's 4 requests"]


@pytest.mark.parametrize("calls", ["0", "1.5", "-1", "x"])
def test_a_number_of_calls_is_a_whole_number_above_zero(calls: str) -> None:
    assert check(written(function=f"budget: {{ calls: {calls} }}")).program is None


def test_the_rule_for_calls_that_may_have_been_paid_is_part_of_the_plan(context: PlanContext) -> None:
    usual = planned(written(), context)
    strict = planned(written(), replace(context, possibly_paid="fail"))
    assert usual.plan_hash != strict.plan_hash
    assert reopen(usual.to_record()).possibly_paid == "retry"
    assert reopen(strict.to_record()).possibly_paid == "fail"


def test_one_number_covers_every_kind_of_retry_and_the_worst_case_counts_on_it(context: PlanContext) -> None:
    text = written(function="retries: 1\n    fallbacks: [openai/gpt-4.1-mini]")
    plan = planned(text, context)
    (spec,) = (each for each in plan.program.functions.values() if isinstance(each, InferSpec))
    assert max_attempts(spec) == 1 + 1 + 2 + 1
    assert plan.estimate.worst.calls == 3 * 2 * max_attempts(spec)
