"""Patterns: what `matches` and `find_all` accept, bounded before anything is compiled.

The engine behind `matches` is pydantic-core's Rust one: linear in the text times the size of the pattern with its
counted repeats written out. Look-around and back-references do not exist there.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache

from pydantic_core import SchemaError, SchemaValidator, core_schema

from stratum_core.errors import ExpressionError
from stratum_core.ir.expressions._limits import MAX_PATTERN_CHARS, MAX_PATTERN_WEIGHT
from stratum_core.ir.expressions._search import compile_search

__all__ = ["check_pattern", "matcher", "pattern_weight"]

_REPEAT = re.compile(r"\{(\d{1,9})(,(\d{0,9}))?\}")
_CLASS_ESCAPES = frozenset("wWdDsSbBpP")
_CLASS_ESCAPE_WEIGHT = 40
_CLASS_WEIGHT = 8
_ANY_WEIGHT = 4


def pattern_weight(pattern: str) -> int:
    """Return an upper bound of the states of a pattern after its counted repeats are written out."""
    stack = [[0, 0]]  # for each open group: states so far, states of the last item
    position = 0
    while position < len(pattern):
        weight, length = _item_weight(pattern, position)
        character = pattern[position]
        repeat = _REPEAT.match(pattern, position)
        if character == "(":
            stack.append([0, 0])
        elif character == ")" and len(stack) > 1:
            inner = stack.pop()[0] + 2
            stack[-1] = [stack[-1][0] + inner, inner]
        elif repeat is not None:
            times = max(int(repeat.group(1)), int(repeat.group(3) or 0), 1)
            stack[-1] = [stack[-1][0] + stack[-1][1] * (times - 1), stack[-1][1] * times]
            length = repeat.end() - position
        elif character in "*+?|^$":
            stack[-1][0] += 1
        else:
            stack[-1] = [stack[-1][0] + weight, weight]
        position += length
    return max(1, sum(total for total, _ in stack))


def _item_weight(pattern: str, position: int) -> tuple[int, int]:
    """Return the states and the length of the item at a position."""
    character = pattern[position]
    if character == "\\":
        heavy = pattern[position + 1 : position + 2] in _CLASS_ESCAPES
        return (_CLASS_ESCAPE_WEIGHT if heavy else 1), 2
    if character == "[":
        end = position + (2 if pattern[position + 1 : position + 2] in {"]", "^"} else 1)
        weight = _CLASS_WEIGHT
        while end < len(pattern) and pattern[end] != "]":
            escape = pattern[end] == "\\"
            weight += _CLASS_ESCAPE_WEIGHT if escape and pattern[end + 1 : end + 2] in _CLASS_ESCAPES else 0
            end += 2 if escape else 1
        return weight, end + 1 - position
    return (_ANY_WEIGHT if character == "." else 1), 1


def check_pattern(pattern: str, *, find: bool) -> None:
    """Check a pattern before it is used.

    Args:
        pattern: The pattern as written in the expression.
        find: Whether it is for `find_all`, which knows fewer constructs.

    Raises:
        ExpressionError: The pattern is too large or not valid.
    """
    weight = pattern_weight(pattern)
    if len(pattern) > MAX_PATTERN_CHARS or weight > MAX_PATTERN_WEIGHT:
        raise ExpressionError(
            f"the pattern is too large: {len(pattern)} characters, {weight:,} states with its repeats written out",
            remedy=f"at most {MAX_PATTERN_CHARS} characters and {MAX_PATTERN_WEIGHT:,} states; shorten its repeats",
        )
    matcher(pattern)
    if find:
        compile_search(pattern)


@lru_cache(maxsize=512)
def matcher(pattern: str) -> Callable[[object], bool]:
    """Return the test whether the pattern is found in a text.

    Raises:
        ExpressionError: The pattern is not valid.
    """
    schema = core_schema.str_schema(pattern=pattern, regex_engine="rust-regex")
    try:
        return SchemaValidator(schema).isinstance_python
    except SchemaError as error:
        raise ExpressionError(
            f"the pattern is not valid: {_reason(str(error))}",
            remedy="look-around and back-references are not part of the language; brackets to match need a backslash",
        ) from None


def _reason(message: str) -> str:
    """Return the engine's reason without its drawing of the pattern."""
    reason = message.rpartition("error:")[2].strip().splitlines()
    return reason[0].strip() if reason and reason[0].strip() else "it cannot be compiled"
