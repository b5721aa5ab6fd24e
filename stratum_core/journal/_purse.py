"""The purse: what runs hold of the operator's limits, and answers that give a run more money.

Stands over the same control file as the plans and approvals. A cap is raised, its answer used up and the difference
reserved in one transaction, so that one yes raises one cap once, and never past a limit.
"""

from __future__ import annotations

import sqlite3
from dataclasses import replace

from stratum_core.errors import ApprovalError, BudgetExceeded, NeedsApproval, RunError
from stratum_core.journal._control_file import ControlFile
from stratum_core.journal._control_tables import read_run
from stratum_core.journal._holds import (
    Claim,
    Hold,
    Spent,
    charged_before,
    day_of,
    is_held,
    read_holds,
    refusal,
    release,
    reserve,
    spent_by_project,
    spent_on,
)
from stratum_core.journal._ids import check_run_id
from stratum_core.journal._raises import RaiseRecord, insert_raise, read_raises, use_raise
from stratum_core.journal._records import Channel, RunRecord
from stratum_core.money import format_usd

__all__ = ["Purse"]


class Purse(ControlFile):
    """Holds and raises in the control file."""

    def holds(self) -> tuple[Hold, ...]:
        """Return what runs hold now, oldest first.

        Raises:
            JournalError: The file cannot be read.
        """
        with self._reading() as connection:
            return read_holds(connection)

    def spent_today(self) -> tuple[str, Spent]:
        """Return the day in UTC and what counts on it.

        Raises:
            JournalError: The file cannot be read.
        """
        day = day_of(self._now_ms())
        with self._reading() as connection:
            return day, spent_on(connection, day)

    def spent_by(self, project: str) -> Spent:
        """Return what counts for a project, ever.

        Raises:
            JournalError: The file cannot be read.
        """
        with self._reading() as connection:
            return spent_by_project(connection, project)

    def refusal(self, nusd: int | None, claim: Claim) -> BudgetExceeded | None:
        """Return why so much could not be reserved now, or None; nothing is reserved.

        Raises:
            JournalError: The file cannot be read.
        """
        with self._reading() as connection:
            return refusal(connection, nusd, claim, self._now_ms())

    def release(self, run_id: str, *, charged_nusd: int) -> None:
        """Give back what a run that has ended holds beyond what it was charged; nothing when it holds nothing.

        Args:
            run_id: The run.
            charged_nusd: What it was charged in all, possibly paid calls at their worst case.

        Raises:
            JournalError: The file cannot be written.
        """
        with self._changing() as connection:
            release(connection, check_run_id(run_id), charged_nusd, self._now_ms())

    def reserve_rest(self, run_id: str, claim: Claim) -> None:
        """Let a run that had ended hold the rest of its cap again before it goes on; one that never held has no need.

        Raises:
            RunError: There is no such run.
            BudgetExceeded: The rest does not fit a limit now.
            JournalError: The file cannot be written.
        """
        with self._changing() as connection:
            run = _run(connection, run_id)
            if not is_held(connection, run_id) and _has_held(connection, run_id):
                rest = max(0, (run.cap_nusd or 0) - charged_before(connection, run_id))
                reserve(connection, run_id, rest, claim, self._now_ms())

    def raises(self, run_id: str) -> tuple[RaiseRecord, ...]:
        """Return every answer to whether a run may have more, oldest first.

        Raises:
            RunError: The id could not name a run.
            JournalError: The file cannot be read.
        """
        with self._reading() as connection:
            return read_raises(connection, check_run_id(run_id))

    def standing_raise(self, run_id: str) -> RaiseRecord | None:
        """Return the answer that stands about a run's cap of now, or None when a person has still to be asked.

        Raises:
            RunError: There is no such run.
            JournalError: The file cannot be read.
        """
        with self._reading() as connection:
            return self._standing(connection, _run(connection, run_id))

    def record_raise(self, answer: RaiseRecord) -> RaiseRecord:
        """Store an answer unless one stands already, and return the one that stands; a no is final for the run.

        Raises:
            RunError: There is no such run.
            ApprovalError: It is about another plan hash, or the cap is not above the one the run has.
            JournalError: The file cannot be written.
        """
        with self._changing() as connection:
            run = _run(connection, answer.run_id)
            standing = self._standing(connection, run)
            if standing is not None:
                return standing
            if answer.plan_hash != run.plan_hash or answer.from_nusd != run.cap_nusd:
                raise ApprovalError(
                    f"the answer about run {run.run_id} is about another plan or cap than the run's",
                    remedy="ask again",
                )
            if answer.decision == "approved" and answer.cap_nusd <= (run.cap_nusd or 0):
                raise ApprovalError(
                    f"{format_usd(answer.cap_nusd)} is not above the {format_usd(run.cap_nusd or 0)} that run "
                    f"{run.run_id} may cost already",
                    remedy="name the whole cap it is to have from now on",
                )
            insert_raise(connection, answer)
        return answer

    def revoke_raise(
        self, run_id: str, *, raise_id: str, channel: Channel, principal: str, note: str
    ) -> RaiseRecord:
        """Take back a yes to a higher cap that has not been used, for good.

        Raises:
            RunError: There is no such run.
            ApprovalError: There is no yes that stands.
            JournalError: The file cannot be written.
        """
        with self._changing() as connection:
            standing = self._standing(connection, _run(connection, run_id))
            if standing is None or standing.decision != "approved":
                raise ApprovalError(
                    f"run {run_id} has no yes to a higher cap that could be taken back",
                    remedy=f"look at it: {self._command('show', run_id)}",
                )
            taken = replace(
                standing,
                raise_id=raise_id,
                decision="revoked",
                channel=channel,
                principal=principal,
                note=note,
                at_ms=self._now_ms(),
            )
            insert_raise(connection, taken)
        return taken

    def raise_cap(self, run_id: str, claim: Claim | None) -> RunRecord:
        """Raise a run's cap to what was approved, use the approval up and reserve the difference; return the run.

        Args:
            run_id: The run, which has come to its cap and is not at work.
            claim: What the difference is reserved from; None: the run spends no real money.

        Raises:
            RunError: There is no such run.
            NeedsApproval: Nobody has answered yet, or the yes has expired.
            ApprovalError: The answer was no.
            BudgetExceeded: The difference does not fit a limit; the approval is not used up.
            JournalError: The file cannot be written.
        """
        now_ms = self._now_ms()
        with self._changing() as connection:
            run = _run(connection, run_id)
            answer = self._standing(connection, run)
            if answer is None:
                approve = self._command("approve", run_id)
                raise NeedsApproval(
                    f"nobody has agreed to a higher cap for run {run_id} yet",
                    remedy=f"the person who pays can, in their own terminal: {approve} --cap USD",
                    detail={"run_id": run_id},
                )
            if answer.decision != "approved":
                raise ApprovalError(
                    f"more money for run {run_id} was {answer.decision} by {answer.principal}",
                    remedy="a no is final; plan again if they ask for it, with `reuse` to keep what was paid for",
                    detail={"run_id": run_id, "state": "declined"},
                )
            use_raise(connection, answer, now_ms)
            if claim is not None:
                release(connection, run_id, run.cap_nusd or 0, now_ms)
                rest = max(0, answer.cap_nusd - charged_before(connection, run_id))
                reserve(connection, run_id, rest, claim, now_ms)
            return _run(connection, run_id)

    def _standing(self, connection: sqlite3.Connection, run: RunRecord) -> RaiseRecord | None:
        """Return the last answer that is not used up, has not expired and is about the run's cap of now; or a no."""
        last = next(iter(reversed(read_raises(connection, run.run_id))), None)
        if last is None or last.decision != "approved":
            return last
        if last.used_at_ms is not None or last.from_nusd != run.cap_nusd:
            return None
        return last if last.expires_at_ms > self._now_ms() else None


def _has_held(connection: sqlite3.Connection, run_id: str) -> bool:
    return connection.execute("SELECT 1 FROM holds WHERE run_id = ?", (run_id,)).fetchone() is not None


def _run(connection: sqlite3.Connection, run_id: str) -> RunRecord:
    run = read_run(connection, check_run_id(run_id))
    if run is None:
        raise RunError(f"there is no run {run_id}", remedy="`stratum runs` lists them")
    return run
