"""Calls of functions: the arguments and the value checked against their types, whatever the function's mode."""

from __future__ import annotations

from collections.abc import Mapping

from stratum_core.budget import Meter
from stratum_core.contracts import Field, JsonValue, RecordType, Type, check_value, held
from stratum_core.errors import ContractViolation, StepFailed
from stratum_core.runtime._ask import ask
from stratum_core.runtime._context import RunContext, Scope, evaluate, evaluate_condition
from stratum_core.runtime._narrow import narrowed
from stratum_core.runtime._registered import run_registered
from stratum_core.specs import ComputeSpec, FunctionSpec, Returns

__all__ = ["call_function", "checked", "returned"]


async def call_function(
    context: RunContext,
    spec: FunctionSpec,
    arguments: Mapping[str, JsonValue],
    path: str,
    meter: Meter,
) -> JsonValue:
    """Check the arguments and call a function of either mode; the value of an unstable function is its samples."""
    inputs = {
        p.name: held(checked(p.type, arguments.get(p.name), f"{path}: `{p.name}`")) for p in spec.inputs
    }
    if isinstance(spec, ComputeSpec):
        return await _compute(context, spec, inputs, path)
    answer = await ask(context, spec, inputs, path=path, meter=meter, compute=_compute)
    return answer if spec.stable else {"samples": [answer]}


async def _compute(
    context: RunContext, spec: ComputeSpec, inputs: Mapping[str, JsonValue], path: str
) -> JsonValue:
    """Evaluate a compute function and check its conditions and its output."""
    for condition in spec.given:
        if not await evaluate_condition(condition, inputs):
            raise StepFailed(f"{path}: `{condition.canonical}` is false, so `{spec.name}` was not computed")
    found = (
        await run_registered(context, spec, inputs, path)
        if spec.expression is None
        else await returned(spec.expression, inputs, spec.output)
    )
    value = checked(spec.output, found, f"{path}: output of `{spec.name}`")
    for condition in spec.ensure:
        if not await evaluate_condition(condition, {**inputs, "result": value}):
            raise StepFailed(f"{path}: `{condition.canonical}` is false for the output of `{spec.name}`")
    return value


async def returned(returns: Returns, scope: Scope, wanted: Type) -> JsonValue:
    """Evaluate one expression, or one for each field of a record; the value is not yet checked."""
    if not isinstance(returns, Mapping):
        return narrowed(await evaluate(returns, scope), returns.type, wanted)
    value = {name: await evaluate(expression, scope) for name, expression in returns.items()}
    given = RecordType(
        fields=tuple(Field(name=name, type=expression.type) for name, expression in returns.items())
    )
    return narrowed(value, given, wanted)


def checked(kind: Type, value: JsonValue, where: str) -> JsonValue:
    """Check a value against its type, naming where it stands.

    Raises:
        ContractViolation: It does not fit.
    """
    try:
        return check_value(kind, value)
    except ContractViolation as violation:
        raise ContractViolation(
            f"{where}: {violation.message}", remedy=violation.remedy, detail=violation.detail
        ) from None
