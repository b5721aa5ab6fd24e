"""The flow walk: steps start as soon as the steps they read are done; the first failure ends the flow.

A failure lets nothing new be sent in its flow, but what other steps have in flight is waited for and kept: it is paid.
A step that waits for a person holds back only the steps that read it.

A flow's value depends only on its input and the recorded answers, never on timing: steps see only what they read, and
results are collected by step, not by arrival.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence

import anyio

from stratum_core.budget import Meter
from stratum_core.contracts import JsonValue
from stratum_core.errors import BudgetExceeded, RunStopped, RunWaiting, StepFailed, StratumError
from stratum_core.runtime._calls import checked, returned
from stratum_core.runtime._context import RunContext, Scope, evaluate, evaluate_condition, ran_out_within
from stratum_core.runtime._map import run_map
from stratum_core.specs import FlowSpec, StepSpec, Verb

__all__ = ["RunVerb", "run_flow"]

RunVerb = Callable[[RunContext, Verb, Scope, str, Meter], Awaitable[JsonValue]]
"""Runs a verb once: the context, the verb, what its expressions see, its path, and the meter that pays."""

_RunOnce = Callable[[RunContext, Verb, Scope, str], Awaitable[JsonValue]]
"""The same with the flow's meter."""


async def run_flow(
    context: RunContext,
    flow: FlowSpec,
    inputs: Mapping[str, JsonValue],
    *,
    path: str,
    meter: Meter,
    run_verb: RunVerb,
) -> JsonValue:
    """Run every step of a flow and return its value, checked against its output type.

    Args:
        context: The run.
        flow: The flow.
        inputs: A checked value for each of its inputs.
        path: Where in the run, "" for the outermost flow.
        meter: The scope of the caller; the flow's own budget opens one inside it.
        run_verb: What runs the verbs of its steps.

    Raises:
        StratumError: The first step that failed, or a `return` that does not satisfy the output type.
        RunStopped: The run ends.
        RunWaiting: A person has to answer first, and everything else came to its end.
    """
    own = meter if flow.budget is None or not path else meter.child(path, flow.budget)

    async def once(within: RunContext, verb: Verb, scope: Scope, at: str) -> JsonValue:
        return await run_verb(within, verb, scope, at, own)

    limit = None if flow.budget is None or flow.budget.ms is None else flow.budget.ms
    with anyio.move_on_after(None if limit is None else limit / 1000):
        values: dict[str, JsonValue] = {"input": dict(inputs)}
        await _run_steps(context, flow, values, path, once)
        return checked(
            flow.output, await returned(flow.returns, values, flow.output), f"{path or flow.name}: return"
        )
    raise BudgetExceeded(
        f"flow `{flow.name}` took longer than its {limit} ms",
        remedy="raise the flow's `budget.ms`; finished answers are kept",
        detail={"scope": path, "axis": "ms", "cap": limit},
    )


async def _run_steps(
    context: RunContext,
    flow: FlowSpec,
    values: dict[str, JsonValue],
    path: str,
    once: _RunOnce,
) -> None:
    """Run the steps; in turn where each waits for the one before, at the same time where they are independent."""
    if _is_chain(flow):
        for step in flow.steps:
            values[step.id] = await _run_step(context, step, values, path, once)
        return
    branch = context.branch()
    done = {step.id: anyio.Event() for step in flow.steps}
    failures: list[StratumError] = []
    parked: dict[str, RunWaiting] = {}

    async def one(step: StepSpec) -> None:
        for name in step.reads:
            await done[name].wait()
        try:
            before = next((parked[name] for name in step.reads if name in parked), None)
            if before is not None:
                parked[step.id] = before
            elif not failures or (context.resumed and values.keys() >= set(step.reads)):
                values[step.id] = await _run_step(branch, step, values, path, once)
        except RunWaiting as waiting:
            parked[step.id] = waiting
        except StratumError as error:
            failures.append(error)
            branch.halt(f"{path or flow.name}: step `{step.id}` failed")
        done[step.id].set()

    async with anyio.create_task_group() as group:
        for step in flow.steps:
            group.start_soon(one, step)
    if failures:
        raise failures[0]
    for waiting in parked.values():
        raise waiting


def _is_chain(flow: FlowSpec) -> bool:
    """Return whether no two steps could run at the same time."""
    behind: set[str] = set()
    reach: dict[str, set[str]] = {}
    for step in flow.steps:
        reach[step.id] = set(step.reads).union(*(reach[name] for name in step.reads))
        if not behind <= reach[step.id]:
            return False
        behind.add(step.id)
    return True


async def _run_step(
    context: RunContext,
    step: StepSpec,
    values: Mapping[str, JsonValue],
    path: str,
    once: _RunOnce,
) -> JsonValue:
    """Run one step: its condition, its verb (once or for each item), and what a failure leaves."""
    here = f"{path}/{step.id}" if path else step.id
    if step.when is not None:
        holds = await evaluate_condition(step.when, values)
        context.tally.step(step.path, "when", int(holds))
        if not holds:
            context.census.skipped += 1
            return None
    try:
        if step.for_each is None:
            result = await once(context, step.verb, values, here)
        else:
            items = await evaluate(step.for_each.items, values)
            if isinstance(items, Sequence) and not isinstance(items, str):
                context.tally.step(step.path, "for_each", len(items))

            async def one(allowed: RunContext, scope: Scope, item_path: str) -> JsonValue:
                return await once(allowed, step.verb, scope, item_path)

            result = await run_map(context, step.for_each, items, one, scope=values, path=here)
        if step.validate is not None and not await evaluate_condition(
            step.validate, {**values, "results": result}
        ):
            raise StepFailed(
                f"{here}: `{step.validate.canonical}` is false for the step's results",
                remedy="look at the failed items in the census, or loosen `validate`",
            )
    except RunStopped:
        raise
    except StratumError as error:
        if step.on_error == "fail" or (isinstance(error, BudgetExceeded) and not ran_out_within(error, here)):
            raise
        context.census.add_failure(here, error)
        return None
    return result
