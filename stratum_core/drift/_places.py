"""Places: which function stands at a path of a run's journal.

A path is made by the walk of a run: a step, its item, a branch, an agent of a round, then, inside one call, an
iteration and a vote. It is read here with the document beside it, because no event names its function.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from stratum_core.specs import (
    Callee,
    CallVerb,
    DebateVerb,
    ParallelVerb,
    Program,
    RaceVerb,
)

__all__ = ["Place", "Places"]

_INDEX = re.compile(r"\[\d+\]")
_ROUND = re.compile(r"r\d+")
_SHARED = "@"
"""Stands between a function's name and its question where calls share one answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """The call an event belongs to."""

    function: str
    call: str
    """The path of the call itself, without iterations and votes."""


@dataclass(slots=True)
class Places:
    """Finds the function of a path; each shape of path is looked up once, however many items there are."""

    program: Program
    flow: str
    _known: dict[str, tuple[str, int] | None] = field(default_factory=dict[str, "tuple[str, int] | None"])
    """By path without indexes: the function, and how many parts of the path lead to its call."""

    def of(self, path: str) -> Place | None:
        """Return the call at a path, or that a path lies in; None when the document has none there."""
        parts = path.split("/")
        shape = _INDEX.sub("", path)
        if _SHARED in parts[0]:
            name = parts[0].partition(_SHARED)[0]
            return Place(function=name, call=parts[0]) if name in self.program.functions else None
        if shape not in self._known:
            self._known[shape] = self._in_flow(self.flow, shape.split("/"), 0)
        found = self._known[shape]
        return None if found is None else Place(function=found[0], call="/".join(parts[: found[1]]))

    def _in_flow(self, name: str, parts: Sequence[str], at: int) -> tuple[str, int] | None:
        """Follow a path from the step of a flow on."""
        steps = {step.id: step for step in self.program.flows[name].steps}
        step = steps.get(_part(parts, at))
        match None if step is None else step.verb:
            case CallVerb() as call:
                return self._in_call((call.kind, call.target), parts, at + 1)
            case ParallelVerb(branches=branches) | RaceVerb(branches=branches):
                calls = {branch.name: branch.call for branch in branches}
                call = calls.get(_part(parts, at + 1))
                return None if call is None else self._in_call((call.kind, call.target), parts, at + 2)
            case DebateVerb() as debate:
                return _in_debate(debate, parts, at + 1)
            case _:
                return None

    def _in_call(self, callee: Callee, parts: Sequence[str], at: int) -> tuple[str, int] | None:
        kind, target = callee
        return (target, at) if kind == "function" else self._in_flow(target, parts, at)


def _in_debate(debate: DebateVerb, parts: Sequence[str], at: int) -> tuple[str, int] | None:
    """Follow a path into a debate: a round and its agent, or the conclusion."""
    if _part(parts, at) == "synthesize":
        return debate.synthesize, at + 1
    agents = dict(zip(debate.names, debate.agents, strict=True))
    agent = agents.get(_part(parts, at + 1))
    return None if agent is None or not _ROUND.fullmatch(_part(parts, at)) else (agent, at + 2)


def _part(parts: Sequence[str], at: int) -> str:
    return parts[at] if at < len(parts) else ""
