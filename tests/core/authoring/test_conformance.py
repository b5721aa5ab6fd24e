"""What the library promises in figures, and defects other libraries of its kind have, each tried against this one."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Annotated, Literal

import anyio
import pytest
from anyio.lowlevel import checkpoint
from pydantic import BaseModel, Field

from stratum_core import (
    AuthError,
    Budget,
    BudgetExceeded,
    PostconditionFailed,
    TransportError,
    all_records,
    clear_traces,
    configure,
    contract,
    each,
    flow,
    infer,
    opaque,
    parallel,
)
from stratum_core.exporters import OtlpSettings
from stratum_core.exporters._spans import export_request
from stratum_core.llm import TRANSPORT_RETRIES, ModelReply, ModelRequest, TokenUsage
from stratum_core.testing import FunctionClient, ScriptedClient
from stratum_core.trace import FlowRecord, TraceRecord
from tests.core.exporters._collector import parsed, spans_of
from tests.support.providers import ProviderServer, openai

pytestmark = pytest.mark.anyio

CALLS = 100


@contract
class Verdict(BaseModel):
    label: Literal["good", "bad"]
    confidence: Annotated[float, Field(ge=0, le=1)]


@infer(intent="Judge the note.", ensure=lambda result: result.confidence > 0.7, retries=4)
async def judge(note: opaque[str]) -> Verdict: ...


@infer(intent="Answer in a word.", max_tokens=100)
async def answer(question: str) -> str: ...


class Provider:
    """Answers when everything that could be in flight is, and counts what it bills, finishes and loses."""

    def __init__(self, usage: TokenUsage | None) -> None:
        self.usage = usage
        self.asked = self.finished = self.cancelled = self.most_in_flight = 0

    async def complete(self, request: ModelRequest) -> ModelReply:
        self.asked += 1
        self.most_in_flight = max(self.most_in_flight, self.asked - self.finished - self.cancelled)
        try:
            for _ in range(20):
                await checkpoint()
        except anyio.get_cancelled_exc_class():
            self.cancelled += 1
            raise
        self.finished += 1
        return ModelReply(text='{"value": "yes"}', usage=self.usage, finish="stop", model=request.model)


async def worst_usd() -> Decimal:
    """Return the most one call of `answer` can cost: a reply without counts is charged its whole reservation."""
    with configure(client=Provider(None)):
        await answer("question 000")
    (record,) = all_records()
    clear_traces()
    return record.charged_usd


@pytest.mark.parametrize("together", ["parallel", "each"])
@pytest.mark.parametrize("prompt_tokens", [1, 50])
async def test_a_hundred_calls_at_once_under_a_cap_worth_five_stay_under_it_and_lose_nothing(
    together: str, prompt_tokens: int
) -> None:
    kept: list[str] = []

    async def keep(number: int) -> None:
        kept.append(await answer(f"question {number:03}"))

    cap = 5 * await worst_usd()

    @flow(budget=Budget(usd=cap))
    async def many() -> None:
        calls = [keep(number) for number in range(CALLS)]
        await (parallel(*calls) if together == "parallel" else each(calls, concurrency=CALLS))

    provider = Provider(TokenUsage(input_tokens=prompt_tokens, output_tokens=100))
    with configure(client=provider), pytest.raises(BudgetExceeded):
        await many()
    billed = provider.asked * (prompt_tokens * Decimal("0.4") + 100 * Decimal("1.6")) / 1_000_000
    assert billed == sum(record.charged_usd for record in all_records())
    assert billed <= cap
    assert provider.most_in_flight == 5
    assert len(kept) == provider.asked == provider.finished >= 5
    assert provider.cancelled == 0


async def test_after_five_failing_attempts_the_last_prompt_is_the_first_and_the_violations() -> None:
    client = FunctionClient(lambda _: {"label": "bad", "confidence": 0.42})
    with configure(client=client), pytest.raises(PostconditionFailed):
        await judge("A note of many words. " * 200)
    sizes = [
        sum(len(block) for one in request.messages for block in one.blocks) for request in client.requests
    ]
    violations = client.requests[-1].messages[1].blocks[1]
    assert len(sizes) == 5
    assert violations.count("confidence") < 4
    assert sizes[-1] <= 1.15 * sizes[0] + len(violations)


@pytest.mark.slow
@pytest.mark.parametrize("retries", [0, 4])
async def test_one_call_under_persistent_rate_limits_is_as_many_requests_as_it_has_attempts(
    retries: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    @infer(intent="Judge the note.", retries=retries)
    async def limited(note: str) -> Verdict: ...

    async with ProviderServer(openai.rate_limited(retry_after="0")) as server:
        monkeypatch.setenv("OPENAI_API_KEY", "sk-test")
        monkeypatch.setenv("OPENAI_BASE_URL", f"{server.url}/v1")
        with pytest.raises(TransportError):
            await limited("fine")
        assert len(server.received) == 1 + TRANSPORT_RETRIES
        assert len({json.dumps(request.body, sort_keys=True) for request in server.received}) == 1
    (record,) = all_records()
    assert record.attempts_by_class == {"first": 1, "transport": TRANSPORT_RETRIES}


@pytest.mark.slow
async def test_a_key_the_provider_refuses_is_one_request_on_the_wire(monkeypatch: pytest.MonkeyPatch) -> None:
    async with ProviderServer(openai.error(401, "Incorrect API key", code="invalid_api_key")) as server:
        monkeypatch.setenv("OPENAI_API_KEY", "sk-test")
        monkeypatch.setenv("OPENAI_BASE_URL", f"{server.url}/v1")
        with pytest.raises(AuthError):
            await judge("fine")
        assert len(server.received) == 1


async def test_an_answer_that_fits_no_member_of_a_union_is_asked_for_again() -> None:
    @infer(intent="Say where it goes.", retries=1)
    async def place(note: str) -> Literal["in", "out", "nowhere"] | None: ...

    @infer(intent="Judge the note.", retries=1)
    async def perhaps(note: str) -> Verdict | None: ...

    wrong = {"value": {"label": "good"}}
    async with ScriptedClient([{"value": "up"}, {"value": "nowhere"}, wrong, {"value": None}]) as client:
        with configure(client=client):
            assert await place("fine") == "nowhere"
            assert await perhaps("fine") is None


async def test_a_client_that_was_set_answers_functions_that_name_a_model_of_their_own() -> None:
    @infer(intent="Judge.", model="anthropic/claude-haiku-4-5")
    async def elsewhere(note: str) -> str: ...

    client = FunctionClient(lambda _: {"value": "fine"})
    with configure(client=client):
        await elsewhere("a")
        await answer("b")
    assert [request.model for request in client.requests] == [
        "anthropic/claude-haiku-4-5",
        "openai/gpt-4.1-mini",
    ]


class Told:
    """A tracer that keeps everything."""

    def __init__(self) -> None:
        self.records: list[TraceRecord | FlowRecord] = []

    def call_ended(self, record: TraceRecord) -> None:
        self.records.append(record)

    def flow_ended(self, record: FlowRecord) -> None:
        self.records.append(record)


async def test_every_span_of_a_flow_but_its_root_has_a_parent_in_the_same_trace() -> None:
    @flow
    async def inner() -> str:
        return await answer("a")

    @flow
    async def outer() -> None:
        await parallel(inner(), answer("b"), answer("c"))

    tracer = Told()
    with configure(client=FunctionClient(lambda _: {"value": "yes"}), tracer=tracer):
        await outer()
    there = OtlpSettings(endpoint="http://localhost:4318/v1/traces", service_name="test", resource={})
    spans = spans_of(parsed(json.dumps(export_request(tracer.records, there)).encode()))
    (root,) = [span for span in spans if not span.parent_span_id]
    ids = {span.span_id: span for span in spans}
    (flow_inside,) = [
        span for span in spans if span.parent_span_id == root.span_id and span.name.endswith("inner")
    ]
    assert len(spans) == 5
    assert {span.trace_id for span in spans} == {root.trace_id}
    assert all(span.parent_span_id in ids for span in spans if span is not root)
    assert sorted(span.parent_span_id == flow_inside.span_id for span in spans) == [False] * 4 + [True]
