"""One HTTP request with a batch of spans, and what its answer means for the batch."""

from __future__ import annotations

import email.utils
import http.client
import json
import ssl
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias, cast
from urllib.parse import urlsplit

from stratum_core.contracts import JsonValue
from stratum_core.exporters._settings import OtlpSettings

__all__ = ["Answer", "Post", "post"]

_AGAIN = frozenset({429, 502, 503, 504})
"""What the OTLP specification lets a client send again; every other failure is final."""

_ANSWER_BYTES = 65_536


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came of a request."""

    verdict: Literal["taken", "again", "unreachable", "refused"]
    """The batch was taken; the server is busy; nobody answered; or it will never be taken."""
    reason: str = ""
    """In words that hold no key and nothing of the batch."""
    retry_after_s: float | None = None
    """How long the server asks to wait."""
    rejected: int = 0
    """Spans of a batch that was taken which the server did not want."""


Post: TypeAlias = Callable[[OtlpSettings, bytes], Answer]
"""Sends a body; does not raise."""


def post(settings: OtlpSettings, body: bytes) -> Answer:
    """Send a body to the endpoint. Redirects are not followed: they would take the headers elsewhere."""
    try:
        connection = _connection(settings)
        try:
            target = urlsplit(settings.endpoint)
            path = (target.path or "/") + (f"?{target.query}" if target.query else "")
            headers = {**settings.headers, "Content-Type": "application/json"}
            connection.request("POST", path, body=body, headers=headers)
            response = connection.getresponse()
            return _answer(response.status, response.headers.get("Retry-After"), response.read(_ANSWER_BYTES))
        finally:
            connection.close()
    except (OSError, http.client.HTTPException) as fault:
        return Answer(verdict="unreachable", reason=f"no answer ({type(fault).__name__})")


def _connection(settings: OtlpSettings) -> http.client.HTTPConnection:
    """Return a connection that is not yet open."""
    target = urlsplit(settings.endpoint)
    timeout_s = settings.timeout_ms / 1000
    if target.scheme == "http":
        return http.client.HTTPConnection(target.hostname or "", target.port, timeout=timeout_s)
    trusted = ssl.create_default_context(cafile=settings.certificate or None)
    return http.client.HTTPSConnection(target.hostname or "", target.port, timeout=timeout_s, context=trusted)


def _answer(status: int, retry_after: str | None, body: bytes) -> Answer:
    """Read a server's answer."""
    if 200 <= status < 300:  # noqa: PLR2004 - the class of success
        return Answer(verdict="taken", rejected=_rejected(body))
    reason = f"HTTP {status}"
    if status in _AGAIN:
        return Answer(verdict="again", reason=reason, retry_after_s=_seconds(retry_after))
    return Answer(verdict="refused", reason=reason)


def _seconds(retry_after: str | None) -> float | None:
    """Return the pause a `Retry-After` header asks for: seconds, or a date."""
    text = (retry_after or "").strip()
    if text.isdecimal():
        return float(text)
    try:
        return max(0.0, email.utils.parsedate_to_datetime(text).timestamp() - time.time())
    except (ValueError, OverflowError):
        return None


def _rejected(body: bytes) -> int:
    """Return how many spans a partial success leaves out."""
    try:
        told: JsonValue = json.loads(body or b"{}")
        partial = told.get("partialSuccess") if isinstance(told, Mapping) else None
        count = cast("Mapping[str, JsonValue]", partial or {}).get("rejectedSpans", 0)
        return max(0, int(cast("str | int", count)))
    except (ValueError, TypeError, AttributeError, RecursionError):
        return 0
