"""A runner that imports while a person reads the plan: it takes up the approved run, and nothing else."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path

import anyio
import anyio.to_thread
import psutil
import pytest

from stratum_core.approval import Policy
from stratum_core.contracts import JsonValue
from stratum_core.engine import Engine
from stratum_core.engine._runners import Runners
from stratum_core.testing import FrozenClock
from tests.core.engine._bench import Bench, ended
from tests.support.providers import ProviderServer, openai

MODEL = "openai/gpt-4.1-mini"
KEY = "sk-test"
PATIENCE_S = 60


def _waiting(bench: Bench) -> list[psutil.Process]:
    """The runners that wait for a run over this project's state."""
    state_dir = str(bench.job.state_dir.resolve())
    found = [child for child in psutil.Process().children() if child.status() != psutil.STATUS_ZOMBIE]
    return [child for child in found if {state_dir, "--warm-for"} <= set(child.cmdline())]


def _planned(bench: Bench, engine: Engine, **options: JsonValue) -> str:
    bench.job.write_rows(2)
    return bench.plan(engine, **{"model": MODEL, **options}).plan_id


@pytest.fixture
def engine(bench: Bench) -> Engine:
    return bench.engine(OPENAI_API_KEY=KEY)


@pytest.fixture
async def provider() -> AsyncIterator[ProviderServer]:
    async with ProviderServer(openai.completion('{"label": "neutral", "confidence": 0.9}')) as server:
        yield server


@pytest.mark.slow
@pytest.mark.anyio
async def test_the_run_is_done_by_the_runner_that_was_started_while_the_person_read(
    bench: Bench, provider: ProviderServer
) -> None:
    engine = bench.engine(OPENAI_API_KEY=KEY, OPENAI_API_BASE=f"{provider.url}/v1")
    plan_id = await anyio.to_thread.run_sync(partial(_planned, bench, engine))
    engine.prepare(plan_id)
    (runner,) = _waiting(bench)
    assert provider.received == []
    engine.decide(plan_id, approved=True, channel="dialog")
    run_id = engine.execute(plan_id).run_id
    view = await engine.wait(run_id, timeout_s=PATIENCE_S)
    assert (view.state, view.done, len(provider.received)) == ("completed", 2, 2)
    (opened,) = bench.openings(run_id)
    assert f'"pid":{runner.pid}' in str(opened.data).replace("'", '"').replace(": ", ":")
    assert bench.private_file(run_id, ".log").stat().st_mode & 0o777 == 0o600


def test_no_runner_is_started_for_the_offline_model_or_an_answered_plan_or_where_the_policy_says_so(
    bench: Bench, engine: Engine
) -> None:
    engine.prepare(_planned(bench, engine, model="offline"))
    plan_id = _planned(bench, engine)
    engine.decide(plan_id, approved=True, channel="terminal")
    engine.prepare(plan_id)
    none = bench.engine(policy=Policy(warm_start_minutes=0), OPENAI_API_KEY=KEY)
    none.prepare(_planned(bench, none))
    assert _waiting(bench) == []


def test_one_plan_has_one_runner_and_the_next_plan_takes_its_place(bench: Bench, engine: Engine) -> None:
    first, second = _planned(bench, engine), _planned(bench, engine, rows=1)
    engine.prepare(first)
    (one,) = _waiting(bench)
    engine.prepare(first)
    assert _waiting(bench) == [one]
    engine.prepare(second)
    (two,) = _waiting(bench)
    assert (one != two, one.is_running()) == (True, False)


def test_a_no_ends_it_and_so_does_the_end_of_the_engine(bench: Bench, engine: Engine) -> None:
    plan_id = _planned(bench, engine)
    engine.prepare(plan_id)
    engine.decide(plan_id, approved=False, channel="dialog")
    assert _waiting(bench) == []
    engine.prepare(_planned(bench, engine))
    assert len(_waiting(bench)) == 1
    engine.close()
    assert _waiting(bench) == []


def _ahead(bench: Bench, plan_id: str, *more: str) -> subprocess.Popen[str]:
    """Start such a runner by hand."""
    command = [sys.executable, "-m", "stratum_core.runtime.worker", "--state-dir", str(bench.job.state_dir)]
    command += ["--warm-for", plan_id, "--wait-s", "600", *more]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)


def _tell(runner: subprocess.Popen[str], line: str) -> None:
    """Write to its standard input, and close it as the end of its starter would."""
    assert runner.stdin is not None
    runner.stdin.write(line)
    runner.stdin.close()


@pytest.mark.slow
def test_it_works_on_no_run_that_nobody_approved_and_on_none_of_another_plan(bench: Bench) -> None:
    engine = bench.engine(OPENAI_API_KEY=KEY)
    plan_id = _planned(bench, engine)
    other = engine.execute(bench.approved(engine).plan_id).run_id
    before = ended(engine, other)
    with _ahead(bench, plan_id) as for_none, _ahead(bench, plan_id) as for_another:
        _tell(for_none, "run_000000000000\n")
        _tell(for_another, f"{other}\n")
        assert [each.wait(PATIENCE_S) for each in (for_none, for_another)] == [74, 74]
    assert (engine.show_run(other), len(bench.openings(other))) == (before, 1)
    assert {path.stem for path in (bench.job.state_dir / "runs").glob("*.log")} == {other}


@pytest.mark.slow
def test_it_ends_when_its_time_is_over_its_starter_is_gone_or_it_has_grown_too_large(bench: Bench) -> None:
    with (
        _ahead(bench, "plan_1", "--wait-s", "0.1") as late,
        _ahead(bench, "plan_1") as left,
        _ahead(bench, "plan_1", "--memory-mb", "64") as large,
    ):
        _tell(left, "")
        assert [each.wait(PATIENCE_S) for each in (late, left, large)] == [0, 0, 0]


def test_it_is_given_nothing_shortly_before_its_time_is_over_and_none_is_started_where_that_fails(
    tmp_path: Path,
) -> None:
    clock = FrozenClock()
    runners = Runners(tmp_path, os.environ, clock=lambda: clock.now().timestamp())
    runners.prepare("plan_1", background=True, wait_s=60)
    assert not runners.hand_over("run_1", "plan_2", background=True)
    assert not runners.hand_over("run_1", "plan_1", background=False)
    clock.advance(50)
    assert not runners.hand_over("run_1", "plan_1", background=True)
    runners.prepare("plan_1", background=True, wait_s=1)
    nowhere = Runners(tmp_path / "gone", os.environ)
    nowhere.prepare("plan_1", background=True, wait_s=60)
    assert not nowhere.hand_over("run_1", "plan_1", background=True)
    assert [child for child in psutil.Process().children() if "--warm-for" in child.cmdline()] == []


@pytest.mark.slow
def test_a_runner_that_died_meanwhile_costs_the_run_only_its_head_start(bench: Bench) -> None:
    engine = bench.engine(OPENAI_API_KEY=KEY, OPENAI_API_BASE="http://127.0.0.1:9/v1")
    plan_id = _planned(bench, engine, background=False)
    engine.prepare(plan_id)
    (runner,) = _waiting(bench)
    runner.kill()
    runner.wait(PATIENCE_S)
    engine.decide(plan_id, approved=True, channel="dialog")
    run_id = engine.execute(plan_id).run_id
    engine.cancel(run_id)
    assert ended(engine, run_id, timeout_s=PATIENCE_S).state == "cancelled"
