"""Answers of other people, as the engine takes and believes them."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from stratum_core.approval import Policy
from stratum_core.engine import Engine, Settings
from stratum_core.errors import ApprovalError, NeedsApproval, PlanError
from stratum_core.money import to_nusd
from tests.support.jobs import Job, make_job


@pytest.fixture
def job(tmp_path: Path) -> Job:
    return make_job(tmp_path)


@pytest.fixture
def settings(job: Job, tmp_path: Path) -> Settings:
    found = Settings.from_environment(
        {**job.environ, "STRATUM_KEYS_DIR": str(tmp_path / "keys")}, cwd=job.folder
    )
    policy = Policy(require_remote_above_nusd=to_nusd("0.001"))
    return replace(found, policy=policy, principal="alice", approvers=("carol",))


def planned(engine: Engine, job: Job, cap_usd: float = 0.01) -> str:
    inputs = {"notes": {"file": job.data.name}}
    return engine.plan(job.spec.name, inputs=inputs, options={"cap_usd": cap_usd}).plan_id


def test_a_plan_above_the_limit_waits_for_somebody_else_and_says_for_whom(
    settings: Settings, job: Job
) -> None:
    with Engine(settings) as engine:
        plan_id = planned(engine, job)
        view = engine.approval(plan_id)
        assert (view.state, view.needs) == ("needs_approval", "remote")
        assert f"carol in a terminal of their own: stratum approve {plan_id} --server" in view.message
        assert [plan.plan_id for plan in engine.remote.waiting()] == [plan_id]
        with pytest.raises(ApprovalError, match="wants a remote approval"):
            engine.decide(plan_id, approved=True, channel="dialog")
        with pytest.raises(NeedsApproval):
            engine.execute(plan_id)


def test_a_plan_under_the_limit_does_not_wait_for_others(settings: Settings, job: Job) -> None:
    with Engine(settings) as engine:
        plan_id = planned(engine, job, cap_usd=0.0009)
        assert engine.show_plan(plan_id).needs == "local"
        assert engine.remote.waiting() == ()


def test_another_persons_signed_yes_is_believed_and_recorded_under_their_name(
    settings: Settings, job: Job
) -> None:
    with Engine(settings) as engine:
        plan_id = planned(engine, job)
        view = engine.remote.decide(plan_id, approved=True, principal="carol", note="go on")
        assert (view.state, view.channel) == ("approved", "remote")
        assert engine.show_plan(plan_id).channel == "remote"
        assert engine.remote.waiting() == ()


def test_nobody_answers_for_themselves(settings: Settings, job: Job) -> None:
    with Engine(settings) as engine:
        plan_id = planned(engine, job)
        with pytest.raises(ApprovalError, match="and cannot answer for it"):
            engine.remote.decide(plan_id, approved=True, principal="alice")


def test_an_expired_plan_takes_no_answer(settings: Settings, job: Job) -> None:
    times = [0.0]
    with Engine(settings, clock=lambda: times[0]) as engine:
        plan_id = planned(engine, job)
        times[0] = 365 * 24 * 3600.0
        assert engine.remote.waiting() == ()
        with pytest.raises(PlanError, match="has expired"):
            engine.remote.decide(plan_id, approved=True, principal="carol")


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE approvals SET cap_nusd = 999999999",
        "UPDATE approvals SET principal = 'eve'",
        "UPDATE approvals SET signature = ''",
    ],
)
def test_an_answer_changed_in_the_control_file_starts_nothing(
    settings: Settings, job: Job, change: str
) -> None:
    with Engine(settings) as engine:
        plan_id = planned(engine, job)
        engine.remote.decide(plan_id, approved=True, principal="carol")
        with closing(sqlite3.connect(settings.state_dir / "control.db")) as connection:
            connection.execute(change)
            connection.commit()
        with pytest.raises(ApprovalError, match="does not carry a signature of this server"):
            engine.execute(plan_id)
        assert engine.runs() == ()


def test_a_local_answer_that_is_made_to_look_remote_starts_nothing(settings: Settings, job: Job) -> None:
    with Engine(replace(settings, policy=Policy())) as engine:
        plan_id = planned(engine, job)
        engine.decide(plan_id, approved=True, channel="terminal")
    with closing(sqlite3.connect(settings.state_dir / "control.db")) as connection:
        connection.execute("UPDATE approvals SET channel = 'remote'")
        connection.commit()
    with Engine(settings) as engine:
        with pytest.raises(ApprovalError, match="does not carry a signature"):
            engine.execute(plan_id)
        assert engine.runs() == ()


def test_without_a_team_server_it_says_that_one_is_needed(settings: Settings, job: Job) -> None:
    with Engine(replace(settings, approvers=())) as engine:
        assert "the team's server, under another account" in engine.approval(planned(engine, job)).message
