"""The plans of a state directory, newest first, each with how it stands: for whoever has lost an id.

A plan is kept with its answers until `stratum gc` removes it, so what is listed is what is on disk.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal, TypeAlias, cast

from stratum_core.contracts import JsonValue
from stratum_core.journal import ApprovalRecord, PlanRecord
from stratum_core.money import to_usd

__all__ = ["PlanLine", "PlanState", "plan_line"]

PlanState: TypeAlias = Literal["waiting", "approved", "used", "declined", "revoked", "expired"]
"""Waiting for a yes; a yes that can be used; its run was started; a no; a yes taken back; too old for any of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanLine:
    """One plan in a list."""

    plan_id: str
    state: PlanState
    flow: str
    items: int
    likely_nusd: int
    at_most_nusd: int
    simulated: bool
    """True when the offline model answers: no real money."""
    created_at_ms: int
    run_id: str = ""
    """The run it started."""

    def to_json(self) -> dict[str, JsonValue]:
        """Return the flat record a surface shows."""
        return {
            "plan_id": self.plan_id,
            "state": self.state,
            "flow": self.flow,
            "items": self.items,
            "likely_usd": float(to_usd(self.likely_nusd)),
            "at_most_usd": float(to_usd(self.at_most_nusd)),
            "simulated": self.simulated,
            "created_at": datetime.fromtimestamp(self.created_at_ms / 1000, UTC).isoformat(
                timespec="seconds"
            ),
            "run_id": self.run_id,
        }


def plan_line(plan: PlanRecord, standing: ApprovalRecord | None, *, now_ms: int) -> PlanLine:
    """Return a stored plan as one line of a list.

    Args:
        plan: The plan.
        standing: The answer that stands for it; None: nobody's.
        now_ms: Milliseconds since the Unix epoch; decides what has expired.
    """
    record = plan.record
    return PlanLine(
        plan_id=plan.plan_id,
        state=_state(plan, standing, now_ms),
        flow=str(record["flow"]),
        items=cast("int", record["items"]),
        likely_nusd=cast("dict[str, int]", record["figures"])["likely_nusd"],
        at_most_nusd=cast("int", record["at_most_nusd"]),
        simulated=bool(record["simulated"]),
        created_at_ms=plan.created_at_ms,
        run_id="" if standing is None else standing.consumed_by or "",
    )


def _state(plan: PlanRecord, standing: ApprovalRecord | None, now_ms: int) -> PlanState:
    if standing is not None and standing.consumed_by is not None:
        return "used"
    if standing is not None and standing.decision != "approved":
        return standing.decision
    if plan.expires_at_ms <= now_ms:
        return "expired"
    return "waiting" if standing is None else "approved"
