"""Reuse: a plan that takes the answers of an earlier run says what that saves, and the run pays for the rest only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache

import anyio
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stratum_core.contracts import JsonValue
from stratum_core.engine import Engine, PlanView, RunView
from stratum_core.errors import PlanError, RunError
from stratum_core.journal import MemoryJournal
from stratum_core.llm import ModelRequest, PriceTable
from stratum_core.plan._estimate import Estimate, estimate_program
from stratum_core.plan._models import prices_of, with_models
from stratum_core.runtime import RunOutcome
from stratum_core.runtime._answers import Answers
from stratum_core.specs import InferSpec, Program
from stratum_core.testing import FunctionClient
from tests.core.engine._bench import Bench, ended, result_of
from tests.core.runtime._trial import MODEL, Trial, compiled

FIVE = """\
stratum: "1"
functions:
  name: { mode: infer, intent: Name the subject, input: { note: string }, output: string, retries: 0 }
  praise: { mode: infer, intent: Praise it, input: { subject: string }, output: string, retries: 0 }
  tone: { mode: infer, intent: Judge the tone, input: { note: string }, output: string, retries: 0 }
  reply: { mode: infer, intent: Write a reply, input: { praise: string, tone: string }, output: string, retries: 0 }
  title: { mode: infer, intent: Find a title, input: { subject: string }, output: string, retries: 0 }
flows:
  one:
    input: { note: string }
    output: list<string>
    steps:
      - { id: named, function: name, inputs: { note: input.note } }
      - { id: praised, function: praise, inputs: { subject: named } }
      - { id: judged, function: tone, inputs: { note: input.note } }
      - { id: replied, function: reply, inputs: { praise: praised, tone: judged } }
      - { id: titled, function: title, inputs: { subject: named } }
    return: "[replied, titled]"
  main:
    input: { notes: list<string> }
    output: list<list<string>>
    steps:
      - { id: all, for_each: input.notes, flow: one, inputs: { note: item } }
    return: all
"""
EDITED = FIVE.replace("Judge the tone", "Judge the tone of it")


@cache
def prices() -> PriceTable:
    return PriceTable.load()


def said(request: ModelRequest) -> Mapping[str, JsonValue]:
    """Answer with the instruction and the input, so that each question has its own answer."""
    return {"value": f"{request.messages[0].blocks[0][:40]}({request.messages[1].blocks[0][:60]})"}


def asked(requests: Sequence[ModelRequest]) -> list[str]:
    return sorted(request.messages[0].blocks[0] for request in requests)


def estimated(document: str, notes: Sequence[str], answers: Mapping[str, JsonValue]) -> Estimate:
    program: Program = compiled(document)
    models = {name: MODEL for name, spec in program.functions.items() if isinstance(spec, InferSpec)}
    values: dict[str, JsonValue] = {"notes": list(notes)}
    return estimate_program(
        with_models(program, models),
        "main",
        values,
        price_of=prices_of(models, prices()),
        answers=answers,
    )


async def run(
    document: str,
    notes: Sequence[str],
    answers: Mapping[str, JsonValue] | None = None,
    journal: MemoryJournal | None = None,
) -> tuple[RunOutcome, list[ModelRequest], dict[str, JsonValue]]:
    """Run, and return the outcome, what was sent, and the answers the run leaves behind."""
    journal, client = journal or MemoryJournal(), FunctionClient(said)
    trial = Trial(document=document, client=client, journal=journal)
    context = trial.context()
    context.answers = Answers(reused=answers or {})
    outcome = await trial.run({"notes": list(notes)}, context=context)
    return outcome, client.requests, journal.reader().answers(until_seq=1 << 40)


@pytest.mark.anyio
async def test_with_one_function_of_five_edited_only_it_and_its_dependants_are_paid_and_the_plan_says_so() -> (
    None
):
    notes = ["bees", "ants", "moths"]
    _, _, answers = await run(FIVE, notes)
    estimate = estimated(EDITED, notes, answers)
    assert {step.step: (round(step.reused_calls), step.most_calls) for step in estimate.steps} == {
        "named": (3, 0),
        "praised": (3, 0),
        "judged": (0, 3),
        "replied": (0, 3),
        "titled": (3, 0),
    }
    whole = estimated(EDITED, notes, {})
    assert estimate.saved_nusd + estimate.likely_nusd == pytest.approx(whole.likely_nusd, rel=0.2)
    outcome, requests, _ = await run(EDITED, notes, answers)
    assert asked(requests) == ["Judge the tone of it"] * 3 + ["Write a reply"] * 3
    assert (outcome.census["calls_reused"], outcome.census["calls"]) == (9, 6)
    assert outcome.census["nusd"] <= estimate.worst.nusd  # pyright: ignore[reportOperatorIssue]


@settings(max_examples=30, deadline=None)
@given(
    before=st.lists(st.sampled_from("abcdef"), max_size=6),
    after=st.lists(st.sampled_from("abcdefgh"), max_size=8),
)
def test_only_new_rows_are_paid_however_rows_were_inserted_removed_or_doubled(
    before: list[str], after: list[str]
) -> None:
    async def story() -> None:
        _, _, answers = await run(FIVE, before)
        new = [note for note in after if note not in before]
        estimate = estimated(FIVE, after, answers)
        outcome, requests, left = await run(FIVE, after, answers)
        assert len(requests) == 5 * len(new)
        assert (estimate.most_calls, estimate.reused_calls) == (5 * len(new), 5 * (len(after) - len(new)))
        assert outcome.value == (await run(FIVE, after))[0].value
        spent = outcome.census["nusd"]
        assert isinstance(spent, int)
        assert spent <= estimate.worst.nusd
        again, none, _ = await run(FIVE, after, left)
        assert (none, again.value, again.census["nusd"]) == ([], outcome.value, 0)

    anyio.run(story)


@pytest.mark.anyio
async def test_a_resumed_run_keeps_what_it_took_without_the_run_it_came_from() -> None:
    _, _, answers = await run(FIVE, ["bees"])
    journal = MemoryJournal()
    first, _, _ = await run(FIVE, ["bees"], answers, journal)
    again, requests, _ = await run(FIVE, ["bees"], {}, MemoryJournal(after=journal))
    assert (again.value, requests, again.census["nusd"]) == (first.value, [], 0)


@pytest.mark.anyio
async def test_an_answer_that_breaks_a_condition_is_neither_taken_nor_counted() -> None:
    _, _, answers = await run(FIVE, ["bees"])
    spoilt = dict.fromkeys(answers, 7)
    assert estimated(FIVE, ["bees"], spoilt).reused_calls == 0
    _, requests, _ = await run(FIVE, ["bees"], spoilt)
    assert len(requests) == 5


REFINED = """\
stratum: "1"
contracts:
  Draft: { text: string, words: int }
functions:
  short: { mode: compute, input: { result: Draft }, output: int, expression: 3 - result.words }
  draft:
    mode: infer
    intent: Write
    input: { note: string }
    output: Draft
    quorum: 2
    agree_on: words
    threshold: 2
    stable: false
    cache: session
    refine: { check: short, until: check <= 0, feedback: check, max_iterations: 4 }
flows:
  main:
    input: { notes: list<string> }
    output: list<string>
    steps:
      - { id: texts, for_each: input.notes, function: draft, inputs: { note: item } }
      - { id: said, compute: "[most_likely(t).text for t in texts]" }
    return: said
"""


@pytest.mark.anyio
async def test_what_votes_and_iterations_came_to_is_taken_as_one_answer() -> None:
    def answer(request: ModelRequest) -> Mapping[str, JsonValue]:
        words = int(request.idempotency_key.rpartition("/it")[2].partition("/")[0])
        return {"text": request.messages[1].blocks[0], "words": words}

    async def once(
        document: str, answers: Mapping[str, JsonValue]
    ) -> tuple[RunOutcome, int, dict[str, JsonValue]]:
        client, journal = FunctionClient(answer), MemoryJournal()
        trial = Trial(document=document, client=client, journal=journal)
        context = trial.context()
        context.answers = Answers(reused=answers)
        outcome = await trial.run({"notes": ["bees", "ants", "bees"]}, context=context)
        return outcome, len(client.requests), journal.reader().answers(until_seq=1 << 40)

    first, sent, answers = await once(REFINED, {})
    assert (first.state, sent) == ("completed", 2 * 3 * 2)
    second, sent, _ = await once(REFINED, answers)
    assert (second.value, sent) == (first.value, 0)
    assert estimated(REFINED, ["bees", "ants", "bees"], answers).most_calls == 0
    stricter = REFINED.replace("expression: 3 -", "expression: 4 -")
    _, sent, _ = await once(stricter, answers)
    assert sent == 2 * 4 * 2


# --- through the engine, with real runners ------------------------------------------------------------------------


def plan_again(bench: Bench, engine: Engine, *, rows: int, run: RunView) -> PlanView:
    plan = bench.approved(engine, rows=rows, reuse=run.run_id)
    assert run.run_id in plan.summary
    return plan


def test_a_plan_over_more_rows_pays_for_the_new_ones(bench: Bench) -> None:
    engine = bench.engine()
    first = ended(engine, engine.execute(bench.approved(engine, rows=4).plan_id).run_id)
    whole = bench.plan(engine)
    plan = plan_again(bench, engine, rows=6, run=first)
    assert f"more answers are taken from {first.run_id}" in plan.summary
    assert "which saves about $" in plan.summary
    assert plan.calls_at_most < whole.calls_at_most
    second = ended(engine, engine.execute(plan.plan_id).run_id)
    assert second.state == "completed"
    paid = {attempt.path for attempt in bench.attempts(second.run_id)}
    assert second.census["calls_reused"] == 6 - len(paid) >= 4
    free = plan_again(bench, engine, rows=6, run=second)
    assert f"All 6 answers are on record in {second.run_id}" in free.summary
    third = ended(engine, engine.execute(free.plan_id).run_id)
    assert (third.usd, result_of(third)) == (0.0, result_of(second))


def test_the_plan_is_bound_to_the_run_as_it_was(bench: Bench) -> None:
    engine = bench.engine()
    first = ended(engine, engine.execute(bench.approved(engine, rows=3).plan_id).run_id)
    plan = plan_again(bench, engine, rows=3, run=first)
    bench.private_file(first.run_id, ".db").rename(bench.private_file(first.run_id, ".gone"))
    with pytest.raises(PlanError, match="reuse"):
        engine.execute(plan.plan_id)
    bench.private_file(first.run_id, ".gone").rename(bench.private_file(first.run_id, ".db"))
    assert ended(engine, engine.execute(plan.plan_id).run_id).usd == 0.0


@pytest.mark.parametrize("run_id", ["../../etc/passwd", "", "a b", "x" * 65])
def test_what_is_no_run_id_is_refused(bench: Bench, run_id: str) -> None:
    with pytest.raises(PlanError, match="options"):
        bench.plan(bench.engine(), reuse=run_id)


def test_a_run_that_is_not_here_is_refused(bench: Bench) -> None:
    with pytest.raises(RunError, match="no run"):
        bench.plan(bench.engine(), reuse="run_000000000000")
