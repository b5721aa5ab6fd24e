"""Cancellation at every point where a run waits: no reservation is left, what was sent is charged and on record."""

from __future__ import annotations

import types
from collections.abc import Coroutine, Generator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import anyio
import pytest
from anyio.lowlevel import checkpoint

from stratum_core.budget import Budget, Meter, Usage
from stratum_core.contracts import JsonValue
from stratum_core.errors import TransportError
from stratum_core.journal import Intent, MemoryJournal, SettledState
from stratum_core.llm import ModelReply, ModelRequest
from stratum_core.money import Nusd
from stratum_core.runtime._context import RunContext
from stratum_core.runtime._flow import run_flow
from stratum_core.runtime._verbs import run_verb
from stratum_core.testing import Answer, as_reply
from tests.core.runtime._trial import Trial, note_of
from tests.support.journals import AnyJournal, Clock, DiskRun

pytestmark = pytest.mark.anyio

FUNCTIONS = """\
stratum: "1"
contracts: { V: { kind: string } }
functions:
  judge:
    mode: infer
    intent: Judge the note
    input: { note: string }
    output: V
    max_tokens: 60
    ensure: [result.kind != "bad"]
"""
ONE = (
    FUNCTIONS
    + """\
flows:
  main:
    input: { notes: list<string> }
    output: string
    steps:
      - { id: one, function: judge, inputs: { note: "input.notes[0]" } }
    return: one.kind
"""
)
MANY = (
    FUNCTIONS
    + """\
    quorum: 2
    agree_on: kind
    threshold: 2
flows:
  main:
    input: { notes: list<string> }
    output: list<string>
    steps:
      - { id: all, for_each: input.notes, function: judge, inputs: { note: item }, concurrency: auto }
    return: "[each.kind for each in all]"
"""
)
NOTES: Mapping[str, JsonValue] = {"notes": ["a", "b", "c"]}
CAP = Nusd(40_000_000)
TIGHT_TOKENS = 1_400
"""Room for some of the votes at once: the others wait for a settlement."""


@dataclass
class Faulty:
    """A client that first has a transport fault, then breaks the contract, then answers; it suspends on the way."""

    touch: Touches
    faults: dict[str, int] = field(default_factory=dict[str, int])

    async def complete(self, request: ModelRequest) -> ModelReply:
        await self.touch()
        await checkpoint()
        note = note_of(request)
        turn = self.faults.get(note, 0)
        self.faults[note] = turn + 1
        await self.touch()
        if turn == 0:
            raise TransportError("busy", detail={"paid": "no"})
        answer: Answer = {"kind": "bad" if turn == 1 else "good"}
        return as_reply(request, answer, "stop")


@dataclass
class Touches:
    """Counts the points where a run waits for something outside, and cancels it at one of them."""

    at: int
    scope: anyio.CancelScope = field(default_factory=anyio.CancelScope)
    count: int = 0

    async def __call__(self) -> None:
        self.count += 1
        if self.count == self.at:
            self.scope.cancel()
        await checkpoint()


class TouchedJournal(MemoryJournal):
    """A journal that waits before each of its writes, as one on disk does."""

    def __init__(self, touch: Touches, *, after: MemoryJournal | None = None) -> None:
        super().__init__(after=after)
        self.touch = touch

    async def intent(self, intent: Intent) -> None:
        await self.touch()
        await super().intent(intent)

    async def settle(
        self, call_id: str, *, state: SettledState, usage: Usage, outcome: Mapping[str, JsonValue]
    ) -> None:
        await self.touch()
        await super().settle(call_id, state=state, usage=usage, outcome=outcome)

    async def event(self, kind: str, *, path: str = "", data: Mapping[str, JsonValue] | None = None) -> None:
        await self.touch()
        await super().event(kind, path=path, data=data)


async def walk(context: RunContext, meter: Meter) -> JsonValue:
    flow = context.program.flows["main"]
    return await run_flow(context, flow, NOTES, path="", meter=meter, run_verb=run_verb)


def meter_of(journal: AnyJournal, *, tokens: int | None = None) -> Meter:
    return Meter("the run", Budget(nusd=CAP, tokens=tokens), spent=journal.recorded_usage())


def assert_nothing_is_left_reserved(journal: AnyJournal, meter: Meter, *, where: str) -> None:
    """Nothing is reserved, nothing is open, and the meter has charged exactly what is on record."""
    attempts = journal.reader().attempts() if isinstance(journal, MemoryJournal) else ()
    assert meter.reserved == Usage(), where
    assert [attempt.call_id for attempt in attempts if attempt.state == "open"] == [], where
    if isinstance(journal, MemoryJournal):
        assert meter.spent == sum((attempt.usage for attempt in attempts), Usage()), where
    assert meter.spent.nusd <= CAP


@pytest.mark.parametrize("tokens", [None, TIGHT_TOKENS])
async def test_of_many_calls_at_once_cancelled_at_any_point_none_leaves_a_reservation(
    tokens: int | None,
) -> None:
    at, ended = 0, False
    while not ended:
        at += 1
        touch = Touches(at)
        client = Faulty(touch)
        journal = TouchedJournal(touch)
        meter = meter_of(journal, tokens=tokens)
        with anyio.fail_after(20), touch.scope:
            await walk(Trial(document=MANY, client=client, journal=journal).context(), meter)
        ended = touch.count < at
        assert_nothing_is_left_reserved(journal, meter, where=f"point {at}")
        answered = {a.call_id for a in journal.reader().attempts() if a.state == "answered"}
        again = TouchedJournal(Touches(0), after=journal)
        meter = meter_of(again)
        value = await walk(Trial(document=MANY, client=client, journal=again).context(), meter)
        assert value == ["good"] * 3, f"point {at}"
        recorded = [attempt.call_id for attempt in again.reader().attempts()]
        assert len(recorded) == len(set(recorded))
        assert answered <= set(recorded)
        assert_nothing_is_left_reserved(again, meter, where=f"after point {at}")
        assert again.reader().verify().ok
    assert at > 40


@types.coroutine
def _stepped(work: Coroutine[Any, Any, None], touch: Touches) -> Generator[Any, Any, None]:
    """Run a coroutine, and cancel it at the n-th point where it really waits."""
    error: BaseException | None = None
    while True:
        try:
            waited: Any = work.send(None) if error is None else work.throw(error)
        except StopIteration:
            return
        touch.count += 1
        if touch.count == touch.at:
            touch.scope.cancel()
        error = None
        try:
            yield waited
        except BaseException as caught:  # noqa: BLE001 - handed on to whom it is meant for
            error = caught


async def test_one_call_over_a_journal_on_disk_cancelled_at_each_of_its_awaits_leaves_no_reservation(
    tmp_path: Path,
) -> None:
    at, ended = 0, False
    while not ended:
        at += 1
        run = DiskRun(tmp_path / str(at), Clock())
        touch = Touches(at)
        client = Faulty(Touches(0))
        journal = run.open()
        meter = meter_of(journal)

        async def work(journal: AnyJournal = journal, meter: Meter = meter, client: Faulty = client) -> None:
            await walk(Trial(document=ONE, client=client, journal=journal).context(), meter)

        with anyio.fail_after(20), touch.scope:
            await _stepped(work(), touch)
        ended = touch.count < at
        where = f"await {at}"
        assert meter.reserved == Usage(), where
        with run.reader() as reader:
            attempts = reader.attempts()
        assert [attempt.state for attempt in attempts if attempt.state == "open"] == [], where
        assert meter.spent == sum((attempt.usage for attempt in attempts), Usage()), where
        await journal.close()
        again = run.open()
        meter = meter_of(again)
        context = Trial(document=ONE, client=client, journal=again).context()
        assert await walk(context, meter) == "good", where
        assert meter.reserved == Usage()
        await again.close(state="completed")
        with run.reader() as reader:
            assert reader.verify().ok
    assert at > 8
