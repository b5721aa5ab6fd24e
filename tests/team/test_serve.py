"""A team's server over real HTTP: whose plan is whose, who may answer, and what never leaves it."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import httpx2
import pytest
from mcp import Client
from mcp.client.streamable_http import streamable_http_client

from stratum_core.errors import ApprovalError
from stratum_mcp.team import Approvals
from tests.server._talk import LEGACY, Person, Talk
from tests.support.questions import ONE_QUESTION
from tests.team.conftest import TeamServer

pytestmark = pytest.mark.slow

JOB: dict[str, Any] = {"spec": "notes.stratum.yaml", "inputs": {"notes": {"file": "notes.csv"}}}


def small(number: int) -> dict[str, Any]:
    """A plan of its own under the policy's limit."""
    return {**JOB, "options": {"cap_usd": 0.001 + number / 100_000}}


def large(number: int) -> dict[str, Any]:
    """A plan of its own above the policy's limit."""
    return {**JOB, "options": {"cap_usd": 0.003 + number / 100_000}}


@pytest.fixture(params=["2026-07-28", LEGACY])
def era(request: pytest.FixtureRequest) -> str:
    """Both protocol versions a client may speak."""
    return str(request.param)


@asynccontextmanager
async def talking(
    server: TeamServer, who: str, era: str = "2026-07-28", *, person: Person | None = None
) -> AsyncGenerator[Talk]:
    """Connect a client with somebody's token."""
    headers = {"Authorization": f"Bearer {server.tokens[who]}"}
    async with (
        httpx2.AsyncClient(headers=headers, timeout=60) as http,
        Client(
            streamable_http_client(server.url, http_client=http),
            mode="legacy" if era == LEGACY else "auto",
            elicitation_callback=None if person is None else person.answer,
        ) as client,
    ):
        assert client.protocol_version == era
        yield Talk(client=client, progress=[])


async def test_a_person_plans_agrees_and_runs_over_http(team_server: TeamServer, era: str) -> None:
    person = Person()
    async with talking(team_server, "alice", era, person=person) as talk:
        plan = await talk.ask("plan", **small(1 if era == LEGACY else 2))
        approved = await talk.ask("approve", plan_id=plan["plan_id"])
        run = await talk.ask("execute", plan_id=plan["plan_id"])
    assert (approved["state"], approved["channel"], len(person.asked)) == ("approved", "dialog", 1)
    assert (run["state"], run["done"]) == ("completed", 2)


async def test_one_person_can_neither_see_approve_run_nor_cancel_what_is_anothers(
    team_server: TeamServer,
) -> None:
    async with talking(team_server, "alice", person=Person()) as alice:
        plan = await alice.ask("plan", **small(3))
        async with talking(team_server, "bob", person=Person()) as bob:
            for tool in ("approve", "execute", "estimate_cost"):
                assert "plan_error" in await bob.error(tool, plan_id=plan["plan_id"])
            with pytest.raises(Exception, match="there is no plan"):
                await bob.read(f"stratum://plans/{plan['plan_id']}")
        await alice.ask("approve", plan_id=plan["plan_id"])
        run = await alice.ask("execute", plan_id=plan["plan_id"])
        async with talking(team_server, "bob") as bob:
            for tool in ("resume", "cancel"):
                assert "run_error" in await bob.error(tool, run_id=run["run_id"])


async def test_what_was_left_undone_is_told_once_in_a_session_and_never_where_there_is_none(
    team_server: TeamServer,
) -> None:
    job = {**JOB, "spec": ONE_QUESTION}
    async with talking(team_server, "alice", LEGACY, person=Person()) as talk:
        plan = await talk.ask("plan", **job)
        await talk.ask("approve", plan_id=plan["plan_id"])
        run = await talk.ask("execute", plan_id=plan["plan_id"])
        assert run["state"] == "waiting"
    async with talking(team_server, "alice", LEGACY) as first, talking(team_server, "alice", LEGACY) as other:
        told = [await talk.ask("plan", **job) for talk in (first, other, first, other)]
    assert [run["run_id"] in plan.get("notice", "") for plan in told] == [True, True, False, False]
    async with talking(team_server, "alice") as stateless:
        assert "notice" not in await stateless.ask("plan", **job)
    async with talking(team_server, "bob", LEGACY) as bob:
        assert "notice" not in await bob.ask("plan", **job)
    async with talking(team_server, "alice", LEGACY) as talk:
        await talk.ask("cancel", run_id=run["run_id"])


async def test_files_are_read_in_the_persons_own_folder_only(team_server: TeamServer) -> None:
    async with talking(team_server, "bob") as bob:
        for path in ("../alice/notes.csv", str(team_server.home / "data" / "alice" / "notes.csv")):
            said = await bob.error("plan", **{**JOB, "inputs": {"notes": {"file": path}}})
            assert "is outside the directories" in said


async def test_above_the_limit_another_person_has_to_say_yes_and_it_is_signed(
    team_server: TeamServer,
) -> None:
    asked = Person()
    async with talking(team_server, "alice", person=asked) as alice:
        plan = await alice.ask("plan", **large(1))
        assert plan["needs"] == "remote"
        view = await alice.ask("approve", plan_id=plan["plan_id"])
        assert (view["state"], asked.asked) == ("needs_approval", [])
        assert f"carol in a terminal of their own: stratum approve {plan['plan_id']}" in view["message"]
        assert "needs_approval" in await alice.error("execute", plan_id=plan["plan_id"])

        carol = Approvals(team_server.url, team_server.tokens["carol"])
        (waiting,) = [found for found in carol.waiting() if found["plan_id"] == plan["plan_id"]]
        assert (waiting["person"], waiting["summary"]) == ("alice", plan["summary"])
        assert (
            carol.decide("alice", plan["plan_id"], approved=True, note="within budget")["state"] == "approved"
        )

        assert (await alice.ask("approve", plan_id=plan["plan_id"]))["channel"] == "remote"
        run = await alice.ask("execute", plan_id=plan["plan_id"])
        assert run["state"] == "completed"
    assert plan["plan_id"] not in [found["plan_id"] for found in carol.waiting()]


async def test_another_persons_no_is_final(team_server: TeamServer) -> None:
    async with talking(team_server, "alice") as alice:
        plan = await alice.ask("plan", **large(2))
        carol = Approvals(team_server.url, team_server.tokens["carol"])
        assert carol.decide("alice", plan["plan_id"], approved=False)["state"] == "declined"
        assert carol.decide("alice", plan["plan_id"], approved=True)["state"] == "declined"
        assert "approval_error" in await alice.error("execute", plan_id=plan["plan_id"])


async def test_a_persons_own_limit_for_a_day_holds_before_anything_is_sent(team_server: TeamServer) -> None:
    options = {"cap_usd": 0.0015, "model": "openai/gpt-4.1-mini"}
    async with talking(team_server, "bob", person=Person()) as bob:
        plan = await bob.ask("plan", **{**JOB, "options": options})
        assert "does not fit today" in plan["warnings"][0]
        await bob.ask("approve", plan_id=plan["plan_id"])
        assert "limit" in await bob.error("execute", plan_id=plan["plan_id"])


@pytest.mark.parametrize("who", ["alice", "bob"])
def test_who_answers_for_nobody_is_refused(team_server: TeamServer, who: str) -> None:
    with pytest.raises(ApprovalError, match="answers for nobody"):
        Approvals(team_server.url, team_server.tokens[who]).waiting()


def test_an_approver_answers_only_for_those_they_are_named_for(team_server: TeamServer) -> None:
    with pytest.raises(ApprovalError, match="may not answer for bob"):
        Approvals(team_server.url, team_server.tokens["carol"]).decide("bob", "plan_x", approved=True)


async def test_an_approver_without_a_folder_plans_nothing(team_server: TeamServer) -> None:
    async with talking(team_server, "carol") as carol:
        assert "plans nothing here" in await carol.error("plan", **JOB)


def _post(server: TeamServer, token: str | None, **headers: str) -> httpx2.Response:
    body: dict[str, object] = {"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {}}
    sent = {"Accept": "application/json, text/event-stream", **headers}
    if token is not None:
        sent["Authorization"] = f"Bearer {token}"
    return httpx2.post(
        server.url, content=json.dumps(body), headers={**sent, "Content-Type": "application/json"}
    )


@pytest.mark.parametrize("token", [None, "x", "stratum_00000000_" + "A" * 43, "x" * 10_000])
def test_a_request_without_a_good_token_is_refused(team_server: TeamServer, token: str | None) -> None:
    assert _post(team_server, token).status_code == 401
    assert httpx2.get(f"{team_server.address}/approvals").status_code == 401


def test_a_token_for_another_address_a_revoked_and_an_expired_one_are_refused(
    team_server: TeamServer,
) -> None:
    store = team_server.store
    _, elsewhere = store.issue("alice", audience="https://other.example.org/mcp", days=1)
    _, over = store.issue("alice", audience=team_server.url, days=0)
    kept, revoked = store.issue("alice", audience=team_server.url, days=1)
    assert _post(team_server, revoked).status_code != 401
    store.revoke(kept.id)
    assert [_post(team_server, token).status_code for token in (elsewhere, over, revoked)] == [401, 401, 401]


def test_another_host_a_foreign_origin_and_a_large_body_are_refused(team_server: TeamServer) -> None:
    token = team_server.tokens["alice"]
    assert _post(team_server, token, Host="evil.example.org").status_code in {400, 421}
    assert _post(team_server, token, Origin="https://evil.example.org").status_code == 403
    large = httpx2.post(
        team_server.url, content=b"x" * (2 << 20), headers={"Authorization": f"Bearer {token}"}
    )
    assert large.status_code in {400, 413}


def test_an_answer_of_the_wrong_form_is_refused(team_server: TeamServer) -> None:
    for body in (b"", b"[]", b'{"approve": "yes"}', b'{"approve": true, "for": "bob"}', b"x" * 100_000):
        reply = httpx2.post(
            f"{team_server.address}/approvals/alice/plan_x",
            content=body,
            headers={"Authorization": f"Bearer {team_server.tokens['carol']}"},
        )
        assert reply.status_code == 400, reply.text


async def test_neither_tokens_nor_keys_are_written_anywhere(team_server: TeamServer) -> None:
    async with talking(team_server, "alice", person=Person()) as alice:
        plan = await alice.ask("plan", **small(4))
        await alice.ask("approve", plan_id=plan["plan_id"])
        await alice.ask("execute", plan_id=plan["plan_id"])
    secrets = [team_server.key.encode(), *(token.encode() for token in team_server.tokens.values())]
    files = [path for path in team_server.home.rglob("*") if path.is_file()]
    assert len(files) > 10
    found = [path for path in files for secret in secrets if secret in path.read_bytes()]
    assert found == []
