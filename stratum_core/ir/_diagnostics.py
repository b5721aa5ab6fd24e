"""What is wrong with a document: where, why, and the text that would mend it.

Lines and columns start at 1 and count characters; `end_column` is one past the last character. A `Fix` replaces
exactly the span it names, so that a tool can apply it without understanding the document.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from stratum_core.contracts import JsonValue

__all__ = ["Diagnostic", "Fix", "Severity"]

Severity: TypeAlias = Literal["error", "warning", "note"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fix:
    """A machine-applicable edit: replace the span on one line by `text`."""

    line: int
    column: int
    end_column: int
    text: str

    def to_json(self) -> dict[str, JsonValue]:
        """Return the edit as a JSON record."""
        return {"line": self.line, "column": self.column, "end_column": self.end_column, "text": self.text}


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnostic:
    """One finding about a document.

    Codes are stable and listed in docs/errors.md: E1xx document, E2xx expressions, E3xx names, types, signatures and
    flow rules, E4xx policy, W5xx warnings, N notes.
    """

    code: str
    severity: Severity
    path: str
    """Where in the document, e.g. `functions.classify.ensure[0]`; `$` for the whole."""
    line: int
    column: int
    end_column: int
    message: str
    """What is wrong, with the actual value."""
    suggestion: str = ""
    """What to write instead, in words."""
    fix: Fix | None = None
    """The edit that mends it, when it is certain."""

    def to_json(self) -> dict[str, JsonValue]:
        """Return the finding as the JSON record every surface shows; empty parts are left out."""
        record: dict[str, JsonValue] = {
            "code": self.code,
            "severity": self.severity,
            "path": self.path,
            "line": self.line,
            "column": self.column,
            "end_column": self.end_column,
            "message": self.message,
        }
        if self.suggestion:
            record["suggestion"] = self.suggestion
        if self.fix is not None:
            record["fix"] = self.fix.to_json()
        return record
