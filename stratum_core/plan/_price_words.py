"""The price of a plan in words: how often models are asked, what is likely, and the most it can be."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from stratum_core.money import format_usd, to_nusd
from stratum_core.plan._plan import Plan
from stratum_core.specs import InferSpec

__all__ = ["accuracy_sentence", "calls_sentences", "cap_sentence", "price_sentence", "short_price"]

_WORTH_TELLING = 2
"""A cap below so many times what is likely is no comfort, so its multiple is not told."""


def calls_sentences(plan: Plan, specs: Sequence[InferSpec]) -> list[str]:
    """Say how often models are asked, how often again, and how many answers an earlier run has.

    Args:
        plan: The plan.
        specs: The functions that may be called.
    """
    expected, most = round(plan.estimate.likely_calls), plan.estimate.most_calls
    if not most:
        return _reused(plan)
    calls = (
        f"About {expected:,} model calls, {most:,} at most" if expected != most else f"{most:,} model calls"
    )
    calls = "1 model call" if most == 1 else calls
    retries = max((spec.retries for spec in specs), default=0)
    times = "once" if retries == 1 else f"up to {retries} times"
    again = f"; an answer that breaks its rules is asked for again, {times}" if retries else ""
    return [f"{calls}{again}.", *_reused(plan)]


def _reused(plan: Plan) -> list[str]:
    """Say how much an earlier run has answered already."""
    if plan.reused is None:
        return []
    run, count = plan.reused["run_id"], round(plan.estimate.reused_calls)
    if not count:
        return [f"None of these answers is on record in {run}, so nothing is saved."]
    saved = f", which saves about {format_usd(plan.estimate.saved_nusd)}"
    if not plan.estimate.most_calls:
        all_of_them = "The one answer is" if count == 1 else f"All {count:,} answers are"
        return [f"{all_of_them} on record in {run}{saved}."]
    more = "1 more answer is" if count == 1 else f"{count:,} more answers are"
    return [f"{more} taken from {run}{saved}."]


def price_sentence(plan: Plan) -> str:
    """Say what it costs, last."""
    if not plan.estimate.most_calls:
        return "No model is called: this costs nothing."
    figures = plan.estimate
    likely = f"about {format_usd(figures.likely_nusd)}"
    between = f"(between {format_usd(figures.low_nusd)} and {format_usd(figures.high_nusd)})"
    most = format_usd(plan.at_most_nusd)
    if plan.simulated:
        return f"Simulated: likely {likely} {between}. At most {most}."
    if plan.uses_allowance:
        return f"Uses your Claude plan's allowance; at list prices likely {likely} {between}. At most {most}."
    return f"Likely {likely} {between}. At most {most}."


def short_price(plan: Plan) -> str:
    """Say what it costs in one line of a dialog."""
    if not plan.estimate.most_calls:
        return price_sentence(plan)
    mark = "Simulated, no real money: likely" if plan.simulated else "Likely"
    if plan.uses_allowance:
        mark = "Uses your Claude plan's allowance, at list prices likely"
    return f"{mark} about {format_usd(plan.estimate.likely_nusd)}. At most {format_usd(plan.at_most_nusd)}."


def cap_sentence(plan: Plan) -> str:
    """Say where the most comes from when it is a proposal below all that the work could come to; else nothing."""
    if plan.cap_source != "proposed" or plan.cap_nusd >= plan.estimate.worst.nusd:
        return ""
    shown = format_usd(plan.cap_nusd)
    limit = plan.limits["max_usd"]
    if limit is not None and plan.cap_nusd >= to_nusd(Decimal(str(limit))):
        return f"The operator allows {shown} for a run, and that is its cap."
    budget = plan.program.flows[plan.flow].budget
    allowed = None if budget is None else budget.nusd
    times = round(plan.cap_nusd / plan.estimate.likely_nusd) if plan.estimate.likely_nusd else 0
    above = f", about {times:,} times what is likely" if times >= _WORTH_TELLING else ""
    who = "I" if allowed is None else f"The document allows {format_usd(allowed)}; I"
    return f"{who} propose a cap of {shown}{above}. Say so if it should be more."


def accuracy_sentence(plan: Plan) -> str:
    """Say how near earlier estimates came, where there were enough of them."""
    words = plan.estimate.accuracy
    return f"{words[:1].upper()}{words[1:]}." if words and plan.models else ""
