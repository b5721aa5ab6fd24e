"""Whole runs: a plan, a yes, a runner process, a result; and what happens when processes end at bad moments."""

from __future__ import annotations

import os
import random
import signal
import stat
import subprocess
import sys
from collections import Counter
from dataclasses import replace
from functools import partial

import anyio
import pytest

from stratum_core.engine import RunView
from stratum_core.errors import PlanError
from tests.core.engine._bench import Bench, ended, hit, result_of, when

pytestmark = pytest.mark.slow


def test_an_approved_plan_runs_to_its_result(bench: Bench) -> None:
    engine = bench.engine()
    out = bench.job.folder / "out.csv"
    plan = bench.approved(engine, out=str(out))
    seen: list[RunView] = []

    async def note(view: RunView) -> None:
        seen.append(view)

    run = engine.execute(plan.plan_id)
    view = anyio.run(partial(engine.wait, run.run_id, on_progress=note))
    assert (view.state, view.done, view.total, view.error, view.simulated) == ("completed", 5, 5, "", True)
    assert view.message.startswith("Done. 5 judged, ")
    assert view.message.endswith(f"Results: {out}")
    assert len(out.read_text("utf-8").splitlines()) == 6
    assert 0 < view.usd <= plan.at_most_usd == view.cap_usd < 1.0
    assert {found.state for found in seen} <= {"ready", "running"}
    assert engine.show_plan(plan.plan_id).run_id == run.run_id
    with bench.reader(run.run_id) as reader:
        assert (reader.verify().ok, reader.verify().head) == (True, view.chain_head)


def test_what_a_run_leaves_is_private(bench: Bench) -> None:
    engine = bench.engine()
    view = ended(engine, engine.execute(bench.approved(engine).plan_id).run_id)
    kept = [bench.job.state_dir, *bench.job.state_dir.rglob("*")]
    modes = {stat.S_IMODE(path.stat().st_mode) for path in kept if path.is_file()}
    assert modes == {0o600}
    assert {stat.S_IMODE(path.stat().st_mode) for path in kept if path.is_dir()} == {0o700}
    assert bench.private_file(view.run_id, ".log").read_text("utf-8") == ""


def test_executing_twice_starts_one_run(bench: Bench) -> None:
    engine, other = bench.engine(), bench.engine()
    plan = bench.approved(engine)
    first = engine.execute(plan.plan_id)
    second = other.execute(plan.plan_id)
    assert second.run_id == first.run_id
    ended(engine, first.run_id)
    assert engine.execute(plan.plan_id).state == "completed"
    assert [run.run_id for run in other.runs()] == [first.run_id]
    assert len(bench.openings(first.run_id)) == 1


def test_a_second_runner_leaves_a_live_run_alone(bench: Bench) -> None:
    engine, other = bench.engine(), bench.engine()
    run = engine.execute(bench.approved(engine, rows=2_000).plan_id)
    when(engine, run.run_id, lambda view: view.done > 0)
    assert other.resume(run.run_id).live
    command = [sys.executable, "-m", "stratum_core.runtime.worker", "--run", run.run_id]
    state_dir = str(bench.job.state_dir)
    done = subprocess.run([*command, "--state-dir", state_dir], check=False, capture_output=True, timeout=30)
    assert done.returncode == 75
    assert ended(other, run.run_id).state == "completed"
    assert len(bench.openings(run.run_id)) == 1


def test_a_cancelled_run_drains_and_stays_cancelled(bench: Bench) -> None:
    engine = bench.engine()
    run = engine.execute(bench.approved(engine, rows=5_000).plan_id)
    when(engine, run.run_id, lambda view: view.done > 10)
    engine.cancel(run.run_id)
    view = ended(engine, run.run_id)
    assert (view.state, view.census["calls_possibly_paid"]) == ("cancelled", 0)
    assert 10 < view.done < 5_000
    result = result_of(view)
    assert isinstance(result, list)
    assert len(result) == view.census["items_done"]
    assert engine.resume(run.run_id).state == "cancelled"
    assert engine.cancel(run.run_id).state == "cancelled"


def test_a_terminated_run_drains_and_goes_on_when_it_is_resumed(bench: Bench) -> None:
    engine = bench.engine()
    run = engine.execute(bench.approved(engine, rows=900).plan_id)
    when(engine, run.run_id, lambda view: view.done > 10)
    hit(run.run_id, signal.SIGTERM)
    stopped = ended(engine, run.run_id)
    assert (stopped.state, stopped.census["calls_possibly_paid"]) == ("interrupted", 0)
    assert stopped.message.endswith(f"To go on: {engine.settings.command('resume', run.run_id)}")
    engine.resume(run.run_id)
    view = ended(engine, run.run_id)
    assert (view.state, view.done) == ("completed", 900)
    assert view.census["calls_reused"] == stopped.census["calls_answered"]
    assert set(Counter((a.path, a.request_hash) for a in bench.attempts(run.run_id)).values()) == {1}


def test_runs_killed_at_any_moment_end_as_if_nothing_had_happened(bench: Bench) -> None:
    engine = bench.engine()
    calm = ended(engine, engine.execute(bench.approved(engine, rows=900).plan_id).run_id)
    run = engine.execute(bench.approved(engine, rows=900).plan_id)
    replayed = 0  # events a resumed run writes before it has anything new to say
    for _ in range(3):
        reached = replayed + random.randint(60, 500)  # noqa: S311 - any moment will do
        when(
            engine, run.run_id, lambda view, reached=reached: view.live and bench.events(run.run_id) > reached
        )
        hit(run.run_id, signal.SIGKILL)
        killed = ended(engine, run.run_id)
        assert (killed.state, "was killed by SIGKILL" in killed.error) == ("interrupted", True)
        replayed = bench.events(run.run_id) + killed.done
        engine.resume(run.run_id)
    view = ended(engine, run.run_id)
    assert (view.state, result_of(view)) == (calm.state, result_of(calm))
    attempts = bench.attempts(run.run_id)
    answered = Counter((a.path, a.request_hash) for a in attempts if a.state == "answered")
    assert max(answered.values()) == 1
    assert view.census["calls_possibly_paid"] == sum(a.state == "possibly_paid" for a in attempts)
    with bench.reader(run.run_id) as reader:
        assert reader.verify().ok
        assert reader.snapshot().usage.nusd == sum(a.usage.nusd for a in attempts) == view.census["nusd"]


def test_a_completed_run_is_not_opened_again(bench: Bench) -> None:
    engine = bench.engine()
    view = ended(engine, engine.execute(bench.approved(engine).plan_id).run_id)
    assert engine.resume(view.run_id) == view
    note = "The run had ended before: there was nothing to cancel, and nothing was changed."
    assert engine.cancel(view.run_id) == replace(view, note=note)
    assert len(bench.openings(view.run_id)) == 1


def test_who_stops_waiting_does_not_stop_the_run(bench: Bench) -> None:
    engine = bench.engine()
    run = engine.execute(bench.approved(engine, rows=1_000).plan_id)
    impatient = anyio.run(partial(engine.wait, run.run_id, timeout_s=0.01))
    assert not impatient.final

    async def give_up() -> None:
        with anyio.CancelScope() as scope:
            scope.cancel()
            await engine.wait(run.run_id)

    anyio.run(give_up)
    engine.close()
    assert ended(bench.engine(), run.run_id).state == "completed"


def test_a_runner_that_cannot_start_is_reported(bench: Bench) -> None:
    engine = bench.engine(PYTHONHOME="/nowhere")
    plan = bench.approved(engine)
    view = ended(engine, engine.execute(plan.plan_id).run_id)
    assert (view.state, view.live) == ("interrupted", False)
    log = bench.private_file(view.run_id, ".log")
    assert view.error == f"the runner ended with status 1; what it said is in {log}"
    assert log.read_text("utf-8") != ""
    mended = bench.engine()
    mended.resume(view.run_id)
    assert ended(mended, view.run_id).state == "completed"


def test_a_missing_interpreter_is_reported(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = bench.engine()
    plan = bench.approved(engine)
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    view = engine.execute(plan.plan_id)
    assert (view.state, view.final) == ("failed", True)
    assert f"no runner could be started for run {view.run_id}" in view.error
    monkeypatch.undo()
    engine.resume(view.run_id)
    assert ended(engine, view.run_id).state == "completed"


def test_a_run_nobody_came_to_work_on_does_not_look_alive_for_ever(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = bench.engine(PYTHONHOME="/nowhere")
    run = engine.execute(bench.approved(engine).plan_id)
    ended(engine, run.run_id)
    other = bench.engine()
    assert (other.show_run(run.run_id).state, other.show_run(run.run_id).final) == ("ready", False)
    bench.clock.advance(61)
    late = other.show_run(run.run_id)
    assert (late.state, late.final, late.error) == ("interrupted", True, "no runner came to work on it")


def test_a_run_in_the_foreground_ends_with_who_started_it(bench: Bench) -> None:
    engine = bench.engine()
    plan = bench.approved(engine, rows=20_000, background=False)
    script = (
        "import os, sys\n"
        "from pathlib import Path\n"
        "from stratum_core.engine import Engine, Settings\n"
        "state, roots, plan = sys.argv[1:]\n"
        "engine = Engine(Settings(state_dir=Path(state), roots=(Path(roots),)), clock=lambda: 1767225600.0)\n"
        "run = engine.execute(plan)\n"
        "while engine.show_run(run.run_id).done < 5: pass\n"
        "os._exit(0)\n"
    )
    arguments = [str(bench.job.state_dir), str(bench.job.folder), plan.plan_id]
    subprocess.run([sys.executable, "-c", script, *arguments], check=True, timeout=60, env=dict(os.environ))
    view = ended(engine, engine.runs()[0].run_id)
    assert (view.state, view.census["calls_possibly_paid"]) == ("interrupted", 0)
    assert "whoever started the run is gone" in view.error


def test_a_file_that_changed_after_the_plan_is_refused_and_the_yes_is_kept(bench: Bench) -> None:
    engine = bench.engine()
    plan = bench.approved(engine)
    before = bench.job.data.read_text("utf-8")
    bench.job.data.write_text(before.replace("It is a box", "It is a trap"), "utf-8")
    with pytest.raises(PlanError, match="changed"):
        engine.execute(plan.plan_id)
    assert engine.runs() == ()
    bench.job.data.write_text(before, "utf-8")
    assert ended(engine, engine.execute(plan.plan_id).run_id).state == "completed"


def test_a_file_that_changed_before_a_resume_is_refused_with_what_is_paid_kept(bench: Bench) -> None:
    engine = bench.engine()
    run = engine.execute(bench.approved(engine, rows=900).plan_id)
    when(engine, run.run_id, lambda view: view.done > 10)
    hit(run.run_id, signal.SIGTERM)
    stopped = ended(engine, run.run_id)
    before = bench.job.data.read_text("utf-8")
    bench.job.data.write_text(before.replace("It is a box", "It is a trap"), "utf-8")
    engine.resume(run.run_id)
    refused = ended(engine, run.run_id)
    assert (refused.state, refused.usd) == ("failed", stopped.usd)
    assert "changed" in refused.error
    bench.job.data.write_text(before, "utf-8")
    engine.resume(run.run_id)
    assert ended(engine, run.run_id).state == "completed"


def test_a_seed_makes_the_demonstration_err_elsewhere(bench: Bench) -> None:
    engine = bench.engine()
    counts = [
        ended(engine, engine.execute(bench.approved(engine, rows=60, seed=seed).plan_id).run_id).census
        for seed in (1, 1, 2)
    ]
    assert counts[0]["tokens"] == counts[1]["tokens"] != counts[2]["tokens"]
