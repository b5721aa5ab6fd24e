"""Types as JSON and back, for records that have to say later what fits: a question to a person, say.

Every type comes back equal to what it was. The JSON names the classes of this package and is meant for Stratum's own
files; other programs read `json_schema`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from typing import cast

from stratum_core.contracts._types import (
    AnyType,
    BoolType,
    BytesType,
    DateTimeType,
    DateType,
    EnumType,
    Field,
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

__all__ = ["type_from_json", "type_to_json"]

_KIND = "kind"
_CLASSES: Mapping[str, Callable[..., Type | Field]] = {
    made.__name__: made
    for made in (
        AnyType, BoolType, BytesType, DateTimeType, DateType, EnumType, Field, FloatType, IntType, JsonType, ListType,
        MapType, NeverType, NullType, OpaqueType, OptionalType, ProbabilisticType, RecordType, StringType,
    )
}  # fmt: skip


def type_to_json(kind: Type) -> dict[str, JsonValue]:
    """Return a type as a JSON record."""
    return _written(kind)


def type_from_json(record: Mapping[str, JsonValue]) -> Type:
    """Return the type that `type_to_json` wrote.

    Raises:
        ValueError: The record is not one of those.
    """
    read = _made(record)
    if isinstance(read, Field):
        raise ValueError(f"not a type: {str(record)[:80]}")  # noqa: TRY004 - the record is wrong, not the call
    return read


def _written(part: Type | Field) -> dict[str, JsonValue]:
    record: dict[str, JsonValue] = {_KIND: type(part).__name__}
    for field in fields(part):
        value: object = getattr(part, field.name)
        if isinstance(value, tuple):
            record[field.name] = [_value(item) for item in cast("tuple[object, ...]", value)]
        else:
            record[field.name] = _value(value)
    return record


def _value(value: object) -> JsonValue:
    """Return a part of a type: a type or field of it, or a plain value."""
    if type(value).__name__ in _CLASSES:
        return _written(cast("Type | Field", value))
    return cast("JsonValue", value)


def _made(record: Mapping[str, JsonValue]) -> Type | Field:
    made = _CLASSES.get(str(record.get(_KIND)))
    if made is None:
        raise ValueError(f"not a type: {str(record)[:80]}")
    try:
        return made(**{name: _read(part) for name, part in record.items() if name != _KIND})
    except TypeError as fault:
        raise ValueError(f"not a type: {str(record)[:80]}") from fault


def _read(value: JsonValue) -> object:
    """Return what a part of a record stands for."""
    if isinstance(value, Mapping):
        return _made(value)
    if isinstance(value, Sequence) and not isinstance(value, str):
        return tuple(_read(part) for part in value)
    return value
