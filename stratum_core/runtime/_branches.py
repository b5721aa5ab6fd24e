"""Branches: calls that run together until enough of them have succeeded or too many have failed.

Which branches decide is a matter of timing wherever not all are needed. So the decision is written down before it is
used, and a resumed run follows it: it replays the deciding branches alone and only counts what the others cost. A
branch that is given up leaves nothing but its cost, because how far it came is a matter of timing, too.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import anyio

from stratum_core.budget import Meter
from stratum_core.contracts import JsonValue
from stratum_core.errors import (
    BudgetExceeded,
    JournalError,
    RunStopped,
    RunWaiting,
    StepFailed,
    StratumError,
)
from stratum_core.runtime._census import Census
from stratum_core.runtime._context import RunContext, Scope, evaluate_condition, ran_out_within
from stratum_core.specs import CallVerb, ParallelVerb, RaceVerb

__all__ = ["Branches", "run_branches", "run_parallel", "run_race"]

_DECIDED = "decided"
_NAMED = 3
"""How many of the branches that decided are named to a person."""

RunCall = Callable[[RunContext, CallVerb, Scope, str, Meter], Awaitable[JsonValue]]
"""Runs a call: the context, the call, what its expressions see, its path, and the meter that pays."""

_RunBranch = Callable[[RunContext, int, str], Awaitable[JsonValue]]
"""Runs one branch: its context, its number in `names`, and its path."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Branches:
    """What is to run together, and how many have to succeed."""

    names: tuple[str, ...]
    """Different names, in document order; a branch's path ends in its name."""
    run: _RunBranch
    needed: int
    """With as many successes it is decided; 0: all run to their end, whatever becomes of them."""
    concurrency: int | None = None
    """Branches in flight at once; None: all of them."""

    @property
    def allowed_failures(self) -> int:
        """How many may fail."""
        return len(self.names) - self.needed


@dataclass(frozen=True, slots=True, kw_only=True)
class BranchResults:
    """The value of each branch that succeeded and the error of each that did not, in document order."""

    values: Mapping[str, JsonValue]
    errors: Mapping[str, StratumError]


async def run_parallel(
    context: RunContext, verb: ParallelVerb, scope: Scope, path: str, meter: Meter, *, call: RunCall
) -> JsonValue:
    """Run the branches of a parallel and return what its `require` makes of them.

    Raises:
        StepFailed: Too few branches succeeded, or `validate` is false.
        StratumError: The branch that failed first, when all are required.
        BudgetExceeded: A cap around the branches ran out.
        RunStopped: The run ends.
    """

    async def run(within: RunContext, number: int, at: str) -> JsonValue:
        return await call(within, verb.branches[number].call, scope, at, meter)

    names = tuple(branch.name for branch in verb.branches)
    needed = {"all": len(names), "any": 1}[verb.require] if isinstance(verb.require, str) else verb.require
    branches = Branches(names=names, run=run, needed=needed, concurrency=verb.concurrency)
    done = await run_branches(context, branches, path=path, meter=meter)
    value: JsonValue
    match verb.require:
        case "all":
            value = dict(done.values)
        case "any":
            (value,) = done.values.values()
        case 0:
            for name, error in done.errors.items():
                context.census.add_failure(f"{path}/{name}", error)
            value = {name: done.values.get(name) for name in names}
        case _:
            value = list(done.values.values())
    if verb.validate is not None and not await evaluate_condition(verb.validate, {**scope, "results": value}):
        raise StepFailed(
            f"{path}: `{verb.validate.canonical}` is false for the results of its branches",
            remedy="look at what the branches gave, or loosen `validate`",
        )
    return value


async def run_race(
    context: RunContext, verb: RaceVerb, scope: Scope, path: str, meter: Meter, *, call: RunCall
) -> JsonValue:
    """Run the branches of a race and return the value of the first that succeeds.

    Raises:
        StepFailed: None succeeded.
        BudgetExceeded: A cap around the branches ran out before one succeeded.
        RunStopped: The run ends.
    """

    async def run(within: RunContext, number: int, at: str) -> JsonValue:
        return await call(within, verb.branches[number].call, scope, at, meter)

    names = tuple(branch.name for branch in verb.branches)
    done = await run_branches(context, Branches(names=names, run=run, needed=1), path=path, meter=meter)
    (value,) = done.values.values()
    return value


async def run_branches(context: RunContext, branches: Branches, *, path: str, meter: Meter) -> BranchResults:
    """Run branches until it is decided, and give up the others: what they have in flight is cut off, and charged.

    Raises:
        StepFailed: Too many branches failed.
        StratumError: The branch that failed first, when all are needed.
        BudgetExceeded: A cap around the branches ran out; what was in flight is kept.
        RunWaiting: It is not decided without a person's answer.
        RunStopped: The run ends; what was in flight is kept.
    """
    group = _Group(context=context, branches=branches, path=path, meter=meter)
    recorded = context.journal.recorded(_DECIDED).get(path)
    earlier = () if recorded is None else _names_in(recorded, branches.names)
    others = [name for name in branches.names if name not in earlier]
    try:
        if earlier:
            await group.start(earlier, until_decided=False)
            group.conclude()
        if group.fatal is None and group.decided is None:
            await group.start(others, until_decided=True)
    finally:
        group.count()
    await group.withdraw_questions()
    return group.results()


def _names_in(decision: Mapping[str, JsonValue], names: Sequence[str]) -> tuple[str, ...]:
    """Return the branches a recorded decision was made by."""
    found = [decision.get("winners"), decision.get("failed")]
    listed = [name for part in found if isinstance(part, list) for name in part]
    return tuple(name for name in names if name in listed)


@dataclass(slots=True, kw_only=True)
class _Group:
    """The state that the branches of one verb share."""

    context: RunContext
    branches: Branches
    path: str
    meter: Meter
    started: dict[str, RunContext] = field(default_factory=dict[str, RunContext])
    values: dict[str, JsonValue] = field(default_factory=dict[str, JsonValue])
    errors: dict[str, StratumError] = field(default_factory=dict[str, StratumError])
    waiting: RunWaiting | None = None
    """Raised by the first branch that waits for a person; the others go on, and may decide it."""
    fatal: StratumError | None = None
    decided: tuple[str, ...] | None = None
    """The branches that decided it."""

    async def start(self, names: Sequence[str], *, until_decided: bool) -> None:
        """Run some of the branches: to their end, or until it is decided."""
        waiting = iter(names)
        most = min(self.branches.concurrency or len(names), len(names))
        async with anyio.create_task_group() as tasks:
            for _ in range(most):
                tasks.start_soon(self._work, waiting, tasks.cancel_scope if until_decided else None)

    async def _work(self, waiting: Iterator[str], scope: anyio.CancelScope | None) -> None:
        """Run one branch after the other; with a scope, cancel it once it is decided."""
        while self.fatal is None and self.decided is None:
            name = next(waiting, None)
            if name is None:
                return
            await self._run(name)
            if scope is not None and self.decided is None and self.conclude():
                await self._give_up_others(scope)

    async def _run(self, name: str) -> None:
        """Run one branch and keep what became of it, unless it was decided meanwhile."""
        own = replace(self.context.branch(), census=Census(replayed=set()))
        self.started[name] = own
        at = f"{self.path}/{name}"
        try:
            value = await self.branches.run(own, self.branches.names.index(name), at)
        except JournalError as error:
            self._end(error)
        except RunWaiting as waiting:
            self.waiting = self.waiting or waiting
        except RunStopped as error:
            if self.decided is None:
                self._end(error)
        except StratumError as error:
            if self.decided is not None:
                return
            if self._starved(name, error) and self.branches.needed in {0, len(self.branches.names)}:
                self._end(error)
                return
            self.errors[name] = error
        else:
            if self.decided is None:
                self.values[name] = value

    def _starved(self, name: str, error: StratumError) -> bool:
        """Return whether a cap around the branches ran out, which says nothing about the branch."""
        return isinstance(error, BudgetExceeded) and not ran_out_within(error, f"{self.path}/{name}")

    def _end(self, error: StratumError) -> None:
        """Let nothing new be sent: the whole step ends with this error."""
        self.fatal = self.fatal or error
        self._halt(f"{self.path}: a branch ended the step")

    def _halt(self, reason: str) -> None:
        for name, own in self.started.items():
            if name not in (self.decided or ()):
                own.halt(reason)

    def conclude(self) -> bool:
        """Decide it if enough succeeded or too many failed, and return whether that is so."""
        needed, names = self.branches.needed, self.branches.names
        if self.fatal is not None or needed == 0:
            return False
        if len(self.values) >= needed:
            self.decided = tuple(name for name in names if name in self.values)
        elif len(self.errors) > self.branches.allowed_failures:
            starved = next((error for name, error in self.errors.items() if self._starved(name, error)), None)
            if starved is None:
                self.decided = tuple(name for name in names if name in self.errors)
            else:
                self._end(starved)
        return self.decided is not None

    async def _give_up_others(self, scope: anyio.CancelScope) -> None:
        """Write the decision down, then cut the other branches off."""
        decided = self.decided or ()
        if len(decided) < len(self.branches.names):
            self._halt(f"{self.path}: other branches have decided it")
            won = self.values.keys() >= set(decided)
            data: dict[str, JsonValue] = {
                "winners": [*decided] if won else [],
                "failed": [] if won else [*decided],
            }
            try:
                await self.context.journal.event(_DECIDED, path=self.path, data=data)
            except JournalError as error:
                self._end(error)
        scope.cancel()

    def count(self) -> None:
        """Add up the census: all of the branches that decided, of the others what they cost."""
        census = self.context.census
        for name in self.branches.names:
            own = self.started.get(name)
            counted = Census(replayed=set()) if own is None else own.census
            if self.decided is None or name in self.decided:
                census.add(counted)
                continue
            self._charge_recorded(name, counted)
            census.add_costs(counted)
        if self.decided is not None:
            census.lost += len(self.branches.names) - len(self.decided)

    async def withdraw_questions(self) -> None:
        """Take back what the branches that were given up still ask a person: no answer to it can count any more.

        The decision is on record before. A process that dies in between leaves this to the next one, which follows the
        same decision.
        """
        if self.decided is None or self.fatal is not None:
            return
        by = ", ".join(self.decided[:_NAMED]) + (" and others" if len(self.decided) > _NAMED else "")
        reason = f"{self.path} was decided without it, by {by}"
        for name in self.branches.names:
            if name not in self.decided:
                await self.context.reviews.withdraw(f"{self.path}/{name}", reason)

    def _charge_recorded(self, name: str, census: Census) -> None:
        """Charge and count what a branch that was given up has on record and did not come to in this process."""
        for attempt in self.context.journal.attempts_within(f"{self.path}/{name}"):
            if census.replayed is None or attempt.call_id not in census.replayed:
                self.meter.charge_recorded(attempt.usage)
                census.count_replayed(attempt)

    def results(self) -> BranchResults:
        """Return what the branches gave, or raise why they gave too little."""
        names = self.branches.names
        if self.fatal is not None:
            raise self.fatal
        if self.decided is None and self.waiting is not None:
            raise self.waiting
        errors = {name: self.errors[name] for name in names if name in self.errors}
        if self.decided is not None and not self.values.keys() >= set(self.decided):
            raise self._too_few(errors)
        values = {name: self.values[name] for name in names if name in self.values}
        return BranchResults(values=values, errors=errors)

    def _too_few(self, errors: Mapping[str, StratumError]) -> StratumError:
        """Return why the step fails."""
        total, needed = len(self.branches.names), self.branches.needed
        name, error = next(iter(errors.items()))
        if needed == total:
            return error
        return StepFailed(
            f"{self.path}: {len(errors)} of {total} branches failed, but {needed} must succeed; "
            f"the first of them, {name}: {error.message}",
            remedy="mend what the branches have in common, or require fewer of them",
            detail={"failed": list(errors), "total": total, "needed": needed},
        )
