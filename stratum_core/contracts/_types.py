"""The types of Stratum values: what a contract field, a parameter or an expression can be.

Every surface shares these: the IR's type texts, the expression checker, JSON Schema and value validation. Values
themselves are JSON values (`JsonValue`): a record is a dict, a date is ISO 8601 text (`2026-01-31`), a datetime is
ISO 8601 text in UTC (`2026-01-31T09:30:00Z`) and bytes are base64 text, so that values can be journalled, hashed and
compared without conversion.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias, assert_never

__all__ = [
    "AnyType",
    "BoolType",
    "BytesType",
    "DateTimeType",
    "DateType",
    "EnumType",
    "Field",
    "FloatType",
    "IntType",
    "JsonScalar",
    "JsonType",
    "JsonValue",
    "ListType",
    "MapType",
    "NeverType",
    "NullType",
    "OpaqueType",
    "OptionalType",
    "ProbabilisticType",
    "RecordType",
    "StringType",
    "Type",
    "describe",
]

JsonScalar: TypeAlias = str | int | float | bool | None
JsonValue: TypeAlias = "JsonScalar | Sequence[JsonValue] | Mapping[str, JsonValue]"


@dataclass(frozen=True, slots=True, kw_only=True)
class StringType:
    """Text; lengths in characters, `pattern` searched (anchor with ^ and $)."""

    min_length: int | None = None
    max_length: int | None = None
    pattern: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class IntType:
    """A 64-bit integer, bounds included."""

    min: int | None = None
    max: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FloatType:
    """A finite number, bounds included; an integer value fits."""

    min: float | None = None
    max: float | None = None


@dataclass(frozen=True, slots=True)
class BoolType:
    """True or false."""


@dataclass(frozen=True, slots=True)
class NullType:
    """Only null."""


@dataclass(frozen=True, slots=True)
class DateType:
    """A calendar date as ISO 8601 text."""


@dataclass(frozen=True, slots=True)
class DateTimeType:
    """A point in time as ISO 8601 text in UTC."""


@dataclass(frozen=True, slots=True)
class BytesType:
    """Bytes as base64 text."""


@dataclass(frozen=True, slots=True)
class JsonType:
    """Any JSON value a document declares as `json`; fields of it are not checked before run time."""


@dataclass(frozen=True, slots=True)
class AnyType:
    """The type of a node that already has a diagnostic: it fits everywhere, so one fault is reported once."""


@dataclass(frozen=True, slots=True)
class NeverType:
    """The element type of an empty list literal: it fits everywhere and nothing fits it."""


@dataclass(frozen=True, slots=True)
class EnumType:
    """One of the listed values."""

    values: tuple[JsonScalar, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ListType:
    """A list; lengths in items."""

    item: Type
    min_length: int | None = None
    max_length: int | None = None


@dataclass(frozen=True, slots=True)
class MapType:
    """A map from text to `value`."""

    value: Type


@dataclass(frozen=True, slots=True)
class OptionalType:
    """`inner` or null; `inner` is never optional itself."""

    inner: Type


@dataclass(frozen=True, slots=True)
class OpaqueType:
    """Data for the model that never stands in instruction text."""

    inner: Type


@dataclass(frozen=True, slots=True)
class ProbabilisticType:
    """What a function with `stable: false` gives; read through `most_likely` or `assert_stable`."""

    inner: Type


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """A named, typed, optionally described part of a record."""

    name: str
    type: Type
    description: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordType:
    """A record: a contract (named) or the record a literal or a `parallel` step gives (name empty)."""

    name: str = ""
    fields: tuple[Field, ...]
    description: str = ""

    def field(self, name: str) -> Field | None:
        """Return the field of that name, or None."""
        return next((field for field in self.fields if field.name == name), None)

    @property
    def field_names(self) -> tuple[str, ...]:
        """Field names in declared order (the order reaches the model)."""
        return tuple(field.name for field in self.fields)


Type: TypeAlias = (
    StringType
    | IntType
    | FloatType
    | BoolType
    | NullType
    | DateType
    | DateTimeType
    | BytesType
    | JsonType
    | AnyType
    | NeverType
    | EnumType
    | ListType
    | MapType
    | OptionalType
    | OpaqueType
    | ProbabilisticType
    | RecordType
)


def describe(kind: Type) -> str:
    """Return a type as a document writes it in short form, e.g. `optional<list<Review>>` or `int[1..5]`."""
    match kind:
        case StringType():
            return "string"
        case IntType(min=low, max=high) | FloatType(min=low, max=high):
            name = "int" if isinstance(kind, IntType) else "float"
            if low is None and high is None:
                return name
            return f"{name}[{'' if low is None else f'{low:g}'}..{'' if high is None else f'{high:g}'}]"
        case ListType(item=item):
            return f"list<{describe(item)}>"
        case MapType(value=value):
            return f"map<{describe(value)}>"
        case OptionalType(inner=inner):
            return f"optional<{describe(inner)}>"
        case OpaqueType(inner=inner):
            return f"opaque<{describe(inner)}>"
        case ProbabilisticType(inner=inner):
            return f"probabilistic<{describe(inner)}>"
        case EnumType(values=values):
            return " | ".join(json.dumps(value, ensure_ascii=False) for value in values)
        case RecordType(name=name):
            return name or "{" + ", ".join(kind.field_names) + "}"
        case _:
            return _plain_name(kind)


def _plain_name(
    kind: BoolType | NullType | DateType | DateTimeType | BytesType | JsonType | AnyType | NeverType,
) -> str:
    """Return the name of a type that has no parts."""
    match kind:
        case BoolType():
            return "bool"
        case NullType():
            return "null"
        case DateType():
            return "date"
        case DateTimeType():
            return "datetime"
        case BytesType():
            return "bytes"
        case JsonType():
            return "json"
        case AnyType():
            return "any"
        case NeverType():
            return "never"
        case _:
            assert_never(kind)
