"""Removing what is old: what goes, what stays, and what is never touched."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from functools import partial

import anyio
import pytest

from stratum_core.engine import Engine
from stratum_core.errors import JournalBusy, PlanError, RunError
from stratum_core.journal import AnswerCache, Archive, RunJournal, remove_run_files
from tests.core.engine._bench import Bench, ended

pytestmark = pytest.mark.slow
_DAY_S = 86_400.0


@pytest.fixture
def engine(bench: Bench) -> Engine:
    return bench.engine()


@pytest.fixture
def run_id(bench: Bench, engine: Engine) -> str:
    """A run that has ended."""
    return ended(engine, engine.execute(bench.approved(engine, rows=3).plan_id).run_id).run_id


def _aged(bench: Bench, run_id: str, state: str | None = None) -> None:
    """Let a run be two days old, in both files, and be in another state."""
    with closing(sqlite3.connect(bench.job.state_dir / "control.db")) as control, control:
        control.execute(
            "UPDATE runs SET finished_at_ms = ?", (int((bench.clock.now().timestamp() - 2 * _DAY_S) * 1000),)
        )
        if state:
            control.execute("UPDATE runs SET state = ?", (state,))
    if state:
        with closing(sqlite3.connect(bench.private_file(run_id, ".db"))) as journal, journal:
            journal.execute("UPDATE run SET state = ?", (state,))


def test_without_being_told_to_nothing_is_removed_and_sizes_are_told(
    bench: Bench, engine: Engine, run_id: str
) -> None:
    _aged(bench, run_id)
    before = sorted(bench.job.state_dir.rglob("*"))
    view = engine.storage.collect(older_than_s=_DAY_S, remove=False)

    assert [(old.run_id, old.state, old.gives_up) for old in view.runs] == [(run_id, "completed", False)]
    assert 0 < view.run_bytes < view.total_bytes
    assert sorted(bench.job.state_dir.rglob("*")) == before
    assert engine.storage.collect(older_than_s=3 * _DAY_S, remove=False).runs == ()
    assert view.to_json()["removed"] is False


def test_of_a_removed_run_the_data_goes_and_who_agreed_what_it_cost_and_its_head_stay(
    bench: Bench, engine: Engine, run_id: str
) -> None:
    _aged(bench, run_id)
    plan_id, was, trail = engine.show_run(run_id).plan_id, engine.show_run(run_id), engine.audit.trail(run_id)
    engine.storage.collect(older_than_s=_DAY_S, remove=True)

    assert list(bench.private_file(run_id, "").parent.glob(f"{run_id}*")) == []
    assert b"mode: infer" not in (bench.job.state_dir / "control.db").read_bytes()
    view = engine.show_run(run_id)
    assert (view.state, view.charged_nusd, view.chain_head, view.resumable, view.final) == (
        "completed",
        was.charged_nusd,
        was.chain_head,
        False,
        True,
    )
    assert "its record was removed on " in view.message
    assert engine.audit.trail(run_id) == trail
    assert engine.resume(run_id) == view
    assert engine.execute(plan_id) == view
    with pytest.raises(RunError, match="removed by `stratum gc`"):
        engine.audit.verify(run_id)
    assert engine.storage.collect(older_than_s=0, remove=False).runs == ()


@pytest.mark.parametrize("state", ["interrupted", "waiting", "stopped_limit"])
def test_a_run_that_could_go_on_is_kept_unless_it_is_asked_for_and_then_given_up(
    bench: Bench, engine: Engine, run_id: str, state: str
) -> None:
    _aged(bench, run_id, state)
    view = engine.storage.collect(older_than_s=_DAY_S, remove=True)

    assert (view.runs, [kept.run_id for kept in view.kept]) == ((), [run_id])
    assert view.to_json()["kept"]
    view = engine.storage.collect(older_than_s=_DAY_S, resumable=True, remove=True)
    assert [(old.run_id, old.gives_up) for old in view.runs] == [(run_id, True)]
    assert (engine.show_run(run_id).state, engine.show_run(run_id).resumable) == ("cancelled", False)


async def test_a_run_at_work_is_never_touched(bench: Bench) -> None:
    engine = bench.engine()
    plan = await anyio.to_thread.run_sync(bench.approved, engine)
    run = await anyio.to_thread.run_sync(engine.execute, plan.plan_id)
    await engine.wait(run.run_id, timeout_s=60)
    _aged(bench, run.run_id, "interrupted")
    journal = RunJournal.open(bench.job.state_dir, run.run_id, create=False)
    view = await anyio.to_thread.run_sync(
        partial(engine.storage.collect, older_than_s=0, resumable=True, remove=True)
    )

    assert [(kept.run_id, kept.why) for kept in view.kept] == [(run.run_id, "is at work")]
    with pytest.raises(JournalBusy, match="held by a live process"):
        remove_run_files(bench.job.state_dir, run.run_id)
    assert bench.private_file(run.run_id, ".db").exists()
    await journal.close()


def test_a_run_that_cannot_be_read_is_kept_and_said_to_be_so(
    bench: Bench, engine: Engine, run_id: str
) -> None:
    _aged(bench, run_id)
    for suffix in (".db-wal", ".db-shm"):
        bench.private_file(run_id, suffix).unlink(missing_ok=True)
    bench.private_file(run_id, ".db").write_bytes(b"SQLite format 3\x00" + b"\x00" * 4000)
    view = engine.storage.collect(older_than_s=_DAY_S, remove=True)

    assert "cannot be read" in view.kept[0].why
    assert bench.private_file(run_id, ".db").exists()


async def test_plans_nobody_answered_and_old_answers_go_too(bench: Bench) -> None:
    engine = bench.engine()
    old = bench.plan(engine)
    answered = bench.plan(engine)
    engine.decide(answered.plan_id, approved=False, channel="terminal")
    cache = AnswerCache.open(bench.job.state_dir, clock=lambda: bench.clock.now().timestamp())
    await cache.put("old", 1)
    bench.clock.advance(3 * _DAY_S)
    await cache.put("new", 2)
    view = engine.storage.collect(older_than_s=_DAY_S, remove=False)
    assert (view.unused_plans, view.answers) == (1, 1)
    assert await cache.get("old") == {"value": 1}

    engine.storage.collect(older_than_s=_DAY_S, remove=True)
    assert (await cache.get("old"), await cache.get("new")) == (None, {"value": 2})
    with pytest.raises(PlanError):
        engine.show_plan(old.plan_id)
    assert engine.show_plan(answered.plan_id).approval == "declined"
    assert Archive.open(bench.job.state_dir).unused_plans(1 << 62) == 0
