"""The control file: plans, approvals, runs, commands to runners and questions to people, shared by many processes.

Every method is one short transaction of its own; changes are made one process at a time, under a lock file.
An approval is used up in the transaction that creates its run, so one yes never starts two runs.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import replace

from stratum_core.contracts import JsonValue
from stratum_core.errors import ApprovalError, NeedsApproval, PlanError, RunError
from stratum_core.journal._control_file import ControlFile
from stratum_core.journal._control_tables import (
    consume,
    insert_command,
    insert_decision,
    insert_plan,
    insert_run,
    read_commands,
    read_decisions,
    read_last_decision,
    read_plan,
    read_run,
    read_run_of_plan,
    read_runs,
    read_undecided,
    update_run,
)
from stratum_core.journal._encoding import encode
from stratum_core.journal._holds import Claim, release, reserve
from stratum_core.journal._ids import check_approval_id, check_plan_id, check_review_id, check_run_id
from stratum_core.journal._protocol import FINAL_STATES, RunState
from stratum_core.journal._records import ApprovalRecord, CommandRecord, PlanRecord, RunRecord
from stratum_core.journal._review_rows import (
    insert_review,
    next_number,
    read_review,
    read_review_at,
    read_reviews,
    reopen_review,
    save_review_decision,
)
from stratum_core.journal._reviews import (
    Question,
    ReviewChannel,
    ReviewDecision,
    ReviewRecord,
    as_of,
    check_answer,
    new_review,
    refuse_other,
    withdrawal,
)
from stratum_core.money import format_usd

__all__ = ["ControlStore"]

_OVER: frozenset[RunState] = frozenset({"completed", "completed_with_failures", "cancelled"})
"""States in which no answer can matter any more."""


class ControlStore(ControlFile):
    """Plans, approvals, runs, commands to runners and questions to people, in the control file."""

    def save_plan(self, plan: PlanRecord) -> PlanRecord:
        """Store a plan, and return what stands under its id: the first one stored.

        Raises:
            PlanError: The id is not one, or stands for a plan with another hash.
            JournalError: The record is not JSON, or the file cannot be written.
        """
        check_plan_id(plan.plan_id)
        text = encode(plan.record, where="plan")
        with self._changing() as connection:
            stored = read_plan(connection, plan.plan_id)
            if stored is None:
                insert_plan(connection, plan, text)
                return plan
        if stored.plan_hash != plan.plan_hash:
            raise PlanError(
                f"plan {plan.plan_id} was stored with the hash {stored.plan_hash}, not {plan.plan_hash}",
                remedy="plan again",
            )
        return stored

    def plan(self, plan_id: str) -> PlanRecord:
        """Return a plan, expired or not.

        Raises:
            PlanError: There is no such plan.
            JournalError: The file cannot be read.
        """
        with self._reading() as connection:
            return _plan(connection, plan_id)

    def undecided_plans(self, *, now_ms: int, limit: int) -> tuple[PlanRecord, ...]:
        """Return the newest plans that wait for an answer at that time, newest first.

        Raises:
            JournalError: The file cannot be read.
        """
        with self._reading() as connection:
            return read_undecided(connection, now_ms, limit)

    def record_decision(self, decision: ApprovalRecord) -> ApprovalRecord:
        """Store an answer to a plan unless one stands already, and return the one that stands.

        The first answer wins and a no is final; a yes that expired unused no longer stands.

        Raises:
            PlanError: There is no such plan.
            ApprovalError: The id is not one or is taken, or the answer is about another hash than the plan's.
            JournalError: The file cannot be written.
        """
        check_approval_id(decision.approval_id)
        with self._changing() as connection:
            plan = _plan(connection, decision.plan_id)
            standing = read_last_decision(connection, decision.plan_id)
            if standing is not None and not self._has_lapsed(standing):
                return standing
            if plan.plan_hash != decision.plan_hash:
                raise _other_hash(plan, decision.plan_hash)
            try:
                insert_decision(connection, decision)
            except sqlite3.IntegrityError as error:
                raise ApprovalError(
                    f"the approval id {decision.approval_id} is taken", remedy="give each answer a new id"
                ) from error
        return decision

    def revoke(self, revocation: ApprovalRecord) -> ApprovalRecord:
        """Take an unused yes to a plan back, for good; from then on the plan needs a new plan, as after a no.

        Raises:
            PlanError: There is no such plan.
            ApprovalError: There is no yes that stands, or it has started its run.
            JournalError: The file cannot be written.
        """
        check_approval_id(revocation.approval_id)
        with self._changing() as connection:
            plan = _plan(connection, revocation.plan_id)
            standing = read_last_decision(connection, plan.plan_id)
            if standing is None or standing.decision != "approved" or self._has_lapsed(standing):
                raise ApprovalError(
                    f"plan {plan.plan_id} has no yes that could be taken back",
                    remedy=f"look at it: {self._command('show', plan.plan_id)}",
                )
            if standing.consumed_by is not None:
                raise ApprovalError(
                    f"the yes to plan {plan.plan_id} has started {standing.consumed_by}",
                    remedy=f"stop the run: {self._command('cancel', standing.consumed_by)}",
                    detail={"run_id": standing.consumed_by},
                )
            insert_decision(connection, revocation)
        return revocation

    def decisions(self, plan_id: str) -> tuple[ApprovalRecord, ...]:
        """Return every answer to a plan, oldest first.

        Raises:
            PlanError: There is no such plan.
            JournalError: The file cannot be read.
        """
        with self._reading() as connection:
            _plan(connection, plan_id)
            return read_decisions(connection, plan_id)

    def standing_decision(self, plan_id: str) -> ApprovalRecord | None:
        """Return the answer that stands for a plan, or None when a person has still to be asked.

        Raises:
            PlanError: There is no such plan.
            JournalError: The file cannot be read.
        """
        with self._reading() as connection:
            _plan(connection, plan_id)
            decision = read_last_decision(connection, plan_id)
        return None if decision is None or self._has_lapsed(decision) else decision

    def create_run(
        self,
        plan_id: str,
        plan_hash: str,
        cap_nusd: int | None,
        run_id: str,
        *,
        claim: Claim | None = None,
        now_ms: int | None = None,
    ) -> RunRecord:
        """Create the run of an approved plan, use its approval up and reserve its whole cap, in one transaction.

        Asked again for a plan that has its run, it returns that run, whatever `run_id` is given.

        Args:
            plan_id: The plan.
            plan_hash: The hash of the plan as it is about to run.
            cap_nusd: The money cap it is about to run under.
            run_id: The id the new run is to have.
            claim: The operator's limits its cap is reserved from; None: it spends no real money.
            now_ms: Milliseconds since the Unix epoch; the store's clock by default.

        Raises:
            PlanError: The plan is unknown or has expired.
            NeedsApproval: Nobody has answered yet.
            ApprovalError: The answer was no, has expired, or is about another hash or cap.
            RunError: The run id is not one, or is taken.
            BudgetExceeded: The cap does not fit what is left of a limit; the approval is not used up.
            JournalError: The file cannot be written.
        """
        check_run_id(run_id)
        now = self._now_ms() if now_ms is None else now_ms
        with self._changing() as connection:
            plan = _plan(connection, plan_id)
            existing = read_run_of_plan(connection, plan_id)
            if plan.plan_hash != plan_hash:
                raise _other_hash(plan, plan_hash)
            if existing is not None:
                return existing
            if read_run(connection, run_id) is not None:
                raise RunError(f"the run id {run_id} is taken", remedy="give each run a new id")
            answer, approve = read_last_decision(connection, plan_id), self._command("approve", plan_id)
            approval = _usable(answer, plan, cap_nusd, now, approve=approve)
            run = RunRecord(
                run_id=run_id,
                plan_id=plan_id,
                plan_hash=plan_hash,
                cap_nusd=cap_nusd,
                state="ready",
                created_at_ms=now,
                planned_cap_nusd=cap_nusd,
            )
            if claim is not None:
                reserve(connection, run_id, cap_nusd, claim, now)
            insert_run(connection, run)
            consume(connection, approval.approval_id, run_id)
        return run

    def run(self, run_id: str) -> RunRecord:
        """Return a run.

        Raises:
            RunError: There is no such run.
            JournalError: The file cannot be read.
        """
        with self._reading() as connection:
            return _run(connection, run_id)

    def runs(self, *, limit: int = 100) -> tuple[RunRecord, ...]:
        """Return the newest runs, newest first.

        Raises:
            JournalError: The file cannot be read.
        """
        with self._reading() as connection:
            return read_runs(connection, limit)

    def update_run(
        self,
        run_id: str,
        *,
        state: RunState,
        receipt: Mapping[str, JsonValue] | None = None,
        charged_nusd: int | None = None,
    ) -> RunRecord:
        """Store a run's state, and its receipt if it has one; a final state gets the time it was reached.

        With a final state and `charged_nusd`, what the run was charged in all, it gives back what it holds beyond that.

        The first time a run is said to be running is kept: from then on something may have been paid.

        Raises:
            RunError: There is no such run.
            JournalError: The receipt is not JSON, or the file cannot be written.
        """
        text = None if receipt is None else encode(receipt, where="receipt")
        with self._changing() as connection:
            _run(connection, run_id)
            update_run(
                connection,
                run_id,
                state,
                started_at_ms=self._now_ms() if state == "running" else None,
                finished_at_ms=self._now_ms() if state in FINAL_STATES else None,
                receipt=text,
            )
            if state in FINAL_STATES and charged_nusd is not None:
                release(connection, run_id, charged_nusd, self._now_ms())
            return _run(connection, run_id)

    def request_cancel(self, run_id: str, *, principal: str) -> CommandRecord:
        """Ask a run's runner to stop; it answers through the run's state.

        Raises:
            RunError: There is no such run.
            JournalError: The file cannot be written.
        """
        with self._changing() as connection:
            _run(connection, run_id)
            return insert_command(connection, run_id, "cancel", self._now_ms(), principal)

    def commands(self, run_id: str, *, after_seq: int = 0) -> tuple[CommandRecord, ...]:
        """Return the commands to a run's runner after a number, in order.

        Raises:
            RunError: The id could not name a run.
            JournalError: The file cannot be read.
        """
        check_run_id(run_id)
        with self._reading() as connection:
            return read_commands(connection, run_id, after_seq)

    def ask_review(self, run_id: str, path: str, question: Question) -> ReviewRecord:
        """Store a run's question unless it stands already, and return it as it stands now.

        A question whose time is over is decided by that, once and for all; one that was withdrawn waits again.

        Raises:
            RunError: There is no such run.
            DeterminismError: Another question stands at this path.
            JournalError: The file cannot be written.
        """
        now_ms = self._now_ms()
        with self._changing() as connection:
            _run(connection, run_id)
            stored = read_review_at(connection, run_id, path)
            if stored is None:
                number = next_number(connection, run_id)
                review = new_review(run_id, path, question, number=number, now_ms=now_ms)
                insert_review(connection, review)
                return review
            if refuse_other(stored, question).withdrawn:
                reopen_review(connection, stored.review_id)
                stored = replace(stored, decision=None)
            return _settled(connection, stored, now_ms)

    def withdraw_reviews(self, run_id: str, paths: Sequence[str], reason: str) -> None:
        """Take the questions at some paths back, those that nobody has answered; the others stay as they are.

        Raises:
            RunError: The id could not name a run.
            JournalError: The file cannot be written.
        """
        check_run_id(run_id)
        now_ms = self._now_ms()
        with self._changing() as connection:
            for path in paths:
                stored = read_review_at(connection, run_id, path)
                if stored is not None and _settled(connection, stored, now_ms).decision is None:
                    save_review_decision(connection, stored.review_id, withdrawal(reason, now_ms))

    def decide_review(
        self,
        review_id: str,
        value: JsonValue,
        *,
        channel: ReviewChannel,
        reviewer: str,
        rationale: str = "",
    ) -> ReviewRecord:
        """Store a person's answer unless a decision stands already, and return the question with the one that stands.

        Raises:
            RunError: There is no such question, or its run is over.
            ContractViolation: The answer does not fit the question, which still waits.
            JournalError: The file cannot be written.
        """
        now_ms = self._now_ms()
        with self._changing() as connection:
            stored = read_review(connection, check_review_id(review_id))
            if stored is None:
                raise RunError(f"there is no question {review_id}", remedy="list the questions of the run")
            standing = _settled(connection, stored, now_ms)
            if standing.decision is not None:
                return standing
            run = _run(connection, stored.run_id)
            if run.state in _OVER:
                raise RunError(
                    f"run {run.run_id} is {run.state.replace('_', ' ')}: nobody waits for this answer any more",
                    remedy="plan again to ask again",
                    detail={"state": run.state},
                )
            decision = ReviewDecision(
                value=check_answer(stored, value, rationale),
                channel=channel,
                reviewer=reviewer,
                rationale=rationale,
                at_ms=now_ms,
            )
            save_review_decision(connection, review_id, decision)
        return replace(stored, decision=decision)

    def reviews(self, run_id: str) -> tuple[ReviewRecord, ...]:
        """Return every question of a run in the order of asking, each as it stands now.

        Raises:
            RunError: The id could not name a run.
            JournalError: The file cannot be read.
        """
        check_run_id(run_id)
        now_ms = self._now_ms()
        with self._reading() as connection:
            return tuple(as_of(review, now_ms) for review in read_reviews(connection, run_id))

    def _has_lapsed(self, decision: ApprovalRecord) -> bool:
        """Return whether a yes has expired before it was used, so that a person may be asked again."""
        unused = decision.decision == "approved" and decision.consumed_by is None
        return unused and decision.expires_at_ms <= self._now_ms()


def _plan(connection: sqlite3.Connection, plan_id: str) -> PlanRecord:
    plan = read_plan(connection, check_plan_id(plan_id))
    if plan is None:
        raise PlanError(f"there is no plan {plan_id}", remedy="plan first; the reply holds the plan's id")
    return plan


def _settled(connection: sqlite3.Connection, review: ReviewRecord, now_ms: int) -> ReviewRecord:
    """Return a question as it stands; a lapse that nobody has written down yet is written down now."""
    standing = as_of(review, now_ms)
    if review.decision is None and standing.decision is not None:
        save_review_decision(connection, review.review_id, standing.decision)
    return standing


def _run(connection: sqlite3.Connection, run_id: str) -> RunRecord:
    run = read_run(connection, check_run_id(run_id))
    if run is None:
        raise RunError(f"there is no run {run_id}", remedy="`stratum runs` lists them")
    return run


def _usable(
    approval: ApprovalRecord | None, plan: PlanRecord, cap_nusd: int | None, now_ms: int, *, approve: str
) -> ApprovalRecord:
    """Return the approval if it may start the run now; `approve` is the command that gives one."""
    if plan.expires_at_ms <= now_ms:
        raise PlanError(f"plan {plan.plan_id} has expired", remedy="plan again: prices and inputs may differ")
    if approval is None:
        raise NeedsApproval(
            f"nobody has agreed to plan {plan.plan_id} yet",
            remedy=f"the person who pays can agree with: {approve}",
            detail={"plan_id": plan.plan_id},
        )
    if approval.decision != "approved":
        raise ApprovalError(
            f"plan {plan.plan_id} was {approval.decision} by {approval.principal}",
            remedy="a no is final; change what was refused and plan again",
            detail={"plan_id": plan.plan_id, "state": "declined"},
        )
    if approval.expires_at_ms <= now_ms:
        raise ApprovalError(
            f"the approval of plan {plan.plan_id} has expired",
            remedy=f"ask again: {approve}",
        )
    if approval.plan_hash != plan.plan_hash:
        raise _other_hash(plan, approval.plan_hash)
    if approval.cap_nusd != cap_nusd:
        raise ApprovalError(
            f"plan {plan.plan_id} was approved for at most {_money(approval.cap_nusd)}, not {_money(cap_nusd)}",
            remedy="run it under the approved cap, or plan again",
        )
    return approval


def _other_hash(plan: PlanRecord, plan_hash: str) -> ApprovalError:
    return ApprovalError(
        f"an approval of plan {plan.plan_id} is about the hash {plan.plan_hash}, not {plan_hash}",
        remedy="something it binds has changed; plan again",
    )


def _money(cap_nusd: int | None) -> str:
    return "any amount" if cap_nusd is None else format_usd(cap_nusd)
