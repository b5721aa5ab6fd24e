"""What every part of one run shares: the program, the effects it may use, and the reasons to stop.

Effects (journal, clients, clock) are passed in, so that a whole run can be tested without a network or a disk.
"""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

import anyio

from stratum_core.budget import PossiblyPaid
from stratum_core.contracts import JsonValue, StoredList
from stratum_core.errors import BudgetExceeded, ExpressionError, RunStopped
from stratum_core.journal import Journal, MemoryReviews, Reviews, RunState
from stratum_core.llm import ModelClient, PriceTable
from stratum_core.runtime._answers import Answers
from stratum_core.runtime._census import Census
from stratum_core.runtime._checkpoint import Checkpoint
from stratum_core.runtime._pace import Paces
from stratum_core.runtime._prefix import Prefixes
from stratum_core.runtime._tally import Tally
from stratum_core.runtime._tracing import OpenCall
from stratum_core.specs import Expression, InferSpec, Program, RegisteredFunction
from stratum_core.trace import FlowScope, Tracer

__all__ = ["RunContext", "Scope", "evaluate", "evaluate_condition", "ran_out_within"]

Scope = Mapping[str, JsonValue]
"""The values an expression sees, by name."""

_LARGE_LIST_ITEMS = 2_000


@dataclass(slots=True, kw_only=True)
class _StopSignal:
    """Why nothing more may be sent in a run or in a branch of it, and the pauses that this ends."""

    reason: RunStopped | None = None
    pauses: set[anyio.CancelScope] = field(default_factory=set[anyio.CancelScope])

    def set(self, reason: RunStopped) -> RunStopped:
        """Keep the first reason, and wake what only waits to send again."""
        if self.reason is None:
            self.reason = reason
        for pause in tuple(self.pauses):
            pause.cancel()
        return self.reason


@dataclass(slots=True, kw_only=True)
class RunContext:
    """The shared state of one run in one process."""

    program: Program
    journal: Journal
    client_for: Callable[[str], ModelClient]
    """Returns the client that answers for a model id."""
    prices: PriceTable
    default_model: str
    """Used by functions that name no model; fixed at plan time."""
    registered: Mapping[str, RegisteredFunction] = field(default_factory=dict[str, RegisteredFunction])
    """The operator's Python functions of the plan, with the digests they were approved with."""
    environ: Mapping[str, str] = field(default_factory=dict[str, str])
    """What registered functions may be handed variables from."""
    processes: anyio.CapacityLimiter = field(
        default_factory=lambda: anyio.CapacityLimiter(os.cpu_count() or 1)
    )
    """Processes of registered functions at once."""
    reviews: Reviews = field(default_factory=MemoryReviews)
    """Where questions to a person are put."""
    possibly_paid: PossiblyPaid = "retry"
    """What happens to a call whose last attempt may have been paid for."""
    sleep: Callable[[float], Awaitable[None]] = anyio.sleep
    jitter: Callable[[], float] = field(default=lambda: 0.5)
    """A number between 0 and 1 that spreads retries apart."""
    census: Census = field(default_factory=Census)
    partial: dict[str, Sequence[JsonValue]] = field(default_factory=dict[str, Sequence[JsonValue]])
    """Finished items of the outermost maps, kept when the run stops before its `return`."""
    resumed: bool = False
    """Whether an earlier process left answers on record; those are replayed even when nothing may be sent any more."""
    answers: Answers = field(default_factory=Answers)
    """Answers that need not be bought: of an earlier run, of other runs, and of equal calls of this one."""
    checkpoint: Checkpoint = field(default_factory=Checkpoint)
    """Whether the run has said that most of its cap is used."""
    shut_models: set[str] = field(default_factory=set[str])
    """Models whose account is closed to this process; functions with `fallbacks` go past them."""
    paces: Paces = field(default_factory=Paces)
    """How many requests of each model are in flight where nobody named a number."""
    tally: Tally = field(default_factory=Tally)
    """What the walk has shown of its calls, for later estimates."""
    prefixes: Prefixes = field(default_factory=Prefixes)
    """Which prompts have been sent, so that a provider's cache has what they begin with."""
    together: bool = False
    """Whether this is inside a map that runs several items at once."""
    paced: bool = False
    """Whether this is inside a map with `concurrency: auto`."""
    allow_unpriced: bool = False
    """Whether a model without a known price may be asked: only where no money cap stands around the call."""
    signals: tuple[_StopSignal, ...] = field(default_factory=lambda: (_StopSignal(),))
    """This branch's own, those around it, and the run's last."""
    tracer: Tracer | None = None
    """Told of every call and flow when it is over; None: nothing is traced."""
    flow: FlowScope | None = None
    """What the traced calls belong to."""
    call: OpenCall | None = None
    """The traced call whose attempts are made."""

    def model_of(self, spec: InferSpec) -> str:
        """Return the model a function runs on."""
        return spec.model or self.default_model

    def branch(self) -> RunContext:
        """Return a context for steps that end together: it shares everything, and can be halted by itself."""
        return replace(self, signals=(_StopSignal(), *self.signals))

    def apart(self) -> RunContext:
        """Return a context for one call: what stops the others stops it, what stops it stops nothing else."""
        return replace(self, signals=(*self.signals, _StopSignal()))

    def replaying(self) -> RunContext:
        """Return a context in which only what is on record goes on."""
        branch = self.branch()
        branch.halt("nothing new is started here")
        return branch

    def stop(self, state: RunState, reason: str, *, remedy: str = "", cause: str = "") -> RunStopped:
        """Let nothing new be sent in the whole run; what is in flight is settled. The first reason stands."""
        detail = {"state": state, "cause": cause or RunStopped.code}
        return self.signals[-1].set(RunStopped(reason, remedy=remedy, detail=detail))

    def halt(self, reason: str) -> None:
        """Let nothing new be sent in this branch; what is in flight is settled and stays on record."""
        self.signals[0].set(RunStopped(reason, detail={"state": "failed"}))

    @property
    def stopped(self) -> RunStopped | None:
        """The reason to stop, or None."""
        return next((signal.reason for signal in self.signals if signal.reason is not None), None)

    def raise_if_stopped(self) -> None:
        """Raise the reason to stop, when there is one.

        Raises:
            RunStopped: A cap, a provider limit, a cancel or a drain ended the run, or a failure this branch.
        """
        if self.stopped is not None:
            raise self.stopped

    async def pause(self, seconds: float) -> None:
        """Wait so long, or until nothing more may be sent."""
        with anyio.CancelScope() as scope, self._ended_by_stop(scope):
            if self.stopped is None:
                await self.sleep(seconds)

    async def wait_for(self, event: anyio.Event, seconds: float) -> None:
        """Wait for an event, at most so long, or until nothing more may be sent."""
        with anyio.move_on_after(seconds) as scope, self._ended_by_stop(scope):
            if self.stopped is None:
                await event.wait()

    @contextmanager
    def _ended_by_stop(self, scope: anyio.CancelScope) -> Generator[None]:
        """Let a stop of the run, or of this branch, end what waits in a scope."""
        for signal in self.signals:
            signal.pauses.add(scope)
        try:
            yield
        finally:
            for signal in self.signals:
                signal.pauses.discard(scope)


async def evaluate(expression: Expression, scope: Scope) -> JsonValue:
    """Evaluate a flow expression; over large lists in a thread, so that calls in flight are not held up."""
    if any(_passes_large_list(path, scope) for path in expression.reads):
        return await anyio.to_thread.run_sync(expression.evaluate, scope)
    return expression.evaluate(scope)


async def evaluate_condition(expression: Expression, scope: Scope) -> bool:
    """Evaluate a condition.

    Raises:
        ExpressionError: It failed, or a `json` value made it something other than true or false.
    """
    value = await evaluate(expression, scope)
    if isinstance(value, bool):
        return value
    raise ExpressionError(
        f"`{expression.canonical}` gave {value!r}, not true or false",
        remedy="compare the value with something",
    )


def ran_out_within(error: BudgetExceeded, path: str) -> bool:
    """Return whether the cap that ran out is that of a path or of something inside it, so that others may go on."""
    scope = str(error.detail.get("scope", ""))
    return scope == path or scope.startswith((f"{path}/", f"{path}["))


def _passes_large_list(path: tuple[str, ...], scope: Scope) -> bool:
    """Return whether reading a path leads to a list that is slow to walk."""
    value: JsonValue = dict(scope)
    for name in path:
        value = value.get(name) if isinstance(value, Mapping) else None
        if isinstance(value, list | StoredList) and len(value) > _LARGE_LIST_ITEMS:
            return True
    return False
