"""Parallel on record: what a crash costs, what a resumed run follows, and a decision that takes time to be written."""

from __future__ import annotations

from collections.abc import Mapping

import anyio
import pytest
from anyio.lowlevel import checkpoint

from stratum_core.budget import Usage
from stratum_core.contracts import JsonValue
from stratum_core.errors import JournalError, TransportError
from stratum_core.journal import MemoryJournal, SettledState
from stratum_core.llm import ModelRequest
from stratum_core.testing import Answer
from tests.core.runtime._gates import GatedClient, assert_every_crash_ends_alike
from tests.core.runtime._parallel import ALL, ANY, OPTIONAL, TWO, client, loud, run
from tests.core.runtime._trial import note_of

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize(
    ("text", "x", "turns", "never", "writes"),
    [
        (ALL, "x", "", "", 10),
        (ALL, "!", "", "!b !c", 9),
        (ANY, "x", "", "xb xc", 7),
        (ANY, "x", "", "xa xc", 9),
        (TWO, "x", "xc xa", "xb", 9),
        (TWO, "!", "!a !b", "!c", 11),
        (OPTIONAL, "x", "xa xb XB xc", "", 10),
        (OPTIONAL, "!", "", "", 12),
    ],
)
async def test_a_crash_at_any_write_costs_nothing_that_is_on_record_and_changes_no_result(
    text: str, x: str, turns: str, never: str, writes: int
) -> None:
    found = await assert_every_crash_ends_alike(text, {"x": x}, lambda: client(turns, never))
    assert found == writes


async def test_a_resumed_run_follows_the_decision_and_does_not_ask_the_losers_again() -> None:
    journal = MemoryJournal()
    await run(ANY, client(never="xa xb"), journal=journal)
    other = client(never="xc")
    again = MemoryJournal(after=journal)
    outcome = await run(ANY, other, journal=again)
    assert (outcome.value, other.requests) == ("XC", [])
    assert (
        outcome.census["calls_possibly_paid"],
        outcome.census["calls_reused"],
        outcome.census["lost"],
    ) == (2, 2, 2)


async def test_a_branch_that_failed_for_want_of_its_provider_may_succeed_when_the_run_is_resumed() -> None:
    def down(request: ModelRequest) -> Answer:
        busy = TransportError("down", detail={"paid": "no"})
        return busy if note_of(request) == "xa" else loud(request)

    journal = MemoryJournal()
    first = await run(ALL, GatedClient(down, note_of, never=frozenset({"xb", "xc"})), journal=journal)
    provider = client()
    outcome = await run(ALL, provider, journal=MemoryJournal(after=journal))
    assert (first.state, outcome.state) == ("failed", "completed")
    assert outcome.value == {"a": "XA", "b": "XB", "c": "XC"}
    assert sorted(provider.names()) == ["XB", "xa", "xb", "xc", "xc"]


INNER = """\
stratum: "1"
functions:
  shout: { mode: infer, intent: Write in capitals, input: { note: string }, output: string, max_tokens: 100 }
flows:
  inner:
    input: { x: string }
    output: string
    budget: { tokens: CAP }
    steps:
      - id: p
        parallel:
          require: any
          branches:
            a: { function: shout, inputs: { note: input.x + "a" } }
            b: { function: shout, inputs: { note: input.x + "b" } }
      - { id: more, function: shout, inputs: { note: p } }
    return: more
  main:
    input: { x: string }
    output: string
    steps:
      - { id: i, flow: inner, inputs: { x: input.x } }
    return: i
"""


@pytest.mark.parametrize(("missing", "state"), [(0, "completed"), (1, "stopped_budget")])
async def test_what_losers_have_cost_counts_against_the_caps_around_them_in_a_resumed_run(
    missing: int, state: str
) -> None:
    measured = MemoryJournal()
    await run(INNER.replace("CAP", "100000"), client(never="xb"), journal=measured)
    by_path = {attempt.path: attempt for attempt in measured.reader().attempts()}
    lost = by_path["i/p/b"].usage.tokens + by_path["i/more"].reserved.tokens
    needed = by_path["i/p/a"].usage.tokens + lost + by_path["i/more"].reserved.tokens
    text, journal = INNER.replace("CAP", str(needed - missing)), MemoryJournal()
    with anyio.move_on_after(0.05):
        await run(text, client(never="xb XA"), journal=journal)
    outcome = await run(text, client(), journal=MemoryJournal(after=journal))
    assert outcome.state == state


class SlowEvents(MemoryJournal):
    """Takes a while to write an event down, or cannot."""

    def __init__(self, *, broken: bool = False) -> None:
        super().__init__()
        self.broken = broken

    async def event(self, kind: str, *, path: str = "", data: Mapping[str, JsonValue] | None = None) -> None:
        for _ in range(50):
            await checkpoint()
        if self.broken:
            raise JournalError("the disk is full")
        await super().event(kind, path=path, data=data)


@pytest.mark.parametrize("late", [{"value": "late"}, "no json"])
async def test_what_comes_in_while_the_decision_is_written_changes_nothing(late: Answer) -> None:
    def answer(request: ModelRequest) -> Answer:
        return {"value": "first"} if note_of(request) == "xb" else late

    text = ANY.replace("b: { flow: twice", "b: { function: shout").replace("retries: 1", "retries: 0")
    journal, provider = SlowEvents(), GatedClient(answer, note_of, turns=("xb", "xa", "xc"))
    outcome = await run(text, provider, journal=journal)
    assert (outcome.value, outcome.census["lost"], outcome.census["failed_by_cause"]) == ("first", 2, {})
    assert (provider.cancelled, outcome.census["calls_answered"]) == ([], 3)
    again = await run(text, provider, journal=MemoryJournal(after=journal))
    assert (again.value, again.census["calls_reused"], len(provider.requests)) == ("first", 3, 3)


async def test_a_loser_sends_nothing_new_while_the_decision_is_written() -> None:
    provider = client(turns="xa xb xc")
    outcome = await run(ANY, provider, journal=SlowEvents())
    assert (outcome.value, provider.names()) == ("XA", ["xa", "xb", "xc"])


async def test_a_decision_that_cannot_be_written_is_not_used() -> None:
    provider = client(never="xb xc")
    with pytest.raises(JournalError, match="the disk is full"):
        await run(ANY, provider, journal=SlowEvents(broken=True))
    assert (provider.in_flight, sorted(provider.cancelled)) == (0, ["xb", "xc"])


class LosingAnswers(MemoryJournal):
    """Cannot write one answer."""

    async def settle(
        self, call_id: str, *, state: SettledState, usage: Usage, outcome: Mapping[str, JsonValue]
    ) -> None:
        if call_id == "p/a#0":
            raise JournalError("the disk is full")
        await super().settle(call_id, state=state, usage=usage, outcome=outcome)


async def test_an_answer_that_cannot_be_written_ends_the_run_although_others_could_win() -> None:
    provider = client(turns="xa xb")
    with pytest.raises(JournalError, match="the disk is full"):
        await run(ANY, provider, journal=LosingAnswers())
    assert provider.in_flight == 0
