"""The litellm client against loopback providers: real litellm, real sockets, counted requests."""

from __future__ import annotations

import pickle
import sys
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace

import anyio
import pytest

from stratum_core.contracts import JsonValue
from stratum_core.errors import (
    AuthError,
    BadRequestError,
    ModelError,
    ModelRefusal,
    QuotaError,
    TransportError,
)
from stratum_core.llm import LitellmClient, Message, ModelRequest, TokenUsage
from tests.support.providers import Answer, ProviderServer, Reaction, anthropic, faults, gemini, openai

pytestmark = [pytest.mark.anyio, pytest.mark.slow]

KEY = "sk-test-0123456789abcdef"
GPT = "openai/gpt-4.1-mini"
CLAUDE = "anthropic/claude-haiku-4-5"
SCHEMA: Mapping[str, JsonValue] = {
    "type": "object",
    "properties": {
        "tone": {"enum": ["good", "bad"]},
        "note": {"anyOf": [{"type": "string", "minLength": 3}, {"type": "null"}]},
    },
    "required": ["tone"],
    "additionalProperties": False,
}
MAP_SCHEMA: Mapping[str, JsonValue] = {
    "type": "object",
    "properties": {"counts": {"type": "object", "additionalProperties": {"type": "integer"}}},
    "required": ["counts"],
    "additionalProperties": False,
}


def request(model: str, **changes: object) -> ModelRequest:
    parts: dict[str, object] = {
        "model": model,
        "messages": (
            Message(role="system", blocks=("Judge the tone.",)),
            Message(role="user", blocks=("text: fine", "Your previous answer was not accepted")),
        ),
        "output_schema": SCHEMA,
        "max_tokens": 64,
        "temperature": 0.5,
        "idempotency_key": "run1/step#0",
        "timeout_s": 20.0,
    }
    return ModelRequest(**{**parts, **changes})  # pyright: ignore[reportArgumentType]


@pytest.fixture(scope="module", autouse=True)
async def close_connections() -> AsyncIterator[None]:
    client = LitellmClient({})
    await client.warm()
    yield
    await client.aclose()


def client_of(server: ProviderServer) -> LitellmClient:
    return LitellmClient(
        dict.fromkeys(
            (
                "OPENAI_API_KEY",
                "ANTHROPIC_API_KEY",
                "DEEPSEEK_API_KEY",
                "GEMINI_API_KEY",
                "GROQ_API_KEY",
                "MISTRAL_API_KEY",
            ),
            KEY,
        ),
        api_bases={
            "openai": f"{server.url}/v1",
            "deepseek": f"{server.url}/v1",
            "anthropic": server.url,
            "gemini": server.url,
            "groq": f"{server.url}/v1",
            "mistral": f"{server.url}/v1",
        },
    )


async def failure(model: str, reaction: Reaction, **changes: object) -> ModelError:
    """Make one call that fails, and return its error; the call must have been one request."""
    async with ProviderServer(reaction) as server:
        with pytest.raises(ModelError) as caught:
            await client_of(server).complete(request(model, **changes))
        assert len(server.received) == 1
    assert KEY not in repr(caught.value) + str(caught.value.detail)
    assert caught.value.__cause__ is None
    assert pickle.loads(pickle.dumps(caught.value)).detail == caught.value.detail  # noqa: S301 - our own error
    return caught.value


async def test_an_openai_call_is_one_request_with_the_strict_projected_schema() -> None:
    async with ProviderServer(openai.completion('{"tone":"good","note":null}')) as server:
        reply = await client_of(server).complete(request(GPT))
        [sent] = server.received
    assert (sent.method, sent.path) == ("POST", "/v1/chat/completions")
    assert sent.headers["authorization"] == f"Bearer {KEY}"
    assert sent.headers["idempotency-key"] == "run1/step#0"
    assert sent.body == {
        "model": "gpt-4.1-mini",
        "max_tokens": 64,
        "temperature": 0.5,
        "messages": [
            {"role": "system", "content": [{"type": "text", "text": "Judge the tone."}]},
            {
                "role": "user",
                "content": [
                    {"type": "text", "text": "text: fine"},
                    {"type": "text", "text": "\n\nYour previous answer was not accepted"},
                ],
            },
        ],
        "response_format": {
            "type": "json_schema",
            "json_schema": {
                "name": "answer",
                "strict": True,
                "schema": {
                    "type": "object",
                    "properties": {
                        "tone": {"type": "string", "enum": ["good", "bad"]},
                        "note": {
                            "anyOf": [
                                {"type": "string", "description": "At least 3 characters"},
                                {"type": "null"},
                            ],
                        },
                    },
                    "required": ["tone", "note"],
                    "additionalProperties": False,
                },
            },
        },
    }
    assert reply.text == '{"tone":"good","note":null}'
    assert reply.usage == TokenUsage(input_tokens=100, output_tokens=20, cache_read_tokens=40)
    assert (reply.finish, reply.enforcement, reply.simulated) == ("stop", "strict", False)
    assert reply.model == "gpt-4.1-mini-2025-04-14"


async def test_what_a_request_leaves_open_is_not_sent() -> None:
    async with ProviderServer(openai.completion("{}")) as server:
        await client_of(server).complete(request(GPT, temperature=None, idempotency_key=""))
        [sent] = server.received
    assert "temperature" not in sent.body
    assert "idempotency-key" not in sent.headers


async def test_a_client_that_was_never_used_closes_without_importing_anything() -> None:
    code = (
        "import sys, anyio; from stratum_core.llm import LitellmClient; anyio.run(LitellmClient({}).aclose); "
        "sys.exit('litellm' in sys.modules)"
    )
    assert (await anyio.run_process([sys.executable, "-c", code], check=False)).returncode == 0


async def test_an_anthropic_call_counts_cached_and_written_tokens_within_the_prompt() -> None:
    async with ProviderServer(anthropic.message('{"tone":"bad"}')) as server:
        reply = await client_of(server).complete(request(CLAUDE))
        [sent] = server.received
    assert sent.path == "/v1/messages"
    assert sent.headers["x-api-key"] == KEY
    assert sent.body["system"] == [{"type": "text", "text": "Judge the tone."}]
    assert reply.usage == TokenUsage(
        input_tokens=100, output_tokens=20, cache_read_tokens=30, cache_write_tokens=10
    )
    assert (reply.text, reply.finish, reply.enforcement) == ('{"tone":"bad"}', "stop", "strict")


async def test_a_long_anthropic_prompt_marks_the_shared_prefix_and_not_the_retry_block() -> None:
    long = "word " * 2_000
    messages = (
        Message(role="system", blocks=(long,)),
        Message(role="user", blocks=(long, "feedback")),
    )
    async with ProviderServer(anthropic.message('{"tone":"bad"}')) as server:
        await client_of(server).complete(request(CLAUDE, messages=messages))
        [sent] = server.received
    mark = {"type": "ephemeral"}
    assert sent.body["system"] == [{"type": "text", "text": long, "cache_control": mark}]
    assert sent.body["messages"] == [
        {
            "role": "user",
            "content": [
                {"type": "text", "text": long, "cache_control": mark},
                {"type": "text", "text": "\n\nfeedback"},
            ],
        },
    ]


async def test_a_system_text_is_marked_sooner_than_an_input() -> None:
    middle = "word " * 1_000
    messages = (Message(role="system", blocks=(middle,)), Message(role="user", blocks=(middle,)))
    async with ProviderServer(anthropic.message('{"tone":"bad"}')) as server:
        await client_of(server).complete(request(CLAUDE, messages=messages))
        [sent] = server.received
    assert sent.body["system"] == [{"type": "text", "text": middle, "cache_control": {"type": "ephemeral"}}]
    assert sent.body["messages"] == [{"role": "user", "content": [{"type": "text", "text": middle}]}]


async def test_a_schema_openai_cannot_enforce_goes_as_json_mode_with_the_schema_in_the_prompt() -> None:
    async with ProviderServer(openai.completion('{"counts":{}}')) as server:
        reply = await client_of(server).complete(request(GPT, output_schema=MAP_SCHEMA))
        [sent] = server.received
    assert sent.body["response_format"] == {"type": "json_object"}
    assert '"additionalProperties":{"type":"integer"}' in str(sent.body["messages"])
    assert reply.enforcement == "json"


async def test_a_schema_anthropic_cannot_enforce_goes_in_the_prompt_alone() -> None:
    async with ProviderServer(anthropic.message('{"counts":{}}')) as server:
        reply = await client_of(server).complete(request(CLAUDE, output_schema=MAP_SCHEMA))
        [sent] = server.received
    assert not {"output_format", "output_config", "tools"} & set(sent.body)
    assert '"additionalProperties":{"type":"integer"}' in str(sent.body["system"])
    assert reply.enforcement == "prompt"


async def test_a_provider_with_json_mode_only_gets_the_schema_in_the_prompt() -> None:
    async with ProviderServer(openai.completion('{"tone":"bad"}')) as server:
        reply = await client_of(server).complete(request("deepseek/deepseek-v4-flash"))
        [sent] = server.received
    assert sent.body["response_format"] == {"type": "json_object"}
    assert reply.enforcement == "json"


async def test_a_gemini_call_counts_thoughts_as_output() -> None:
    async with ProviderServer(gemini.content('{"tone":"good"}')) as server:
        reply = await client_of(server).complete(request("gemini/gemini-2.5-flash-lite"))
        [sent] = server.received
    assert sent.path == "/models/gemini-2.5-flash-lite:generateContent"
    settings = sent.body["generationConfig"]
    assert isinstance(settings, Mapping)
    assert settings["response_json_schema"] == {
        "type": "object",
        "properties": {
            "tone": {"type": "string", "enum": ["good", "bad"]},
            "note": {"anyOf": [{"type": "string", "description": "At least 3 characters"}, {"type": "null"}]},
        },
        "required": ["tone"],
        "additionalProperties": False,
    }
    assert reply.usage == TokenUsage(input_tokens=100, output_tokens=50, cache_read_tokens=40)
    assert reply.enforcement == "strict"


async def test_a_provider_that_takes_only_text_gets_the_blocks_apart() -> None:
    async with ProviderServer(openai.completion("{}")) as server:
        await client_of(server).complete(request("mistral/mistral-small-latest"))
        [sent] = server.received
    assert sent.body["messages"] == [
        {"role": "system", "content": "Judge the tone."},
        {"role": "user", "content": "text: fine\n\nYour previous answer was not accepted"},
    ]


async def test_a_model_its_provider_does_not_hold_to_schemas_is_asked_in_json_mode() -> None:
    answer = openai.completion("{}")
    assert isinstance(answer.body, Mapping)
    with_tier = replace(answer, body={**answer.body, "service_tier": "on_demand"})
    async with ProviderServer(with_tier) as server:
        reply = await client_of(server).complete(request("groq/qwen/qwen3.8-27b"))
        [sent] = server.received
    assert sent.body["response_format"] == {"type": "json_object"}
    assert reply.enforcement == "json"


async def test_a_temperature_the_model_does_not_take_is_left_out() -> None:
    async with ProviderServer(openai.completion('{"tone":"bad"}')) as server:
        await client_of(server).complete(request("openai/gpt-5-mini"))
        [sent] = server.received
    assert "temperature" not in sent.body
    assert sent.body["max_completion_tokens"] == 64


@pytest.mark.parametrize(
    ("model", "answer"),
    [
        (GPT, openai.completion("{", finish="length")),
        (CLAUDE, anthropic.message("{", stop_reason="max_tokens")),
    ],
)
async def test_a_truncated_answer_says_so(model: str, answer: Answer) -> None:
    async with ProviderServer(answer) as server:
        reply = await client_of(server).complete(request(model))
    assert (reply.finish, reply.text) == ("length", "{")


@pytest.mark.parametrize(
    ("model", "answer"),
    [
        (GPT, openai.refusal("I can't help with that.")),
        (GPT, openai.completion(None, finish="content_filter")),
        (CLAUDE, anthropic.message(None, stop_reason="refusal")),
    ],
)
async def test_a_paid_refusal_is_a_reply_with_its_token_counts(model: str, answer: Answer) -> None:
    async with ProviderServer(answer) as server:
        reply = await client_of(server).complete(request(model))
    assert (reply.finish, reply.text) == ("refusal", "")
    assert reply.usage is not None
    assert reply.usage.input_tokens == 100


async def test_an_answer_without_counts_has_no_usage() -> None:
    async with ProviderServer(openai.completion("{}", usage=None)) as server:
        reply = await client_of(server).complete(request(GPT))
    assert reply.usage is None


@pytest.mark.parametrize(
    ("model", "reaction", "kind", "paid", "retry_after_s"),
    [
        (GPT, openai.rate_limited(retry_after="7"), TransportError, "no", 7.0),
        (GPT, openai.rate_limited(retry_after_ms="250", retry_after="1"), TransportError, "no", 0.25),
        (
            CLAUDE,
            anthropic.error(429, "rate_limit_error", "slow", retry_after="3"),
            TransportError,
            "no",
            3.0,
        ),
        (GPT, openai.out_of_quota(), QuotaError, "no", None),
        (CLAUDE, anthropic.out_of_credit(), QuotaError, "no", None),
        (CLAUDE, anthropic.error(402, "billing_error", "pay"), QuotaError, "no", None),
        (
            GPT,
            openai.error(401, f"Incorrect API key provided: {KEY}", code="invalid_api_key"),
            AuthError,
            "no",
            None,
        ),
        (CLAUDE, anthropic.error(403, "permission_error", "no access"), AuthError, "no", None),
        (GPT, openai.error(404, "no such model", code="model_not_found"), BadRequestError, "no", None),
        (CLAUDE, anthropic.error(400, "invalid_request_error", "bad schema"), BadRequestError, "no", None),
        (GPT, openai.error(400, "too long", code="context_length_exceeded"), BadRequestError, "no", None),
        (CLAUDE, anthropic.error(413, "request_too_large", "too large"), BadRequestError, "no", None),
        (GPT, openai.error(400, "policy", code="content_policy_violation"), ModelRefusal, "no", None),
        (GPT, openai.error(500, "oops", kind="server_error"), TransportError, "unknown", None),
        (GPT, openai.error(503, "busy", retry_after="2"), TransportError, "no", 2.0),
        (CLAUDE, anthropic.overloaded(), TransportError, "no", None),
        (
            "gemini/gemini-2.5-flash-lite",
            gemini.error(429, "RESOURCE_EXHAUSTED", "You exceeded your current quota", retry_delay="32s"),
            TransportError,
            "no",
            32.0,
        ),
        ("gemini/gemini-2.5-flash-lite", faults.reset, TransportError, "unknown", None),
        ("mistral/mistral-small-latest", faults.reset, TransportError, "unknown", None),
        (GPT, faults.not_json(), TransportError, "unknown", None),
        (CLAUDE, faults.not_json(), TransportError, "unknown", None),
        (CLAUDE, anthropic.message("{}", usage=None), TransportError, "unknown", None),
        (GPT, faults.reset, TransportError, "unknown", None),
        (CLAUDE, faults.reset, TransportError, "unknown", None),
        (GPT, faults.closed, TransportError, "unknown", None),
        (CLAUDE, faults.closed, TransportError, "unknown", None),
        (GPT, faults.cut_short, TransportError, "unknown", None),
        (CLAUDE, faults.cut_short, TransportError, "unknown", None),
    ],
)
async def test_every_failure_is_one_request_and_one_error_that_says_whether_it_was_paid(
    model: str, reaction: Reaction, kind: type[ModelError], paid: str, retry_after_s: float | None
) -> None:
    error = await failure(model, reaction)
    assert type(error) is kind
    assert error.detail["paid"] == paid
    assert error.detail.get("retry_after_s") == retry_after_s


@pytest.mark.parametrize("model", [GPT, CLAUDE])
async def test_a_provider_that_never_answers_is_given_up_after_the_time_limit(model: str) -> None:
    answer = openai.completion("{}") if model == GPT else anthropic.message("{}")
    async with ProviderServer(answer, faults.never) as server:
        client = client_of(server)
        await client.complete(request(model))  # the first call of a process is slow
        with pytest.raises(TransportError) as caught:
            await client.complete(request(model, timeout_s=1.5))
        assert len(server.received) == 2
    assert caught.value.detail["paid"] == "unknown"


@pytest.mark.parametrize("model", [GPT, CLAUDE])
async def test_a_cancelled_call_stops_waiting_and_is_no_error(model: str) -> None:
    outcomes: list[object] = []

    async def call(server: ProviderServer) -> None:
        outcomes.append(await client_of(server).complete(request(model)))

    async with ProviderServer(faults.never) as server, anyio.create_task_group() as group:
        group.start_soon(call, server)
        with anyio.fail_after(20):
            await server.arrived.wait()
        group.cancel_scope.cancel()
    assert outcomes == []
    assert len(server.received) == 1


@pytest.mark.parametrize("model", [GPT, CLAUDE])
async def test_a_provider_that_cannot_be_reached_was_not_paid(model: str) -> None:
    server = ProviderServer(openai.completion("{}"))
    async with server:
        client = client_of(server)
    with pytest.raises(TransportError) as caught:
        await client.complete(request(model))
    assert caught.value.detail["paid"] == "no"
    assert server.received == []


async def test_under_persistent_rate_limits_each_call_is_one_request() -> None:
    async with ProviderServer(openai.rate_limited()) as server:
        client = client_of(server)
        for _ in range(4):
            with pytest.raises(TransportError):
                await client.complete(request(GPT))
        assert len(server.received) == 4


async def test_an_unknown_provider_is_a_bad_request_that_was_never_sent() -> None:
    async with ProviderServer(openai.completion("{}")) as server:
        with pytest.raises(BadRequestError) as caught:
            await client_of(server).complete(request("no-such-model"))
        assert server.received == []
    assert caught.value.detail["paid"] == "no"


async def test_a_missing_key_is_named_before_anything_is_sent() -> None:
    async with ProviderServer(openai.completion("{}")) as server:
        client = LitellmClient({}, api_bases={"openai": f"{server.url}/v1"})
        with pytest.raises(AuthError, match="needs a key, but OPENAI_API_KEY is not set"):
            await client.complete(request(GPT))
        assert server.received == []


async def test_an_answer_is_not_handed_to_what_a_host_has_litellm_log_to() -> None:
    told: list[object] = []
    library = sys.modules["litellm"]

    async def log(call: object, reply: object, started: object, ended: object) -> None:
        told.append((call, reply, started, ended))

    library.success_callback.append(log)
    try:
        async with ProviderServer(openai.completion('{"tone": "good"}')) as server:
            reply = await client_of(server).complete(request(GPT))
        await anyio.wait_all_tasks_blocked()
    finally:
        library.success_callback.clear()
        library._async_success_callback.clear()
    assert reply.text == '{"tone": "good"}'
    assert told == []
