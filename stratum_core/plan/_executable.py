"""Which flow is meant, what it reaches, and whether this version can run all of it."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from stratum_core.errors import DiagnosticsError, PlanError
from stratum_core.ir import Diagnostic, Path, load
from stratum_core.specs import (
    ComputeSpec,
    DebateVerb,
    FunctionSpec,
    HumanVerb,
    InferSpec,
    ParallelVerb,
    Program,
    RaceVerb,
    Verb,
    called,
)

__all__ = ["Reach", "choose_flow", "reach_of", "refuse_later"]

_CODE = "E390"

_REFUSED_VERBS: Mapping[type[Verb], str] = MappingProxyType(
    {ParallelVerb: "parallel", RaceVerb: "race", DebateVerb: "debate", HumanVerb: "await_human"}
)
"""Verbs that are checked and not run yet, with their keys in a document."""

_REFUSED_MODIFIERS: Mapping[str, Callable[[FunctionSpec], bool]] = MappingProxyType(
    {
        "quorum": lambda spec: isinstance(spec, InferSpec) and spec.quorum is not None,
        "refine": lambda spec: isinstance(spec, InferSpec) and spec.refine is not None,
        "stable": lambda spec: isinstance(spec, InferSpec) and not spec.stable,
        "fallbacks": lambda spec: isinstance(spec, InferSpec) and bool(spec.fallbacks),
        "cache": lambda spec: isinstance(spec, InferSpec) and spec.cache != "none",
        "python": lambda spec: isinstance(spec, ComputeSpec) and spec.python is not None,
    }
)
"""Keys of functions that are checked and not run yet, with whether a function uses each."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """What a flow can call, in the order it is met."""

    flows: tuple[str, ...]
    functions: tuple[str, ...]

    def infer(self, program: Program) -> tuple[InferSpec, ...]:
        """Return the model calls among the functions."""
        found = (program.functions[name] for name in self.functions)
        return tuple(spec for spec in found if isinstance(spec, InferSpec))


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
        close = difflib.get_close_matches(name, names, n=1)
        hint = f"did you mean {close[0]!r}? " if close else ""
        raise PlanError(
            f"there is no flow {name!r}", remedy=f"{hint}the flows are: {listed}", detail={"flows": names}
        )
    inner = {
        target
        for flow in program.flows.values()
        for step in flow.steps
        for kind, target in called(step.verb)
        if kind == "flow"
    }
    outermost = [flow for flow in names if flow not in inner]
    if len(outermost) == 1:
        return outermost[0]
    if not names:
        raise PlanError(
            "this document has functions but no flow, so there is nothing to run", remedy="add a flow"
        )
    raise PlanError(
        f"this document has {len(names)} flows, and it is not clear which one to run",
        remedy=f"name one: {', '.join(outermost) or listed}",
        detail={"flows": names},
    )


def reach_of(program: Program, flow: str) -> Reach:
    """Return everything a flow can call, itself included."""
    flows: dict[str, None] = {}
    functions: dict[str, None] = {}
    waiting = [flow]
    while waiting:
        name = waiting.pop(0)
        if name in flows:
            continue
        flows[name] = None
        for step in program.flows[name].steps:
            for kind, target in called(step.verb):
                if kind == "flow":
                    waiting.append(target)
                    continue
                functions[target] = None
                spec = program.functions[target]
                if isinstance(spec, InferSpec) and spec.refine is not None and spec.refine.check is not None:
                    functions[spec.refine.check] = None
    return Reach(flows=tuple(flows), functions=tuple(functions))


def refuse_later(text: str | bytes, program: Program, reach: Reach) -> None:
    """Refuse a flow that reaches anything this version checks but does not run.

    Raises:
        DiagnosticsError: With one diagnostic for each such part.
    """
    found: list[tuple[str, Path]] = []
    for name in reach.flows:
        for index, step in enumerate(program.flows[name].steps):
            verb = _REFUSED_VERBS.get(type(step.verb))
            if verb is not None:
                found.append((verb, ("flows", name, "steps", index, verb)))
    for name in reach.functions:
        spec = program.functions[name]
        found.extend(
            (key, ("functions", name, key)) for key, uses in _REFUSED_MODIFIERS.items() if uses(spec)
        )
    if not found:
        return
    positions = load(text).positions
    diagnostics: list[Diagnostic] = []
    for name, path in found:
        span = positions.span(path, key=True)
        diagnostics.append(
            Diagnostic(
                code=_CODE,
                severity="error",
                path=".".join(str(part) for part in path),
                line=span.line,
                column=span.column,
                end_column=span.end_column,
                message=f"`{name}` is checked but not yet executable in this version",
                suggestion=f"write the flow without `{name}`",
            )
        )
    raise DiagnosticsError(
        f"this flow uses {_and([name for name, _ in found])}, which this version does not run yet",
        remedy="write the flow without it, or use a later version",
        detail={"diagnostics": [item.to_json() for item in diagnostics]},
    )


def _and(names: Sequence[str]) -> str:
    """List names in words."""
    unique = [f"`{name}`" for name in dict.fromkeys(names)]
    return unique[0] if len(unique) == 1 else f"{', '.join(unique[:-1])} and {unique[-1]}"
