"""`parallel` and `race`: awaitables that run together, with one decision about how many must succeed."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Generator, Sequence
from contextlib import contextmanager
from typing import Any, Literal, TypeVar, cast, overload

from stratum_core.authoring._session import as_raised, entered, session_of
from stratum_core.contracts import JsonValue
from stratum_core.errors import ParallelValidationFailed, RunStopped, StepFailed, StratumError
from stratum_core.results import Failure, Success
from stratum_core.runtime import Branches, RunContext, run_branches

__all__ = ["parallel", "race"]

T = TypeVar("T")
T1 = TypeVar("T1")
T2 = TypeVar("T2")
T3 = TypeVar("T3")
T4 = TypeVar("T4")
T5 = TypeVar("T5")


@overload
async def parallel(
    a: Awaitable[T1],
    b: Awaitable[T2],
    /,
    *,
    require: Literal["all"] = "all",
    validate: Callable[[tuple[T1, T2]], bool] | None = None,
    concurrency: int | None = None,
) -> tuple[T1, T2]: ...
@overload
async def parallel(
    a: Awaitable[T1],
    b: Awaitable[T2],
    c: Awaitable[T3],
    /,
    *,
    require: Literal["all"] = "all",
    validate: Callable[[tuple[T1, T2, T3]], bool] | None = None,
    concurrency: int | None = None,
) -> tuple[T1, T2, T3]: ...
@overload
async def parallel(
    a: Awaitable[T1],
    b: Awaitable[T2],
    c: Awaitable[T3],
    d: Awaitable[T4],
    /,
    *,
    require: Literal["all"] = "all",
    validate: Callable[[tuple[T1, T2, T3, T4]], bool] | None = None,
    concurrency: int | None = None,
) -> tuple[T1, T2, T3, T4]: ...
@overload
async def parallel(
    a: Awaitable[T1],
    b: Awaitable[T2],
    c: Awaitable[T3],
    d: Awaitable[T4],
    e: Awaitable[T5],
    /,
    *,
    require: Literal["all"] = "all",
    validate: Callable[[tuple[T1, T2, T3, T4, T5]], bool] | None = None,
    concurrency: int | None = None,
) -> tuple[T1, T2, T3, T4, T5]: ...
@overload
async def parallel(
    *calls: Awaitable[T],
    require: Literal["all"] = "all",
    validate: Callable[[list[T]], bool] | None = None,
    concurrency: int | None = None,
) -> list[T]: ...
@overload
async def parallel(
    *calls: Awaitable[T],
    require: Literal["any"],
    validate: Callable[[T], bool] | None = None,
    concurrency: int | None = None,
) -> T: ...
@overload
async def parallel(
    *calls: Awaitable[T],
    require: Literal[0],
    validate: Callable[[list[Success[T] | Failure]], bool] | None = None,
    concurrency: int | None = None,
) -> list[Success[T] | Failure]: ...
@overload
async def parallel(
    *calls: Awaitable[T],
    require: int,
    validate: Callable[[list[T]], bool] | None = None,
    concurrency: int | None = None,
) -> list[T]: ...
async def parallel(
    *calls: Awaitable[Any],
    require: Literal["all", "any"] | int = "all",
    validate: Callable[[Any], bool] | None = None,
    concurrency: int | None = None,
) -> object:
    """Await calls at the same time and end together: once it is decided, the others are cancelled, their cost counted.

    All of them draw on one budget whose worst case is reserved before anything is sent, so together they cannot go
    above it. Cancelled from outside, every call is cancelled.

    Args:
        calls: Calls of infer, compute and flow functions, or any other awaitables.
        require: How many must succeed. `"all"`: a list of the values in the order of the calls; like that of
            `asyncio.gather` it is typed as a tuple for up to five calls, so that each value has its own type.
            `"any"`: the value of the first that succeeds. N: the values of the first N. 0: as many as can; a `Success`
            or `Failure` for each call.
        validate: What must be true of the result.
        concurrency: Calls in flight at once; None: all.

    Raises:
        ParallelValidationFailed: `validate` is false.
        StepFailed: Too few succeeded.
        Exception: What the first call that failed raised, when all are required.
        BudgetExceeded: A cap around the calls ran out.
    """
    with _closing(calls):
        needed = _needed(require, len(calls))
        done = await _run(calls, needed=needed, name="parallel", concurrency=concurrency)
        result: object
        match require:
            case "any":
                (result,) = (outcome.value for outcome in done if isinstance(outcome, Success))
            case 0:
                result = done
            case _:
                result = [outcome.value for outcome in done if isinstance(outcome, Success)]
        if validate is not None and not validate(result):
            raise ParallelValidationFailed(
                f"`validate` is false for the results of {len(calls)} parallel calls",
                remedy="look at what the calls gave, or loosen `validate`",
            )
        return result


async def race(*calls: Awaitable[T]) -> T:
    """Await calls at the same time and return the value of the first that succeeds; the others are cancelled.

    What the losers have used is charged like everything else.

    Raises:
        StepFailed: None succeeded.
        BudgetExceeded: A cap around the calls ran out before one succeeded.
    """
    with _closing(calls):
        (first,) = await _run(calls, needed=_needed("any", len(calls)), name="race")
        return cast("Success[T]", first).value


class _Raised(StratumError):
    """Carries what a call raised that is no error of ours through the decision."""

    def __init__(self, error: Exception) -> None:
        super().__init__(f"{type(error).__name__}: {error}")
        self.error = error


def _needed(require: Literal["all", "any"] | int, total: int) -> int:
    """Return how many must succeed.

    Raises:
        ValueError: So many there are not.
    """
    needed = {"all": total, "any": 1}.get(require) if isinstance(require, str) else require
    if needed is None or isinstance(require, bool) or not 0 <= needed <= total:
        raise ValueError(f'require={require!r} is not "all", "any" or a number from 0 to {total}, the calls')
    return needed


async def _run(
    calls: Sequence[Awaitable[T]], *, needed: int, name: str, concurrency: int | None = None
) -> list[Success[T] | Failure]:
    """Run calls as branches; the outcomes of those that decided it, in the order of the calls.

    The runtime decides over JSON values, so a Python value waits here until its branch has won.
    """
    _check_calls(calls, name)
    if not calls:
        return []
    values: dict[str, T] = {}
    names = tuple(str(number) for number in range(len(calls)))
    async with session_of() as session:
        path = session.next_place(name, calls)

        async def run(within: RunContext, number: int, at: str) -> JsonValue:
            with entered(session.inside(at, context=within)):
                try:
                    values[names[number]] = await calls[number]
                except StratumError:
                    raise
                except Exception as error:
                    raise _Raised(error) from error
            return None

        branches = Branches(names=names, run=run, needed=needed, concurrency=concurrency)
        try:
            done = await run_branches(session.context, branches, path=path, meter=session.meter)
        except _Raised as carried:
            raise carried.error from None
        except StepFailed:
            raise
        except RunStopped as stop:
            raise as_raised(stop) from None
    return [
        Success(values[name]) if name in done.values else Failure(_bare(done.errors[name]))
        for name in names
        if name in done.values or (needed == 0 and name in done.errors)
    ]


def _check_calls(calls: Sequence[object], name: str) -> None:
    """Refuse what cannot be awaited, before anything is sent for the others.

    Raises:
        TypeError: One of them is no call.
    """
    odd = next((call for call in calls if not inspect.isawaitable(call)), None)
    if isinstance(odd, (list, tuple)):
        kind = "list" if isinstance(odd, list) else "tuple"
        raise TypeError(f"{name}() takes calls one by one, not a {kind}: write {name}(*calls)")
    if odd is not None:
        raise TypeError(f"{name}() takes calls, e.g. {name}(judge(text), ...), not {odd!r}")


def _bare(error: StratumError) -> Exception:
    return error.error if isinstance(error, _Raised) else error


@contextmanager
def _closing(calls: Sequence[Awaitable[object]]) -> Generator[None]:
    """Close the calls that were never started, so that nobody is warned of them."""
    try:
        yield
    finally:
        for call in calls:
            _close(call)


def _close(call: object) -> None:
    """Close a call, or a list of them; one that was never started holds its own calls, which were not either."""
    if isinstance(call, (list, tuple)):
        for inner in cast("Sequence[object]", call):
            if inspect.iscoroutine(inner):
                _close(inner)
    elif inspect.iscoroutine(call):
        if inspect.getcoroutinestate(call) == inspect.CORO_CREATED:
            for held in inspect.getcoroutinelocals(call).values():
                _close(held)
        call.close()
