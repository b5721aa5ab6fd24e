"""Quorum: votes that are reserved together, counted by agreement, and the same after a crash."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest

from stratum_core.budget import Budget
from stratum_core.contracts import JsonValue
from stratum_core.errors import BadRequestError, TransportError
from stratum_core.journal import MemoryJournal
from stratum_core.llm import ModelRequest
from stratum_core.money import Nusd
from stratum_core.runtime import RunOutcome
from stratum_core.testing import Answer, FunctionClient
from tests.core.runtime._crashes import crash_everywhere
from tests.core.runtime._trial import Trial

pytestmark = pytest.mark.anyio

DOCUMENT = """\
stratum: "1"
contracts:
  Tone: { label: { enum: [good, bad] }, confidence: { type: float, min: 0, max: 1 } }
functions:
  judge:
    mode: infer
    intent: Judge the tone of a note
    input: { note: string }
    output: Tone
    ensure: [result.confidence > 0.1]
    retries: 0
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
GONE = BadRequestError("gone", detail={"paid": "no"})


def tone(label: str, confidence: float) -> dict[str, JsonValue]:
    return {"label": label, "confidence": confidence}


def voting(votes: Sequence[Answer]) -> FunctionClient:
    """Answer the votes by their number, whatever their order."""

    def answer(request: ModelRequest) -> Answer:
        place = request.idempotency_key.rpartition("/vote")[2]
        return votes[int(place.partition("#")[0])]

    return FunctionClient(answer)


async def run(
    votes: Sequence[Answer],
    journal: MemoryJournal | None = None,
    *,
    budget: Budget | None = None,
    document: str = DOCUMENT,
) -> tuple[RunOutcome, list[ModelRequest]]:
    client = voting(votes)
    trial = Trial(document=document, client=client, journal=journal or MemoryJournal())
    return await trial.run({"note": "fine"}, budget=budget), client.requests


async def test_the_surest_of_those_who_agree_is_the_answer() -> None:
    outcome, requests = await run([tone("good", 0.4), tone("bad", 0.9), tone("good", 0.7)])
    assert (outcome.value, len(requests)) == (tone("good", 0.7), 3)


async def test_votes_that_break_the_contract_do_not_agree_with_any() -> None:
    outcome, _ = await run(["no json", tone("good", 0.05), tone("good", 0.7)])
    assert (outcome.state, outcome.census["calls"]) == ("failed", 3)
    assert "1 of 3 votes that agree on `label`, but 2 are needed" in outcome.error


@pytest.mark.parametrize("silent", [0, 1, 2])
async def test_a_provider_fault_is_an_abstention(silent: int) -> None:
    votes: list[Answer] = [tone("good", 0.4), tone("good", 0.5), tone("good", 0.6)]
    votes[silent] = GONE
    outcome, _ = await run(votes)
    assert (outcome.state, outcome.value) == ("completed", tone("good", 0.5 if silent == 2 else 0.6))


async def test_two_abstentions_leave_no_quorum() -> None:
    outcome, _ = await run([GONE, tone("good", 0.5), GONE])
    assert outcome.state == "failed"
    assert "1 gave an acceptable answer" in outcome.error


async def test_true_and_one_do_not_agree() -> None:
    document = DOCUMENT.replace("label: { enum: [good, bad] }", "label: json")
    votes: list[Answer] = [{"label": label, "confidence": 0.5} for label in ("good", 1, True)]
    outcome, _ = await run(votes, document=document)
    assert outcome.state == "failed"


async def test_a_quorum_the_cap_cannot_finish_never_starts() -> None:
    votes = [tone("good", 0.5)] * 3
    journal = MemoryJournal()
    await run(votes, journal)
    reserved = sum(attempt.reserved.nusd for attempt in journal.reader().attempts())
    short, requests = await run(votes, budget=Budget(nusd=Nusd(reserved - 1)))
    assert (short.state, requests, short.census["nusd"]) == ("stopped_budget", [], 0)
    enough, _ = await run(votes, budget=Budget(nusd=Nusd(reserved)))
    assert enough.state == "completed"


async def test_the_functions_own_budget_pays_for_all_votes_together() -> None:
    votes = [tone("good", 0.5)] * 3
    journal = MemoryJournal()
    await run(votes, journal)
    reserved = sum(attempt.reserved.tokens for attempt in journal.reader().attempts())
    for tokens, state, sent in ((reserved, "completed", 3), (reserved - 1, "stopped_budget", 0)):
        document = DOCUMENT.replace("retries: 0\n", f"retries: 0\n    budget: {{ tokens: {tokens} }}\n")
        outcome, requests = await run(votes, document=document)
        assert (outcome.state, len(requests)) == (state, sent)


STORIES: tuple[tuple[Callable[[], Sequence[Answer]], str], ...] = (
    (lambda: [tone("good", 0.4), tone("bad", 0.9), tone("good", 0.7)], "completed"),
    (lambda: [tone("good", 0.4), GONE, tone("good", 0.7)], "completed"),
    (lambda: ["no json", tone("good", 0.4), tone("bad", 0.7)], "failed"),
)


@pytest.mark.parametrize(("votes", "state"), STORIES)
async def test_a_crash_anywhere_changes_nothing_but_what_was_in_flight(
    votes: Callable[[], Sequence[Answer]], state: str
) -> None:
    async def story(journal: MemoryJournal) -> RunOutcome:
        outcome, _ = await run(votes(), journal)
        return outcome

    assert (await crash_everywhere(story)).state == state


async def test_who_abstained_stays_silent_in_a_resumed_run() -> None:
    journal = MemoryJournal()
    down = TransportError("down", detail={"paid": "no"})
    first, _ = await run([tone("good", 0.4), tone("good", 0.5), down], journal)
    again, requests = await run(
        [tone("good", 0.4), tone("good", 0.5), tone("good", 0.9)], MemoryJournal(after=journal)
    )
    assert (again.value, first.value, requests) == (tone("good", 0.5), tone("good", 0.5), [])
    assert again.census["calls"] == first.census["calls"]
