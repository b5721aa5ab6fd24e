"""A clock that a test moves by hand."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

__all__ = ["FrozenClock"]

_EPOCH = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(slots=True)
class FrozenClock:
    """A clock that stands still until it is moved."""

    at: datetime = _EPOCH
    elapsed_s: float = 0.0
    """Seconds moved since the start."""

    def now(self) -> datetime:
        """Return the present, in UTC."""
        return self.at + timedelta(seconds=self.elapsed_s)

    def monotonic_s(self) -> float:
        """Return seconds since the start, as `time.monotonic` does."""
        return self.elapsed_s

    def advance(self, seconds: float) -> None:
        """Move the clock forward."""
        self.elapsed_s += seconds

    async def sleep(self, seconds: float) -> None:
        """Move the clock instead of waiting."""
        self.advance(seconds)
