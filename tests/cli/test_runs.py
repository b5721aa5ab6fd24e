"""Plans and runs from the command line: approve at a terminal, execute, show, cancel, with their exit codes."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace

import pytest

from stratum_core.engine import Engine, RunView, Settings
from stratum_core.errors import ApprovalError, BudgetExceeded, NeedsApproval, StratumError
from stratum_mcp.cli._exit import Exit, exit_for_error, exit_for_run
from tests.cli._command import Done, at_terminal, plan_arguments
from tests.support.jobs import Job

_ASKED = "Type yes to run it"


def _approve(job: Job, plan_id: str) -> None:
    """Let the flag channel approve a plan."""
    with Engine(Settings.from_environment(job.environ, cwd=job.folder)) as engine:
        engine.decide(plan_id, approved=True, channel="flag")


def _person(job: Job, *arguments: str, answers: dict[str, str]) -> Done:
    return at_terminal(arguments, answers=answers, cwd=job.folder, environ=os.environ)


def test_a_typed_yes_approves_and_execute_shows_a_live_bar(job: Job, stratum: Callable[..., Done]) -> None:
    plan = stratum(*plan_arguments("--json")).record()
    asked = _person(job, "approve", plan["plan_id"], answers={_ASKED: "yes"})
    assert asked.code == 0
    assert "5 notes from notes.csv" in asked.out
    assert "At most $" in asked.out
    ran = _person(job, "execute", plan["plan_id"], answers={})
    assert ran.code == 0
    assert "Done. 5 judged" in ran.out
    assert "items done" in ran.out
    again = _person(job, "approve", plan["plan_id"], answers={})
    assert (again.code, _ASKED in again.out) == (0, False)


def test_a_typed_no_is_final(job: Job, stratum: Callable[..., Done]) -> None:
    plan_id = stratum(*plan_arguments("--json")).record()["plan_id"]
    assert _person(job, "approve", plan_id, answers={_ASKED: "no"}).code == 4
    assert _person(job, "approve", plan_id, answers={}).code == 4
    assert stratum("execute", plan_id).code == 4
    assert stratum("show", plan_id, "--json").record()["approval"] == "declined"


@pytest.mark.parametrize("typed", ["y", "", "YES please", "^D", "^C"])
def test_anything_else_decides_nothing(job: Job, stratum: Callable[..., Done], typed: str) -> None:
    plan_id = stratum(*plan_arguments("--json")).record()["plan_id"]
    assert _person(job, "approve", plan_id, answers={_ASKED: typed}).code == (6 if typed == "^C" else 3)
    assert stratum("show", plan_id, "--json").record()["approval"] == "needs_approval"


def test_approve_refuses_inside_an_agents_shell_though_it_has_a_terminal(
    job: Job, stratum: Callable[..., Done], monkeypatch: pytest.MonkeyPatch
) -> None:
    plan_id = stratum(*plan_arguments("--json")).record()["plan_id"]
    monkeypatch.setenv("CLAUDECODE", "1")
    refused = _person(job, "approve", plan_id, answers={})
    assert refused.code == 3
    assert "agent" in refused.out
    assert _ASKED not in refused.out


def test_approve_refuses_without_a_terminal(stratum: Callable[..., Done]) -> None:
    plan_id = stratum(*plan_arguments("--json")).record()["plan_id"]
    refused = stratum("approve", plan_id)
    assert refused.code == 3
    assert "no terminal" in refused.err
    assert f"stratum approve {plan_id}" in refused.err


def test_a_run_is_executed_listed_and_shown(job: Job, stratum: Callable[..., Done]) -> None:
    plan_id = stratum(*plan_arguments("--json")).record()["plan_id"]
    _approve(job, plan_id)
    ran = stratum("execute", plan_id, "--json")
    run = ran.record()
    assert (ran.code, run["state"], run["done"]) == (0, "completed", 5)
    assert "Running" in ran.err
    assert stratum("execute", plan_id, "--json").record()["run_id"] == run["run_id"]
    assert stratum("resume", run["run_id"], "--json").record()["state"] == "completed"
    assert stratum("cancel", run["run_id"], "--json").record()["state"] == "completed"

    assert run["run_id"] in stratum("runs").out
    assert [listed["run_id"] for listed in stratum("runs", "--json").record()] == [run["run_id"]]
    shown = stratum("show", run["run_id"])
    assert "Done. 5 judged" in shown.out
    assert "items done" in shown.out
    assert run["chain_head"] in shown.out
    report = stratum("show", run["run_id"], "--json").record()["report"]
    assert len(report["attempts"]) >= 5
    assert f"It ran as {run['run_id']}" in stratum("show", plan_id).out


def test_show_writes_the_outline_of_a_plan(job: Job, stratum: Callable[..., Done]) -> None:
    plan_id = stratum(*plan_arguments("--json")).record()["plan_id"]
    shown = stratum("show", plan_id, "--outline").out
    assert shown.startswith(f"PLAN {plan_id}  flow all_notes")
    assert "PROMPTS (a type stands where a value will)" in shown
    as_json = stratum("show", plan_id, "--outline", "--json").record()
    assert as_json == {"plan_id": plan_id, "outline": shown.rstrip("\n")}


def test_a_file_edited_after_the_yes_is_refused_and_nothing_is_paid(
    job: Job, stratum: Callable[..., Done]
) -> None:
    plan_id = stratum(*plan_arguments("--json")).record()["plan_id"]
    _approve(job, plan_id)
    job.write_rows(6)
    done = stratum("execute", plan_id)
    assert done.code == 1
    assert "notes.csv" in done.err
    assert "changed" in done.err
    assert stratum("runs", "--json").record() == []


def test_a_run_stopped_at_its_cap_ends_with_5(job: Job, stratum: Callable[..., Done]) -> None:
    job.write_rows(60)
    plan_id = stratum(*plan_arguments("--cap", "0.0003", "--json")).record()["plan_id"]
    _approve(job, plan_id)
    ran = stratum("execute", plan_id, "--json")
    assert (ran.code, ran.record()["state"]) == (5, "stopped_budget")
    assert ran.record()["usd"] <= 0.0003


@pytest.mark.slow
def test_ctrl_c_stops_watching_and_the_run_can_be_cancelled(job: Job, stratum: Callable[..., Done]) -> None:
    job.write_rows(6_000)
    plan_id = stratum(*plan_arguments("--json")).record()["plan_id"]
    _approve(job, plan_id)
    left = _person(job, "execute", plan_id, answers={" items": "^C"})
    assert left.code == 6
    assert "the run goes on" in left.out
    run_id = stratum("runs", "--json").record()[0]["run_id"]
    cancelled = stratum("cancel", run_id)
    assert (cancelled.code, "calls in flight are settled and may still cost" in cancelled.err) == (0, True)
    ended = stratum("resume", run_id, "--json")
    assert (ended.code, ended.record()["state"]) == (6, "cancelled")


@pytest.mark.slow
def test_ctrl_c_does_not_claim_that_a_run_goes_on_which_ends_with_its_command(
    job: Job, stratum: Callable[..., Done]
) -> None:
    job.write_rows(6_000)
    plan_id = stratum(*plan_arguments("--no-background", "--json")).record()["plan_id"]
    _approve(job, plan_id)
    left = _person(job, "execute", plan_id, answers={" items": "^C"})
    run_id = stratum("runs", "--json").record()[0]["run_id"]
    assert (left.code, "goes on" in left.out, f"stratum resume {run_id}" in left.out) == (6, False, True)
    assert "planned to end with the command that started it" in left.out
    job.write_rows(1)
    refused = stratum("resume", run_id)
    assert (refused.code, "On record: " in refused.err, "not paid again" in refused.err) == (1, True, True)


def test_the_record_of_a_run_is_checked_on_request(job: Job, stratum: Callable[..., Done]) -> None:
    plan_id = stratum(*plan_arguments("--json")).record()["plan_id"]
    _approve(job, plan_id)
    run = stratum("execute", plan_id, "--json").record()
    whole = stratum("show", run["run_id"], "--verify")
    assert (whole.code, run["chain_head"] in whole.out) == (0, True)
    with closing(sqlite3.connect(job.state_dir / "runs" / f"{run['run_id']}.db")) as connection:
        connection.execute("UPDATE events SET data = '{}' WHERE seq = 3")
        connection.commit()
    changed = stratum("show", run["run_id"], "--verify")
    assert (changed.code, "The record was changed at event 3" in changed.out) == (1, True)
    assert stratum("show", run["run_id"], "--verify", "--json").record()["first_bad_seq"] == 3
    answered = stratum("show", plan_id).out
    assert "Answered by flag: allowed by a flag on the command line" in answered


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("../../x", "'../../x' is the id of neither a run nor a plan"),
        ("run_../../x", "is not a run id"),
        ("plan_../../x", "is not a plan id"),
        ("plan_0123456789ab", "there is no plan plan_0123456789ab"),
        ("run_0123456789ab", "there is no run run_0123456789ab"),
    ],
)
def test_an_id_that_names_nothing_is_refused_by_its_own_kind(
    stratum: Callable[..., Done], name: str, said: str
) -> None:
    shown = stratum("show", name)
    assert (shown.code, said in shown.err) == (1, True)


_RUN = RunView(
    run_id="run_1", plan_id="plan_1", state="completed", message="", done=0, total=0, usd=0, cap_usd=0,
    simulated=False, live=False,
)  # fmt: skip


@pytest.mark.parametrize(
    ("state", "code"),
    [
        ("completed", 0),
        ("completed_with_failures", 0),
        ("failed", 1),
        ("waiting", 3),
        ("stopped_budget", 5),
        ("stopped_limit", 5),
        ("interrupted", 6),
        ("cancelled", 6),
        ("running", 6),
    ],
)
def test_each_state_has_its_exit_code(state: str, code: int) -> None:
    assert exit_for_run(replace(_RUN, state=state)) is Exit(code)


def test_a_run_without_its_file_has_failed_for_a_script_although_the_work_is_done() -> None:
    assert exit_for_run(replace(_RUN, out_error="it cannot be written")) is Exit.FAILED


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (NeedsApproval("x"), 3),
        (ApprovalError("x", detail={"state": "declined"}), 4),
        (ApprovalError("x"), 1),
        (BudgetExceeded("x"), 5),
    ],
)
def test_each_error_has_its_exit_code(error: StratumError, code: int) -> None:
    assert exit_for_error(error) is Exit(code)
