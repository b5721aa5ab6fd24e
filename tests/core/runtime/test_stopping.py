"""Ending a run from outside: a drain settles what is in flight, a cancellation leaks nothing."""

from __future__ import annotations

import anyio
import pytest

from stratum_core.budget import Budget, Usage
from stratum_core.contracts import JsonValue
from stratum_core.errors import BadRequestError, JournalError, TransportError
from stratum_core.journal import Intent, MemoryJournal, RunState, SettledState
from stratum_core.llm import ModelRequest
from stratum_core.runtime import RunOutcome
from stratum_core.testing import Answer
from tests.core.runtime._trial import HeldClient, Trial, count, note_of

pytestmark = pytest.mark.anyio

DOCUMENT = """\
stratum: "1"
functions:
  shout: { mode: infer, intent: Write in capitals, input: { note: string }, output: string, max_tokens: 100 }
flows:
  main:
    input: { notes: list<string> }
    output: list<string>
    steps:
      - { id: loud, for_each: input.notes, function: shout, inputs: { note: item }, concurrency: 4 }
      - { id: also, for_each: input.notes, function: shout, inputs: { note: item }, concurrency: 4 }
    return: loud + also
"""
NOTES: dict[str, JsonValue] = {"notes": [f"note {number}" for number in range(20)]}


def loud(request: ModelRequest) -> Answer:
    return {"value": note_of(request).upper()}


@pytest.mark.parametrize("state", ["cancelled", "interrupted"])
async def test_a_drained_run_has_settled_everything_it_sent(state: RunState) -> None:
    client = HeldClient(loud)
    trial = Trial(document=DOCUMENT, client=client)
    context = trial.context()

    def stop_when_busy(_: ModelRequest) -> None:
        if client.in_flight == 8:
            context.stop(state, "asked to stop")
            context.stop("failed", "asked again")
            client.let_go()

    client.on_request = stop_when_busy
    outcome = await trial.run(NOTES, context=context)
    assert (outcome.state, outcome.error) == (state, "asked to stop")
    assert (len(client.requests), client.finished, outcome.census["calls_possibly_paid"]) == (8, 8, 0)
    assert {path: len(items) for path, items in outcome.partial.items() if isinstance(items, list)} == {
        "loud": 4,
        "also": 4,
    }


async def test_a_drain_does_not_wait_for_a_pause() -> None:
    client = HeldClient(lambda _: TransportError("busy", detail={"paid": "no"}), held=False)
    trial = Trial(document=DOCUMENT, client=client)
    context = trial.context()

    async def pause(_: float) -> None:
        context.stop("interrupted", "asked to stop")
        await anyio.sleep_forever()

    context.sleep = pause
    outcome = await trial.run(NOTES, context=context)
    assert outcome.state == "interrupted"


async def test_a_drained_run_goes_on_where_it_stopped() -> None:
    journal = MemoryJournal()
    client = HeldClient(loud, held=False)
    trial = Trial(document=DOCUMENT, client=client, journal=journal)
    context = trial.context()
    client.on_request = lambda _: (
        None if len(client.requests) < 10 else (context.stop("interrupted", "asked to stop"), None)[1]
    )
    await trial.run(NOTES, context=context)
    again = HeldClient(loud, held=False)
    resumed = Trial(document=DOCUMENT, client=again, journal=MemoryJournal(after=journal))
    outcome = await resumed.run(NOTES)
    assert (outcome.state, len(client.requests) + len(again.requests)) == ("completed", 40)


async def test_a_cancellation_leaves_nothing_open() -> None:
    journal = MemoryJournal()
    client = HeldClient(loud)
    trial = Trial(document=DOCUMENT, client=client, journal=journal)
    with anyio.CancelScope() as scope:
        client.on_request = lambda _: scope.cancel() if client.in_flight == 8 else None
        await trial.run(NOTES)
    assert scope.cancelled_caught
    attempts = journal.reader().attempts()
    assert (client.in_flight, {attempt.state for attempt in attempts}) == (0, {"possibly_paid"})
    assert journal.recorded_usage().calls == len(client.requests) == 8


async def test_a_cancelled_run_goes_on_when_it_is_resumed() -> None:
    journal = MemoryJournal()
    client = HeldClient(loud)
    with anyio.CancelScope() as scope:
        client.on_request = lambda _: scope.cancel()
        await Trial(document=DOCUMENT, client=client, journal=journal).run(NOTES)
    again = HeldClient(loud, held=False)
    resumed = Trial(document=DOCUMENT, client=again, journal=MemoryJournal(after=journal))
    outcome = await resumed.run(NOTES)
    assert (outcome.state, len(again.requests)) == ("completed", 40)
    assert outcome.census["calls_possibly_paid"] == len(client.requests)


def finished(outcome: RunOutcome) -> dict[str, int]:
    return {path: len(items) for path, items in outcome.partial.items() if isinstance(items, list)}


@pytest.mark.parametrize("why", ["told", "cap"])
async def test_a_resumed_run_that_stops_at_once_keeps_what_it_had_and_buys_nothing(why: str) -> None:
    journal = MemoryJournal()
    client = HeldClient(loud, held=False)
    first_trial = Trial(document=DOCUMENT, client=client, journal=journal)
    context = first_trial.context()
    client.on_request = lambda _: (
        None if len(client.requests) < 25 else (context.stop("interrupted", "asked to stop"), None)[1]
    )
    first = await first_trial.run(NOTES, context=context)
    again = HeldClient(loud, held=False)
    resumed = Trial(document=DOCUMENT, client=again, journal=MemoryJournal(after=journal))
    stopping = resumed.context()
    budget = Budget(calls=25) if why == "cap" else Budget()
    if why == "told":
        stopping.stop("interrupted", "asked to stop before it began")
    second = await resumed.run(NOTES, context=stopping, budget=budget)
    assert (second.state, again.requests) == ("interrupted" if why == "told" else "stopped_budget", [])
    assert finished(second) == finished(first)
    assert sum(finished(second).values()) == count(second, "items_done") == 25


async def test_items_given_up_before_still_count_as_failed_when_a_resumed_run_stops_at_once() -> None:
    def faulty(request: ModelRequest) -> Answer:
        return (
            TransportError("busy", detail={"paid": "no"}) if note_of(request) == "note 0" else loud(request)
        )

    document = DOCUMENT.replace("concurrency: 4 }", "concurrency: 4, require: 0 }")
    journal = MemoryJournal()
    first_trial = Trial(document=document, client=HeldClient(faulty, held=False), journal=journal)
    first = await first_trial.run(NOTES)
    again = HeldClient(loud, held=False)
    resumed = Trial(document=document, client=again, journal=MemoryJournal(after=journal))
    context = resumed.context()
    context.stop("interrupted", "asked to stop before it began")
    second = await resumed.run(NOTES, context=context)
    assert (second.value, again.requests) == (first.value, [])
    assert count(second, "items_failed") == count(first, "items_failed") == 2


async def test_a_model_without_a_price_stops_the_run_instead_of_failing_its_items() -> None:
    document = DOCUMENT.replace("max_tokens: 100", "max_tokens: 100, model: acme/unknown").replace(
        "concurrency: 4 }", "concurrency: 4, require: 0 }"
    )
    client = HeldClient(loud, held=False)
    outcome = await Trial(document=document, client=client).run(NOTES)
    assert (outcome.state, outcome.cause, client.requests) == ("failed", "configuration_error", [])
    assert "`acme/unknown` has no known price" in outcome.error
    assert outcome.census["items_failed"] == 0


async def test_what_a_provider_wrote_is_not_kept_in_the_journal() -> None:
    detail: dict[str, JsonValue] = {"paid": "no", "status": 400, "provider_says": "your prompt was: note 1"}
    journal = MemoryJournal()
    client = HeldClient(lambda _: BadRequestError("rejected", detail=detail), held=False)
    await Trial(document=DOCUMENT, client=client, journal=journal).run(NOTES)
    kept = [attempt.outcome["detail"] for attempt in journal.reader().attempts()]
    assert kept != []
    assert {str(part) for part in kept} == {"{'paid': 'no', 'status': 400}"}


class FullDisk(MemoryJournal):
    """Cannot write answers any more, and perhaps not even intents."""

    def __init__(self, *, intents: bool) -> None:
        super().__init__()
        self.intents = intents

    async def intent(self, intent: Intent) -> None:
        if not self.intents:
            raise JournalError("the disk is full")
        await super().intent(intent)

    async def settle(self, call_id: str, *, state: SettledState, usage: Usage, outcome: object) -> None:
        raise JournalError("the disk is full")


@pytest.mark.parametrize("intents", [True, False])
async def test_a_journal_that_cannot_be_written_ends_the_run_and_leaves_nobody_waiting(intents: bool) -> None:
    document = DOCUMENT.replace("list<string> }", "list<string> }", 1).replace(
        "    output: list<string>\n", "    output: list<string>\n    budget: { tokens: 900 }\n"
    )
    client = HeldClient(loud, held=False)
    trial = Trial(document=document, client=client, journal=FullDisk(intents=intents))
    with pytest.raises(JournalError, match="the disk is full"):
        await trial.run(NOTES)
    assert len(client.requests) <= 8 * intents
