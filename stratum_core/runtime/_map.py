"""The map: one verb over many items, a bounded number at a time, results in input order.

A fixed number of workers take the next index from one shared iterator, so there is never a task for each item, and
neither the items nor the results of a long map are held in memory. With `concurrency: auto` there are `AUTO_MOST`
workers, whose requests the pace of their model lets go (see `_pace.py`).

A failed item is counted in the census and leaves what `on_error` says; once so many failed that `require` cannot be
met, nothing new is started. A resumed run still replays what is on record then, so that its result never shrinks. An
item that waits for a person is neither done nor failed: the others go on, and then the map waits.
"""

from __future__ import annotations

import math
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace

import anyio

from stratum_core.contracts import JsonValue, ListBuilder, stored
from stratum_core.errors import (
    BudgetExceeded,
    ExpressionError,
    JournalError,
    RunStopped,
    RunWaiting,
    StepFailed,
    StratumError,
)
from stratum_core.runtime._context import RunContext, Scope, ran_out_within
from stratum_core.runtime._pace import AUTO_MOST
from stratum_core.specs import ForEach, Require

__all__ = ["run_map"]

_TELL_S = 0.1
"""How often a resumed map tells how far it is; it passes thousands of items a second."""

_ERROR_CHARACTERS = 600
"""What an Outcome tells of a failure; the estimate counts on it (`stratum_core.plan.ERROR_TEXT_BYTES`)."""

ItemRunner = Callable[[RunContext, Scope, str], Awaitable[JsonValue]]
"""Runs the verb once: the context it may send in, the item's scope and path to its value."""


@dataclass(slots=True, kw_only=True)
class _Progress:
    """What the workers of one map share."""

    results: ListBuilder
    succeeded: bytearray
    """1 for each item that is done."""
    errors: ListBuilder | None
    """The text of each failure, where `on_error: keep` hands it on."""
    failed: int = 0
    first_failure: tuple[int, str] | None = None
    """The failed item with the lowest index, and why it failed."""
    untold: Counter[bool] = field(default_factory=Counter[bool])
    """Items the journal has not been told of, by whether they succeeded."""
    told_at: float = 0.0
    waiting: RunWaiting | None = None
    """Raised by the first item that waits for a person."""
    fatal: StratumError | None = None
    """Why the map cannot end well; only what is on record goes on."""
    broken: bool = False
    """Whether the record itself failed, so that nothing can go on."""


async def run_map(
    context: RunContext,
    each: ForEach,
    items: JsonValue,
    run_item: ItemRunner,
    *,
    scope: Scope,
    path: str,
) -> JsonValue:
    """Run the verb for every item and return the list the step gives.

    Raises:
        StepFailed: Fewer items succeeded than `require` asks.
        BudgetExceeded: A cap around the map ran out; finished items stay on record.
        RunStopped: The run ends.
        RunWaiting: Some items wait for a person, and the others came to their end.
    """
    if not isinstance(items, Sequence) or isinstance(items, str):
        raise ExpressionError(f"{path}: `{each.items.canonical}` gave {type(items).__name__}, not a list")
    total = len(items)
    context.journal.note("scope_started", path=path, data={"total": total})
    progress = _Progress(
        results=ListBuilder(total),
        succeeded=bytearray(total),
        errors=ListBuilder(total) if each.on_error == "keep" else None,
    )
    together = context.together or (total > 1 and each.concurrency != 1)
    context = replace(context, paced=context.paced or each.concurrency is None, together=together)
    needed = _needed(each.require, total)
    indexes = iter(range(total))
    replaying = context.replaying()

    async def worker() -> None:
        for index in indexes:
            goes_on = progress.fatal is None and context.stopped is None
            live = goes_on and progress.failed <= total - needed
            if not live and (progress.broken or not context.resumed):
                progress.fatal = progress.fatal or context.stopped
                return
            allowed = context if live else replaying
            stop = await _run_one(
                allowed, run_item, items[index], index, scope=scope, path=path, progress=progress
            )
            if stop is not None:
                progress.fatal = progress.fatal or (stop if live else context.stopped)

    try:
        async with anyio.create_task_group() as group:
            for _ in range(min(each.concurrency or AUTO_MOST, total)):
                group.start_soon(worker)
    finally:
        _tell(context, path, progress)
        _keep_finished(context, path, progress)
    if progress.fatal is not None:
        raise progress.fatal
    if progress.waiting is not None and progress.failed <= total - needed:
        raise progress.waiting
    if sum(progress.succeeded) < needed:
        raise _too_few(path, progress, needed)
    return _collected(each, progress)


def _needed(require: Require, total: int) -> int:
    """Return how many items must succeed."""
    if require == "all":
        return total
    if isinstance(require, float):
        return math.ceil(require * total - 1e-9)
    return require


async def _run_one(
    context: RunContext,
    run_item: ItemRunner,
    item: JsonValue,
    index: int,
    *,
    scope: Scope,
    path: str,
    progress: _Progress,
) -> RunStopped | None:
    """Run one item and record what became of it; return what kept it from coming to an end."""
    item_path = f"{path}[{index}]"
    try:
        value = await run_item(context, {**scope, "item": item, "index": index}, item_path)
        progress.results.put(index, value)
    except RunWaiting as waiting:
        progress.waiting = progress.waiting or waiting
        context.census.items_waiting += 1
        return None
    except JournalError as error:
        progress.fatal, progress.broken = progress.fatal or error, True
        return None
    except RunStopped as stop:
        return stop
    except StratumError as error:
        if isinstance(error, BudgetExceeded) and not ran_out_within(error, item_path):
            progress.fatal = progress.fatal or error
            return None
        _keep_failure(progress, index, error.message)
        context.census.items_failed += 1
        context.census.add_failure(item_path, error)
    else:
        progress.succeeded[index] = 1
        context.census.items_done += 1
    progress.untold[bool(progress.succeeded[index])] += 1
    if not context.resumed or time.monotonic() - progress.told_at > _TELL_S:
        _tell(context, path, progress)
    return None


def _tell(context: RunContext, path: str, progress: _Progress) -> None:
    """Tell the journal of the items that came to an end since it was told last."""
    for ok, count in progress.untold.items():
        data: dict[str, JsonValue] = {"ok": ok} if count == 1 else {"ok": ok, "count": count}
        context.journal.note("item_done", path=path, data=data)
    progress.untold.clear()
    progress.told_at = time.monotonic()


def _keep_failure(progress: _Progress, index: int, message: str) -> None:
    """Count a failed item, and keep of its error what is told later."""
    progress.failed += 1
    if progress.first_failure is None or index < progress.first_failure[0]:
        progress.first_failure = index, message
    if progress.errors is not None:
        progress.errors.put(index, message[:_ERROR_CHARACTERS])


def _keep_finished(context: RunContext, path: str, progress: _Progress) -> None:
    """Keep the finished items of an outermost map, in case the run does not get to its `return`."""
    if "/" not in path:
        context.partial[path] = progress.results.items(_done(progress))


def _done(progress: _Progress) -> Iterator[int]:
    """Yield the indexes of the items that succeeded."""
    return (index for index, done in enumerate(progress.succeeded) if done)


def _too_few(path: str, progress: _Progress, needed: int) -> StepFailed:
    """Return the error of a map whose `require` was not met."""
    total, succeeded = len(progress.succeeded), sum(progress.succeeded)
    first = progress.first_failure
    example = "" if first is None else f"; the first that failed, item {first[0] + 1}: {first[1]}"
    return StepFailed(
        f"{path}: {succeeded} of {total} items succeeded, but {needed} are required{example}",
        remedy="lower `require`, or mend what the failures have in common; finished items are kept",
        detail={"succeeded": succeeded, "failed": progress.failed, "total": total, "needed": needed},
    )


def _collected(each: ForEach, progress: _Progress) -> JsonValue:
    """Return the step's list in input order, with what `on_error` leaves of failed items."""
    match each.on_error:
        case "drop":
            return progress.results.items(_done(progress))
        case "none":
            return progress.results.items()
        case "keep":
            return stored(_outcomes(progress))


def _outcomes(progress: _Progress) -> Iterator[JsonValue]:
    """Yield the Outcome record of each item."""
    errors = () if progress.errors is None else progress.errors.items()
    for index, (value, error) in enumerate(zip(progress.results.items(), errors, strict=True)):
        yield {"ok": bool(progress.succeeded[index]), "value": value, "error": error, "index": index}
