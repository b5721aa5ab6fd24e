"""The language's functions for Python values do what they do in a document."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace

import pytest

from stratum_core.errors import ExpressionError
from stratum_core.functions import (
    count,
    default,
    distinct,
    find_all,
    first,
    flatten,
    group_by,
    last,
    matches,
    sort_by,
    top,
)
from stratum_core.ir.expressions import SIGNATURES

_ROWS = [SimpleNamespace(a=2, b="x"), SimpleNamespace(a=3, b="y"), SimpleNamespace(a=2, b="z")]


@pytest.mark.parametrize(
    ("found", "wanted"),
    [
        (first([1, 2]), 1),
        (first([]), None),
        (last([1, 2]), 2),
        (last([]), None),
        (default(None, 3), 3),
        (default(0, 3), 0),
        (flatten([[1], [], [2, 3]]), [1, 2, 3]),
        (distinct([2, 1, 2, True, 1]), [2, 1, True]),
        (count([True, False, True]), 2),
        (count([1, True, 1], 1), 2),
        (count(["a", "b"], "a"), 1),
        (top([1, 3, 2], 2), [3, 2]),
        (matches("A refund!", r"(?i)\brefund\b"), True),
        (matches("A refund!", "^refund"), False),
        (find_all("cf. ab, cf. cd", "cf[.] [a-z]+"), ["cf. ab", "cf. cd"]),
    ],
)
def test_a_function_gives_what_its_namesake_gives(found: object, wanted: object) -> None:
    assert found == wanted
    assert repr(found) == repr(wanted)


def test_records_are_sorted_by_a_field_and_equal_ones_keep_their_order() -> None:
    assert [row.b for row in sort_by(_ROWS, "a")] == ["x", "z", "y"]
    assert [row.b for row in sort_by(_ROWS, "-a")] == ["y", "x", "z"]
    assert [row.b for row in top(_ROWS, 2, "a")] == ["y", "x"]


def test_records_with_the_same_value_of_a_field_come_together() -> None:
    groups = group_by([*_ROWS, SimpleNamespace(a=True, b="t"), SimpleNamespace(a=1, b="o")], "a")

    assert [(group.key, [row.b for row in group.items]) for group in groups] == [
        (2, ["x", "z"]),
        (3, ["y"]),
        (True, ["t"]),
        (1, ["o"]),
    ]


@pytest.mark.parametrize(
    "wrong", [lambda: top([1], -1), lambda: matches("a", "(?<a"), lambda: find_all("a", "(?=a)")]
)
def test_what_the_language_refuses_is_refused(wrong: Callable[[], object]) -> None:
    with pytest.raises(ExpressionError):
        wrong()


def test_every_function_is_one_of_the_language() -> None:
    names = {
        "count",
        "default",
        "find_all",
        "first",
        "flatten",
        "group_by",
        "last",
        "matches",
        "sort_by",
        "top",
    }

    assert names <= set(SIGNATURES)
