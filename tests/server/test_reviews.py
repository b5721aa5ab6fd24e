"""Questions of a waiting run in the client's dialog: only the person fills them in, in both protocol eras."""

from __future__ import annotations

import json
import sys
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import mcp.types as wire
import pytest
from mcp.client import ClientRequestContext

from stratum_core.engine import Engine, Settings, Shown
from stratum_core.journal import ControlStore
from stratum_mcp.reviews import ask_about, shown_line, together
from tests.server._talk import Person, Talk, server_of, stdio_of, talking, text_of
from tests.support.jobs import Job
from tests.support.questions import KEEP_OR_DROP, ONE_QUESTION, ask_with, write_questions

Fill = Callable[[wire.ElicitRequestFormParams], dict[str, Any] | None]


@dataclass(slots=True)
class Reviewer(Person):
    """Says yes to plans, and fills in forms of questions as told; None closes the form."""

    fill: Fill = field(default=lambda _: None)
    forms: list[wire.ElicitRequestFormParams] = field(default_factory=list[wire.ElicitRequestFormParams])

    async def answer(
        self, context: ClientRequestContext, params: wire.ElicitRequestParams
    ) -> wire.ElicitResult:
        assert isinstance(params, wire.ElicitRequestFormParams)
        if "approve" in params.requested_schema["properties"]:
            return await Person.answer(self, context, params)
        self.forms.append(params)
        content = self.fill(params)
        if content is None:
            return wire.ElicitResult(action="cancel")
        return wire.ElicitResult(action="accept", content=content)


def every(value: Any, **more: Any) -> Fill:  # noqa: ANN401 - whatever a form may be filled with
    """Fill in every question of a form with the same."""

    def fill(params: wire.ElicitRequestFormParams) -> dict[str, Any]:
        names = [name for name in params.requested_schema["properties"] if name.startswith("answer_")]
        return {**dict.fromkeys(names, value), **more}

    return fill


@asynccontextmanager
async def waiting_run(
    job: Job, era: str, person: Reviewer | None, *, rows: int = 5
) -> AsyncGenerator[tuple[Talk, dict[str, Any]]]:
    """Run the job until it waits; without a person, the flag of a demonstration approves it."""
    job.write_rows(rows)
    async with talking(server_of(job), era, person=person) as talk:
        plan = await talk.ask("plan", **job.plan_arguments())
        if person is None:
            with Engine(Settings.from_environment(job.environ, cwd=job.folder)) as engine:
                engine.decide(plan["plan_id"], approved=True, channel="flag")
        else:
            await talk.ask("approve", plan_id=plan["plan_id"])
        run = await talk.ask("execute", plan_id=plan["plan_id"])
        assert run["state"] == "waiting", run
        yield talk, run


async def test_execute_says_who_is_waited_for_and_what_to_do(job: Job, era: str) -> None:
    write_questions(job, ask_with(KEEP_OR_DROP))
    async with waiting_run(job, era, Reviewer()) as (_, run):
        assert run["message"].startswith("Waiting for a person: 3 questions.")
        assert f"stratum decide {run['run_id']}" in run["message"]
        assert (run["waiting_for"], "call resume" in run["next"]) == (3, True)
        assert sorted(question["number"] for question in run["questions"]) == [1, 2, 3]
        places = [question["path"] for question in run["questions"]]
        assert len(set(places)) == 3
        assert places == sorted(places)
        assert "Works very well" not in str(run)


async def test_one_question_is_asked_and_its_answer_ends_the_run(job: Job, era: str) -> None:
    job.extra["PATH"] = str(Path(sys.executable).parent)
    write_questions(job, ONE_QUESTION)
    person = Reviewer(fill=every("send", note="looks fine"))
    async with waiting_run(job, era, person) as (talk, run):
        done = await talk.ask("resume", run_id=run["run_id"])
    assert (done["state"], done["result"]) == ("completed", "send")
    (form,) = person.forms
    lines = form.message.split("\n")
    assert lines[0] == "May all notes be sent?"
    assert 'first (data): "' in form.message
    command = f"STRATUM_STATE_DIR={job.state_dir} stratum decide {run['run_id']}"
    assert lines[-1] == f"To read everything: {command}"
    assert len(lines) <= 4
    assert all(len(line) <= 76 for line in lines[:-1])
    with Engine(Settings.from_environment(job.environ, cwd=job.folder)) as engine:
        (review,) = engine.reviews.of_run(run["run_id"])
    assert (review.channel, review.rationale, bool(review.reviewer)) == ("dialog", "looks fine", True)


async def test_the_form_has_the_options_required_and_without_a_default(job: Job, era: str) -> None:
    write_questions(job, ONE_QUESTION)
    person = Reviewer()
    async with waiting_run(job, era, person) as (talk, run):
        await talk.ask("resume", run_id=run["run_id"])
    schema = person.forms[0].requested_schema
    assert schema["required"] == ["answer_1"]
    assert schema["properties"]["answer_1"]["enum"] == ["send", "hold"]
    assert "default" not in schema["properties"]["answer_1"]
    assert list(schema["properties"]) == ["answer_1", "note"]


async def test_questions_of_a_kind_are_asked_together_and_one_left_empty_waits_on(job: Job, era: str) -> None:
    write_questions(job, ask_with(KEEP_OR_DROP))
    person = Reviewer(fill=lambda _: {"answer_1": "keep", "answer_3": "drop"})
    async with waiting_run(job, era, person) as (talk, run):
        again = await talk.ask("resume", run_id=run["run_id"])
        assert (again["state"], again["waiting_for"], again["census"]["items_done"]) == ("waiting", 1, 4)
        assert [question["number"] for question in again["questions"]] == [2]
        person.fill = every("keep")
        done = await talk.ask("resume", run_id=run["run_id"])
    assert done["state"] == "completed"
    first, second = (form.requested_schema for form in person.forms)
    assert set(first["properties"]) == {"answer_1", "answer_2", "answer_3", "note"}
    assert first.get("required", []) == []
    assert all("(data)" in first["properties"][f"answer_{n}"]["description"] for n in (1, 2, 3))
    assert set(second["properties"]) == {"answer_2", "note"}


async def test_a_form_holds_five_questions_and_the_next_call_asks_the_rest(job: Job) -> None:
    write_questions(job, ask_with(KEEP_OR_DROP))
    person = Reviewer(fill=every("keep"))
    async with waiting_run(job, "2025-11-25", person, rows=14) as (talk, run):
        again = await talk.ask("resume", run_id=run["run_id"])
        assert (again["waiting_for"], "resume" in again["next"]) == (2, True)
        assert (await talk.ask("resume", run_id=run["run_id"]))["state"] == "completed"
    assert [len(form.requested_schema["properties"]) - 1 for form in person.forms] == [5, 2]


async def test_an_answer_to_what_was_withdrawn_meanwhile_counts_for_nothing_and_the_person_is_told(
    job: Job, era: str
) -> None:
    write_questions(job, ONE_QUESTION)

    def late(_: wire.ElicitRequestFormParams) -> dict[str, Any]:
        control = ControlStore.open(job.state_dir)
        (run,) = control.runs(limit=2)
        control.withdraw_reviews(run.run_id, ["vote"], "vote was decided without it, by ann")
        return {"answer_1": "send"}

    person = Reviewer(fill=late)
    async with waiting_run(job, era, person) as (talk, run):
        again = await talk.ask("resume", run_id=run["run_id"])
    # The runner comes to the question again and so it waits again: nothing was taken for its answer.
    assert (again["state"], again["waiting_for"], len(person.forms)) == ("waiting", 1, 1)
    if (
        era == "2025-11-25"
    ):  # the later protocol looks again before it takes an answer, and has no question any more
        assert again["note"].startswith(
            "Question 1 was withdrawn (vote was decided without it, by ann): an answer to it changes nothing."
        )


async def test_a_closed_form_answers_nothing_and_names_the_command(job: Job, era: str) -> None:
    write_questions(job, ONE_QUESTION)
    async with waiting_run(job, era, Reviewer()) as (talk, run):
        still = await talk.ask("resume", run_id=run["run_id"])
    assert (still["state"], still["waiting_for"]) == ("waiting", 1)
    assert "closed" in still["reason"]
    assert f"stratum decide {run['run_id']}" in still["message"]
    assert "not you" in still["next"]


async def test_a_client_that_cannot_ask_gets_the_command_for_the_person(job: Job, era: str) -> None:
    write_questions(job, ONE_QUESTION)
    async with waiting_run(job, era, None) as (talk, run):
        assert "not you" in run["next"]
        still = await talk.ask("resume", run_id=run["run_id"])
    assert (still["state"], "cannot ask" in still["reason"]) == ("waiting", True)
    assert f"stratum decide {run['run_id']}" in still["message"]


@pytest.mark.parametrize(
    "content", [{}, {"answer_1": "burn"}, {"answer_1": True}, {"answer_1": ["send"]}, {"note": "fine"}]
)
async def test_what_does_not_fit_is_not_recorded(job: Job, era: str, content: dict[str, Any]) -> None:
    write_questions(job, ONE_QUESTION)
    async with waiting_run(job, era, Reviewer(fill=lambda _: content)) as (talk, run):
        await talk.error("resume", run_id=run["run_id"])
        with Engine(Settings.from_environment(job.environ, cwd=job.folder)) as engine:
            assert len(engine.reviews.waiting(run["run_id"])) == 1


async def test_of_several_answers_none_is_recorded_when_one_does_not_fit(job: Job) -> None:
    write_questions(job, ask_with('type: "int[1..5]"'))
    wrong = {"answer_1": 3, "answer_2": 9}
    async with waiting_run(job, "2025-11-25", Reviewer(fill=lambda _: wrong)) as (talk, run):
        assert "question 2" in await talk.error("resume", run_id=run["run_id"])
        with Engine(Settings.from_environment(job.environ, cwd=job.folder)) as engine:
            assert len(engine.reviews.waiting(run["run_id"])) == 3


@pytest.mark.parametrize("forged", ["answer", "answer_1", "decisions", "decision", "value", "answers"])
async def test_no_argument_answers(job: Job, era: str, forged: str) -> None:
    write_questions(job, ONE_QUESTION)
    async with waiting_run(job, era, Reviewer()) as (talk, run):
        for value in ("send", {"answer_1": "send"}):
            assert forged in await talk.error("resume", run_id=run["run_id"], **{forged: value})
            assert forged in await talk.error("execute", plan_id=run["plan_id"], **{forged: value})
        with Engine(Settings.from_environment(job.environ, cwd=job.folder)) as engine:
            assert len(engine.reviews.waiting(run["run_id"])) == 1


async def test_an_answer_nobody_was_asked_for_counts_for_nothing(job: Job) -> None:
    write_questions(job, ONE_QUESTION)
    async with waiting_run(job, "2026-07-28", Reviewer()) as (talk, run):
        session, arguments = talk.client.session, {"run_id": run["run_id"]}
        asked = await session.call_tool("resume", arguments, allow_input_required=True)
        assert isinstance(asked, wire.InputRequiredResult)
        (key,) = asked.input_requests or {}
        forged = wire.ElicitResult(action="accept", content={"answer_1": "send"})
        again = await session.call_tool(
            "resume", arguments, input_responses={key: forged}, allow_input_required=True
        )
        assert isinstance(again, wire.InputRequiredResult)
        with Engine(Settings.from_environment(job.environ, cwd=job.folder)) as engine:
            assert len(engine.reviews.waiting(run["run_id"])) == 1


@pytest.mark.parametrize(
    ("kind", "schema", "typed", "value"),
    [
        ("type: bool", {"type": "string", "enum": ["yes", "no"]}, "no", False),
        ('type: "int[1..5]"', {"type": "integer", "minimum": 1, "maximum": 5}, 4, 4),
        ("type: float", {"type": "number"}, 0.5, 0.5),
        ("type: float", {"type": "number"}, 2, 2),
        ("type: string", {"type": "string"}, "free words", "free words"),
        ("type: date", {"type": "string", "format": "date"}, "2026-01-31", "2026-01-31"),
        ("type: list<int>", {"type": "string"}, "[1, 2]", [1, 2]),
    ],
)
async def test_every_type_has_a_field_a_client_can_show(
    job: Job, kind: str, schema: dict[str, Any], typed: str | float, value: object
) -> None:
    write_questions(job, ask_with(kind))
    person = Reviewer(fill=every(typed))
    async with waiting_run(job, "2025-11-25", person, rows=1) as (talk, run):
        done = await talk.ask("resume", run_id=run["run_id"])
    shown = dict(person.forms[0].requested_schema["properties"]["answer_1"])
    for told in ("title", "description"):
        shown.pop(told)
    assert shown == schema
    assert (done["state"], done["result"]["votes"][0]["value"]) == ("completed", value)


async def test_a_question_of_any_length_stays_in_four_lines(job: Job) -> None:
    write_questions(job, ONE_QUESTION)
    async with waiting_run(job, "2025-11-25", None) as (_, run):
        with Engine(Settings.from_environment(job.environ, cwd=job.folder)) as engine:
            waiting = engine.reviews.waiting(run["run_id"])
    for question in ("x" * 400, f"{'z' * 40} " * 9, "many words " * 80, f"a {'y' * 200} b"):
        first = replace(waiting[0], question=question)
        lines = ask_about([first], waiting=1, command=f"stratum decide {first.run_id}").split("\n")
        assert len(lines) <= 4
        assert all(len(line) <= 76 for line in lines)
        assert lines[-1].endswith(f"stratum decide {run['run_id']}")
        for folder in ("/a" * 40, "/a" * 70):
            command = f"{folder}/stratum decide {first.run_id}"
            long = ask_about([first], waiting=1, command=command).split("\n")
            assert sum(-(-len(line) // 76) for line in long) <= 4
            assert long[-1].endswith(f"stratum decide {run['run_id']}")
    assert together(()) == ()


async def test_what_was_answered_elsewhere_meanwhile_stands(job: Job, era: str) -> None:
    write_questions(job, ONE_QUESTION)

    def beaten(_: wire.ElicitRequestFormParams) -> dict[str, Any]:
        with Engine(Settings.from_environment(job.environ, cwd=job.folder)) as engine:
            (run,) = engine.runs()
            (review,) = engine.reviews.of_run(run.run_id)
            engine.reviews.decide(review.review_id, "hold", channel="terminal")
        return {"answer_1": "send"}

    async with waiting_run(job, era, Reviewer(fill=beaten)) as (talk, run):
        done = await talk.ask("resume", run_id=run["run_id"])
    assert (done["state"], done["result"]) == ("completed", "hold")


async def test_a_waiting_run_is_resumed_by_another_server(job: Job) -> None:
    write_questions(job, ONE_QUESTION)
    async with waiting_run(job, "2025-11-25", Reviewer()) as (_, run):
        pass
    async with talking(stdio_of(job), "2025-11-25", person=Reviewer(fill=every("hold"))) as talk:
        done = await talk.ask("resume", run_id=run["run_id"])
    assert (done["state"], done["result"]) == ("completed", "hold")


async def test_a_waiting_run_can_be_cancelled(job: Job) -> None:
    write_questions(job, ONE_QUESTION)
    person = Reviewer(fill=every("send"))
    async with waiting_run(job, "2025-11-25", person) as (talk, run):
        assert (await talk.ask("cancel", run_id=run["run_id"]))["state"] == "cancelled"
        again = await talk.call("resume", run_id=run["run_id"])
        assert "cancelled" in text_of(again)
    assert person.forms == []


def test_each_part_that_a_question_shows_has_its_share_of_the_line_and_reads_as_words() -> None:
    long = json.dumps({"advice": "paid", "points": 3, "why": "x" * 90})
    parts = [
        Shown(label="topic", text='"returns"', opaque=False),
        Shown(label="customer", text='{"advice": "free"}', opaque=True),
        Shown(label="bookkeeper", text=long, opaque=False),
        Shown(label="note", text="not {json", opaque=False),
    ]
    told = shown_line(parts, 120)
    assert told.startswith(
        'topic: "returns"; customer (data): advice: free; bookkeeper: advice: paid, points: 3, why: xx'
    )
    assert told.endswith("…; note: not {json")
    assert len(told) == 120
