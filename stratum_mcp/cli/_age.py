"""Ages and moments as people type them: `36h`, `30d`, `8w`, `2026-01-31`."""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime

import click

__all__ = ["Age", "Since"]

_UNITS_S = {"h": 3600, "d": 86_400, "w": 7 * 86_400}
_LONGEST = 6
"""Digits of an age: enough for centuries of hours."""


class Age(click.ParamType[float]):
    """An age such as 36h, 30d or 8w, as seconds."""

    name = "age"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Return the seconds."""
        if isinstance(value, float):
            return value
        seconds = _age_s(str(value))
        if seconds is None:
            self.fail(f"{str(value)[:40]!r} is no age; write hours, days or weeks: 36h, 30d, 8w", param, ctx)
        return seconds


class Since(click.ParamType[int]):
    """An age, or a day in UTC such as 2026-01-31, as milliseconds since the Unix epoch."""

    name = "age|date"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Return the moment."""
        if isinstance(value, int):
            return value
        seconds = _age_s(str(value))
        if seconds is not None:
            return max(0, int((time.time() - seconds) * 1000))
        try:
            day = datetime.strptime(str(value), "%Y-%m-%d").replace(tzinfo=UTC)
        except ValueError:
            self.fail(
                f"{str(value)[:40]!r} is neither an age (36h, 30d, 8w) nor a day (2026-01-31)", param, ctx
            )
        return max(0, int(day.timestamp() * 1000))


def _age_s(text: str) -> float | None:
    """Return the seconds of an age, None for anything else."""
    found = re.fullmatch(rf"([0-9]{{1,{_LONGEST}}})([hdw])", text)
    return None if found is None else float(int(found[1]) * _UNITS_S[found[2]])
