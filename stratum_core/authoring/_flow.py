"""`@flow`: an async function whose calls share a budget, a cache, a trace, and where wanted a durable record."""

from __future__ import annotations

import os
from collections.abc import Callable, Coroutine
from functools import update_wrapper
from pathlib import Path
from typing import Any, Generic, ParamSpec, TypeVar, cast, overload

from stratum_core.authoring._analysis import check_flow
from stratum_core.authoring._awaited import awaited
from stratum_core.authoring._budget import Budget
from stratum_core.authoring._by_name import check_budget, check_function, named
from stratum_core.authoring._signature import Signature, read_signature
from stratum_core.contracts import JsonValue

__all__ = ["FlowFunction", "flow"]

P = ParamSpec("P")
R_co = TypeVar("R_co", covariant=True)
T = TypeVar("T")


class FlowFunction(Generic[P, R_co]):
    """An async function that is one run of its calls; made by `@flow`."""

    __name__: str
    __wrapped__: Callable[P, Coroutine[Any, Any, object]]

    def __init__(
        self,
        function: Callable[P, Coroutine[Any, Any, object]],
        *,
        signature: Signature,
        budget: Budget | None = None,
        journal: Path | None = None,
        run_id: str | None = None,
    ) -> None:
        """Wrap a function; see `flow`."""
        update_wrapper(self, function)
        self.__wrapped__ = function
        self.signature = signature
        """What it takes and gives."""
        self.budget = budget
        self.journal = journal
        self.run_id = run_id

    def __repr__(self) -> str:
        return f"<flow {self.signature.name} ({self.signature.place})>"

    def durable(self, journal: str | os.PathLike[str], *, run_id: str | None = None) -> FlowFunction[P, R_co]:
        """Return the same flow with a record on disk, from which it can be resumed.

        Run again with the same directory and id after a crash, it answers every call that was paid for from the
        record and goes on with the rest; finished, it gives its value again for nothing.

        Args:
            journal: A directory on a local disk; the record is `runs/RUN_ID.db` in it.
            run_id: Letters, digits, `_` and `-`. Default: made from the flow's name and its inputs.
        """
        return FlowFunction(
            self.__wrapped__,
            signature=self.signature,
            budget=self.budget,
            journal=Path(journal),
            run_id=run_id,
        )

    @awaited
    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> Coroutine[object, None, R_co]:
        """Run the flow when awaited; inside another flow it is a part of that one's run, and both budgets hold.

        What the flow's own code raises is raised as it is.

        Raises:
            TypeError: An argument is missing or unknown.
            ContractViolation: An argument or the result does not satisfy its type.
            BudgetExceeded: A call does not fit a cap any more, or the time ran out.
            ConfigurationError: It keeps a record, and the flow around it keeps none.
            DeterminismError: The record on disk is of another flow, of other inputs, or of a function since changed.
        """
        return named(self._run(self.signature.bind(args, kwargs)), self.signature.name)

    async def _run(self, arguments: dict[str, JsonValue]) -> R_co:
        """Run it, or a part of the flow around."""
        # Imported at the first call: see docs/decisions/0034-the-library-runs-late.md.
        from stratum_core.authoring._flow_runs import FlowRun  # noqa: PLC0415

        own = FlowRun(
            function=self.__wrapped__,
            signature=self.signature,
            budget=self.budget,
            journal=self.journal,
            run_id=self.run_id,
        )
        return cast("R_co", await own.run(arguments))


@overload
def flow(function: Callable[P, Coroutine[Any, Any, T]], /) -> FlowFunction[P, T]: ...
@overload
def flow(
    *, budget: Budget | None = None, journal: str | os.PathLike[str] | None = None
) -> Callable[[Callable[P, Coroutine[Any, Any, T]]], FlowFunction[P, T]]: ...
def flow(
    function: Callable[P, Coroutine[Any, Any, T]] | None = None,
    /,
    *,
    budget: Budget | None = None,
    journal: str | os.PathLike[str] | None = None,
) -> FlowFunction[P, T] | Callable[[Callable[P, Coroutine[Any, Any, T]]], FlowFunction[P, T]]:
    """Make an `async def` one run: its calls share a cap, a session cache, a trace and, where wanted, a record.

    Args:
        function: The function, where the decorator stands bare.
        budget: The most all calls of one run may use together, those of flows inside it included.
        journal: A directory; makes the flow durable, see `FlowFunction.durable`.

    Raises:
        StratumCompileError: The function is not `async`, or an annotation makes no sense; the message says where.
    """

    def decorate(function: Callable[P, Coroutine[Any, Any, T]]) -> FlowFunction[P, T]:
        check_function(function, "flow", "@flow(budget=Budget(usd=0.25))")
        signature = read_signature(function)
        check_budget(budget, signature.where)
        check_flow(function, signature)
        return FlowFunction(
            function,
            signature=signature,
            budget=budget,
            journal=None if journal is None else Path(journal),
        )

    return decorate if function is None else decorate(function)
