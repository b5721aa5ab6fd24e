"""What a diagnostic code means, for the page that lists them and for every surface that explains one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TypeAlias

__all__ = ["CodeInfo", "Rows", "table"]

Rows: TypeAlias = Mapping[str, tuple[str, str, str]]
"""Title, explanation and remedy by code."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeInfo:
    """The meaning of a code; a diagnostic adds the place, the names and the values."""

    title: str
    explanation: str
    """Why it is refused, or what may go wrong."""
    remedy: str
    """What to write instead."""


def table(rows: Rows) -> Mapping[str, CodeInfo]:
    """Give the columns their names."""
    return MappingProxyType(
        {
            code: CodeInfo(title=title, explanation=explanation, remedy=remedy)
            for code, (title, explanation, remedy) in rows.items()
        },
    )
