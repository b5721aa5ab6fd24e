"""Answers in the format of Anthropic's messages (POST /v1/messages)."""

from __future__ import annotations

from collections.abc import Mapping

from stratum_core.contracts import JsonValue
from tests.support.providers._server import Answer

__all__ = ["error", "message", "out_of_credit", "overloaded"]

_USAGE: Mapping[str, JsonValue] = {
    "input_tokens": 60,
    "output_tokens": 20,
    "cache_read_input_tokens": 30,
    "cache_creation_input_tokens": 10,
}


def message(
    text: str | None,
    *,
    stop_reason: str = "end_turn",
    usage: Mapping[str, JsonValue] | None = _USAGE,
    model: str = "claude-haiku-4-5-20251001",
) -> Answer:
    """Return an answer with one text block, or none; without `usage` the counts are left out."""
    content: list[JsonValue] = [] if text is None else [{"type": "text", "text": text}]
    body: dict[str, JsonValue] = {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": model,
        "content": content,
        "stop_reason": stop_reason,
        "stop_sequence": None,
    }
    if usage is not None:
        body["usage"] = usage
    return Answer(body=body)


def error(status: int, kind: str, text: str, **headers: str) -> Answer:
    """Return an error answer; underscores in header names become dashes."""
    return Answer(
        status=status,
        body={"type": "error", "error": {"type": kind, "message": text}, "request_id": "req_1"},
        headers={name.replace("_", "-"): value for name, value in headers.items()},
    )


def overloaded() -> Answer:
    """Return Anthropic's "busy everywhere", HTTP 529."""
    return error(529, "overloaded_error", "Overloaded")


def out_of_credit() -> Answer:
    """Return the answer of an account without credit, which is a plain 400."""
    text = "Your credit balance is too low to access the Anthropic API. Please go to Plans & Billing."
    return error(400, "invalid_request_error", text)
