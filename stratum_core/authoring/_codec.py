"""Codec: a type of Stratum and the Python values that stand for its JSON values.

Values cross this border in both directions: arguments and defaults are dumped before a call, answers are loaded after
one. Both are held to the type by the validator that documents use, so a program and a document accept the same.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import Enum
from typing import TypeAlias, cast

from stratum_core.contracts import (
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
    NullType,
    OptionalType,
    StringType,
    Type,
    check_value,
    describe,
)
from stratum_core.errors import ContractViolation

__all__ = ["PLAIN_CODECS", "Codec", "Dump", "Load", "enum_codec", "list_codec", "map_codec", "optional_codec"]

Dump: TypeAlias = Callable[[object], object]
"""Turns a Python value into what the validator judges; a value of another kind is passed on as it is."""

Load: TypeAlias = Callable[[JsonValue, str], object]
"""Turns a checked JSON value, at a path, into a Python value."""


def _same(value: object) -> object:
    return value


def _as_is(value: JsonValue, _: str) -> object:
    return value


@dataclass(frozen=True, slots=True, kw_only=True)
class Codec:
    """A type and the way between its JSON values and Python values."""

    type: Type
    description: str = ""
    """What a `Field(description=...)` beside the type says; it reaches the model."""
    fields: Mapping[str, Codec] = field(default_factory=dict[str, "Codec"], repr=False, compare=False)
    """The codecs of a contract's fields by name; empty for anything else."""
    model: type[object] | None = field(default=None, repr=False, compare=False)
    """The class of a contract."""
    item: Codec | None = field(default=None, repr=False, compare=False)
    """What a list, a map or an optional holds."""
    to_json: Dump = field(default=_same, repr=False, compare=False)
    to_python: Load = field(default=_as_is, repr=False, compare=False)

    def dump(self, value: object) -> JsonValue:
        """Return a Python value as JSON, normalised.

        Raises:
            ContractViolation: It does not satisfy the type; each fault names its path.
        """
        return check_value(self.type, cast("JsonValue", self.to_json(value)))

    def load(self, value: JsonValue) -> object:
        """Return the Python value of a JSON value: models, dates, bytes and enum members instead of their texts.

        Raises:
            ContractViolation: It does not satisfy the type, or a validator of a model refuses it.
        """
        return self.to_python(check_value(self.type, value), "")


def _dump_date(value: object) -> object:
    return value.isoformat() if isinstance(value, date) and not isinstance(value, datetime) else value


def _dump_datetime(value: object) -> object:
    return value.isoformat() if isinstance(value, datetime) else value


def _dump_bytes(value: object) -> object:
    return base64.b64encode(value).decode("ascii") if isinstance(value, (bytes, bytearray)) else value


def _dump_plain_text(value: object) -> object:
    """Take the text out of a member of a text enum."""
    return value.value if isinstance(value, Enum) else value


PLAIN_CODECS: Mapping[object, Codec] = {
    str: Codec(type=StringType(), to_json=_dump_plain_text),
    int: Codec(type=IntType(), to_json=_dump_plain_text),
    float: Codec(type=FloatType()),
    bool: Codec(type=BoolType()),
    type(None): Codec(type=NullType()),
    date: Codec(
        type=DateType(), to_json=_dump_date, to_python=lambda value, _: date.fromisoformat(str(value))
    ),
    datetime: Codec(
        type=DateTimeType(),
        to_json=_dump_datetime,
        to_python=lambda value, _: datetime.fromisoformat(str(value)),
    ),
    bytes: Codec(
        type=BytesType(), to_json=_dump_bytes, to_python=lambda value, _: base64.b64decode(str(value))
    ),
}
"""The codecs of types without parts."""

JSON_CODEC = Codec(type=JsonType())


def optional_codec(inner: Codec) -> Codec:
    """Return the codec of `T | None`."""
    if isinstance(inner.type, (OptionalType, NullType)):
        return inner

    def dump(value: object) -> object:
        return None if value is None else inner.to_json(value)

    def load(value: JsonValue, path: str) -> object:
        return None if value is None else inner.to_python(value, path)

    return Codec(
        type=OptionalType(inner.type), description=inner.description, item=inner, to_json=dump, to_python=load
    )


def list_codec(item: Codec) -> Codec:
    """Return the codec of `list[T]`; a tuple is dumped as a list."""

    def dump(value: object) -> object:
        if isinstance(value, Sequence) and not isinstance(value, (str, bytes, bytearray)):
            return [item.to_json(part) for part in cast("Sequence[object]", value)]
        return value

    def load(value: JsonValue, path: str) -> object:
        parts = cast("Sequence[JsonValue]", value)
        return [item.to_python(part, f"{path}[{index}]") for index, part in enumerate(parts)]

    return Codec(type=ListType(item=item.type), item=item, to_json=dump, to_python=load)


def map_codec(value_codec: Codec) -> Codec:
    """Return the codec of `dict[str, T]`."""
    kind = MapType(value_codec.type)

    def dump(value: object) -> object:
        if not isinstance(value, Mapping):
            return value
        parts = cast("Mapping[object, object]", value)
        odd = next((key for key in parts if not isinstance(key, str)), None)
        if odd is not None:
            fault = {"path": "$", "message": "expected text as the keys of a map", "actual": repr(odd)[:80]}
            raise ContractViolation(
                f"the value does not satisfy {describe(kind)}: $: {fault['message']}, not {fault['actual']}",
                detail={"violations": [fault]},
            )
        return {key: value_codec.to_json(part) for key, part in parts.items()}

    def load(value: JsonValue, path: str) -> object:
        parts = cast("Mapping[str, JsonValue]", value)
        return {key: value_codec.to_python(part, f"{path}[{key!r}]") for key, part in parts.items()}

    return Codec(type=kind, item=value_codec, to_json=dump, to_python=load)


def enum_codec(members: type[Enum], kind: EnumType) -> Codec:
    """Return the codec of an enum class; its values stand in the JSON, its members in Python."""

    def dump(value: object) -> object:
        return value.value if isinstance(value, members) else value

    def load(value: JsonValue, _: str) -> object:
        return members(value)

    return Codec(type=kind, to_json=dump, to_python=load)
