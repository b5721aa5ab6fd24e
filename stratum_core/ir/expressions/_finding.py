"""A finding: what is wrong in one expression, where, and the text that would mend it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

__all__ = ["Finding", "Severity"]

Severity: TypeAlias = Literal["error", "warning", "note"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One finding; `start` and `end` are character offsets into the expression's text, `end` excluded."""

    code: str
    severity: Severity
    message: str
    start: int
    end: int
    suggestion: str = ""
    """What to write instead, in words."""
    replacement: str | None = None
    """The text that replaces `[start:end]`, when it is certain."""
