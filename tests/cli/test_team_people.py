"""What the operator of a team's server sees of all people, and what those who answer for others see of it."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Generator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import cast

import pytest

from stratum_core.contracts import JsonValue
from stratum_core.journal import ControlStore
from stratum_mcp.settings import ServerSettings
from stratum_mcp.team import load_team, looking_at
from tests.cli._command import Done
from tests.support.jobs import DOCUMENT, Job


@pytest.fixture
def team_file(job: Job, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A team whose policy wants another's yes above a tenth of a cent."""
    for name in ("alice", "bob", "erin"):
        (job.folder / name).mkdir()
        (job.folder / name / "notes.stratum.yaml").write_text(DOCUMENT, "utf-8")
        (job.folder / name / "notes.csv").write_text("id,text\n1,Works very well\n2,Broken\n", "utf-8")
    path = job.folder / "team.yaml"
    path.write_text(
        "url: https://stratum.example.org/mcp\n"
        "people:\n  alice: {folder: alice, day_usd: 3}\n  bob: {folder: bob}\n  erin: {folder: erin}\n"
        "  carol: {approves: [alice]}\n",
        "utf-8",
    )
    policy = job.folder.parent / "policy.yaml"
    policy.write_text("require_remote_above_usd: 0.002\nlimits: {day_usd: 20}\n", "utf-8")
    path.chmod(0o600)
    policy.chmod(0o600)
    monkeypatch.setenv("STRATUM_TEAM", str(path))
    monkeypatch.setenv("STRATUM_POLICY", str(policy))
    monkeypatch.setenv("STRATUM_MODEL", "offline")
    monkeypatch.setenv("STRATUM_KEYS_DIR", str(job.folder.parent / "keys"))
    return path


def _plans(job: Job, team_file: Path, name: str, cap_usd: float) -> str:
    """Plan in somebody's folder; return the plan's id."""
    settings, team = (
        ServerSettings.from_environment(job.environ | _set(job), cwd=job.folder),
        load_team(team_file),
    )
    with looking_at(settings, team, team.people[name]) as engine:
        inputs: dict[str, JsonValue] = {"notes": {"file": "notes.csv"}}
        return engine.plan("notes.stratum.yaml", inputs=inputs, options={"cap_usd": cap_usd}).plan_id


def _runs(job: Job, team_file: Path, name: str, run_id: str) -> str:
    """Let somebody agree to a plan of theirs that starts a run no runner works on; return the plan's id."""
    plan_id = _plans(job, team_file, name, 0.001)
    settings, team = (
        ServerSettings.from_environment(job.environ | _set(job), cwd=job.folder),
        load_team(team_file),
    )
    with looking_at(settings, team, team.people[name]) as engine:
        engine.decide(plan_id, approved=True, channel="dialog")
    with_store = ControlStore.open(job.state_dir / "team" / "people" / name)
    plan = with_store.plan(plan_id)
    with_store.create_run(plan_id, plan.plan_hash, cast("int", plan.record["cap_nusd"]), run_id)
    return plan_id


def _set(job: Job) -> dict[str, str]:
    return {"STRATUM_POLICY": str(job.folder.parent / "policy.yaml"), "STRATUM_MODEL": "offline"}


def test_the_operator_sees_the_runs_spending_and_answers_of_all_people(
    job: Job, team_file: Path, stratum: Callable[..., Done]
) -> None:
    first = _runs(job, team_file, "alice", "run_00000000000a")
    _runs(job, team_file, "bob", "run_00000000000b")

    runs = stratum("team", "runs")
    assert [line.split()[:2] for line in runs.out.splitlines()] == [
        ["alice", "run_00000000000a"],
        ["bob", "run_00000000000b"],
    ]
    record = stratum("team", "runs", "--json").record()
    assert [(run["person"], run["plan_id"]) for run in record[:1]] == [("alice", first)]

    spend = stratum("team", "spend").out
    assert "alice            $0.00 spent, $0.00 reserved; $3.00 left of $3.00\n" in spend
    assert "bob              $0.00 spent, $0.00 reserved; $20.00 left of $20.00\n" in spend
    assert "all              $0.00 spent, $0.00 reserved today (UTC)\n" in spend
    assert [each["person"] for each in stratum("team", "spend", "--json").record()["people"]] == [
        "alice",
        "bob",
    ]

    lines = stratum("team", "audit").out.splitlines()
    assert [line.split()[0] for line in lines] == ["alice", "alice", "bob", "bob"]
    assert f"{first} approved by alice (dialog)" in lines[0]
    assert stratum("team", "audit", "--since", "1h", "--json").record()[3]["person"] == "bob"


@pytest.mark.usefixtures("team_file")
def test_where_nobody_has_planned_that_is_said_and_nothing_is_made(
    job: Job, stratum: Callable[..., Done]
) -> None:
    assert stratum("team", "runs").out == "No runs yet.\n"
    assert stratum("team", "spend").out.endswith("$0.00 spent, $0.00 reserved today (UTC)\n")
    assert stratum("team", "audit").out == "Nothing was answered or run in this time.\n"
    assert stratum("team", "approvals").out == "No plan waits for another person's yes.\n"
    assert not (job.state_dir / "team" / "people").exists()


def test_who_has_left_the_team_is_still_seen_and_a_foreign_folder_is_not(
    job: Job, team_file: Path, stratum: Callable[..., Done]
) -> None:
    _runs(job, team_file, "erin", "run_00000000000e")
    (job.state_dir / "team" / "people" / "Lost+Found").mkdir()
    text = team_file.read_text("utf-8").replace("  erin: {folder: erin}\n", "")
    team_file.write_text(text, "utf-8")
    assert stratum("team", "runs").out.startswith("erin             run_00000000000e")
    assert [each["person"] for each in stratum("team", "spend", "--json").record()["people"]] == ["erin"]


def test_plans_that_wait_for_another_are_listed_with_who_may_answer(
    job: Job, team_file: Path, stratum: Callable[..., Done]
) -> None:
    large, orphan = _plans(job, team_file, "alice", 0.5), _plans(job, team_file, "bob", 0.4)
    _plans(job, team_file, "alice", 0.001)
    assert stratum("team", "approvals").out.splitlines() == [
        f"{large} of alice, at most $0.0051, carol may answer",
        f"{orphan} of bob, at most $0.0051, nobody may answer",
        "To read one and answer: stratum approve PLAN --server https://stratum.example.org/mcp",
    ]
    assert [plan["approvers"] for plan in stratum("team", "approvals", "--json").record()] == [["carol"], []]


class _TeamsServer(BaseHTTPRequestHandler):
    """Says what a team's server says to whoever answers for others."""

    asked: list[tuple[str, str | None]]

    def do_GET(self) -> None:
        self.asked.append((self.path, self.headers["Authorization"]))
        plan = {"plan_id": "plan_1", "person": "al\x1bice", "at_most_usd": 3, "summary": "x"}
        content = json.dumps([plan, {"plan_id": "plan_2", "person": "bob"}]).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@pytest.fixture
def server() -> Generator[tuple[str, list[tuple[str, str | None]]]]:
    """A server on loopback, and what it was asked."""
    asked: list[tuple[str, str | None]] = []
    with HTTPServer(("127.0.0.1", 0), type("Handler", (_TeamsServer,), {"asked": asked})) as found:
        thread = threading.Thread(target=found.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{found.server_port}/mcp", asked
        found.shutdown()
        thread.join()


def test_an_approver_asks_the_server_what_waits_with_a_token_that_is_no_argument(
    job: Job,
    stratum: Callable[..., Done],
    server: tuple[str, list[tuple[str, str | None]]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("STRATUM_TOKEN", "token-of-carol")
    url, asked = server
    told = stratum("team", "approvals", "--server", url)
    assert told.out.splitlines() == [
        "plan_1 of al\\u001bice, at most $3.00",
        "plan_2 of bob",
        f"To read one and answer: stratum approve PLAN --server {url}",
    ]
    assert asked == [("/approvals", "Bearer token-of-carol")]
    assert not job.state_dir.exists()
    assert stratum("team", "approvals", "--server", url, "--json").record()[0]["plan_id"] == "plan_1"


def test_without_a_server_and_a_team_file_both_are_named(job: Job, stratum: Callable[..., Done]) -> None:
    del job
    refused = stratum("team", "approvals")
    assert (refused.code, "--server URL" in refused.err, "--team FILE" in refused.err) == (2, True, True)


def test_without_a_token_nobody_is_asked(
    job: Job,
    stratum: Callable[..., Done],
    server: tuple[str, list[tuple[str, str | None]]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    del job
    monkeypatch.setenv("STRATUM_TOKEN", " ")
    refused = stratum("team", "approvals", "--server", server[0])
    assert (refused.code, "no token was given" in refused.err, server[1]) == (1, True, [])


def test_a_policy_that_opens_folders_to_all_is_refused_here_too(
    job: Job, team_file: Path, stratum: Callable[..., Done]
) -> None:
    _plans(job, team_file, "alice", 0.001)
    (job.folder.parent / "policy.yaml").write_text("roots: [/srv]\n", "utf-8")
    refused = stratum("team", "runs")
    assert (refused.code, "the policy's `roots`" in refused.err) == (1, True)
