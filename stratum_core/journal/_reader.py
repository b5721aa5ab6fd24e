"""Looking at a run from outside: any number of processes may read while its owner writes."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Self, cast

from stratum_core.budget import Usage
from stratum_core.contracts import JsonValue
from stratum_core.errors import RunError
from stratum_core.journal._chain import ChainCheck, EventRow, check_chain
from stratum_core.journal._encoding import decode_object
from stratum_core.journal._files import naming_file, open_to_read, run_file
from stratum_core.journal._migrations import RUN_FILE
from stratum_core.journal._protocol import ACCEPTED, TAKEN, RecordedAttempt, RunState
from stratum_core.journal._sqlite import is_owned
from stratum_core.journal._tables import (
    count_intents,
    holds_run,
    read_attempts,
    read_events,
    read_events_of,
    read_events_until,
    read_models,
    read_open_calls,
    read_progress,
    read_run,
    read_seq_of,
    read_settled_calls,
)

__all__ = ["JournalEvent", "Progress", "RunReader", "RunSnapshot"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far the items of one scope are."""

    path: str
    total: int | None
    """None until it is known."""
    done: int
    """Finished items, failed ones included."""
    failed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RunSnapshot:
    """A run at one moment."""

    run_id: str
    state: RunState
    """`interrupted` when it was left running and no live process holds it."""
    usage: Usage
    """Everything charged, possibly paid attempts at worst case."""
    reserved: Usage
    """What attempts in flight may still use."""
    possibly_paid_count: int
    progress: tuple[Progress, ...]
    last_seq: int
    chain_head: str
    """The hash of the last event, in hex."""
    finished: Mapping[str, JsonValue] | None
    """What the run was closed with; None while it has not come to an end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalEvent:
    """One thing that happened."""

    seq: int
    at_ms: int
    """Milliseconds since the Unix epoch, by the runner's clock."""
    epoch: int
    """Which opening of the run it belongs to."""
    kind: str
    path: str
    data: Mapping[str, JsonValue]


class RunReader:
    """A read-only view of one run's journal; a context manager."""

    def __init__(
        self, run_id: str, connection: sqlite3.Connection, *, path: Path | None, owned: Callable[[], bool]
    ) -> None:
        """View an open connection.

        Args:
            run_id: The run.
            connection: To its tables.
            path: The file, whose connection the view closes; None for a journal in memory.
            owned: Tells whether a live process holds the run.
        """
        self.run_id = run_id
        self._path = path
        self._connection = connection
        self._owned = owned

    @classmethod
    def open(cls, directory: Path, run_id: str) -> RunReader:
        """Open a run for reading; its owner is not disturbed.

        Raises:
            RunError: The id could not name a run, or its runner has not made the file yet.
            JournalVersionError: The file was written by a newer Stratum.
            JournalError: The file is damaged.
        """
        path = run_file(directory, run_id)
        if not path.exists():
            raise _not_yet(run_id)
        connection = open_to_read(path, RUN_FILE)
        with naming_file(path):
            started = holds_run(connection)
        if not started:
            connection.close()
            raise _not_yet(run_id)
        return cls(run_id, connection, path=path, owned=lambda: is_owned(directory, run_id))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the view."""
        if self._path is not None:
            self._connection.close()

    def snapshot(self) -> RunSnapshot:
        """Return the run as it is now; its parts belong to one moment.

        Raises:
            JournalError: The file is damaged.
        """
        with self._moment() as connection:
            run = read_run(connection)
            reserved = sum((row.reserved for row in read_open_calls(connection)), Usage())
            progress = tuple(
                Progress(path=path, total=total, done=done, failed=failed)
                for path, total, done, failed in read_progress(connection)
            )
        abandoned = run.state == "running" and not self._owned()
        return RunSnapshot(
            run_id=run.run_id,
            state="interrupted" if abandoned else cast("RunState", run.state),
            usage=run.charged,
            reserved=reserved,
            possibly_paid_count=run.possibly_paid,
            progress=progress,
            last_seq=run.last_seq,
            chain_head=run.head.hex(),
            finished=None if run.finished is None else decode_object(run.finished),
        )

    def events(self, after_seq: int = 0, *, limit: int = 1000) -> tuple[JournalEvent, ...]:
        """Return up to `limit` events after a number, in order.

        Raises:
            JournalError: The file is damaged.
        """
        with self._moment() as connection:
            return tuple(map(_event, read_events(connection, after_seq=after_seq, limit=limit)))

    def events_of(self, *kinds: str) -> tuple[JournalEvent, ...]:
        """Return the events of some kinds, in order.

        Raises:
            JournalError: The file is damaged.
        """
        with self._moment() as connection:
            return tuple(map(_event, read_events_of(connection, kinds)))

    def attempts(self) -> tuple[RecordedAttempt, ...]:
        """Return every attempt of the run, in the order of the intents.

        Raises:
            JournalError: The file is damaged.
        """
        with self._moment() as connection:
            return tuple(read_attempts(connection))

    def models(self) -> frozenset[str]:
        """Return the models that the run has asked.

        Raises:
            JournalError: The file is damaged.
        """
        with self._moment() as connection:
            return frozenset(read_models(connection))

    def answers(self, *, until_seq: int) -> dict[str, JsonValue]:
        """Return the accepted answers as of an event, by the key of their question; the first to each stands.

        Raises:
            JournalError: The file is damaged.
        """
        found: dict[str, JsonValue] = {}
        with self._moment() as connection:
            for data in read_events_until(connection, (ACCEPTED, TAKEN), until_seq):
                found.setdefault(str(data["key"]), data["value"])
        return found

    def head_at(self, seq: int) -> str:
        """Return the hash of an event in hex; empty when there is no such event.

        Raises:
            JournalError: The file is damaged.
        """
        with self._moment() as connection:
            row = next(read_events(connection, after_seq=seq - 1, limit=1), None)
        return "" if row is None or row[0] != seq else row[-1].hex()

    def seq_of(self, head: str) -> int | None:
        """Return the number of the event whose hash this is, in hex; None when there is none.

        Raises:
            JournalError: The file is damaged.
        """
        with self._moment() as connection:
            return read_seq_of(connection, bytes.fromhex(head))

    def verify(self) -> ChainCheck:
        """Check that no event was changed, removed or moved, and that the projections agree with them.

        A chain that was computed anew from its start passes: compare `head` with the head on the receipt.
        """
        with self._moment() as connection:
            run = read_run(connection)
            checked = check_chain(run.run_id, read_events(connection), last_seq=run.last_seq, head=run.head)
            return _check_calls(connection, checked) if checked.ok else checked

    @contextmanager
    def _moment(self) -> Generator[sqlite3.Connection]:
        """Read everything as of one moment."""
        with naming_file(self._path or Path(":memory:")):
            self._connection.execute("BEGIN")
            try:
                yield self._connection
            finally:
                self._connection.execute("COMMIT")


def _event(row: EventRow) -> JournalEvent:
    seq, at_ms, epoch, kind, path, data, _ = row
    return JournalEvent(seq=seq, at_ms=at_ms, epoch=epoch, kind=kind, path=path, data=decode_object(data))


def _not_yet(run_id: str) -> RunError:
    return RunError(
        f"run {run_id} has no journal yet",
        remedy="`stratum runs` lists them; or wait until its runner has started",
    )


def _check_calls(connection: sqlite3.Connection, checked: ChainCheck) -> ChainCheck:
    """Compare each attempt with the event that settled it, and the run's totals with the attempts."""
    total, intents = Usage(), 0
    for row, kind, data in read_settled_calls(connection):
        intents += 1
        if row.state == "open":
            continue
        usage = [row.nusd, row.tokens, row.calls]
        told = decode_object(data)
        if (kind, told.get("call_id"), told.get("usage")) != (row.state, row.call_id, usage):
            seq = row.settled_seq or row.seq
            reason = f"attempt {row.call_id} is not what event {seq} says"
            return replace(checked, ok=False, first_bad_seq=seq, reason=reason)
        total += Usage(nusd=row.nusd, tokens=row.tokens, calls=row.calls)
    if (total, intents) != (read_run(connection).charged, count_intents(connection)):
        reason = "the totals are not those of the attempts"
        return replace(checked, ok=False, first_bad_seq=checked.events + 1, reason=reason)
    return checked
