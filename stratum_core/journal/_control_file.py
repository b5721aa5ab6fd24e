"""The control file itself: made, brought up to date, read at any time, and changed by one process at a time.

What stands in it is the business of the stores over it; each of their methods is one short transaction.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Generator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Self

from stratum_core.commands import command_line
from stratum_core.journal._files import (
    connect,
    connect_to_read,
    locked,
    naming_file,
    private_directory,
    sqlite_file,
)
from stratum_core.journal._ledger import Clock
from stratum_core.journal._migrations import CONTROL_FILE, migrate, refuse_newer

__all__ = ["ControlFile"]


class ControlFile:
    """`control.db` in the state directory; holds no connection between calls."""

    def __init__(self, path: Path, *, clock: Clock) -> None:
        """Use a file that `open` has prepared."""
        self.path = path
        self._clock = clock

    @classmethod
    def open(cls, directory: Path, *, clock: Clock = time.time) -> Self:
        """Open the control file of a state directory, making both if needed.

        Args:
            directory: On a local disk.
            clock: Seconds since the Unix epoch; decides what has expired and which day it is.

        Raises:
            JournalVersionError: The file was written by a newer Stratum; it is left as it is.
            JournalError: The file is damaged, or lies on a network file system.
        """
        private_directory(directory)
        store = cls(directory / "control.db", clock=clock)
        with locked(store._lock), naming_file(store.path):
            sqlite_file(store.path)
            refuse_newer(store.path, CONTROL_FILE)
            with closing(connect(store.path)) as connection:
                migrate(connection, store.path, CONTROL_FILE)
        return store

    def _command(self, *words: str) -> str:
        """Return a command about what stands here, as a person can type it."""
        return command_line(*words, state_dir=self.path.parent)

    @property
    def _lock(self) -> Path:
        return self.path.with_suffix(".lock")

    def _now_ms(self) -> int:
        return int(self._clock() * 1000)

    @contextmanager
    def _changing(self) -> Generator[sqlite3.Connection]:
        """Run one transaction, alone among all processes."""
        with locked(self._lock), naming_file(self.path), closing(connect(self.path)) as connection:
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
            except BaseException:
                connection.execute("ROLLBACK")
                raise
            connection.execute("COMMIT")

    @contextmanager
    def _reading(self) -> Generator[sqlite3.Connection]:
        with naming_file(self.path), closing(connect_to_read(self.path)) as connection:
            yield connection
