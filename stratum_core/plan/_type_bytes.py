"""Sizes that types and values have by themselves: exact bytes of known values, bounds of what a type lets be.

Everything is counted in UTF-8 bytes of compact JSON. See `_sizes.py` for what is known about values in between.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import lru_cache
from json.encoder import encode_basestring as _quoted

from stratum_core.contracts import (
    AnyType,
    BoolType,
    BytesType,
    DateTimeType,
    DateType,
    EnumType,
    FloatType,
    IntType,
    JsonType,
    JsonValue,
    ListType,
    MapType,
    NeverType,
    NullType,
    OpaqueType,
    OptionalType,
    ProbabilisticType,
    RecordType,
    StoredList,
    StringType,
    Type,
    held,
)

__all__ = ["SAMPLES_BYTES", "bare", "json_bytes", "key_bytes", "least_bytes", "static_bytes"]

SAMPLES_BYTES = len('{"samples":[]}')
"""What the frame of a probabilistic value adds to its one sample."""

_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), default=held)
_ESCAPE_BYTES = 6
_FLOAT_BYTES = 25
_INT_BYTES = 25
_DATETIME_BYTES = 40


def json_bytes(value: JsonValue) -> int:
    """Return the UTF-8 bytes of a value's compact JSON."""
    if isinstance(value, StoredList):
        return value.json_bytes
    text = _quoted(value) if isinstance(value, str) else _ENCODER.encode(value)
    return len(text) if text.isascii() else len(text.encode())


@lru_cache(maxsize=4096)
def key_bytes(name: str) -> int:
    """Return the bytes of a record's key with its colon and comma."""
    return json_bytes(name) + 2


def bare(kind: Type) -> Type:
    """Look through marks and optionals."""
    while isinstance(kind, (OptionalType, OpaqueType, ProbabilisticType)):
        kind = kind.inner
    return kind


_KEPT = 1_024
_statics: dict[int, tuple[Type, int | None]] = {}
"""Bounds of types by identity; each entry keeps its type alive. A map asks for the same ones with every item."""


def static_bytes(kind: Type) -> int | None:
    """Return the most bytes any value of the type has, or None when the type alone sets no bound."""
    found = _statics.get(id(kind))
    if found is not None and found[0] is kind:
        return found[1]
    bound = _static_bytes(kind)
    if len(_statics) >= _KEPT:
        _statics.clear()
    _statics[id(kind)] = kind, bound
    return bound


def _static_bytes(kind: Type) -> int | None:
    """Return what `static_bytes` keeps."""
    match kind:
        case OptionalType(inner=inner):
            inside = static_bytes(inner)
            return None if inside is None else max(4, inside)
        case OpaqueType(inner=inner):
            return static_bytes(inner)
        case ProbabilisticType(inner=inner):
            inside = static_bytes(inner)
            return None if inside is None else inside + SAMPLES_BYTES
        case StringType(max_length=longest):
            return None if longest is None else _ESCAPE_BYTES * longest + 2
        case EnumType(values=values):
            return max((json_bytes(value) for value in values), default=4)
        case ListType(item=item, max_length=longest):
            inside = static_bytes(item)
            return None if longest is None or inside is None else 2 + longest * (inside + 1)
        case RecordType(fields=fields):
            return _record_bytes([(part.name, static_bytes(part.type)) for part in fields])
        case JsonType() | AnyType() | MapType() | BytesType():
            return None
        case _:
            return _scalar_bytes(kind)


def _record_bytes(parts: Sequence[tuple[str, int | None]]) -> int | None:
    """Add up a record's keys and values."""
    total = 2
    for name, inside in parts:
        if inside is None:
            return None
        total += key_bytes(name) + inside
    return total


def _scalar_bytes(
    kind: IntType | FloatType | BoolType | NullType | DateType | DateTimeType | NeverType,
) -> int:
    """Return the longest JSON of a value without parts."""
    match kind:
        case IntType():
            return _INT_BYTES
        case FloatType():
            return _FLOAT_BYTES
        case DateTimeType():
            return _DATETIME_BYTES
        case DateType():
            return 12
        case _:
            return 5


def least_bytes(kind: Type) -> int:
    """Return the fewest bytes an answer of the type takes; missing optional fields take none."""
    match kind:
        case OpaqueType(inner=inner) | ProbabilisticType(inner=inner):
            return least_bytes(inner)
        case StringType(min_length=shortest):
            return 2 + (shortest or 0)
        case ListType(item=item, min_length=shortest):
            return 2 + (shortest or 0) * (least_bytes(item) + 1)
        case EnumType(values=values):
            return min((json_bytes(value) for value in values), default=1)
        case RecordType(fields=fields):
            needed = [part for part in fields if not isinstance(part.type, (OptionalType, NullType))]
            return 2 + sum(key_bytes(part.name) + least_bytes(part.type) for part in needed)
        case MapType() | BytesType():
            return 2
        case DateType():
            return 12
        case _:
            return 1
