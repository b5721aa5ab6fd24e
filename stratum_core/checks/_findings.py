"""Where the rules put what they find: every finding gets its place in the text here.

A rule names a path such as `("flows", "main", "steps", 2, "id")`; positions of the document turn it into line and
column. Rules never stop at a fault and never raise for one.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from stratum_core.ir import Diagnostic, Fix, Path, Positions, Severity, Span, TypeFinding, format_path
from stratum_core.ir.expressions import Finding

__all__ = ["MOST_SHOWN", "Findings", "severity_of"]

MOST_SHOWN = 50
"""Findings shown for one document; more would bury the first."""


def severity_of(code: str) -> Severity:
    """Return the severity a code's first letter stands for."""
    return "warning" if code.startswith("W") else "note" if code.startswith("N") else "error"


class _Found(NamedTuple):
    """What a finding says, without its place."""

    code: str
    severity: Severity
    message: str
    suggestion: str


class Findings:
    """The findings about one document, in the order the rules report them."""

    __slots__ = ("_found", "errors", "positions")

    def __init__(self, positions: Positions, found: Sequence[Diagnostic] = ()) -> None:
        self.positions = positions
        self._found = list(found)
        self.errors = sum(finding.severity == "error" for finding in found)
        """How many errors there are so far."""

    def add(
        self,
        code: str,
        path: Path,
        message: str,
        *,
        suggestion: str = "",
        key: bool = False,
        fix: Fix | None = None,
    ) -> None:
        """Report a finding at a value, or at its key when `key` is set."""
        span = self.positions.span(path, key=key)
        self._append(_Found(code, severity_of(code), message, suggestion), path, span, fix)

    def replacement(self, path: Path, text: str | None, *, key: bool = False) -> Fix | None:
        """Return the edit that puts `text` in the place of a value or a key, when there is one that is certain."""
        return None if text is None else self.positions.replace(path, text, key=key)

    def add_expression(self, path: Path, finding: Finding) -> None:
        """Report what the expression language found inside the text at `path`."""
        span = self.positions.offset_span(path, finding.start, finding.end)
        fix = None
        if finding.replacement is not None:
            fix = self.positions.edit(path, finding.start, finding.end, finding.replacement)
        self._append(
            _Found(finding.code, finding.severity, finding.message, finding.suggestion), path, span, fix
        )

    def add_type(self, path: Path, finding: TypeFinding) -> None:
        """Report what is wrong with the type written at `path`."""
        at: Path = (*path, *finding.path)
        fix = None
        if finding.start is None or finding.end is None:
            span = self.positions.span(at)
        else:
            span = self.positions.offset_span(at, finding.start, finding.end)
            if finding.replacement is not None:
                fix = self.positions.edit(at, finding.start, finding.end, finding.replacement)
        found = _Found(finding.code, severity_of(finding.code), finding.message, finding.suggestion)
        self._append(found, at, span, fix)

    def _append(self, found: _Found, path: Path, span: Span, fix: Fix | None) -> None:
        """Keep a finding with its place."""
        self.errors += found.severity == "error"
        self._found.append(
            Diagnostic(
                code=found.code,
                severity=found.severity,
                path=format_path(path),
                line=span.line,
                column=span.column,
                end_column=span.end_column,
                message=found.message,
                suggestion=found.suggestion,
                fix=fix,
            ),
        )

    def in_order(self) -> tuple[Diagnostic, ...]:
        """Return the findings in document order, each once; past the fiftieth a note says how many more there are.

        Errors are never left out in favour of warnings: when there are too many, the warnings go first.
        """
        unique = dict.fromkeys(self._found)
        ordered = sorted(unique, key=lambda found: (found.line, found.column))
        if len(ordered) <= MOST_SHOWN:
            return tuple(ordered)
        kept = sorted(ordered, key=lambda found: found.severity != "error")[:MOST_SHOWN]
        shown = sorted(kept, key=lambda found: (found.line, found.column))
        return (*shown, _more(len(ordered) - MOST_SHOWN, shown[-1]))


def _more(count: int, last: Diagnostic) -> Diagnostic:
    """Say how many findings are not shown, behind the last one that is."""
    return Diagnostic(
        code="N601",
        severity="note",
        path="$",
        line=last.line,
        column=last.column,
        end_column=last.end_column,
        message=f"{count} more {'finding is' if count == 1 else 'findings are'} not shown",
        suggestion="mend these and check again",
    )
