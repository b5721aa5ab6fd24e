"""A crash at every event of a run: what is resumed is what would have been, and nothing recorded is bought again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from functools import partial

import anyio
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stratum_core.budget import Budget
from stratum_core.errors import TransportError
from stratum_core.journal import MemoryJournal, RecordedAttempt
from stratum_core.llm import ModelRequest
from stratum_core.money import Nusd
from stratum_core.runtime import RunOutcome
from stratum_core.testing import Answer, FunctionClient
from tests.core.runtime._crashes import Crash, CrashingJournal
from tests.core.runtime._trial import Trial, note_of

DOCUMENT = """\
stratum: "1"
functions:
  shout: { mode: infer, intent: Write in capitals, input: { note: string }, output: string, ensure: [len(result) < 9] }
flows:
  one:
    input: { note: string }
    output: string
    steps:
      - { id: first, function: shout, inputs: { note: input.note } }
      - { id: second, when: len(input.note) > 2, function: shout, inputs: { note: first } }
    return: second if second is not None else first
  main:
    input: { notes: list<string> }
    output: list<string>
    steps:
      - { id: head, function: shout, inputs: { note: "'head'" } }
      - { id: loud, for_each: input.notes, flow: one, inputs: { note: item }, concurrency: 3, require: 0 }
      - { id: tail, function: shout, inputs: { note: head + str(len(loud)) } }
    return: loud + [tail]
"""
NOTES = ("a", "bcd", "too long to keep", "ef", "no json", "busy once", "gh")


crashing = partial(CrashingJournal, notes_count=False)
"""Crashes count at what is durable by itself."""


def provider() -> FunctionClient:
    """Answer by the request alone, but for one note whose provider is busy the first time in each process."""
    busy = [TransportError("busy", detail={"paid": "no"})]

    def answer(request: ModelRequest) -> Answer:
        note = note_of(request)
        if note == "no json":
            return "no json"
        if note == "busy once" and busy:
            return busy.pop()
        retried = len(request.messages[1].blocks) > 1
        return {"value": note[:3].upper() if retried else note.upper()}

    return FunctionClient(answer)


async def run(
    journal: MemoryJournal, notes: Sequence[str], *, budget: Budget | None = None
) -> tuple[RunOutcome, list[ModelRequest]]:
    client = provider()
    trial = Trial(document=DOCUMENT, client=client, journal=journal)
    outcome = await trial.run({"notes": list(notes)}, budget=budget)
    return outcome, client.requests


async def crash(journal: CrashingJournal, notes: Sequence[str]) -> bool:
    """Run until the crash, and return whether there was one."""
    with suppress(Crash, BaseExceptionGroup):
        await run(journal, notes)
    return journal.dead


def answers(attempts: Sequence[RecordedAttempt]) -> Counter[str]:
    """Count the answers on record by the path of their call."""
    return Counter(attempt.path for attempt in attempts if attempt.state == "answered")


async def resumed_equals(
    journal: MemoryJournal, whole: RunOutcome, whole_journal: MemoryJournal, notes: Sequence[str]
) -> None:
    """Resume a crashed run and compare it with the run that was not disturbed."""
    before = journal.reader().attempts()
    again = MemoryJournal(after=journal)
    outcome, requests = await run(again, notes)
    assert (outcome.state, outcome.value) == (whole.state, whole.value)
    recorded = again.reader().attempts()
    assert answers(recorded) == answers(whole_journal.reader().attempts())
    assert {attempt.call_id for attempt in before} & {
        request.idempotency_key.split("/", 1)[1] for request in requests
    } == set()
    cut_off = sum(attempt.state in {"open", "possibly_paid"} for attempt in before)
    assert outcome.census["calls_possibly_paid"] == cut_off
    assert outcome.census["calls_reused"] == sum(attempt.state == "answered" for attempt in before)
    assert outcome.census["nusd"] == sum(attempt.usage.nusd for attempt in recorded)
    assert again.reader().verify().ok


@pytest.mark.anyio
@pytest.mark.parametrize("after_write", [False, True])
async def test_a_crash_at_any_event_costs_nothing_that_is_on_record(after_write: bool) -> None:
    undisturbed = MemoryJournal()
    whole, requests = await run(undisturbed, NOTES)
    assert (whole.state, len(requests)) == ("completed_with_failures", 18)
    at = 0
    while await crash(journal := crashing(at=at, after_write=after_write), NOTES):
        await resumed_equals(journal, whole, undisturbed, NOTES)
        at += 1
    assert at == 2 * len(requests)


@settings(max_examples=25, deadline=None)
@given(
    notes=st.lists(st.text("ab z", min_size=1, max_size=12), max_size=6),
    crashes=st.lists(st.tuples(st.integers(0, 20), st.booleans()), max_size=4),
)
def test_however_often_a_run_crashes_it_ends_as_it_would_have(
    notes: list[str], crashes: list[tuple[int, bool]]
) -> None:
    async def story() -> None:
        undisturbed, journal = MemoryJournal(), MemoryJournal()
        whole, _ = await run(undisturbed, notes)
        for at, after_write in crashes:
            journal = crashing(at=at, after_write=after_write, after=journal)
            if not await crash(journal, notes):
                break
        await resumed_equals(journal, whole, undisturbed, notes)

    anyio.run(story)


@pytest.mark.anyio
async def test_a_finished_run_is_replayed_without_a_request() -> None:
    journal = MemoryJournal()
    whole, _ = await run(journal, NOTES)
    again, requests = await run(MemoryJournal(after=journal), NOTES)
    assert (again.value, again.state, [note_of(request) for request in requests]) == (
        whole.value,
        whole.state,
        [],
    )
    assert again.census["failed_by_cause"] == whole.census["failed_by_cause"]
    assert again.census["retries"] == whole.census["retries"]
    assert again.census["nusd"] == whole.census["nusd"]


@pytest.mark.anyio
async def test_what_was_possibly_paid_counts_against_the_cap_of_the_resumed_run() -> None:
    journal = crashing(at=1, after_write=False)
    assert await crash(journal, NOTES)
    (lost,) = journal.reader().attempts()
    again = MemoryJournal(after=journal)
    outcome, requests = await run(again, NOTES, budget=Budget(nusd=Nusd(lost.reserved.nusd)))
    assert (outcome.state, requests) == ("stopped_budget", [])
    assert outcome.census["nusd"] == lost.reserved.nusd


@pytest.mark.anyio
async def test_a_provider_that_was_down_is_asked_again_by_a_resumed_run() -> None:
    journal = MemoryJournal()
    busy = TransportError("down", detail={"paid": "no"})
    down = FunctionClient(lambda _: busy)
    first = await Trial(document=DOCUMENT, client=down, journal=journal).run({"notes": ["a"]})
    faults = len(journal.reader().attempts())
    outcome, _ = await run(MemoryJournal(after=journal), ["a"])
    assert (first.state, outcome.state) == ("failed", "completed")
    assert outcome.census["retries"] == {"transport": faults}
