"""`stratum plans` and `stratum audit`: what was planned, answered and run, when an id is lost from the screen."""

from __future__ import annotations

import io
import time
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from rich.console import Console

from stratum_core.engine import Engine, RunView
from stratum_mcp.cli._age import Age, Since
from stratum_mcp.cli._exit import Exit
from stratum_mcp.cli._report import show_runs
from stratum_mcp.cli._session import Session
from tests.cli._command import Done, plan_arguments
from tests.support.jobs import Job


@pytest.fixture
def plan_id(stratum: Callable[..., Done]) -> str:
    """A plan nobody has answered."""
    return stratum(*plan_arguments("--json")).record()["plan_id"]


def test_a_plan_whose_id_was_lost_is_found_and_shown(stratum: Callable[..., Done], plan_id: str) -> None:
    listed = stratum("plans")
    assert listed.code == Exit.OK
    (line,) = listed.out.splitlines()
    assert line.startswith(f"{plan_id}  {datetime.now(UTC):%Y-%m-%d} ")
    assert "  waits for a yes  all_notes, 5 items: likely $0." in line
    assert "at most $0." in line
    assert "waits for a yes" not in stratum("show", plan_id).out
    assert f"stratum approve {plan_id}" in stratum("show", plan_id).out
    record = stratum("plans", "--json").record()
    assert [(each["plan_id"], each["state"]) for each in record] == [(plan_id, "waiting")]
    assert stratum("show", plan_id, "--json").record()["state"] == "waiting"


def test_without_plans_and_answers_that_is_said(job: Job, stratum: Callable[..., Done]) -> None:
    del job
    assert stratum("plans").out == "No plans yet.\n"
    assert stratum("plans", "--json").record() == []
    assert stratum("audit").out == "Nothing was answered or run in this time.\n"


def test_a_plan_that_has_expired_says_so_instead_of_how_to_approve_it(
    job: Job, stratum: Callable[..., Done]
) -> None:
    policy = job.folder.parent / "policy.yaml"
    policy.write_text("plan_ttl_hours: 0.0000001\n", "utf-8")
    policy.chmod(0o600)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("STRATUM_POLICY", str(policy))
        plan_id = stratum(*plan_arguments("--json")).record()["plan_id"]
    assert "  expired  " in stratum("plans").out
    shown = stratum("show", plan_id).out
    assert f"Plan {plan_id}: expired\nTo do it now, plan again" in shown
    assert "stratum approve" not in shown


def test_the_audit_of_all_is_the_log_by_date(stratum: Callable[..., Done], plan_id: str) -> None:
    with Engine(Session(as_json=True).settings()) as engine:
        engine.decide(plan_id, approved=False, channel="terminal", note="no\x1b[31m")
    for arguments in ([], ["log"], ["--since", "1h"], ["log", "--since", f"{datetime.now(UTC):%Y-%m-%d}"]):
        told = stratum("audit", *arguments)
        (line,) = told.out.splitlines()
        assert (told.code, f"{plan_id} declined by " in line, "\x1b" in line) == (Exit.OK, True, False)
    (entry,) = stratum("audit", "--json").record()
    assert (entry["kind"], entry["how"], entry["plan_id"]) == ("answer", "terminal", plan_id)


@pytest.mark.parametrize("since", ["7 days", "2026-13-01", "d", "0000-00-00"])
def test_a_time_that_is_none_is_refused_with_the_forms_there_are(
    job: Job, stratum: Callable[..., Done], since: str
) -> None:
    del job
    refused = stratum("audit", "--since", since)
    assert (refused.code, "(36h, 30d, 8w) nor a day (2026-01-31)" in refused.err) == (Exit.USAGE, True)


def test_a_time_longer_ago_than_the_epoch_is_everything(stratum: Callable[..., Done], plan_id: str) -> None:
    with Engine(Session(as_json=True).settings()) as engine:
        engine.decide(plan_id, approved=False, channel="terminal")
    weeks = int(time.time() / (7 * 86_400)) + 10
    assert plan_id in stratum("audit", "--since", f"{weeks}w").out
    assert plan_id in stratum("audit", "--since", "1960-01-01").out


def test_help_of_the_audit_lists_its_commands(job: Job, stratum: Callable[..., Done]) -> None:
    del job
    told = stratum("audit", "--help")
    assert (told.code, [name for name in ("log", "show", "verify") if f"  {name} " in told.out]) == (
        Exit.OK,
        ["log", "show", "verify"],
    )


def test_ids_of_runs_and_plans_stay_whole_in_a_narrow_terminal() -> None:
    view = RunView(
        run_id="run_0123456789ab", plan_id="plan_0123456789ab", state="completed_with_failures", message="", done=4,
        total=4, usd=0.002, cap_usd=1, simulated=True, live=False,
    )  # fmt: skip
    file = io.StringIO()
    show_runs([view], Console(file=file, width=72, markup=False, highlight=False, emoji=False))
    assert "run_0123456789ab" in file.getvalue()
    assert "plan_0123456789ab" in file.getvalue()


def test_ages_and_moments_that_are_read_already_stay_as_they_are() -> None:
    assert Since().convert(5, None, None) == 5
    assert Age().convert(36.0, None, None) == 36.0
