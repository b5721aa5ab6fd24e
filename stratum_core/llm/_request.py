"""What a request weighs and what identifies it."""

from __future__ import annotations

import hashlib
import json

from stratum_core.llm._port import ModelRequest

__all__ = ["request_bytes", "request_hash"]


def request_bytes(request: ModelRequest) -> int:
    """Return the UTF-8 bytes of a request's text and schema: what its prompt tokens are bounded by."""
    text = sum(len(block.encode()) for message in request.messages for block in message.blocks)
    return text + len(json.dumps(request.output_schema, ensure_ascii=False, separators=(",", ":")).encode())


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
