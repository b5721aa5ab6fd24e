"""Calls that run together: what they need of each other, and what is left of those nobody needs."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import anyio
import pytest
from pydantic import BaseModel, JsonValue

from stratum_core import (
    Budget,
    BudgetExceeded,
    Failure,
    ModelRefusal,
    ParallelValidationFailed,
    StepFailed,
    StratumCompileError,
    Success,
    all_records,
    compute,
    configure,
    contract,
    debate,
    flow,
    infer,
    parallel,
    race,
)
from stratum_core.llm import ModelReply, ModelRequest
from stratum_core.testing import Answer, FunctionClient, as_reply
from tests.core.authoring._untyped import untyped

pytestmark = pytest.mark.anyio


@infer(intent="Answer in a word.", max_tokens=100)
async def answer(question: str) -> str: ...


def asked(request: ModelRequest) -> str:
    return request.messages[1].blocks[0].removeprefix("question: ")


def echo(request: ModelRequest) -> Answer:
    """Answer with the question; refuse where it says so."""
    question = asked(request)
    if question.startswith("bad"):
        return ModelRefusal(f"no answer to {question}", detail={"paid": "no"})
    return {"value": question}


@dataclass
class Slow:
    """A client that holds questions which start with "slow" for ever, and tells when it has them."""

    holding: anyio.Event = field(default_factory=anyio.Event)
    cancelled: list[str] = field(default_factory=list[str])

    async def complete(self, request: ModelRequest) -> ModelReply:
        question = asked(request)
        if question.startswith("slow"):
            self.holding.set()
            try:
                await anyio.sleep_forever()
            finally:
                self.cancelled.append(question)
        else:
            await self.holding.wait()
        said = echo(request)
        if isinstance(said, Exception):
            raise said
        assert not isinstance(said, ModelReply)
        return as_reply(request, said, "stop")


async def test_all_values_come_in_the_order_of_the_calls() -> None:
    @compute
    def length(text: str) -> int:
        return len(text)

    with configure(client=FunctionClient(echo)):
        assert list(await parallel(answer("a"), length("four"), answer("c"))) == ["a", 4, "c"]


@pytest.mark.parametrize(
    ("group", "said"),
    [
        (lambda: untyped(parallel)(answer("a"), [answer("b")]), r"write parallel\(\*calls\)"),
        (lambda: untyped(race)([answer("a"), answer("b")]), r"write race\(\*calls\)"),
        (
            lambda: untyped(parallel)(answer("a"), answer),
            r"parallel\(judge\(text\), \.\.\.\), not <infer answer",
        ),
    ],
)
async def test_what_is_no_call_is_refused_before_anything_is_sent(
    group: Callable[[], Awaitable[object]], said: str
) -> None:
    client = FunctionClient(echo)
    with configure(client=client), pytest.raises(TypeError, match=said):
        await group()
    assert client.requests == []


async def test_nothing_to_do_is_done() -> None:
    none: list[Awaitable[str]] = []
    assert await parallel(*none) == []


async def test_with_all_required_the_first_failure_cancels_the_others_and_is_raised() -> None:
    client = Slow()
    with configure(client=client), pytest.raises(ModelRefusal, match="bad one"):
        await parallel(answer("slow"), answer("bad one"))
    assert client.cancelled == ["slow"]


async def test_any_gives_the_value_of_one() -> None:
    with configure(client=FunctionClient(echo)):
        assert await parallel(answer("bad"), answer("good"), require="any") == "good"


async def test_any_fails_when_none_succeeds_and_says_why() -> None:
    with configure(client=FunctionClient(echo)), pytest.raises(StepFailed, match="no answer to bad 1"):
        await parallel(answer("bad 1"), answer("bad 2"), require="any")


async def test_a_number_gives_so_many_values_and_cancels_the_rest() -> None:
    client = Slow()
    with configure(client=client):
        assert await parallel(answer("slow"), answer("a"), answer("b"), require=2) == ["a", "b"]
    assert client.cancelled == ["slow"]


async def test_zero_gives_an_outcome_for_each_call() -> None:
    async def mine() -> str:
        raise LookupError("mine")

    with configure(client=FunctionClient(echo)):
        good, bad, own = await parallel(answer("a"), answer("bad"), mine(), require=0)
    assert good == Success("a")
    assert isinstance(bad, Failure)
    assert isinstance(bad.error, ModelRefusal)
    assert isinstance(own, Failure)
    assert isinstance(own.error, LookupError)


async def test_what_any_awaitable_raises_comes_out_as_it_is() -> None:
    async def mine() -> str:
        raise LookupError("mine")

    with pytest.raises(LookupError, match="mine"):
        await parallel(mine(), mine())


async def test_a_false_validate_fails_the_call() -> None:
    with configure(client=FunctionClient(echo)):
        with pytest.raises(ParallelValidationFailed):
            await parallel(answer("a"), answer("b"), validate=lambda both: both[0] == both[1])
        same = await parallel(answer("a"), answer("a"), validate=lambda both: both[0] == both[1])
    assert list(same) == ["a", "a"]


@pytest.mark.parametrize("require", [3, -1, "some", True])
async def test_a_number_there_is_not_is_refused_and_no_call_is_left_unawaited(require: object) -> None:
    with pytest.raises(ValueError, match="require"):
        await untyped(parallel)(answer("a"), answer("b"), require=require)


async def test_concurrency_bounds_what_is_in_flight() -> None:
    most = now = 0

    async def count() -> None:
        nonlocal most, now
        now += 1
        most = max(most, now)
        await anyio.lowlevel.checkpoint()
        now -= 1

    await parallel(*[count() for _ in range(10)], concurrency=3)
    assert most == 3


async def test_a_race_gives_the_first_value_and_counts_what_the_losers_cost() -> None:
    tallied: list[int] = []

    class Charges:
        def call_ended(self, record: object) -> None: ...
        def flow_ended(self, record: Any) -> None:  # noqa: ANN401 - any record will do
            tallied.append(record.charged_nusd)

    @flow
    async def fastest() -> str:
        return await race(answer("slow"), answer("quick"))

    client = Slow()
    with configure(client=client, tracer=Charges()):
        assert await fastest() == "quick"
    loser = next(record for record in all_records() if record.error_code == "cancelled")
    assert client.cancelled == ["slow"]
    assert loser.attempts[0].charged_nusd > 0
    assert tallied[0] == sum(attempt.charged_nusd for one in all_records() for attempt in one.attempts)


async def test_calls_inside_a_call_that_was_never_started_are_closed_with_it() -> None:
    async def at_once() -> str:
        return "first"

    with configure(client=FunctionClient(echo)):
        won = await race(at_once(), parallel(answer("a"), answer("b"), require="any"))
    gc.collect()  # a call nobody awaited would warn here, and warnings are errors
    assert won == "first"


async def test_a_race_nobody_wins_fails() -> None:
    with configure(client=FunctionClient(echo)), pytest.raises(StepFailed):
        await race(answer("bad 1"), answer("bad 2"))


async def test_cancelling_from_outside_cancels_every_call() -> None:
    client = Slow()

    @flow
    async def whole() -> list[str]:
        return await parallel(*[answer(f"slow {number}") for number in (1, 2)])

    with configure(client=client):
        task = asyncio.get_running_loop().create_task(whole())
        await client.holding.wait()
        await anyio.lowlevel.checkpoint()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert sorted(client.cancelled) == ["slow 1", "slow 2"]


async def test_a_cap_around_the_calls_ends_them_all() -> None:
    @flow(budget=Budget(calls=2))
    async def whole() -> int:
        return len(await parallel(*[answer(f"q{number}") for number in range(5)], require=0))

    with configure(client=FunctionClient(echo)), pytest.raises(BudgetExceeded):
        await whole()


async def test_calls_of_a_branch_stand_inside_it_wherever_they_run() -> None:
    async def two(first: str, second: str) -> None:
        await answer(first)
        await answer(second)

    @flow
    async def whole() -> None:
        await parallel(two("a", "same"), two("b", "same"))

    with configure(client=FunctionClient(echo)):
        await whole()
    paths = {record.path for record in all_records()}
    assert len(paths) == 4
    assert all(
        path.startswith(("whole/parallel#0/0/answer@", "whole/parallel#0/1/answer@")) for path in paths
    )


@contract
class Position(BaseModel):
    stance: str
    reason: str


@contract
class Verdict(BaseModel):
    decision: str
    converged: bool


@contract
class Bare(BaseModel):
    decision: str


@infer(intent="Argue for it.")
async def optimist(topic: str, arguments: JsonValue) -> Position: ...
@infer(intent="Argue against it.")
async def pessimist(topic: str, arguments: JsonValue) -> Position: ...
@infer(intent="Conclude.")
async def conclude(topic: str, arguments: JsonValue, converged: bool) -> Verdict: ...
@infer(intent="Conclude.")
async def conclude_bare(topic: str, arguments: JsonValue, converged: bool) -> Bare: ...


@dataclass
class Debaters:
    """Answers of a debate: the pessimist gives in when they have heard an argument."""

    stubborn: bool = False
    requests: list[ModelRequest] = field(default_factory=list[ModelRequest])

    async def complete(self, request: ModelRequest) -> ModelReply:
        self.requests.append(request)
        task, said = request.messages[0].blocks[0], request.messages[1].blocks[0]
        if task == "Conclude.":
            return as_reply(request, {"decision": "go", "converged": False}, "stop")
        yes = task == "Argue for it." or ('"round":1' in said and not self.stubborn)
        return as_reply(request, {"stance": "yes" if yes else "no", "reason": task}, "stop")


async def test_a_debate_ends_as_soon_as_the_agents_agree_and_says_so() -> None:
    client = Debaters()
    with configure(client=client):
        verdict = await debate(
            [optimist, pessimist], "ship it?", rounds=5, synthesize=conclude, agree_on="stance"
        )
    assert verdict == Verdict(decision="go", converged=True)
    assert len(client.requests) == 5
    assert "converged: true" in client.requests[-1].messages[1].blocks[0]


async def test_without_agreement_the_synthesizer_is_told_so() -> None:
    with configure(client=Debaters(stubborn=True)):
        verdict = await debate([optimist, pessimist], "ship it?", rounds=2, synthesize=conclude)
    assert not verdict.converged


async def test_a_conclusion_without_the_field_is_left_as_it_is() -> None:
    class Plain(Debaters):
        async def complete(self, request: ModelRequest) -> ModelReply:
            if request.messages[0].blocks[0] == "Conclude.":
                return as_reply(request, {"decision": "go"}, "stop")
            return await super().complete(request)

    with configure(client=Plain()):
        verdict = await debate([optimist, optimist], "ship it?", synthesize=conclude_bare)
    assert verdict == Bare(decision="go")


async def test_agents_that_do_not_agree_can_fail_the_debate() -> None:
    with configure(client=Debaters(stubborn=True)), pytest.raises(StepFailed, match="did not agree"):
        await debate([optimist, pessimist], "ship it?", synthesize=conclude, unresolved="fail")


async def test_two_agents_of_the_same_name_are_two_agents() -> None:
    def another(intent: str) -> Any:  # noqa: ANN401 - a function like those above
        @infer(intent=intent)
        async def agent(topic: str, arguments: JsonValue) -> Position: ...

        return agent

    client = Debaters()
    with configure(client=client):
        await debate(
            [another("Argue for it."), another("Argue against it.")], "x", rounds=1, synthesize=conclude
        )
    assert {request.messages[0].blocks[0] for request in client.requests[:2]} == {
        "Argue for it.",
        "Argue against it.",
    }


@infer(intent="Argue.", stable=False)
async def wavering(topic: str, arguments: JsonValue) -> Position: ...
@infer(intent="Conclude.")
async def terse(topic: str, arguments: JsonValue, converged: bool) -> str: ...


@pytest.mark.parametrize(
    ("agents", "synthesizer", "rounds", "agree_on", "message"),
    [
        ([optimist], conclude, 2, None, "1 agents"),
        ([optimist, pessimist], conclude, 9, None, "9 rounds"),
        ([optimist, answer], conclude, 2, None, "takes question"),
        ([optimist, wavering], conclude, 2, None, "gives samples"),
        ([optimist, pessimist], terse, 2, None, "does not return a contract"),
        ([optimist, pessimist], conclude, 2, "mood", "mood"),
    ],
)
async def test_functions_a_debate_cannot_be_held_with_are_refused(
    agents: list[object],
    synthesizer: object,
    rounds: int,
    agree_on: str | None,
    message: str,
) -> None:
    with pytest.raises(StratumCompileError, match=message):
        await untyped(debate)(agents, "x", rounds=rounds, synthesize=synthesizer, agree_on=agree_on)
