"""Refine: ask, judge the answer by a condition, and ask again with feedback until it holds.

Each iteration is a whole call, votes and retries included. Its prompt is the first one's plus one block with the
latest feedback: earlier answers are never replayed, so the prompt does not grow with the iterations.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import TypeAlias

from stratum_core.budget import Meter
from stratum_core.contracts import JsonValue
from stratum_core.errors import ConvergenceFailure, PlanError
from stratum_core.llm import feedback_block, has_opaque
from stratum_core.runtime._context import RunContext, evaluate, evaluate_condition
from stratum_core.runtime._votes import consult
from stratum_core.specs import ComputeSpec, InferSpec

__all__ = ["Compute", "converge"]

Compute: TypeAlias = Callable[[RunContext, ComputeSpec, Mapping[str, JsonValue], str], Awaitable[JsonValue]]
"""Runs a compute function: the context, the function, its inputs, and a path of its own."""


async def converge(
    context: RunContext,
    spec: InferSpec,
    inputs: Mapping[str, JsonValue],
    *,
    path: str,
    meter: Meter,
    compute: Compute,
) -> JsonValue:
    """Ask, for a function with `refine` until its condition holds, and return the answer.

    Raises:
        ConvergenceFailure: The condition was still false after the last iteration.
        StratumError: An iteration failed, as one call does, or the check or an expression did.
        RunStopped: The run ends.
    """
    refine = spec.refine
    if refine is None:
        return await consult(context, spec, inputs, path=path, meter=meter)
    opaque = _may_hold_data(spec)
    block, history = "", list[JsonValue]()
    for number in range(1, refine.max_iterations + 1):
        here = f"{path}/it{number}"
        result = await consult(context, spec, inputs, path=here, meter=meter, feedback=block)
        scope = {**inputs, "result": result}
        if refine.check is not None:
            scope["check"] = await _check(context, refine.check, scope, f"{here}/check", compute)
        if await evaluate_condition(refine.until, scope):
            context.tally.refined(spec, context.model_of(spec), number)
            return result
        feedback = await evaluate(refine.feedback, scope)
        history.append({"result": result, "feedback": feedback})
        block = feedback_block(feedback, opaque=opaque)
        if number < refine.max_iterations:
            context.census.retries["refine"] += 1
    context.tally.refined(spec, context.model_of(spec), refine.max_iterations)
    raise ConvergenceFailure(
        f"{path}: `{refine.until.canonical}` was still false for `{spec.name}` "
        f"after {refine.max_iterations} iterations",
        remedy="loosen `until`, give better feedback, or allow more iterations",
        detail={"iterations": refine.max_iterations, "history": history},
    )


async def _check(
    context: RunContext, name: str, scope: Mapping[str, JsonValue], path: str, compute: Compute
) -> JsonValue:
    """Run the check over the candidate and those inputs it names."""
    check = context.program.functions[name]
    if not isinstance(check, ComputeSpec):
        raise PlanError(f"{path}: `{name}` is no compute function", remedy="plan the flow again")
    return await compute(context, check, {part.name: scope.get(part.name) for part in check.inputs}, path)


def _may_hold_data(spec: InferSpec) -> bool:
    """Return whether the feedback may repeat text that is data and no instruction.

    An answer made from data, or an answer that is data itself, may repeat it, and so may a check of either.
    """
    return has_opaque(spec.output) or any(has_opaque(parameter.type) for parameter in spec.inputs)
