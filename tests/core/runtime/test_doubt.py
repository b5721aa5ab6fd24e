"""Calls that may have been paid: sent again, asked about, or failed, as the operator's policy says."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace

import pytest

from stratum_core.budget import PossiblyPaid
from stratum_core.contracts import JsonValue
from stratum_core.errors import DeterminismError, TransportError
from stratum_core.journal import MemoryJournal, MemoryReviews
from stratum_core.llm import ModelRequest
from stratum_core.runtime import RunOutcome
from stratum_core.testing import Answer, FunctionClient
from tests.core.runtime._crashes import Crash, CrashingJournal
from tests.core.runtime._trial import Trial, note_of

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
      - { id: loud, for_each: input.notes, function: shout, inputs: { note: item }, concurrency: 1, require: 0 }
    return: loud
"""
NOTES: Mapping[str, JsonValue] = {"notes": ["a", "b"]}


def loud(request: ModelRequest) -> Answer:
    return {"value": note_of(request).upper()}


async def lost() -> MemoryJournal:
    """Return the journal of a run that was cut off between sending its first request and its answer."""
    journal = CrashingJournal(at=2, after_write=False)
    with suppress(Crash, BaseExceptionGroup):
        await Trial(document=DOCUMENT, client=FunctionClient(loud), journal=journal).run(NOTES)
    again = MemoryJournal(after=journal)
    assert [attempt.state for attempt in again.attempts("loud[0]")] == ["possibly_paid"]
    return again


class Resumed:
    """A run that is gone on with under a rule, as often as it is called."""

    def __init__(self, journal: MemoryJournal, rule: PossiblyPaid, client: FunctionClient) -> None:
        self.journal = journal
        self.rule: PossiblyPaid = rule
        self.client = client
        self.reviews = MemoryReviews()

    async def __call__(self) -> RunOutcome:
        trial = Trial(document=DOCUMENT, client=self.client, journal=self.journal)
        context = replace(trial.context(), possibly_paid=self.rule, reviews=self.reviews)
        outcome = await trial.run(NOTES, context=context)
        self.journal = MemoryJournal(after=self.journal)
        return outcome


async def test_retry_sends_it_again_and_counts_both() -> None:
    run = Resumed(await lost(), "retry", FunctionClient(loud))
    outcome = await run()
    assert (outcome.state, outcome.value) == ("completed", ["A", "B"])
    assert (outcome.census["calls_possibly_paid"], outcome.census["calls"]) == (1, 3)


async def test_fail_sends_nothing_for_that_call_and_says_why() -> None:
    run = Resumed(await lost(), "fail", FunctionClient(loud))
    outcome = await run()
    assert (outcome.state, outcome.value) == ("completed_with_failures", ["B"])
    assert outcome.census["failed_by_cause"] == {"transport_error": 1}
    assert "loud[0]: attempt 0 was cut off after it was sent" in str(outcome.census["failures"])
    assert [note_of(request) for request in run.client.requests] == ["b"]


async def test_ask_parks_the_call_until_a_person_says_so_and_then_sends_it_once() -> None:
    run = Resumed(await lost(), "ask", FunctionClient(loud))
    outcome = await run()
    assert (outcome.state, outcome.census["items_waiting"]) == ("waiting", 1)
    assert [note_of(request) for request in run.client.requests] == ["b"]
    (asked,) = run.reviews.reviews.values()
    assert asked.question.options == ("send again", "give up")
    assert asked.question.show["call"] == "loud[0]"
    assert (await run()).state == "waiting"
    run.reviews.decide("loud[0]#0/again", "send again")
    outcome = await run()
    assert (outcome.state, outcome.value) == ("completed", ["A", "B"])
    assert [note_of(request) for request in run.client.requests] == ["b", "a"]
    run.reviews = MemoryReviews()  # what was decided is in the journal
    assert (await run()).value == ["A", "B"]
    assert len(run.client.requests) == 2


async def test_a_persons_no_fails_the_call_also_when_the_run_is_gone_on_with() -> None:
    run = Resumed(await lost(), "ask", FunctionClient(loud))
    await run()
    run.reviews.decide("loud[0]#0/again", "give up")
    for _ in range(2):
        outcome = await run()
        assert (outcome.value, outcome.census["failed_by_cause"]) == (["B"], {"transport_error": 1})
    assert len(run.client.requests) == 1


async def test_another_question_on_record_is_no_answer() -> None:
    journal = await lost()
    await journal.event(
        "decided", path="loud[0]#0/again", data={"question": "another", "value": "send again"}
    )
    run = Resumed(MemoryJournal(after=journal), "ask", FunctionClient(loud))
    outcome = await run()
    assert (outcome.state, outcome.cause) == ("failed", DeterminismError.code)
    assert run.client.requests == []


@pytest.mark.parametrize(("paid", "requests"), [("unknown", 1), ("no", 3)])
async def test_a_live_timeout_counts_as_well_and_a_plain_refusal_does_not(paid: str, requests: int) -> None:
    def times_out(request: ModelRequest) -> Answer:
        if note_of(request) == "b":
            return loud(request)
        return TransportError("the request timed out", detail={"paid": paid})

    run = Resumed(MemoryJournal(), "fail", FunctionClient(times_out))
    outcome = await run()
    assert outcome.census["failed_by_cause"] == {"transport_error": 1}
    assert [note_of(request) for request in run.client.requests].count("a") == requests


async def test_a_live_timeout_is_asked_about_too() -> None:
    first = [True]

    def once(request: ModelRequest) -> Answer:
        if note_of(request) == "a" and first:
            first.clear()
            return TransportError("the request timed out")
        return loud(request)

    run = Resumed(MemoryJournal(), "ask", FunctionClient(once))
    assert (await run()).state == "waiting"
    run.reviews.decide("loud[0]#0/again", "send again")
    assert (await run()).value == ["A", "B"]
