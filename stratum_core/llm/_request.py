"""What a request weighs and what identifies it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping

from stratum_core.contracts import JsonValue
from stratum_core.llm._port import ModelRequest

__all__ = ["request_bytes", "request_hash"]


def request_bytes(request: ModelRequest) -> int:
    """Return the UTF-8 bytes of a request's text and schema: what its prompt tokens are bounded by."""
    text = sum(len(block.encode()) for message in request.messages for block in message.blocks)
    return text + _schema_bytes(request.output_schema)


_KEPT_SCHEMAS = 256
_schemas: dict[int, tuple[Mapping[str, JsonValue], int]] = {}
"""Schemas that were weighed, by identity; the requests of a function share one, which nobody changes."""


def _schema_bytes(schema: Mapping[str, JsonValue]) -> int:
    """Return the UTF-8 bytes of a schema's compact JSON; those in use are kept."""
    found = _schemas.get(id(schema))
    if found is not None and found[0] is schema:
        return found[1]
    size = len(json.dumps(schema, ensure_ascii=False, separators=(",", ":")).encode())
    if len(_schemas) >= _KEPT_SCHEMAS:
        _schemas.clear()
    _schemas[id(schema)] = schema, size
    return size


def request_hash(request: ModelRequest) -> str:
    """Return the SHA-256 (64 hex) of everything in a request that can change its answer.

    The idempotency key and the timeout are left out: they differ between attempts at the same question.
    """
    meaning = {
        "model": request.model,
        "messages": [[message.role, list(message.blocks)] for message in request.messages],
        "schema": request.output_schema,
        "max_tokens": request.max_tokens,
        "temperature": request.temperature,
    }
    encoded = json.dumps(meaning, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()
    return hashlib.sha256(encoded).hexdigest()
