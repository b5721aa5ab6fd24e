"""Answers that outlive their run: one file in the state directory, shared by all of its runs.

It is a convenience and no record: what a run takes from it stands in the run's own journal. An answer is only ever
added, so that two runs that ask the same at the same time agree afterwards on the first one's answer.
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

import anyio

from stratum_core.contracts import JsonValue
from stratum_core.errors import JournalError
from stratum_core.journal._encoding import encode
from stratum_core.journal._files import (
    connect,
    connect_to_read,
    locked,
    naming_file,
    private_directory,
    sqlite_file,
)
from stratum_core.journal._ledger import Clock
from stratum_core.journal._migrations import CACHE_FILE, migrate, refuse_newer

__all__ = ["AnswerCache"]

_log = logging.getLogger("stratum.cache")


class AnswerCache:
    """`answers.db` in the state directory; holds no connection between calls."""

    def __init__(self, path: Path, *, clock: Clock) -> None:
        """Use a file that `open` has prepared."""
        self.path = path
        self._clock = clock

    @classmethod
    def open(cls, directory: Path, *, clock: Clock = time.time) -> AnswerCache:
        """Open the answers of a state directory, making the file if needed.

        Args:
            directory: On a local disk.
            clock: Seconds since the Unix epoch; stamps answers.

        Raises:
            JournalVersionError: The file was written by a newer Stratum; it is left as it is.
            JournalError: The file is damaged, or lies on a network file system.
        """
        private_directory(directory)
        cache = cls(directory / "answers.db", clock=clock)
        with locked(cache.path.with_suffix(".lock")), naming_file(cache.path):
            sqlite_file(cache.path)
            refuse_newer(cache.path, CACHE_FILE)
            with closing(connect(cache.path)) as connection:
                migrate(connection, cache.path, CACHE_FILE)
        return cache

    async def get(self, key: str) -> Mapping[str, JsonValue] | None:
        """Return the answer to a question as `{"value": ...}`, None when there is none.

        A file that cannot be read has no answers: then they are bought, inside the cap as ever.
        """
        try:
            return await anyio.to_thread.run_sync(self._read, key)
        except JournalError as fault:
            _log.warning("no answer is taken from other runs: %s", fault)
            return None

    async def put(self, key: str, value: JsonValue) -> None:
        """Keep an accepted answer; the first one to a question stays.

        A file that cannot be written keeps nothing: paid work does not end because of it.
        """
        try:
            await anyio.to_thread.run_sync(self._write, key, encode(value, where="answer"))
        except JournalError as fault:
            _log.warning("an answer is not kept for other runs: %s", fault)

    def _read(self, key: str) -> Mapping[str, JsonValue] | None:
        with naming_file(self.path), closing(connect_to_read(self.path)) as connection:
            row = connection.execute("SELECT value FROM answers WHERE key = ?", (key,)).fetchone()
        return None if row is None else {"value": _decoded(self.path, row[0])}

    def _write(self, key: str, text: str) -> None:
        row = (key, text, int(self._clock() * 1000))
        with (
            locked(self.path.with_suffix(".lock")),
            naming_file(self.path),
            closing(connect(self.path)) as connection,
        ):
            connection.execute("INSERT OR IGNORE INTO answers VALUES (?, ?, ?)", row)


def _decoded(path: Path, text: str) -> JsonValue:
    try:
        value: JsonValue = json.loads(text)
    except ValueError as error:
        raise JournalError(
            f"{path} holds an answer that is not JSON", remedy="move the file aside"
        ) from error
    return value
