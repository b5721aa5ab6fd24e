"""`stratum audit` and `stratum gc` on the command line."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing

import pytest

from stratum_core.engine import Engine
from stratum_mcp.cli._exit import Exit
from stratum_mcp.cli._gc import _size
from stratum_mcp.cli._session import Session
from tests.cli._command import Done, plan_arguments
from tests.support.jobs import Job

pytestmark = pytest.mark.slow


@pytest.fixture
def run_id(job: Job, stratum: Callable[..., Done]) -> str:
    """A run that has ended."""
    plan_id = stratum(*plan_arguments("--json")).record()["plan_id"]
    with Engine(Session(as_json=True).settings()) as engine:
        engine.decide(plan_id, approved=True, channel="terminal", note="go\x1b[31m on")
    return stratum("execute", plan_id, "--json").record()["run_id"]


def test_the_trail_and_the_record_are_shown_and_a_change_ends_with_1(
    job: Job, stratum: Callable[..., Done], run_id: str
) -> None:
    head = stratum("show", run_id, "--json").record()["chain_head"]
    trail = stratum("audit", "show", run_id)
    assert (trail.code, "approved by" in trail.out, "\x1b" in trail.out) == (Exit.OK, True, False)
    assert len(stratum("audit", "show", run_id, "--json").record()["trail"]) == len(trail.out.splitlines())

    whole = stratum("audit", "verify", run_id, "--head", head)
    assert (whole.code, "the last one" in whole.out) == (Exit.OK, True)
    other = stratum("audit", "verify", run_id, "--head", "0" * 64)
    assert (other.code, "which was given" in other.out) == (Exit.FAILED, True)
    assert stratum("audit", "verify", run_id, "--head", "x").code == Exit.FAILED

    with closing(sqlite3.connect(job.state_dir / "runs" / f"{run_id}.db")) as journal, journal:
        journal.execute("UPDATE events SET at_ms = at_ms - 1 WHERE seq = 3")
    changed = stratum("audit", "verify", run_id)
    assert (changed.code, "The record was changed at event 3" in changed.out) == (Exit.FAILED, True)


def test_gc_shows_what_is_old_and_removes_it_only_when_told_to(
    job: Job, stratum: Callable[..., Done], run_id: str
) -> None:
    assert "0 runs" in stratum("gc").out
    shown = stratum("gc", "--older-than", "0h")
    assert (shown.code, run_id in shown.out, "--yes removes it" in shown.out) == (Exit.OK, True, True)
    assert stratum("gc", "--older-than", "0h", "--json").record()["runs"][0]["run_id"] == run_id
    with closing(sqlite3.connect(job.state_dir / "runs" / f"{run_id}.db")) as journal, journal:
        journal.execute("UPDATE run SET state = 'interrupted'")
    assert "kept: can be resumed" in stratum("gc", "--older-than", "0h", "--yes").out

    removed = stratum("gc", "--older-than", "0h", "--resumable", "--yes")
    assert ("given up" in removed.out, "Removed: 1 run (" in removed.out) == (True, True)
    assert "its record was removed on" in stratum("show", run_id).out
    assert "approved by" in stratum("audit", "show", run_id).out


@pytest.mark.parametrize("age", ["", "30", "d", "-1d", "1.5d", "30 d", "1y", "9999999d"])
def test_an_age_that_is_none_is_wrong_usage(stratum: Callable[..., Done], age: str) -> None:
    refused = stratum("gc", "--older-than", age)
    assert (refused.code, "36h, 30d, 8w" in refused.err) == (Exit.USAGE, True)


def test_sizes_are_told_in_a_unit_one_reads() -> None:
    assert [_size(count) for count in (0, 999, 1000, 139_000_000, 2_500_000_000_000)] == [
        "0 B",
        "999 B",
        "1.0 kB",
        "139.0 MB",
        "2500.0 GB",
    ]
