"""Faults of providers, put between a program and any client: what goes wrong on a bad day, in a test.

Each fault stands for one answer on the wire. A rate limit, a server fault and a timeout are raised as the litellm
client raises them; a cut-off, malformed, refused or uncounted answer is a reply like the real one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import TypeAlias

from stratum_core.errors import TransportError
from stratum_core.llm import ModelClient, ModelReply, ModelRequest, TokenUsage, likely_tokens, request_bytes

__all__ = [
    "Fault",
    "FaultyClient",
    "malformed_json",
    "missing_usage",
    "rate_limited",
    "refused",
    "server_error",
    "timed_out",
    "truncated",
]

_OVERLOADED = 503

Fault: TypeAlias = Callable[[ModelRequest, ModelReply], ModelReply]
"""Turns the good reply to a request into what comes instead, or raises what the provider's fault is raised as."""


@dataclass(slots=True)
class FaultyClient:
    """A `ModelClient` that lets the requests pass to another one, but for those that meet a fault.

    `faults` are met in the order of the requests; None lets one pass, and when they are over all pass.

    Example:
        ```python
        client = FaultyClient(ScriptedClient(["yes"]), [rate_limited(retry_after_s=2), server_error(), None])
        ```
    """

    client: ModelClient
    faults: Iterable[Fault | None]
    requests: list[ModelRequest] = field(default_factory=list[ModelRequest])
    """Every request received, in order."""
    _left: Iterator[Fault | None] = field(init=False)

    def __post_init__(self) -> None:
        self._left = iter(self.faults)

    async def complete(self, request: ModelRequest) -> ModelReply:
        """Answer with the next fault, or with what the other client answers.

        A fault that is raised reaches nobody behind: the request was not answered. A fault of the reply changes what
        the other client answered.

        Raises:
            TransportError: A rate limit, server fault or timeout.
        """
        self.requests.append(request)
        fault = next(self._left, None)
        if fault is None:
            return await self.client.complete(request)
        if isinstance(fault, _Raised):
            raise fault.error()
        return fault(request, await self.client.complete(request))


@dataclass(frozen=True, slots=True)
class _Raised:
    """A fault without a reply."""

    message: str
    status: int
    retry_after_s: float | None = None
    paid: str = "no"

    def __call__(self, request: ModelRequest, reply: ModelReply) -> ModelReply:  # noqa: ARG002 - a `Fault`
        raise self.error()

    def error(self) -> TransportError:
        """Return the error as the litellm client raises it."""
        after = {} if self.retry_after_s is None else {"retry_after_s": self.retry_after_s}
        return TransportError(self.message, detail={"status": self.status, "paid": self.paid, **after})


def rate_limited(*, retry_after_s: float | None = None) -> Fault:
    """429, with a Retry-After of so many seconds."""
    return _Raised("the provider answered 429: too many requests", 429, retry_after_s)


def server_error(status: int = 503) -> Fault:
    """A 5xx answer; of any but a 503 nobody knows whether it was charged."""
    return _Raised(
        f"the provider answered {status}", status, paid="no" if status == _OVERLOADED else "unknown"
    )


def timed_out() -> Fault:
    """No answer in time; the provider may have charged for it."""
    return _Raised("the provider did not answer in time", 408, paid="unknown")


def truncated(keep: float = 0.5) -> Fault:
    """The answer ends at the output limit, after a share of its text."""

    def fault(request: ModelRequest, reply: ModelReply) -> ModelReply:
        text = reply.text[: int(len(reply.text) * keep)]
        used = None if reply.usage is None else replace(reply.usage, output_tokens=request.max_tokens)
        return replace(reply, text=text, finish="length", usage=used)

    return fault


def malformed_json(text: str = '{"value": ') -> Fault:
    """The answer is no JSON."""

    def fault(request: ModelRequest, reply: ModelReply) -> ModelReply:  # noqa: ARG001 - a `Fault`
        return replace(reply, text=text)

    return fault


def refused() -> Fault:
    """The model declines, and is paid for it."""

    def fault(request: ModelRequest, reply: ModelReply) -> ModelReply:
        used = TokenUsage(input_tokens=max(1, likely_tokens(request_bytes(request))), output_tokens=1)
        return replace(reply, text="", finish="refusal", usage=used)

    return fault


def missing_usage() -> Fault:
    """The answer comes without token counts; it is charged at its worst case."""

    def fault(request: ModelRequest, reply: ModelReply) -> ModelReply:  # noqa: ARG001 - a `Fault`
        return replace(reply, usage=None)

    return fault
