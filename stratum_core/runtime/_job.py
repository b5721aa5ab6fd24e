"""What a runner opens before it works: the plan that was approved, the prices it was made with, and the journal.

Nothing here is taken on trust from the control file: a record whose hash, cap or prices are not those the run was
created with does not open, and a run that was started before does not go on without its journal.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from stratum_core.errors import JournalError, PlanError, RunError
from stratum_core.journal import ControlStore, Purse, RunJournal, RunRecord
from stratum_core.llm import PriceTable
from stratum_core.plan import ReopenedPlan, reopen, require_as_approved

__all__ = ["Job", "open_job", "open_journal"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """Everything one runner works with."""

    state_dir: Path
    control: ControlStore
    run: RunRecord
    plan: ReopenedPlan
    prices: PriceTable
    environ: Mapping[str, str]
    parent: int | None
    """The process whose end ends the run; None: it goes on without whoever started it."""
    memory_mb: int | None
    """What the runner may hold, in MiB; None: no limit."""

    @property
    def result_path(self) -> Path:
        """The private file that holds the whole result."""
        return self.state_dir / "runs" / f"{self.run.run_id}.result.json"


def open_job(
    state_dir: Path,
    control: ControlStore,
    run: RunRecord,
    *,
    environ: Mapping[str, str],
    parent: int | None,
    memory_mb: int | None = None,
) -> Job:
    """Open a run's plan as it was approved.

    Raises:
        PlanError: The record, its files or the prices are not those of the approval.
        ConfigurationError: The price file cannot be read.
    """
    record = control.plan(run.plan_id).record
    named = environ.get("STRATUM_PRICES")
    prices = PriceTable.load(Path(named)) if named else PriceTable.load()
    require_as_approved(
        record, plan_hash=run.plan_hash, cap_nusd=run.planned_cap_nusd, price_version=prices.version
    )
    _require_raised(run, control)
    return Job(
        state_dir=state_dir.resolve(),
        control=control,
        run=run,
        plan=reopen(record),
        prices=prices,
        environ=environ,
        parent=parent,
        memory_mb=memory_mb,
    )


def _require_raised(run: RunRecord, control: ControlStore) -> None:
    """Refuse a cap that is not the plan's and that no person has agreed to.

    Raises:
        PlanError: There is no used-up yes to this cap for this run and plan.
    """
    if run.cap_nusd == run.planned_cap_nusd:
        return
    raises = Purse(control.path, clock=time.time).raises(run.run_id)
    used = [answer for answer in raises if answer.used_at_ms is not None and answer.decision == "approved"]
    if not used or (used[-1].cap_nusd, used[-1].plan_hash) != (run.cap_nusd, run.plan_hash):
        raise PlanError(
            f"the cap of run {run.run_id} was changed, and nobody agreed to that; nothing was called",
            remedy="plan again, and look at what has access to the state directory",
        )


def open_journal(job: Job) -> RunJournal:
    """Open the run's journal, which is made only for a run that was never started.

    Raises:
        JournalBusy: Another runner has the run.
        JournalError: The run was started before and its journal is gone, or it cannot be used.
    """
    run = job.run
    try:
        return RunJournal.open(job.state_dir, run.run_id, create=run.started_at_ms is None)
    except RunError as gone:
        raise JournalError(
            f"the record of what was paid is gone; run {run.run_id} is not resumed ({gone.message})",
            remedy="put the file back; without it plan again, and count what this run used as spent",
        ) from gone
