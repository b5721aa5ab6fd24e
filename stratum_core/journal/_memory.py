"""The journal in memory: the same ledger without a file, for tests and for runs nobody will resume."""

from __future__ import annotations

import sqlite3
import time
from pathlib import Path

from stratum_core.errors import JournalError
from stratum_core.journal._ids import check_run_id
from stratum_core.journal._ledger import Change, Clock, Ledger
from stratum_core.journal._ledger_journal import LedgerJournal
from stratum_core.journal._migrations import RUN_FILE, migrate
from stratum_core.journal._owner import this_process
from stratum_core.journal._reader import RunReader

__all__ = ["MemoryJournal"]


class MemoryJournal(LedgerJournal):
    """A journal that forgets everything with the process; nothing in it waits for a disk."""

    def __init__(
        self, run_id: str = "memory", *, clock: Clock = time.time, after: MemoryJournal | None = None
    ) -> None:
        """Open a run.

        Args:
            run_id: The run.
            clock: Seconds since the Unix epoch; stamps events.
            after: Open this journal's run as the next process would find it if the last one ended now; the
            old
                journal cannot write any more.

        Raises:
            RunError: The id could not name a run.
        """
        self.connection = _new_tables() if after is None else after.connection
        """The tables; for reading only."""
        run_id = check_run_id(run_id if after is None else after.run_id)
        ledger = Ledger(self.connection, run_id, clock=clock, owner=this_process().encoded())
        super().__init__(run_id, ledger, _AtOnce(run_id, ledger), self.connection)

    def reader(self) -> RunReader:
        """Return a view of the run as other processes would see it."""
        return RunReader(self.run_id, self.connection, path=None, owned=lambda: not self._closed)

    def _let_go(self) -> None:
        """Keep the memory: it can be read, and opened again."""


def _new_tables() -> sqlite3.Connection:
    connection = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
    migrate(connection, Path(":memory:"), RUN_FILE)
    return connection


class _AtOnce:
    """Applies each change by itself, in the task that asks."""

    def __init__(self, run_id: str, ledger: Ledger) -> None:
        self._run_id = run_id
        self._ledger = ledger
        self._closed = False

    def queue(self, change: Change) -> None:
        self._apply(change)

    async def commit(self, change: Change, *, last: bool = False) -> None:
        self._apply(change)
        self._closed = last

    def _apply(self, change: Change) -> None:
        if self._closed:
            raise JournalError(f"the journal of {self._run_id} is closed", remedy="open the run again")
        error = self._ledger.apply([change])[0]
        if error is not None:
            raise error
