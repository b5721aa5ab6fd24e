"""From rows of plans and answers to what a policy looks at and what a surface shows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

from stratum_core.approval import PlanFacts
from stratum_core.engine._views import ApprovalView
from stratum_core.journal import ApprovalRecord, PlanRecord

__all__ = ["answered_view", "needs_approval_view", "plan_facts"]

_DECLINED = (
    "The person said no to this plan. Nothing was run; change it and plan again only if they ask for that."
)


def plan_facts(plan: PlanRecord) -> PlanFacts:
    """Return what a policy looks at, from the stored record: what is approved is what is on disk."""
    record = plan.record
    models = cast("Mapping[str, str]", record["models"])
    return PlanFacts(
        plan_id=plan.plan_id,
        plan_hash=plan.plan_hash,
        flow=str(record["flow"]),
        ir_hash=str(record["ir_hash"]),
        models=frozenset(models.values()),
        cap_nusd=cast("int", record["cap_nusd"]),
        rows=cast("int", record["items"]),
    )


def needs_approval_view(plan_id: str) -> ApprovalView:
    """Return the view of a plan nobody has answered."""
    return ApprovalView(
        plan_id=plan_id,
        state="needs_approval",
        message=f"A person has to agree to this plan. In their own terminal: stratum approve {plan_id}",
    )


def answered_view(record: ApprovalRecord) -> ApprovalView:
    """Return the view of an answer."""
    said = f'; they said: "{record.note}"' if record.note and record.channel != "policy" else ""
    message = _DECLINED if record.decision == "declined" else f"Approved ({record.channel})"
    return ApprovalView(
        plan_id=record.plan_id, state=record.decision, channel=record.channel, message=f"{message}{said}"
    )
