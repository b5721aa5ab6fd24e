"""The rows of a run file and the few statements that write and read them.

Rows are written many to a statement: each statement hands the interpreter lock over, and with a busy event
loop in the same process every hand-over costs up to the switch interval (5 ms).
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import NamedTuple, TypeAlias

from stratum_core.budget import Usage
from stratum_core.contracts import JsonValue
from stratum_core.journal._chain import EventRow
from stratum_core.journal._encoding import decode_object
from stratum_core.journal._protocol import AttemptState, RecordedAttempt

__all__ = [
    "CallRow",
    "ProgressRow",
    "RunRow",
    "add_progress",
    "count_intents",
    "create_run",
    "holds_run",
    "insert_events",
    "read_attempts",
    "read_attempts_at",
    "read_attempts_within",
    "read_events",
    "read_events_of",
    "read_events_until",
    "read_models",
    "read_open_calls",
    "read_progress",
    "read_run",
    "read_seq_of",
    "read_settled_calls",
    "reset_progress",
    "save_calls",
    "save_run",
]

_ROWS_PER_STATEMENT = (32, 16, 8, 4, 2, 1)  # 16 columns each: below the 999 variables older SQLite allows

ProgressRow: TypeAlias = "tuple[str, int | None, int, int]"
"""path, total, done (failed ones included), failed."""


class CallRow(NamedTuple):
    """One attempt in the `calls` table."""

    seq: int
    """The event of its intent."""
    call_id: str
    path: str
    attempt: int
    epoch: int
    input_hash: str
    request_hash: str
    model: str
    state: AttemptState
    reserved_nusd: int
    reserved_tokens: int
    reserved_calls: int
    nusd: int
    tokens: int
    calls: int
    settled_seq: int | None

    @property
    def reserved(self) -> Usage:
        """What was reserved for it."""
        return Usage(nusd=self.reserved_nusd, tokens=self.reserved_tokens, calls=self.reserved_calls)

    def settled(self, state: AttemptState, usage: Usage, seq: int) -> CallRow:
        """Return the row as the event `seq` leaves it."""
        return self._replace(
            state=state, nusd=usage.nusd, tokens=usage.tokens, calls=usage.calls, settled_seq=seq
        )


class RunRow(NamedTuple):
    """The one row of the `run` table."""

    run_id: str
    state: str
    epoch: int
    owner: str
    """The process that holds the run, as JSON; empty once it has let go."""
    opened_at_ms: int
    finished: str | None
    """What `close` was given, as JSON."""
    last_seq: int
    head: bytes
    nusd: int
    tokens: int
    calls: int
    possibly_paid: int

    @property
    def charged(self) -> Usage:
        """Everything settled or possibly paid."""
        return Usage(nusd=self.nusd, tokens=self.tokens, calls=self.calls)


# The columns stand in the order of the row types above; a migration may only append to both.
_CREATE_RUN = "INSERT INTO run SELECT ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ? WHERE NOT EXISTS (SELECT 1 FROM run)"
_SAVE_RUN = """
    UPDATE run SET run_id = ?, state = ?, epoch = ?, owner = ?, opened_at_ms = ?, finished = ?, last_seq = ?,
        head = ?, nusd = ?, tokens = ?, calls = ?, possibly_paid = ?
    WHERE epoch = ?
"""
_INSERT_EVENTS = ("INSERT INTO events", "")
_SAVE_CALLS = (
    "INSERT INTO calls",
    """
    ON CONFLICT (seq) DO UPDATE SET state = excluded.state, nusd = excluded.nusd, tokens = excluded.tokens,
        calls = excluded.calls, settled_seq = excluded.settled_seq
    """,
)
_READ_SETTLED = """
    SELECT c.*, e.kind, e.data FROM calls c LEFT JOIN events e ON e.seq = c.settled_seq ORDER BY c.seq
"""
_READ_AT = """
    SELECT c.*, e.data FROM calls c LEFT JOIN events e ON e.seq = c.settled_seq
    WHERE c.path = ? AND c.epoch < ? ORDER BY c.attempt, c.seq
"""
_READ_WITHIN = """
    SELECT c.*, e.data FROM calls c LEFT JOIN events e ON e.seq = c.settled_seq
    WHERE (c.path = ?1 OR (c.path >= ?1 || '/' AND c.path < ?1 || '0')
           OR (c.path >= ?1 || '[' AND c.path < ?1 || char(92))) AND c.epoch < ?2
    ORDER BY c.seq
"""
"""The ranges end before the characters that follow `/` and `[`."""


def create_run(connection: sqlite3.Connection, run_id: str, head: bytes) -> None:
    """Add the row of a run that nobody has opened yet, if the file holds none."""
    row = RunRow(run_id, "ready", 0, "", 0, None, 0, head, 0, 0, 0, 0)
    connection.execute(_CREATE_RUN, row)


def holds_run(connection: sqlite3.Connection) -> bool:
    """Return whether the file has its run: its maker may be just about to write it."""
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_master WHERE name = 'run'").fetchone()
    return bool(tables) and connection.execute("SELECT 1 FROM run").fetchone() is not None


def read_run(connection: sqlite3.Connection) -> RunRow:
    """Return the run the file is about."""
    return RunRow(*connection.execute("SELECT * FROM run").fetchone())


def save_run(connection: sqlite3.Connection, row: RunRow, *, epoch: int | None = None) -> bool:
    """Write the run row, with a new epoch if one is given.

    Returns:
        False when another owner has raised the epoch since, and nothing was written.
    """
    saved = row if epoch is None else row._replace(epoch=epoch)
    return connection.execute(_SAVE_RUN, (*saved, row.epoch)).rowcount == 1


def insert_events(connection: sqlite3.Connection, rows: Sequence[EventRow]) -> None:
    """Append events."""
    _write_rows(connection, _INSERT_EVENTS, rows)


def save_calls(connection: sqlite3.Connection, rows: Sequence[CallRow]) -> None:
    """Add attempts, or bring them up to date."""
    _write_rows(connection, _SAVE_CALLS, rows)


def reset_progress(connection: sqlite3.Connection, path: str, total: int | None) -> None:
    """Start counting a scope from nothing: a resumed run counts its replayed items again."""
    connection.execute("INSERT OR REPLACE INTO progress VALUES (?, ?, 0, 0)", (path, total))


def add_progress(connection: sqlite3.Connection, path: str, done: int, failed: int) -> None:
    """Count finished items of a scope."""
    connection.execute(
        "INSERT INTO progress VALUES (?, NULL, ?, ?) "
        "ON CONFLICT (path) DO UPDATE SET done = done + excluded.done, failed = failed + excluded.failed",
        (path, done, failed),
    )


def read_open_calls(connection: sqlite3.Connection) -> list[CallRow]:
    """Return the attempts in flight, oldest first."""
    rows = connection.execute("SELECT * FROM calls WHERE state = 'open' ORDER BY seq")
    return [CallRow(*row) for row in rows]


def read_attempts(connection: sqlite3.Connection) -> Iterator[RecordedAttempt]:
    """Yield every attempt in the order of the intents."""
    for row, _, data in read_settled_calls(connection):
        yield _recorded(row, data)


def read_attempts_at(
    connection: sqlite3.Connection, path: str, *, before_epoch: int
) -> Iterator[RecordedAttempt]:
    """Yield the attempts at one path that earlier openings of the run recorded, in attempt order."""
    for *columns, data in connection.execute(_READ_AT, (path, before_epoch)):
        yield _recorded(CallRow(*columns), data)


def read_attempts_within(
    connection: sqlite3.Connection, path: str, *, before_epoch: int
) -> Iterator[RecordedAttempt]:
    """Yield the attempts at a path and everywhere inside it that earlier openings of the run recorded."""
    for *columns, data in connection.execute(_READ_WITHIN, (path, before_epoch)):
        yield _recorded(CallRow(*columns), data)


def read_settled_calls(connection: sqlite3.Connection) -> Iterator[tuple[CallRow, str | None, str | None]]:
    """Yield every attempt with the kind and the data of the event that settled it."""
    for *columns, kind, data in connection.execute(_READ_SETTLED):
        yield CallRow(*columns), kind, data


def count_intents(connection: sqlite3.Connection) -> int:
    """Return how many attempts the events tell of."""
    (count,) = connection.execute("SELECT count(*) FROM events WHERE kind = 'intent'").fetchone()
    return int(count)


def read_models(connection: sqlite3.Connection) -> set[str]:
    """Return the models that anything was asked of."""
    return {model for (model,) in connection.execute("SELECT DISTINCT model FROM calls")}


def read_progress(connection: sqlite3.Connection) -> list[ProgressRow]:
    """Return how far each scope is, in the order of the paths."""
    return connection.execute("SELECT path, total, done, failed FROM progress ORDER BY path").fetchall()


def read_events(connection: sqlite3.Connection, *, after_seq: int = 0, limit: int = -1) -> Iterator[EventRow]:
    """Yield events in order; a negative limit means all."""
    return connection.execute(
        "SELECT * FROM events WHERE seq > ? ORDER BY seq LIMIT ?",
        (after_seq, limit),
    )


def read_events_of(connection: sqlite3.Connection, kinds: Sequence[str]) -> Iterator[EventRow]:
    """Yield the events of some kinds in order."""
    marks = ", ".join("?" * len(kinds))
    return connection.execute(
        f"SELECT * FROM events WHERE kind IN ({marks}) ORDER BY seq",  # noqa: S608 - only marks
        tuple(kinds),
    )


def read_events_until(
    connection: sqlite3.Connection, kinds: Sequence[str], last_seq: int
) -> Iterator[Mapping[str, JsonValue]]:
    """Yield the data of the events of some kinds up to a number, in order."""
    marks = ", ".join("?" * len(kinds))
    rows = connection.execute(
        f"SELECT data FROM events WHERE kind IN ({marks}) AND seq <= ? ORDER BY seq",  # noqa: S608 - only marks
        (*kinds, last_seq),
    )
    for (data,) in rows:
        yield decode_object(data)


def read_seq_of(connection: sqlite3.Connection, link: bytes) -> int | None:
    """Return the number of the event with a hash."""
    found = connection.execute("SELECT seq FROM events WHERE hash = ?", (link,)).fetchone()
    return None if found is None else int(found[0])


def _recorded(row: CallRow, data: str | None) -> RecordedAttempt:
    outcome = decode_object(data).get("outcome")
    return RecordedAttempt(
        call_id=row.call_id,
        path=row.path,
        attempt=row.attempt,
        input_hash=row.input_hash,
        request_hash=row.request_hash,
        model=row.model,
        state=row.state,
        reserved=row.reserved,
        usage=Usage(nusd=row.nusd, tokens=row.tokens, calls=row.calls),
        outcome=outcome if isinstance(outcome, dict) else {},
    )


def _write_rows(
    connection: sqlite3.Connection, statement: tuple[str, str], rows: Sequence[CallRow] | Sequence[EventRow]
) -> None:
    start = 0
    while start < len(rows):
        left = len(rows) - start
        count = next(size for size in _ROWS_PER_STATEMENT if size <= left)
        chunk = rows[start : start + count]
        text = _statement(statement, len(chunk[0]), count)
        connection.execute(text, [value for row in chunk for value in row])
        start += count


@cache
def _statement(statement: tuple[str, str], columns: int, rows: int) -> str:
    """Return an INSERT of many rows; few sizes, so that SQLite's statement cache holds all of them."""
    before, after = statement
    row = f"({', '.join('?' * columns)})"
    return f"{before} VALUES {', '.join([row] * rows)} {after}"
