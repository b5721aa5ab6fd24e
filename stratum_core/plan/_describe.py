"""Describe."""

from __future__ import annotations

from stratum_core.money import format_usd
from stratum_core.plan._plan import Plan

__all__ = ["describe_plan"]


def describe_plan(plan: Plan) -> str:
    """Return the plan in plain words."""
    return f"Likely about {format_usd(plan.estimate.likely_nusd)}. At most {format_usd(plan.at_most_nusd)}."
