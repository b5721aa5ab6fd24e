"""Holds: what runs have reserved of the operator's limits for a day and for a project, and what they used of it.

A run holds its whole cap from the transaction that creates it until it ends; then what it used stays and the rest is
free again. A hold belongs to the day (UTC) on which it was taken, also for what is spent of it after midnight.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import cast

from stratum_core.errors import BudgetExceeded
from stratum_core.money import format_usd

__all__ = [
    "Claim",
    "Hold",
    "SpendLimits",
    "Spent",
    "charged_before",
    "day_of",
    "is_held",
    "read_holds",
    "refusal",
    "release",
    "reserve",
    "spent_by_project",
    "spent_on",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class SpendLimits:
    """The most that may be spent or reserved at once; None sets no limit."""

    day_nusd: int | None = None
    """On one day, from midnight to midnight UTC, by all projects together."""
    project_nusd: int | None = None
    """By one project, ever."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """What a run reserves from."""

    project: str
    """The first of the plan's folders, as an absolute path."""
    limits: SpendLimits


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """What one run has reserved; a run that was continued after its end has several."""

    run_id: str
    day: str
    """The day it counts on, as `2026-01-31`."""
    project: str
    held_nusd: int
    spent_nusd: int | None
    """What was used of it; None while the run may still use it."""
    at_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Spent:
    """What counts against a limit."""

    spent_nusd: int
    held_nusd: int
    """Reserved by runs that have not ended."""

    @property
    def nusd(self) -> int:
        """Both together."""
        return self.spent_nusd + self.held_nusd


_SUM = "SELECT coalesce(sum(spent_nusd), 0), coalesce(sum(held_nusd) FILTER (WHERE spent_nusd IS NULL), 0) FROM holds"
_SAME_PROJECT = (
    "project = ?1 OR substr(project, 1, length(?1) + 1) = ?1 || '/'"
    " OR substr(?1, 1, length(project) + 1) = project || '/'"
)
"""The folder itself, those inside it and those around it: a run in a part of a project is a run of the project."""


def day_of(now_ms: int) -> str:
    """Return the day in UTC, which no traveller and no daylight saving time can make longer."""
    return datetime.fromtimestamp(now_ms / 1000, UTC).date().isoformat()


def spent_on(connection: sqlite3.Connection, day: str) -> Spent:
    """Return what counts on a day."""
    return _spent(connection.execute(f"{_SUM} WHERE day = ?", (day,)))


def spent_by_project(connection: sqlite3.Connection, project: str) -> Spent:
    """Return what counts for a project: of its folder, the folders inside it and those around it."""
    return _spent(connection.execute(f"{_SUM} WHERE {_SAME_PROJECT}", (project,)))


def refusal(
    connection: sqlite3.Connection, nusd: int | None, claim: Claim, now_ms: int
) -> BudgetExceeded | None:
    """Return why so much cannot be reserved now, or None."""
    day, limits = day_of(now_ms), claim.limits
    checks: list[tuple[str, int, Spent, str]] = []
    if limits.day_nusd is not None:
        checks.append(("day", limits.day_nusd, spent_on(connection, day), f"today ({day} UTC)"))
    if limits.project_nusd is not None:
        checks.extend(
            ("project", limits.project_nusd, spent_by_project(connection, project), f"the project {project}")
            for project in _projects_around(connection, claim.project)
        )
    for scope, limit, found, words in checks:
        if nusd is None or found.nusd + nusd > limit:
            return _exceeded(scope, words, nusd, limit=limit, found=found)
    return None


def reserve(connection: sqlite3.Connection, run_id: str, nusd: int | None, claim: Claim, now_ms: int) -> None:
    """Let a run hold an amount, whole or not at all.

    Raises:
        BudgetExceeded: It does not fit a limit; `detail` names the scope, `day` or `project`.
    """
    refused = refusal(connection, nusd, claim, now_ms)
    if refused is not None:
        raise refused
    connection.execute(
        "INSERT INTO holds VALUES (NULL, ?, ?, ?, ?, NULL, ?, NULL)",
        (run_id, day_of(now_ms), claim.project, nusd or 0, now_ms),
    )


def release(connection: sqlite3.Connection, run_id: str, charged_nusd: int, now_ms: int) -> None:
    """Keep what a run was charged in all, and give back what it holds beyond that; nothing when it holds nothing."""
    spent = max(0, charged_nusd - charged_before(connection, run_id))
    connection.execute(
        "UPDATE holds SET spent_nusd = ?, ended_at_ms = ? WHERE run_id = ? AND spent_nusd IS NULL",
        (spent, now_ms, run_id),
    )


def charged_before(connection: sqlite3.Connection, run_id: str) -> int:
    """Return what a run has used of the holds it has given back."""
    (spent,) = connection.execute(
        "SELECT coalesce(sum(spent_nusd), 0) FROM holds WHERE run_id = ?", (run_id,)
    ).fetchone()
    return int(spent)


def is_held(connection: sqlite3.Connection, run_id: str) -> bool:
    """Return whether a run holds something now."""
    found = connection.execute("SELECT 1 FROM holds WHERE run_id = ? AND spent_nusd IS NULL", (run_id,))
    return found.fetchone() is not None


def read_holds(connection: sqlite3.Connection) -> tuple[Hold, ...]:
    """Return what runs hold now, oldest first."""
    found = connection.execute(
        "SELECT run_id, day, project, held_nusd, spent_nusd, at_ms FROM holds WHERE spent_nusd IS NULL ORDER BY seq"
    )
    return tuple(
        Hold(run_id=run_id, day=day, project=project, held_nusd=held, spent_nusd=spent, at_ms=at_ms)
        for run_id, day, project, held, spent, at_ms in found
    )


def _projects_around(connection: sqlite3.Connection, project: str) -> tuple[str, ...]:
    """Return a project, and those that have held something and whose folder it lies in."""
    found = connection.execute(
        "SELECT DISTINCT project FROM holds WHERE substr(?1, 1, length(project) + 1) = project || '/'",
        (project,),
    )
    return (project, *(around for (around,) in found))


def _spent(found: sqlite3.Cursor) -> Spent:
    spent, held = cast("tuple[int, int]", found.fetchone())
    return Spent(spent_nusd=spent, held_nusd=held)


def _exceeded(scope: str, words: str, nusd: int | None, *, limit: int, found: Spent) -> BudgetExceeded:
    left = max(0, limit - found.nusd)
    asked = "a run without a cap" if nusd is None else f"a cap of {format_usd(nusd)}"
    return BudgetExceeded(
        f"{asked} does not fit {words}: the operator's limit is {format_usd(limit)}, of which "
        f"{format_usd(found.spent_nusd)} is spent and {format_usd(found.held_nusd)} reserved by runs, "
        f"so {format_usd(left)} is left",
        remedy="plan with a lower cap, cancel a run that holds money (`stratum spend` lists them)"
        + (", or wait for tomorrow" if scope == "day" else ", or have the operator raise the limit"),
        detail={"scope": scope, "axis": "nusd", "cap": limit, "needed": nusd, "left": left},
    )
