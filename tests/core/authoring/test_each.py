"""`each` and `or_none`: one call for each item, and what a failure leaves."""

from __future__ import annotations

import inspect
from types import CoroutineType

import anyio
import pytest
from pydantic import BaseModel, JsonValue

from stratum_core import (
    Budget,
    BudgetExceeded,
    ParallelValidationFailed,
    StepFailed,
    StratumCompileError,
    StratumError,
    configure,
    contract,
    debate_outcome,
    each,
    flow,
    infer,
    or_none,
)
from stratum_core.errors import ModelRefusal
from stratum_core.llm import ModelRequest
from stratum_core.testing import Answer, FunctionClient

pytestmark = pytest.mark.anyio


@infer(intent="Answer in a word.", retries=0)
async def answer(question: str) -> str: ...


def _client() -> FunctionClient:
    """Answer with the question, and decline those that are bad."""

    def reply(request: ModelRequest) -> Answer | Exception:
        text = request.messages[-1].blocks[-1]
        if "bad" in text:
            return ModelRefusal("no")
        return {"value": text.partition("question: ")[2].splitlines()[0]}

    return FunctionClient(reply)


@flow
async def dropped(questions: list[str]) -> list[str]:
    return await each((answer(question=one) for one in questions), require=0)


@flow
async def kept(questions: list[str]) -> list[str]:
    found = await each((answer(question=one) for one in questions), require=0, on_error="keep")
    return [f"{one.index} {one.ok} {one.value} {one.error is not None}" for one in found]


@flow
async def holes(questions: list[str]) -> list[str | None]:
    return await each((answer(question=one) for one in questions), require="50%", on_error="none")


async def test_results_come_in_the_order_of_the_calls_and_failures_leave_nothing() -> None:
    with configure(client=_client()):
        assert await dropped(["a", "bad", "c"]) == ["a", "c"]
        assert await dropped([]) == []


async def test_failures_leave_none_or_an_outcome_where_that_is_asked_for() -> None:
    with configure(client=_client()):
        assert await holes(["a", "bad"]) == ["a", None]
        assert await kept(["a", "bad"]) == ["0 True a False", "1 False None True"]


async def test_too_few_successes_fail_the_step() -> None:
    with configure(client=_client()):
        with pytest.raises(StepFailed, match="of 3 items succeeded, but 2 are required"):
            await holes(["bad", "bad", "c"])
        with pytest.raises(StepFailed):
            await each([answer(question="bad")])


@pytest.mark.parametrize("require", ["95 percent", -1, 1.5, True])
async def test_a_require_that_is_no_number_of_calls_is_refused(require: float) -> None:
    with pytest.raises(StratumCompileError, match="each: require"):
        await each([answer(question="a")], require=require)


@pytest.mark.parametrize("require", ["all", 1, 0.5, "50%"])
async def test_a_require_is_a_count_or_a_share(require: float | str) -> None:
    with configure(client=_client()):
        assert await each([answer(question="a")], require=require) == ["a"]


async def test_never_more_than_so_many_are_in_flight() -> None:
    flying, most = 0, 0

    async def one(number: int) -> int:
        nonlocal flying, most
        flying += 1
        most = max(most, flying)
        await anyio.lowlevel.checkpoint()
        flying -= 1
        return number

    assert await each((one(number) for number in range(20)), concurrency=3) == list(range(20))
    assert most == 3


async def test_a_false_validate_fails_and_says_so() -> None:
    with configure(client=_client()), pytest.raises(ParallelValidationFailed, match="1 calls"):
        await each([answer(question="a")], validate=lambda results: len(results) > 1)


async def test_an_error_of_the_callers_own_is_that_items_failure() -> None:
    async def broken() -> int:
        raise LookupError("gone")

    (found,) = await each([broken()], require=0, on_error="keep")
    assert not found.ok
    assert found.error is not None
    assert "LookupError: gone" in found.error


async def test_a_failed_call_gives_none_and_the_flow_goes_on() -> None:
    with configure(client=_client()):
        assert await or_none(answer(question="bad")) is None
        assert await or_none(answer(question="good")) == "good"


async def test_a_cap_that_runs_out_is_no_failure() -> None:
    @flow(budget=Budget(calls=1))
    async def capped() -> str | None:
        first = await or_none(answer(question="a"))
        second = await or_none(answer(question="b"))
        return second or first

    with configure(client=_client()), pytest.raises(BudgetExceeded):
        await capped()


@contract
class View(BaseModel):
    side: str


@infer(intent="Argue")
async def argue(topic: str, arguments: JsonValue | None) -> View: ...


@infer(intent="Conclude")
async def conclude(topic: str, arguments: JsonValue, converged: bool) -> View: ...


@pytest.mark.parametrize(("sides", "agreed"), [(["left", "left"], True), (["left", "right"], False)])
async def test_the_outcome_of_a_debate_says_whether_the_agents_agreed(
    sides: list[str], *, agreed: bool
) -> None:
    said = [*sides, "both"]
    client = FunctionClient(lambda _: {"side": said[len(client.requests) - 1]})
    with configure(client=client):
        outcome = await debate_outcome([argue, argue], "x", rounds=1, synthesize=conclude)
    assert outcome.value == View(side="both")
    assert outcome.converged is agreed


async def test_calls_that_never_started_are_closed() -> None:
    calls = [answer(question="bad"), answer(question="b"), answer(question="c")]
    with configure(client=_client()), pytest.raises(StratumError):
        await each(calls, concurrency=1)
    for call in calls:
        assert isinstance(call, CoroutineType)
        assert inspect.getcoroutinestate(call) == inspect.CORO_CLOSED
