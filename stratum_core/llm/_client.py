"""`LitellmClient`: the model client for hosted providers.

One `complete` is one request on the wire, whatever happens to it. The client turns a request into litellm's
arguments, sends it, and reads the answer back; schemas go through `project`, failures through `to_error`. litellm is
imported at the first call, in a thread, or ahead of it by `warm`.
"""

from __future__ import annotations

import importlib
import json
import os
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Final, Protocol, assert_never, cast

import anyio
from anyio import to_thread

from stratum_core.contracts import JsonValue
from stratum_core.errors import AuthError
from stratum_core.llm._failures import WireFailure, to_error
from stratum_core.llm._key_store import snapshot
from stratum_core.llm._keys import find_key, missing_for, provider_of
from stratum_core.llm._port import FinishReason, Message, ModelReply, ModelRequest, TokenUsage
from stratum_core.llm._prefix import MARKED_FROM_BYTES, MARKING_PROVIDERS
from stratum_core.llm._projection import Projection, holds_to_schema, project

__all__ = ["LitellmClient"]

_INPUT_MARKED_FROM_BYTES: Final = 8_000
"""Only a retry reads what a call's own input wrote, so a mark on a short one would cost more than it saves."""
_LITELLM_SETTINGS: Final = {
    "LITELLM_LOCAL_MODEL_COST_MAP": "True",  # no fetch of its price list at import
    "LITELLM_MODE": "PRODUCTION",  # no .env file read from the working directory
}


class _Wire(Protocol):
    """The module `_litellm`, which only `_load` imports."""

    send: Callable[[Mapping[str, object]], Awaitable[object]]
    enforces_schema: Callable[[str, str], bool]
    read_failure: Callable[[Exception], WireFailure]
    close: Callable[[], Awaitable[None]]


def _load() -> _Wire:
    """Import litellm's side; seconds of CPU the first time, nothing after."""
    os.environ.update(_LITELLM_SETTINGS)
    return cast("_Wire", importlib.import_module("stratum_core.llm._litellm"))


class LitellmClient:
    """A `ModelClient` for every provider litellm reaches.

    Keys are taken from the mapping given here, never from the process environment, and never appear in an error.
    """

    def __init__(self, environ: Mapping[str, str], *, api_bases: Mapping[str, str] | None = None) -> None:
        """Prepare a client; nothing is imported or opened yet.

        Args:
            environ: Where provider keys are looked up, e.g. a copy of `os.environ`.
            api_bases: Base URL by provider, for a gateway or a test server.
        """
        self._environ = snapshot(environ)
        self._api_bases = dict(api_bases or {})
        self._wire: _Wire | None = None

    async def warm(self) -> None:
        """Import litellm now, in a thread, so that the first call does not wait for it."""
        await self._loaded()

    async def complete(self, request: ModelRequest) -> ModelReply:
        """Send one request and return its answer.

        Raises:
            AuthError: The key is missing or refused.
            BadRequestError: The request or the model is not accepted.
            ModelRefusal: The provider's policy turned the request down.
            QuotaError: The account has nothing left.
            TransportError: A rate limit, server fault, timeout or lost connection; also an answer that cannot be
                read, which may have been paid.
        """
        self._require_key(request.model)
        wire = await self._loaded()
        provider = provider_of(request.model)
        name = request.model.removeprefix(f"{provider}/")
        enforced = holds_to_schema(provider, name) and wire.enforces_schema(provider, name)
        projection = project(request.output_schema, provider, enforced=enforced)
        arguments = self._arguments(request, provider, projection)
        try:
            with anyio.fail_after(request.timeout_s):
                response = await wire.send(arguments)
        except Exception as error:  # noqa: BLE001 - every failure of the library becomes one of ours
            failure = wire.read_failure(error)
        else:
            return _read_reply(response, request, projection)
        key = find_key(request.model, self._environ)
        raise to_error(failure, request.model, secrets=(key or "",), now=datetime.now(UTC))

    async def aclose(self) -> None:
        """Close the connections that are kept open between calls."""
        if self._wire is not None:
            await self._wire.close()

    async def _loaded(self) -> _Wire:
        """Return litellm's side, importing it in a thread the first time."""
        if self._wire is None:
            self._wire = await to_thread.run_sync(_load)
        return self._wire

    def _require_key(self, model: str) -> None:
        """Raise before anything is imported or sent when the model's key is missing."""
        missing = missing_for(model, self._environ)
        if missing is not None:
            raise AuthError(
                f"model `{model}` needs {missing.told}",
                remedy=missing.remedy,
                detail={"paid": "no", "model": model},
            )

    def _arguments(self, request: ModelRequest, provider: str, projection: Projection) -> dict[str, object]:
        """Return litellm's arguments for a request."""
        arguments: dict[str, object] = {
            "model": request.model,
            "messages": _messages(request, projection, marked=provider in MARKING_PROVIDERS),
            "max_tokens": request.max_tokens,
            "timeout": request.timeout_s,
            "api_key": find_key(request.model, self._environ),
            **_response_format(projection),
        }
        if request.temperature is not None:
            arguments["temperature"] = request.temperature
        if request.idempotency_key:
            arguments["extra_headers"] = {"Idempotency-Key": request.idempotency_key}
        if provider in self._api_bases:
            arguments["api_base"] = self._api_bases[provider]
        return arguments


def _response_format(projection: Projection) -> dict[str, object]:
    """Return the structured-output argument: the schema, JSON mode, or nothing."""
    match projection.enforcement:
        case "strict":
            schema = {"name": "answer", "strict": True, "schema": projection.schema}
            return {"response_format": {"type": "json_schema", "json_schema": schema}}
        case "json":
            return {"response_format": {"type": "json_object"}}
        case "prompt":
            return {}
        case _:
            assert_never(projection.enforcement)


def _messages(request: ModelRequest, projection: Projection, *, marked: bool) -> list[dict[str, object]]:
    """Return the messages, each block a content part, with cache marks on the shared prefix where wanted.

    Later blocks start with an empty line, because litellm joins the parts without one for providers that take only
    text.
    The marks end the system text (shared by every call of a function) and the first user block (shared by the
    retries of a call). A schema the provider does not take as a parameter is added to the system text.
    """
    messages: list[dict[str, object]] = []
    for message in request.messages:
        blocks = _with_schema_text(message, projection)
        parts: list[dict[str, object]] = [
            {"type": "text", "text": f"\n\n{block}" if later else block} for later, block in enumerate(blocks)
        ]
        is_system = message.role == "system"
        last_shared = len(parts) - 1 if is_system else 0
        least = MARKED_FROM_BYTES if is_system else _INPUT_MARKED_FROM_BYTES
        if marked and parts and sum(len(block.encode()) for block in blocks) >= least:
            parts[last_shared]["cache_control"] = {"type": "ephemeral"}
        messages.append({"role": message.role, "content": parts})
    return messages


def _with_schema_text(message: Message, projection: Projection) -> Sequence[str]:
    """Add the schema to the system text when it has no other way to the model."""
    if message.role != "system" or projection.enforcement == "strict":
        return message.blocks
    schema = json.dumps(projection.schema, ensure_ascii=False, separators=(",", ":"))
    return (*message.blocks, f"Answer with one JSON object of this JSON Schema and nothing else:\n{schema}")


def _read_reply(response: object, request: ModelRequest, projection: Projection) -> ModelReply:
    """Read litellm's response object."""
    choice = _first(_get(response, "choices"))
    message = _get(choice, "message")
    text = _get(message, "content")
    model = _get(response, "model")
    return ModelReply(
        text=text if isinstance(text, str) else "",
        usage=_read_usage(_get(response, "usage")),
        finish=_read_finish(choice, message),
        model=model if isinstance(model, str) and model else request.model,
        enforcement=projection.enforcement,
    )


def _read_finish(choice: object, message: object) -> FinishReason:
    """Read why the answer ended; a refusal is told by a finish reason or by a refusal text."""
    extra = _get(message, "provider_specific_fields")
    refusal = cast("Mapping[str, JsonValue]", extra).get("refusal") if isinstance(extra, Mapping) else None
    match _get(choice, "finish_reason"):
        case "length":
            return "length"
        case "content_filter":
            return "refusal"
        case _:
            return "refusal" if refusal else "stop"


def _read_usage(usage: object) -> TokenUsage | None:
    """Read the provider's counts; litellm writes zeros when there are none."""
    prompt, completion = _count(usage, "prompt_tokens"), _count(usage, "completion_tokens")
    if prompt <= 0:
        return None
    details = _get(usage, "prompt_tokens_details")
    return TokenUsage(
        input_tokens=prompt,
        output_tokens=completion,
        cache_read_tokens=min(prompt, _count(details, "cached_tokens")),
        cache_write_tokens=_count(details, "cache_creation_tokens"),
    )


def _count(record: object, name: str) -> int:
    """Read a token count, 0 when it is absent."""
    value = _get(record, name)
    return value if isinstance(value, int) and value > 0 else 0


def _get(record: object, name: str) -> object:
    """Read an attribute of a library object, None when it is absent."""
    return getattr(record, name, None)


def _first(items: object) -> object:
    """Return the first item of a list, None when there is none."""
    return cast("list[object]", items)[0] if isinstance(items, list) and items else None
