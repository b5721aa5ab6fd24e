"""The sentences a person reads about a run: progress while it goes on, one line of receipt when it is over.

They are made from figures by general rules: the numbers a result returns are named by their own field names.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeAlias

from stratum_core.contracts import JsonValue
from stratum_core.counts import counted, in_number
from stratum_core.journal import RunState
from stratum_core.money import format_usd

__all__ = [
    "Typed",
    "next_line",
    "progress_line",
    "receipt_line",
    "resume_line",
    "small_result",
    "waiting_words",
]

Typed: TypeAlias = Callable[[str, str], str]
"""Makes the command line of a verb and an id."""

_MAX_NAMED_FIGURES = 4
_TOLD_PERCENT = 80
"""From here on a line says how much of the cap is used."""
_MAX_RESULT_CHARACTERS = 4_000

_HEADS: Mapping[RunState, str] = {
    "ready": "Waiting for a runner",
    "running": "Running",
    "waiting": "Waiting for a person",
    "completed": "Done",
    "completed_with_failures": "Done, with failures",
    "stopped_budget": "Stopped at the cap",
    "stopped_limit": "Stopped by the provider",
    "failed": "Failed",
    "cancelled": "Cancelled",
    "interrupted": "Interrupted",
}


def progress_line(
    *, state: RunState, done: int, total: int, nusd: int, reserved_nusd: int, cap_nusd: int, simulated: bool
) -> str:
    """Return one line of progress, e.g. `Running: $0.041 of $0.05 (84 % of the cap used), 31/124 items`.

    What calls in flight have reserved counts as used. Clients put the share of the items behind it.
    """
    items = f", {done}/{total} items" if total else ""
    percent = (nusd + reserved_nusd) * 100 // cap_nusd if cap_nusd else 0
    used = f" ({percent} % of the cap used)" if percent >= _TOLD_PERCENT else ""
    return f"{_HEADS[state]}: {_money(nusd, simulated=simulated)} of {format_usd(cap_nusd)}{used}{items}"


def receipt_line(
    *,
    state: RunState,
    census: Mapping[str, JsonValue],
    result: JsonValue,
    error: str,
    out: str,
    simulated: bool,
    module: str = "",
    questions: int = 0,
) -> str:
    """Return the one line that ends a run.

    What nobody knows, because a killed runner took it along, is left out.

    For example: `Done. 124 processed, 9 flagged, 31 replies, $0.021 (simulated), 6 retries. Results: out.csv`.
    """
    parts = _figures(result) or _item_figures(census)
    for name in ("failed", "waiting"):
        count = _count(census, f"items_{name}")
        if count:
            parts.append(f"{count} {name}")
    parts.append(_money(_count(census, "nusd"), simulated=simulated))
    percent = _count(census, "cap_used_percent")
    if percent >= _TOLD_PERCENT:
        parts.append(f"{percent} % of the cap used")
    retries = census.get("retries")
    if isinstance(retries, Mapping):
        tries = sum(count for count in retries.values() if isinstance(count, int))
        parts.append(counted(tries, "retry"))
    unknown = _count(census, "calls_possibly_paid")
    if unknown:
        parts.append(f"{counted(unknown, 'call')} possibly paid")
    sentence = f"{_head(state, questions)}. {', '.join(parts)}."
    if error:
        sentence += f" {error.rstrip('.')}."
    places = [f"{what}: {place}" for what, place in (("Results", out), ("Python", module)) if place]
    return f"{sentence} {'. '.join(places)}" if places else sentence


def waiting_words(run_id: str, questions: int, *, state: RunState, typed: Typed) -> str:
    """Return what a person can do about questions that wait, to be put after a run's one line."""
    if state == "waiting":
        return f" To answer: {typed('decide', run_id)}"
    return f" For a person: {_questions(questions)}: {typed('decide', run_id)}"


def next_line(
    run_id: str, *, state: RunState, resumable: bool, needs_cap: bool, out_error: str, typed: Typed
) -> str:
    """Return what can be done about a run that is over; empty when there is nothing to do."""
    if resumable:
        return f"To {'write it again, free' if out_error else 'go on'}: {typed('resume', run_id)}"
    if needs_cap:
        return f"To go on under a higher cap, a person types: {typed('approve', run_id)} --cap USD"
    return "To go further, plan again with a higher cap" if state == "stopped_budget" else ""


def resume_line(*, answered: int, possibly_paid: int, nusd: int, cap_nusd: int, simulated: bool) -> str:
    """Return what a resumed run starts from, before it pays anything more."""
    unknown = f"; {possibly_paid} possibly paid, counted at their worst case" if possibly_paid else ""
    return (
        f"On record: {counted(answered, 'answered call')}, not paid again{unknown}. "
        f"Used {_money(nusd, simulated=simulated)} of {format_usd(cap_nusd)}, "
        f"{format_usd(max(0, cap_nusd - nusd))} left of the cap."
    )


def small_result(value: JsonValue, rendered: str) -> JsonValue:
    """Return a result whole when it is small, else its scalar fields; long lists stay in their file."""
    if len(rendered) <= _MAX_RESULT_CHARACTERS:
        return value
    if isinstance(value, Mapping):
        return {name: part for name, part in value.items() if isinstance(part, (str, int, float, bool))}
    return None


def _head(state: RunState, questions: int) -> str:
    """Return how a run stands; a run that waited for answers and has them waits for nobody any more."""
    if state != "waiting":
        return _HEADS[state]
    return f"{_HEADS[state]}: {_questions(questions)}" if questions else "Answered, ready to go on"


def _questions(count: int) -> str:
    return counted(count, "question")


def _figures(result: JsonValue) -> list[str]:
    """Name the whole numbers a result returns, in its own words."""
    if not isinstance(result, Mapping):
        return []
    named = [
        f"{value:,} {in_number(value, name.replace('_', ' '))}"
        for name, value in result.items()
        if isinstance(value, int) and not isinstance(value, bool)
    ]
    return named[:_MAX_NAMED_FIGURES]


def _item_figures(census: Mapping[str, JsonValue]) -> list[str]:
    """Name what there is to count when a result returns no numbers."""
    items = _count(census, "items_done")
    if items:
        return [counted(items, "item")]
    if "calls_answered" not in census:
        return []
    calls = _count(census, "calls_answered") + _count(census, "calls_reused")
    return [counted(calls, "call")]


def _count(census: Mapping[str, JsonValue], name: str) -> int:
    """Return one count of a census, 0 when it is not there."""
    value = census.get(name)
    return value if isinstance(value, int) else 0


def _money(nusd: int, *, simulated: bool) -> str:
    """Return dollars, marked when they are not real."""
    return f"{format_usd(nusd)} (simulated)" if simulated else format_usd(nusd)
