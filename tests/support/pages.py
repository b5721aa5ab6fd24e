"""Reading our Markdown pages: their headings, links, tables and fenced blocks."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

__all__ = ["ROOT", "Fence", "fences", "headings", "links", "pages", "section", "table_rows"]

ROOT = Path(__file__).resolve().parents[2]
_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_HEADING = re.compile(r"^#{1,6} (.+)$", re.MULTILINE)
_LINK = re.compile(r"\]\(([^)\s]+)\)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Fence:
    """One fenced block."""

    page: str
    """The page's path from the top of the checkout."""
    language: str
    text: str


def pages() -> tuple[Path, ...]:
    """Return every Markdown page of the project, the guide inside the package included."""
    found = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "examples").glob("*.md")]
    return tuple(sorted([*found, ROOT / "stratum_core" / "ir" / "guide.md"]))


def fences(page: Path) -> tuple[Fence, ...]:
    """Return the fenced blocks of a page in order."""
    shown = page.relative_to(ROOT).as_posix()
    return tuple(
        Fence(page=shown, language=match[1], text=match[2])
        for match in _FENCE.finditer(page.read_text("utf-8"))
    )


def headings(page: Path) -> tuple[str, ...]:
    """Return the headings of a page in order; a comment in a fenced block is none."""
    return tuple(_HEADING.findall(_FENCE.sub("", page.read_text("utf-8"))))


def links(page: Path) -> tuple[str, ...]:
    """Return what the links of a page lead to; brackets inside code are none."""
    prose = re.sub(r"`[^`\n]*`", "", _FENCE.sub("", page.read_text("utf-8")))
    return tuple(_LINK.findall(prose))


def section(page: Path, heading: str) -> str:
    """Return the text under a heading, up to the next one."""
    text = page.read_text("utf-8")
    start = re.search(rf"^#{{1,6}} {re.escape(heading)}$", text, re.MULTILINE)
    assert start is not None, f"{page.name} has no heading {heading!r}"
    rest = text[start.end() :]
    end = _HEADING.search(rest)
    return rest[: end.start()] if end else rest


def table_rows(text: str, header: str) -> tuple[tuple[str, ...], ...]:
    """Return the rows of the table whose first header cell is `header`; an escaped bar is no separator."""
    rows = [
        tuple(cell.strip() for cell in re.split(r"(?<!\\)\|", line.strip().strip("|")))
        for line in _table(text, header)
    ]
    return tuple(rows[2:])


def _table(text: str, header: str) -> list[str]:
    """Return the lines of the table that starts with this header cell."""
    lines = text.splitlines()
    at = next(
        (at for at, line in enumerate(lines) if re.match(rf"\| {re.escape(header)} \|", line)), len(lines)
    )
    found: list[str] = []
    for line in lines[at:]:
        if not line.startswith("|"):
            break
        found.append(line)
    return found
