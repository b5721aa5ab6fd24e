"""Rows of the control file, read and written one at a time.

The columns stand in the order of the record types; a migration may only append to both.
"""

from __future__ import annotations

import sqlite3
from typing import cast

from stratum_core.journal._encoding import decode_object
from stratum_core.journal._protocol import RunState
from stratum_core.journal._records import (
    ApprovalRecord,
    Channel,
    CommandKind,
    CommandRecord,
    DecisionKind,
    PlanRecord,
    RunRecord,
)

__all__ = [
    "consume",
    "insert_command",
    "insert_decision",
    "insert_plan",
    "insert_run",
    "read_commands",
    "read_commands_since",
    "read_decisions",
    "read_decisions_since",
    "read_last_decision",
    "read_plan",
    "read_plans",
    "read_run",
    "read_run_of_plan",
    "read_runs",
    "read_runs_since",
    "read_undecided",
    "update_run",
]

_PlanRow = tuple[str, str, str, int, int, str]
_DecisionRow = tuple[
    int, str, str, str, int | None, DecisionKind, Channel, str, str, int, int, str | None, str
]
_RunRow = tuple[str, str, str, int | None, RunState, int, int | None, str | None, int | None, int | None]
_CommandRow = tuple[int, str, CommandKind, int, str]


def insert_plan(connection: sqlite3.Connection, plan: PlanRecord, record: str) -> None:
    """Add a plan; `record` is its JSON text."""
    row = (plan.plan_id, plan.plan_hash, record, plan.created_at_ms, plan.expires_at_ms, plan.principal)
    connection.execute("INSERT INTO plans VALUES (?, ?, ?, ?, ?, ?)", row)


def read_plan(connection: sqlite3.Connection, plan_id: str) -> PlanRecord | None:
    """Return a plan."""
    found = connection.execute("SELECT * FROM plans WHERE plan_id = ?", (plan_id,)).fetchone()
    return None if found is None else _plan(found)


def read_plans(connection: sqlite3.Connection, limit: int) -> tuple[PlanRecord, ...]:
    """Return the newest plans, newest first."""
    found = connection.execute("SELECT * FROM plans ORDER BY created_at_ms DESC, plan_id LIMIT ?", (limit,))
    return tuple(_plan(row) for row in found)


def read_undecided(connection: sqlite3.Connection, now_ms: int, limit: int) -> tuple[PlanRecord, ...]:
    """Return the newest plans that have not expired and have no answer that stands, newest first."""
    found = connection.execute(
        "SELECT * FROM plans WHERE expires_at_ms > ? AND NOT EXISTS ("
        "SELECT 1 FROM approvals WHERE approvals.plan_id = plans.plan_id"
        " AND (decision != 'approved' OR consumed_by IS NOT NULL OR approvals.expires_at_ms > ?))"
        " ORDER BY created_at_ms DESC, plan_id LIMIT ?",
        (now_ms, now_ms, limit),
    )
    return tuple(_plan(row) for row in found)


def insert_decision(connection: sqlite3.Connection, decision: ApprovalRecord) -> None:
    """Add an answer to a plan.

    Raises:
        sqlite3.IntegrityError: The approval id is taken.
    """
    row = (
        decision.approval_id,
        decision.plan_id,
        decision.plan_hash,
        decision.cap_nusd,
        decision.decision,
        decision.channel,
        decision.principal,
        decision.note,
        decision.at_ms,
        decision.expires_at_ms,
        decision.signature,
    )
    connection.execute("INSERT INTO approvals VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, NULL, ?)", row)


def read_last_decision(connection: sqlite3.Connection, plan_id: str) -> ApprovalRecord | None:
    """Return the last answer to a plan."""
    found = connection.execute(
        "SELECT * FROM approvals WHERE plan_id = ? ORDER BY seq DESC LIMIT 1", (plan_id,)
    ).fetchone()
    if found is None:
        return None
    return _decision(found)


def read_decisions(connection: sqlite3.Connection, plan_id: str) -> tuple[ApprovalRecord, ...]:
    """Return every answer to a plan, oldest first."""
    found = connection.execute("SELECT * FROM approvals WHERE plan_id = ? ORDER BY seq", (plan_id,))
    return tuple(_decision(row) for row in found)


def read_decisions_since(connection: sqlite3.Connection, since_ms: int) -> tuple[ApprovalRecord, ...]:
    """Return the answers to all plans since a moment, oldest first."""
    found = connection.execute("SELECT * FROM approvals WHERE at_ms >= ? ORDER BY seq", (since_ms,))
    return tuple(_decision(row) for row in found)


def consume(connection: sqlite3.Connection, approval_id: str, run_id: str) -> None:
    """Mark an approval as used up by a run."""
    connection.execute("UPDATE approvals SET consumed_by = ? WHERE approval_id = ?", (run_id, approval_id))


def insert_run(connection: sqlite3.Connection, run: RunRecord) -> None:
    """Add a run that has neither ended nor has a receipt."""
    row = (
        run.run_id,
        run.plan_id,
        run.plan_hash,
        run.cap_nusd,
        run.state,
        run.created_at_ms,
        run.planned_cap_nusd,
    )
    connection.execute("INSERT INTO runs VALUES (?, ?, ?, ?, ?, ?, NULL, NULL, NULL, ?)", row)


def read_run(connection: sqlite3.Connection, run_id: str) -> RunRecord | None:
    """Return a run."""
    found = connection.execute("SELECT * FROM runs WHERE run_id = ?", (run_id,)).fetchone()
    return None if found is None else _run(found)


def read_run_of_plan(connection: sqlite3.Connection, plan_id: str) -> RunRecord | None:
    """Return the run a plan has started."""
    found = connection.execute("SELECT * FROM runs WHERE plan_id = ?", (plan_id,)).fetchone()
    return None if found is None else _run(found)


def read_runs(connection: sqlite3.Connection, limit: int) -> tuple[RunRecord, ...]:
    """Return the newest runs, newest first."""
    found = connection.execute("SELECT * FROM runs ORDER BY created_at_ms DESC, run_id LIMIT ?", (limit,))
    return tuple(_run(row) for row in found)


def read_runs_since(connection: sqlite3.Connection, since_ms: int) -> tuple[RunRecord, ...]:
    """Return the runs that were created or ended since a moment, oldest first."""
    found = connection.execute(
        "SELECT * FROM runs WHERE created_at_ms >= ? OR finished_at_ms >= ? ORDER BY created_at_ms, run_id",
        (since_ms, since_ms),
    )
    return tuple(_run(row) for row in found)


def update_run(
    connection: sqlite3.Connection,
    run_id: str,
    state: RunState,
    *,
    started_at_ms: int | None,
    finished_at_ms: int | None,
    receipt: str | None,
) -> None:
    """Store a run's state, its receipt (JSON text) unless that is None, and its start unless it has one."""
    connection.execute(
        "UPDATE runs SET state = ?, finished_at_ms = ?, receipt = coalesce(?, receipt),"
        " started_at_ms = coalesce(started_at_ms, ?) WHERE run_id = ?",
        (state, finished_at_ms, receipt, started_at_ms, run_id),
    )


def insert_command(
    connection: sqlite3.Connection, run_id: str, kind: CommandKind, at_ms: int, principal: str
) -> CommandRecord:
    """Add a command to a run's runner."""
    row = (run_id, kind, at_ms, principal)
    seq = connection.execute("INSERT INTO commands VALUES (NULL, ?, ?, ?, ?)", row).lastrowid or 0
    return CommandRecord(seq=seq, run_id=run_id, kind=kind, at_ms=at_ms, principal=principal)


def read_commands(connection: sqlite3.Connection, run_id: str, after_seq: int) -> tuple[CommandRecord, ...]:
    """Return the commands to a run's runner after a number, in order."""
    found = connection.execute(
        "SELECT * FROM commands WHERE run_id = ? AND seq > ? ORDER BY seq", (run_id, after_seq)
    )
    return _commands(found)


def read_commands_since(connection: sqlite3.Connection, since_ms: int) -> tuple[CommandRecord, ...]:
    """Return the commands to all runners since a moment, in order."""
    return _commands(connection.execute("SELECT * FROM commands WHERE at_ms >= ? ORDER BY seq", (since_ms,)))


def _commands(found: sqlite3.Cursor) -> tuple[CommandRecord, ...]:
    return tuple(
        CommandRecord(seq=seq, run_id=run, kind=kind, at_ms=at_ms, principal=principal)
        for seq, run, kind, at_ms, principal in cast("list[_CommandRow]", found.fetchall())
    )


def _decision(found: object) -> ApprovalRecord:
    row = cast("_DecisionRow", found)
    _, approval_id, plan_id, plan_hash, cap_nusd, decision = row[:6]
    channel, principal, note, at_ms, expires_at_ms, consumed_by, signature = row[6:]
    return ApprovalRecord(
        approval_id=approval_id,
        plan_id=plan_id,
        plan_hash=plan_hash,
        cap_nusd=cap_nusd,
        decision=decision,
        channel=channel,
        principal=principal,
        note=note,
        at_ms=at_ms,
        expires_at_ms=expires_at_ms,
        consumed_by=consumed_by,
        signature=signature,
    )


def _plan(found: object) -> PlanRecord:
    plan_id, plan_hash, record, created_at_ms, expires_at_ms, principal = cast("_PlanRow", found)
    return PlanRecord(
        plan_id=plan_id,
        plan_hash=plan_hash,
        record=decode_object(record),
        created_at_ms=created_at_ms,
        expires_at_ms=expires_at_ms,
        principal=principal,
    )


def _run(found: object) -> RunRecord:
    row = cast("_RunRow", found)
    run_id, plan_id, plan_hash, cap_nusd, state = row[:5]
    created_at_ms, finished_at_ms, receipt, started_at_ms, planned_cap_nusd = row[5:]
    return RunRecord(
        run_id=run_id,
        plan_id=plan_id,
        plan_hash=plan_hash,
        cap_nusd=cap_nusd,
        state=state,
        created_at_ms=created_at_ms,
        finished_at_ms=finished_at_ms,
        receipt=None if receipt is None else decode_object(receipt),
        started_at_ms=started_at_ms,
        planned_cap_nusd=planned_cap_nusd,
    )
