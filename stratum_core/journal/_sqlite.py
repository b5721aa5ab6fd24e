"""The journal of one run in its own SQLite file, held by one process at a time."""

from __future__ import annotations

import sqlite3
import sys
import time
from contextlib import closing
from pathlib import Path

from filelock import BaseFileLock, FileLock, Timeout

from stratum_core.errors import JournalBusy, JournalError, RunError
from stratum_core.journal._files import (
    connect,
    naming_file,
    open_to_read,
    private_directory,
    run_file,
    sqlite_file,
)
from stratum_core.journal._ledger import Clock, Ledger
from stratum_core.journal._ledger_journal import LedgerJournal
from stratum_core.journal._migrations import RUN_FILE, migrate, refuse_newer
from stratum_core.journal._owner import describe, this_process
from stratum_core.journal._tables import holds_run, read_run
from stratum_core.journal._writer import Writer

if sys.platform != "win32":
    import fcntl

__all__ = ["RunJournal", "is_owned"]

_LOCK_PATIENCE_S = 0.5  # longer than `is_owned` holds the lock to look


class RunJournal(LedgerJournal):
    """A run's journal on disk, `runs/RUN_ID.db` in the state directory.

    The file's lock is held until `close` or the end of the process. Every durable write is on disk when it
    returns (write-ahead log, `synchronous=FULL`), and writes of many tasks share a commit.
    """

    def __init__(self, run_id: str, ledger: Ledger, reading: sqlite3.Connection, lock: BaseFileLock) -> None:
        """Take over what `open` has opened."""
        super().__init__(run_id, ledger, Writer(ledger, name=run_id), reading)
        self._lock = lock
        self.lock_path = Path(lock.lock_file)
        """The file whose lock says that the run is held."""

    @classmethod
    def open(cls, directory: Path, run_id: str, *, create: bool, clock: Clock = time.time) -> RunJournal:
        """Open a run for writing; what was in flight when its last owner ended becomes possibly paid.

        Args:
            directory: The state directory, on a local disk.
            run_id: The run.
            create: Make the file when there is none.
            clock: Seconds since the Unix epoch; stamps events.

        Raises:
            RunError: The id could not name a run, or its file is gone or empty and `create` is false.
            JournalBusy: A live process holds the run.
            JournalVersionError: The file was written by a newer Stratum; it is left as it is.
            JournalError: The file is damaged, belongs to another run, or lies on a network file system.
        """
        path = run_file(directory, run_id)
        if not create and not path.exists():
            raise _unknown(run_id, path)
        private_directory(directory)
        private_directory(path.parent)
        lock = _lock(path)
        try:
            lock.acquire(timeout=_LOCK_PATIENCE_S)
        except Timeout as error:
            raise _busy(run_id, path) from error
        try:
            with naming_file(path):
                return cls._locked(path, run_id, clock, lock, create=create)
        except BaseException:
            lock.release()
            raise

    @classmethod
    def _locked(
        cls, path: Path, run_id: str, clock: Clock, lock: BaseFileLock, *, create: bool
    ) -> RunJournal:
        sqlite_file(path)
        refuse_newer(path, RUN_FILE)
        writing = connect(path)
        try:
            if not create:
                _require_run(writing, run_id, path)
            migrate(writing, path, RUN_FILE)
            writing.execute("PRAGMA journal_mode = WAL")
            writing.execute("PRAGMA synchronous = FULL")
            ledger = Ledger(writing, run_id, clock=clock, owner=this_process().encoded())
            return cls(run_id, ledger, connect(path, read_only=True), lock)
        except BaseException:
            writing.close()
            raise

    def _let_go(self) -> None:
        super()._let_go()
        self._lock.release()


def is_owned(directory: Path, run_id: str) -> bool:
    """Return whether a live process holds the run; those who look do not see one another.

    Raises:
        RunError: The id could not name a run.
    """
    lock = _lock(run_file(directory, run_id))
    try:
        if sys.platform == "win32":  # it has no lock that two may hold
            lock.acquire(timeout=0)
            lock.release()
        else:
            with Path(lock.lock_file).open("rb") as file:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:  # nobody ever held it
        return False
    except (Timeout, OSError):
        return True
    return False


def _lock(path: Path) -> BaseFileLock:
    return FileLock(path.with_suffix(".lock"), mode=0o600, thread_local=False, poll_interval=0.01)


def _busy(run_id: str, path: Path) -> JournalBusy:
    holder = _holder(path) or "another process"
    return JournalBusy(
        f"run {run_id} is held by {holder}",
        remedy="watch it there, or cancel it and resume it once it has stopped",
        detail={"run_id": run_id},
    )


def _holder(path: Path) -> str:
    """Return who holds the run in words, as far as its file can be read."""
    try:
        with (
            naming_file(path),
            closing(open_to_read(path, RUN_FILE)) as connection,
        ):
            return describe(read_run(connection).owner) if holds_run(connection) else ""
    except JournalError:
        return ""


def _require_run(connection: sqlite3.Connection, run_id: str, path: Path) -> None:
    """Refuse a file without a run: opened for writing it would become the record of one that paid nothing."""
    if not holds_run(connection):
        raise _unknown(run_id, path)


def _unknown(run_id: str, path: Path) -> RunError:
    return RunError(
        f"there is no record of run {run_id} in {path}",
        remedy="`stratum runs` lists them; or put the file back",
    )
