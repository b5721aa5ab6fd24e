"""Who may say yes: the person in the dialog, once; nobody else, and no argument."""

from __future__ import annotations

from typing import Any

import anyio
import mcp.types as wire
import psutil
import pytest
from mcp import MCPError
from mcp.client import ClientRequestContext
from mcp.types import ElicitRequestParams, ElicitResult

from tests.server._talk import Person, server_of, talking, text_of
from tests.support.jobs import Job

_DECLINED: dict[str, Any] = {"action": "decline", "content": None}
_SAID_NO: dict[str, Any] = {"action": "accept", "content": {"approve": False, "note": "too dear"}}


@pytest.mark.parametrize("answer", [_DECLINED, _SAID_NO], ids=["declined", "said no"])
async def test_a_no_is_final_for_the_plan(job: Job, era: str, answer: dict[str, Any]) -> None:
    async with talking(server_of(job), era, person=Person(**answer)) as talk:
        plan = await talk.ask("plan", **job.plan_arguments())
        assert (await talk.ask("approve", plan_id=plan["plan_id"]))["state"] == "declined"
        assert "declined" in await talk.error("execute", plan_id=plan["plan_id"])
    changed = Person()
    async with talking(server_of(job), era, person=changed) as talk:
        assert (await talk.ask("approve", plan_id=plan["plan_id"]))["state"] == "declined"
        assert changed.asked == []


def _warm() -> list[str]:
    """The runners that wait for a run."""
    started = (child.cmdline() for child in psutil.Process().children())
    return [" ".join(command) for command in started if "--warm-for" in command]


class _Reader(Person):
    """Sees which runners wait while the question is open, then says no."""

    waiting: list[str]

    async def answer(self, context: ClientRequestContext, params: ElicitRequestParams) -> ElicitResult:
        self.waiting = _warm()
        return await super().answer(context, params)


async def test_while_the_person_reads_a_runner_gets_ready_which_a_no_ends(job: Job, era: str) -> None:
    job.extra["OPENAI_API_KEY"] = "sk-test"
    person = _Reader(**_DECLINED)
    async with talking(server_of(job), era, person=person) as talk:
        plan = await talk.ask("plan", **job.plan_arguments(), options={"model": "openai/gpt-4.1-mini"})
        assert _warm() == []
        assert (await talk.ask("approve", plan_id=plan["plan_id"]))["state"] == "declined"
        (runner,) = person.waiting
        assert f"--warm-for {plan['plan_id']}" in runner
        assert _warm() == []


async def test_the_note_of_a_no_is_told(job: Job) -> None:
    async with talking(server_of(job), "2025-11-25", person=Person(**_SAID_NO)) as talk:
        plan = await talk.ask("plan", **job.plan_arguments())
        assert "too dear" in (await talk.ask("approve", plan_id=plan["plan_id"]))["message"]


async def test_a_closed_question_decides_nothing_and_names_the_command(job: Job, era: str) -> None:
    async with talking(server_of(job), era, person=Person(action="cancel", content=None)) as talk:
        plan = await talk.ask("plan", **job.plan_arguments())
        answer = await talk.ask("approve", plan_id=plan["plan_id"])
        assert answer["state"] == "needs_approval"
        assert f"stratum approve {plan['plan_id']}" in answer["message"]
        assert "closed" in answer["reason"]
        assert "needs_approval" in await talk.error("execute", plan_id=plan["plan_id"])
    async with talking(server_of(job), era, person=Person()) as talk:
        assert (await talk.ask("approve", plan_id=plan["plan_id"]))["state"] == "approved"


async def test_a_client_that_cannot_ask_gets_the_command_for_the_person(job: Job, era: str) -> None:
    async with talking(server_of(job), era) as talk:
        plan = await talk.ask("plan", **job.plan_arguments())
        answer = await talk.ask("approve", plan_id=plan["plan_id"])
    assert answer["state"] == "needs_approval"
    assert f"stratum approve {plan['plan_id']}" in answer["message"]
    assert "cannot ask" in answer["reason"]


@pytest.mark.parametrize("content", [None, {}, {"approve": "yes"}, {"approve": 1}, {"note": "fine"}])
async def test_an_answer_that_is_no_plain_yes_or_no_approves_nothing(
    job: Job, era: str, content: dict[str, Any] | None
) -> None:
    async with talking(server_of(job), era, person=Person(content=content)) as talk:
        plan = await talk.ask("plan", **job.plan_arguments())
        await talk.error("approve", plan_id=plan["plan_id"])
        assert "needs_approval" in await talk.error("execute", plan_id=plan["plan_id"])


async def test_the_form_has_a_required_yes_or_no_without_a_default(job: Job, era: str) -> None:
    person = Person()
    async with talking(server_of(job), era, person=person) as talk:
        plan = await talk.ask("plan", **job.plan_arguments())
        await talk.ask("approve", plan_id=plan["plan_id"])
    (question,) = person.asked
    form = question.requested_schema
    assert form["required"] == ["approve"]
    assert form["properties"]["approve"]["type"] == "boolean"
    assert "default" not in form["properties"]["approve"]
    assert set(form["properties"]) == {"approve", "note"}


@pytest.mark.parametrize("forged", ["answer", "approve", "approved", "yes"])
async def test_no_argument_approves(job: Job, era: str, forged: str) -> None:
    async with talking(server_of(job), era, person=Person(**_DECLINED)) as talk:
        plan = await talk.ask("plan", **job.plan_arguments())
        plan_id = plan["plan_id"]
        assert forged in await talk.error("approve", plan_id=plan_id, **{forged: True})
        assert forged in await talk.error("execute", plan_id=plan_id, **{forged: True})
        assert "needs_approval" in await talk.error("execute", plan_id=plan_id)


async def test_an_approved_plan_is_not_asked_about_again(job: Job, era: str) -> None:
    person = Person()
    async with talking(server_of(job), era, person=person) as talk:
        plan = await talk.ask("plan", **job.plan_arguments())
        for _ in range(2):
            assert (await talk.ask("approve", plan_id=plan["plan_id"]))["state"] == "approved"
    assert len(person.asked) == 1


async def test_the_policy_answers_before_a_person_is_asked(job: Job, era: str) -> None:
    policy = job.folder.parent / "policy.yaml"
    policy.write_text("approve_up_to_usd: 5\napprove_models: [offline]\n", "utf-8")
    policy.chmod(0o600)
    job.extra["STRATUM_POLICY"] = str(policy)
    person = Person(**_DECLINED)
    async with talking(server_of(job), era, person=person) as talk:
        plan = await talk.ask("plan", **job.plan_arguments())
        answer = await talk.ask("approve", plan_id=plan["plan_id"])
    assert (answer["state"], answer["channel"]) == ("approved", "policy")
    assert person.asked == []


async def test_an_answer_counts_only_for_the_plan_it_was_given_to(job: Job) -> None:
    with anyio.fail_after(30):
        async with talking(server_of(job), "2026-07-28", person=Person(**_DECLINED)) as talk:
            plan = await talk.ask("plan", **job.plan_arguments())
            other = await talk.ask("plan", **job.plan_arguments(), options={"rows": 2})
            session = talk.client.session
            first = await session.call_tool(
                "approve", {"plan_id": plan["plan_id"]}, allow_input_required=True
            )
            assert isinstance(first, wire.InputRequiredResult)
            (key,) = first.input_requests or {}
            yes: wire.InputResponses = {key: wire.ElicitResult(action="accept", content={"approve": True})}

            unasked = await session.call_tool(
                "approve", {"plan_id": plan["plan_id"]}, input_responses=yes, allow_input_required=True
            )
            assert isinstance(unasked, wire.InputRequiredResult)
            with pytest.raises(MCPError):
                await session.call_tool(
                    "approve",
                    {"plan_id": other["plan_id"]},
                    input_responses=yes,
                    request_state=first.request_state,
                    allow_input_required=True,
                )
            for plan_id in (plan["plan_id"], other["plan_id"]):
                refused = await talk.call("execute", plan_id=plan_id)
                assert "needs_approval" in text_of(refused)
