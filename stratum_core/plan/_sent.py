"""What leaves the machine: which parts of the bound data reach which model, followed through flows and steps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import assert_never

from stratum_core.plan._words import name_words
from stratum_core.specs import (
    CallVerb,
    ComputeVerb,
    DebateVerb,
    Expression,
    FlowSpec,
    HumanVerb,
    InferSpec,
    ParallelVerb,
    Program,
    RaceVerb,
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
        steps: set[str] = set()
        for step in flow.steps:
            if step.for_each is not None and _carries(step.for_each.items, carrying, steps):
                steps.add("item")
            carries = self._step(step, carrying, steps)
            steps.discard("item")
            if carries:
                steps.add(step.id)
        return _carries_any(flow.returns, carrying, steps)

    def _step(self, step: StepSpec, carrying: frozenset[str], steps: set[str]) -> bool:
        """Follow a step behind those that carry data, its item among them; return whether its value does."""
        match step.verb:
            case ComputeVerb(expression=expression):
                return _carries(expression, carrying, steps)
            case CallVerb():
                return self._call(step.verb, carrying, steps)
            case ParallelVerb(branches=branches) | RaceVerb(branches=branches):
                found = [self._call(branch.call, carrying, steps) for branch in branches]
                return any(found)
            case DebateVerb(agents=agents, topic=topic, synthesize=synthesize):
                for name in dict.fromkeys((*agents, synthesize)):
                    self._infer(name, {"topic": topic}, carrying, steps)
                    for model in self._asked(name):
                        self.sent[model][_DERIVED] = None
                return False
            case HumanVerb():
                return False
            case _:
                assert_never(step.verb)

    def _call(self, call: CallVerb, carrying: frozenset[str], steps: set[str]) -> bool:
        """Follow a call; return whether its value carries data."""
        if call.kind == "function" and isinstance(self.program.functions[call.target], InferSpec):
            self._infer(call.target, call.inputs, carrying, steps)
            return False
        passed = frozenset(name for name, part in call.inputs.items() if _carries(part, carrying, steps))
        return self.flow(self.program.flows[call.target], passed) if call.kind == "flow" else bool(passed)

    def _infer(
        self,
        name: str,
        inputs: Mapping[str, Expression],
        carrying: frozenset[str],
        steps: set[str],
    ) -> None:
        """Note what one model call is sent, and what those models get that may stand in."""
        for model in self._asked(name):
            names = self.sent.setdefault(model, {})
            for parameter, part in inputs.items():
                if _carries(part, carrying, steps):
                    names.update(dict.fromkeys(_data_names(parameter, part, carrying, steps)))
                elif part.reads:
                    names[_DERIVED] = None

    def _asked(self, name: str) -> tuple[str, ...]:
        """Return the models that may be asked for a function."""
        spec = self.program.functions[name]
        return (self.models[name], *(spec.fallbacks if isinstance(spec, InferSpec) else ()))


def sent_names(program: Program, flow: FlowSpec, models: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
    """Return, for each model that is called, the names of the data sent to it, in words."""
    tracer = _Tracer(program, models)
    tracer.flow(flow, frozenset(parameter.name for parameter in flow.inputs))
    return {
        model: (*(name for name in names if name != _DERIVED), *((_DERIVED,) if _DERIVED in names else ()))
        for model, names in tracer.sent.items()
    }


def _carries(expression: Expression, carrying: frozenset[str], steps: set[str]) -> bool:
    """Return whether an expression reads bound data."""
    return any(_is_data(path, carrying, steps) for path in expression.reads)


def _carries_any(returns: Returns, carrying: frozenset[str], steps: set[str]) -> bool:
    """Return whether any part of a returned value does."""
    parts = returns.values() if isinstance(returns, Mapping) else (returns,)
    return any(_carries(part, carrying, steps) for part in parts)


def _is_data(path: tuple[str, ...], carrying: frozenset[str], steps: set[str]) -> bool:
    """Return whether a path leads to bound data."""
    if path[0] == "input":
        return bool(carrying) if len(path) == 1 else path[1] in carrying
    return path[0] in steps


def _data_names(
    parameter: str, expression: Expression, carrying: frozenset[str], steps: set[str]
) -> list[str]:
    """Return what to call the data of one argument: its own last name, else the parameter's."""
    found: list[str] = []
    for path in sorted(expression.reads):
        if _is_data(path, carrying, steps):
            named = len(path) > 1
            found.append(name_words(path[-1] if named else parameter))
    return found
