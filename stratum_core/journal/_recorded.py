"""The events of one kind that earlier openings of a run recorded, looked up by path.

They stay in the file: a temporary table, which SQLite keeps on disk as well, holds where the last one of each path
stands. A run of any length is resumed without holding what it has answered.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping

from stratum_core.contracts import JsonValue
from stratum_core.journal._encoding import decode_object

__all__ = ["RecordedEvents"]

_TABLE = """
    CREATE TEMP TABLE IF NOT EXISTS last_events (
        epoch INTEGER, kind TEXT, path TEXT, seq INTEGER NOT NULL, PRIMARY KEY (epoch, kind, path)
    ) WITHOUT ROWID
"""
_FILL = """
    INSERT OR REPLACE INTO last_events
    SELECT ?1, kind, path, max(seq) FROM events WHERE kind = ?2 AND epoch < ?1 GROUP BY path
"""
_GET = """
    SELECT data FROM events WHERE seq = (SELECT seq FROM last_events WHERE epoch = ? AND kind = ? AND path = ?)
"""


class RecordedEvents(Mapping[str, Mapping[str, JsonValue]]):
    """The data of the last event of a kind at each path."""

    def __init__(self, connection: sqlite3.Connection, kind: str, *, before_epoch: int) -> None:
        """Find the events, once.

        Args:
            connection: To the run's tables, for reading.
            kind: Of event.
            before_epoch: Only events of openings before this one count.
        """
        self._connection = connection
        self._key = (before_epoch, kind)
        connection.execute(_TABLE)
        self._count = connection.execute(_FILL, self._key).rowcount

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[str]:
        rows = self._connection.execute(
            "SELECT path FROM last_events WHERE epoch = ? AND kind = ? ORDER BY path", self._key
        )
        return (path for (path,) in rows)

    def __getitem__(self, path: str) -> Mapping[str, JsonValue]:
        row = self._connection.execute(_GET, (*self._key, path)).fetchone() if self._count else None
        if row is None:
            raise KeyError(path)
        return decode_object(row[0])
