"""What an unquoted YAML scalar means by the YAML 1.2 core schema: null, a boolean, a number, else text.

`yes`, `no`, `on`, `12:30:00` and `2026-01-31` stay text, which the common YAML 1.1 readers change.
"""

from __future__ import annotations

import math
import re

__all__ = ["NotJsonNumberError", "resolve"]

_WORDS: dict[str, bool | None] = {
    "": None,
    "~": None,
    "null": None,
    "Null": None,
    "NULL": None,
    "true": True,
    "True": True,
    "TRUE": True,
    "false": False,
    "False": False,
    "FALSE": False,
}
_INT = re.compile(r"[-+]?[0-9]+")
_OCTAL = re.compile(r"0o[0-7]+")
_HEX = re.compile(r"0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_NOT_FINITE = re.compile(r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)")
_NUMBER_STARTS = frozenset("0123456789+-.")
_MAX_INT = 2**63
_MAX_DIGITS = 20


class NotJsonNumberError(Exception):
    """A number that is not finite or does not fit 64 bits."""


def resolve(text: str) -> str | int | float | bool | None:
    """Return the value of an unquoted scalar.

    Raises:
        NotJsonNumberError: It is a number, but infinite, not a number, or an integer over 64 bits.
    """
    if text and text[0] in _NUMBER_STARTS:
        return _number(text)
    return _WORDS.get(text, text)


def _number(text: str) -> str | int | float:
    """Resolve a text that starts like a number."""
    if _INT.fullmatch(text):
        return _in_64_bits(int(text) if len(text) <= _MAX_DIGITS else _MAX_INT)
    if _HEX.fullmatch(text):
        return _in_64_bits(int(text, 16) if len(text) <= _MAX_DIGITS else _MAX_INT)
    if _OCTAL.fullmatch(text):
        return _in_64_bits(int(text, 8) if len(text) <= _MAX_DIGITS + 4 else _MAX_INT)
    if _FLOAT.fullmatch(text):
        value = float(text)
        if math.isinf(value):
            raise NotJsonNumberError
        return value
    if _NOT_FINITE.fullmatch(text):
        raise NotJsonNumberError
    return text


def _in_64_bits(value: int) -> int:
    """Pass an integer that fits 64 bits with sign."""
    if not -_MAX_INT <= value < _MAX_INT:
        raise NotJsonNumberError
    return value
