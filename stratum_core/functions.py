"""The expression language's functions for Python values: what Python has no function of its own for.

    from stratum_core.functions import group_by, matches, sort_by

They do in a flow or a compute function what their namesakes do in a document; `stratum codegen` writes calls of them.
A field is named by text and read as an attribute, so the items are contracts.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from operator import attrgetter
from typing import Any, Final, Generic, TypeVar, cast, overload

from stratum_core.contracts import StringType
from stratum_core.errors import ExpressionError
from stratum_core.ir.expressions import CompiledExpression, compile_expression, literal_expression

__all__ = [
    "Group",
    "count",
    "default",
    "distinct",
    "find_all",
    "first",
    "flatten",
    "group_by",
    "last",
    "matches",
    "sort_by",
    "top",
]

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Group(Generic[T]):
    """Items whose field has the same value."""

    key: Any
    """The value."""
    items: list[T]
    """At least one, in their order."""


def first(items: Sequence[T]) -> T | None:
    """Return the first item; None when there is none."""
    return items[0] if items else None


def last(items: Sequence[T]) -> T | None:
    """Return the last item; None when there is none."""
    return items[-1] if items else None


def default(value: T | None, other: T) -> T:
    """Return the value, or the other one when it is None."""
    return other if value is None else value


def flatten(lists: Iterable[Iterable[T]]) -> list[T]:
    """Return the items of all lists in one."""
    return [item for items in lists for item in items]


def distinct(items: Iterable[T]) -> list[T]:
    """Return the items without repeats, in order of first appearance; true is not 1."""
    return list({(isinstance(item, bool), item): item for item in items}.values())


class _Absent:
    """The type of an argument that was left out."""


_ABSENT: Final = _Absent()


@overload
def count(items: Iterable[bool], /) -> int: ...
@overload
def count(items: Iterable[T], value: T, /) -> int: ...
def count(items: Iterable[object], value: object = _ABSENT, /) -> int:
    """Return how many items equal the value, or are true."""
    if isinstance(value, _Absent):
        return sum(1 for item in items if item is True)
    return sum(1 for item in items if item == value and isinstance(item, bool) == isinstance(value, bool))


def sort_by(items: Iterable[T], field: str) -> list[T]:
    """Return the items in rising order of a field; `"-field"` falls. Equal ones keep their order."""
    return sorted(items, key=attrgetter(field.removeprefix("-")), reverse=field.startswith("-"))


def top(items: Iterable[T], size: int, field: str | None = None) -> list[T]:
    """Return the `size` largest items, largest first; equal ones keep their order.

    Args:
        items: Records, or values that can be compared.
        size: 0 or more.
        field: The field that is compared; None: the item itself.

    Raises:
        ExpressionError: `size` is below 0.
    """
    if size < 0:
        raise ExpressionError(f"top(...) takes a number of items, 0 or more, not {size}")
    if field is None:
        return cast("list[T]", sorted(cast("Iterable[Any]", items), reverse=True)[:size])
    return sorted(items, key=attrgetter(field), reverse=True)[:size]


def group_by(items: Iterable[T], field: str) -> list[Group[T]]:
    """Return records with the same value of a field together, in order of first appearance."""
    groups: dict[tuple[bool, object], Group[T]] = {}
    read = attrgetter(field)
    for item in items:
        key: object = read(item)
        groups.setdefault((isinstance(key, bool), key), Group(key, [])).items.append(item)
    return list(groups.values())


def matches(text: str, pattern: str) -> bool:
    """Return whether a pattern is found in a text, in linear time; anchor with ^ and $.

    Raises:
        ExpressionError: It is no pattern of the engine, or too much work.
    """
    return _searched("matches", pattern).evaluate({"text": text}) is True


def find_all(text: str, pattern: str) -> list[str]:
    """Return every part of a text that matches a pattern, left to right.

    Raises:
        ExpressionError: It is no pattern that `find_all` knows, or too much work.
    """
    return list(cast("Sequence[str]", _searched("find_all", pattern).evaluate({"text": text})))


@lru_cache(maxsize=256)
def _searched(function: str, pattern: str) -> CompiledExpression:
    """Return the search for one pattern, as the language runs it."""
    text = f"{function}(text, {literal_expression(pattern).canonical})"
    result = compile_expression(text, {"text": StringType()})
    if result.expression is None:
        found = result.findings[0]
        raise ExpressionError(f"{function}(..., {pattern!r}): {found.message}", remedy=found.suggestion)
    return result.expression
