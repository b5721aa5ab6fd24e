"""The hash chain of a run's events: each hash covers its event and the hash before it.

Editing, removing or reordering any event changes every later hash, so the head that stands in a receipt a
person has seen vouches for the whole history. Someone who can write the file can compute a new chain; they
cannot make it end in the old head.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeAlias

__all__ = ["ChainCheck", "EventRow", "check_chain", "genesis", "link"]

EventRow: TypeAlias = "tuple[int, int, int, str, str, str, bytes]"
"""seq, at_ms, epoch, kind, path, data (JSON text), hash; as the `events` table holds them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainCheck:
    """What a walk along the chain found."""

    ok: bool
    events: int
    """How many events were in order."""
    first_bad_seq: int | None
    """The first event that is not what was written; one past the last when the end is missing."""
    head: str
    """The hash of the last event in order, in hex."""
    reason: str = ""


def genesis(run_id: str) -> bytes:
    """Return the hash before a run's first event; each run has its own, so that events cannot change runs."""
    return hashlib.sha256(f"stratum journal 1\n{run_id}".encode()).digest()


def link(previous: bytes, seq: int, at_ms: int, epoch: int, *, kind: str, path: str, data: str) -> bytes:
    """Return the hash of an event; lengths keep the parts apart."""
    record = f"{seq} {at_ms} {epoch} {len(kind)} {len(path)}\n{kind}{path}{data}"
    return hashlib.sha256(previous + record.encode()).digest()


def check_chain(run_id: str, rows: Iterable[EventRow], *, last_seq: int, head: bytes) -> ChainCheck:
    """Walk the events in order and compare every hash, then the end with what the run row says."""
    previous, expected = genesis(run_id), 1
    for seq, at_ms, epoch, kind, path, data, stored in rows:
        if seq != expected:
            return _bad(expected, previous, f"event {expected} is missing")
        computed = link(previous, seq, at_ms, epoch, kind=kind, path=path, data=data)
        if computed != stored:
            return _bad(seq, previous, f"event {seq} was changed, or stands where another one stood")
        previous, expected = computed, seq + 1
    if (expected - 1, previous) != (last_seq, head):
        return _bad(expected, previous, f"the run has {last_seq} events, but only {expected - 1} are there")
    return ChainCheck(ok=True, events=last_seq, first_bad_seq=None, head=head.hex())


def _bad(seq: int, previous: bytes, reason: str) -> ChainCheck:
    return ChainCheck(ok=False, events=seq - 1, first_bad_seq=seq, head=previous.hex(), reason=reason)
