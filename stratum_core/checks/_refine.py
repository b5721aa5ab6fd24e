"""Rules about `refine`: the free check that runs after each iteration, and the expressions that read it."""

from __future__ import annotations

from stratum_core.checks._context import Context
from stratum_core.checks._names import listed, report_unknown
from stratum_core.checks._signatures import Signature
from stratum_core.contracts import Type, assignable, describe
from stratum_core.ir import ComputeFunction, InferFunction, Path
from stratum_core.specs import Refine

__all__ = ["check_refine"]


def check_refine(
    context: Context, path: Path, function: InferFunction, signature: Signature
) -> Refine | None:
    """Report what is wrong with a function's `refine`; return one without a fault."""
    refine = function.refine
    if refine is None or signature.inputs is None:
        return None
    at: Path = (*path, "refine")
    scope: dict[str, Type] = {**signature.inputs, "result": signature.output}
    if refine.check is not None:
        checked = _check_call(context, (*at, "check"), refine.check, signature)
        if checked is None:
            return None  # what `check` is cannot be known, so the expressions that read it cannot be judged
        scope["check"] = checked.output
    until = context.compiler.condition((*at, "until"), refine.until, scope)
    feedback = context.compiler.compile((*at, "feedback"), refine.feedback, scope)
    if until is None or feedback is None:
        return None
    return Refine(check=refine.check, until=until, feedback=feedback, max_iterations=refine.max_iterations)


def _check_call(context: Context, path: Path, name: str, refined: Signature) -> Signature | None:
    """Return the check's signature, reporting what it asks for and cannot get."""
    findings = context.findings
    functions = context.document.functions
    if name not in functions:
        computes = [known for known, function in functions.items() if isinstance(function, ComputeFunction)]
        report_unknown(findings, path, kind="function", name=name, known=computes)
        return None
    if isinstance(functions[name], InferFunction):
        findings.add(
            "E317",
            path,
            f"`{name}` is an infer function; the check of a refine runs after every iteration and must be free",
            suggestion="name a compute function",
        )
        return None
    check = context.signatures.functions[name]
    if check is None or check.inputs is None or refined.inputs is None:
        return check
    at_hand: dict[str, Type] = {**refined.inputs, "result": refined.output}
    for parameter, wanted in check.inputs.items():
        given = at_hand.get(parameter)
        if given is None and parameter in check.required:
            findings.add(
                "E318",
                path,
                f"`{name}` takes `{parameter}`, which is neither `result` nor an input of `{refined.name}`",
                suggestion=f"name its parameter `result` (the candidate) or one of: {listed(refined.inputs)}",
            )
        elif given is not None and not assignable(given, wanted):
            findings.add(
                "E318",
                path,
                f"`{name}` takes `{parameter}: {describe(wanted)}`, but here it is {describe(given)}",
                suggestion=f"declare the parameter as {describe(given)}",
            )
    return check
