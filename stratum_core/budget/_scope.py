"""Scopes: the nested accounts behind the meters, and who gets room next when there is too little."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from anyio import Event

from stratum_core.budget._caps import Budget, Usage
from stratum_core.errors import BudgetExceeded
from stratum_core.money import format_usd

__all__ = [
    "NOTHING",
    "Scope",
    "Waiter",
    "admit",
    "amounts",
    "close",
    "exceeds",
    "refusal",
    "take",
    "withdraw",
]

NOTHING = Usage()
_AXES = ("nusd", "tokens", "calls")


@dataclass(slots=True, kw_only=True, eq=False)
class Scope:
    """One account: its cap, what is charged to it and what is reserved in it."""

    name: str
    budget: Budget
    spent: Usage
    deadline: float | None
    around: tuple[Scope, ...]
    """The scopes around this one, the root last."""
    waiting: deque[Waiter]
    """Requests that wait for room, oldest first; one queue for the whole tree."""
    reserved: Usage = NOTHING
    overrun: bool = False

    @property
    def chain(self) -> tuple[Scope, ...]:
        """This scope and those around it, the root last."""
        return (self, *self.around)

    def fits(self, need: Usage) -> bool:
        """Return whether the scope's own cap has room for `need` beside everything reserved."""
        return _first_over(self.budget, self.spent + self.reserved + need) is None


@dataclass(slots=True, kw_only=True, eq=False)
class Waiter:
    """A request that waits for room."""

    scope: Scope
    need: Usage
    answered: Event = field(default_factory=Event)
    granted: bool = False
    refused: BudgetExceeded | None = None


def amounts(budget: Budget) -> tuple[int | None, int | None, int | None]:
    """Return the caps on the countable axes, in the order of `Usage`."""
    return budget.nusd, budget.tokens, budget.calls


def exceeds(actual: Usage, reserved: Usage) -> bool:
    """Return whether a request used more than was reserved for it on any axis."""
    return actual.nusd > reserved.nusd or actual.tokens > reserved.tokens or actual.calls > reserved.calls


def take(scope: Scope, need: Usage) -> bool:
    """Reserve `need` in every scope of the chain, or in none."""
    chain = scope.chain
    if not all(each.fits(need) for each in chain):
        return False
    for each in chain:
        each.reserved += need
    return True


def close(scope: Scope, need: Usage, actual: Usage) -> None:
    """Replace a reservation by what was used, in every scope of the chain, and let waiting requests in."""
    over = exceeds(actual, need)
    for each in scope.chain:
        each.reserved -= need
        each.spent += actual
        each.overrun = each.overrun or over
    admit(scope.waiting)


def refusal(scope: Scope, need: Usage) -> BudgetExceeded | None:
    """Return why `need` can never fit, even if everything in flight turned out free; else None."""
    for each in scope.chain:
        axis = _first_over(each.budget, each.spent + need)
        if axis is not None:
            return _exceeded(each, axis, need)
    return None


def withdraw(waiter: Waiter) -> None:
    """Undo a wait that was cancelled, whether or not its answer had come already."""
    if waiter.granted:
        close(waiter.scope, waiter.need, NOTHING)
    elif waiter.refused is None:
        waiter.scope.waiting.remove(waiter)
        admit(waiter.scope.waiting)


def admit(waiting: deque[Waiter]) -> None:
    """Answer waiting requests in their order.

    One that has to go on waiting holds back every later one that needs the same full scope, so that small
    requests cannot starve a large one; requests of other scopes pass it.
    """
    full: set[Scope] = set()
    kept: list[Waiter] = []
    while waiting:
        waiter = waiting.popleft()
        chain = waiter.scope.chain
        waiter.refused = refusal(waiter.scope, waiter.need)
        if waiter.refused is None and full.isdisjoint(chain):
            waiter.granted = take(waiter.scope, waiter.need)
        if waiter.granted or waiter.refused:
            waiter.answered.set()
            continue
        kept.append(waiter)
        full.update(each for each in chain if not each.fits(waiter.need))
        if chain[-1] in full:
            break
    waiting.extendleft(reversed(kept))


def _first_over(budget: Budget, usage: Usage) -> int | None:
    """Return the index of the first axis on which `usage` is above the cap."""
    for axis, (cap, used) in enumerate(zip(amounts(budget), _counts(usage), strict=True)):
        if cap is not None and used > cap:
            return axis
    return None


def _counts(usage: Usage) -> tuple[int, int, int]:
    return usage.nusd, usage.tokens, usage.calls


def _exceeded(scope: Scope, axis: int, need: Usage) -> BudgetExceeded:
    cap, needed = amounts(scope.budget)[axis] or 0, _counts(need)[axis]
    left = max(0, cap - _counts(scope.spent)[axis])
    return BudgetExceeded(
        f"the next request may need {_shown(axis, needed)}, but {scope.name} has {_shown(axis, left)} left "
        f"of its cap of {_shown(axis, cap)}",
        remedy="raise the cap, or give it less to do",
        detail={"scope": scope.name, "axis": _AXES[axis], "cap": cap, "needed": needed, "left": left},
    )


def _shown(axis: int, amount: int) -> str:
    if axis == 0:
        return format_usd(amount)
    return f"{amount:,} {_AXES[axis].removesuffix('s') if amount == 1 else _AXES[axis]}"
