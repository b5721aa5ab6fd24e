"""Plans and the answers to them: how each stands, who answered when and how, and taking a yes back."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import replace

from stratum_core.approval import this_principal
from stratum_core.engine._approvals import answered, decision_line, raise_line
from stratum_core.engine._plans import PlanLine, PlanState, plan_line
from stratum_core.engine._settings import Settings
from stratum_core.engine._views import ApprovalView
from stratum_core.errors import ApprovalError
from stratum_core.journal import Channel, ControlStore, Logbook, PlanRecord, Purse

__all__ = ["AnswerDesk"]


class AnswerDesk:
    """The answers to all plans and runs of a state directory."""

    def __init__(self, control: ControlStore, settings: Settings, *, clock: Callable[[], float]) -> None:
        """Look into a control file; `clock` tells seconds since the Unix epoch."""
        self._control = control
        self._purse = Purse(control.path, clock=clock)
        self._logbook = Logbook(control.path, clock=clock)
        self._settings = settings
        self._clock = clock

    def trail(self, plan_id: str) -> tuple[str, ...]:
        """Return every answer to a plan and to its run's wish for more, oldest first: who, when, how, to what cap.

        Raises:
            PlanError: There is no such plan.
        """
        decisions = self._control.decisions(plan_id)
        run_id = next((each.consumed_by for each in decisions if each.consumed_by is not None), None)
        raises = () if run_id is None else self._purse.raises(run_id)
        return (*map(decision_line, decisions), *map(raise_line, raises))

    def plans(self, *, limit: int = 100) -> tuple[PlanLine, ...]:
        """Return the newest plans, newest first, each with how it stands.

        Raises:
            JournalError: The control file cannot be read.
        """
        return tuple(self._line(plan) for plan in self._logbook.plans(limit=limit))

    def state(self, plan_id: str) -> PlanState:
        """Return how a plan stands.

        Raises:
            PlanError: There is no such plan.
        """
        return self._line(self._control.plan(plan_id)).state

    def _line(self, plan: PlanRecord) -> PlanLine:
        standing = self._control.standing_decision(plan.plan_id)
        return plan_line(plan, standing, now_ms=int(self._clock() * 1000))

    def revoke(self, plan_id: str, *, channel: Channel, note: str = "") -> ApprovalView:
        """Take back a yes that has not started its run; only a new plan asks again.

        It only stops spending, so whoever has the account may do it.

        Raises:
            PlanError: There is no such plan.
            ApprovalError: There is no yes that stands, or it has started its run.
        """
        standing = self._control.standing_decision(plan_id)
        if standing is None:
            raise ApprovalError(
                f"plan {plan_id} has no yes that could be taken back",
                remedy=f"look at it: {self._settings.command('show', plan_id)}",
            )
        plan = self._control.plan(plan_id)
        revocation = replace(
            standing,
            approval_id=f"approval_{secrets.token_hex(8)}",
            decision="revoked",
            channel=channel,
            principal=self._settings.principal or this_principal(),
            note=note,
            at_ms=int(self._clock() * 1000),
            expires_at_ms=plan.expires_at_ms,
            signature="",
        )
        return answered(self._control.revoke(revocation))

    def revoke_more(self, run_id: str, *, channel: Channel, note: str = "") -> str:
        """Take back a yes to a higher cap that was not used, and return the line of the trail.

        Raises:
            RunError: There is no such run.
            ApprovalError: There is no such yes.
        """
        taken = self._purse.revoke_raise(
            run_id,
            raise_id=f"raise_{secrets.token_hex(8)}",
            channel=channel,
            principal=self._settings.principal or this_principal(),
            note=note,
        )
        return raise_line(taken)
