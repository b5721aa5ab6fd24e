"""The ledger: what happened in one run, collected in memory and written batch by batch.

A batch is one transaction: events, projections and totals change together or not at all. It is fenced by
the run's epoch: once another process has opened the run, nothing of this one can be written.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias

from stratum_core.budget import Usage
from stratum_core.contracts import JsonValue
from stratum_core.errors import JournalBusy, JournalError
from stratum_core.journal._chain import EventRow, genesis, link
from stratum_core.journal._encoding import encode
from stratum_core.journal._protocol import AttemptState, Intent, RunState
from stratum_core.journal._tables import (
    CallRow,
    RunRow,
    add_progress,
    create_run,
    insert_events,
    read_open_calls,
    read_run,
    reset_progress,
    save_calls,
    save_run,
)

__all__ = ["Change", "Clock", "Ledger"]

Clock: TypeAlias = Callable[[], float]
"""Seconds since the Unix epoch, like `time.time`."""

Change: TypeAlias = "Callable[[Ledger], object]"
"""One change; raises `JournalError` when it is not allowed, before it has changed anything."""

_NOTHING = Usage()


class Ledger:
    """The tables of one run. Not thread-safe: whoever calls `apply` owns it."""

    def __init__(self, connection: sqlite3.Connection, run_id: str, *, clock: Clock, owner: str) -> None:
        """Open the run for a new owner: raise its epoch, and charge what was in flight at its reservation.

        Args:
            connection: In autocommit mode, with the tables of a run file.
            run_id: The run the file must be about.
            clock: Stamps events.
            owner: The process that opens it, as JSON.

        Raises:
            JournalError: The file is about another run.
            sqlite3.Error: SQLite cannot write it.
        """
        self.charged = _NOTHING
        """Everything settled or possibly paid, as of the last commit."""
        self._connection = connection
        self._clock = clock
        self._epoch = _claim(connection, run_id, owner, self._now_ms())
        self._reset()
        self._opened()
        self._write()

    @property
    def epoch(self) -> int:
        """How many times the run has been opened."""
        return self._epoch

    def apply(self, changes: Sequence[Change]) -> list[JournalError | None]:
        """Write a batch of changes in one durable transaction.

        Returns:
            For each change why it was not made, or None. A change that is not allowed leaves the others
            alone; when SQLite cannot write, or the run was taken over, none is made.
        """
        if self._stale:
            self._reset()
        self._stale = True
        refused = [self._collect(change) for change in changes]
        try:
            self._write()
        except sqlite3.IntegrityError:
            self._reset()
            if len(changes) == 1:
                return [JournalError(f"an attempt of run {self._run.run_id} has this call id already")]
            return [self.apply([change])[0] for change in changes]
        except sqlite3.Error as error:
            self._reset()
            return [_not_written(self._run.run_id, error)] * len(changes)
        except JournalBusy as taken_over:
            self._reset()
            return [taken_over] * len(changes)
        return refused

    def close(self) -> None:
        """Close the file; its write-ahead log is folded in."""
        self._connection.close()

    def intent(self, intent: Intent) -> None:
        """Record an attempt that is about to be sent."""
        if intent.call_id in self._open:
            raise JournalError(
                f"attempt {intent.call_id} is open already", detail={"call_id": intent.call_id}
            )
        reserved = intent.reserved
        data = encode(
            {
                "call_id": intent.call_id,
                "attempt": intent.attempt,
                "input_hash": intent.input_hash,
                "request_hash": intent.request_hash,
                "model": intent.model,
                "reserved": [reserved.nusd, reserved.tokens, reserved.calls],
            },
            where="intent",
        )
        row = CallRow(
            seq=self.event("intent", intent.path, data),
            call_id=intent.call_id,
            path=intent.path,
            attempt=intent.attempt,
            epoch=self._epoch,
            input_hash=intent.input_hash,
            request_hash=intent.request_hash,
            model=intent.model,
            state="open",
            reserved_nusd=reserved.nusd,
            reserved_tokens=reserved.tokens,
            reserved_calls=reserved.calls,
            nusd=reserved.nusd,
            tokens=reserved.tokens,
            calls=reserved.calls,
            settled_seq=None,
        )
        self._open[intent.call_id] = row
        self._calls.append(row)

    def settle(self, call_id: str, state: AttemptState, usage: Usage, outcome: str) -> None:
        """Record how an open attempt ended; `outcome` is JSON text."""
        row = self._open.get(call_id)
        if row is None:
            raise JournalError(f"there is no open attempt {call_id[:200]}", detail={"call_id": call_id})
        del self._open[call_id]
        data = (
            f'{{"call_id":{encode(call_id, where="call_id")},'
            f'"usage":[{usage.nusd},{usage.tokens},{usage.calls}],"outcome":{outcome}}}'
        )
        self._calls.append(row.settled(state, usage, self.event(state, row.path, data)))
        self._spent += usage
        self._possibly_paid += state == "possibly_paid"

    def void(self, call_id: str) -> None:
        """Take an open attempt back: its request never left."""
        self.settle(call_id, "void", _NOTHING, "{}")

    def withdraw(self, call_id: str) -> None:
        """Take an attempt back if it is open."""
        if call_id in self._open:
            self.void(call_id)

    def event(self, kind: str, path: str, data: str) -> int:
        """Append an event and return its number; `data` is JSON text."""
        seq, at_ms, epoch = self._seq + 1, self._now_ms(), self._epoch
        self._head = link(self._head, seq, at_ms, epoch, kind=kind, path=path, data=data)
        self._seq = seq
        self._events.append((seq, at_ms, epoch, kind, path, data, self._head))
        return seq

    def note(self, kind: str, path: str, data: str, counted: Mapping[str, JsonValue]) -> None:
        """Append an event, and count the progress it tells of."""
        self.event(kind, path, data)
        if kind == "scope_started":
            total = counted.get("total")
            self._started[path] = total if isinstance(total, int) else None
            self._items.pop(path, None)
        elif kind == "item_done":
            done, failed = self._items.get(path, (0, 0))
            told = counted.get("count", 1)
            items = told if isinstance(told, int) else 1
            self._items[path] = (done + items, failed + (items if counted.get("ok") is False else 0))

    def finish(self, state: RunState | None, data: str) -> None:
        """Let go of the run, with its end if it has come to one."""
        if state is not None:
            self.event("finished", "", f'{{"state":"{state}","data":{data}}}')
            self._run = self._run._replace(state=state, finished=data)
        self._run = self._run._replace(owner="")
        self._finished = True

    def _opened(self) -> None:
        """Say who has the run now, and charge every attempt that was in flight at its reservation."""
        self.event("opened", "", encode({"epoch": self._epoch, "owner": self._run.owner}, where="opened"))
        for row in list(self._open.values()):
            self.settle(row.call_id, "possibly_paid", row.reserved, "{}")

    def _collect(self, change: Change) -> JournalError | None:
        try:
            change(self)
        except JournalError as refused:
            return refused
        return None

    def _write(self) -> None:
        """Write what was collected, and start collecting anew.

        Raises:
            JournalBusy: Another process has opened the run since.
        """
        if not self._events and not self._finished:
            self._stale = False
            return
        connection, spent = self._connection, self._spent
        run = self._run._replace(
            last_seq=self._seq,
            head=self._head,
            nusd=spent.nusd,
            tokens=spent.tokens,
            calls=spent.calls,
            possibly_paid=self._possibly_paid,
        )
        connection.execute("BEGIN IMMEDIATE")
        if not save_run(connection, run):
            raise _taken_over(run)
        insert_events(connection, self._events)
        save_calls(connection, self._calls)
        for path, total in self._started.items():
            reset_progress(connection, path, total)
        for path, (done, failed) in self._items.items():
            add_progress(connection, path, done, failed)
        connection.execute("COMMIT")
        self._run, self.charged = run, spent
        self._clear()

    def _clear(self) -> None:
        self._events: list[EventRow] = []
        self._calls: list[CallRow] = []
        self._started: dict[str, int | None] = {}
        self._items: dict[str, tuple[int, int]] = {}
        self._finished = False
        self._stale = False
        """Whether what was collected may differ from the file, because a write came to no end."""

    def _reset(self) -> None:
        """Forget what was collected, and go on from the file, under the epoch this owner was given."""
        if self._connection.in_transaction:
            self._connection.execute("ROLLBACK")
        run = read_run(self._connection)
        self._run = run._replace(epoch=self._epoch)
        self._seq, self._head = run.last_seq, run.head
        self._spent, self._possibly_paid = run.charged, run.possibly_paid
        self._open = {row.call_id: row for row in read_open_calls(self._connection)}
        self.charged = run.charged
        self._clear()

    def _now_ms(self) -> int:
        return int(self._clock() * 1000)


def _claim(connection: sqlite3.Connection, run_id: str, owner: str, now_ms: int) -> int:
    """Make this owner the one whose writes count, and return its epoch."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        create_run(connection, run_id, genesis(run_id))
        run = _refuse_other(read_run(connection), run_id)
        claimed = run._replace(state="running", owner=owner, opened_at_ms=now_ms, finished=None)
        save_run(connection, claimed, epoch=run.epoch + 1)
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")
    return run.epoch + 1


def _refuse_other(run: RunRow, run_id: str) -> RunRow:
    if run.run_id == run_id:
        return run
    raise JournalError(
        f"the file of run {run_id} holds run {run.run_id}",
        remedy="give the file its own name back",
    )


def _taken_over(run: RunRow) -> JournalBusy:
    return JournalBusy(
        f"run {run.run_id} was taken over by another process; nothing more is written by this one",
        remedy="let this process end; the other one goes on with the run",
        detail={"run_id": run.run_id},
    )


def _not_written(run_id: str, error: sqlite3.Error) -> JournalError:
    return JournalError(
        f"the journal of run {run_id} could not be written: {error}",
        remedy="free disk space, then resume the run",
    )
