"""The words about two runs: what changed in one sentence, what stands around it, and what to be careful with."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import assert_never

from stratum_core.contracts import JsonValue
from stratum_core.counts import counted
from stratum_core.drift._compare import Around, Drift, Side
from stratum_core.drift._function_words import leading, shown
from stratum_core.money import format_usd

__all__ = ["notes", "verdict"]

_MOVERS: Mapping[Around, str] = {"data": "the data", "options": "the options", "endpoints": "the endpoints"}
"""What can move the answers of functions that are the same."""


def verdict(drift: Drift) -> str:
    """Return in one sentence what changed between the runs."""
    first, second = drift.first, drift.second
    if not drift.related:
        return (
            f"The runs have no function in common: {first.run_id} is of {_document(first)}, "
            f"{second.run_id} of {_document(second)}."
        )
    told = [
        f"{each.function} ({', '.join(leading(each))})"
        if each.in_both
        else f"{each.function} (only in {(first if each.second is None else second).run_id})"
        for each in drift.functions
        if each.changed or not each.in_both
    ]
    if told:
        return f"Changed: {'; '.join(told)}."
    if drift.changed:
        return "Every function is the same; the document differs outside them, in its steps for example."
    movers = ["the models", *(_MOVERS[part] for part in drift.around if part in _MOVERS)]
    return f"Every function is the same: what moved comes from {' and '.join(movers)}, or is chance."


def notes(drift: Drift) -> tuple[str, ...]:
    """Return what stands around the comparison: the runs, their data and options, and what to be careful with."""
    return (*_runs(drift), *_around(drift), *_cautions(drift))


def _runs(drift: Drift) -> Iterator[str]:
    for word, side in (("Before", drift.first), ("Now", drift.second)):
        moment = datetime.fromtimestamp(side.created_at_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M UTC")
        state = "running" if side.live else side.state.replace("_", " ")
        failed = side.census.get("items_failed")
        items = f", {counted(failed, 'item')} failed" if isinstance(failed, int) and failed else ""
        cost = format_usd(side.nusd) + (" (simulated)" if side.simulated else "")
        yield f"{word}: {side.run_id} of {moment}, {state}{items}, {cost}"


def _around(drift: Drift) -> Iterator[str]:
    """Yield what differs around the functions; of the document itself the functions tell."""
    first, second = drift.first, drift.second
    for part in drift.around:
        match part:
            case "document":
                continue
            case "name":
                yield f"Other document: {second.name or 'without a name'}, was {first.name or 'without a name'}."
            case "flow":
                yield f"Other flow: {second.flow}, was {first.flow}."
            case "data":
                names = _differing(first.data, second.data)
                yield f"Other data: {', '.join(names)}."
            case "options":
                yield f"Other options: {_pairs(first.options, second.options)}."
            case "endpoints":
                yield f"Other endpoints: {_pairs(first.endpoints, second.endpoints)}."
            case "prices":
                yield f"Other prices: {second.price_version}, was {first.price_version}."
            case _:
                assert_never(part)
    if "data" not in drift.around:
        yield "Same data."


def _cautions(drift: Drift) -> Iterator[str]:
    first, second = drift.first, drift.second
    if second.created_at_ms < first.created_at_ms:
        yield f"{second.run_id} is the older one: before and now follow the order they were named in."
    for side in (first, second):
        if side.live:
            yield f"{side.run_id} is still running: its figures are those so far."
        elif not side.over:
            yield f"{side.run_id} did not come to its end: its figures are those up to there."
        if side.elsewhere:
            yield (
                f"{side.run_id} has {counted(side.elsewhere, 'request')} at places this version cannot find in its "
                "document; they are not counted."
            )
    if first.simulated != second.simulated:
        yield "One of them was answered by the offline model: answers and dollars do not compare."


def _differing(first: Mapping[str, JsonValue], second: Mapping[str, JsonValue]) -> list[str]:
    return [name for name in {**first, **second} if first.get(name) != second.get(name)]


def _pairs(first: Mapping[str, JsonValue], second: Mapping[str, JsonValue]) -> str:
    """Return what differs by name, as it is and as it was."""
    names = _differing(first, second)
    return ", ".join(f"{name} {shown(second.get(name))}, was {shown(first.get(name))}" for name in names)


def _document(side: Side) -> str:
    return f"{side.name or 'a document without a name'}, flow {side.flow}"
