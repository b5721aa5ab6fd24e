"""A type as JSON in long form, contracts by name: the spelling that is hashed."""

from __future__ import annotations

from collections.abc import Mapping

from stratum_core.contracts import (
    EnumType,
    FloatType,
    IntType,
    JsonValue,
    ListType,
    MapType,
    OpaqueType,
    OptionalType,
    ProbabilisticType,
    RecordType,
    StringType,
    Type,
    describe,
)

__all__ = ["contract_names", "type_json"]


def type_json(kind: Type) -> dict[str, JsonValue]:
    """Return a type with every constraint that is set."""
    match kind:
        case StringType():
            limits = {"min_length": kind.min_length, "max_length": kind.max_length, "pattern": kind.pattern}
            return _limited("string", limits)
        case IntType():
            return _limited("int", {"min": kind.min, "max": kind.max})
        case FloatType():
            return _limited("float", {"min": kind.min, "max": kind.max})
        case EnumType(values=values):
            return {"enum": list(values)}
        case ListType():
            limits = {"min_length": kind.min_length, "max_length": kind.max_length}
            return {**_limited("list", limits), "item": type_json(kind.item)}
        case MapType(value=value):
            return {"type": "map", "item": type_json(value)}
        case OptionalType(inner=inner):
            return {"type": "optional", "item": type_json(inner)}
        case OpaqueType(inner=inner):
            return {"type": "opaque", "item": type_json(inner)}
        case RecordType(name=name):
            return {"contract": name}
        case _:
            return {"type": describe(kind)}


def contract_names(kind: Type) -> list[str]:
    """Return the contracts a type names, not looking into them."""
    match kind:
        case RecordType(name=name):
            return [name]
        case ListType(item=inner) | MapType(value=inner):
            return contract_names(inner)
        case OptionalType(inner=inner) | OpaqueType(inner=inner) | ProbabilisticType(inner=inner):
            return contract_names(inner)
        case _:
            return []


def _limited(name: str, limits: Mapping[str, float | str | None]) -> dict[str, JsonValue]:
    """Return a type with the limits that are set."""
    written: dict[str, JsonValue] = {"type": name}
    written.update({key: limit for key, limit in limits.items() if limit is not None})
    return written
