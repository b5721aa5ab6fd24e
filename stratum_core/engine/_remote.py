"""Answers of other people: which plans wait for somebody else, and taking their signed decision.

Only a server that has just checked who is asking calls this: the person who answers is never the one whose plan it is,
and what they said is signed with the server's key before it is stored.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import replace

from stratum_core.approval import Decision, approval_record, needs_remote, this_principal
from stratum_core.engine._approvals import answered, facts_of
from stratum_core.engine._pictures import plan_view
from stratum_core.engine._settings import Settings
from stratum_core.engine._views import ApprovalView, PlanView
from stratum_core.errors import ApprovalError, PlanError
from stratum_core.journal import ControlStore, PlanRecord

__all__ = ["RemoteDesk"]

_MOST = 100


class RemoteDesk:
    """What one person's plans look like to those who may answer for them."""

    def __init__(self, control: ControlStore, settings: Settings, *, clock: Callable[[], float]) -> None:
        self._control = control
        self._settings = settings
        self._clock = clock

    def waiting(self) -> tuple[PlanView, ...]:
        """Return the newest plans that nobody has answered and that need somebody else's yes, newest first."""
        now_ms = int(self._clock() * 1000)
        plans = self._control.undecided_plans(now_ms=now_ms, limit=_MOST)
        return tuple(self._view(plan) for plan in plans if self._needs_remote(plan))

    def decide(self, plan_id: str, *, approved: bool, principal: str, note: str = "") -> ApprovalView:
        """Store another person's signed answer to a plan; the first answer stands.

        Raises:
            PlanError: There is no such plan, or it has expired.
            ApprovalError: They would answer for themselves.
            ConfigurationError: The server's signing key cannot be used.
        """
        plan = self._control.plan(plan_id)
        now_ms = int(self._clock() * 1000)
        if plan.expires_at_ms <= now_ms:
            raise PlanError(f"plan {plan_id} has expired", remedy="have it planned again")
        if principal == (self._settings.principal or this_principal()):
            raise ApprovalError(
                f"{principal} made plan {plan_id} and cannot answer for it",
                remedy="another person of the team has to",
            )
        record = approval_record(
            Decision(
                decision="approved" if approved else "declined",
                channel="remote",
                principal=principal,
                note=note,
            ),
            facts_of(plan),
            approval_id=f"approval_{secrets.token_hex(8)}",
            now_ms=now_ms,
            policy=self._settings.policy,
        )
        return answered(self._control.record_decision(self._settings.signing_keys.sign(record)))

    def _needs_remote(self, plan: PlanRecord) -> bool:
        return needs_remote(facts_of(plan), self._settings.policy)

    def _view(self, plan: PlanRecord) -> PlanView:
        view = plan_view(plan, None, command=self._settings.command("approve", plan.plan_id))
        return replace(view, needs="remote")
