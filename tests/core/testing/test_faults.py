"""Faults: each stands for one answer on the wire, and the program meets it as it would meet the real one."""

from __future__ import annotations

from typing import Annotated

import pydantic
import pytest
from pydantic import BaseModel

from stratum_core import ModelRefusal, ParseFailure, TransportError, configure, contract, infer
from stratum_core.testing import (
    Fault,
    FaultyClient,
    FunctionClient,
    Message,
    ModelRequest,
    malformed_json,
    missing_usage,
    rate_limited,
    refused,
    server_error,
    timed_out,
    truncated,
)

pytestmark = pytest.mark.anyio

ASKING = ModelRequest(
    model="p/m", messages=(Message(role="user", blocks=("a",)),), output_schema={}, max_tokens=77
)


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@contract
class Tone(BaseModel):
    label: str
    confidence: Annotated[float, pydantic.Field(ge=0, le=1)]


@infer(intent="Judge the tone", model="offline", retries=1)
async def judge(text: str) -> Tone: ...


def good() -> FunctionClient:
    return FunctionClient(lambda _: {"label": "calm", "confidence": 0.9})


@pytest.mark.parametrize(
    ("fault", "status", "paid", "after"),
    [
        (rate_limited(retry_after_s=2.5), 429, "no", 2.5),
        (rate_limited(), 429, "no", None),
        (server_error(), 503, "no", None),
        (server_error(500), 500, "unknown", None),
        (timed_out(), 408, "unknown", None),
    ],
)
async def test_a_fault_without_an_answer_is_raised_and_reaches_nobody(
    fault: Fault, status: int, paid: str, after: float | None
) -> None:
    behind = good()
    client = FaultyClient(behind, [fault])
    with pytest.raises(TransportError) as raised:
        await client.complete(ASKING)
    detail = raised.value.detail
    assert (detail["status"], detail["paid"], detail.get("retry_after_s")) == (status, paid, after)
    assert (len(client.requests), behind.requests) == (1, [])
    assert (await client.complete(ASKING)).finish == "stop"


async def test_none_lets_a_request_pass_and_after_the_last_fault_all_do() -> None:
    client = FaultyClient(good(), [None, malformed_json()])
    replies = [await client.complete(ASKING) for _ in range(3)]
    assert [reply.text.startswith('{"label"') for reply in replies] == [True, False, True]


async def test_replies_are_changed_as_a_provider_would_change_them() -> None:
    client = FaultyClient(good(), [truncated(), refused(), missing_usage()])
    cut, declined, uncounted = [await client.complete(ASKING) for _ in range(3)]
    assert (cut.finish, cut.usage.output_tokens if cut.usage else 0) == ("length", 77)
    assert (declined.finish, declined.text) == ("refusal", "")
    assert uncounted.usage is None
    assert (
        await FaultyClient(FaultyClient(good(), [missing_usage()]), [truncated()]).complete(ASKING)
    ).usage is None


async def test_a_program_retries_what_can_be_retried() -> None:
    client = FaultyClient(good(), [rate_limited(retry_after_s=0), malformed_json(), None])
    with configure(client=client):
        assert (await judge("fine")).label == "calm"
    assert len(client.requests) == 3


@pytest.mark.parametrize(("fault", "error"), [(truncated(), ParseFailure), (refused(), ModelRefusal)])
async def test_a_program_fails_where_asking_again_would_not_help(
    fault: Fault, error: type[Exception]
) -> None:
    client = FaultyClient(good(), [fault])
    with configure(client=client), pytest.raises(error):
        await judge("fine")
    assert len(client.requests) == 1
