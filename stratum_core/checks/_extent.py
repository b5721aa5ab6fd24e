"""How far flows reach: the levels of flows in flows, and the steps that all of them together come to.

No flow calls itself, so every run ends; but forty flows that each call the one before twice come to a million million
steps. Whatever follows a flow step by step, the plan first of all, needs a bound that it can reach.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from stratum_core.checks._context import Context
from stratum_core.checks._signatures import Signature
from stratum_core.ir import Flow, Path

__all__ = ["MAX_FLOW_DEPTH", "MAX_FLOW_STEPS", "check_extent"]

MAX_FLOW_DEPTH = 32
"""The most flows inside each other, the outermost one counted."""

MAX_FLOW_STEPS = 20_000
"""The most steps of a flow with those of the flows it calls; a step with `for_each` counts once."""


def check_extent(
    context: Context, calls: Mapping[str, Sequence[tuple[Signature, Path]]], callees_first: Sequence[str]
) -> None:
    """Report the innermost flows that reach too far.

    Args:
        context: Of the document.
        calls: What each flow calls, repeats included.
        callees_first: The flows, each behind those it calls; none is in a circle.
    """
    depths: dict[str, int] = {}
    steps: dict[str, int] = {}
    for name in callees_first:
        flow = context.document.flows[name]
        called = [target.name for target, _ in calls[name] if target.kind == "flow" and target.name in steps]
        own = len(flow.steps) if isinstance(flow, Flow) else 0
        depths[name] = 1 + max((depths[target] for target in called), default=0)
        steps[name] = own + sum(steps[target] for target in called)
        if any(_too_far(depths[target], steps[target]) for target in called):
            continue  # the flow it calls has the finding
        if depths[name] > MAX_FLOW_DEPTH:
            _report(
                context, name, f"is the outermost of {depths[name]} flows in each other", f"{MAX_FLOW_DEPTH}"
            )
        elif steps[name] > MAX_FLOW_STEPS:
            _report(
                context,
                name,
                f"comes to {steps[name]:,} steps, those of the flows it calls counted",
                f"{MAX_FLOW_STEPS:,}",
            )


def _too_far(depth: int, steps: int) -> bool:
    """Return whether a flow is over a limit."""
    return depth > MAX_FLOW_DEPTH or steps > MAX_FLOW_STEPS


def _report(context: Context, name: str, extent: str, limit: str) -> None:
    """Report a flow at its name."""
    context.findings.add(
        "E337",
        ("flows", name),
        f"flow `{name}` {extent}; the limit is {limit}",
        suggestion="repeat with for_each over a list instead of calling a flow again and again",
        key=True,
    )
