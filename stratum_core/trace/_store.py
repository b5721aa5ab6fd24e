"""The store of recent records: what `all_records()` returns.

There is one for the process, guarded by a lock, so that records of every event loop and thread are found in one place;
a record's `flow` tells them apart. It is bounded: the oldest records make room for new ones.
"""

from __future__ import annotations

import threading
from collections import deque

from stratum_core.trace._record import FlowRecord, TraceRecord

__all__ = ["STORED_RECORDS", "TraceStore", "all_records", "clear_traces", "process_store"]

STORED_RECORDS = 1_000
"""How many records the process keeps, the newest ones."""


class TraceStore:
    """A tracer that keeps the newest records of calls; it may be used from several threads."""

    def __init__(self, limit: int = STORED_RECORDS) -> None:
        """Keep at most so many records."""
        self._records: deque[TraceRecord] = deque(maxlen=limit)
        self._lock = threading.Lock()

    def call_ended(self, record: TraceRecord) -> None:
        """Keep a record; the oldest one makes room when the store is full."""
        with self._lock:
            self._records.append(record)

    def flow_ended(self, record: FlowRecord) -> None:
        """Keep nothing: the records of its calls say which flow they belong to."""

    def records(self, *, flow_id: str | None = None) -> tuple[TraceRecord, ...]:
        """Return the records, oldest first; those of one flow when it is named."""
        with self._lock:
            kept = tuple(self._records)
        return kept if flow_id is None else tuple(record for record in kept if record.flow_id == flow_id)

    def clear(self) -> None:
        """Forget every record."""
        with self._lock:
            self._records.clear()


_STORE = TraceStore()


def process_store() -> TraceStore:
    """Return the store that `all_records` reads."""
    return _STORE


def all_records(*, flow_id: str | None = None) -> tuple[TraceRecord, ...]:
    """Return the records of this process, oldest first: at most the newest `STORED_RECORDS`.

    Records of every event loop and thread are among them.

    Args:
        flow_id: Only those of one flow.
    """
    return _STORE.records(flow_id=flow_id)


def clear_traces() -> None:
    """Forget the records of this process."""
    _STORE.clear()
