"""The end of a run: its result on disk, and the receipt that says how it went."""

from __future__ import annotations

import json
import time
import traceback
from pathlib import Path, PurePath
from typing import cast

from stratum_core.contracts import JsonValue
from stratum_core.errors import InputError, JournalError, RunError, StratumError
from stratum_core.journal import RunReader, RunRecord, RunSnapshot, RunState, TrackRecord, outcome_of, work_of
from stratum_core.plan import Roots, stands_there
from stratum_core.runtime._job import Job
from stratum_core.runtime._output import create_file, write_private, write_result
from stratum_core.runtime._run import RunOutcome
from stratum_core.runtime._tally import Tally

__all__ = [
    "charged_nusd",
    "fault_receipt",
    "finish",
    "innermost",
    "left_to_write",
    "noted_head",
    "remember",
    "write_again",
]


def finish(job: Job, outcome: RunOutcome) -> dict[str, JsonValue]:
    """Write the result files and return the receipt that stands with the run's end.

    Raises:
        JournalError: The private result file cannot be written.
    """
    value = outcome.value if outcome.value is not None else _partial_value(outcome)
    write_private(job.result_path, value)
    return {
        "state": outcome.state,
        "census": outcome.census,
        "error": outcome.error,
        "cause": outcome.cause,
        "ran_out": outcome.ran_out,
        "cap_nusd": job.run.cap_nusd,
        "result_path": str(job.result_path),
        **_written(job, value),
        **_kept(job, outcome.state),
    }


def remember(job: Job, tally: Tally, *, state: RunState, charged_nusd: int | None) -> None:
    """Keep what the run showed and what it did cost beside its estimate, for the estimates of later plans.

    A cost counts only of a run that came to its end: what was stopped early says nothing about its estimate.

    Raises:
        JournalError: The control file cannot be written.
    """
    record, run_id = job.control.plan(job.run.plan_id).record, job.run.run_id
    outcome = None
    if state.startswith("completed") and charged_nusd is not None:
        work = work_of(job.plan.program, job.plan.flow, job.plan.models)
        outcome = outcome_of(record, run_id=run_id, work=work, actual_nusd=charged_nusd)
    seen = tally.seen(job.plan.program.ir_hash, job.prices)
    TrackRecord(job.control.path, clock=time.time).keep(run_id, seen=seen, outcome=outcome)


def left_to_write(job: Job) -> RunSnapshot | None:
    """Return the run as its journal has it when its work is done and only `out` could not be written."""
    try:
        reader = RunReader.open(job.state_dir, job.run.run_id)
    except RunError:
        return None
    with reader:
        snapshot = reader.snapshot()
    ended = snapshot.state.startswith("completed") and bool((snapshot.finished or {}).get("out_error"))
    return snapshot if ended else None


def write_again(job: Job, left: RunSnapshot) -> dict[str, JsonValue]:
    """Write the file a completed run could not write, and return its receipt with what became of that.

    Raises:
        JournalError: The run's result is gone.
    """
    try:
        value = cast("JsonValue", json.loads(job.result_path.read_text("utf-8")))
    except (OSError, ValueError) as fault:
        raise JournalError(
            f"the result of run {job.run.run_id} cannot be read from {job.result_path}: {fault}",
            remedy="put the file back",
        ) from fault
    return {**(left.finished or {}), **_written(job, value), **_kept(job, left.state)}


def _written(job: Job, value: JsonValue) -> dict[str, JsonValue]:
    """Write the file the person asked for, and return where it is or why it is not."""
    out = job.plan.out
    if out is None or value is None:
        return {"out": "", "out_error": ""}
    try:
        _require_place(out, job.plan.roots, "the result")
        write_result(out, value)
    except StratumError as fault:
        return {
            "out": "",
            "out_error": f"{fault.message}; the whole result is in {job.result_path}",
        }
    return {"out": str(out), "out_error": ""}


def _kept(job: Job, state: RunState) -> dict[str, JsonValue]:
    """Write the job as Python when it is done and its plan says so; return where it is or why it is not.

    A file that is there is left alone: the run is no less done for it, and the plan's text can be written elsewhere.
    """
    module = job.plan.module
    if module is None or not state.startswith("completed"):
        return {}
    name = module.path.name
    try:
        _require_place(module.path, job.plan.roots, "the job as Python")
        create_file(module.path, module.text)
    except FileExistsError:
        fault = f"{name} is there and differs, so it was left alone"
    except InputError as refused:
        fault = refused.message
    except OSError as refused:
        fault = f"the job as Python cannot be written to {module.path}: {refused.strerror}"
    else:
        fault = ""
    if not fault or stands_there(module.path, module.text):
        return {"module": str(module.path), "module_error": ""}
    return {"module": "", "module_error": f"{fault}; `stratum codegen {job.plan.id} -o FILE` writes it"}


def _require_place(out: Path, roots: tuple[str, ...], what: str) -> None:
    """Refuse to write anywhere but where the plan said.

    Raises:
        InputError: A link on the way leads elsewhere now, or the folder is gone.
    """
    try:
        real = Roots(*roots).locate_output(str(out))
    except InputError as fault:
        raise InputError(f"{what} cannot be written to {out}: {fault.message}") from fault
    if real != out:
        raise InputError(f"{what} cannot be written to {out}: a link on the way leads elsewhere now")


def _partial_value(outcome: RunOutcome) -> JsonValue:
    """Return the finished items of a run that stopped early: the one list there is, or all by step."""
    kept = [items for items in outcome.partial.values() if items]
    if not kept:
        return None
    return kept[0] if len(kept) == 1 else cast("JsonValue", dict(outcome.partial))


def fault_receipt(fault: BaseException) -> dict[str, JsonValue]:
    """Return what stands in the control file when the runner itself failed: the journal cannot tell."""
    if isinstance(fault, StratumError):
        return {"error": str(fault), "code": fault.code}
    frames = traceback.extract_tb(fault.__traceback__)
    place = f" at {PurePath(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""
    error = f"the runner failed ({type(fault).__name__}{place}); its log stands beside the run's journal"
    return {"error": error, "code": "fault"}


def charged_nusd(state_dir: Path, run: RunRecord) -> int | None:
    """Return what a run was charged in all, calls in flight at their worst case; None when its journal cannot tell."""
    try:
        with RunReader.open(state_dir, run.run_id) as reader:
            snapshot = reader.snapshot()
    except RunError:
        return 0 if run.started_at_ms is None else None
    except JournalError:
        return None
    return snapshot.usage.nusd + snapshot.reserved.nusd


def noted_head(state_dir: Path, run: RunRecord) -> dict[str, JsonValue]:
    """Return the head of the run's chain, to stand in the control file: what is changed later shows against it."""
    with RunReader.open(state_dir, run.run_id) as reader:
        return {"chain_head": reader.snapshot().chain_head}


def innermost(error: BaseException) -> BaseException:
    """Return the first error in a group of them: the group's own text says nothing."""
    while isinstance(error, BaseExceptionGroup):
        error = cast("BaseExceptionGroup[BaseException]", error).exceptions[0]
    return error
