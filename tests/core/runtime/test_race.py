"""Race: the first success is the value, and what the others cost is counted."""

from __future__ import annotations

import random

import anyio
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stratum_core.budget import Budget
from stratum_core.journal import MemoryJournal
from stratum_core.llm import ModelRequest
from stratum_core.runtime import RunOutcome
from stratum_core.testing import Answer
from tests.core.runtime._gates import GatedClient, answered, assert_every_crash_ends_alike, events
from tests.core.runtime._trial import Trial, count, note_of

pytestmark = pytest.mark.anyio

DOCUMENT = """\
stratum: "1"
functions:
  shout: { mode: infer, intent: Write in capitals, input: { note: string }, output: string, retries: 0, max_tokens: 99 }
flows:
  many:
    input: { notes: list<string> }
    output: string
    steps:
      - { id: each, for_each: input.notes, function: shout, inputs: { note: item }, require: 0, concurrency: 1 }
    return: '"".join(each)'
  main:
    input: { fast: string, slow: list<string> }
    output: string
    steps:
      - id: r
        race:
          branches:
            slow: { flow: many, inputs: { notes: input.slow } }
            fast: { function: shout, inputs: { note: input.fast } }
    return: r
"""
INPUTS = {"fast": "f", "slow": ["s1", "bad", "s3"]}


def loud(request: ModelRequest) -> Answer:
    note = note_of(request)
    return "no json" if note.startswith("bad") else {"value": note.upper()}


def client(turns: str = "", never: str = "") -> GatedClient:
    return GatedClient(loud, note_of, turns=turns.split(), never=frozenset(never.split()))


async def run(
    provider: GatedClient,
    *,
    fast: str = "f",
    journal: MemoryJournal | None = None,
    budget: Budget | None = None,
) -> RunOutcome:
    trial = Trial(document=DOCUMENT, client=provider, journal=journal or MemoryJournal())
    return await trial.run({**INPUTS, "fast": fast}, budget=budget)


async def test_the_first_that_succeeds_wins_and_the_other_is_cut_off() -> None:
    journal = MemoryJournal()
    provider = client(turns="s1 bad f", never="s3")
    outcome = await run(provider, journal=journal)
    assert (outcome.state, outcome.value, provider.cancelled) == ("completed", "F", ["s3"])
    assert events(journal, "decided") == [("r", {"winners": ["fast"], "failed": []})]
    assert dict(answered(journal)) == {"r/slow/each[0]": 1, "r/slow/each[1]": 1, "r/fast": 1}


async def test_a_loser_leaves_its_cost_and_nothing_else() -> None:
    journal = MemoryJournal()
    outcome = await run(client(turns="s1 bad f", never="s3"), journal=journal)
    census = outcome.census
    assert (census["items_done"], census["items_failed"], census["failed_by_cause"]) == (0, 0, {})
    assert (census["calls_answered"], census["calls_possibly_paid"], census["lost"]) == (3, 1, 1)
    assert count(outcome, "nusd") == sum(attempt.usage.nusd for attempt in journal.reader().attempts())
    assert census["simulated"] is False


async def test_a_branch_that_fails_first_does_not_win() -> None:
    outcome = await run(client(turns="bad1 s1"), fast="bad1")
    assert (outcome.state, outcome.value) == ("completed_with_failures", "S1S3")
    assert outcome.census["failed_by_cause"] == {"parse_failure": 1}


async def test_a_race_that_nobody_wins_fails_with_the_first_failure() -> None:
    text = DOCUMENT.replace(", require: 0, concurrency: 1", "")
    outcome = await Trial(document=text, client=client()).run({**INPUTS, "fast": "bad1"})
    assert outcome.state == "failed"
    assert outcome.error.startswith(
        "r: 2 of 2 branches failed, but 1 must succeed; the first of them, slow: "
    )


async def test_a_race_without_room_for_a_winner_stops_the_run() -> None:
    journal = MemoryJournal()
    outcome = await run(client(), fast="bad1", journal=journal, budget=Budget(calls=3))
    assert (outcome.state, events(journal, "decided")) == ("stopped_budget", [])


@pytest.mark.parametrize(
    ("fast", "turns", "never", "writes"),
    [("f", "s1 bad f", "s3", 9), ("f", "s1 bad s3", "f", 9), ("bad1", "bad1 s1", "", 9), ("f", "", "s1", 5)],
)
async def test_a_crash_at_any_write_costs_nothing_that_is_on_record_and_changes_no_winner(
    fast: str, turns: str, never: str, writes: int
) -> None:
    inputs = {**INPUTS, "fast": fast}
    found = await assert_every_crash_ends_alike(DOCUMENT, inputs, lambda: client(turns, never))
    assert found == writes


NESTED = """\
stratum: "1"
functions:
  shout: { mode: infer, intent: Write in capitals, input: { note: string }, output: string, retries: 0, max_tokens: 99 }
flows:
  pair:
    input: { x: string }
    output: string
    budget: { tokens: 9000 }
    steps:
      - { id: one, function: shout, inputs: { note: input.x + "1" } }
      - { id: two, function: shout, inputs: { note: input.x + "2" } }
      - id: p
        parallel:
          require: any
          branches:
            a: { function: shout, inputs: { note: input.x + "a" } }
            b: { function: shout, inputs: { note: input.x + "b" } }
    return: one + two + p
  main:
    input: { x: string }
    output: string
    steps:
      - id: r
        race:
          branches:
            l: { flow: pair, inputs: { x: input.x + "l" } }
            m: { flow: pair, inputs: { x: input.x + "m" } }
    return: r
"""


@pytest.mark.parametrize("never", ["xlb xm2 xma xmb", "xla xlb xma"])
async def test_races_in_races_end_alike_after_a_crash_at_any_write(never: str) -> None:
    found = await assert_every_crash_ends_alike(NESTED, {"x": "x"}, lambda: client(never=never))
    assert found > 12


async def test_a_winner_on_record_wins_before_anything_is_asked_again() -> None:
    journal = MemoryJournal()
    first = await run(client(never="f"), journal=journal)
    provider = client()
    again = await run(provider, journal=MemoryJournal(after=journal))
    assert (first.value, again.value, provider.requests) == ("S1S3", "S1S3", [])


@settings(max_examples=30, deadline=None)
@given(calls=st.integers(0, 6), seed=st.integers(0, 1_000))
def test_no_cap_is_passed_and_nothing_left_open_whoever_wins(calls: int, seed: int) -> None:
    async def story() -> None:
        order = ["f", "s1", "bad", "s3"]
        random.Random(seed).shuffle(order)  # noqa: S311 - a repeatable test
        journal, provider = MemoryJournal(), client(turns="f")
        provider.never = frozenset(order[:1])
        with anyio.move_on_after(0.1):
            await run(provider, journal=journal, budget=Budget(calls=calls))
        attempts = journal.reader().attempts()
        assert sum(attempt.usage.calls for attempt in attempts) <= calls
        assert all(attempt.state != "open" for attempt in attempts)
        assert provider.in_flight == 0

    anyio.run(story)
