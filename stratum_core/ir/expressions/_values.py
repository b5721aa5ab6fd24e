"""Values: equality, order and conversions, the same for every host."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping, Sequence
from typing import TypeAlias

from stratum_core.contracts import DateTimeType, JsonValue, ListType, Type
from stratum_core.errors import ExpressionError
from stratum_core.ir.expressions._meter import is_list, kind_name, number
from stratum_core.ir.expressions._shape import shape

__all__ = ["OrderKey", "equal", "holds_datetimes", "instant", "order_key", "to_float", "to_int", "to_text"]

OrderKey: TypeAlias = int | float | str | dt.datetime

_INTEGER_TEXT = re.compile(r"\s*[+-]?[0-9]{1,19}\s*", re.ASCII)
_FLOAT_TEXT = re.compile(
    r"\s*[+-]?([0-9]{1,400}(\.[0-9]{0,400})?|\.[0-9]{1,400})([eE][+-]?[0-9]{1,4})?\s*", re.ASCII
)


def equal(left: JsonValue, right: JsonValue) -> bool:
    """Return whether two scalars or lists are equal; true is not 1, lists compare item by item."""
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    if is_list(left) and is_list(right) and isinstance(left, Sequence) and isinstance(right, Sequence):
        return len(left) == len(right) and all(equal(a, b) for a, b in zip(left, right, strict=True))
    return left == right


def instant(value: JsonValue) -> dt.datetime:
    """Return the point in time of a datetime value.

    Raises:
        ExpressionError: It is no ISO 8601 text with an offset.
    """
    try:
        moment = dt.datetime.fromisoformat(str(value))
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise ExpressionError(f"{str(value)[:40]!r} is not a datetime such as 2026-01-31T09:30:00Z")
    return moment


def holds_datetimes(kind: Type) -> bool:
    """Return whether a type is datetime, or a list of them."""
    bare = shape(kind).bare
    return isinstance(shape(bare.item).bare if isinstance(bare, ListType) else bare, DateTimeType)


def order_key(value: JsonValue) -> OrderKey:
    """Return what a value is ordered by.

    Raises:
        ExpressionError: It is neither a number nor text.
    """
    if isinstance(value, str) or (isinstance(value, (int, float)) and not isinstance(value, bool)):
        return value
    raise ExpressionError(f"only numbers, text and dates have an order, not {kind_name(value)}")


def to_int(value: JsonValue) -> int:
    """Return a number cut towards zero, or the whole number a text spells."""
    if isinstance(value, str):
        if not _INTEGER_TEXT.fullmatch(value):
            raise ExpressionError(f"int(...) needs a whole number, not {value[:40]!r}")
        return int(number(int(value)))
    if isinstance(value, (bool, int, float)):
        return int(number(int(value)))
    raise ExpressionError(f"int(...) does not apply to {kind_name(value)}")


def to_float(value: JsonValue) -> float:
    """Return a number as a float, or the number a text spells."""
    if isinstance(value, str):
        if not _FLOAT_TEXT.fullmatch(value):
            raise ExpressionError(f"float(...) needs a number, not {value[:40]!r}")
        return float(number(float(value)))
    if isinstance(value, (bool, int, float)):
        return float(value)
    raise ExpressionError(f"float(...) does not apply to {kind_name(value)}")


def to_text(value: JsonValue) -> str:
    """Return a scalar as text."""
    if value is None or (isinstance(value, (Mapping, Sequence)) and not isinstance(value, str)):
        raise ExpressionError(f"str(...) does not apply to {kind_name(value)}")
    return str(value)
