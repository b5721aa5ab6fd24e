"""What a client is told once in a session of runs its project left undone."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from typing import Any, Literal

import pytest

from stratum_core.engine import Engine, RunView, Settings
from stratum_mcp.notices import MAX_NOTICE_CHARACTERS, Sessions, left_over_words
from tests.server._talk import server_of, stdio_of, talking
from tests.support.jobs import Job
from tests.support.questions import ONE_QUESTION, write_questions


async def waiting(job: Job) -> str:
    """Run the job in a session of its own until it waits for a person, and return the run's id."""
    write_questions(job, ONE_QUESTION)
    async with talking(server_of(job), "2025-11-25") as talk:
        plan = await talk.ask("plan", **job.plan_arguments())
        with Engine(Settings.from_environment(job.environ, cwd=job.folder)) as engine:
            engine.decide(plan["plan_id"], approved=True, channel="flag")
        run = await talk.ask("execute", plan_id=plan["plan_id"])
        assert (run["state"], "notice" in run) == ("waiting", False)
        return str(run["run_id"])


async def test_the_first_answer_of_a_session_tells_of_a_run_that_was_left_undone_and_no_later_one(
    job: Job, era: str
) -> None:
    run_id = await waiting(job)
    async with talking(server_of(job), era) as talk:
        assert "notice" not in await talk.ask("validate", spec=str(job.spec))
        assert "internal" not in await talk.error("cancel", run_id="run_000000000000")
        first = await talk.ask("plan", **job.plan_arguments())
        second = await talk.ask("plan", **job.plan_arguments())
        third = await talk.ask("approve", plan_id=first["plan_id"])
    assert first["notice"] == (
        f"Not over in this project: {run_id} (waits for a person). "
        "resume goes on and pays nothing twice; ask the person before you call it."
    )
    assert ["notice" in later for later in (second, third)] == [False, False]


async def test_a_server_process_on_a_pipe_is_one_session_and_the_next_one_tells_again(
    job: Job, era: str
) -> None:
    run_id = await waiting(job)
    for _ in range(2):
        async with talking(stdio_of(job), era) as talk:
            plan = await talk.ask("plan", **job.plan_arguments())
            assert run_id in plan["notice"]
            assert "notice" not in await talk.ask("estimate_cost", plan_id=plan["plan_id"])


async def test_an_answer_about_the_run_itself_does_not_tell_of_it_twice(job: Job, era: str) -> None:
    run_id = await waiting(job)
    async with talking(server_of(job), era) as talk:
        assert "notice" not in await talk.ask("resume", run_id=run_id)
        assert "notice" not in await talk.ask("plan", **job.plan_arguments())


async def test_a_project_that_left_nothing_undone_hears_nothing(job: Job, era: str) -> None:
    async with talking(server_of(job), era) as talk:
        assert "notice" not in await talk.ask("plan", **job.plan_arguments())


async def test_an_answer_stands_though_what_was_left_undone_cannot_be_read(job: Job, era: str) -> None:
    await waiting(job)
    with closing(sqlite3.connect(job.state_dir / "control.db")) as control, control:
        control.execute("UPDATE plans SET record = '{}'")
    async with talking(server_of(job), era) as talk:
        plan = await talk.ask("plan", **job.plan_arguments())
    assert ("notice" in plan, plan["approval"]) == (False, "needs_approval")


def view(number: int, state: Literal["interrupted", "waiting", "stopped_limit"]) -> RunView:
    figures: dict[str, Any] = {"done": 3, "total": 9, "usd": 0.1, "cap_usd": 1.0, "simulated": True}
    return RunView(
        run_id=f"run_{number:012}", plan_id="plan_1", state=state, message="secret", live=False, **figures
    )


@pytest.mark.parametrize(
    ("runs", "words"),
    [
        ([], ""),
        ([view(1, "interrupted")], "run_000000000001 (interrupted). resume"),
        (
            [view(1, "waiting"), view(2, "stopped_limit")],
            "run_000000000001 (waits for a person), run_000000000002 (a provider's limit). resume",
        ),
        ([view(number, "waiting") for number in range(20)], "(waits for a person), 18 more. resume"),
    ],
)
def test_the_words_are_few_and_hold_no_data(runs: Sequence[RunView], words: str) -> None:
    said = left_over_words(runs)
    assert words in said
    assert len(said) <= MAX_NOTICE_CHARACTERS
    assert "secret" not in said
    assert left_over_words(runs[:1], beside="run_000000000001") == (
        left_over_words(runs[:1]) if runs and runs[0].run_id != "run_000000000001" else ""
    )


def test_of_very_many_sessions_the_oldest_are_forgotten() -> None:
    sessions = Sessions()
    assert [sessions.is_first("a"), sessions.is_first("a")] == [True, False]
    for number in range(10_000):
        assert sessions.is_first(str(number))
    assert sessions.is_first("a")
