"""A crash at every event of a run: what is resumed is what would have been, and nothing recorded is bought again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress

import anyio
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stratum_core.budget import Budget, Usage
from stratum_core.contracts import JsonValue
from stratum_core.errors import TransportError
from stratum_core.journal import Intent, MemoryJournal, RecordedAttempt, SettledState
from stratum_core.llm import ModelRequest
from stratum_core.money import Nusd
from stratum_core.runtime import RunOutcome
from stratum_core.testing import Answer, FunctionClient
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


class Crashed(Exception):
    """The process is gone, as far as the journal can tell."""


class CrashingJournal(MemoryJournal):
    """Ends the process at its n-th durable write, before or after it; afterwards nothing is written any more."""

    def __init__(self, *, at: int, after_write: bool, after: MemoryJournal | None = None) -> None:
        super().__init__(after=after)
        self.left = at
        self.after_write = after_write
        self.dead = False

    async def intent(self, intent: Intent) -> None:
        self._tick(before=True)
        await super().intent(intent)
        self._tick(before=False)

    async def settle(
        self, call_id: str, *, state: SettledState, usage: Usage, outcome: Mapping[str, JsonValue]
    ) -> None:
        self._tick(before=True)
        await super().settle(call_id, state=state, usage=usage, outcome=outcome)
        self._tick(before=False)

    async def event(self, kind: str, *, path: str = "", data: Mapping[str, JsonValue] | None = None) -> None:
        self._tick(before=True)
        await super().event(kind, path=path, data=data)
        self._tick(before=False)

    def note(self, kind: str, *, path: str = "", data: Mapping[str, JsonValue] | None = None) -> None:
        if not self.dead:
            super().note(kind, path=path, data=data)

    def _tick(self, *, before: bool) -> None:
        if self.dead:
            raise Crashed
        if before == self.after_write:
            return
        self.left -= 1
        if self.left < 0:
            self.dead = True
            raise Crashed


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
    with suppress(Crashed, BaseExceptionGroup):
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
    while await crash(journal := CrashingJournal(at=at, after_write=after_write), NOTES):
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
            journal = CrashingJournal(at=at, after_write=after_write, after=journal)
            if not await crash(journal, notes):
                return
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
    journal = CrashingJournal(at=1, after_write=False)
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
