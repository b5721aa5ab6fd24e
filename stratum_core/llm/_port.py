"""The port every model client implements, and the values that cross it.

A client makes exactly one request on the wire for each `complete` call: retries, budgets and contracts belong to the
infer loop, so that one owner counts every paid request.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, Protocol, TypeAlias

from stratum_core.contracts import JsonValue

__all__ = [
    "FinishReason",
    "Message",
    "ModelClient",
    "ModelReply",
    "ModelRequest",
    "SchemaEnforcement",
    "TokenUsage",
]

FinishReason: TypeAlias = Literal["stop", "length", "refusal"]
SchemaEnforcement: TypeAlias = Literal["strict", "json", "prompt"]
"""Who holds the model to the schema: the provider exactly, the provider for JSON only, or only the prompt."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One message; `blocks` are its text parts in order (a retry appends a block, it never edits one)."""

    role: Literal["system", "user"]
    blocks: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelRequest:
    """Everything a client needs to make one request."""

    model: str
    """`provider/name` as litellm spells it, or `offline`."""
    messages: tuple[Message, ...]
    output_schema: Mapping[str, JsonValue]
    """The JSON Schema of the answer (always an object; a plain output is wrapped as {"value": ...})."""
    max_tokens: int
    temperature: float | None = None
    idempotency_key: str = ""
    """Sent to the provider where it has a header for it; nothing is claimed from it."""
    timeout_s: float = 120.0


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenUsage:
    """Token counts as the provider reported them."""

    input_tokens: int
    """All prompt tokens, cached ones included."""
    output_tokens: int
    """All completion tokens, reasoning included."""
    cache_read_tokens: int = 0
    cache_write_tokens: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelReply:
    """One answer."""

    text: str
    """The raw text of the answer, usually JSON."""
    usage: TokenUsage | None
    """None when the provider sent no counts: the call is then charged at its reservation."""
    finish: FinishReason
    model: str
    """The model that answered, as the provider names it."""
    enforcement: SchemaEnforcement = "strict"
    simulated: bool = False
    """True for the offline model: its dollars are not real."""


class ModelClient(Protocol):
    """Something that answers requests."""

    async def complete(self, request: ModelRequest) -> ModelReply:
        """Send one request and return its answer.

        Raises:
            TransportError: 429, 5xx, timeout or connection fault.
            QuotaError: The account has nothing left.
            AuthError: The key is missing or refused.
            BadRequestError: The provider rejects the request.
            ModelRefusal: The model declined.
        """
        ...
