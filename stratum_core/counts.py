"""Counts as people say them: `1 finding`, `2 findings`, `1 reply`.

The rules are those of regular English nouns. A word that does not change, or no noun at all, stays as it is.
"""

from __future__ import annotations

import re

__all__ = ["counted", "in_number"]

_ES = re.compile(r"(?:ss|sh|ch|x|z)es$")
_NO_PLURAL = re.compile(r"(?:ss|us|is)$")
_SAME = frozenset({"news", "series", "species"})
_LEAST_LETTERS = 3


def counted(count: int, noun: str) -> str:
    """Return a count with its noun, given in the singular, e.g. `counted(1_200, "reply")` is `1,200 replies`."""
    return f"{count:,} {noun if count == 1 else _plural(noun)}"


def in_number(count: int, words: str) -> str:
    """Return what was counted in the number that fits: the last word of plural words loses its ending for one."""
    if count != 1:
        return words
    *before, last = words.split(" ")
    return " ".join((*before, _singular(last)))


def _plural(noun: str) -> str:
    if re.search(r"[^aeiou]y$", noun):
        return f"{noun[:-1]}ies"
    return f"{noun}es" if re.search(r"(?:s|sh|ch|x|z)$", noun) else f"{noun}s"


def _singular(word: str) -> str:
    if word in _SAME or _NO_PLURAL.search(word) or len(word) <= _LEAST_LETTERS or not word.endswith("s"):
        return word
    if word.endswith("ies"):
        return f"{word[:-3]}y"
    return word[:-2] if _ES.search(word) else word[:-1]
