"""Shapes: a type taken apart into what it is, whether it may be null, and whether it is opaque."""

from __future__ import annotations

import math
from typing import NamedTuple

from stratum_core.contracts import (
    AnyType,
    BoolType,
    DateTimeType,
    DateType,
    EnumType,
    FloatType,
    IntType,
    JsonScalar,
    JsonType,
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
    describe,
    optional,
)

__all__ = [
    "Shape",
    "bounds",
    "is_number",
    "is_scalar",
    "is_text_shape",
    "is_unknown",
    "literal_type",
    "mark",
    "orderable",
    "shape",
]


class Shape(NamedTuple):
    """A type without its outer marks; a tuple, because a check makes several for each node."""

    bare: Type
    nullable: bool = False
    opaque: bool = False

    def again(self, bare: Type) -> Type:
        """Return another type with the opaque mark of this one."""
        return mark(bare, opaque=self.opaque)


_MARKED = frozenset({OptionalType, OpaqueType, EnumType, NullType})
"""The types that say more than what a value is."""


def shape(kind: Type) -> Shape:
    """Take a type apart; an enum of numbers or booleans becomes the plain type."""
    if type(kind) not in _MARKED:
        return Shape(kind)
    nullable = opaque = False
    while isinstance(kind, (OptionalType, OpaqueType)):
        nullable = nullable or isinstance(kind, OptionalType)
        opaque = opaque or isinstance(kind, OpaqueType)
        kind = kind.inner
    if isinstance(kind, EnumType):
        values = tuple(value for value in kind.values if value is not None)
        nullable = nullable or len(values) < len(kind.values)
        kind = _plain_enum(values)
    return Shape(bare=kind, nullable=nullable or isinstance(kind, NullType), opaque=opaque)


def _plain_enum(values: tuple[JsonScalar, ...]) -> Type:
    """Return the plain type of an enum of numbers or booleans; an enum of text stays."""
    if not values:
        return NullType()
    if all(isinstance(value, bool) for value in values):
        return BoolType()
    whole = [value for value in values if isinstance(value, int) and not isinstance(value, bool)]
    numbers = [value for value in values if isinstance(value, (int, float)) and not isinstance(value, bool)]
    if len(whole) == len(values):
        return IntType(min=min(whole), max=max(whole))
    if len(numbers) == len(values):
        return FloatType(min=float(min(numbers)), max=float(max(numbers)))
    return EnumType(values)


def mark(kind: Type, *, opaque: bool) -> Type:
    """Return the type, opaque when asked; the mark stands below an optional and never twice."""
    if not opaque or isinstance(kind, (OpaqueType, AnyType, NullType, NeverType)):
        return kind
    if isinstance(kind, OptionalType):
        return optional(mark(kind.inner, opaque=True))
    return OpaqueType(kind)


def is_unknown(kind: Type) -> bool:
    """Return whether only the run can tell: json, or a part that already has a finding."""
    return isinstance(kind, (AnyType, JsonType, NeverType))


def is_number(kind: Type) -> bool:
    """Return whether a bare type is int or float."""
    return isinstance(kind, (IntType, FloatType))


def is_text_shape(kind: Type) -> bool:
    """Return whether a bare type is text."""
    if isinstance(kind, EnumType):
        return all(isinstance(value, str) for value in kind.values)
    return isinstance(kind, StringType)


def is_scalar(kind: Type) -> bool:
    """Return whether values of a bare type can be compared with `==`."""
    return not isinstance(kind, (RecordType, MapType, ListType, ProbabilisticType))


def bounds(kind: Type) -> tuple[float, float]:
    """Return the smallest and largest value of a bare number type, infinite when not limited."""
    if not isinstance(kind, (IntType, FloatType)):
        return -math.inf, math.inf
    return -math.inf if kind.min is None else kind.min, math.inf if kind.max is None else kind.max


def say(kind: Type) -> str:
    """Return a type as messages name it: a literal is what it is an example of."""
    match kind:
        case IntType(min=low, max=high) if low is not None and low == high:
            return "int"
        case FloatType(min=low, max=high) if low is not None and low == high:
            return "float"
        case EnumType(values=(str(),)):
            return "string"
        case _:
            return describe(kind)


def literal_type(value: JsonScalar) -> Type:
    """Return the type that holds just this value; text as an enum of one, numbers as a range of one."""
    if value is None:
        return NullType()
    if isinstance(value, bool):
        return BoolType()
    if isinstance(value, int):
        return IntType(min=value, max=value)
    if isinstance(value, float):
        return FloatType(min=value, max=value)
    return EnumType((value,))


def orderable(left: Type, right: Type) -> bool:
    """Return whether `<` applies to two bare types."""
    if is_unknown(left) or is_unknown(right):
        return True
    if is_number(left) or is_text_shape(left):
        return (is_number(left) and is_number(right)) or (is_text_shape(left) and is_text_shape(right))
    return isinstance(left, (DateType, DateTimeType)) and type(left) is type(right)
