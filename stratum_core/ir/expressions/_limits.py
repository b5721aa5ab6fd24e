"""The bounds of an expression: how long it may be, how deep, and how much it may do and hold when it runs.

They are part of the language: a host that evaluates the same documents keeps the same numbers.
"""

from __future__ import annotations

__all__ = [
    "DEFAULT_FUEL",
    "INT_MAX",
    "INT_MIN",
    "MAX_CHARS",
    "MAX_DEPTH",
    "MAX_ITEMS",
    "MAX_NODES",
    "MAX_PATTERN_CHARS",
    "MAX_PATTERN_WEIGHT",
    "MAX_TEXT_CHARS",
]

MAX_CHARS = 4_096
"""Characters of one expression."""

MAX_DEPTH = 64
"""Nesting of brackets and of operations."""

MAX_NODES = 1_000
"""Parts (names, literals, operations) of one expression."""

DEFAULT_FUEL = 3_000_000
"""Work of one evaluation; one unit is about one operation or a handful of bytes, at most 0.2 microseconds."""

MAX_TEXT_CHARS = 1_000_000
"""Characters of a text that an expression builds."""

MAX_ITEMS = 200_000
"""Items of a list that an expression builds."""

INT_MIN = -(2**63)
INT_MAX = 2**63 - 1

MAX_PATTERN_CHARS = 500
"""Characters of a pattern."""

MAX_PATTERN_WEIGHT = 2_000
"""States of a pattern after its counted repeats are written out."""
