"""Durable flows with tasks of their own: in which order these come by does not matter to what is on record."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from datetime import date
from enum import Enum
from pathlib import Path
from typing import Literal

import anyio
import pytest
from pydantic import BaseModel, JsonValue

from stratum_core import (
    HumanReviewContext,
    JournalError,
    PendingReview,
    ReviewSink,
    await_human,
    configure,
    contract,
    debate,
    each,
    flow,
    infer,
    opaque,
    parallel,
    race,
)
from stratum_core.authoring._identity import identity_of
from stratum_core.authoring._session import current_session
from stratum_core.llm import ModelClient, ModelReply, ModelRequest
from stratum_core.testing import FunctionClient

pytestmark = pytest.mark.anyio


@contract
class Note(BaseModel):
    text: str


@infer(intent="Answer in a word.")
async def answer(note: Note) -> str: ...


@infer(intent="Argue.")
async def argue(topic: str, arguments: JsonValue) -> Note: ...


@infer(intent="Conclude.")
async def conclude(topic: str, arguments: JsonValue, converged: bool) -> Note: ...


class Inbox(ReviewSink):
    """Says yes to the question of the first task, and counts."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    async def emit(self, review: PendingReview) -> None:
        self.asked.append(review.context.question)
        self.resolve(review.review_id, "yes" if "0" in review.context.question else "no", reviewer="ann")


async def first_of_two(number: int) -> object:
    return await race(answer(Note(text=f"a{number}")), answer(Note(text=f"b{number}")))


async def both(number: int) -> object:
    return await parallel(answer(Note(text=f"a{number}")), answer(note=Note(text=f"b{number}")))


async def helpers(number: int) -> object:
    return await parallel(first_of_two(number), both(number))


async def mapped(number: int) -> object:
    return await each(answer(Note(text=f"{letter}{number}")) for letter in "ab")


async def argued(number: int) -> object:
    return await debate([argue, argue], f"topic {number}", rounds=1, synthesize=conclude)


async def asked(number: int) -> object:
    context = HumanReviewContext(question="Go on?", artifacts={"number": number})
    first = await await_human(context, Literal["yes", "no"], options=["yes", "no"])
    return first.value, (await await_human(f"And {number}?", Literal["yes", "no"])).value


class Interrupted(Exception):
    pass


@pytest.mark.parametrize("part", [first_of_two, both, helpers, mapped, argued, asked])
async def test_tasks_that_come_by_in_another_order_find_what_they_paid_for(
    part: Callable[[int], Awaitable[object]], tmp_path: Path
) -> None:
    """The second run starts the tasks the other way round, as timing may."""

    async def both_tasks(first: int) -> list[object]:
        """Let the second task begin when the first is through."""
        through = anyio.Event()

        async def task(number: int) -> object:
            if number != first:
                await through.wait()
            found = await part(number)
            through.set()
            return found

        async with asyncio.TaskGroup() as tasks:
            started = [tasks.create_task(task(number)) for number in range(2)]
        return [one.result() for one in started]

    found: list[list[object]] = []

    @flow
    async def whole() -> str:
        found.append(await both_tasks(first=len(found)))
        if len(found) == 1:
            raise Interrupted
        return "done"

    client, inbox = FunctionClient(_echo), Inbox()
    durable = whole.durable(tmp_path, run_id="tasks")
    with configure(client=client, review_sink=inbox):
        with pytest.raises(Interrupted):
            await durable()
        paid, questions = len(client.requests), len(inbox.asked)
        assert await durable() == "done"
    assert (found[0], len(client.requests), len(inbox.asked)) == (found[1], paid, questions)
    assert paid + questions > 0


def _echo(request: object) -> dict[str, str]:
    return {"text": "so"} if "Argue" in str(request) or "Conclude" in str(request) else {"value": "so"}


async def test_a_group_in_the_flows_own_task_keeps_its_place_when_one_of_its_calls_changes(
    tmp_path: Path,
) -> None:
    letters = ["a"]

    @flow
    async def whole() -> str:
        await parallel(answer(Note(text="fixed")), answer(Note(text=letters[-1])))
        if letters == ["a"]:
            raise Interrupted
        return "done"

    client = FunctionClient(_echo)
    durable = whole.durable(tmp_path, run_id="group")
    with configure(client=client):
        with pytest.raises(Interrupted):
            await durable()
        letters.append("b")
        await durable()
    assert ["fixed" in str(request) for request in client.requests].count(True) == 1
    assert len(client.requests) == 3


class Unhurried(ModelClient):
    """Answers when it is told to."""

    def __init__(self) -> None:
        self.asked = anyio.Event()
        self.may_answer = anyio.Event()

    async def complete(self, request: ModelRequest) -> ModelReply:
        self.asked.set()
        await self.may_answer.wait()
        return await FunctionClient(_echo).complete(request)


class Shelf(ReviewSink):
    """Keeps its one question."""

    def __init__(self) -> None:
        self.asked = anyio.Event()

    async def emit(self, review: PendingReview) -> None:
        self.asked.set()


@pytest.mark.parametrize("part", [first_of_two, both, helpers, mapped, argued, asked])
async def test_a_task_that_outlives_its_durable_flow_is_told_what_it_did_and_what_to_write(
    part: Callable[[int], Coroutine[object, object, object]], tmp_path: Path
) -> None:
    client, shelf = Unhurried(), Shelf()
    started: list[asyncio.Task[object]] = []

    @flow
    async def leaky() -> str:
        started.append(asyncio.create_task(part(0)))
        await (shelf if part is asked else client).asked.wait()
        return "done"

    with configure(client=client, review_sink=shelf):
        with anyio.fail_after(5):
            assert await leaky.durable(tmp_path, run_id="nightly")() == "done"
            client.may_answer.set()
            for review in shelf.pending:
                shelf.resolve(review.review_id, "yes")
            with pytest.raises(JournalError) as caught:
                await started[0]
    assert caught.value.message == (
        "flow `leaky` has ended and the record of run nightly is closed, but a task it started was still at work; "
        "what that task had asked a model counts as possibly paid"
    )
    assert caught.value.remedy == "await the tasks of a flow before it returns; `parallel` does"
    assert caught.value.detail == {"run_id": "nightly"}


async def test_a_record_that_fails_while_its_flow_runs_says_so_itself(tmp_path: Path) -> None:
    """Only a flow that has ended is told of tasks it left behind."""

    @flow
    async def whole() -> str:
        session = current_session()
        assert session is not None
        await session.context.journal.close()
        return await answer(Note(text="a"))

    with (
        configure(client=FunctionClient(_echo)),
        pytest.raises(JournalError, match="the journal of nightly is closed"),
    ):
        await whole.durable(tmp_path, run_id="nightly")()


class Tone(Enum):
    GOOD = "good"


@dataclass
class Pair:
    left: object
    right: opaque[str]


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (lambda: answer(Note(text="a")), lambda: answer(Note(text="a")), True),
        (lambda: answer(Note(text="a")), lambda: answer(Note(text="b")), False),
        (lambda: both(1), lambda: both(1), True),
        (lambda: both(1), lambda: both(2), False),
        (lambda: both(1), lambda: mapped(1), False),
        (lambda: Pair(Tone.GOOD, "x"), lambda: Pair(Tone.GOOD, "x"), True),
        (lambda: Pair(date(2026, 1, 1), "x"), lambda: Pair(date(2026, 1, 2), "x"), False),
        (lambda: {"a": (1, 0.5, b"x", None)}, lambda: {"a": [1, 0.5, b"x", None]}, True),
        (lambda: {"a": 0.5}, lambda: {"a": "0.5"}, False),
        (object, object, True),
        (lambda: answer, lambda: argue, False),
        (lambda: Pair, lambda: Note, False),
    ],
)
async def test_calls_are_told_apart_by_what_they_ask(
    one: Callable[[], object], other: Callable[[], object], same: bool
) -> None:
    values = (one(), other())
    first, second = map(identity_of, values)
    for value in values:
        if isinstance(value, Coroutine):
            value.close()
    assert (first == second) is same


async def test_data_that_holds_itself_and_calls_that_run_are_only_their_kind() -> None:
    endless: list[object] = []
    endless.append(endless)
    running: list[object] = []

    async def sees_itself(number: int) -> None:
        running.append(identity_of(whole))
        assert number == 1

    whole = sees_itself(1)
    await whole
    assert "list" in str(identity_of(endless))
    assert running[0] == [sees_itself.__qualname__, None]
