"""`@flow`: an async function whose calls share a budget, a cache, a trace, and where wanted a durable record."""

from __future__ import annotations

import os
import time
from collections.abc import AsyncGenerator, Callable, Coroutine, Generator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from functools import update_wrapper
from pathlib import Path
from typing import Any, Generic, ParamSpec, TypeVar, cast, overload

from stratum_core.authoring._analysis import check_flow
from stratum_core.authoring._awaited import awaited
from stratum_core.authoring._budget import Budget
from stratum_core.authoring._by_name import check_budget, check_function, named
from stratum_core.authoring._configure import Settings, settings
from stratum_core.authoring._durable import open_record, run_id_of
from stratum_core.authoring._session import (
    Session,
    TimeCap,
    current_session,
    entered,
    new_run_id,
    open_session,
)
from stratum_core.authoring._signature import Signature, read_signature
from stratum_core.contracts import JsonValue
from stratum_core.errors import BudgetExceeded, ConfigurationError, ContractViolation, StratumError
from stratum_core.journal import Journal, MemoryJournal
from stratum_core.trace import FlowRecord, FlowScope

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
        """Open a session, or a scope in the one around."""
        outer = current_session()
        name = self.signature.name
        caps = None if self.budget is None else self.budget.caps
        if outer is not None and outer.context.flow is not None:
            self._refuse_without_record(outer)
            path = outer.next_path(name, arguments)
            meter = outer.meter if caps is None else outer.meter.child(path, caps)
            return await self._walk(outer.inside(path, meter=meter), arguments)
        chosen = settings()
        async with (
            self._opened(chosen, arguments) as journal,
            open_session(chosen, journal, name=name, caps=caps) as session,
        ):
            return await self._walk(session, arguments)

    def _refuse_without_record(self, outer: Session) -> None:
        """Refuse to be durable inside a flow that is not: what it pays for would be on no record."""
        if self.journal is not None and isinstance(outer.context.journal, MemoryJournal):
            raise ConfigurationError(
                f"flow `{self.signature.name}` keeps a record, but runs inside {outer.path}, which keeps none",
                remedy="give the journal to the outermost flow, or to configure(journal=...)",
            )

    @asynccontextmanager
    async def _opened(self, chosen: Settings, arguments: dict[str, JsonValue]) -> AsyncGenerator[Journal]:
        """Give the journal of a run of its own."""
        directory, name = self.journal or chosen.journal, self.signature.name
        if directory is None:
            yield MemoryJournal(new_run_id())
            return
        run_id = self.run_id or run_id_of(name, arguments)
        async with open_record(directory, run_id, flow=name, arguments=arguments) as journal:
            yield journal

    async def _walk(self, session: Session, arguments: dict[str, JsonValue]) -> R_co:
        """Run the function in its scope, within its time, and check what it returns."""
        signature = self.signature
        loaded = {part.name: part.codec.load(arguments[part.name]) for part in signature.parameters}
        with _told(session, signature.name) as told:
            ms = None if self.budget is None else self.budget.ms
            if ms is None:
                return await self._ran(told, loaded)
            clock = TimeCap(ms)
            with clock.scope:
                return await self._ran(told.inside(told.path, clocks=(*told.clocks, clock)), loaded)
            raise BudgetExceeded(
                f"flow `{signature.name}` took longer than its {ms} ms",
                remedy="raise the flow's budget in `ms`",
                detail={"scope": session.meter.name, "axis": "ms", "cap": ms},
            )

    async def _ran(self, session: Session, loaded: dict[str, object]) -> R_co:
        output = self.signature.output
        with entered(session):
            found = await cast("Callable[..., Coroutine[Any, Any, object]]", self.__wrapped__)(**loaded)
        try:
            value = output.dump(found)
        except ContractViolation as fault:
            raise ContractViolation(
                f"the result of flow `{self.signature.name}`: {fault.message}",
                remedy=fault.remedy,
                detail=fault.detail,
            ) from None
        return cast("R_co", output.load(value))


@contextmanager
def _told(session: Session, name: str) -> Generator[Session]:
    """Tell the tracer of the flow when the block is over, and its calls what they belong to."""
    context, started = session.context, time.perf_counter()
    scope = FlowScope(
        flow_id=context.journal.run_id, name=name, started_at_ns=time.time_ns(), parent=context.flow
    )
    state, message, code = "completed", "", ""
    try:
        yield session.inside(session.path, context=replace(context, flow=scope))
    except StratumError as error:
        state, message, code = "failed", error.message, error.code
        raise
    except Exception as error:
        state, message, code = "failed", str(error), type(error).__name__
        raise
    except BaseException:
        state, message, code = "interrupted", "the flow was cut short", "cancelled"
        raise
    finally:
        if context.tracer is not None:
            context.tracer.flow_ended(
                FlowRecord(
                    scope=scope,
                    duration_ms=(time.perf_counter() - started) * 1000,
                    state=state,
                    error=message,
                    error_code=code,
                    charged_nusd=session.meter.spent.nusd,
                    simulated=context.census.simulated,
                )
            )


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
