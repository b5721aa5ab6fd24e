"""A run that came to its cap: only the person gives it more, in the dialog of `resume`, in both protocol eras."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import mcp.types as wire
from mcp.client import ClientRequestContext

from stratum_core.engine import Engine, Settings
from tests.server._talk import Person, Talk, server_of, talking
from tests.support.jobs import Job

MORE = {"approve": True, "cap_usd": 0.5}


@dataclass(slots=True)
class Payer(Person):
    """Says yes to plans, and to more money what it is told to."""

    more: dict[str, Any] | None = field(default_factory=lambda: dict(MORE))
    how: str = "accept"
    forms: list[wire.ElicitRequestFormParams] = field(default_factory=list[wire.ElicitRequestFormParams])

    async def answer(
        self, context: ClientRequestContext, params: wire.ElicitRequestParams
    ) -> wire.ElicitResult:
        assert isinstance(params, wire.ElicitRequestFormParams)
        if "cap_usd" not in params.requested_schema["properties"]:
            return await Person.answer(self, context, params)
        self.forms.append(params)
        return wire.ElicitResult.model_validate({"action": self.how, "content": self.more})


@asynccontextmanager
async def stopped_run(
    job: Job, era: str, person: Payer | None
) -> AsyncGenerator[tuple[Talk, dict[str, Any]]]:
    """Run forty rows into a cap that pays for some of them."""
    job.write_rows(40)
    async with talking(server_of(job), era, person=person) as talk:
        whole = await talk.ask("plan", **job.plan_arguments())
        options = {"cap_usd": whole["at_most_usd"] / 11}
        plan = await talk.ask("plan", **job.plan_arguments(), options=options)
        with Engine(Settings.from_environment(job.environ, cwd=job.folder)) as engine:
            engine.decide(plan["plan_id"], approved=True, channel="flag")
        run = await talk.ask("execute", plan_id=plan["plan_id"])
        assert (run["state"], run["needs_cap"]) == ("stopped_budget", True), run
        yield talk, run


async def test_resume_asks_the_person_for_a_higher_cap_and_goes_on(job: Job, era: str) -> None:
    person = Payer()
    async with stopped_run(job, era, person) as (talk, run):
        assert "call resume with this run_id: they are asked for a higher cap" in run["next"]
        ended = await talk.ask("resume", run_id=run["run_id"])
        (form,) = person.forms
        assert f"Run {run['run_id']} stopped at its cap of $" in form.message
        assert len(form.message.split("\n")) <= 4
        assert form.requested_schema["required"] == ["approve", "cap_usd"]
        assert "default" not in form.requested_schema["properties"]["cap_usd"]
        assert (ended["state"], ended["cap_usd"], ended["done"]) == ("completed", 0.5, 40)


async def test_a_no_or_a_declined_form_is_final_and_a_closed_one_decides_nothing(job: Job, era: str) -> None:
    person = Payer(more=None, how="cancel")
    async with stopped_run(job, era, person) as (talk, run):
        closed = await talk.ask("resume", run_id=run["run_id"])
        assert (closed["state"], closed["reason"]) == (
            "stopped_budget",
            "the question was closed without an answer",
        )
        person.how = "decline"
        assert (await talk.ask("resume", run_id=run["run_id"]))["state"] == "stopped_budget"
        person.how, person.more = "accept", dict(MORE)
        assert (await talk.ask("resume", run_id=run["run_id"]))["state"] == "stopped_budget"
        assert len(person.forms) == 2  # after the no nobody is asked again


async def test_a_cap_that_is_no_higher_is_refused_and_asked_for_again(job: Job, era: str) -> None:
    person = Payer(more={"approve": True, "cap_usd": 0.000001})
    async with stopped_run(job, era, person) as (talk, run):
        assert "is not above the" in await talk.error("resume", run_id=run["run_id"])
        person.more = {"approve": False, "cap_usd": 1}
        assert (await talk.ask("resume", run_id=run["run_id"]))["state"] == "stopped_budget"


async def test_a_client_that_cannot_ask_gets_the_command_and_no_argument_gives_more(
    job: Job, era: str
) -> None:
    async with stopped_run(job, era, None) as (talk, run):
        again = await talk.ask("resume", run_id=run["run_id"])
        assert again["state"] == "stopped_budget"
        assert f"stratum approve {run['run_id']} --cap USD" in again["message"]
        assert "they name a higher cap in their own terminal" in again["next"]
        for argument in ({"cap_usd": 9.0}, {"approve": True}, {"decisions": dict(MORE)}):
            await talk.error("resume", run_id=run["run_id"], **argument)
        assert (await talk.ask("resume", run_id=run["run_id"]))["state"] == "stopped_budget"
