"""History: earlier runs change what is likely and how it is told, and nothing that an approval covers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from bench._calibration import coverage, live
from bench._worlds import WORLDS
from stratum_core.contracts import JsonValue
from stratum_core.journal import Outcome, call_subject, outcome_of, step_subject, work_of
from stratum_core.llm import PriceTable
from stratum_core.plan import Plan, PlanContext, build_plan, estimate_what_if, reopen
from stratum_core.plan._history import accuracy_words, basis_words, range_of
from tests.core.plan.conftest import MODEL

DOCUMENT = """
stratum: "1"
contracts:
  Tone: { label: { enum: [good, bad] }, why: { type: string, max_length: 300 } }
  Parts: { parts: { type: "list<string>", max_length: 50 } }
functions:
  judge: { mode: infer, intent: Judge it, input: { note: string }, output: Tone }
  split: { mode: infer, intent: Split it, input: { note: string }, output: Parts }
  reply:
    mode: infer
    intent: Answer it
    input: { note: string }
    output: { type: string, max_length: 300 }
    refine: { until: len(result) > 3, feedback: result, max_iterations: 4 }
flows:
  main:
    input: { notes: list<string> }
    output: json
    steps:
      - { id: parts, function: split, inputs: { note: "input.notes[0]" } }
      - { id: tones, for_each: parts.parts, function: judge, inputs: { note: item } }
      - { id: answer, when: "tones[0].label == 'bad'", function: reply, inputs: { note: "input.notes[0]" } }
    return: tones
"""


@dataclass
class Memory:
    """What is remembered, in memory."""

    subjects: dict[str, list[Mapping[str, JsonValue]]] = field(
        default_factory=dict[str, list[Mapping[str, JsonValue]]]
    )
    outcomes: list[Outcome] = field(default_factory=list[Outcome])

    def seen(self, subject: str) -> Sequence[Mapping[str, JsonValue]]:
        return self.subjects.get(subject, [])

    def outcomes_of(self, work: str) -> Sequence[Outcome]:
        return [each for each in self.outcomes if each.work == work]

    def last_outcomes(self, *, simulated: bool, limit: int) -> Sequence[Outcome]:
        return [each for each in self.outcomes if each.simulated == simulated][-limit:]


def planned(context: PlanContext, memory: Memory | None = None, notes: int = 2) -> Plan:
    known = context if memory is None else replace(context, history=memory)
    return build_plan(DOCUMENT, inputs={"notes": ["a note"] * notes}, context=known)


def call(*, asks: int = 10, output: int = 400, factor: float = 1.0, **more: int) -> Mapping[str, JsonValue]:
    """Return what a run showed of a function: 300 prompt tokens a question, of a bound of 1,000."""
    priced = asks * (300 * 1_000 + output // asks * 5_000)
    nusd = round(priced * factor)
    return {
        "asks": asks,
        "bound_tokens": 1_000 * asks,
        "input_tokens": 300 * asks,
        "output_tokens": output,
        "nusd": nusd,
        "priced_nusd": priced,
        "bound_squares": 1_000_000 * asks,
        "nusd_squares": nusd * nusd // asks,
        "products": 1_000 * nusd,
        "calls": 0,
        "iterations": 0,
        **more,
    }


def subject(plan: Plan, function: str) -> str:
    return call_subject(plan.program.functions[function].function_hash, MODEL)


def outcome(plan: Plan, actual_nusd: int, number: int = 0) -> Outcome:
    work = work_of(plan.program, plan.flow, plan.models)
    return outcome_of(plan.to_record(), run_id=f"run_{number}", work=work, actual_nusd=actual_nusd)


def step(figures: Plan, function: str) -> tuple[float, int]:
    """Return the calls and dollars that a function is likely to take."""
    row = next(each for each in figures.estimate.steps if each.function == function)
    return row.likely_calls, row.likely_nusd


def test_a_function_is_expected_to_use_what_it_used(context: PlanContext) -> None:
    new = planned(context)
    short, long = Memory(), Memory()
    short.subjects[subject(new, "split")] = [call(output=100)]
    long.subjects[subject(new, "split")] = [call(output=1_000)]

    assert step(planned(context, short), "split")[1] < step(planned(context, long), "split")[1]
    assert step(planned(context, long), "judge") == step(new, "judge")


def test_later_runs_and_larger_ones_weigh_more(context: PlanContext) -> None:
    new = planned(context)

    def after(*runs: Mapping[str, JsonValue]) -> int:
        return step(planned(context, Memory({subject(new, "split"): list(runs)})), "split")[1]

    short, long, one_long = call(output=100), call(output=1_000), call(asks=1, output=100)
    assert after(short, short) < after(long, short) < after(short, long) < after(long, long)
    assert after(one_long, short) < after(long, short)


def test_what_is_paid_beside_the_list_price_is_expected_again(context: PlanContext) -> None:
    new = planned(context)
    plain = planned(context, Memory({subject(new, "split"): [call()]}))
    cached = planned(context, Memory({subject(new, "split"): [call(factor=0.5)]}))

    assert step(cached, "split")[1] == pytest.approx(step(plain, "split")[1] / 2, rel=0.01)


def test_how_often_a_condition_held_and_how_long_a_list_was_are_expected_again(context: PlanContext) -> None:
    new = planned(context)
    ir_hash = new.program.ir_hash
    memory = Memory()
    memory.subjects[step_subject(ir_hash, "flows.main.steps[1].for_each")] = [{"came": 4, "happened": 80}]
    memory.subjects[step_subject(ir_hash, "flows.main.steps[2].when")] = [{"came": 100, "happened": 0}]
    learned = planned(context, memory)

    assert step(new, "judge")[0] == 5
    assert step(learned, "judge")[0] == pytest.approx(20)
    assert step(learned, "reply")[0] == 0 < step(new, "reply")[0]


def test_iterations_are_expected_to_be_as_many_as_they_were(context: PlanContext) -> None:
    new = planned(context)
    memory = Memory({subject(new, "reply"): [call(calls=10, iterations=30)]})
    memory.subjects[step_subject(new.program.ir_hash, "flows.main.steps[2].when")] = [
        {"came": 10, "happened": 10}
    ]

    assert step(planned(context, memory), "reply")[0] == pytest.approx(3)


def test_nothing_that_is_approved_depends_on_earlier_runs(context: PlanContext) -> None:
    new = planned(context)
    functions = ("split", "judge", "reply")
    memory = Memory({subject(new, name): [call(output=9_000)] * 5 for name in functions})
    memory.outcomes = [replace(outcome(new, 10**9), learned=True)] * 8
    learned = planned(context, memory)

    assert learned.plan_hash == new.plan_hash
    assert (learned.cap_nusd, learned.at_most_nusd) == (new.cap_nusd, new.at_most_nusd)
    assert learned.estimate.worst == new.estimate.worst
    assert [each.worst_nusd for each in learned.estimate.steps] == [
        each.worst_nusd for each in new.estimate.steps
    ]
    assert learned.estimate.likely_nusd != new.estimate.likely_nusd


def test_the_likely_range_stays_below_what_a_run_can_cost_at_all(context: PlanContext) -> None:
    new = planned(context)
    memory = Memory({subject(new, name): [call(output=900_000)] for name in ("split", "judge", "reply")})
    figures = planned(context, memory).estimate

    assert figures.low_nusd <= figures.likely_nusd <= figures.high_nusd <= figures.worst.nusd


def test_errors_move_the_figure_and_their_size_sets_the_width(context: PlanContext) -> None:
    new = planned(context)
    memory = Memory({subject(new, name): [call()] for name in ("split", "judge", "reply")})
    plan = planned(context, memory)

    def after(factors: Sequence[float]) -> tuple[float, float]:
        found = [
            replace(outcome(plan, round(plan.estimate.likely_nusd * factor), number), noise=0.0)
            for number, factor in enumerate(factors)
        ]
        raw = plan.estimate.raw_nusd
        quoted = range_of(raw, 0.0, found)
        return quoted.likely_nusd / raw, quoted.high_nusd / quoted.low_nusd

    near, off, wild = after([1.02, 0.98] * 6), after([1.3] * 12), after([0.5, 2.0] * 6)
    assert near[0] == pytest.approx(1, abs=0.02)
    assert off[0] == pytest.approx(1.27, abs=0.04)
    assert near[1] < off[1] < wild[1]
    assert near[1] < after([1.0] * 2)[1]


def test_each_miss_widens_the_range_and_hits_narrow_it_again(context: PlanContext) -> None:
    new = planned(context)
    plan = planned(context, Memory({subject(new, "split"): [call()]}))
    hit = outcome(plan, plan.estimate.likely_nusd)
    miss = replace(hit, low_nusd=hit.actual_nusd + 1)

    def width(outcomes: Sequence[Outcome]) -> float:
        quoted = range_of(100.0, 0.0, outcomes)
        return quoted.high_nusd / quoted.low_nusd

    assert width([hit] * 6) < width([miss, *[hit] * 5]) < width([*[hit] * 5, miss]) < width([miss] * 6)


def test_the_basis_is_said_in_words(context: PlanContext) -> None:
    assert basis_words({"judge": 12}, "priors") == "from your last 12 runs of this function"
    assert basis_words({"judge": 1}, "priors") == "from your last run of this function"
    assert basis_words({"judge": 3, "reply": 3}, "priors") == "from your last 3 runs of these functions"
    assert basis_words({"judge": 3, "reply": 1}, "priors") == "from your last 3 runs of judge, run of reply"
    assert (
        basis_words({"judge": 3, "reply": 0}, "guesses")
        == "from your last 3 runs of judge; for reply, which has none yet, guesses"
    )
    assert basis_words({"judge": 0}, "priors") == basis_words({}, "priors") == "priors"
    assert planned(context).estimate.basis.startswith("from general experience, not from your own runs")


def test_how_near_the_last_estimates_came_is_said_from_five_on(context: PlanContext) -> None:
    plan = planned(context)
    likely = plan.estimate.likely_nusd
    near = [outcome(plan, round(likely * 0.82), number) for number in range(15)]

    assert accuracy_words(near[:4]) == ""
    assert accuracy_words(near[:5]) == "my last 5 estimates were within 18 %"
    assert accuracy_words(near) == "my last 12 estimates were within 18 %"
    assert "My last 12 estimates were within 18 %." in planned(context, Memory(outcomes=near)).summary
    assert "estimates were within" not in planned(context, Memory(outcomes=near[:4])).summary
    made_up = [replace(each, simulated=True) for each in near]
    assert "estimates were within" not in planned(context, Memory(outcomes=made_up)).summary


def test_batch_prices_are_half_of_the_list_or_what_the_list_says(
    context: PlanContext, prices: PriceTable
) -> None:
    record = reopen(planned(context).to_record())
    plain, batch = estimate_what_if(record, context), estimate_what_if(record, context, batch=True)
    assert batch.worst.nusd == pytest.approx(plain.worst.nusd / 2, rel=0.001)
    assert batch.worst.tokens == plain.worst.tokens
    assert batch.likely_nusd == pytest.approx(plain.likely_nusd / 2, rel=0.01)
    assert batch.basis.endswith(
        "; at the batch prices of the price list, which Stratum itself does not run at"
    )

    other = next(
        name for name in prices.known_models() if name.startswith("xai/") and price_share(prices, name) == 80
    )
    dear = estimate_what_if(record, context, model=other)
    assert estimate_what_if(record, context, model=other, batch=True).worst.nusd == pytest.approx(
        dear.worst.nusd * 0.8, rel=0.001
    )

    unknown = "mistral/mistral-small-latest"
    guessed = estimate_what_if(record, context, model=unknown, batch=True)
    assert f"the price list has none for {unknown}, so half its list price is taken" in guessed.basis


def price_share(prices: PriceTable, name: str) -> int | None:
    price = prices.price(name)
    return None if price is None else price.batch_percent


@pytest.mark.slow
def test_nine_in_ten_costs_fall_in_the_range_after_a_warm_up(tmp_path: Path, prices: PriceTable) -> None:
    found = [
        run
        for world in WORLDS[:3]
        for run in live(world, tmp_path / world.name, runs=40, seed=1, prices=prices)
    ]

    warm = [run for run in found if run.number >= 10]
    assert coverage(warm) >= 0.9
    assert all(run.actual_nusd <= run.worst_nusd for run in found)
    assert [run.learned for run in found if run.number == 0] == [False] * 3
