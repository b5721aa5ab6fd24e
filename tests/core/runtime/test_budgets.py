"""Money under parallel work: never above a cap, nothing paid and thrown away."""

from __future__ import annotations

import pytest

from stratum_core.budget import Budget
from stratum_core.contracts import JsonValue
from stratum_core.journal import MemoryJournal
from stratum_core.llm import ModelRequest
from stratum_core.money import Nusd
from stratum_core.testing import Answer
from tests.core.runtime._trial import HeldClient, Trial, count, note_of

pytestmark = pytest.mark.anyio

DOCUMENT = """\
stratum: "1"
functions:
  shout:
    mode: infer
    intent: Write the note in capitals
    input: { note: string }
    output: string
    max_tokens: 100
flows:
  main:
    input: { notes: list<string> }
    output: list<string>
    steps:
      - { id: loud, for_each: input.notes, function: shout, inputs: { note: item }, concurrency: 100 }
    return: loud
"""
NOTES: list[JsonValue] = [f"note {number:03}" for number in range(100)]


def loud(request: ModelRequest) -> Answer:
    return {"value": note_of(request).upper()}


async def worst_nusd() -> int:
    """Return the most one of these calls can cost, as its reservation says."""
    journal = MemoryJournal()
    await Trial(document=DOCUMENT, client=HeldClient(loud, held=False), journal=journal).run(
        {"notes": NOTES[:1]}
    )
    (attempt,) = journal.reader().attempts()
    return attempt.reserved.nusd


async def test_a_hundred_calls_at_once_under_a_cap_worth_five() -> None:
    cap = 5 * await worst_nusd()
    journal = MemoryJournal()
    client = HeldClient(loud, held=False)
    trial = Trial(document=DOCUMENT, client=client, journal=journal)
    outcome = await trial.run({"notes": NOTES}, budget=Budget(nusd=Nusd(cap)))
    kept = outcome.partial["loud"]
    billed = sum(attempt.usage.nusd for attempt in journal.reader().attempts())
    assert (outcome.state, outcome.value) == ("stopped_budget", None)
    assert isinstance(kept, list)
    assert len(kept) == client.finished == len(client.requests) >= 5
    assert client.most_in_flight == 5
    assert billed == count(outcome, "nusd") <= cap
    assert outcome.census["calls_possibly_paid"] == 0
    assert "the run has" in outcome.error


async def test_room_that_answers_leave_over_is_used() -> None:
    cap = 5 * await worst_nusd()
    trial = Trial(document=DOCUMENT, client=HeldClient(loud, held=False))
    outcome = await trial.run({"notes": NOTES}, budget=Budget(nusd=Nusd(cap)))
    assert count(outcome, "items_done") > 15
    assert count(outcome, "nusd") > cap - await worst_nusd()


@pytest.mark.parametrize("axis", ["tokens", "calls"])
async def test_the_other_axes_hold_as_well(axis: str) -> None:
    budget = Budget(tokens=5_000) if axis == "tokens" else Budget(calls=7)
    trial = Trial(document=DOCUMENT, client=HeldClient(loud, held=False))
    outcome = await trial.run({"notes": NOTES}, budget=budget)
    assert (outcome.state, 0 < count(outcome, axis) <= (5_000 if axis == "tokens" else 7)) == (
        "stopped_budget",
        True,
    )


NESTED = """\
stratum: "1"
functions:
  shout:
    mode: infer
    intent: Write the note in capitals
    input: { note: string }
    output: string
    max_tokens: 100
flows:
  one:
    input: { note: string }
    output: string
    budget: { tokens: 900 }
    steps:
      - { id: first, function: shout, inputs: { note: input.note } }
      - { id: second, function: shout, inputs: { note: first } }
    return: second
  main:
    input: { notes: list<string> }
    output: list<string>
    steps:
      - { id: loud, for_each: input.notes, flow: one, inputs: { note: item }, require: 0 }
    return: loud
"""


async def test_a_flow_that_spends_its_own_cap_fails_alone() -> None:
    def wordy(request: ModelRequest) -> Answer:
        return {"value": "x" * (600 if note_of(request) == "note 001" else 5)}

    trial = Trial(document=NESTED, client=HeldClient(wordy, held=False))
    outcome = await trial.run({"notes": NOTES[:3]})
    assert (outcome.state, outcome.value) == ("completed_with_failures", ["xxxxx", "xxxxx"])
    assert outcome.census["failed_by_cause"] == {"budget_exceeded": 1}
    assert "loud[1] has" in str(outcome.census["failures"])


async def test_recorded_usage_counts_against_the_cap_of_a_resumed_run() -> None:
    journal = MemoryJournal()
    client = HeldClient(loud, held=False)
    await Trial(document=DOCUMENT, client=client, journal=journal).run(
        {"notes": NOTES}, budget=Budget(calls=7)
    )
    trial = Trial(document=DOCUMENT, client=client, journal=MemoryJournal(after=journal))
    outcome = await trial.run({"notes": NOTES}, budget=Budget(calls=9))
    assert (outcome.state, len(client.requests)) == ("stopped_budget", 9)
    assert (outcome.census["calls_reused"], outcome.census["calls_answered"]) == (7, 2)


async def test_a_step_named_like_the_start_of_the_run_does_not_swallow_the_cap_of_the_run() -> None:
    document = """\
stratum: "1"
functions:
  shout: { mode: infer, intent: Write in capitals, input: { note: string }, output: string, max_tokens: 100 }
flows:
  main:
    input: { note: string }
    output: optional<string>
    steps:
      - { id: the, function: shout, inputs: { note: input.note }, on_error: none }
    return: the
"""
    outcome = await Trial.answering(document, loud).run({"note": "a"}, budget=Budget(calls=0))
    assert outcome.state == "stopped_budget"


async def test_a_functions_budget_for_calls_ends_its_retries_and_nothing_else() -> None:
    document = DOCUMENT.replace("max_tokens: 100", "max_tokens: 100\n    budget: { calls: 2 }").replace(
        "concurrency: 100", "concurrency: 100, require: 0"
    )

    def stubborn(request: ModelRequest) -> Answer:
        return {"value": 1} if note_of(request) == "note 001" else {"value": "fine"}

    trial = Trial(document=document, client=HeldClient(stubborn, held=False))
    outcome = await trial.run({"notes": NOTES[:3]})
    assert (outcome.state, outcome.value) == ("completed_with_failures", ["fine", "fine"])
    assert outcome.census["failed_by_cause"] == {"budget_exceeded": 1}
    assert outcome.census["calls"] == 4


async def test_an_inner_flows_budget_for_calls_covers_its_steps_together() -> None:
    trial = Trial(
        document=NESTED.replace("{ tokens: 900 }", "{ calls: 1 }"), client=HeldClient(loud, held=False)
    )
    outcome = await trial.run({"notes": NOTES[:3]})
    assert (outcome.value, outcome.census["calls"]) == ([], 3)
    assert outcome.census["failed_by_cause"] == {"budget_exceeded": 3}
