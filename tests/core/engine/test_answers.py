"""Answers after they were given: taken back, raced for, asked for twice, and told in the audit trail."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from stratum_core.engine import command_line
from stratum_core.errors import ApprovalError, PlanError
from stratum_core.money import to_nusd
from tests.core.engine._bench import Bench, ended
from tests.core.engine.test_money import stopped


def test_a_yes_can_be_taken_back_before_it_is_used_and_then_only_a_new_plan_asks_again(bench: Bench) -> None:
    engine = bench.engine()
    plan = bench.approved(engine)
    taken = engine.answers.revoke(plan.plan_id, channel="flag", note="too early")
    assert (taken.state, "took their yes to this plan back" in taken.message) == ("declined", True)
    with pytest.raises(ApprovalError, match="was revoked by"):
        engine.execute(plan.plan_id)
    assert engine.decide(plan.plan_id, approved=True, channel="terminal").state == "declined"
    assert engine.show_plan(plan.plan_id).approval == "declined"
    assert engine.remote.waiting() == ()
    assert bench.approved(engine).approval == "needs_approval"


def test_only_a_yes_that_stands_can_be_taken_back(bench: Bench) -> None:
    engine = bench.engine()
    plan = bench.plan(engine)
    for _ in range(2):
        with pytest.raises(ApprovalError, match="has no yes that could be taken back"):
            engine.answers.revoke(plan.plan_id, channel="flag")
        engine.decide(plan.plan_id, approved=False, channel="terminal")
    with pytest.raises(PlanError):
        engine.answers.revoke("plan_0123456789ab", channel="flag")


def test_a_used_yes_is_not_taken_back_its_run_is_cancelled(bench: Bench) -> None:
    engine = bench.engine()
    plan = bench.approved(engine)
    run = engine.execute(plan.plan_id)
    with pytest.raises(ApprovalError, match=f"has started {run.run_id}") as refused:
        engine.answers.revoke(plan.plan_id, channel="flag")
    command = command_line("cancel", run.run_id, state_dir=engine.settings.state_dir)
    assert refused.value.remedy == f"stop the run: {command}"
    assert ended(engine, run.run_id).state == "completed"


def test_of_answers_that_race_one_stands_and_of_executions_that_race_one_run_is_made(bench: Bench) -> None:
    engine = bench.engine()
    plan = bench.plan(engine)
    start = threading.Barrier(4)

    def answer(number: int) -> str:
        start.wait(10)
        return engine.decide(plan.plan_id, approved=True, channel="terminal", note=f"{number}").message

    with ThreadPoolExecutor(4) as pool:
        told = set(pool.map(answer, range(4)))
    assert len(told) == 1
    assert len(engine.answers.trail(plan.plan_id)) == 1

    def execute(_: int) -> str:
        start.wait(10)
        return bench.engine().execute(plan.plan_id).run_id

    with ThreadPoolExecutor(4) as pool:
        (run_id,) = set(pool.map(execute, range(4)))
    assert ended(engine, run_id).state == "completed"
    assert len(bench.openings(run_id)) == 1


def test_a_yes_and_its_revocation_that_race_an_execution_leave_one_of_both(bench: Bench) -> None:
    engine = bench.engine()
    plan = bench.approved(engine)
    start = threading.Barrier(2)

    def execute() -> bool:
        start.wait(10)
        try:
            engine.execute(plan.plan_id)
        except ApprovalError:
            return False
        return True

    def revoke() -> bool:
        start.wait(10)
        try:
            bench.engine().answers.revoke(plan.plan_id, channel="flag")
        except ApprovalError:
            return False
        return True

    with ThreadPoolExecutor(2) as pool:
        ran, taken = pool.submit(execute), pool.submit(revoke)
        assert ran.result() != taken.result()
    for run in engine.runs():
        ended(engine, run.run_id)


def test_the_trail_says_who_answered_when_how_and_to_what_cap(bench: Bench) -> None:
    engine = bench.engine()
    who = engine._principal
    run = stopped(bench, engine)
    engine.money.decide(run.run_id, cap_nusd=to_nusd("0.5"), approved=True, channel="dialog", note="go on")
    taken = engine.answers.revoke_more(run.run_id, channel="flag")
    first, second, third = engine.answers.trail(run.plan_id)
    day = bench.clock.now().strftime("%Y-%m-%d")
    assert first.startswith(f"{day} ")
    assert f"UTC: approved by {who} (terminal), at most $" in first
    assert first.endswith(f"; started {run.run_id}")
    assert second.endswith(f'UTC: approved to a cap of $0.50 by {who} (dialog); "go on"')
    assert third == taken
    assert third.endswith(f"UTC: revoked more money by {who} (flag)")
    assert engine.money.standing(run.run_id).state == "declined"
    with pytest.raises(ApprovalError, match="no yes to a higher cap"):
        engine.answers.revoke_more(run.run_id, channel="flag")
    waiting = bench.approved(engine)
    assert "; good until " in engine.answers.trail(waiting.plan_id)[0]
