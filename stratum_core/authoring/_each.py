"""`each` and `or_none`: one call for each item of a list, and a call whose failure is no failure of the flow.

What a document says with `for_each` and with `on_error: none`, on the same runtime: bounded concurrency, how many must
succeed, and what stands for one that failed.
"""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Generator, Iterable, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Generic, Literal, TypeVar, cast, overload

from stratum_core.authoring._session import as_raised, entered, session_of
from stratum_core.authoring._together import parallel
from stratum_core.contracts import JsonValue
from stratum_core.errors import ParallelValidationFailed, RunStopped, StratumCompileError, StratumError
from stratum_core.ir import parse_require
from stratum_core.ir.expressions import literal_expression
from stratum_core.results import Success
from stratum_core.runtime import RunContext, Scope, run_map
from stratum_core.specs import ForEach, Require

__all__ = ["Outcome", "each", "or_none"]

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome(Generic[T]):
    """What became of one call of an `each(..., on_error="keep")`."""

    ok: bool
    """Whether it succeeded."""
    value: T | None
    """What it gave; None after a failure."""
    error: str | None
    """Why it failed; None after a success."""
    index: int
    """Which call it was, from 0."""


async def or_none(call: Awaitable[T]) -> T | None:
    """Await a call; None when it fails, so that the flow goes on.

    A cap of the flow that runs out is no failure of the call, and still ends the flow.

    Raises:
        BudgetExceeded: A cap around the call ran out.
    """
    (outcome,) = await parallel(call, require=0)
    return outcome.value if isinstance(outcome, Success) else None


@overload
async def each(
    calls: Iterable[Awaitable[T]],
    *,
    concurrency: int | None = None,
    require: Require | str = "all",
    on_error: Literal["drop"] = "drop",
    validate: Callable[[list[T]], bool] | None = None,
) -> list[T]: ...
@overload
async def each(
    calls: Iterable[Awaitable[T]],
    *,
    concurrency: int | None = None,
    require: Require | str = "all",
    on_error: Literal["none"],
    validate: Callable[[list[T | None]], bool] | None = None,
) -> list[T | None]: ...
@overload
async def each(
    calls: Iterable[Awaitable[T]],
    *,
    concurrency: int | None = None,
    require: Require | str = "all",
    on_error: Literal["keep"],
    validate: Callable[[list[Outcome[T]]], bool] | None = None,
) -> list[Outcome[T]]: ...
async def each(
    calls: Iterable[Awaitable[T]],
    *,
    concurrency: int | None = None,
    require: Require | str = "all",
    on_error: Literal["drop", "none", "keep"] = "drop",
    validate: Callable[[list[T]], bool]
    | Callable[[list[T | None]], bool]
    | Callable[[list[Outcome[T]]], bool]
    | None = None,
) -> list[T] | list[T | None] | list[Outcome[T]]:
    """Await one call for each item, a bounded number at a time, and return the results in the order of the calls.

        tones = await each((judge(text=one.text) for one in reviews), require="95%")

    Args:
        calls: Calls of infer, compute and flow functions, or any other awaitables; mostly a generator over a list.
        concurrency: Calls in flight at once; None: chosen by the runtime.
        require: How many must succeed: `"all"`, a count, or a share such as `"95%"` or 0.95.
        on_error: What stands for a call that failed: nothing, None, or for every call an `Outcome`.
        validate: What must be true of the result.

    Raises:
        StepFailed: Too few succeeded; nothing new was started once that was certain.
        ParallelValidationFailed: `validate` is false.
        BudgetExceeded: A cap around the calls ran out.
        StratumCompileError: `require` is no count and no share.
    """
    waiting = list(calls)
    with _closing(waiting):
        spec = ForEach(
            items=literal_expression([]),
            concurrency=concurrency,
            require=_required(require),
            on_error=on_error,
        )
        results = await _run(waiting, spec)
        judge = cast("Callable[[object], bool] | None", validate)
        if judge is not None and not judge(results):
            raise ParallelValidationFailed(
                f"`validate` is false for the results of {len(waiting)} calls",
                remedy="look at what the calls gave, or loosen `validate`",
            )
        return results


class _Raised(StratumError):
    """Carries what a call raised that is no error of ours through the map."""


async def _run(calls: Sequence[Awaitable[T]], spec: ForEach) -> list[T] | list[T | None] | list[Outcome[T]]:
    """Run the calls as a map of the runtime, which decides over their numbers; the values wait here."""
    values: dict[int, T] = {}
    async with session_of() as session:
        path = session.next_place("each", calls)

        async def run(within: RunContext, scope: Scope, at: str) -> JsonValue:
            number = cast("int", scope["index"])
            with entered(session.inside(at, context=within)):
                try:
                    values[number] = await calls[number]
                except StratumError:
                    raise
                except Exception as error:
                    raise _Raised(f"{type(error).__name__}: {error}") from error
            return number

        items: list[JsonValue] = list(range(len(calls)))
        try:
            found = await run_map(session.context, spec, items, run, scope={}, path=path)
        except RunStopped as stop:
            raise as_raised(stop) from None
    done = cast("Sequence[JsonValue]", found)
    match spec.on_error:
        case "drop":
            return [values[cast("int", number)] for number in done]
        case "none":
            return [None if number is None else values[cast("int", number)] for number in done]
        case "keep":
            return [_outcome(cast("Mapping[str, JsonValue]", one), values) for one in done]


def _outcome(record: Mapping[str, JsonValue], values: Mapping[int, T]) -> Outcome[T]:
    """Return the runtime's record of one item with its Python value."""
    index, error = cast("int", record["index"]), record["error"]
    return Outcome(
        ok=record["ok"] is True,
        value=values.get(index) if record["ok"] is True else None,
        error=None if error is None else str(error),
        index=index,
    )


def _required(require: Require | str) -> Require:
    """Return how many must succeed.

    Raises:
        StratumCompileError: It is no count and no share.
    """
    if isinstance(require, float) and 0 <= require <= 1:
        return require
    if isinstance(require, (int, str)) and not isinstance(require, bool):
        try:
            count = parse_require(require)
        except ValueError:
            count = -1
        if count == "all" or count >= 0:
            return count
    raise StratumCompileError(
        f'each: require={require!r} is not "all", a count, or a share such as "95%" or 0.95'
    )


@contextmanager
def _closing(calls: Sequence[Awaitable[object]]) -> Generator[None]:
    """Close the calls that were never started, so that nobody is warned of them."""
    try:
        yield
    finally:
        for call in calls:
            if inspect.iscoroutine(call):
                call.close()
