"""The runner: the process that does the paid work of one run and outlives whoever started it.

It is started with a state directory and a run id and finds everything else on disk: the plan in the control file,
progress in the run's journal. Commands reach it only as rows in the control file and as SIGTERM; both stop new
requests and let those in flight settle, so that a drained run has nothing possibly paid.

    python -m stratum_core.runtime.worker --state-dir DIR --run RUN_ID [--parent PID] [--memory-mb MB]
    python -m stratum_core.runtime.worker --state-dir DIR --warm-for PLAN_ID --wait-s SECONDS ...   (see _warming.py)
"""

from __future__ import annotations

import argparse
import contextlib
import logging
import os
import random
import sys
from dataclasses import dataclass, replace
from pathlib import Path

import anyio

from stratum_core.errors import JournalBusy, JournalError, StratumError
from stratum_core.journal import AnswerCache, ControlStore, RunJournal, RunRecord, RunReviews
from stratum_core.llm import (
    CLAUDE_CLI_PREFIX,
    OFFLINE_MODEL,
    ClaudeCliClient,
    LitellmClient,
    ModelClient,
    endpoint_variables,
)
from stratum_core.llm.offline import OfflineClient
from stratum_core.money import Nusd
from stratum_core.plan import reopen_reused
from stratum_core.runtime._answers import Answers
from stratum_core.runtime._context import RunContext
from stratum_core.runtime._ending import (
    charged_nusd,
    fault_receipt,
    finish,
    innermost,
    left_to_write,
    noted_head,
    remember,
    write_again,
)
from stratum_core.runtime._export import RunExport
from stratum_core.runtime._job import Job, open_job, open_journal
from stratum_core.runtime._orders import obey_cancel, obey_commands, obey_memory_limit, obey_signals
from stratum_core.runtime._run import RunOutcome, run_program
from stratum_core.runtime._tally import Tally
from stratum_core.runtime._warming import require_planned, take_log, wait_for_run
from stratum_core.specs import InferSpec

__all__ = ["main"]

_log = logging.getLogger("stratum.runner")
_EXIT_FAULT = 70
_EXIT_UNTOLD = 74
_EXIT_BUSY = 75


def main(arguments: list[str] | None = None) -> int:
    """Run one run to its end and return the exit status.

    0: it ended, or no run came to a runner that was started ahead; 70: it failed, and the control file says how; 74: it
    failed, and that could not be written down; 75: another runner has it.
    """
    options = _parser().parse_args(arguments)
    logging.basicConfig(
        stream=sys.stderr, level=logging.WARNING, format="%(asctime)s %(levelname)s %(message)s"
    )
    environ = _taken_environment()
    run_id: str = options.run or wait_for_run(environ, wait_s=options.wait_s, memory_mb=options.memory_mb)
    if not run_id:
        return 0
    try:
        control = ControlStore.open(options.state_dir)
        run = control.run(run_id)
        if options.warm_for:
            require_planned(run, options.warm_for)
            take_log(options.state_dir, run.run_id)
    except StratumError as fault:
        _log.error("%s: %s", fault.code, fault)
        return _EXIT_UNTOLD
    leash = _Leash(parent=options.parent, memory_mb=options.memory_mb)
    try:
        anyio.run(_work, options.state_dir, control, run, environ, leash)
    except Exception as raised:  # noqa: BLE001 - the one who waits for the run is told why it ended
        fault = innermost(raised)
        if isinstance(fault, JournalBusy) and "run_id" in fault.detail:
            return _EXIT_BUSY
        _log.exception("run %s ended in a fault", run.run_id)
        return _told(control, run, fault)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="stratum run-worker", description="Do the paid work of one run.")
    parser.add_argument("--state-dir", type=Path, required=True)
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument("--run", metavar="RUN_ID")
    which.add_argument(
        "--warm-for",
        metavar="PLAN_ID",
        help="import first, then wait on stdin for the id of a run of this plan",
    )
    parser.add_argument("--wait-s", type=float, default=0.0, help="of --warm-for: how long")
    parser.add_argument(
        "--parent", type=int, help="stop when this process, which started the runner, is gone"
    )
    parser.add_argument("--memory-mb", type=int, help="stop when the runner holds more memory than this")
    return parser


def _taken_environment() -> dict[str, str]:
    """Return the environment, and take the addresses of providers out of this process's own.

    Requests go where the plan says and nowhere else, also for a library that looks at its environment when imported.
    """
    environ = dict(os.environ)
    for name in endpoint_variables(environ):
        del os.environ[name]
    return environ


@dataclass(frozen=True, slots=True, kw_only=True)
class _Leash:
    """What ends the run beside its own limits."""

    parent: int | None
    memory_mb: int | None


def _told(control: ControlStore, run: RunRecord, fault: BaseException) -> int:
    """Write down how the runner failed, where that is possible: the disk may be what failed."""
    try:
        charged = charged_nusd(control.path.parent, run)
        control.update_run(run.run_id, state="failed", receipt=fault_receipt(fault), charged_nusd=charged)
    except (StratumError, OSError) as second:
        _log.error("that could not be written to the control file: %s", second)
        return _EXIT_UNTOLD
    return _EXIT_FAULT


async def _work(
    state_dir: Path, control: ControlStore, run: RunRecord, environ: dict[str, str], leash: _Leash
) -> None:
    """Open the plan and walk its flow to an end; again when a person has answered while everything else went on."""
    job = open_job(state_dir, control, run, environ=environ, parent=leash.parent, memory_mb=leash.memory_mb)
    while await _walk(job):
        job = replace(job, run=control.run(run.run_id))


async def _walk(job: Job) -> bool:
    """Open the journal, run, and write the end down; return whether it can go on at once."""
    run_id = job.run.run_id
    left = left_to_write(job)
    journal = open_journal(job)
    reviews = RunReviews(job.control, run_id)
    export = RunExport(job.environ)
    tally: Tally | None = None
    try:
        if left is not None:
            state, receipt = left.state, write_again(job, left)
        else:
            job.control.update_run(run_id, state="running")
            context = _context(job, journal, reviews, export)
            tally = context.tally
            outcome = await _run_until_told(job, context)
            state, receipt = outcome.state, finish(job, outcome)
        if state == "waiting":
            receipt["waiting_for"] = list(reviews.open_ids)
        await export.close()
        await journal.close(state=state, data=receipt)
    except BaseException:
        with anyio.CancelScope(shield=True), contextlib.suppress(JournalError):
            await journal.close()
        with anyio.CancelScope(shield=True):
            await export.close()
        raise
    try:
        charged = charged_nusd(job.state_dir, job.run)
        noted = {**receipt, **noted_head(job.state_dir, job.run)}
        job.control.update_run(run_id, state=state, receipt=noted, charged_nusd=charged)
        if tally is not None:
            remember(job, tally, state=state, charged_nusd=charged)
    except (StratumError, OSError) as fault:  # the journal has the end, and is believed first
        _log.warning("the end of run %s could not be copied to the control file: %s", run_id, fault)
    return state == "waiting" and reviews.answered_since()


def _context(job: Job, journal: RunJournal, reviews: RunReviews, export: RunExport) -> RunContext:
    """Return the shared state of one walk, with the effects a runner has."""
    return RunContext(
        program=job.plan.program,
        journal=journal,
        client_for=_clients(job),
        prices=job.prices,
        default_model=job.plan.default_model,
        registered=job.plan.registry,
        environ=job.environ,
        reviews=reviews,
        answers=_answers(job),
        possibly_paid=job.plan.possibly_paid,
        jitter=random.random,
        tracer=export.tracer,
    )


async def _run_until_told(job: Job, context: RunContext) -> RunOutcome:
    """Run the flow while listening for commands; one that is there already lets nothing be sent at all."""
    flow = job.plan.program.flows[job.plan.flow]
    budget = replace(
        job.plan.options.counted_caps(flow),
        nusd=None if job.run.cap_nusd is None else Nusd(job.run.cap_nusd),
    )
    ended: list[RunOutcome] = []
    faults: list[JournalError] = []
    obey_cancel(job, context)
    async with anyio.create_task_group() as group:
        group.start_soon(obey_signals, context)
        group.start_soon(obey_commands, job, context)
        group.start_soon(obey_memory_limit, job, context)
        try:
            await _warm(job, context)
            ended.append(
                await run_program(context, flow=job.plan.flow, inputs=job.plan.inputs, budget=budget)
            )
        except JournalError as fault:
            faults.append(fault)
        group.cancel_scope.cancel()
    if faults:
        raise faults[0]
    return ended[0]


async def _warm(job: Job, context: RunContext) -> None:
    """Load what sends, so that the seconds this takes do not lie between a reservation and its request."""
    models = {
        model
        for model in job.plan.models.values()
        if not model.startswith((OFFLINE_MODEL, CLAUDE_CLI_PREFIX))
    }
    client = context.client_for(next(iter(models), OFFLINE_MODEL))
    if isinstance(client, LitellmClient) and context.stopped is None:
        await client.warm()


def _answers(job: Job) -> Answers:
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


def _clients(job: Job) -> _Clients:
    """Return what answers for each model id."""
    return _Clients(
        providers=LitellmClient(job.environ, api_bases=job.plan.endpoints),
        login=ClaudeCliClient(job.environ, prices=job.prices, api_bases=job.plan.endpoints),
        offline=OfflineClient(seed=job.plan.options.seed or 0),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Clients:
    """Picks the client of a model id."""

    providers: ModelClient
    login: ModelClient
    offline: ModelClient

    def __call__(self, model: str) -> ModelClient:
        if model == OFFLINE_MODEL:
            return self.offline
        return self.login if model.startswith(CLAUDE_CLI_PREFIX) else self.providers


if __name__ == "__main__":
    sys.exit(main())
