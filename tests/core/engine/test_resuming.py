"""What is compared before a run starts or goes on, and what a run that stopped says about itself."""

from __future__ import annotations

import json
import os
import resource
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Mapping
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import cast

import anyio
import psutil
import pytest

from stratum_core.approval import Policy
from stratum_core.contracts import JsonValue
from stratum_core.engine import Engine, RunView
from stratum_core.errors import ApprovalError, ConfigurationError, PlanError
from stratum_core.journal import ControlStore, RunJournal, RunState
from stratum_core.llm import PriceTable
from stratum_core.plan import plan_hash_of
from stratum_core.runtime._ending import fault_receipt, innermost
from tests.core.engine._bench import Bench, ended, hit, result_of, when

pytestmark = pytest.mark.slow

NO_HOME = "/nowhere"
"""As PYTHONHOME keeps a runner from starting, so that a test can look at what lies between a run and its runner."""


def work(bench: Bench, run_id: str, **environ: str) -> int:
    """Run a runner by itself and return its exit status."""
    command = [sys.executable, "-m", "stratum_core.runtime.worker", "--run", run_id]
    done = subprocess.run(
        [*command, "--state-dir", str(bench.job.state_dir)],
        env={**os.environ, **environ},
        check=False,
        capture_output=True,
        timeout=60,
    )
    return done.returncode


def stopped(bench: Bench, engine: Engine, *, rows: int = 900) -> RunView:
    """Return a run that was asked to stop when some of it was paid."""
    run = engine.execute(bench.approved(engine, rows=rows).plan_id)
    when(engine, run.run_id, lambda view: view.done > 10)
    hit(run.run_id, signal.SIGTERM)
    return ended(engine, run.run_id)


def other_prices(bench: Bench, engine: Engine) -> tuple[Engine, Path]:
    """Return an engine that works with other prices, and their file."""
    path = bench.job.folder / "prices.json"
    path.write_text('{"models": {"acme/one": {"input": 1, "output": 2}}}', "utf-8")
    environ = {**engine.settings.environ, "STRATUM_PRICES": str(path)}
    settings = replace(engine.settings, prices=PriceTable.load(path), environ=environ)
    bench.engines.append(Engine(settings, clock=lambda: bench.clock.now().timestamp()))
    return bench.engines[-1], path


def test_a_cancel_that_is_there_before_the_runner_is_lets_nothing_be_sent(bench: Bench) -> None:
    engine = bench.engine()
    run = engine.execute(bench.approved(engine, rows=500).plan_id)
    assert engine.cancel(run.run_id).note.startswith("The cancel was taken: nothing new is sent")
    view = ended(engine, run.run_id)
    assert (view.state, view.usd, view.resumable) == ("cancelled", 0.0, False)
    assert bench.attempts(run.run_id) == ()


def test_a_cancel_outlives_the_runner_that_did_not_come_to_read_it(bench: Bench) -> None:
    engine = bench.engine()
    run = engine.execute(bench.approved(engine, rows=5_000).plan_id)
    when(engine, run.run_id, lambda view: view.done > 10)
    hit(run.run_id, signal.SIGSTOP)
    assert engine.cancel(run.run_id).live
    hit(run.run_id, signal.SIGKILL)
    view = ended(engine, run.run_id)
    paid = [attempt.call_id for attempt in bench.attempts(run.run_id)]
    assert (view.state, view.resumable, "resume" in view.message) == ("cancelled", False, False)
    again = engine.resume(run.run_id)
    assert (again.state, again.live, len(bench.openings(run.run_id))) == ("cancelled", False, 1)
    assert work(bench, run.run_id) == 0
    assert [attempt.call_id for attempt in bench.attempts(run.run_id)] == paid
    assert engine.show_run(run.run_id).state == "cancelled"


@pytest.mark.parametrize("lost", ["removed", "emptied"])
def test_a_run_whose_record_is_gone_is_not_resumed_under_a_fresh_cap(bench: Bench, lost: str) -> None:
    engine = bench.engine()
    run_id = stopped(bench, engine).run_id
    path = bench.private_file(run_id, ".db")
    for left in path.parent.glob(f"{run_id}.db*"):
        left.unlink()
    if lost == "emptied":
        path.touch()
    view = engine.show_run(run_id)
    assert (view.state, view.resumable, "stratum resume" in view.message) == ("failed", False, False)
    assert "the record of what was paid is gone" in view.error
    assert not engine.resume(run_id).live
    assert work(bench, run_id) == 70
    assert not path.exists() or path.stat().st_size == 0
    assert "the record of what was paid is gone" in engine.show_run(run_id).error


def test_prices_that_changed_after_the_yes_start_nothing_and_the_yes_is_kept(bench: Bench) -> None:
    engine = bench.engine()
    plan = bench.approved(engine)
    other, _ = other_prices(bench, engine)
    with pytest.raises(PlanError, match=r"prices changed .* plan again"):
        other.execute(plan.plan_id)
    assert engine.runs() == ()
    assert ended(engine, engine.execute(plan.plan_id).run_id).state == "completed"


def test_prices_that_changed_meanwhile_are_refused_by_resume_and_by_the_runner(bench: Bench) -> None:
    engine = bench.engine()
    before = stopped(bench, engine)
    other, path = other_prices(bench, engine)
    with pytest.raises(PlanError, match="prices changed"):
        other.resume(before.run_id)
    assert work(bench, before.run_id, STRATUM_PRICES=str(path)) == 70
    view = engine.show_run(before.run_id)
    assert (view.state, view.usd, view.resumable) == ("failed", before.usd, True)
    assert "prices changed" in view.error
    engine.resume(before.run_id)
    assert ended(engine, before.run_id).state == "completed"


def edited(bench: Bench, plan_id: str, **changes: JsonValue) -> str:
    """Change a stored plan, with its inner hash made to fit, and return that hash."""
    with closing(sqlite3.connect(bench.job.state_dir / "control.db")) as connection:
        (text,) = connection.execute("SELECT record FROM plans WHERE plan_id = ?", (plan_id,)).fetchone()
        record = cast("dict[str, JsonValue]", {**json.loads(text), **changes})
        record["plan_hash"] = plan_hash_of(record)
        connection.execute("UPDATE plans SET record = ? WHERE plan_id = ?", (json.dumps(record), plan_id))
        connection.commit()
    return str(record["plan_hash"])


def test_a_plan_edited_after_the_yes_is_not_run_though_its_own_hash_fits(bench: Bench) -> None:
    engine = bench.engine()
    plan = bench.approved(engine)
    changed = edited(bench, plan.plan_id, cap_nusd=900_000_000_000)
    with pytest.raises(PlanError, match="changed after it was approved"):
        engine.execute(plan.plan_id)
    with closing(sqlite3.connect(bench.job.state_dir / "control.db")) as connection:
        connection.execute("UPDATE plans SET plan_hash = ?", (changed,))
        connection.commit()
    with pytest.raises(ApprovalError, match="hash"):
        engine.execute(plan.plan_id)
    assert engine.runs() == ()


def test_a_plan_edited_after_its_run_was_made_is_refused_by_resume_and_by_the_runner(bench: Bench) -> None:
    engine = bench.engine(PYTHONHOME=NO_HOME)
    plan = bench.approved(engine)
    run = ended(engine, engine.execute(plan.plan_id).run_id)
    edited(bench, plan.plan_id, cap_nusd=900_000_000_000)
    with pytest.raises(PlanError, match="changed after it was approved"):
        bench.engine().resume(run.run_id)
    assert work(bench, run.run_id) == 70
    assert not bench.private_file(run.run_id, ".db").exists()


def test_what_a_stricter_policy_or_a_missing_key_forbids_is_not_resumed(bench: Bench) -> None:
    engine = bench.engine(OPENAI_API_KEY="sk-none", PYTHONHOME=NO_HOME)
    plan = bench.approved(engine, model="openai/gpt-4.1-mini")
    run = ended(engine, engine.execute(plan.plan_id).run_id)
    with pytest.raises(PlanError, match="policy does not allow"):
        bench.engine(OPENAI_API_KEY="sk-none", policy=Policy(models_allowed=("offline",))).resume(run.run_id)
    with pytest.raises(ConfigurationError, match="OPENAI_API_KEY is not set; nothing was started"):
        bench.engine(OPENAI_API_KEY="").resume(run.run_id)
    assert not bench.private_file(run.run_id, ".db").exists()


def test_resume_says_what_is_on_record_before_it_pays_more(bench: Bench) -> None:
    engine = bench.engine()
    before = stopped(bench, engine)
    resumed = engine.resume(before.run_id)
    answered = before.census["calls_answered"]
    assert resumed.note.startswith(f"On record: {answered} answered calls, not paid again. Used $")
    assert resumed.note.endswith("left of the cap.")
    assert resumed.to_json()["note"] == resumed.note
    assert ended(engine, before.run_id).note == ""


CRASH = """\
import os, sys
from pathlib import Path
import anyio
from stratum_core.budget import Usage
from stratum_core.journal import ControlStore, Intent, RunJournal
async def crash():
    journal = RunJournal.open(Path(sys.argv[1]), sys.argv[2], create=True)
    ControlStore.open(Path(sys.argv[1])).update_run(sys.argv[2], state="running")
    await journal.intent(Intent(call_id="tones[0]#0", path="tones[0]", attempt=0, input_hash="a", request_hash="b",
        model="offline", reserved=Usage(nusd=2_000_000, tokens=9, calls=1)))
    os._exit(9)
anyio.run(crash)
"""


def test_money_in_flight_when_a_runner_was_killed_is_counted_and_nothing_is_made_up(bench: Bench) -> None:
    engine = bench.engine(PYTHONHOME=NO_HOME)
    run = ended(engine, engine.execute(bench.approved(engine).plan_id).run_id)
    subprocess.run(
        [sys.executable, "-c", CRASH, str(bench.job.state_dir), run.run_id], check=False, timeout=60
    )
    view = bench.engine().show_run(run.run_id)
    assert (view.state, view.usd, view.resumable) == ("interrupted", 0.002, True)
    resume = bench.engine().settings.command("resume", run.run_id)
    assert view.message == f"Interrupted. $0.0020 (simulated), 1 call possibly paid. To go on: {resume}"


def test_a_folder_that_became_a_link_after_the_yes_is_not_written_through(
    bench: Bench, tmp_path: Path
) -> None:
    engine = bench.engine()
    folder, elsewhere = bench.job.folder / "results", tmp_path / "elsewhere"
    folder.mkdir()
    elsewhere.mkdir()
    plan = bench.approved(engine, out=str(folder / "out.csv"))
    folder.rmdir()
    folder.symlink_to(elsewhere)
    view = ended(engine, engine.execute(plan.plan_id).run_id)
    assert (view.state, view.out, list(elsewhere.iterdir())) == ("completed", "", [])
    assert "the result cannot be written to" in view.out_error
    folder.unlink()
    inside = bench.job.folder / "inside"
    inside.mkdir()
    folder.symlink_to(inside)
    engine.resume(view.run_id)
    assert "a link on the way leads elsewhere now" in ended(engine, view.run_id).out_error
    assert list(inside.iterdir()) == []


def test_a_result_that_could_not_be_written_is_written_by_resume_for_nothing(bench: Bench) -> None:
    engine = bench.engine()
    folder = bench.job.folder / "results"
    folder.mkdir()
    plan = bench.approved(engine, out=str(folder / "out.csv"))
    folder.rmdir()
    folder.write_text("in the way", "utf-8")
    view = ended(engine, engine.execute(plan.plan_id).run_id)
    assert (view.state, view.out, view.error, view.resumable) == ("completed", "", "", True)
    assert view.out_error.endswith(f"the whole result is in {view.result_path}")
    resume = engine.settings.command("resume", view.run_id)
    assert view.message.endswith(f"To write it again, free: {resume}")
    assert result_of(view) is not None
    attempts = bench.attempts(view.run_id)
    folder.unlink()
    folder.mkdir()
    engine.resume(view.run_id)
    mended = ended(engine, view.run_id)
    assert (mended.state, mended.out, mended.out_error) == ("completed", str(folder / "out.csv"), "")
    assert (mended.census, mended.resumable) == (view.census, False)
    assert bench.attempts(view.run_id) == attempts
    assert len((folder / "out.csv").read_text("utf-8").splitlines()) == 6


@pytest.mark.skipif(not hasattr(resource, "prlimit"), reason="needs a limit on another process")
def test_a_runner_that_cannot_even_write_down_its_fault_is_explained(bench: Bench) -> None:
    engine = bench.engine()
    plan = bench.approved(engine)
    run = engine.execute(plan.plan_id)
    (runner,) = [child for child in psutil.Process().children() if run.run_id in child.cmdline()]
    resource.prlimit(runner.pid, resource.RLIMIT_FSIZE, (0, 0))
    view = ended(engine, run.run_id)
    assert (view.state, view.resumable) == ("interrupted", True)
    assert "could not write down how: is the disk full?" in view.error
    engine.resume(run.run_id)
    assert ended(engine, run.run_id).state == "completed"


def test_a_fault_outside_our_own_errors_is_told_by_its_class_and_place() -> None:
    def fail() -> None:
        raise ExceptionGroup("unhandled errors", [ZeroDivisionError("secret")])

    with pytest.raises(ExceptionGroup) as caught:
        fail()
    told = fault_receipt(innermost(caught.value))
    assert (told["code"], "ZeroDivisionError" in str(told["error"])) == ("fault", True)
    assert "secret" not in str(told["error"])
    with pytest.raises(KeyError) as plain:
        dict[str, int]().popitem()
    assert "KeyError at test_resuming.py:" in str(fault_receipt(plain.value)["error"])


def test_the_tokens_of_the_outermost_flows_budget_hold_for_the_whole_run(bench: Bench) -> None:
    text = bench.job.spec.read_text("utf-8")
    bench.job.spec.write_text(text.replace("usd: 1.00", "usd: 1.00, tokens: 20000"), "utf-8")
    engine = bench.engine()
    run = ended(engine, engine.execute(bench.approved(engine, rows=400).plan_id).run_id)
    assert (run.state, run.resumable) == ("stopped_budget", False)
    used = run.census["tokens"]
    assert isinstance(used, int)
    assert 0 < used <= 20_000


def closed(bench: Bench, state: RunState, receipt: Mapping[str, JsonValue]) -> RunView:
    """Return the view of a run that ended so."""
    engine = bench.engine()
    plan = bench.approved(engine)
    control = ControlStore.open(bench.job.state_dir, clock=lambda: bench.clock.now().timestamp())
    stored = control.plan(plan.plan_id)
    cap = cast("int", stored.record["cap_nusd"])
    run_id = control.create_run(plan.plan_id, stored.plan_hash, cap, "run_000000000001").run_id

    async def close() -> None:
        await RunJournal.open(bench.job.state_dir, run_id, create=True).close(state=state, data=receipt)

    control.update_run(run_id, state="running")
    anyio.run(close)
    return engine.show_run(run_id)


@pytest.mark.parametrize(
    ("state", "receipt", "resumable"),
    [
        ("completed", {}, False),
        ("completed", {"out_error": "no"}, True),
        ("completed_with_failures", {}, False),
        ("cancelled", {}, False),
        ("stopped_budget", {"cause": "budget_exceeded"}, False),
        ("stopped_limit", {}, True),
        ("interrupted", {}, True),
        ("failed", {"cause": "transport_error"}, True),
        ("failed", {"cause": "contract_violation"}, False),
        ("failed", {"cause": "step_failed"}, False),
        ("failed", {"cause": "step_failed", "census": {"failed_by_cause": {"transport_error": 2}}}, True),
        ("failed", {}, False),
    ],
)
def test_one_property_says_whether_a_run_can_go_on(
    bench: Bench, state: RunState, receipt: dict[str, JsonValue], resumable: bool
) -> None:
    view = closed(bench, state, receipt)
    assert (view.state, view.resumable, "stratum resume" in view.message) == (state, resumable, resumable)
    assert ("plan again with a higher cap" in view.message) == (state == "stopped_budget")
    assert view.to_json()["resumable"] is resumable


def test_a_journal_that_cannot_be_read_hides_its_figures_instead_of_showing_zero(bench: Bench) -> None:
    engine = bench.engine()
    view = closed(bench, "completed", {})
    bench.private_file(view.run_id, ".db").write_bytes(b"not a database at all")
    (listed,) = engine.runs()
    assert (listed.readable, listed.to_json()["usd"], listed.resumable) == (False, None, False)
    assert "Cannot be read" in listed.message
