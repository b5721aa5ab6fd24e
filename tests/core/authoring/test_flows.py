"""Flows: one run of their calls, with a cap, a cache, a clock and a trace."""

from __future__ import annotations

import asyncio
from typing import Any

import anyio
import pytest

from stratum_core import (
    Budget,
    BudgetExceeded,
    ContractViolation,
    InferFunction,
    PostconditionFailed,
    RunError,
    StratumCompileError,
    all_records,
    configure,
    flow,
    infer,
    parallel,
)
from stratum_core.llm import ModelReply, ModelRequest, TokenUsage
from stratum_core.testing import Answer, FunctionClient
from stratum_core.trace import FlowRecord, TraceRecord
from tests.core.authoring._untyped import untyped

pytestmark = pytest.mark.anyio


@infer(intent="Answer in a word.", max_tokens=100)
async def answer(question: str) -> str: ...


@infer(intent="Answer in a word.", cache="session", ensure="len(result) > 0")
async def remembered(question: str) -> str: ...


def saying(text: str = "yes") -> FunctionClient:
    return FunctionClient(lambda _: {"value": text})


def costing(request: ModelRequest) -> ModelReply:
    """Answer at a price of exactly 0.00002 dollars (openai/gpt-4.1-mini)."""
    return ModelReply(
        text='{"value": "yes"}',
        usage=TokenUsage(input_tokens=10, output_tokens=10),
        finish="stop",
        model=request.model,
    )


class Flows:
    """A tracer that keeps what it is told of flows."""

    def __init__(self) -> None:
        self.records: list[FlowRecord] = []
        self.calls: list[TraceRecord] = []

    def call_ended(self, record: TraceRecord) -> None:
        self.calls.append(record)

    def flow_ended(self, record: FlowRecord) -> None:
        self.records.append(record)


async def test_a_bare_decorator_is_enough() -> None:
    @flow
    async def whole(question: str) -> str:
        return await answer(question)

    with configure(client=saying()):
        assert await whole("is it?") == "yes"
    assert all_records()[0].flow is not None
    assert repr(whole).startswith("<flow whole (")


def test_a_flow_that_is_not_async_is_refused() -> None:
    def plain(question: str) -> str:
        return question

    with pytest.raises(StratumCompileError, match="not async"):
        untyped(flow)(plain)


async def test_all_calls_of_a_flow_draw_on_its_budget() -> None:
    @flow(budget=Budget(calls=2))
    async def thrice() -> None:
        for question in "abc":
            await answer(question)

    client = saying()
    with configure(client=client), pytest.raises(BudgetExceeded) as caught:
        await thrice()
    assert len(client.requests) == 2
    assert caught.value.detail["scope"] == "flow `thrice`"


async def test_a_function_with_a_budget_of_its_own_charges_the_flow_too() -> None:
    @infer(intent="Answer.", budget=Budget(calls=5))
    async def own(question: str) -> str: ...

    @flow(budget=Budget(calls=1))
    async def twice() -> str:
        await own("a")
        return await own("b")

    with configure(client=saying()), pytest.raises(BudgetExceeded, match="flow `twice`"):
        await twice()


async def test_a_flow_inside_a_flow_is_held_to_both_budgets() -> None:
    @flow(budget=Budget(calls=1))
    async def inner(text: str) -> str:
        await answer(text)
        return await answer(text + "!")

    @flow(budget=Budget(calls=2))
    async def outer() -> str:
        with pytest.raises(BudgetExceeded, match="inner"):
            await inner("a")
        await answer("b")
        return await answer("c")

    client = saying()
    with configure(client=client), pytest.raises(BudgetExceeded, match="flow `outer`"):
        await outer()
    assert len(client.requests) == 2


async def test_branches_together_never_reserve_more_than_the_cap() -> None:
    @flow(budget=Budget(usd="0.0005"))
    async def many() -> list[str]:
        return [*await parallel(*[answer(f"question {number}") for number in range(50)])]

    client = FunctionClient(costing)
    with configure(client=client), pytest.raises(BudgetExceeded):
        await many()
    assert sum(record.charged_usd for record in all_records()) <= 500 / 1_000_000
    assert 0 < len(client.requests) < 50


async def test_the_time_of_a_flow_cancels_what_is_in_flight() -> None:
    cancelled: list[bool] = []

    class Never:
        async def complete(self, request: ModelRequest) -> ModelReply:
            try:
                await anyio.sleep_forever()
            finally:
                cancelled.append(True)
            raise AssertionError(request)

    @flow(budget=Budget(ms=20))
    async def hurried() -> str:
        return await answer("a")

    with configure(client=Never()), pytest.raises(BudgetExceeded, match="20 ms"):
        await hurried()
    assert cancelled == [True]


async def test_equal_calls_of_a_flow_share_an_answer_and_other_flows_do_not() -> None:
    @flow
    async def twice() -> list[str]:
        return [*await parallel(remembered("a"), remembered("a"))]

    client = saying()
    with configure(client=client):
        await twice()
        assert len(client.requests) == 1
        await twice()
    assert len(client.requests) == 2
    assert [record.cache_hit for record in all_records()].count(True) == 2


async def test_another_input_intent_or_model_is_another_question_to_the_cache() -> None:
    def variant(intent: str, model: str) -> InferFunction[[str], str]:
        @infer(intent=intent, model=model, cache="session")
        async def same_name(question: str) -> str: ...

        return same_name

    small, large = "openai/gpt-4.1-mini", "openai/gpt-4.1"
    asking = [variant("Answer.", small), variant("Answer well.", small), variant("Answer.", large)]

    @flow
    async def many() -> None:
        for ask in (*asking, asking[0]):
            for question in "ab":
                await ask(question)

    client = saying()
    with configure(client=client):
        await many()
    assert len(client.requests) == 6


async def test_answers_of_the_global_cache_outlive_the_flow_and_satisfy_ensure_again(
    tmp_path: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STRATUM_STATE_DIR", f"{tmp_path}/state")

    @infer(intent="Answer.", cache="global")
    async def shared(question: str) -> str: ...

    client = saying()
    with configure(client=client):
        assert await shared("a") == "yes"
        assert await shared("a") == "yes"
    assert len(client.requests) == 1


async def test_the_result_of_a_flow_is_checked() -> None:
    @flow
    async def wrong(text: str) -> int:
        found: Any = text
        return found

    with pytest.raises(ContractViolation, match="the result of flow `wrong`"):
        await wrong("a")


async def test_arguments_of_a_flow_are_bound_before_it_starts() -> None:
    @flow
    async def whole(question: str, times: int = 1) -> str:
        return question * times

    with pytest.raises(TypeError, match="whole"):
        untyped(whole)()
    with pytest.raises(ContractViolation, match="times"):
        untyped(whole)("a", times="b")
    assert await whole("a", times=2) == "aa"


async def test_what_the_code_of_a_flow_raises_is_raised_as_it_is() -> None:
    @flow
    async def broken() -> str:
        raise LookupError("mine")

    tracer = Flows()
    with configure(tracer=tracer), pytest.raises(LookupError, match="mine"):
        await broken()
    assert (tracer.records[0].state, tracer.records[0].error_code) == ("failed", "LookupError")


async def test_a_tracer_is_told_of_calls_and_then_of_their_flows_inner_ones_first() -> None:
    @flow
    async def inner() -> str:
        return await answer("a")

    @flow
    async def outer() -> str:
        return await inner()

    tracer = Flows()
    with configure(client=FunctionClient(costing), tracer=tracer):
        await outer()
    first, second = tracer.records
    assert [first.scope.name, second.scope.name] == ["inner", "outer"]
    assert first.scope.parent == second.scope
    assert tracer.calls[0].flow == first.scope
    assert first.scope.flow_id == second.scope.flow_id
    assert second.charged_nusd == 20_000


async def test_a_cancelled_flow_is_told_of_too_and_cancels_its_calls() -> None:
    class Never:
        async def complete(self, request: ModelRequest) -> ModelReply:
            await anyio.sleep_forever()
            raise AssertionError(request)

    @flow
    async def whole() -> str:
        return await answer("a")

    tracer = Flows()
    with configure(client=Never(), tracer=tracer), anyio.move_on_after(0.02):
        await whole()
    assert (tracer.records[0].state, tracer.calls[0].error_code) == ("interrupted", "cancelled")


async def test_a_call_outlives_its_flow_only_as_an_error() -> None:
    started = asyncio.Event()
    left: list[asyncio.Task[str]] = []

    async def straggler() -> str:
        await started.wait()
        return await answer("late")

    @flow
    async def careless() -> None:
        left.append(asyncio.get_running_loop().create_task(straggler()))

    client = saying()
    with configure(client=client):
        await careless()
        started.set()
        with pytest.raises(RunError, match="has ended"):
            await left[0]
    assert client.requests == []


async def test_flows_at_the_same_time_share_nothing() -> None:
    @flow(budget=Budget(calls=1))
    async def once(question: str) -> str:
        return await remembered(question)

    client = saying()
    with configure(client=client):
        assert await asyncio.gather(*[once("same") for _ in range(5)]) == ["yes"] * 5
    assert len(client.requests) == 5
    assert len({record.flow_id for record in all_records()}) == 5


async def test_settings_hold_for_a_flow_from_its_start() -> None:
    first, second = saying("first"), saying("second")

    @flow
    async def switching() -> list[str]:
        before = await answer("a")
        configure(client=second)
        return [before, await answer("b")]

    with configure(client=first):
        assert await switching() == ["first", "first"]
        assert await answer("c") == "second"


async def test_a_provider_that_counts_more_than_was_reserved_ends_the_flow() -> None:
    def overrun(request: ModelRequest) -> Answer:
        usage = TokenUsage(input_tokens=1_000_000, output_tokens=10)
        return ModelReply(text='{"value": "yes"}', usage=usage, finish="stop", model=request.model)

    @flow(budget=Budget(usd=100))
    async def twice() -> str:
        await answer("a")
        return await answer("b")

    client = FunctionClient(overrun)
    with configure(client=client), pytest.raises(BudgetExceeded, match="counted more"):
        await twice()
    assert len(client.requests) == 1


async def test_a_provider_that_counts_more_ends_a_call_that_would_ask_again() -> None:
    def overrun(request: ModelRequest) -> Answer:
        usage = TokenUsage(input_tokens=1_000_000, output_tokens=10)
        return ModelReply(text="no json", usage=usage, finish="stop", model=request.model)

    client = FunctionClient(overrun)
    with configure(client=client), pytest.raises(BudgetExceeded, match="counted more"):
        await answer("a")
    assert len(client.requests) == 1


async def test_a_failed_ensure_leaves_its_cost_with_the_flow() -> None:
    @infer(intent="Answer.", ensure="len(result) > 10", retries=0)
    async def long(question: str) -> str: ...

    @flow
    async def tolerant() -> str:
        with pytest.raises(PostconditionFailed):
            await long("a")
        return "fine"

    tracer = Flows()
    with configure(client=FunctionClient(costing), tracer=tracer):
        await tolerant()
    assert tracer.records[0].charged_nusd == 20_000
