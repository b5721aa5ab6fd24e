"""Diagnostics in a terminal: `file:line:col: error E211 message`, the line itself, a caret, what to write instead."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import cast

from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from stratum_core.contracts import JsonValue
from stratum_mcp.plain import plain, plain_line

__all__ = ["show_diagnostics"]

_STYLES = {"error": "bold red", "warning": "bold yellow", "note": "bold cyan"}
_WINDOW = 100
"""Characters of a source line that are shown around the place."""


def show_diagnostics(
    diagnostics: Sequence[Mapping[str, JsonValue]], spec: str, console: Console, *, name: str = ""
) -> None:
    """Write every diagnostic with its place in the document.

    Args:
        diagnostics: Records as the engine gives them.
        spec: The path, or the text itself.
        console: Where to write.
        name: What the text is called; its path, or `<text>`, when empty.
    """
    known, lines = _source(spec)
    name = name or known
    for found in diagnostics:
        line, column = _number(found, "line"), _number(found, "column")
        severity, code = str(found.get("severity", "error")), str(found.get("code", ""))
        heading = Text(f"{plain_line(name)}:{line}:{column}: ")
        heading.append(f"{severity} {code}", style=_STYLES.get(severity, "bold"))
        heading.append(f" {plain_line(str(found.get('message', '')), 2_000)}")
        console.print(heading, soft_wrap=True)
        if 1 <= line <= len(lines):
            _show_place(lines[line - 1], line, column, _number(found, "end_column"), console)
        suggestion = found.get("suggestion")
        if suggestion:
            console.print(Text(f"      = {plain_line(str(suggestion), 2_000)}"), soft_wrap=True)


def _show_place(source: str, line: int, column: int, end_column: int, console: Console) -> None:
    """Write one source line, or the part of a long one around the place, with carets under it."""
    start = max(0, column - 1 - _WINDOW // 2) if len(source) > _WINDOW else 0
    before = plain(source[start : column - 1].replace("\t", " "))
    marked = plain(source[column - 1 : max(end_column, column + 1) - 1][:_WINDOW].replace("\t", " "))
    after = plain(source[max(end_column, column + 1) - 1 : start + _WINDOW].replace("\t", " "))
    console.print(Text(f"{line:5} | {before}{marked}{after}"), soft_wrap=True)
    carets = "^" * max(1, cell_len(marked))
    console.print(Text(f"      | {' ' * cell_len(before)}{carets}"), soft_wrap=True)


def _source(spec: str) -> tuple[str, list[str]]:
    """Return the document's name and lines; a path that cannot be read has none."""
    if "\n" in spec or spec.lstrip().startswith("{"):
        return "<text>", spec.splitlines()
    try:
        return spec, Path(spec).read_text("utf-8", errors="replace").splitlines()
    except (OSError, ValueError):
        return spec or "<text>", []


def _number(found: Mapping[str, JsonValue], name: str) -> int:
    """Return a line or column, 0 when it is missing."""
    return cast("int", found.get(name, 0) or 0)
