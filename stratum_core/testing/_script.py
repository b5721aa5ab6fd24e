"""Clients whose answers a test writes down: a fixed conversation, or a function of the request."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self, TypeAlias

from stratum_core.contracts import JsonValue
from stratum_core.llm import FinishReason, ModelReply, ModelRequest, TokenUsage, likely_tokens, request_bytes

__all__ = ["Answer", "FunctionClient", "Matcher", "ScriptedClient", "Step", "as_reply", "start_of"]

Answer: TypeAlias = "JsonValue | ModelReply | Exception"
"""Text as the model said it, any other value as JSON (wrapped as the function's type wants it), a whole reply, or an
exception to raise."""

Matcher: TypeAlias = str | Callable[[ModelRequest], bool]
"""A text that occurs in one of the request's blocks, or a test of the whole request."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One expected request and what to answer."""

    answer: Answer
    when: Matcher | None = None
    """Which request this step is for; None: the next one in order."""
    finish: FinishReason = "stop"
    """Why the answer ended; only for text and values."""


def as_reply(request: ModelRequest, answer: JsonValue, finish: FinishReason) -> ModelReply:
    """Return a reply with the answer, and token counts estimated from its size, within the request's limits.

    Args:
        request: What is answered. Where it asks for a plain value, which travels as `{"value": ...}`, the answer is
            put into that form unless it has it.
        answer: Text as the model said it, or a value.
        finish: Why the answer ended.
    """
    text = answer if isinstance(answer, str) else json.dumps(_sent(request, answer), ensure_ascii=False)
    return ModelReply(
        text=text,
        usage=TokenUsage(
            input_tokens=max(1, likely_tokens(request_bytes(request))),
            output_tokens=min(
                request.max_tokens, max(1, likely_tokens(len(text.encode(errors="surrogatepass"))))
            ),
        ),
        finish=finish,
        model=request.model,
    )


class ScriptedClient:
    """A `ModelClient` that expects exactly the requests it has steps for.

    A step with a matcher answers the first request it matches; a step without one answers the next request that no
    matcher wants. Each step is used once. Use it as a context manager: leaving the block fails when a request was
    unexpected or a step was left over.

    Example:
        ```python
        async with ScriptedClient([Step(when="too slow", answer={"tone": "negative"})]) as client:
            ...
        ```
    """

    def __init__(self, steps: Sequence[Step | Answer]) -> None:
        """Prepare the conversation; a bare answer is a step for the next request in order."""
        self._left = [step if isinstance(step, Step) else Step(answer=step) for step in steps]
        self._unexpected: list[str] = []
        self.requests: list[ModelRequest] = []
        """Every request received, in order."""

    async def complete(self, request: ModelRequest) -> ModelReply:
        """Answer with the step this request is for.

        Raises:
            AssertionError: No step is left for it; also raised again by `assert_done`.
            Exception: The step's answer, when that is an exception.
        """
        self.requests.append(request)
        step = self._take(request)
        if step is None:
            start = start_of(request)
            self._unexpected.append(start)
            raise AssertionError(f"no step is left for request {len(self.requests)}: {start}")
        if isinstance(step.answer, Exception):
            raise step.answer
        if isinstance(step.answer, ModelReply):
            return step.answer
        return as_reply(request, step.answer, step.finish)

    def assert_done(self) -> None:
        """Fail unless every step was used and no request was unexpected.

        Raises:
            AssertionError: Says which requests or steps were left over.
        """
        left = [f"step for {step.when!r}" if step.when else "step in order" for step in self._left]
        faults = [
            *(f"unexpected request: {text}" for text in self._unexpected),
            *(f"unused {name}" for name in left),
        ]
        if faults:
            raise AssertionError("; ".join(faults))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if error is None:
            self.assert_done()

    def _take(self, request: ModelRequest) -> Step | None:
        """Remove and return the step for a request: a matching one first, then the next in order."""
        for index, step in enumerate(self._left):
            if step.when is not None and _matches(step.when, request):
                return self._left.pop(index)
        for index, step in enumerate(self._left):
            if step.when is None:
                return self._left.pop(index)
        return None


@dataclass(slots=True)
class FunctionClient:
    """A `ModelClient` whose answers come from a function of the request."""

    function: Callable[[ModelRequest], Answer]
    requests: list[ModelRequest] = field(default_factory=list[ModelRequest])
    """Every request received, in order."""

    async def complete(self, request: ModelRequest) -> ModelReply:
        """Answer with what the function returns; an exception it returns is raised."""
        self.requests.append(request)
        answer = self.function(request)
        if isinstance(answer, Exception):
            raise answer
        return answer if isinstance(answer, ModelReply) else as_reply(request, answer, "stop")


def _sent(request: ModelRequest, answer: JsonValue) -> JsonValue:
    """Return a value in the form it travels in: in `{"value": ...}` where no contract is asked for."""
    schema = request.output_schema
    parts = schema.get("properties")
    if "title" in schema or not isinstance(parts, Mapping) or set(parts) != {"value"}:
        return answer
    is_sent = isinstance(answer, Mapping) and (set(answer) == {"value"} or not _takes_objects(parts["value"]))
    return answer if is_sent else {"value": answer}


def _takes_objects(schema: JsonValue) -> bool:
    """Return whether an object may satisfy a schema: a map, an optional contract, or any JSON."""
    if not isinstance(schema, Mapping):
        return False
    options = schema.get("anyOf")
    if isinstance(options, Sequence):
        return any(_takes_objects(option) for option in options)
    return schema.get("type", "object") == "object" and "enum" not in schema


def _matches(when: Matcher, request: ModelRequest) -> bool:
    """Return whether a matcher wants a request."""
    if isinstance(when, str):
        return any(when in block for message in request.messages for block in message.blocks)
    return when(request)


def start_of(request: ModelRequest) -> str:
    """Return the start of a request's last block."""
    blocks = [block for message in request.messages for block in message.blocks]
    text = blocks[-1] if blocks else ""
    return f"{request.model}: {text[:200]!r}"
