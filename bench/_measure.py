"""What every measurement shares: CPU time, medians, and a row that holds a figure beside its peer and its limit."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

__all__ = ["Row", "alternating", "cpu_ms", "table"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One figure."""

    area: str
    ours: float
    unit: str
    peer: str = ""
    """What the figure stands beside."""
    theirs: float | None = None
    target: str = ""
    met: bool | None = None
    """Whether the target is met; None where there is none."""

    @property
    def ratio(self) -> float | None:
        """Ours as a multiple of theirs."""
        return None if not self.theirs else self.ours / self.theirs

    def to_json(self) -> dict[str, object]:
        """Return the row for a machine."""
        return {
            "area": self.area,
            "ours": round(self.ours, 3),
            "unit": self.unit,
            "peer": self.peer,
            "theirs": None if self.theirs is None else round(self.theirs, 3),
            "ratio": None if self.ratio is None else round(self.ratio, 3),
            "target": self.target,
            "met": self.met,
        }


def cpu_ms(work: Callable[[], object], *, rounds: int = 5) -> float:
    """Return the median CPU time of some work in milliseconds, after one round to warm up."""
    work()
    return statistics.median(_once(work) for _ in range(rounds))


def alternating(
    ours: Callable[[], float], theirs: Callable[[], float], *, rounds: int
) -> tuple[float, float]:
    """Return the medians of two figures measured in turn, so that a busy machine is busy for both."""
    pairs = [(ours(), theirs()) for _ in range(rounds)]
    return statistics.median(pair[0] for pair in pairs), statistics.median(pair[1] for pair in pairs)


def table(rows: list[Row]) -> str:
    """Return rows as text for a terminal."""
    lines = [("measured", "ours", "peer", "ratio", "target", "")]
    for row in rows:
        beside = "" if row.theirs is None else f"{row.theirs:,.1f} ({row.peer})"
        ratio = "" if row.ratio is None else f"{row.ratio:.2f}"
        verdict = {None: "", True: "met", False: "MISSED"}[row.met]
        lines.append((row.area, f"{row.ours:,.1f} {row.unit}", beside, ratio, row.target, verdict))
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    )


def _once(work: Callable[[], object]) -> float:
    started = time.process_time()
    work()
    return (time.process_time() - started) * 1000
