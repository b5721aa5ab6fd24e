"""Group commit: one thread writes what many tasks ask for, one durable transaction for all that wait.

A task asks with `commit` and goes on when its change is on disk. While the disk works, the next batch
collects. The thread calls their event loop once for a whole batch, and the loop wakes them a few at a time: all at
once they would also send, wait and come back together, and none would work while others wait.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from dataclasses import dataclass
from functools import partial
from queue import Empty, SimpleQueue

from anyio import CancelScope

from stratum_core.errors import JournalError
from stratum_core.journal._ledger import Change, Ledger

__all__ = ["Entry", "Writer", "resolve"]

_MAX_BATCH = 512
_WOKEN_TOGETHER = 8  # about a millisecond of work of a map's items
_NOTE_DELAY_S = 0.05  # how long notes that nobody waits for may collect before they cost a commit


@dataclass(slots=True, eq=False)
class Entry:
    """A change in the queue; `waiter` is None when nobody waits for it."""

    change: Change
    waiter: asyncio.Future[None] | None = None
    last: bool = False
    done: bool = False
    error: Exception | None = None


class Writer:
    """The thread that owns a ledger."""

    def __init__(self, ledger: Ledger, *, name: str) -> None:
        self._ledger = ledger
        self._entries: SimpleQueue[Entry] = SimpleQueue()
        self._closed = False
        self._name = name
        self._thread = threading.Thread(target=self._run, name=f"journal {name}", daemon=True)
        self._thread.start()

    def queue(self, change: Change) -> None:
        """Have a change written with the next commit, without waiting for it.

        Raises:
            JournalError: The journal is closed.
        """
        self._put(Entry(change))

    async def commit(self, change: Change, *, last: bool = False) -> None:
        """Have a change written, and wait until it is on disk.

        A cancellation is raised only then, so that the caller knows what is recorded.

        Args:
            change: What to write.
            last: Close the ledger and end the thread afterwards.

        Raises:
            JournalError: The change was refused or could not be written, or the journal is closed.
        """
        loop = asyncio.get_running_loop()
        waiter = loop.create_future()
        entry = Entry(change, waiter, last)
        self._put(entry)
        try:
            await waiter
        except asyncio.CancelledError:
            await _answered_whatever_happens(entry, loop)
            raise
        if entry.error is not None:
            raise entry.error

    def _put(self, entry: Entry) -> None:
        if self._closed:
            raise JournalError(f"the journal of {self._name} is closed", remedy="open the run again")
        self._closed = entry.last
        self._entries.put(entry)

    def _run(self) -> None:
        last = False
        while not last:
            batch = self._next_batch()
            last = any(entry.last for entry in batch)
            errors = self._apply(batch)
            if last:
                self._ledger.close()
            _answer(batch, errors)

    def _apply(self, batch: list[Entry]) -> list[Exception | None]:
        try:
            return list(self._ledger.apply([entry.change for entry in batch]))
        except Exception as error:  # noqa: BLE001 - the tasks that wait get it
            return [error] * len(batch)

    def _next_batch(self) -> list[Entry]:
        """Wait for a change, then take what else is there; what nobody waits for may collect a little."""
        batch = [self._entries.get()]
        wanted = batch[0].waiter is not None
        until = time.monotonic() + _NOTE_DELAY_S
        with contextlib.suppress(Empty):
            while len(batch) < _MAX_BATCH:
                wait_s = 0.0 if wanted else max(0.0, until - time.monotonic())
                entry = self._entries.get(block=wait_s > 0, timeout=wait_s)
                batch.append(entry)
                wanted = wanted or entry.waiter is not None
        return batch


async def _answered_whatever_happens(entry: Entry, loop: asyncio.AbstractEventLoop) -> None:
    """Wait on although the task is being cancelled: a commit takes milliseconds."""
    with CancelScope(shield=True):
        while not entry.done:
            entry.waiter = waiter = loop.create_future()
            with contextlib.suppress(asyncio.CancelledError):
                await waiter


def _answer(batch: list[Entry], errors: list[Exception | None]) -> None:
    """Wake the tasks that wait, each loop once for all of its tasks."""
    by_loop: dict[asyncio.AbstractEventLoop, list[tuple[Entry, Exception | None]]] = {}
    for entry, error in zip(batch, errors, strict=True):
        if entry.waiter is not None:
            by_loop.setdefault(entry.waiter.get_loop(), []).append((entry, error))
    for loop, answers in by_loop.items():
        with contextlib.suppress(RuntimeError):  # the loop was closed: nobody waits any more
            loop.call_soon_threadsafe(resolve, answers)


def resolve(answers: list[tuple[Entry, Exception | None]], *, start: int = 0) -> None:
    """Tell tasks how their changes went, a few now and the others once those have gone on; runs in their event loop."""
    end = start + _WOKEN_TOGETHER
    for entry, error in answers[start:end]:
        entry.error, entry.done = error, True
        if entry.waiter is not None and not entry.waiter.done():
            entry.waiter.set_result(None)
    if end < len(answers):
        asyncio.get_running_loop().call_soon(partial(resolve, answers, start=end))
