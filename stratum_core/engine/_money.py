"""Money across runs: the operator's limits for a day and a project, and more money for a run that came to its cap.

A run holds its whole cap while it may still spend it. What a dead runner could not give back is given back here, by
whoever looks next. More money is a new answer of a person, bound to the run, its plan and the new cap.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import cast

from stratum_core.approval import require_allowed, require_local_allowed, this_principal
from stratum_core.contracts import JsonValue
from stratum_core.engine._approvals import facts_of
from stratum_core.engine._settings import Settings
from stratum_core.engine._views import ApprovalView, RunView
from stratum_core.errors import JournalError, RunError
from stratum_core.journal import (
    FINAL_STATES,
    Channel,
    Claim,
    ControlStore,
    Hold,
    PlanRecord,
    Purse,
    RaiseRecord,
    RunRecord,
    RunState,
    Spent,
)
from stratum_core.llm import OFFLINE_MODEL
from stratum_core.money import format_usd, to_usd

__all__ = ["MoneyDesk", "SpendView"]

_SETTLE_AFTER_MS = 60_000
"""How long a hold is left alone, because the runner it was taken for may only be starting."""
_OVER: frozenset[RunState] = frozenset({"completed", "completed_with_failures", "cancelled"})
"""States that no runner takes further at the run's cost, so that none can be starting."""
_MS_PER_MINUTE = 60_000


@dataclass(frozen=True, slots=True, kw_only=True)
class SpendView:
    """What is spent and reserved of the operator's limits."""

    day: str
    """In UTC, as `2026-01-31`."""
    today: Spent
    day_limit_nusd: int | None
    project: str
    """The first of the engine's folders."""
    by_project: Spent
    project_limit_nusd: int | None
    holds: tuple[Hold, ...]
    states: Mapping[str, str]
    """Run -> how it stands, for those that hold something."""

    def to_json(self) -> dict[str, JsonValue]:
        """Return the flat record a surface shows."""
        return {
            "day": self.day,
            "today": _spent_json(self.today, self.day_limit_nusd),
            "project": self.project,
            "by_project": _spent_json(self.by_project, self.project_limit_nusd),
            "holding": [
                {
                    "run_id": hold.run_id,
                    "state": self.states.get(hold.run_id, "unknown"),
                    "held_usd": _usd(hold.held_nusd),
                    "day": hold.day,
                    "project": hold.project,
                }
                for hold in self.holds
            ],
        }


class MoneyDesk:
    """Limits and raises of one state directory."""

    def __init__(
        self,
        control: ControlStore,
        settings: Settings,
        *,
        clock: Callable[[], float],
        view_of: Callable[[str], RunView],
    ) -> None:
        """Look into a control file.

        Args:
            control: The control file.
            settings: The policy and the folders.
            clock: Seconds since the Unix epoch.
            view_of: Returns a run as it stands.
        """
        self._control = control
        self._purse = Purse(control.path, clock=clock)
        self._settings = settings
        self._clock = clock
        self._view_of = view_of

    # --- limits -----------------------------------------------------------------------------------------------

    def claim_of(self, plan: PlanRecord) -> Claim | None:
        """Return what a plan's run reserves from; None when it can spend no real money."""
        models = cast("Mapping[str, str]", plan.record["models"])
        if set(models.values()) <= {OFFLINE_MODEL}:
            return None
        roots = cast("Sequence[str]", plan.record["roots"])
        return Claim(project=roots[0], limits=self._settings.policy.limits)

    def unfit(self, plan: PlanRecord) -> str:
        """Return why a plan could not start today, in words; empty when it could.

        Raises:
            JournalError: The control file cannot be read.
        """
        claim = self.claim_of(plan)
        if claim is None:
            return ""
        refused = self._purse.refusal(cast("int", plan.record["cap_nusd"]), claim)
        return "" if refused is None else f"it could not start now: {refused.message}"

    def give_back(self) -> None:
        """Give back what ended runs hold whose runner did not live to do it; the others hold on.

        A run that was interrupted or waits for a person may still spend its cap, so it holds it until it goes on, ends
        or is cancelled.

        Raises:
            JournalError: The control file cannot be written.
        """
        before_ms = int(self._clock() * 1000) - _SETTLE_AFTER_MS
        for hold in self._purse.holds():
            try:
                view, run = self._view_of(hold.run_id), self._control.run(hold.run_id)
            except (RunError, JournalError):
                continue  # what cannot be read may have been spent
            over = view.state in _OVER or hold.at_ms <= before_ms
            if view.final and view.state in FINAL_STATES and over:
                self._purse.release(hold.run_id, charged_nusd=_charged(view, run))

    def spend(self) -> SpendView:
        """Return what is spent and reserved today and in this project, and by which runs.

        Raises:
            JournalError: The control file cannot be used.
        """
        self.give_back()
        day, today = self._purse.spent_today()
        project = str(self._settings.roots[0].resolve())
        limits, holds = self._settings.policy.limits, self._purse.holds()
        return SpendView(
            day=day,
            today=today,
            day_limit_nusd=limits.day_nusd,
            project=project,
            by_project=self._purse.spent_by(project),
            project_limit_nusd=limits.project_nusd,
            holds=holds,
            states={hold.run_id: self._state(hold.run_id) for hold in holds},
        )

    def reserve_rest(self, run: RunRecord, plan: PlanRecord) -> None:
        """Let a run that had ended and is about to go on hold the rest of its cap again.

        Raises:
            BudgetExceeded: It does not fit a limit now.
            JournalError: The control file cannot be written.
        """
        claim = self.claim_of(plan)
        if claim is not None:
            self._purse.reserve_rest(run.run_id, claim)

    # --- more money for a run ---------------------------------------------------------------------------------

    def question(self, run_id: str) -> str:
        """Return what a person is asked about a run that came to its cap: three lines.

        Raises:
            RunError: There is no such run, or it did not come to its cap.
        """
        view = self._short(run_id)
        plan = self._control.plan(view.plan_id)
        worst = cast("Mapping[str, int]", plan.record["figures"])["worst_nusd"]
        items = f": {view.done:,} of {view.total:,} items done" if view.total else ""
        return (
            f"Run {run_id} stopped at its cap of {_shown(view.cap_usd)}{items}.\n"
            "It would go on from there; nothing recorded as paid is paid again.\n"
            f"All of it costs at most {format_usd(worst)}. The new cap is for the whole run."
        )

    def standing(self, run_id: str) -> ApprovalView:
        """Return how a run stands that came to its cap: whether a person has let it go on under a higher one.

        Raises:
            RunError: There is no such run.
        """
        run = self._control.run(run_id)
        answer = self._purse.standing_raise(run_id)
        if answer is None:
            return ApprovalView(
                plan_id=run.plan_id,
                state="needs_approval",
                message="A person has to agree to a higher cap. In their own terminal: "
                f"{self._settings.command('approve', run_id)} --cap USD",
            )
        return _answered(answer, run, self._settings)

    def decide(
        self, run_id: str, *, cap_nusd: int, approved: bool, channel: Channel, note: str = ""
    ) -> ApprovalView:
        """Store a person's answer to whether a run may go on under a higher cap; the first answer stands.

        Only a surface that has just asked a person calls this. No argument of any tool reaches it.

        Raises:
            RunError: There is no such run, or it did not come to its cap.
            PlanError: The policy does not allow so high a cap.
            ApprovalError: The cap is not higher, or the policy wants an answer from outside this account.
        """
        view = self._short(run_id)
        run, plan = self._control.run(run_id), self._control.plan(view.plan_id)
        if approved:
            facts = replace(facts_of(plan), cap_nusd=cap_nusd)
            require_allowed(facts, self._settings.policy)
            require_local_allowed(facts, self._settings.policy)
        now_ms = int(self._clock() * 1000)
        answer = RaiseRecord(
            raise_id=f"raise_{secrets.token_hex(8)}",
            run_id=run_id,
            plan_hash=run.plan_hash,
            cap_nusd=cap_nusd,
            from_nusd=run.cap_nusd,
            decision="approved" if approved else "declined",
            channel=channel,
            principal=self._settings.principal or this_principal(),
            note=note,
            at_ms=now_ms,
            expires_at_ms=now_ms + int(self._settings.policy.approval_ttl_minutes * _MS_PER_MINUTE),
        )
        return _answered(self._purse.record_raise(answer), run, self._settings)

    def raise_cap(self, run: RunRecord, plan: PlanRecord) -> RunRecord:
        """Use a person's yes up and raise a run's cap, with the difference reserved from the limits.

        Raises:
            PlanError: The policy does not allow so high a cap any more.
            NeedsApproval: Nobody has agreed.
            ApprovalError: The answer was no, or is not enough for the policy as it is now.
            BudgetExceeded: The difference does not fit a limit now; the yes stands.
        """
        answer = self._purse.standing_raise(run.run_id)
        if answer is not None and answer.decision == "approved":
            facts = replace(facts_of(plan), cap_nusd=answer.cap_nusd)
            require_allowed(facts, self._settings.policy)
            require_local_allowed(facts, self._settings.policy)
        claim = self.claim_of(plan)
        if claim is not None:
            self._release_ended(run)
        return self._purse.raise_cap(run.run_id, claim)

    def _release_ended(self, run: RunRecord) -> None:
        """Give back what a run that came to its cap still holds, so that only the difference is asked for."""
        self._purse.release(run.run_id, charged_nusd=_charged(self._view_of(run.run_id), run))

    def _short(self, run_id: str) -> RunView:
        view = self._view_of(run_id)
        if view.needs_cap:
            return view
        raise RunError(
            f"run {run_id} is {view.state.replace('_', ' ')}; only a run that came to its money cap can have more",
            remedy=f"look at it: {self._settings.command('show', run_id)}",
            detail={"state": view.state},
        )

    def _state(self, run_id: str) -> str:
        try:
            return self._view_of(run_id).state
        except (RunError, JournalError):
            return "unknown"


def _charged(view: RunView, run: RunRecord) -> int:
    """Return what a run was charged; its whole cap where the record of that is gone."""
    gone = not view.chain_head and run.started_at_ms is not None
    return run.cap_nusd or 0 if gone else view.charged_nusd


def _answered(answer: RaiseRecord, run: RunRecord, settings: Settings) -> ApprovalView:
    said = f'; they said: "{answer.note}"' if answer.note else ""
    if answer.decision == "approved":
        resume = settings.command("resume", run.run_id)
        told = f"Up to {format_usd(answer.cap_nusd)} ({answer.channel}). To go on: {resume}"
    else:
        told = "The person said no to more money for this run; what is done is kept"
    return ApprovalView(
        plan_id=run.plan_id,
        state="approved" if answer.decision == "approved" else "declined",
        channel=answer.channel,
        message=f"{told}{said}",
    )


def _spent_json(spent: Spent, limit_nusd: int | None) -> dict[str, JsonValue]:
    return {
        "spent_usd": _usd(spent.spent_nusd),
        "held_usd": _usd(spent.held_nusd),
        "limit_usd": None if limit_nusd is None else _usd(limit_nusd),
        "left_usd": None if limit_nusd is None else _usd(max(0, limit_nusd - spent.nusd)),
    }


def _shown(usd: float) -> str:
    return format_usd(round(usd * 1_000_000_000))


def _usd(nusd: int) -> float:
    return float(to_usd(nusd))
