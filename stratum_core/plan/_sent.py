"""What leaves the machine: which parts of the bound data reach which model, followed through flows and steps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from stratum_core.plan._words import name_words
from stratum_core.specs import (
    CallVerb,
    ComputeVerb,
    Expression,
    FlowSpec,
    InferSpec,
    Program,
    Returns,
    StepSpec,
)

__all__ = ["sent_names"]


_DERIVED = "earlier answers"
"""What a model made of the data, passed on."""


@dataclass(slots=True)
class _Tracer:
    """Follows bound data; what a model made of it is not traced on."""

    program: Program
    models: Mapping[str, str]
    sent: dict[str, dict[str, None]] = field(default_factory=dict[str, dict[str, None]])

    def flow(self, flow: FlowSpec, carrying: frozenset[str]) -> bool:
        """Follow a flow whose named inputs carry data; return whether its value does."""
        steps: frozenset[str] = frozenset()
        for step in flow.steps:
            if self._step(step, carrying, steps):
                steps |= {step.id}
        return _carries_any(flow.returns, carrying, steps)

    def _step(self, step: StepSpec, carrying: frozenset[str], steps: frozenset[str]) -> bool:
        """Follow a step behind those that carry data; return whether its value does."""
        item = step.for_each is not None and _carries(step.for_each.items, carrying, steps)
        known = steps | {"item"} if item else steps
        match step.verb:
            case ComputeVerb(expression=expression):
                return _carries(expression, carrying, known)
            case CallVerb(kind="flow", target=target, inputs=inputs):
                passed = frozenset(name for name, part in inputs.items() if _carries(part, carrying, known))
                return self.flow(self.program.flows[target], passed)
            case CallVerb(target=target, inputs=inputs):
                passed = {name: part for name, part in inputs.items() if _carries(part, carrying, known)}
                function = self.program.functions[target]
                if not isinstance(function, InferSpec):
                    return bool(passed)
                names = self.sent.setdefault(self.models[target], {})
                for name, part in passed.items():
                    names.update(dict.fromkeys(_data_names(name, part, carrying, known)))
                if any(part.reads for name, part in inputs.items() if name not in passed):
                    names[_DERIVED] = None
                return False
            case _:
                return False


def sent_names(program: Program, flow: FlowSpec, models: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
    """Return, for each model that is called, the names of the data sent to it, in words."""
    tracer = _Tracer(program, models)
    tracer.flow(flow, frozenset(parameter.name for parameter in flow.inputs))
    return {
        model: (*(name for name in names if name != _DERIVED), *((_DERIVED,) if _DERIVED in names else ()))
        for model, names in tracer.sent.items()
    }


def _carries(expression: Expression, carrying: frozenset[str], steps: frozenset[str]) -> bool:
    """Return whether an expression reads bound data."""
    return any(_is_data(path, carrying, steps) for path in expression.reads)


def _carries_any(returns: Returns, carrying: frozenset[str], steps: frozenset[str]) -> bool:
    """Return whether any part of a returned value does."""
    parts = returns.values() if isinstance(returns, Mapping) else (returns,)
    return any(_carries(part, carrying, steps) for part in parts)


def _is_data(path: tuple[str, ...], carrying: frozenset[str], steps: frozenset[str]) -> bool:
    """Return whether a path leads to bound data."""
    if path[0] == "input":
        return bool(carrying) if len(path) == 1 else path[1] in carrying
    return path[0] in steps


def _data_names(
    parameter: str, expression: Expression, carrying: frozenset[str], steps: frozenset[str]
) -> list[str]:
    """Return what to call the data of one argument: its own last name, else the parameter's."""
    found: list[str] = []
    for path in sorted(expression.reads):
        if _is_data(path, carrying, steps):
            named = len(path) > 1
            found.append(name_words(path[-1] if named else parameter))
    return found
