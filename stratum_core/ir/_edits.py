"""Edits of a document's text: fixes applied in place, and comments found, because a layout is the author's own."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

import yaml

from stratum_core.ir._diagnostics import Fix

__all__ = ["apply_fixes", "has_inner_comments", "leading_comments"]

_LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n|\Z)")
_BYTE_ORDER_MARK = "\ufeff"


def apply_fixes(text: str, fixes: Sequence[Fix]) -> tuple[str, tuple[Fix, ...]]:
    """Return the text with every fix that overlaps no earlier one, and the fixes that were made.

    Args:
        text: The document; places count as diagnostics count them.
        fixes: In the order of preference; the same fix twice is made once.
    """
    lines = _LINE.findall(text)
    chosen: list[Fix] = []
    for fix in fixes:
        if fix.line <= len(lines) and not any(_overlap(fix, other) for other in chosen):
            chosen.append(fix)
    for fix in sorted(chosen, key=lambda fix: (fix.line, fix.column), reverse=True):
        ahead = 1 if fix.line == 1 and text.startswith(_BYTE_ORDER_MARK) else 0
        line = lines[fix.line - 1]
        start, end = fix.column - 1 + ahead, fix.end_column - 1 + ahead
        lines[fix.line - 1] = line[:start] + fix.text + line[end:]
    return "".join(lines), tuple(chosen)


def leading_comments(text: str) -> str:
    """Return the comment and empty lines before a document's first key, without empty lines at their end."""
    kept: list[str] = []
    for line in text.removeprefix(_BYTE_ORDER_MARK).splitlines():
        if line.strip() and not line.startswith("#"):
            break
        kept.append(line.rstrip())
    shown = "\n".join(kept).strip("\n")
    return f"{shown}\n" if shown else ""


def has_inner_comments(text: str) -> bool:
    """Return whether a document that can be read has a comment after its first key."""
    return any("#" in gap for gap in _gaps(text))


def _gaps(text: str) -> Iterator[str]:
    """Yield what stands between the tokens after the first key: blanks and comments, nothing else."""
    text = text.removeprefix(_BYTE_ORDER_MARK)
    end: int | None = None
    for token in yaml.scan(text, yaml.SafeLoader):
        if end is not None and token.start_mark.index > end:
            yield text[end : token.start_mark.index]
        if end is not None or isinstance(token, yaml.ScalarToken):
            end = max(end or 0, token.end_mark.index)


def _overlap(one: Fix, other: Fix) -> bool:
    """Return whether two edits touch the same characters, or the same place."""
    if one.line != other.line:
        return False
    if one.column == other.column:
        return True
    return one.column < other.end_column and other.column < one.end_column
