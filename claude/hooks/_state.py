"""What Stratum's state directory says about a project, read without changing anything and without Stratum itself.

Starting the package costs a second; a hook has milliseconds. So the control file and the journals are read with plain
SQL. A file that is missing, busy or of another shape gives nothing: the server is the authority, this is a reminder.
"""

from __future__ import annotations

import fcntl
import json
import os
import sqlite3
import sys
import time
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple

from _hook import Payload, as_list

__all__ = ["OpenRun", "open_runs", "state_dir", "unused_approvals"]

_RECENT_S = 7 * 24 * 3600
_BUSY_S = 0.5
_STOPPED = frozenset({"interrupted", "waiting", "stopped_limit"})
_NUSD_PER_USD = 1_000_000_000


class OpenRun(NamedTuple):
    """A run of a project that is at work, or stopped and can be taken further."""

    run_id: str
    state: str
    done: int
    total: int
    usd: str
    """Charged so far, what may have been paid included; as people write it."""
    possibly_paid: int
    questions: int


def state_dir() -> Path:
    """Return where Stratum keeps plans and runs, by the same rules as Stratum."""
    named = os.environ.get("STRATUM_STATE_DIR")
    if named:
        return Path(named)
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Application Support" / "stratum"
    return Path(os.environ.get("XDG_STATE_HOME", "").strip() or Path.home() / ".local" / "state") / "stratum"


def open_runs(directory: Path, project: str) -> list[OpenRun]:
    """Return the project's runs of the last week that are at work or stopped before their end, newest first."""
    since_ms = int((time.time() - _RECENT_S) * 1000)
    rows = _read(
        directory / "control.db",
        "SELECT runs.run_id, runs.state, plans.record, (SELECT count(*) FROM reviews WHERE reviews.run_id = runs.run_id"
        " AND decided_at_ms IS NULL) FROM runs JOIN plans USING (plan_id) WHERE runs.created_at_ms > ?"
        " AND runs.run_id NOT IN (SELECT run_id FROM commands WHERE kind = 'cancel')"
        " ORDER BY runs.created_at_ms DESC LIMIT 20",
        (since_ms,),
    )
    found: list[OpenRun] = []
    for run_id, state, record, questions in rows:
        plan = json.loads(record)
        if state in _STOPPED | {"running"} and _belongs(plan, project):
            run = _open_run(directory, run_id, questions, simulated=plan.get("simulated") is True)
            found += [run] if run else []
    return found


def unused_approvals(directory: Path, project: str) -> list[str]:
    """Return the ids of the project's plans whose yes stands and that no run has used."""
    now_ms = int(time.time() * 1000)
    rows = _read(
        directory / "control.db",
        "SELECT plan_id, record FROM approvals JOIN plans USING (plan_id) WHERE decision = 'approved'"
        " AND approvals.expires_at_ms > ? AND plans.expires_at_ms > ?"
        " AND plan_id NOT IN (SELECT plan_id FROM runs) ORDER BY seq DESC LIMIT 20",
        (now_ms, now_ms),
    )
    return [plan_id for plan_id, record in rows if _belongs(json.loads(record), project)]


def _open_run(directory: Path, run_id: str, questions: int, *, simulated: bool) -> OpenRun | None:
    """Return a run as its journal tells it, or None when it is over."""
    journal = directory / "runs" / f"{run_id}.db"
    runs = _read(journal, "SELECT state, nusd, possibly_paid FROM run")
    if not runs:
        return None
    state, nusd, possibly_paid = runs[0]
    live = _is_held(journal.with_suffix(".lock"))
    if state == "running" and not live:
        state = "interrupted"
    if state not in _STOPPED | {"running"}:
        return None
    open_calls, reserved = _read(
        journal,
        "SELECT coalesce(sum(reserved_calls), 0), coalesce(sum(reserved_nusd), 0) FROM calls WHERE state = 'open'",
    )[0]
    done, total = _read(
        journal,
        "SELECT coalesce(sum(done), 0), coalesce(sum(total), 0) FROM progress WHERE path NOT LIKE '%/%'",
    )[0]
    usd = _usd(nusd + reserved) + (" (simulated)" if simulated else "")
    unknown = possibly_paid + (0 if live else open_calls)
    return OpenRun(run_id, "running" if live else state, done, total, usd, unknown, questions)


def _read(path: Path, query: str, values: tuple[int, ...] = ()) -> list[tuple[Any, ...]]:
    """Return the rows of a question to a database; none when it cannot be asked."""
    if not path.is_file():
        return []
    try:
        with closing(
            sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True, timeout=_BUSY_S)
        ) as connection:
            return connection.execute(query, values).fetchall()
    except sqlite3.Error:
        return []


def _belongs(plan: Payload, project: str) -> bool:
    """Return whether a plan was made in a project: in its folder, or one around it."""
    here = os.path.realpath(project)
    roots = [os.path.realpath(str(root)) for root in as_list(plan.get("roots"))]
    return any(here == root or here.startswith(root.rstrip("/") + "/") for root in roots)


def _is_held(lock: Path) -> bool:
    """Return whether a live process holds a run's lock."""
    try:
        with lock.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except OSError:
        return True
    return False


def _usd(nusd: int) -> str:
    """Return dollars as Stratum writes them: cents from one dollar up, else two significant digits, rounded up."""
    step = _NUSD_PER_USD // 100
    places = 2
    while 0 < nusd < step * 10 and step > 1 and nusd % (_NUSD_PER_USD // 100):
        step //= 10
        places += 1
    return f"${-(-nusd // step) * step / _NUSD_PER_USD:,.{places}f}"
