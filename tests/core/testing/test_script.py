"""The test doubles: a script is kept to, a function answers, a clock stands still."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from stratum_core.errors import TransportError
from stratum_core.llm import Message, ModelClient, ModelReply, ModelRequest, TokenUsage
from stratum_core.testing import FrozenClock, FunctionClient, ScriptedClient, Step

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def asking(text: str, *, max_tokens: int = 100) -> ModelRequest:
    return ModelRequest(
        model="p/m", messages=(Message(role="user", blocks=(text,)),), output_schema={}, max_tokens=max_tokens
    )


async def test_bare_answers_are_given_in_order() -> None:
    async with ScriptedClient(["one", {"n": 2}]) as client:
        replies = [await client.complete(asking("a")), await client.complete(asking("b"))]
    assert [reply.text for reply in replies] == ["one", '{"n": 2}']
    assert [request.messages[0].blocks for request in client.requests] == [("a",), ("b",)]


async def test_a_matching_step_goes_before_the_next_in_order() -> None:
    def long(request: ModelRequest) -> bool:
        return request.max_tokens > 500

    steps = [Step(answer="any"), Step(when="slow", answer="matched"), Step(when=long, answer="long")]
    async with ScriptedClient(steps) as client:
        assert (await client.complete(asking("too slow"))).text == "matched"
        assert (await client.complete(asking("slow", max_tokens=600))).text == "long"
        assert (await client.complete(asking("slow"))).text == "any"


async def test_an_exception_in_the_script_is_raised() -> None:
    async with ScriptedClient([TransportError("down"), "up"]) as client:
        with pytest.raises(TransportError, match="down"):
            await client.complete(asking("a"))
        assert (await client.complete(asking("a"))).text == "up"


async def test_a_whole_reply_and_a_finish_reason_are_kept() -> None:
    reply = ModelReply(text="x", usage=None, finish="refusal", model="m")
    async with ScriptedClient([reply, Step(answer="{", finish="length")]) as client:
        assert await client.complete(asking("a")) is reply
        assert (await client.complete(asking("b"))).finish == "length"


async def test_an_unexpected_request_fails_at_once_and_again_at_the_end() -> None:
    client = ScriptedClient([Step(when="never asked", answer="x")])
    with pytest.raises(AssertionError, match="no step is left for request 1: p/m: 'hello'"):
        await client.complete(asking("hello"))
    with pytest.raises(
        AssertionError, match="unexpected request: p/m: 'hello'; unused step for 'never asked'"
    ):
        client.assert_done()


async def test_a_request_without_messages_can_be_unexpected_too() -> None:
    empty = ModelRequest(model="p/m", messages=(), output_schema={}, max_tokens=1)
    with pytest.raises(AssertionError, match="p/m: ''"):
        await ScriptedClient([]).complete(empty)


async def test_leaving_the_block_with_a_step_left_over_fails() -> None:
    with pytest.raises(AssertionError, match="unused step in order"):
        async with ScriptedClient(["left over"]):
            pass


async def test_an_error_inside_the_block_is_not_hidden_by_the_script() -> None:
    with pytest.raises(KeyError):
        async with ScriptedClient(["left over"]):
            raise KeyError


async def test_token_counts_stay_within_the_request() -> None:
    client: ModelClient = FunctionClient(lambda _: "word " * 400)
    reply = await client.complete(asking("question", max_tokens=7))
    assert reply.usage == TokenUsage(input_tokens=3, output_tokens=7)


async def test_a_function_may_answer_raise_or_give_a_whole_reply() -> None:
    reply = ModelReply(text="x", usage=None, finish="stop", model="m")

    def answer(request: ModelRequest) -> ModelReply | dict[str, str] | Exception:
        text = request.messages[0].blocks[0]
        return {"whole": reply, "fault": TransportError("down")}.get(text, {"echo": text})

    client = FunctionClient(answer)
    assert await client.complete(asking("whole")) is reply
    assert (await client.complete(asking("hi"))).text == '{"echo": "hi"}'
    with pytest.raises(TransportError):
        await client.complete(asking("fault"))
    assert len(client.requests) == 3


async def test_a_frozen_clock_moves_only_when_told() -> None:
    clock = FrozenClock(at=datetime(2026, 5, 1, tzinfo=UTC))
    clock.advance(1.5)
    await clock.sleep(58.5)
    assert (clock.monotonic_s(), clock.now()) == (60.0, datetime(2026, 5, 1, 0, 1, tzinfo=UTC))
