"""Limits over all runs and more money for one: what the engine reserves, gives back, asks for and goes on with."""

from __future__ import annotations

import json
import signal
import sqlite3
from collections.abc import Awaitable, Callable
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import TypeVar

import anyio
import anyio.to_thread
import pytest

from stratum_core.approval import Policy
from stratum_core.engine import Engine, PlanView, RunView
from stratum_core.errors import ApprovalError, BudgetExceeded, NeedsApproval, PlanError, RunError
from stratum_core.journal import SpendLimits
from stratum_core.money import to_nusd
from tests.core.engine._bench import Bench, ended, hit, result_of
from tests.support.providers import ProviderServer, Received, openai
from tests.support.providers._server import Connection

ANSWER = openai.completion('{"label": "neutral", "confidence": 0.9}')
MODEL = "openai/gpt-4.1-mini"
T = TypeVar("T")


def in_thread(work: Callable[..., T], *arguments: object, **named: object) -> Awaitable[T]:
    return anyio.to_thread.run_sync(partial(work, *arguments, **named))


def limited(day: str = "", project: str = "") -> Policy:
    """Return a policy with limits."""
    return Policy(
        limits=SpendLimits(
            day_nusd=to_nusd(day) if day else None, project_nusd=to_nusd(project) if project else None
        )
    )


def planned(bench: Bench, engine: Engine, *, approve: bool = True, **options: float) -> PlanView:
    """Plan five rows on a priced model."""
    plan = bench.plan(engine, model=MODEL, **options)
    if approve:
        engine.decide(plan.plan_id, approved=True, channel="terminal")
    return plan


def priced(bench: Bench, policy: Policy | None = None) -> Engine:
    return bench.engine(policy=policy, OPENAI_API_KEY="sk-x", OPENAI_API_BASE="http://127.0.0.1:9/v1")


def test_a_plan_says_when_it_would_not_fit_today(bench: Bench) -> None:
    engine = priced(bench, limited(day="0.0001"))
    plan = planned(bench, engine, approve=False)
    assert plan.warnings[0].startswith("it could not start now: a cap of $")
    assert "the operator's limit is $0.0001" in plan.warnings[0]
    assert bench.plan(engine).warnings == ()  # simulated dollars fit everywhere
    assert planned(bench, priced(bench, limited(day="9")), approve=False).warnings == ()


def test_a_run_that_does_not_fit_is_not_started_and_its_approval_stays_good(bench: Bench) -> None:
    plan = planned(bench, priced(bench))
    tight = priced(bench, limited(project="0.0001"))
    with pytest.raises(BudgetExceeded, match="does not fit the project"):
        tight.execute(plan.plan_id)
    assert tight.runs() == ()
    assert tight.approval(plan.plan_id).state == "approved"


@pytest.mark.slow
@pytest.mark.anyio
async def test_a_run_holds_its_cap_while_it_runs_and_gives_the_rest_back_at_its_end(bench: Bench) -> None:
    async with ProviderServer(ANSWER) as provider:
        engine = bench.engine(
            policy=limited(day="5"), OPENAI_API_KEY="sk-x", OPENAI_API_BASE=f"{provider.url}/v1"
        )
        plan = await in_thread(planned, bench, engine)
        run = await in_thread(engine.execute, plan.plan_id)
        assert engine.money.spend().today.held_nusd == to_nusd(str(run.cap_usd))
        view = await engine.wait(run.run_id, timeout_s=60)
        spent = engine.money.spend()
        assert (view.state, spent.holds) == ("completed", ())
        assert 0 < spent.today.spent_nusd == spent.by_project.spent_nusd == view.charged_nusd
        told = spent.to_json()
        assert told["project"] == str(bench.job.folder.resolve())
        assert json.dumps(told["today"]).startswith('{"spent_usd": 0.000')


def stopped(bench: Bench, engine: Engine, rows: int = 40) -> RunView:
    """Run into a cap that pays for some of the rows."""
    whole = bench.approved(engine, rows=rows)
    plan = bench.plan(engine, cap_usd=whole.at_most_usd / 11)
    engine.decide(plan.plan_id, approved=True, channel="terminal")
    return ended(engine, engine.execute(plan.plan_id).run_id)


CAP = to_nusd("0.5")


def test_a_run_that_came_to_its_cap_goes_on_under_a_higher_one_and_pays_nothing_twice(bench: Bench) -> None:
    engine = bench.engine()
    run = stopped(bench, engine)
    assert (run.state, run.needs_cap, run.resumable) == ("stopped_budget", True, False)
    assert f"stratum approve {run.run_id} --cap USD" in run.message
    assert engine.resume(run.run_id) == run  # nobody has answered: nothing happens
    before = bench.attempts(run.run_id)
    assert 0 < len(before) < 40
    assert "stopped at its cap of $" in engine.money.question(run.run_id)
    told = engine.money.decide(run.run_id, cap_nusd=CAP, approved=True, channel="terminal")
    assert (told.state, told.message.startswith("Up to $0.50 (terminal). To go on: ")) == ("approved", True)
    going = engine.resume(run.run_id)
    assert "left of the cap" in going.note
    view = ended(engine, run.run_id)
    after = bench.attempts(run.run_id)
    assert (view.state, view.cap_usd, view.run_id) == ("completed", 0.5, run.run_id)
    assert after[: len(before)] == before
    assert len({attempt.call_id for attempt in after}) == len(after) == 40
    assert engine.audit.verify(run.run_id).ok
    assert len(json.loads(Path(view.result_path).read_text())["tones"]) == 40
    assert result_of(view) is not None
    with pytest.raises(RunError, match="only a run that came to its money cap"):
        engine.money.question(run.run_id)


def test_a_no_to_more_money_is_final_and_what_is_done_is_kept(bench: Bench) -> None:
    engine = bench.engine()
    run = stopped(bench, engine)
    told = engine.money.decide(run.run_id, cap_nusd=CAP, approved=False, channel="dialog", note="enough")
    assert (told.state, 'they said: "enough"' in told.message) == ("declined", True)
    again = engine.money.decide(run.run_id, cap_nusd=CAP, approved=True, channel="terminal")
    assert again.state == "declined"
    assert engine.resume(run.run_id) == run
    assert engine.money.standing(run.run_id).state == "declined"


def test_more_money_is_bound_to_a_higher_cap_the_policy_and_its_time(bench: Bench) -> None:
    engine = bench.engine()
    run = stopped(bench, engine)
    with pytest.raises(ApprovalError, match="is not above"):
        engine.money.decide(run.run_id, cap_nusd=1, approved=True, channel="terminal")
    with pytest.raises(PlanError, match=r"the policy's largest is \$0.10"):
        bench.engine(policy=Policy(max_nusd=to_nusd("0.1"))).money.decide(
            run.run_id, cap_nusd=CAP, approved=True, channel="terminal"
        )
    with pytest.raises(ApprovalError, match="wants a remote approval"):
        bench.engine(policy=Policy(require_remote_above_nusd=to_nusd("0.1"))).money.decide(
            run.run_id, cap_nusd=CAP, approved=True, channel="terminal"
        )
    assert engine.money.standing(run.run_id).state == "needs_approval"
    assert (
        engine.money.decide(run.run_id, cap_nusd=CAP, approved=True, channel="terminal").state == "approved"
    )
    first = engine.money.decide(run.run_id, cap_nusd=2 * CAP, approved=True, channel="dialog")
    assert "Up to $0.50 (terminal)" in first.message  # the first answer stands
    strict = bench.engine(policy=Policy(max_nusd=to_nusd("0.1")))
    with pytest.raises(PlanError):
        strict.resume(run.run_id)
    bench.clock.advance(61 * 60)
    assert engine.money.standing(run.run_id).state == "needs_approval"
    assert engine.resume(run.run_id) == run


def test_a_cap_that_was_changed_on_disk_starts_nothing(bench: Bench) -> None:
    engine = bench.engine()
    run = stopped(bench, engine)
    with closing(sqlite3.connect(bench.job.state_dir / "control.db")) as control:
        control.execute("UPDATE runs SET cap_nusd = 900000000")
        control.commit()
    view = ended(engine, engine.resume(run.run_id).run_id)
    assert (view.state, "nobody agreed to that" in view.error) == ("failed", True)
    assert view.usd == run.usd


def test_only_an_answer_raises_a_cap(bench: Bench) -> None:
    engine = bench.engine()
    run = stopped(bench, engine)
    record, plan = engine._control.run(run.run_id), engine._control.plan(run.plan_id)
    with pytest.raises(NeedsApproval, match="nobody has agreed to a higher cap"):
        engine.money.raise_cap(record, plan)
    engine.money.decide(run.run_id, cap_nusd=CAP, approved=False, channel="terminal")
    with pytest.raises(ApprovalError, match="was declined by"):
        engine.money.raise_cap(record, plan)


@pytest.mark.slow
@pytest.mark.anyio
async def test_more_money_has_to_fit_the_limits_as_well(bench: Bench) -> None:
    async with ProviderServer(ANSWER) as provider:
        where = {"OPENAI_API_KEY": "sk-x", "OPENAI_API_BASE": f"{provider.url}/v1"}
        engine = bench.engine(policy=limited(day="0.3"), **where)
        bench.job.write_rows(40)
        whole = await in_thread(planned, bench, engine, approve=False)
        plan = await in_thread(planned, bench, engine, cap_usd=whole.at_most_usd / 11)
        run = await engine.wait((await in_thread(engine.execute, plan.plan_id)).run_id, timeout_s=60)
        assert (run.state, run.needs_cap) == ("stopped_budget", True)
        engine.money.decide(run.run_id, cap_nusd=CAP, approved=True, channel="terminal")
        with pytest.raises(BudgetExceeded, match="does not fit today"):
            await in_thread(engine.resume, run.run_id)
        assert engine.show_run(run.run_id).cap_usd == run.cap_usd
        wide = bench.engine(policy=limited(day="0.6"), **where)
        await in_thread(wide.resume, run.run_id)
        assert wide.money.spend().today.held_nusd == CAP - run.charged_nusd
        view = await wide.wait(run.run_id, timeout_s=60)
        assert view.state == "completed"
        spent = wide.money.spend()
        assert (spent.today.spent_nusd, spent.holds) == (view.charged_nusd, ())


@pytest.mark.slow
@pytest.mark.anyio
async def test_a_killed_run_holds_its_cap_until_it_is_cancelled_or_goes_on_to_an_end(bench: Bench) -> None:
    entered, go = anyio.Event(), anyio.Event()

    async def held(_: Received, connection: Connection) -> None:
        entered.set()
        await go.wait()
        await connection.send(ANSWER)

    async with ProviderServer(held) as provider:
        engine = bench.engine(
            policy=limited(day="5"), OPENAI_API_KEY="sk-x", OPENAI_API_BASE=f"{provider.url}/v1"
        )
        plans = [
            await in_thread(planned, bench, engine, cap_usd=0.1) for _ in range(2)
        ]  # pays for lost calls
        runs = [await in_thread(engine.execute, plan.plan_id) for plan in plans]
        with anyio.fail_after(60):
            await entered.wait()
            for run in runs:
                await in_thread(hit, run.run_id, signal.SIGKILL)
                assert (await engine.wait(run.run_id)).state == "interrupted"
        bench.clock.advance(3600)
        spent = engine.money.spend()
        cap = to_nusd(str(runs[0].cap_usd))
        assert (spent.today.held_nusd, len(spent.holds)) == (2 * cap, 2)
        assert set(spent.states.values()) == {"interrupted"}
        cancelled = engine.cancel(runs[0].run_id)
        spent = engine.money.spend()
        assert (spent.today.held_nusd, spent.today.spent_nusd) == (cap, cancelled.charged_nusd)
        go.set()
        await in_thread(engine.resume, runs[1].run_id)
        view = await engine.wait(runs[1].run_id, timeout_s=60)
        spent = engine.money.spend()
        assert (view.state, spent.holds) == ("completed", ())
        assert spent.today.spent_nusd == cancelled.charged_nusd + view.charged_nusd


@pytest.mark.slow
@pytest.mark.anyio
async def test_what_a_runner_could_not_give_back_is_given_back_by_whoever_looks_next(bench: Bench) -> None:
    async with ProviderServer(ANSWER) as provider:
        engine = bench.engine(
            policy=limited(day="5"), OPENAI_API_KEY="sk-x", OPENAI_API_BASE=f"{provider.url}/v1"
        )
        plan = await in_thread(planned, bench, engine)
        view = await engine.wait((await in_thread(engine.execute, plan.plan_id)).run_id, timeout_s=60)
        with closing(sqlite3.connect(bench.job.state_dir / "control.db")) as control:
            control.execute("UPDATE holds SET spent_nusd = NULL, ended_at_ms = NULL")
            control.commit()
        spent = engine.money.spend()
        assert (spent.holds, spent.today.spent_nusd) == ((), view.charged_nusd)
        with closing(sqlite3.connect(bench.job.state_dir / "runs" / f"{view.run_id}.db")) as journal:
            journal.execute("UPDATE run SET state = 'stopped_limit'")
            journal.commit()
        with closing(sqlite3.connect(bench.job.state_dir / "control.db")) as control:
            control.execute("UPDATE holds SET spent_nusd = NULL, ended_at_ms = NULL")
            control.commit()
        assert len(engine.money.spend().holds) == 1  # a runner that takes it further might only be starting
        bench.clock.advance(61)
        spent = engine.money.spend()
        assert (spent.holds, spent.today.spent_nusd) == ((), view.charged_nusd)
