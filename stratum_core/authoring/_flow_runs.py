"""One run of a flow: its session or its scope in the one around, its record, its time, and what is told of it."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, Callable, Coroutine, Generator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from stratum_core.authoring._budget import Budget
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
from stratum_core.authoring._signature import Signature
from stratum_core.contracts import JsonValue
from stratum_core.errors import BudgetExceeded, ConfigurationError, ContractViolation, StratumError
from stratum_core.journal import Journal, MemoryJournal
from stratum_core.trace import FlowRecord, FlowScope

__all__ = ["FlowRun"]


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowRun:
    """What a run of a flow is made of."""

    function: Callable[..., Coroutine[Any, Any, object]]
    signature: Signature
    budget: Budget | None
    journal: Path | None
    """The directory of its record; None: that of `configure`, or none."""
    run_id: str | None
    """None: made from the flow's name and its inputs."""

    async def run(self, arguments: dict[str, JsonValue]) -> object:
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

    async def _walk(self, session: Session, arguments: dict[str, JsonValue]) -> object:
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

    async def _ran(self, session: Session, loaded: dict[str, object]) -> object:
        output = self.signature.output
        with entered(session):
            found = await self.function(**loaded)
        try:
            value = output.dump(found)
        except ContractViolation as fault:
            raise ContractViolation(
                f"the result of flow `{self.signature.name}`: {fault.message}",
                remedy=fault.remedy,
                detail=fault.detail,
            ) from None
        return output.load(value)


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
