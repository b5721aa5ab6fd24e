"""One run from its first step to its state: what it returned, or why it stopped and what it had finished."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass

from stratum_core.budget import Budget, Meter
from stratum_core.contracts import JsonValue
from stratum_core.errors import BudgetExceeded, JournalError, RunStopped, RunWaiting, StratumError
from stratum_core.journal import RunState
from stratum_core.runtime._checkpoint import percent_of
from stratum_core.runtime._context import RunContext
from stratum_core.runtime._flow import run_flow
from stratum_core.runtime._verbs import run_verb
from stratum_core.trace import FlowRecord, FlowScope, Tracers

__all__ = ["RunOutcome", "run_program"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOutcome:
    """How a run ended."""

    state: RunState
    value: JsonValue
    """What the flow returned; None when it did not get that far."""
    census: Mapping[str, JsonValue]
    error: str = ""
    """Why the run is not complete, with the remedy; empty when it is."""
    cause: str = ""
    """The code of the error it ended in."""
    ran_out: str = ""
    """The axis on which the run's own cap ran out (`nusd`, `tokens` or `calls`); empty when none did."""
    partial: Mapping[str, JsonValue]
    """Finished items of the outermost maps, by step, when the flow returned nothing."""


async def run_program(
    context: RunContext,
    *,
    flow: str,
    inputs: Mapping[str, JsonValue],
    budget: Budget,
) -> RunOutcome:
    """Run a flow under a budget and return how it ended; only faults of the journal itself are raised.

    Args:
        context: The program and the effects it may use.
        flow: The outermost flow's name.
        inputs: A checked value for each of its inputs.
        budget: The cap of the whole run. Usage on record from before counts against it.

    Raises:
        JournalError: The journal could not be written, or another process took the run over.
    """
    if context.tracer is None:
        return await _run(context, flow, inputs, budget)
    started = time.perf_counter()
    context.flow = FlowScope(flow_id=context.journal.run_id, name=flow, started_at_ns=time.time_ns())
    state, error, cause = "interrupted", "the run was cut short", "cancelled"
    try:
        outcome = await _run(context, flow, inputs, budget)
        state, error, cause = outcome.state, outcome.error, outcome.cause
    except JournalError as fault:
        state, error, cause = "failed", fault.message, fault.code
        raise
    finally:
        Tracers(context.tracer).flow_ended(
            FlowRecord(
                scope=context.flow,
                duration_ms=(time.perf_counter() - started) * 1000,
                state=state,
                error=error,
                error_code=cause,
                charged_nusd=context.journal.recorded_usage().nusd,
                simulated=context.census.simulated,
            )
        )
    return outcome


async def _run(context: RunContext, flow: str, inputs: Mapping[str, JsonValue], budget: Budget) -> RunOutcome:
    """Run a flow, as `run_program` does."""
    spec = context.program.flows[flow]
    spent = context.journal.recorded_usage()
    context.resumed = spent.calls > 0
    meter = Meter("the run", budget, spent=spent)
    value: JsonValue = None
    state: RunState
    error, cause, ran_out = "", "", ""
    try:
        value = await run_flow(context, spec, inputs, path="", meter=meter, run_verb=run_verb)
        state = "completed_with_failures" if context.census.failed_by_cause else "completed"
    except RunWaiting:
        state = "waiting"
    except RunStopped as stop:
        state, error, cause = stop.detail["state"], str(stop), str(stop.detail.get("cause", stop.code))
    except BudgetExceeded as stop:
        state, error, cause = "stopped_budget", str(stop), stop.code
        ran_out = str(stop.detail.get("axis", "")) if stop.detail.get("scope") == meter.name else ""
    except StratumError as fault:
        state, error, cause = "failed", str(fault), fault.code
        if fault.code in {"journal_error", "journal_busy", "journal_version"}:
            raise
    partial: Mapping[str, JsonValue] = {} if state.startswith("completed") else dict(context.partial)
    return RunOutcome(
        state=state,
        value=value,
        census={**context.census.to_json(meter.spent), **_share_of_cap(meter)},
        error=error,
        cause=cause,
        ran_out=ran_out,
        partial=partial,
    )


def _share_of_cap(meter: Meter) -> dict[str, JsonValue]:
    """Return how much of its money cap a run has used; nothing for a run without one."""
    cap = meter.budget.nusd
    return {"cap_used_percent": percent_of(meter.spent.nusd, cap)} if cap else {}
