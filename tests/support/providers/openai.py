"""Answers in the format of OpenAI's chat completions (POST /chat/completions)."""

from __future__ import annotations

from collections.abc import Mapping

from stratum_core.contracts import JsonValue
from tests.support.providers._server import Answer

__all__ = ["completion", "error", "out_of_quota", "rate_limited", "refusal"]

_USAGE: Mapping[str, JsonValue] = {
    "prompt_tokens": 100,
    "completion_tokens": 20,
    "total_tokens": 120,
    "prompt_tokens_details": {"cached_tokens": 40, "audio_tokens": 0},
    "completion_tokens_details": {"reasoning_tokens": 5, "audio_tokens": 0},
}


def completion(
    text: str | None,
    *,
    finish: str = "stop",
    usage: Mapping[str, JsonValue] | None = _USAGE,
    model: str = "gpt-4.1-mini-2025-04-14",
    refused: str | None = None,
) -> Answer:
    """Return an answer with one choice; without `usage` the counts are left out."""
    body: dict[str, JsonValue] = {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1767225600,
        "model": model,
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": text, "refusal": refused},
                "logprobs": None,
                "finish_reason": finish,
            },
        ],
    }
    if usage is not None:
        body["usage"] = usage
    return Answer(body=body)


def refusal(why: str) -> Answer:
    """Return an answer in which the model declines."""
    return completion(None, refused=why)


def error(
    status: int, message: str, *, code: str | None = None, kind: str = "invalid_request_error", **headers: str
) -> Answer:
    """Return an error answer; underscores in header names become dashes."""
    return Answer(
        status=status,
        body={"error": {"message": message, "type": kind, "param": None, "code": code}},
        headers={name.replace("_", "-"): value for name, value in headers.items()},
    )


def rate_limited(**headers: str) -> Answer:
    """Return a per-minute rate limit."""
    return error(
        429, "Rate limit reached for requests", code="rate_limit_exceeded", kind="requests", **headers
    )


def out_of_quota() -> Answer:
    """Return the answer of an account without credit, which is a 429 as well."""
    message = "You exceeded your current quota, please check your plan and billing details."
    return error(429, message, code="insufficient_quota", kind="insufficient_quota")
