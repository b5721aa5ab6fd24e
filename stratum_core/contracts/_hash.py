"""Content hashes of types and values: SHA-256 over canonical JSON, the same on every machine.

Canonical JSON has sorted keys, no spaces, text as UTF-8, and numbers as Python writes them (shortest round-trip
form), so an int and the float that equals it have different hashes: they are different values.
"""

from __future__ import annotations

import hashlib
import json

from stratum_core.contracts._schema import json_schema
from stratum_core.contracts._types import JsonValue, Type

__all__ = ["canonical_json", "content_hash", "contract_hash"]

_SHORT = 12
_ENCODER = json.JSONEncoder(
    sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False, check_circular=False
)
"""Made once; a JSON value holds no circles, so none is looked for."""


def canonical_json(value: JsonValue) -> str:
    """Return the one JSON text of a value.

    Raises:
        ValueError: A number is not finite.
    """
    return _ENCODER.encode(value)


def content_hash(value: JsonValue) -> str:
    """Return 64 hex digits that name a JSON value.

    Raises:
        ValueError: A number is not finite.
    """
    # A lone surrogate cannot be written as UTF-8; it is hashed as the bytes a lenient writer would give.
    return hashlib.sha256(canonical_json(value).encode("utf-8", "surrogatepass")).hexdigest()


def contract_hash(kind: Type) -> str:
    """Return 12 hex digits over the sorted JSON Schema of a type, the same from Python and from a document.

    Descriptions, bounds and `opaque` count; the order of fields does not (it counts in the hash of a document).
    """
    return content_hash(json_schema(kind))[:_SHORT]
