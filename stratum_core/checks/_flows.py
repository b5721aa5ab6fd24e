"""Rules about flows: their steps in order, what they return, and that they never call themselves."""

from __future__ import annotations

from dataclasses import dataclass

from stratum_core.checks._context import Context
from stratum_core.checks._extent import check_extent
from stratum_core.checks._flow_scope import FlowScope
from stratum_core.checks._free_ids import FreeIds
from stratum_core.checks._functions import read_budget
from stratum_core.checks._outcomes import record
from stratum_core.checks._policy import check_budget
from stratum_core.checks._results import compile_result
from stratum_core.checks._signatures import ANY, Signature
from stratum_core.checks._steps import check_step
from stratum_core.ir import Debate, Flow, Invalid, Path, Step
from stratum_core.specs import FlowSpec, StepSpec

__all__ = ["FlowCalls", "check_flows"]


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowCalls:
    """What a flow calls, in document order: each target with the path that names it."""

    calls: tuple[tuple[Signature, Path], ...]


def check_flows(context: Context) -> tuple[dict[str, FlowSpec], dict[str, FlowCalls]]:
    """Report what is wrong with flows; return the specs of those without a fault, and what each one calls."""
    specs: dict[str, FlowSpec] = {}
    calls: dict[str, FlowCalls] = {}
    for name, flow in context.document.flows.items():
        signature = context.signatures.flows[name]
        if isinstance(flow, Invalid) or signature is None:
            continue
        spec, calls[name] = _check_flow(context, flow, signature)
        if spec is not None:
            specs[name] = spec
    callees_first = _check_circles(context, calls)
    if callees_first:
        check_extent(context, {name: found.calls for name, found in calls.items()}, callees_first)
    return specs, calls


def _check_flow(context: Context, flow: Flow, signature: Signature) -> tuple[FlowSpec | None, FlowCalls]:
    """Check one flow from top to bottom."""
    path: Path = ("flows", signature.name)
    check_budget(context, path, flow.budget)
    given = ANY if signature.inputs is None else record(signature.inputs)
    later = {step.id for step in flow.steps if isinstance(step, Step)}
    scope = FlowScope(context.compiler, given, later, FreeIds(flow), complete=_ids_are_known(flow))
    steps: list[StepSpec] = []
    for index, step in enumerate(flow.steps):
        if isinstance(step, Invalid):
            continue
        at: Path = (*path, "steps", index)
        spec = check_step(context, at, step, scope)
        if spec is not None:
            steps.append(spec)
    returns = compile_result(
        context.findings,
        scope.compile,
        (*path, "return"),
        flow.return_,
        signature.output,
    )
    _check_converged(context, path, flow, scope)
    found = FlowCalls(calls=tuple(scope.calls))
    if returns is None or len(steps) < len(flow.steps) or signature.inputs is None:
        return None, found
    spec = FlowSpec(
        name=signature.name,
        inputs=signature.parameters,
        output=signature.output,
        steps=tuple(steps),
        returns=returns,
        budget=read_budget(flow.budget),
        description=flow.description,
    )
    return spec, found


def _ids_are_known(flow: Flow) -> bool:
    """Return whether every step has an id, so that an unknown name cannot be one of theirs."""
    return all(isinstance(step, Step) and step.id for step in flow.steps)


def _check_converged(context: Context, path: Path, flow: Flow, scope: FlowScope) -> None:
    """Warn about debates whose outcome is used whether or not the agents agreed."""
    for index, step in enumerate(flow.steps):
        if not isinstance(step, Step) or not isinstance(step.debate, Debate) or not step.id:
            continue
        if step.debate.unresolved == "synthesize" and not scope.was_read(step.id, "converged"):
            context.findings.add(
                "W505",
                (*path, "steps", index, "debate"),
                f"`{step.id}.converged` is never read, so a debate without agreement passes for one with it",
                suggestion=f"read {step.id}.converged, or write unresolved: human or unresolved: fail",
                key=True,
            )


def _check_circles(context: Context, calls: dict[str, FlowCalls]) -> list[str]:
    """Report every call that closes a circle of flows; return the flows, callees first, when there is none."""
    done: dict[str, None] = {}
    errors = context.findings.errors
    for start in calls:
        if start not in done:
            _walk(context, calls, start, done)
    return list(done) if context.findings.errors == errors else []


def _walk(context: Context, calls: dict[str, FlowCalls], start: str, done: dict[str, None]) -> None:
    """Follow calls depth first without recursion: a chain of flows may be longer than Python's stack."""
    trail = [start]
    ahead = [iter(calls[start].calls)]
    while trail:
        following = next(ahead[-1], None)
        if following is None:
            done[trail.pop()] = None
            ahead.pop()
            continue
        target, path = following
        if target.kind != "flow" or target.name in done or target.name not in calls:
            continue
        if target.name in trail:
            circle = [*trail[trail.index(target.name) :], target.name]
            _report_circle(context, path, target.name, circle)
            continue
        trail.append(target.name)
        ahead.append(iter(calls[target.name].calls))


def _report_circle(context: Context, path: Path, name: str, circle: list[str]) -> None:
    """Report the call at the step, as close as the document allows."""
    context.findings.add(
        "E330",
        path,
        f"the flow calls itself: {' -> '.join(circle)}",
        suggestion=f"remove the call of `{name}`; for_each repeats work on a list, refine improves an answer",
    )
