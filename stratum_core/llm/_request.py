"""What a request weighs and what identifies it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping

from stratum_core.contracts import JsonValue
from stratum_core.llm._port import ModelRequest

__all__ = ["request_bytes", "request_hash", "schema_bytes"]


def request_bytes(request: ModelRequest) -> int:
    """Return the UTF-8 bytes of a request's text and schema: what its prompt tokens are bounded by."""
    text = sum(len(block.encode()) for message in request.messages for block in message.blocks)
    return text + _weighed(request.output_schema)[0]


def schema_bytes(schema: Mapping[str, JsonValue]) -> int:
    """Return the UTF-8 bytes of a schema as compact JSON."""
    return _weighed(schema)[0]


_KEPT_SCHEMAS = 256
_SORTED = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":"))
_schemas: dict[int, tuple[Mapping[str, JsonValue], int, str]] = {}
"""Schemas with their bytes and sorted text, by identity; a function's requests share one, which nobody changes."""


def _weighed(schema: Mapping[str, JsonValue]) -> tuple[int, str]:
    """Return the UTF-8 bytes of a schema's compact JSON, and that JSON with sorted keys; those in use are kept."""
    found = _schemas.get(id(schema))
    if found is not None and found[0] is schema:
        return found[1], found[2]
    text = _SORTED.encode(schema)
    size = len(text.encode())
    if len(_schemas) >= _KEPT_SCHEMAS:
        _schemas.clear()
    _schemas[id(schema)] = schema, size, text
    return size, text


def request_hash(request: ModelRequest) -> str:
    """Return the SHA-256 (64 hex) of everything in a request that can change its answer.

    The idempotency key and the timeout are left out: they differ between attempts at the same question.
    """
    messages = [[message.role, list(message.blocks)] for message in request.messages]
    before = _SORTED.encode({"max_tokens": request.max_tokens, "messages": messages, "model": request.model})
    after = _SORTED.encode({"temperature": request.temperature})
    # The JSON of one object with sorted keys, whose schema is written out once for all requests of a function.
    text = f'{before[:-1]},"schema":{_weighed(request.output_schema)[1]},{after[1:]}'
    return hashlib.sha256(text.encode()).hexdigest()
