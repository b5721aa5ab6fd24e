"""The commands of a team: tokens, the signing key, and answering for somebody else at a terminal."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable, Generator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from tests.cli._command import Done, at_terminal
from tests.support.jobs import Job

PLAN = {"plan_id": "plan_1", "person": "alice", "summary": "Judge 5 notes.\nAt most $3."}


class _TeamsServer(BaseHTTPRequestHandler):
    """Says what a team's server says."""

    answers: list[dict[str, object]]

    def do_GET(self) -> None:
        self._reply([PLAN])

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.answers.append({"path": self.path, "by": self.headers["Authorization"], **body})
        state = "approved" if body["approve"] else "declined"
        self._reply({"plan_id": "plan_1", "state": state, "message": state})

    def _reply(self, value: object) -> None:
        content = json.dumps(value).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@pytest.fixture
def server() -> Generator[tuple[str, list[dict[str, object]]]]:
    """A server on loopback, and the answers it was sent."""
    answers: list[dict[str, object]] = []
    handler = type("Handler", (_TeamsServer,), {"answers": answers})
    with HTTPServer(("127.0.0.1", 0), handler) as found:
        thread = threading.Thread(target=found.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{found.server_port}/mcp", answers
        found.shutdown()
        thread.join()


@pytest.fixture
def team_file(job: Job, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = job.folder / "team.yaml"
    path.write_text("url: https://stratum.example.org/mcp\npeople: {alice: {folder: .}}\n", "utf-8")
    path.chmod(0o600)
    monkeypatch.setenv("STRATUM_TEAM", str(path))
    monkeypatch.setenv("STRATUM_KEYS_DIR", str(job.folder.parent / "keys"))
    return path


@pytest.mark.usefixtures("team_file")
def test_a_token_is_shown_once_listed_without_itself_and_revoked(stratum: Callable[..., Done]) -> None:
    made = stratum("team", "token", "alice", "--days", "7", "--json").record()
    assert made["token"].startswith(f"stratum_{made['id']}_")
    listed = stratum("team", "tokens")
    assert (made["token"] in listed.out, made["id"] in listed.out, "good" in listed.out) == (
        False,
        True,
        True,
    )
    assert stratum("team", "revoke", made["id"]).code == 0
    assert [row["state"] for row in stratum("team", "tokens", "--json").record()] == ["revoked"]


@pytest.mark.usefixtures("team_file")
def test_a_token_for_somebody_the_team_does_not_have_is_refused(stratum: Callable[..., Done]) -> None:
    done = stratum("team", "token", "mallory")
    assert (done.code, "it has: alice" in done.err) == (1, True)
    assert stratum("team", "tokens").out == "No token was ever made.\n"
    assert stratum("team", "revoke", "00000000").code == 1


@pytest.mark.usefixtures("team_file")
def test_rotating_makes_a_new_key_and_says_which(stratum: Callable[..., Done]) -> None:
    first = stratum("keys", "rotate", "--json").record()
    second = stratum("keys", "rotate", "--json").record()
    assert (first["replaced"], second["replaced"]) == ("", first["key"])
    assert set(second["known"]) == {first["key"], second["key"]}


def test_serving_over_http_needs_a_team(stratum: Callable[..., Done]) -> None:
    done = stratum("serve", "--http")
    assert (done.code, "--http needs --team FILE" in done.err) == (2, True)


@pytest.mark.parametrize(("typed", "code", "sent"), [("yes", 0, True), ("no", 4, False), ("maybe", 3, None)])
def test_a_person_answers_for_somebody_else_at_a_terminal(
    job: Job,
    server: tuple[str, list[dict[str, object]]],
    typed: str,
    code: int,
    sent: bool | None,
) -> None:
    url, answers = server
    environ = {"PATH": os.environ["PATH"], **job.environ, "STRATUM_TOKEN": "token-of-carol"}
    done = at_terminal(
        ["approve", "plan_1", "--server", url],
        answers={"decides nothing:": typed},
        cwd=job.folder,
        environ=environ,
    )
    assert (done.code, "Judge 5 notes." in done.out) == (code, True)
    expected = {"path": "/approvals/alice/plan_1", "by": "Bearer token-of-carol", "approve": sent, "note": ""}
    assert answers == ([] if sent is None else [expected])


def test_a_plan_that_does_not_wait_for_this_person_is_told(
    job: Job, server: tuple[str, list[dict[str, object]]]
) -> None:
    environ = {"PATH": os.environ["PATH"], **job.environ, "STRATUM_TOKEN": "token-of-carol"}
    done = at_terminal(
        ["approve", "plan_2", "--server", server[0]], answers={}, cwd=job.folder, environ=environ
    )
    assert (done.code, "no plan plan_2 waits for you" in done.out) == (1, True)


def test_nobody_answers_for_others_inside_an_agents_shell_or_without_a_terminal(
    stratum: Callable[..., Done], server: tuple[str, list[dict[str, object]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STRATUM_TOKEN", "token-of-carol")
    done = stratum("approve", "plan_1", "--server", server[0])
    assert (done.code, "was not approved" in done.err, server[1]) == (3, True, [])
