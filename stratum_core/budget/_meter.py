"""The meter: reserve a request's worst case before it is sent, settle what it used afterwards."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable

from stratum_core.budget._caps import Budget, Usage
from stratum_core.budget._scope import NOTHING, Scope, Waiter, admit, close, exceeds, refusal, take, withdraw
from stratum_core.money import Nusd

__all__ = ["Meter", "Reservation"]


class Meter:
    """The usage of one scope (a call, a flow, a run) under its cap and the caps of every scope around it.

    All meters of one run belong to one event loop. A task that holds a reservation closes it before it asks
    for another one: two tasks that each hold one and wait for room would wait for each other.
    """

    def __init__(
        self,
        name: str,
        budget: Budget,
        *,
        parent: Meter | None = None,
        spent: Usage = NOTHING,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Open a scope.

        Args:
            name: How errors call the scope, e.g. `run` or `flow triage`.
            budget: The scope's own cap; its time runs from now.
            parent: The scope around it.
            spent: What the scope has used already (a resumed run's recorded usage).
            clock: Seconds on the event loop's clock.
        """
        outer = parent.scope if parent else None
        ends = (None if budget.ms is None else clock() + budget.ms / 1000, outer.deadline if outer else None)
        self.scope = Scope(
            name=name,
            budget=budget,
            spent=spent,
            deadline=min((end for end in ends if end is not None), default=None),
            around=outer.chain if outer else (),
            waiting=outer.waiting if outer else deque(),
        )
        """The account behind the meter; for reading only."""
        self._clock = clock

    @property
    def name(self) -> str:
        """How errors call the scope."""
        return self.scope.name

    @property
    def budget(self) -> Budget:
        """The scope's own cap."""
        return self.scope.budget

    @property
    def spent(self) -> Usage:
        """What is charged to the scope."""
        return self.scope.spent

    @property
    def reserved(self) -> Usage:
        """What requests in flight may still use."""
        return self.scope.reserved

    @property
    def left(self) -> Budget:
        """What the scope's own cap leaves beside everything spent and reserved; None on open axes."""
        budget, used = self.scope.budget, self.scope.spent + self.scope.reserved
        ends = self.scope.deadline
        return Budget(
            nusd=None if budget.nusd is None else Nusd(max(0, budget.nusd - used.nusd)),
            tokens=None if budget.tokens is None else max(0, budget.tokens - used.tokens),
            calls=None if budget.calls is None else max(0, budget.calls - used.calls),
            ms=None if ends is None else max(0, int((ends - self._clock()) * 1000)),
        )

    @property
    def deadline(self) -> float | None:
        """When the tightest time cap of the scope and those around it ends, on the loop's clock (seconds)."""
        return self.scope.deadline

    @property
    def overrun(self) -> bool:
        """Whether a request in the scope used more than it had reserved."""
        return self.scope.overrun

    def child(self, name: str, budget: Budget) -> Meter:
        """Open a scope inside this one."""
        return Meter(name, budget, parent=self, clock=self._clock)

    async def reserve(self, usage: Usage) -> Reservation:
        """Reserve the worst case of one request in every scope up to the root, or in none.

        Waits, first come first served, while settlements of requests in flight could still make room.
        Cancelled, it leaves nothing reserved. Time is not reserved: see `deadline`.

        Raises:
            BudgetExceeded: It can never fit; `detail` names scope, axis, cap, needed and left.
        """
        _refuse_negative(usage)
        hopeless = refusal(self.scope, usage)
        if hopeless is not None:
            raise hopeless
        if self.scope.waiting or not take(self.scope, usage):
            await self._wait(usage)
        return Reservation(self.scope, usage)

    async def _wait(self, usage: Usage) -> None:
        waiter = Waiter(scope=self.scope, need=usage)
        self.scope.waiting.append(waiter)
        admit(self.scope.waiting)
        if not waiter.granted:
            try:
                await waiter.answered.wait()
            except BaseException:
                withdraw(waiter)
                raise
        if waiter.refused is not None:
            raise waiter.refused

    def charge_recorded(self, usage: Usage) -> None:
        """Charge a replayed answer to every scope below the root, which was opened with it in `spent`."""
        _refuse_negative(usage)
        for scope in self.scope.chain[:-1]:
            scope.spent += usage
        admit(self.scope.waiting)


class Reservation:
    """Room for one request, until the first of `settle`, `keep` and `release`."""

    def __init__(self, scope: Scope, usage: Usage) -> None:
        self.usage = usage
        """What is reserved."""
        self._scope = scope
        self._open = True
        self._overrun = False

    @property
    def overrun(self) -> bool:
        """Whether the request used more than was reserved for it."""
        return self._overrun

    def covers(self, usage: Usage) -> bool:
        """Return whether the reservation is open and has room for so much."""
        return self._open and not exceeds(usage, self.usage)

    def part(self, usage: Usage) -> Reservation:
        """Make a part of the room a reservation of its own, so that several requests can be admitted together.

        Raises:
            ValueError: The reservation is closed already, or smaller than `usage`.
        """
        _refuse_negative(usage)
        if not self.covers(usage):
            raise ValueError(f"a reservation in {self._scope.name} has no room for a part of {usage}")
        self.usage -= usage
        return Reservation(self._scope, usage)

    def settle(self, actual: Usage) -> None:
        """Charge what the request really used, in full even above the reservation.

        Raises:
            ValueError: The reservation is closed already, or `actual` is negative.
        """
        _refuse_negative(actual)
        if not self._open:
            raise ValueError(f"a reservation in {self._scope.name} was settled twice")
        self._open = False
        self._overrun = exceeds(actual, self.usage)
        close(self._scope, self.usage, actual)

    def keep(self) -> None:
        """Charge the whole reservation: nobody knows what the request cost.

        Raises:
            ValueError: The reservation is closed already.
        """
        self.settle(self.usage)

    def release(self) -> None:
        """Give the room back without a charge; does nothing once the reservation is closed."""
        if self._open:
            self.settle(NOTHING)


def _refuse_negative(usage: Usage) -> None:
    if usage.nusd < 0 or usage.tokens < 0 or usage.calls < 0:
        raise ValueError(f"usage cannot be negative: {usage}")
