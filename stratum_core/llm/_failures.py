"""From what went wrong on the wire to the one error tree of Stratum.

Decided by HTTP status and the provider's error code, because they are stable; library exception classes and prose
are not. Two facts matter to the caller and stand in every error's `detail`:

- `paid`: `"no"` when the provider cannot have charged (it answered with a refusal of the request, or was never
  reached), else `"unknown"`.
- `retry_after_s`: how long the provider asks to wait, when it said so.

Text written by the provider never stands in a message: it may echo the prompt or a key. A short excerpt is kept in
`detail["provider_says"]`, and only when nothing in it looks like a key.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Literal, cast

from stratum_core.contracts import JsonValue
from stratum_core.errors import (
    AuthError,
    BadRequestError,
    ModelError,
    ModelRefusal,
    QuotaError,
    TransportError,
)

__all__ = ["Breakdown", "WireFailure", "to_error"]

Breakdown = Literal["answered", "unreached", "timeout", "lost", "unreadable", "rejected"]
"""How an exchange broke down: the provider answered with an error status; it was never reached; no answer came in
time; the connection broke after sending; the answer could not be read; or the request was turned down on this side,
before sending."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WireFailure:
    """A failed exchange, without any library's types."""

    breakdown: Breakdown
    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    """Response headers with lower-case names."""
    body: str = ""
    """The response's text, or the client library's reason when nothing was sent."""


_QUOTA = re.compile(
    r"insufficient_quota|insufficient_balance|billing_(?:error|hard_limit_reached|not_active)|payment_required"
    r"|credit balance is too low|insufficient balance|PerDay",
    re.IGNORECASE,
)
"""`PerDay` is Gemini's daily quota; its per-minute quotas use the same words otherwise."""
_POLICY = re.compile(r"content_policy|content_filter|safety_violation|ResponsibleAIPolicy", re.IGNORECASE)
_BAD_KEY = re.compile(r"API_KEY_INVALID|invalid_api_key|api key not valid", re.IGNORECASE)
_KEY_LIKE = re.compile(r"(?:sk|pk|gsk|xai|AIza|key|bearer)[-_ ][\w.*-]{6,}|AIza\w{8,}|\w{32,}", re.IGNORECASE)
_BODY_DELAY = re.compile(r'"retryDelay":\s*"(\d+(?:\.\d+)?)s"')
_CODE = re.compile(r"[A-Za-z0-9_.-]{1,60}")
_CONTROL = re.compile(r"[^\x20-\x7e\xa0-\U0010ffff]+")
_EXCERPT_CHARS = 200
_NOT_CHARGED = frozenset({503, 529})
"""Server faults that say the request was not taken up (overloaded); any other 5xx may have been charged."""


def to_error(failure: WireFailure, model: str, *, secrets: Iterable[str] = (), now: datetime) -> ModelError:
    """Return the error to raise for a failed exchange.

    Args:
        failure: What happened.
        model: The model that was asked for, named in the message.
        secrets: Values that must not appear anywhere in the error.
        now: The present, for a Retry-After given as a date.
    """
    detail: dict[str, JsonValue] = {"paid": "unknown", "model": model}
    code = _provider_code(failure.body)
    if failure.status is not None:
        detail["status"] = failure.status
    excerpt = _excerpt(failure.body, secrets)
    if excerpt:
        detail["provider_says"] = excerpt
    delay = _retry_after_s(failure, now)
    if delay is not None:
        detail["retry_after_s"] = delay
    if failure.status is not None:
        said = f"HTTP {failure.status}" + (f", {code}" if code else "")
        return _from_status(failure.status, failure.body, f"model `{model}`", said, detail)
    return _without_status(failure, f"model `{model}`", detail)


def _from_status(status: int, body: str, where: str, said: str, detail: dict[str, JsonValue]) -> ModelError:
    """Decide by the status of an error answer; nothing was charged unless a server fault may have come late."""
    if status < 500 or status in _NOT_CHARGED:  # noqa: PLR2004 - HTTP's own classes
        detail["paid"] = "no"
    if status in {401, 403} or (status < 500 and _BAD_KEY.search(body)):  # noqa: PLR2004
        return AuthError(
            f"{where}: the provider refused the key ({said})",
            remedy="check that the key is valid and may use this model",
            detail=detail,
        )
    if status == 402 or (status < 500 and _QUOTA.search(body)):  # noqa: PLR2004
        return QuotaError(
            f"{where}: the account's quota or credit is used up ({said})",
            remedy="add credit or raise the limit at the provider, then resume the run",
            detail=detail,
        )
    if status == 429:  # noqa: PLR2004
        return TransportError(f"{where}: the provider asks to slow down ({said})", detail=detail)
    if status == 408 or status >= 500:  # noqa: PLR2004
        detail["paid"] = "no" if status in _NOT_CHARGED else "unknown"
        return TransportError(f"{where}: the provider has a fault ({said})", detail=detail)
    if _POLICY.search(body):
        return ModelRefusal(
            f"{where}: the provider's content policy turned the request down ({said})",
            remedy="look at the input of this call",
            detail=detail,
        )
    if status == 404:  # noqa: PLR2004
        return BadRequestError(
            f"{where}: the provider does not know this model ({said})",
            remedy="check the model's id and that the key may use it",
            detail=detail,
        )
    return BadRequestError(
        f"{where}: the provider rejects the request ({said})",
        remedy="the input may be too long for the model; its provider's own log says more",
        detail=detail,
    )


def _without_status(failure: WireFailure, where: str, detail: dict[str, JsonValue]) -> ModelError:
    """Decide where no error answer came."""
    match failure.breakdown:
        case "rejected":
            detail["paid"] = "no"
            return BadRequestError(
                f"{where}: the request cannot be sent as it stands",
                remedy="check the model's id: `provider/name` as litellm spells it",
                detail=detail,
            )
        case "unreached":
            detail["paid"] = "no"
            return TransportError(f"{where}: the provider cannot be reached", detail=detail)
        case "timeout":
            return TransportError(f"{where}: no answer came in time", detail=detail)
        case "lost":
            return TransportError(
                f"{where}: the connection broke before the answer was complete", detail=detail
            )
        case _:
            return TransportError(f"{where}: the provider's answer cannot be read", detail=detail)


def _provider_code(body: str) -> str:
    """Return the provider's error code or type when it looks like one, else nothing."""
    error = _error_record(body)
    for name in ("code", "type", "status"):
        value = error.get(name)
        if isinstance(value, str) and _CODE.fullmatch(value) and not _KEY_LIKE.search(value):
            return value
    return ""


def _error_record(body: str) -> Mapping[str, object]:
    """Return the `error` object of a provider's answer, or an empty record."""
    try:
        data: object = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    if not isinstance(data, dict):
        return {}
    error = cast("dict[str, object]", data).get("error")
    return cast("dict[str, object]", error) if isinstance(error, dict) else {}


def _excerpt(body: str, secrets: Iterable[str]) -> str:
    """Return the start of the provider's reason, or nothing when it may hold a key."""
    reason = _error_record(body).get("message", body)
    text = _CONTROL.sub(" ", str(reason)).strip()
    if _KEY_LIKE.search(text) or any(secret and secret in text for secret in secrets):
        return ""
    return text if len(text) <= _EXCERPT_CHARS else text[: _EXCERPT_CHARS - 1] + "…"


def _retry_after_s(failure: WireFailure, now: datetime) -> float | None:
    """Return the wait the provider asks for, from `retry-after-ms`, `retry-after` or Gemini's `retryDelay`."""
    milliseconds = _number(failure.headers.get("retry-after-ms"))
    if milliseconds is not None:
        return milliseconds / 1000
    header = failure.headers.get("retry-after")
    if header is not None:
        seconds = _number(header)
        return seconds if seconds is not None else _seconds_until(header, now)
    delay = _BODY_DELAY.search(failure.body)
    return float(delay[1]) if delay else None


def _number(text: str | None) -> float | None:
    """Read a non-negative number."""
    return float(text) if text is not None and re.fullmatch(r"\d{1,9}(?:\.\d{1,9})?", text.strip()) else None


def _seconds_until(text: str, now: datetime) -> float | None:
    """Read an HTTP date as seconds from now, at least 0."""
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return max(0.0, (moment - now).total_seconds())
