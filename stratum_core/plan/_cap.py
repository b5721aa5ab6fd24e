"""The cap of a run: what the request says, else the tighter of the flow's budget and a proposal to agree to."""

from __future__ import annotations

from dataclasses import dataclass, replace

from stratum_core.errors import PlanError
from stratum_core.money import Nusd, format_usd, to_nusd
from stratum_core.plan._context import PlanContext
from stratum_core.plan._estimate import Estimate
from stratum_core.plan._options import PlanOptions
from stratum_core.plan._plan import CapSource
from stratum_core.specs import FlowSpec

__all__ = ["Cap", "cap_of"]

_FAR_ABOVE = 10
"""A worst case so many times the high end of the likely range is no useful cap."""
_ROOM = 5
"""Then the proposed cap is so many times the high end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cap:
    """The most a run may cost, and who said so."""

    nusd: Nusd
    source: CapSource


def cap_of(spec: FlowSpec, options: PlanOptions, estimate: Estimate, context: PlanContext) -> Cap:
    """Return the run's cap: the request's, else the lower of the flow's own budget and a proposal.

    A flow's budget is part of its meaning, so a larger cap in the request does not lift it. But an author writes it
    without the data, so it is no reason to ask for more than this run is likely to need. The proposal is
    the worst case rounded up; where that is far above anything likely, a multiple of the high end of the
    likely range that still pays for the dearest single attempt. It never goes by the history of earlier runs, so that
    equal plans have equal caps.

    Raises:
        PlanError: The cap is above the operator's, or pays no attempt at all.
    """
    own = spec.budget.nusd if spec.budget is not None else None
    asked = options.cap_nusd
    limit = None if context.limits.max_usd is None else to_nusd(context.limits.max_usd)
    if asked is not None and own is not None:
        cap = Cap(nusd=min(asked, own), source="option" if asked <= own else "flow")
    elif asked is not None:
        cap = Cap(nusd=asked, source="option")
    else:
        cap = Cap(nusd=_proposal(estimate, limit), source="proposed")
        cap = cap if own is None or cap.nusd < own else Cap(nusd=own, source="flow")
    if limit is not None and cap.nusd > limit:
        raise PlanError(
            f"a cap of {format_usd(cap.nusd)} is above the operator's limit of {format_usd(limit)}",
            remedy="ask for less",
            detail={"cap_nusd": cap.nusd, "limit_nusd": limit},
        )
    if estimate.most_calls and cap.nusd < estimate.least_attempt_nusd:
        raise PlanError(
            f"a cap of {format_usd(cap.nusd)} pays for no call: one may cost {format_usd(estimate.least_attempt_nusd)}",
            remedy="raise the cap, or choose a cheaper model",
            detail={"cap_nusd": cap.nusd, "needed_nusd": estimate.least_attempt_nusd},
        )
    # What a person agrees to is what can be spent: never more than the worst case, whatever was allowed.
    return replace(cap, nusd=Nusd(min(cap.nusd, estimate.worst.nusd)))


def _proposal(estimate: Estimate, limit: Nusd | None) -> Nusd:
    """Return a cap for a plan whose request sets none, within the operator's limit."""
    worst, high = estimate.worst.nusd, estimate.prior_high_nusd
    cap = _rounded_up(worst)
    if worst > _FAR_ABOVE * high:
        cap = min(cap, _rounded_up(max(_ROOM * high, 2 * estimate.dearest_attempt_nusd)))
    return Nusd(cap if limit is None else min(cap, limit))


def _rounded_up(nusd: int) -> Nusd:
    """Round up to two digits, so that a cap is a number a person can say."""
    if nusd <= 0:
        return Nusd(0)
    step = 10 ** max(0, len(str(nusd)) - 2)
    return Nusd(-(-nusd // step) * step)
