"""The journal over a ledger: the same behaviour whether a file or only memory stands behind it."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Mapping, Sequence
from typing import Protocol

from stratum_core.budget import Usage
from stratum_core.contracts import JsonValue
from stratum_core.journal._encoding import encode
from stratum_core.journal._ledger import Change, Ledger
from stratum_core.journal._protocol import Intent, RecordedAttempt, RunState, SettledState
from stratum_core.journal._recorded import RecordedEvents
from stratum_core.journal._tables import read_attempts_at, read_attempts_within

__all__ = ["Committer", "LedgerJournal"]


class Committer(Protocol):
    """Gets changes into the ledger."""

    def queue(self, change: Change) -> None:
        """Make a change with the next commit."""
        ...

    async def commit(self, change: Change, *, last: bool = False) -> None:
        """Make a change durable; cancelled, it is raised only after the commit."""
        ...


class LedgerJournal:
    """The `Journal` of a run; see the port for what each method promises."""

    def __init__(
        self, run_id: str, ledger: Ledger, committer: Committer, reading: sqlite3.Connection
    ) -> None:
        """Take over an opened ledger; `reading` is a connection the event loop's thread may read from."""
        self.run_id = run_id
        self._ledger = ledger
        self._committer = committer
        self._reading = reading
        self._closed = False
        self._recorded: dict[str, RecordedEvents] = {}

    async def intent(self, intent: Intent) -> None:
        recorded = False

        def record(ledger: Ledger) -> None:
            nonlocal recorded
            ledger.intent(intent)
            recorded = True

        try:
            await self._committer.commit(record)
        except asyncio.CancelledError:
            # One that was refused must not take back the attempt that has its call id.
            if recorded:
                await self._committer.commit(lambda ledger: ledger.withdraw(intent.call_id))
            raise

    async def settle(
        self,
        call_id: str,
        *,
        state: SettledState,
        usage: Usage,
        outcome: Mapping[str, JsonValue],
    ) -> None:
        text = encode(outcome, where="outcome")
        await self._committer.commit(lambda ledger: ledger.settle(call_id, state, usage, text))

    async def void(self, call_id: str) -> None:
        await self._committer.commit(lambda ledger: ledger.void(call_id))

    async def event(self, kind: str, *, path: str = "", data: Mapping[str, JsonValue] | None = None) -> None:
        text = encode(data or {}, where="data")
        await self._committer.commit(lambda ledger: ledger.event(kind, path, text))

    def note(self, kind: str, *, path: str = "", data: Mapping[str, JsonValue] | None = None) -> None:
        counted = data or {}
        text = encode(counted, where="data")
        self._committer.queue(lambda ledger: ledger.note(kind, path, text, counted))

    def attempts(self, path: str) -> Sequence[RecordedAttempt]:
        if self._ledger.epoch == 1:
            return ()
        return tuple(read_attempts_at(self._reading, path, before_epoch=self._ledger.epoch))

    def attempts_within(self, path: str) -> Sequence[RecordedAttempt]:
        if self._ledger.epoch == 1:
            return ()
        return tuple(read_attempts_within(self._reading, path, before_epoch=self._ledger.epoch))

    def recorded(self, kind: str) -> Mapping[str, Mapping[str, JsonValue]]:
        if self._ledger.epoch == 1:
            return {}
        if kind not in self._recorded:
            self._recorded[kind] = RecordedEvents(self._reading, kind, before_epoch=self._ledger.epoch)
        return self._recorded[kind]

    def recorded_usage(self) -> Usage:
        return self._ledger.charged

    async def close(
        self,
        *,
        state: RunState | None = None,
        data: Mapping[str, JsonValue] | None = None,
    ) -> None:
        if self._closed:
            return
        text = encode(data or {}, where="data")
        self._closed = True
        try:
            await self._committer.commit(lambda ledger: ledger.finish(state, text), last=True)
        finally:
            self._let_go()

    def _let_go(self) -> None:
        """Free what holds the run once nothing more is written."""
        self._reading.close()
