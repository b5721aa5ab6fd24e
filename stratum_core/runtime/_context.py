"""What every part of one run shares: the program, the effects it may use, and the reasons to stop.

Effects (journal, clients, clock) are passed in, so that a whole run can be tested without a network or a disk.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

import anyio

from stratum_core.contracts import JsonValue
from stratum_core.errors import ExpressionError, RunStopped
from stratum_core.journal import Journal, RunState
from stratum_core.llm import ModelClient, PriceTable
from stratum_core.runtime._census import Census
from stratum_core.specs import Expression, InferSpec, Program

__all__ = ["DEFAULT_CONCURRENCY", "RunContext", "Scope", "evaluate", "evaluate_condition"]

DEFAULT_CONCURRENCY = 8
"""Items in flight at once when a for_each names no number."""

Scope = Mapping[str, JsonValue]
"""The values an expression sees, by name."""

_LARGE_LIST_ITEMS = 2_000


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
    sleep: Callable[[float], Awaitable[None]] = anyio.sleep
    jitter: Callable[[], float] = field(default=lambda: 0.5)
    """A number between 0 and 1 that spreads retries apart."""
    census: Census = field(default_factory=Census)
    partial: dict[str, list[JsonValue]] = field(default_factory=dict[str, "list[JsonValue]"])
    """Finished items of the outermost maps, kept when the run stops before its `return`."""
    _stop: RunStopped | None = None

    def model_of(self, spec: InferSpec) -> str:
        """Return the model a function runs on."""
        return spec.model or self.default_model

    def stop(self, state: RunState, reason: str, *, remedy: str = "") -> RunStopped:
        """Let nothing new be sent; what is in flight is settled. The first reason stands."""
        if self._stop is None:
            self._stop = RunStopped(reason, remedy=remedy, detail={"state": state})
        return self._stop

    def raise_if_stopped(self) -> None:
        """Raise the reason to stop, when there is one.

        Raises:
            RunStopped: A cap, a provider limit, a cancel or a drain ended the run.
        """
        if self._stop is not None:
            raise self._stop

    @property
    def stopped(self) -> RunStopped | None:
        """The reason to stop, or None."""
        return self._stop


async def evaluate(expression: Expression, scope: Scope) -> JsonValue:
    """Evaluate a flow expression; over large lists in a thread, so that calls in flight are not held up."""
    if any(isinstance(value, list) and len(value) > _LARGE_LIST_ITEMS for value in _top_values(scope)):
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


def _top_values(scope: Scope) -> list[JsonValue]:
    """Return the values an expression may iterate: those in scope and the fields of `input`."""
    values = list(scope.values())
    inputs = scope.get("input")
    if isinstance(inputs, Mapping):
        values.extend(inputs.values())
    return values
