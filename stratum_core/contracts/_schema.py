"""JSON Schema 2020-12 of a type, the full contract: what a value has to satisfy before anything is projected away.

Every field without `optional` is required, no other field is allowed. An optional type is `anyOf` with null. `opaque`
is a mark about where text may stand, not about values: it is written as
`x-opaque: true`, so that two contracts that differ only in it have different hashes; projections to a provider drop
every `x-` key. A record is written in place, never as a reference: contracts are not circular.
"""

from __future__ import annotations

from typing import assert_never

from stratum_core.contracts._relations import without_opaque
from stratum_core.contracts._types import (
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
    StringType,
    Type,
)

__all__ = ["json_schema"]


def json_schema(kind: Type) -> dict[str, JsonValue]:
    """Return the JSON Schema of a type; key order is the order of writing, fields keep theirs."""
    match kind:
        case StringType():
            return _with(
                {"type": "string"}, minLength=kind.min_length, maxLength=kind.max_length, pattern=kind.pattern
            )
        case IntType():
            return _with({"type": "integer"}, minimum=kind.min, maximum=kind.max)
        case FloatType():
            return _with({"type": "number"}, minimum=kind.min, maximum=kind.max)
        case ListType():
            schema: dict[str, JsonValue] = {"type": "array", "items": json_schema(kind.item)}
            return _with(schema, minItems=kind.min_length, maxItems=kind.max_length)
        case MapType(value=value):
            return {"type": "object", "additionalProperties": json_schema(value)}
        case OptionalType(inner=inner):
            return {"anyOf": [json_schema(inner), {"type": "null"}]}
        case OpaqueType(inner=inner):
            return {**json_schema(inner), "x-opaque": True}
        case ProbabilisticType(inner=inner):
            return json_schema(inner)
        case EnumType(values=values):
            return {"enum": list(values)}
        case RecordType():
            return _record(kind)
        case _:
            return _plain(kind)


def _with(schema: dict[str, JsonValue], **limits: JsonValue) -> dict[str, JsonValue]:
    """Add the limits that are set."""
    schema.update({name: limit for name, limit in limits.items() if limit is not None})
    return schema


def _record(kind: RecordType) -> dict[str, JsonValue]:
    """Return the schema of a record."""
    schema: dict[str, JsonValue] = {"type": "object"}
    if kind.name:
        schema["title"] = kind.name
    if kind.description:
        schema["description"] = kind.description
    properties: dict[str, JsonValue] = {}
    required: list[str] = []
    for field in kind.fields:
        properties[field.name] = _with(json_schema(field.type), description=field.description or None)
        if not isinstance(without_opaque(field.type), OptionalType):
            required.append(field.name)
    schema["properties"] = properties
    schema["required"] = required
    schema["additionalProperties"] = False
    return schema


def _plain(
    kind: BoolType | NullType | DateType | DateTimeType | BytesType | JsonType | AnyType | NeverType,
) -> dict[str, JsonValue]:
    """Return the schema of a type that has no parts."""
    match kind:
        case BoolType():
            return {"type": "boolean"}
        case NullType():
            return {"type": "null"}
        case DateType():
            return {"type": "string", "format": "date"}
        case DateTimeType():
            return {"type": "string", "format": "date-time"}
        case BytesType():
            return {"type": "string", "contentEncoding": "base64"}
        case JsonType() | AnyType():
            return {}
        case NeverType():
            return {"not": {}}
        case _:
            assert_never(kind)
