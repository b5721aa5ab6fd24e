"""The verbs: what one step does once, dispatched by its kind.

A verb is given the scope its expressions see, the path of what it calls, and the meter that pays.
"""

from __future__ import annotations

from typing import assert_never

from stratum_core.budget import Meter
from stratum_core.contracts import JsonValue
from stratum_core.runtime._branches import run_parallel, run_race
from stratum_core.runtime._calls import call_function, checked
from stratum_core.runtime._context import RunContext, Scope, evaluate
from stratum_core.runtime._debate import run_debate
from stratum_core.runtime._flow import run_flow
from stratum_core.runtime._human import run_human
from stratum_core.runtime._narrow import narrowed
from stratum_core.specs import (
    CallVerb,
    ComputeVerb,
    DebateVerb,
    FlowSpec,
    HumanVerb,
    ParallelVerb,
    RaceVerb,
    Verb,
)

__all__ = ["run_verb"]


async def run_verb(context: RunContext, verb: Verb, scope: Scope, path: str, meter: Meter) -> JsonValue:
    """Run a step's verb once and return its value.

    Raises:
        StratumError: It failed.
        RunStopped: The run ends.
    """
    match verb:
        case ComputeVerb(expression=expression):
            return await evaluate(expression, scope)
        case CallVerb():
            return await _call(context, verb, scope, path, meter)
        case ParallelVerb():
            return await run_parallel(context, verb, scope, path, meter, call=_call)
        case RaceVerb():
            return await run_race(context, verb, scope, path, meter, call=_call)
        case DebateVerb():
            return await run_debate(context, verb, scope, path, meter)
        case HumanVerb():
            return await run_human(context, verb, scope, path)
        case _:
            assert_never(verb)


async def _call(context: RunContext, call: CallVerb, scope: Scope, path: str, meter: Meter) -> JsonValue:
    """Call a function or a flow with its evaluated inputs."""
    program = context.program
    target = program.functions[call.target] if call.kind == "function" else program.flows[call.target]
    wanted = {parameter.name: parameter.type for parameter in target.inputs}
    arguments = {
        name: narrowed(await evaluate(expression, scope), expression.type, wanted[name])
        for name, expression in call.inputs.items()
    }
    if not isinstance(target, FlowSpec):
        return await call_function(context, target, arguments, path, meter)
    inputs = {p.name: checked(p.type, arguments.get(p.name), f"{path}: `{p.name}`") for p in target.inputs}
    return await run_flow(context, target, inputs, path=path, meter=meter, run_verb=run_verb)
