r"""Pattern syntax for `find_all`: the part of the Rust engine's syntax whose matches we search for ourselves.

Literals, `.`, classes, `\d \w \s` and their opposites, groups, `|`, greedy and lazy repeats, `^ $ \b \B`, and `(?i)` at
the start. What a group holds is not reported apart: `find_all` gives whole matches.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeAlias

from stratum_core.errors import ExpressionError

__all__ = ["Alternatives", "Assertion", "Characters", "Pattern", "Repeat", "Row", "is_word", "read_pattern"]

Test: TypeAlias = Callable[[str], bool]
Condition: TypeAlias = Literal["start", "end", "boundary", "inside"]


@dataclass(frozen=True, slots=True)
class Characters:
    """One character that passes a test."""

    test: Test


@dataclass(frozen=True, slots=True)
class Row:
    """Parts one after the other; none is the empty text."""

    parts: tuple[Pattern, ...]


@dataclass(frozen=True, slots=True)
class Alternatives:
    """The first part that fits, tried from left to right."""

    parts: tuple[Pattern, ...]


@dataclass(frozen=True, slots=True)
class Repeat:
    """A part `low` to `high` times; None is no limit."""

    part: Pattern
    low: int
    high: int | None
    greedy: bool


@dataclass(frozen=True, slots=True)
class Assertion:
    """A place between characters."""

    condition: Condition


Pattern: TypeAlias = Characters | Row | Alternatives | Repeat | Assertion

_MAX_GROUPS = 32
_CONDITIONS: dict[str, Condition] = {"^": "start", "$": "end", "\\b": "boundary", "\\B": "inside"}
_CONTROL = {"n": "\n", "t": "\t", "r": "\r"}


def is_word(character: str) -> bool:
    """Return whether a character belongs to a word: letters, marks, digits, `_` and its kin."""
    return (
        character == "_"
        or unicodedata.category(character)[0] in "LM"
        or unicodedata.category(character) in {"Nd", "Nl", "Pc"}
    )


def _is_digit(character: str) -> bool:
    return unicodedata.category(character) == "Nd"


_CLASSES: dict[str, Test] = {"d": _is_digit, "w": is_word, "s": str.isspace}


def read_pattern(pattern: str) -> Pattern:
    """Read a pattern.

    Raises:
        ExpressionError: It uses what `find_all` does not know.
    """
    ignore_case = pattern.startswith("(?i)")
    reader = _Reader(pattern, 4 if ignore_case else 0, ignore_case=ignore_case)
    found = reader.alternatives(0)
    if reader.position < len(pattern):
        raise reader.fault("a closing bracket without an opening one")
    return found


class _Reader:
    """Reads a pattern from left to right."""

    def __init__(self, pattern: str, position: int, *, ignore_case: bool) -> None:
        self.pattern = pattern
        self.position = position
        self.ignore_case = ignore_case

    def fault(self, what: str) -> ExpressionError:
        """Return the error for the current place."""
        return ExpressionError(
            f"find_all(...) does not know {what} (at character {self.position + 1} of the pattern)",
            remedy="use literals, classes, groups, | and repeats",
        )

    def at(self, *spelled: str) -> str | None:
        """Return which of these stands here, or None."""
        return next((text for text in spelled if self.pattern.startswith(text, self.position)), None)

    def take(self, *spelled: str) -> str | None:
        """Like `at`, and move on."""
        found = self.at(*spelled)
        self.position += len(found or "")
        return found

    def alternatives(self, depth: int) -> Pattern:
        """Read parts between `|`."""
        if depth > _MAX_GROUPS:
            raise self.fault("groups nested so deeply")
        parts = [self.row(depth)]
        while self.take("|"):
            parts.append(self.row(depth))
        return parts[0] if len(parts) == 1 else Alternatives(tuple(parts))

    def row(self, depth: int) -> Pattern:
        """Read parts up to `|`, `)` or the end."""
        parts: list[Pattern] = []
        while self.position < len(self.pattern) and not self.at("|", ")"):
            parts.append(self.repeated(self.part(depth)))
        return Row(tuple(parts))

    def part(self, depth: int) -> Pattern:
        """Read one part without its repeats."""
        place = self.take("^", "$", "\\b{", "\\b", "\\B")
        if place == "\\b{":
            raise self.fault("this word boundary")
        if place is not None:
            return Assertion(_CONDITIONS[place])
        if self.take("("):
            if self.at("?") and not self.take("?:"):
                raise self.fault("named groups and inline flags other than (?i) at the start")
            inner = self.alternatives(depth + 1)
            if not self.take(")"):
                raise self.fault("an open group")
            return inner
        if self.take("["):
            return Characters(self.folded(self.character_class()))
        if self.take("."):
            return Characters(lambda character: character != "\n")
        if self.at("*", "+", "?", "{"):
            raise self.fault("a repeat of nothing")
        return Characters(self.folded(self.single()))

    def single(self) -> Test:
        """Read one character or escape."""
        character = self.pattern[self.position]
        self.position += 1
        if character != "\\":
            return lambda other: other == character
        escape = self.pattern[self.position : self.position + 1]
        self.position += 1
        if escape in _CONTROL or (escape and not escape.isalnum() and escape.isascii()):
            meant = _CONTROL.get(escape, escape)
            return lambda other: other == meant
        if escape and escape.lower() in _CLASSES:
            inside = _CLASSES[escape.lower()]
            return inside if escape.islower() else lambda other: not inside(other)
        raise self.fault(f"the escape \\{escape}")

    def folded(self, test: Test) -> Test:
        """Return a test that ignores case when asked."""
        if not self.ignore_case:
            return test
        return lambda character: test(character) or test(character.lower()) or test(character.upper())

    def character_class(self) -> Test:
        """Read the inside of `[...]`."""
        negated = self.take("^") is not None
        tests: list[Test] = []
        if self.take("]"):
            tests.append(lambda character: character == "]")
        while not self.take("]"):
            if self.position >= len(self.pattern):
                raise self.fault("an open class")
            if self.at("[", "&&", "--", "~~"):
                raise self.fault("classes inside classes")
            tests.append(self.class_item())
        if negated:
            return lambda character: not any(test(character) for test in tests)
        return lambda character: any(test(character) for test in tests)

    def class_item(self) -> Test:
        """Read one character, escape or range of a class."""
        first = self.pattern[self.position]
        test = self.single()
        if (
            first == "\\"
            or not self.at("-")
            or self.pattern[self.position + 1 : self.position + 2] in {"", "]"}
        ):
            return test
        self.position += 1
        last = self.pattern[self.position]
        if last in "\\[":
            raise self.fault("a range that ends in an escape")
        self.position += 1
        return lambda character: first <= character <= last

    def repeated(self, part: Pattern) -> Pattern:
        """Read the repeats after a part."""
        while (sign := self.take("*", "+", "?", "{")) is not None:
            low, high = {"*": (0, None), "+": (1, None), "?": (0, 1)}.get(sign) or self.counts()
            part = Repeat(part, low, high, greedy=self.take("?") is None)
        return part

    def counts(self) -> tuple[int, int | None]:
        """Read the inside of `{n,m}`."""
        end = self.pattern.find("}", self.position)
        low, comma, high = self.pattern[self.position : max(end, self.position)].partition(",")
        if end < 0 or not low.strip().isdigit() or (high.strip() and not high.strip().isdigit()):
            raise self.fault("this repeat")
        self.position = end + 1
        return int(low), int(high) if high.strip() else (None if comma else int(low))
