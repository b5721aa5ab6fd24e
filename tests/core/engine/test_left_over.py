"""Runs a project left undone: which are told of by themselves, and which are nobody's business here."""

from __future__ import annotations

import signal
from dataclasses import replace
from pathlib import Path

from stratum_core.approval import Policy
from stratum_core.engine import Engine
from tests.core.engine._bench import Bench, ended, hit, when
from tests.support.questions import ONE_QUESTION

DAY_S = 24 * 3600


def waiting(bench: Bench) -> str:
    """Run a job until it waits for a person."""
    engine = bench.engine()
    bench.job.spec.write_text(ONE_QUESTION, "utf-8")
    run = ended(engine, engine.execute(bench.approved(engine).plan_id).run_id)
    assert run.state == "waiting"
    return run.run_id


def seen_from(bench: Bench, *folders: Path, policy: Policy | None = None) -> list[str]:
    """Return the runs left undone that somebody in other folders is told of."""
    settings = replace(bench.engine().settings, roots=folders, policy=policy or Policy())
    with Engine(settings, clock=lambda: bench.clock.now().timestamp()) as engine:
        return [run.run_id for run in engine.left_over.runs()]


def test_a_run_that_waits_is_left_over_until_it_is_over(bench: Bench) -> None:
    run_id, engine = waiting(bench), bench.engine()
    (left,) = engine.left_over.runs()
    assert (left.run_id, left.state, left.waiting_for) == (run_id, "waiting", 1)
    engine.reviews.decide(engine.reviews.find(run_id, "1").review_id, "send", channel="terminal")
    assert ended(engine, engine.resume(run_id).run_id).state == "completed"
    assert engine.left_over.runs() == ()


def test_a_run_that_was_killed_is_left_over_and_one_at_work_is_not(bench: Bench) -> None:
    engine = bench.engine()
    run = engine.execute(bench.approved(engine, rows=400).plan_id)
    when(engine, run.run_id, lambda view: view.done > 2)
    assert engine.left_over.runs() == ()
    hit(run.run_id, signal.SIGKILL)
    ended(engine, run.run_id)
    assert [left.state for left in engine.left_over.runs()] == ["interrupted"]
    engine.cancel(run.run_id)
    assert engine.left_over.runs() == ()


def test_only_the_projects_own_runs_of_the_last_week_are_told(bench: Bench, tmp_path: Path) -> None:
    run_id, folder = waiting(bench), bench.job.folder
    (folder / "inside").mkdir()
    (tmp_path / "link").symlink_to(folder)
    for here in (folder, folder / "inside", tmp_path / "link"):
        assert seen_from(bench, here) == [run_id]
    shared = Policy(roots=(folder.parent,))
    for here in (folder.parent / "elsewhere", folder.parent):
        assert seen_from(bench, here) == []
        assert seen_from(bench, here, folder.parent, policy=shared) == []
    assert seen_from(bench, folder, folder.parent, policy=shared) == [run_id]
    bench.clock.advance(8 * DAY_S)
    assert seen_from(bench, folder) == []


def test_a_run_whose_journal_cannot_be_read_is_passed_over(bench: Bench) -> None:
    run_id = waiting(bench)
    bench.private_file(run_id, ".db").write_bytes(b"no database" * 1000)
    assert bench.engine().left_over.runs() == ()
