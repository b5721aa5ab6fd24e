"""What a tracer is told by a resumed run: what was replayed is marked, and what a person answered is told once."""

from __future__ import annotations

import pytest

from stratum_core.errors import AuthError, BadRequestError
from stratum_core.journal import MemoryJournal, MemoryReviews
from stratum_core.llm import ModelRequest
from stratum_core.runtime import RunOutcome
from stratum_core.testing import Answer, FunctionClient
from tests.core.runtime._crashes import Crash, CrashingJournal
from tests.core.runtime._traced import BUSY, DOCUMENT, MAPPED, Told, in_turn, traced
from tests.core.runtime._trial import MODEL, Trial
from tests.support.journals import Clock

pytestmark = pytest.mark.anyio


async def test_replayed_attempts_are_marked_and_keep_what_they_cost() -> None:
    journal = CrashingJournal(at=5, after_write=True)
    with pytest.raises((Crash, BaseExceptionGroup)):
        await traced(
            lambda _: {"value": "A"}, {"notes": ["a", "b", "c", "d"]}, document=MAPPED, journal=journal
        )
    told, outcome = await traced(
        lambda _: {"value": "A"},
        {"notes": ["a", "b", "c", "d"]},
        document=MAPPED,
        journal=MemoryJournal(after=journal),
    )
    attempts = [attempt for call in told.calls for attempt in call.attempts]
    assert sum(attempt.charged_nusd for attempt in attempts) == outcome.census["nusd"]
    taken = [attempt for attempt in attempts if attempt.replayed]
    assert {(attempt.outcome, attempt.cost_known) for attempt in taken} == {
        ("accepted", True),
        ("lost", False),
    }
    sent = {attempt.made_for for attempt in attempts if not attempt.replayed}
    assert sent == {"first", "resumed"}


async def test_faults_on_record_are_replayed_with_their_class() -> None:
    journal = MemoryJournal()
    closed = AuthError("closed", detail={"paid": "no"})
    await traced(in_turn([BUSY, closed]), {"note": "hi"}, journal=journal)
    told, _ = await traced(lambda _: {"value": "HI"}, {"note": "hi"}, journal=MemoryJournal(after=journal))
    assert [(a.made_for, a.outcome, a.replayed) for a in told.call.attempts] == [
        ("first", "failed", True),
        ("transport", "failed", True),
        ("resumed", "accepted", False),
    ]


async def test_a_fallback_on_record_is_replayed_as_one() -> None:
    document = DOCUMENT.replace("    retries: 2", "    fallbacks: [openai/gpt-4.1]")
    journal = MemoryJournal()
    closed = AuthError("closed", detail={"paid": "no"})
    await traced(in_turn([closed, {"value": "HI"}]), {"note": "hi"}, document=document, journal=journal)
    told, _ = await traced(
        in_turn([]), {"note": "hi"}, document=document, journal=MemoryJournal(after=journal)
    )
    assert [(a.made_for, a.model) for a in told.call.attempts] == [
        ("first", MODEL),
        ("fallback", "openai/gpt-4.1"),
    ]
    assert told.call.replayed


async def test_a_vote_that_abstained_in_an_earlier_process_is_told_again() -> None:
    document = """\
stratum: "1"
contracts:
  Tone: { label: { enum: [good, bad] } }
functions:
  judge:
    mode: infer
    intent: Judge
    input: { note: string }
    output: Tone
    quorum: 3
    agree_on: label
    threshold: 2
flows:
  main:
    input: { note: string }
    output: Tone
    steps:
      - { id: tone, function: judge, inputs: { note: input.note } }
    return: tone
"""
    gone = BadRequestError("gone", detail={"paid": "no"})
    journal = MemoryJournal()

    def answer(request: ModelRequest) -> Answer:
        return gone if "/vote1#" in request.idempotency_key else {"label": "good"}

    await traced(answer, {"note": "hi"}, document=document, journal=journal)
    told, _ = await traced(answer, {"note": "hi"}, document=document, journal=MemoryJournal(after=journal))
    assert sorted((a.path, a.outcome) for a in told.call.attempts) == [
        ("tone/vote0", "accepted"),
        ("tone/vote1", "failed"),
        ("tone/vote2", "accepted"),
    ]
    assert told.call.replayed


QUESTION = """\
stratum: "1"
flows:
  main:
    input: { note: string, letter: opaque<string> }
    output: json
    steps:
      - id: ok
        await_human:
          question: Keep it?
          show: { note: input.note, letter: input.letter }
          options: [yes, no]
          timeout: 1h
    return: ok.value
"""


async def asked(reviews: MemoryReviews, journal: MemoryJournal) -> tuple[Told, RunOutcome]:
    told = Told()
    trial = Trial(document=QUESTION, client=FunctionClient(lambda _: "unused"), journal=journal)
    context = trial.context()
    context.tracer, context.reviews = told, reviews
    return told, await trial.run({"note": "hi", "letter": "hush"}, context=context)


async def test_a_question_to_a_person_is_told_once_with_its_review_when_it_is_answered() -> None:
    reviews, journal = MemoryReviews(clock=Clock()), MemoryJournal()
    told, outcome = await asked(reviews, journal)
    assert (told.calls, outcome.state, told.flows[0].state) == ([], "waiting", "waiting")
    reviews.decide("ok", "yes")
    journal = MemoryJournal(after=journal)
    told, _ = await asked(reviews, journal)
    call = told.call
    assert (call.kind, call.function, call.path, call.output, call.ok) == (
        "human",
        "await_human",
        "ok",
        "yes",
        True,
    )
    assert (call.inputs, call.opaque) == ({"note": "hi", "letter": "(opaque)"}, ("letter",))
    assert call.review_id in {review.review_id for review in reviews.reviews.values()}
    told, outcome = await asked(reviews, MemoryJournal(after=journal))
    assert (told.calls, outcome.value) == ([], "yes")


async def test_a_question_that_lapsed_is_told_as_failed() -> None:
    clock = Clock()
    reviews, journal = MemoryReviews(clock=clock), MemoryJournal()
    await asked(reviews, journal)
    clock.now += 7_200
    journal = MemoryJournal(after=journal)
    told, outcome = await asked(reviews, journal)
    assert (told.call.error_code, told.call.output, outcome.state) == ("hitl_timeout", None, "failed")
    told, _ = await asked(reviews, MemoryJournal(after=journal))
    assert told.calls == []
