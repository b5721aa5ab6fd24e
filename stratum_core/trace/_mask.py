"""What a record may show of a value: everything but its opaque parts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from stratum_core.contracts import (
    JsonValue,
    ListType,
    MapType,
    OpaqueType,
    OptionalType,
    ProbabilisticType,
    RecordType,
    Type,
)

__all__ = ["OPAQUE", "holds_opaque", "masked"]

OPAQUE = "(opaque)"
"""Stands in place of an opaque part."""


def holds_opaque(kind: Type) -> bool:
    """Return whether a value of the type has opaque parts at any depth."""
    match kind:
        case OpaqueType():
            return True
        case OptionalType(inner=inner) | ListType(item=inner) | MapType(value=inner):
            return holds_opaque(inner)
        case ProbabilisticType(inner=inner):
            return holds_opaque(inner)
        case RecordType(fields=fields):
            return any(holds_opaque(field.type) for field in fields)
        case _:
            return False


def masked(kind: Type, value: JsonValue) -> JsonValue:
    """Return a value with `(opaque)` in place of each opaque part; null stays null.

    A value that does not have the shape of its type is masked whole.
    """
    if value is None or not holds_opaque(kind):
        return value
    match kind:
        case OptionalType(inner=inner):
            return masked(inner, value)
        case RecordType(fields=fields) if isinstance(value, Mapping):
            return {field.name: masked(field.type, value.get(field.name)) for field in fields}
        case ListType(item=item) if isinstance(value, Sequence) and not isinstance(value, str):
            return [masked(item, entry) for entry in value]
        case MapType(value=inner) if isinstance(value, Mapping):
            return {key: masked(inner, entry) for key, entry in value.items()}
        case _:
            return OPAQUE
