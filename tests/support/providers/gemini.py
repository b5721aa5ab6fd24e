"""Answers in the format of Google's Gemini API (POST /models/NAME:generateContent)."""

from __future__ import annotations

from collections.abc import Mapping

from stratum_core.contracts import JsonValue
from tests.support.providers._server import Answer

__all__ = ["content", "error"]


def content(text: str, *, finish: str = "STOP") -> Answer:
    """Return an answer with one candidate; its counts keep thoughts apart from the answer."""
    parts: list[JsonValue] = [{"text": text}]
    candidate: dict[str, JsonValue] = {
        "content": {"role": "model", "parts": parts},
        "finishReason": finish,
        "index": 0,
    }
    usage: dict[str, JsonValue] = {
        "promptTokenCount": 100,
        "candidatesTokenCount": 20,
        "thoughtsTokenCount": 30,
        "cachedContentTokenCount": 40,
        "totalTokenCount": 150,
    }
    body: Mapping[str, JsonValue] = {
        "candidates": [candidate],
        "usageMetadata": usage,
        "modelVersion": "gemini-2.5-flash-lite",
    }
    return Answer(body=body)


def error(code: int, status: str, message: str, *, retry_delay: str = "") -> Answer:
    """Return an error answer; the wait it asks for stands in its body."""
    details: list[JsonValue] = []
    if retry_delay:
        details.append({"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": retry_delay})
    return Answer(
        status=code,
        body={"error": {"code": code, "message": message, "status": status, "details": details}},
    )
