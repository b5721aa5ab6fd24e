"""Which flow is meant, and what it reaches."""

from __future__ import annotations

import difflib
from dataclasses import dataclass

from stratum_core.errors import PlanError
from stratum_core.specs import ComputeSpec, InferSpec, Program, called, reached

__all__ = ["Reach", "choose_flow", "flow_meant", "outermost_flows", "reach_of"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """What a flow can call, in the order it is met."""

    flows: tuple[str, ...]
    functions: tuple[str, ...]

    def infer(self, program: Program) -> tuple[InferSpec, ...]:
        """Return the model calls among the functions."""
        found = (program.functions[name] for name in self.functions)
        return tuple(spec for spec in found if isinstance(spec, InferSpec))

    def registered(self, program: Program) -> tuple[str, ...]:
        """Return the names of the operator's Python functions that the functions stand for."""
        found = (program.functions[name] for name in self.functions)
        return tuple(
            spec.python for spec in found if isinstance(spec, ComputeSpec) and spec.python is not None
        )


def choose_flow(program: Program, name: str | None) -> str:
    """Return the flow to run; without a name, the only one that no other flow calls.

    Raises:
        PlanError: It does not exist, or none was named and there is a choice.
    """
    names = list(program.flows)
    listed = ", ".join(names) or "none"
    if name is not None:
        if name in program.flows:
            return name
        close = flow_meant(program, name)
        hint = f"did you mean {close!r}? " if close else ""
        raise PlanError(
            f"there is no flow {name!r}", remedy=f"{hint}the flows are: {listed}", detail={"flows": names}
        )
    outermost = outermost_flows(program)
    if len(outermost) == 1:
        return outermost[0]
    if not names:
        raise PlanError(
            "this document has functions but no flow, so there is nothing to run", remedy="add a flow"
        )
    raise PlanError(
        f"this document has {len(names)} flows, and it is not clear which one to run",
        remedy=f"name one: {', '.join(_with_inputs(program, flow) for flow in outermost) or listed}",
        detail={"flows": names},
    )


def flow_meant(program: Program, name: str | None) -> str | None:
    """Return the flow that was probably meant by the name of none."""
    close = difflib.get_close_matches(name or "", program.flows, n=1)
    return close[0] if close else None


def outermost_flows(program: Program) -> list[str]:
    """Return the flows that no other flow calls."""
    inner = {
        target
        for flow in program.flows.values()
        for step in flow.steps
        for kind, target in called(step.verb)
        if kind == "flow"
    }
    return [flow for flow in program.flows if flow not in inner]


def _with_inputs(program: Program, flow: str) -> str:
    """Return a flow's name and what it takes."""
    takes = " and ".join(parameter.name for parameter in program.flows[flow].inputs)
    return f"{flow} (takes {takes or 'nothing'})"


def reach_of(program: Program, flow: str) -> Reach:
    """Return everything a flow can call, itself included."""
    found = reached(program, flow)
    return Reach(
        flows=tuple(name for kind, name in found if kind == "flow"),
        functions=tuple(name for kind, name in found if kind == "function"),
    )
