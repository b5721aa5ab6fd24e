"""The runner: the process that does the paid work of one run and outlives whoever started it.

It is started with a state directory and a run id and finds everything else on disk: the plan in the control file,
progress in the run's journal. Commands reach it only as rows in the control file and as SIGTERM; both stop new
requests and let those in flight settle, so that a drained run has nothing possibly paid.

    python -m stratum_core.runtime.worker --state-dir DIR --run RUN_ID [--parent PID]
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import random
import signal
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import anyio

from stratum_core.budget import Budget
from stratum_core.contracts import JsonValue
from stratum_core.errors import JournalBusy, JournalError, StratumError
from stratum_core.journal import AnswerCache, ControlStore, RunJournal, RunRecord, RunReviews
from stratum_core.llm import LitellmClient, ModelClient, PriceTable
from stratum_core.llm.offline import OfflineClient
from stratum_core.money import Nusd
from stratum_core.plan import ReopenedPlan, reopen, reopen_reused
from stratum_core.runtime._answers import Answers
from stratum_core.runtime._context import RunContext
from stratum_core.runtime._output import write_result
from stratum_core.runtime._run import RunOutcome, run_program
from stratum_core.specs import InferSpec

__all__ = ["main"]

_log = logging.getLogger("stratum.runner")
_COMMAND_POLL_S = 0.25
_EXIT_BUSY = 75
_EXIT_FAULT = 70


@dataclass(frozen=True, slots=True, kw_only=True)
class _Job:
    """Everything one runner works with."""

    state_dir: Path
    control: ControlStore
    run: RunRecord
    plan: ReopenedPlan
    prices: PriceTable
    environ: Mapping[str, str]
    parent: int | None
    """The process whose end ends the run; None: it goes on without whoever started it."""


def main(arguments: list[str] | None = None) -> int:
    """Run one run to its end and return the exit status: 0 ended, 75 another runner has it, 70 a fault."""
    parser = argparse.ArgumentParser(prog="stratum run-worker", description="Do the paid work of one run.")
    parser.add_argument("--state-dir", type=Path, required=True)
    parser.add_argument("--run", required=True)
    parser.add_argument(
        "--parent", type=int, help="stop when this process, which started the runner, is gone"
    )
    options = parser.parse_args(arguments)
    logging.basicConfig(
        stream=sys.stderr, level=logging.WARNING, format="%(asctime)s %(levelname)s %(message)s"
    )
    try:
        control = ControlStore.open(options.state_dir)
        run = control.run(options.run)
    except StratumError as fault:
        _log.error("%s: %s", fault.code, fault)
        return _EXIT_FAULT
    try:
        anyio.run(_work, options.state_dir, control, run, options.parent)
    except JournalBusy:
        return _EXIT_BUSY
    except Exception as fault:  # noqa: BLE001 - the one who waits for the run is told why it ended
        _log.exception("run %s ended in a fault", run.run_id)
        control.update_run(run.run_id, state="failed", receipt=_fault_receipt(fault))
        return _EXIT_FAULT
    return 0


def _fault_receipt(fault: Exception) -> dict[str, JsonValue]:
    """Return what stands in the control file when the runner itself failed: the journal cannot tell."""
    if isinstance(fault, StratumError):
        return {"error": str(fault), "code": fault.code}
    shown = f"{type(fault).__name__}: {fault}"[:400]
    return {"error": f"the runner failed ({shown}); its log stands beside the run's journal", "code": "fault"}


async def _work(state_dir: Path, control: ControlStore, run: RunRecord, parent: int | None) -> None:
    """Open the plan and walk its flow to an end; again when a person has answered while everything else went on."""
    record, environ = control.plan(run.plan_id).record, dict(os.environ)
    prices = environ.get("STRATUM_PRICES")
    job = _Job(
        state_dir=state_dir,
        control=control,
        run=run,
        plan=reopen(record),
        prices=PriceTable.load(Path(prices)) if prices else PriceTable.load(),
        environ=environ,
        parent=parent,
    )
    while await _walk(job):
        pass


async def _walk(job: _Job) -> bool:
    """Open the journal, run, and write the end down; return whether it can go on at once."""
    run_id = job.run.run_id
    journal = RunJournal.open(job.state_dir, run_id, create=True)
    job.control.update_run(run_id, state="running")
    reviews = RunReviews(job.control, run_id)
    context = RunContext(
        program=job.plan.program,
        journal=journal,
        client_for=_clients(job),
        prices=job.prices,
        default_model=job.plan.default_model,
        registered=job.plan.registry,
        environ=job.environ,
        reviews=reviews,
        answers=_answers(job),
        jitter=random.random,
    )
    try:
        outcome = await _run_until_told(job, context)
    except BaseException:
        with anyio.CancelScope(shield=True):
            await journal.close()
        raise
    receipt = _finish(job, outcome)
    if outcome.state == "waiting":
        receipt["waiting_for"] = list(reviews.open_ids)
    await journal.close(state=outcome.state, data=receipt)
    job.control.update_run(run_id, state=outcome.state, receipt=receipt)
    return outcome.state == "waiting" and reviews.answered_since()


async def _run_until_told(job: _Job, context: RunContext) -> RunOutcome:
    """Run the flow while listening for commands."""
    flow = job.plan.program.flows[job.plan.flow]
    budget = Budget(
        nusd=None if job.run.cap_nusd is None else Nusd(job.run.cap_nusd),
        tokens=None if flow.budget is None else flow.budget.tokens,
    )
    ended: list[RunOutcome] = []
    faults: list[JournalError] = []
    async with anyio.create_task_group() as group:
        group.start_soon(_obey_signals, context)
        group.start_soon(_obey_commands, job, context)
        try:
            ended.append(
                await run_program(context, flow=job.plan.flow, inputs=job.plan.inputs, budget=budget)
            )
        except JournalError as fault:
            faults.append(fault)
        group.cancel_scope.cancel()
    if faults:
        raise faults[0]
    return ended[0]


async def _obey_signals(context: RunContext) -> None:
    """Turn SIGTERM, SIGINT and the loss of the terminal into a drain."""
    with anyio.open_signal_receiver(signal.SIGTERM, signal.SIGINT, signal.SIGHUP) as received:
        async for _ in received:
            context.stop(
                "interrupted",
                "the runner was asked to stop; what was in flight is settled",
                remedy="`resume` goes on where it stopped",
            )


async def _obey_commands(job: _Job, context: RunContext) -> None:
    """Watch the control file for a cancel, and the process whose end is to be the run's."""
    while True:
        if job.parent is not None and os.getppid() != job.parent:
            context.stop(
                "interrupted",
                "whoever started the run is gone; what was in flight is settled",
                remedy="`resume` goes on where it stopped",
            )
        try:
            commands = await anyio.to_thread.run_sync(job.control.commands, job.run.run_id)
        except JournalError as fault:  # paid work does not end because a shared file was busy for once
            _log.warning("commands could not be read: %s", fault)
            commands = ()
        if any(command.kind == "cancel" for command in commands):
            context.stop("cancelled", "cancelled by a person; what was in flight is settled")
        await anyio.sleep(_COMMAND_POLL_S)


def _answers(job: _Job) -> Answers:
    """Return the answers the run need not buy: of the run its plan reuses, and of other runs where a function asks."""
    shares = any(
        isinstance(function, InferSpec) and function.cache == "global"
        for function in job.plan.program.functions.values()
    )
    pin = job.plan.reused
    return Answers(
        reused={} if pin is None else reopen_reused(job.state_dir, pin).answers,
        store=AnswerCache.open(job.state_dir) if shares else None,
    )


def _clients(job: _Job) -> _Clients:
    """Return what answers for each model id."""
    return _Clients(LitellmClient(job.environ), OfflineClient(seed=job.plan.options.seed or 0))


@dataclass(frozen=True, slots=True)
class _Clients:
    """Picks the client of a model id."""

    providers: ModelClient
    offline: ModelClient

    def __call__(self, model: str) -> ModelClient:
        return self.offline if model == "offline" else self.providers


def _finish(job: _Job, outcome: RunOutcome) -> dict[str, JsonValue]:
    """Write the result files and return the receipt that stands with the run's end."""
    value = outcome.value if outcome.value is not None else _partial_value(outcome)
    result_path = job.state_dir / "runs" / f"{job.run.run_id}.result.json"
    text = json.dumps(value, ensure_ascii=False)
    descriptor = os.open(result_path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
    receipt: dict[str, JsonValue] = {
        "state": outcome.state,
        "census": outcome.census,
        "error": outcome.error,
        "result_path": str(result_path),
        "out": "",
    }
    if job.plan.out is not None and value is not None:
        try:
            write_result(job.plan.out, value)
            receipt["out"] = str(job.plan.out)
        except StratumError as fault:
            receipt["error"] = f"{outcome.error}; {fault}" if outcome.error else str(fault)
    return receipt


def _partial_value(outcome: RunOutcome) -> JsonValue:
    """Return the finished items of a run that stopped early: the one list there is, or all by step."""
    kept = [items for items in outcome.partial.values() if items]
    if not kept:
        return None
    return kept[0] if len(kept) == 1 else cast("JsonValue", dict(outcome.partial))


if __name__ == "__main__":
    sys.exit(main())
