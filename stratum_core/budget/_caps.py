"""Caps and usage: what is allowed, and what was used or is reserved."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from stratum_core.money import Nusd

__all__ = ["Budget", "PossiblyPaid", "Usage"]

PossiblyPaid: TypeAlias = Literal["retry", "ask", "fail"]
"""What happens to a call whose request may have been paid for without an answer: sent again, a person asked, failed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """A cap on each axis; None leaves an axis open."""

    nusd: Nusd | None = None
    """Money, in nano-dollars."""
    tokens: int | None = None
    """Input and output tokens together."""
    calls: int | None = None
    """Requests on the wire."""
    ms: int | None = None
    """Wall-clock time from the scope's start, in milliseconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """What was used, or is reserved, on the countable axes."""

    nusd: int = 0
    tokens: int = 0
    calls: int = 0

    def __add__(self, other: Usage) -> Usage:
        return Usage(
            nusd=self.nusd + other.nusd,
            tokens=self.tokens + other.tokens,
            calls=self.calls + other.calls,
        )

    def __sub__(self, other: Usage) -> Usage:
        return Usage(
            nusd=self.nusd - other.nusd,
            tokens=self.tokens - other.tokens,
            calls=self.calls - other.calls,
        )
