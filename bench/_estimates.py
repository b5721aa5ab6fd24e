"""Estimates: no bill above its worst case, whatever documents and models do, and costs in their likely range.

The documents have every verb and modifier; the models lose requests, refuse, break their contracts, are cut off, close
the account and count what they like up to what was reserved. See `tests/core/plan` for both. The worlds of the second
part are in `_worlds.py`.
"""

from __future__ import annotations

import statistics
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from bench._calibration import Quoted, coverage, live
from bench._measure import Row
from bench._worlds import WORLDS
from stratum_core.llm import PriceTable
from stratum_core.plan import PlanContext, Roots, build_plan
from tests.core.plan._behaviours import WorstLuck, prices, reserved_by_a_run
from tests.core.plan._documents import Exact, random_document

__all__ = ["WARM_UP", "measure"]

WARM_UP = 10
"""Runs of a piece of work after which its range is held to its promise."""
_RUNS = 60
_TARGET = 0.9
_INPUT = "a box of é"
_EXACT: tuple[Exact, ...] = ("succeeding", "failing")


def measure(*, documents: int = 200, seed: int = 1) -> list[Row]:
    """Return how often a worst case was passed or met, and how often a cost fell in the range that was quoted."""
    context = PlanContext(
        roots=Roots(),
        prices=prices(),
        now=datetime(2026, 1, 31, 9, 30, tzinfo=UTC),
        default_model="anthropic/claude-haiku-4-5",
    )
    alike = max(2, documents // 5)
    passed = sum(_passes(context, number) for number in range(documents))
    unlike = sum(_differs(context, number, exact) for exact in _EXACT for number in range(alike // 2))
    return [
        _none(f"bills above their worst case, of {documents:,} random documents and moods", passed),
        _none(f"bills unlike it when every request uses all set aside for it, of {alike:,}", unlike),
        *_ranges(seed),
    ]


def _none(area: str, count: int) -> Row:
    return Row(area=area, ours=count, unit="", target="0", met=count == 0)


def _passes(context: PlanContext, number: int) -> bool:
    """Return whether a run of a random document is charged more than its worst case on any axis."""
    plan = build_plan(random_document(number), flow="main", inputs={"t": _INPUT}, context=context)
    used, worst = reserved_by_a_run(plan, number), plan.estimate.worst
    return used.nusd > worst.nusd or used.tokens > worst.tokens or used.calls > worst.calls


def _differs(context: PlanContext, number: int, exact: Exact) -> bool:
    """Return whether a run that has the worst luck differs from its worst case."""
    plan = build_plan(random_document(number, exact=exact), inputs={"t": _INPUT}, context=context)
    luck = WorstLuck(plan=plan, value=_INPUT, at_last=exact == "succeeding")
    used = luck.run()
    return luck.planned != plan.estimate.worst or used.calls != plan.estimate.worst.calls


def _ranges(seed: int) -> list[Row]:
    """Let every world happen, and count the runs whose cost fell in the range that was quoted."""
    table = PriceTable.load()
    found: list[Quoted] = []
    for world in WORLDS:
        with tempfile.TemporaryDirectory() as directory:
            found.extend(live(world, Path(directory), runs=_RUNS, seed=seed, prices=table))
    warm = [run for run in found if run.number >= WARM_UP]
    cold = [run for run in found if run.number < WARM_UP]
    first = [run for run in found if not run.learned]
    rows = [
        Row(
            area=f"costs in their range, of {len(warm)} runs after {WARM_UP} of the same work",
            ours=100 * coverage(warm),
            unit="%",
            target=f">= {_TARGET:.0%}",
            met=coverage(warm) >= _TARGET,
        ),
        Row(area=f"the same before, of {len(cold)} runs", ours=100 * coverage(cold), unit="%"),
        Row(
            area=f"the same from experience alone, of {len(first)} first runs",
            ours=100 * coverage(first),
            unit="%",
        ),
        _none(
            f"costs above their worst case, of {len(found)} runs",
            sum(run.actual_nusd > run.worst_nusd for run in found),
        ),
    ]
    for world in WORLDS:
        lived = [run for run in warm if run.world == world.name]
        rows.append(
            Row(area=f"{world.name}: in range, of {len(lived)}", ours=100 * coverage(lived), unit="%")
        )
        width = statistics.median(run.width for run in lived)
        rows.append(Row(area=f"{world.name}: high end by low end", ours=width, unit="x"))
        off = statistics.median(abs(run.actual_nusd / run.likely_nusd - 1) for run in lived)
        rows.append(Row(area=f"{world.name}: usual error of the likely figure", ours=100 * off, unit="%"))
    return rows
