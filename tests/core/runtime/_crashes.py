"""Runs that end at any write: what is resumed has to be what would have been, and nothing is bought twice."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress

from stratum_core.budget import Usage
from stratum_core.contracts import JsonValue
from stratum_core.journal import Intent, MemoryJournal, SettledState
from stratum_core.runtime import RunOutcome

__all__ = ["Crash", "CrashingJournal", "crash_everywhere"]

Run = Callable[[MemoryJournal], Awaitable[RunOutcome]]


class Crash(Exception):
    """The process is gone, as far as the journal can tell."""


class CrashingJournal(MemoryJournal):
    """Ends the process at its n-th durable write, before or after it; afterwards nothing is written any more.

    Notes are durable only once the next write is, so they may count as writes or not.
    """

    def __init__(
        self, *, at: int, after_write: bool, after: MemoryJournal | None = None, notes_count: bool = True
    ) -> None:
        super().__init__(after=after)
        self.left = at
        self.after_write = after_write
        self.notes_count = notes_count
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
        if self.notes_count:
            self._tick(before=True)
        if not self.dead:
            super().note(kind, path=path, data=data)
        if self.notes_count:
            self._tick(before=False)

    def _tick(self, *, before: bool) -> None:
        if self.dead:
            raise Crash
        if before == self.after_write:
            return
        self.left -= 1
        if self.left < 0:
            self.dead = True
            raise Crash


async def crash_everywhere(run: Run) -> RunOutcome:
    """Crash a run at every write in turn, resume it, and compare it with the run that was not disturbed.

    Returns:
        What the undisturbed run gave.
    """
    undisturbed = MemoryJournal()
    whole = await run(undisturbed)
    expected = _answers(undisturbed)
    for after_write in (False, True):
        at = 0
        while True:
            journal = CrashingJournal(at=at, after_write=after_write)
            with suppress(Crash, BaseExceptionGroup):
                await run(journal)
            if not journal.dead:
                break
            again = MemoryJournal(after=journal)
            outcome = await run(again)
            assert (outcome.state, outcome.value) == (whole.state, whole.value), f"write {at}"
            assert _answers(again) == expected, f"write {at}"
            usage = sum(attempt.usage.nusd for attempt in again.reader().attempts())
            assert outcome.census["nusd"] == usage
            assert again.reader().verify().ok
            at += 1
        assert at > 0
    return whole


def _answers(journal: MemoryJournal) -> Counter[str]:
    """Count the answers on record by the path of their call."""
    return Counter(a.path for a in journal.reader().attempts() if a.state == "answered")
