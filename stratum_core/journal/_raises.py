"""More money for a run: a person's answer to whether a run that came to its cap may go on under a higher one.

It binds the run, the hash of its plan and the new cap, and is used up by the transaction that raises the cap.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from typing import cast

from stratum_core.journal._records import Channel, DecisionKind

__all__ = ["RaiseRecord", "insert_raise", "read_raises", "read_raises_since", "use_raise"]

_Row = tuple[int, str, str, str, int, int | None, DecisionKind, Channel, str, str, int, int, int | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class RaiseRecord:
    """One answer to whether a run may go on under a higher cap."""

    raise_id: str
    run_id: str
    plan_hash: str
    cap_nusd: int
    """The whole cap the run would have, not what is added."""
    from_nusd: int | None
    """The cap it came to."""
    decision: DecisionKind
    channel: Channel
    principal: str
    note: str = ""
    at_ms: int
    expires_at_ms: int
    """Until when a yes can raise the cap."""
    used_at_ms: int | None = None
    """When it raised the cap; None: it has not."""


def insert_raise(connection: sqlite3.Connection, answer: RaiseRecord) -> None:
    """Add an answer.

    Raises:
        sqlite3.IntegrityError: The id is taken.
    """
    row = (
        answer.raise_id,
        answer.run_id,
        answer.plan_hash,
        answer.cap_nusd,
        answer.from_nusd,
        answer.decision,
        answer.channel,
        answer.principal,
        answer.note,
        answer.at_ms,
        answer.expires_at_ms,
    )
    connection.execute("INSERT INTO raises VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, NULL)", row)


def read_raises(connection: sqlite3.Connection, run_id: str) -> tuple[RaiseRecord, ...]:
    """Return the answers about a run, oldest first."""
    found = connection.execute("SELECT * FROM raises WHERE run_id = ? ORDER BY seq", (run_id,))
    return tuple(_raise(row) for row in found)


def read_raises_since(connection: sqlite3.Connection, since_ms: int) -> tuple[RaiseRecord, ...]:
    """Return the answers about all runs since a moment, oldest first."""
    found = connection.execute("SELECT * FROM raises WHERE at_ms >= ? ORDER BY seq", (since_ms,))
    return tuple(_raise(row) for row in found)


def use_raise(connection: sqlite3.Connection, answer: RaiseRecord, now_ms: int) -> None:
    """Use an answer up: its cap is the run's from now on."""
    connection.execute("UPDATE raises SET used_at_ms = ? WHERE raise_id = ?", (now_ms, answer.raise_id))
    connection.execute("UPDATE runs SET cap_nusd = ? WHERE run_id = ?", (answer.cap_nusd, answer.run_id))


def _raise(found: object) -> RaiseRecord:
    row = cast("_Row", found)
    _, raise_id, run_id, plan_hash, cap_nusd, from_nusd = row[:6]
    decision, channel, principal, note, at_ms, expires_at_ms, used_at_ms = row[6:]
    return RaiseRecord(
        raise_id=raise_id,
        run_id=run_id,
        plan_hash=plan_hash,
        cap_nusd=cap_nusd,
        from_nusd=from_nusd,
        decision=decision,
        channel=channel,
        principal=principal,
        note=note,
        at_ms=at_ms,
        expires_at_ms=expires_at_ms,
        used_at_ms=used_at_ms,
    )
