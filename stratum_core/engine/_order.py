"""The order of a document: in which order the parts of a run's record are told.

A journal has events in the order they happened, which differs from run to run where steps run side by side. The parts
of a path (steps, branches, steps of a called flow) are looked up in the plan's document, from the outside in.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from stratum_core.checks import Limits, check
from stratum_core.contracts import JsonValue
from stratum_core.engine._tree import NO_ORDER, Order, run_tree
from stratum_core.engine._views import RunView
from stratum_core.errors import PlanError
from stratum_core.journal import ControlStore
from stratum_core.specs import CallVerb, FlowSpec, ParallelVerb, Program, RaceVerb, Verb

__all__ = ["document_order", "told_run"]


def told_run(
    control: ControlStore, state_dir: Path, view: RunView, *, failed_only: bool = False
) -> dict[str, JsonValue]:
    """Return a run's record as nested nodes, as `run_tree` does, in the order of its plan's document.

    Args:
        control: Where its plan is; a flow in Python has none, and is told as it happened.
        state_dir: Where runs are kept.
        view: The run as it stands.
        failed_only: Leave out what went well.
    """
    try:
        order = document_order(control.plan(view.plan_id).record) if view.plan_id else NO_ORDER
    except PlanError:
        order = NO_ORDER
    return run_tree(state_dir, view, order, failed_only=failed_only)


def document_order(record: Mapping[str, JsonValue]) -> Order:
    """Return the order of a stored plan's flow; none where its document was removed or is read differently now."""
    limits = cast("Mapping[str, Sequence[str]]", record.get("limits") or {})
    registry = frozenset(limits.get("compute_registry", ()))
    program = check(str(record.get("text") or ""), limits=Limits(compute_registry=registry)).program
    flow = None if program is None else program.flows.get(str(record.get("flow")))
    return NO_ORDER if program is None or flow is None else _of_flow(program, flow)


@dataclass(frozen=True, slots=True)
class _Named:
    """Parts by name."""

    inner: Mapping[str, Callable[[], Order]]
    """What makes the order inside each, in the order of the document."""
    ranks: Mapping[str, int]

    def rank(self, name: str) -> int:
        """Return the place of a part; what the document does not name comes last."""
        return self.ranks.get(name, len(self.ranks))

    def inside(self, name: str) -> Order:
        """Return the order inside a part."""
        return self.inner[name]() if name in self.inner else NO_ORDER


def _named(inner: Mapping[str, Callable[[], Order]]) -> Order:
    return _Named(inner, {name: rank for rank, name in enumerate(inner)})


def _of_flow(program: Program, flow: FlowSpec) -> Order:
    return _named({step.id: _later(program, step.verb) for step in flow.steps})


def _of_verb(program: Program, verb: Verb) -> Order:
    match verb:
        case CallVerb(kind="flow", target=target):
            return _of_flow(program, program.flows[target])
        case ParallelVerb(branches=branches) | RaceVerb(branches=branches):
            return _named({branch.name: _later(program, branch.call) for branch in branches})
        case _:
            return NO_ORDER


def _later(program: Program, verb: Verb) -> Callable[[], Order]:
    """Look into a called flow only when something of it is told: what flows reach can be large."""
    return lambda: _of_verb(program, verb)
