"""Two runs compared: read as they are, and refused where what would be said is not sure."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from functools import partial

import anyio.to_thread
import pytest

from stratum_core.contracts import JsonValue
from stratum_core.engine import Engine
from stratum_core.errors import InputError, PlanError, RunError
from stratum_core.journal import LIBRARY_FLOW, RunJournal
from stratum_core.plan import plan_hash_of
from tests.core.engine._bench import Bench, ended, when
from tests.support.providers import ProviderServer, openai

pytestmark = pytest.mark.slow


@pytest.fixture
def engine(bench: Bench) -> Engine:
    return bench.engine()


def ran(bench: Bench, engine: Engine, **options: JsonValue) -> str:
    return ended(engine, engine.execute(bench.approved(engine, rows=3, **options).plan_id).run_id).run_id


def rewrite(bench: Bench, run_id: str, change: Mapping[str, JsonValue], *, sealed: bool) -> None:
    """Change the stored plan of a run; sealed: so that its hash is right again."""
    with closing(sqlite3.connect(bench.job.state_dir / "control.db")) as control, control:
        ((plan_id, text),) = control.execute(
            "SELECT plan_id, record FROM plans WHERE plan_id = (SELECT plan_id FROM runs WHERE run_id = ?)",
            (run_id,),
        ).fetchall()
        record = {**json.loads(text), **change}
        control.execute("UPDATE plans SET record = ? WHERE plan_id = ?", (json.dumps(record), plan_id))
        if sealed:
            control.execute("UPDATE runs SET plan_hash = ? WHERE run_id = ?", (plan_hash_of(record), run_id))


def test_options_that_matter_are_compared_and_those_that_do_not_are_left_out(
    bench: Bench, engine: Engine
) -> None:
    first, second = ran(bench, engine), ran(bench, engine, seed=4, out="tones.csv", cap_usd=0.5)
    view = engine.drift.compare(first, second)
    assert "Other options: cap_usd 0.5, was none, seed 4, was none." in view.notes
    assert not view.changed
    assert [each.sentence.partition(":")[0] for each in view.functions] == ["judge"]
    assert view.to_json()["functions"] == view.record["functions"]


def test_a_run_at_work_is_compared_as_far_as_it_is(bench: Bench, engine: Engine) -> None:
    first = ran(bench, engine)
    run = engine.execute(bench.approved(engine, rows=5_000).plan_id)
    when(engine, run.run_id, lambda view: view.done > 10)
    notes = engine.drift.compare(first, run.run_id).notes
    assert f"{run.run_id} is still running: its figures are those so far." in notes
    engine.cancel(run.run_id)
    ended(engine, run.run_id)
    notes = engine.drift.compare(first, run.run_id).notes
    assert f"{run.run_id} did not come to its end: its figures are those up to there." in notes


@pytest.fixture
def three(bench: Bench, engine: Engine) -> tuple[str, str, str]:
    return ran(bench, engine), ran(bench, engine), ran(bench, engine)


@pytest.mark.anyio
async def test_what_has_no_record_or_not_the_approved_plan_is_not_compared(
    bench: Bench, engine: Engine, three: tuple[str, str, str]
) -> None:
    first, second, third = three
    with pytest.raises(InputError, match="with itself"):
        engine.drift.compare(first, first)

    rewrite(bench, second, {"models": {"judge": "openai/gpt-4.1"}}, sealed=False)
    with pytest.raises(PlanError, match=f"run {second} is not compared: the stored plan was changed"):
        engine.drift.compare(first, second)
    rewrite(bench, second, {"format": 99}, sealed=True)
    with pytest.raises(PlanError, match="this plan was stored by another version"):
        engine.drift.compare(first, second)
    rewrite(bench, second, {"format": 2}, sealed=True)
    rewrite(bench, second, {"ir_hash": "0" * 64}, sealed=True)
    with pytest.raises(PlanError, match="differently from the one that ran it"):
        engine.drift.compare(second, first)

    flow = RunJournal.open(bench.job.state_dir, "tones-0123456789ab", create=True)
    await flow.event(LIBRARY_FLOW, data={"flow": "tones", "input_hash": "0" * 64})
    await flow.close(state="completed", data={})
    with pytest.raises(RunError, match="run tones-0123456789ab is of a flow in Python"):
        engine.drift.compare(first, flow.run_id)

    with closing(sqlite3.connect(bench.job.state_dir / "control.db")) as control, control:
        control.execute("UPDATE runs SET finished_at_ms = 1 WHERE run_id = ?", (third,))
    engine.storage.collect(older_than_s=1, remove=True)
    with pytest.raises(RunError, match=f"record of run {third} was removed") as removed:
        engine.drift.compare(third, first)
    assert removed.value.remedy == f"what is left of it: {engine.settings.command('show', third)}"


@pytest.mark.anyio
async def test_a_model_replaced_behind_its_name_is_told_and_so_is_another_one(bench: Bench) -> None:
    good, later = (
        openai.completion('{"label": "neutral", "confidence": 0.9}', model=f"gpt-4.1-mini-{version}")
        for version in ("2025-04-14", "2026-10-01")
    )
    bad = openai.completion("no json", model="gpt-4.1-mini-2026-10-01")

    async def ran_on(engine: Engine, model: str) -> str:
        plan = await anyio.to_thread.run_sync(partial(bench.approved, engine, rows=2, model=model))
        run = await anyio.to_thread.run_sync(engine.execute, plan.plan_id)
        view = await engine.wait(run.run_id, timeout_s=60)
        assert view.state == "completed", view.message
        return run.run_id

    async with ProviderServer(good, good, bad, later, later, openai.rate_limited(), good) as server:
        engine = bench.engine(OPENAI_API_KEY="sk-none", OPENAI_API_BASE=f"{server.url}/v1")
        runs = [await ran_on(engine, f"openai/gpt-4.1{name}") for name in ("-mini", "-mini", "")]

    silent = engine.drift.compare(runs[0], runs[1])
    assert silent.message == "Changed: judge (answered by)."
    (judge,) = silent.functions
    assert judge.sentence.startswith(
        "judge: same contract, answered by gpt-4.1-mini-2026-10-01, was gpt-4.1-mini-2025-04-14; 100 % of 2 right at "
        "the first try before, 50 % of 2 now; 1 retry (contract 1), was none; "
    )
    other = engine.drift.compare(runs[1], runs[2])
    (judge,) = other.functions
    assert judge.sentence.startswith(
        "judge: same contract, other model (openai/gpt-4.1-mini -> openai/gpt-4.1); "
    )
    assert ("retries", "contract 1", "transport 1") in judge.facts
    assert "(simulated)" not in judge.sentence
