"""From stored records to views: what the control file and a run's journal say, in one flat picture.

Only reads. A run's own journal is believed over the control file, which its runner updates last.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import cast

from stratum_core.contracts import JsonValue
from stratum_core.engine._receipt import progress_line, receipt_line, small_result, waiting_words
from stratum_core.engine._reviews import ReviewView
from stratum_core.engine._views import ApprovalState, PlanView, RunView
from stratum_core.errors import JournalError, RunError
from stratum_core.journal import Progress, RunReader, RunRecord, RunSnapshot, RunState
from stratum_core.money import to_usd

__all__ = ["plan_view", "run_report", "run_view", "unreadable_run"]

_MAX_EVENTS = 10_000
_MAX_QUESTIONS = 10
_RESUMABLE: frozenset[RunState] = frozenset({"interrupted", "stopped_limit", "failed", "waiting"})


def plan_view(
    plan_id: str, record: Mapping[str, JsonValue], approval: ApprovalState, run_id: str
) -> PlanView:
    """Return a stored plan as a surface shows it."""
    figures = cast("Mapping[str, int]", record["figures"])
    return PlanView(
        plan_id=plan_id,
        summary=str(record["summary"]),
        likely_usd=_usd(figures["likely_nusd"]),
        likely_low_usd=_usd(figures["low_nusd"]),
        likely_high_usd=_usd(figures["high_nusd"]),
        at_most_usd=_usd(cast("int", record["at_most_nusd"])),
        simulated=bool(record["simulated"]),
        items=cast("int", record["items"]),
        calls_at_most=figures["worst_requests"],
        approval=approval,
        command=f"stratum approve {plan_id}",
        warnings=_warnings(record),
        run_id=run_id,
    )


def _warnings(record: Mapping[str, JsonValue]) -> tuple[str, ...]:
    """Return the plan's own warnings and those of its document, each a sentence."""
    found = cast("list[Mapping[str, JsonValue]]", record["diagnostics"])
    lines = [f"line {item['line']}: {item['message']}" for item in found if item["severity"] == "warning"]
    return (*cast("list[str]", record["warnings"]), *lines)


def run_view(
    state_dir: Path,
    run: RunRecord,
    *,
    alive: bool,
    simulated: bool,
    fault: str = "",
    waiting: Sequence[ReviewView] = (),
) -> RunView:
    """Return a run as a surface shows it.

    Args:
        state_dir: Where its journal is.
        run: Its row in the control file.
        alive: Whether a live process works on it.
        simulated: Whether its plan uses the offline model, whose dollars are not real.
        fault: How its runner died, when it could not write that down; empty when it did not.
        waiting: Its questions that nobody has answered.
    """
    snapshot = _snapshot(state_dir, run.run_id)
    receipt = _receipt(run, snapshot)
    state = _state(run, snapshot, alive=alive, fault=fault)
    census = cast("Mapping[str, JsonValue]", receipt.get("census") or {})
    result_path = str(receipt.get("result_path") or "")
    result = None if alive else _result(Path(result_path)) if result_path else None
    done, total = _progress(() if snapshot is None else snapshot.progress)
    nusd = 0 if snapshot is None else snapshot.usage.nusd
    error = str(receipt.get("error") or "") or (fault if state == "interrupted" else "")
    out = str(receipt.get("out") or "")
    if alive or state in {"ready", "running"}:
        message = progress_line(
            state=state, done=done, total=total, nusd=nusd, cap_nusd=run.cap_nusd or 0, simulated=simulated
        )
    else:
        counted = census or _bare_census(snapshot)
        message = receipt_line(
            state=state,
            census=counted,
            result=result,
            error=error,
            out=out,
            simulated=simulated,
            questions=len(waiting),
        )
        if state in _RESUMABLE and not (state == "waiting" and waiting):
            message += f" To go on: stratum resume {run.run_id}"
    if waiting:
        message += waiting_words(run.run_id, len(waiting), state=state)
    return RunView(
        run_id=run.run_id,
        plan_id=run.plan_id,
        state=state,
        message=message,
        done=done,
        total=total,
        usd=_usd(nusd),
        cap_usd=_usd(run.cap_nusd or 0),
        simulated=simulated,
        live=alive,
        census=census,
        result=small_result(result, json.dumps(result, ensure_ascii=False)),
        result_path=result_path,
        out=out,
        error=error,
        chain_head="" if snapshot is None else snapshot.chain_head,
        waiting_for=len(waiting),
        questions=tuple(review.to_json() for review in waiting[:_MAX_QUESTIONS]),
    )


def unreadable_run(run: RunRecord, fault: JournalError) -> RunView:
    """Return what the control file knows of a run whose journal cannot be read."""
    return RunView(
        run_id=run.run_id,
        plan_id=run.plan_id,
        state=run.state,
        message=f"Cannot be read: {fault}",
        done=0,
        total=0,
        usd=0.0,
        cap_usd=_usd(run.cap_nusd or 0),
        simulated=False,
        live=False,
        error=str(fault),
    )


def run_report(state_dir: Path, view: RunView) -> JsonValue:
    """Return everything on record about a run, for a person or a tool that wants to look closely."""
    report: dict[str, JsonValue] = {"run": view.to_json(), "attempts": [], "events": []}
    try:
        reader = RunReader.open(state_dir, view.run_id)
    except RunError:
        return report
    with reader:
        report["attempts"] = [
            {
                "path": attempt.path,
                "attempt": attempt.attempt,
                "model": attempt.model,
                "state": attempt.state,
                "nusd": attempt.usage.nusd,
                "tokens": attempt.usage.tokens,
                "request_hash": attempt.request_hash,
            }
            for attempt in reader.attempts()
        ]
        report["events"] = [
            {"seq": event.seq, "at_ms": event.at_ms, "kind": event.kind, "path": event.path}
            for event in reader.events(limit=_MAX_EVENTS)
        ]
    return report


def _snapshot(state_dir: Path, run_id: str) -> RunSnapshot | None:
    """Return what the run's journal says, or None while its runner has not made it."""
    try:
        reader = RunReader.open(state_dir, run_id)
    except RunError:
        return None
    with reader:
        return reader.snapshot()


def _receipt(run: RunRecord, snapshot: RunSnapshot | None) -> Mapping[str, JsonValue]:
    """Return the run's receipt: the journal's when it was closed, else what its last runner could still say."""
    closed: Mapping[str, JsonValue] = (snapshot and snapshot.finished) or {}
    return {**closed, **(run.receipt or {})} if _failed_outside(run) else closed


def _failed_outside(run: RunRecord) -> bool:
    """Return whether a runner failed where it could not write the journal, e.g. before it opened it."""
    return run.state == "failed" and run.receipt is not None and "code" in run.receipt


def _state(run: RunRecord, snapshot: RunSnapshot | None, *, alive: bool, fault: str) -> RunState:
    """Return the state, with the journal and the lock believed over the control file."""
    if alive:
        return "running"
    if run.state == "cancelled" or _failed_outside(run):
        return run.state
    if snapshot is not None:
        return snapshot.state
    return "interrupted" if run.state == "running" or fault else run.state


def _progress(scopes: tuple[Progress, ...]) -> tuple[int, int]:
    """Return items done and in all of the outermost maps."""
    outer = [scope for scope in scopes if "/" not in scope.path]
    return sum(scope.done for scope in outer), sum(scope.total or 0 for scope in outer)


def _bare_census(snapshot: RunSnapshot | None) -> Mapping[str, JsonValue]:
    """Return what is known of a run that had no chance to write its census."""
    if snapshot is None:
        return {}
    done, _ = _progress(snapshot.progress)
    return {
        "items_done": done,
        "nusd": snapshot.usage.nusd,
        "calls_possibly_paid": snapshot.possibly_paid_count,
    }


def _result(path: Path) -> JsonValue:
    """Return the stored result, None when it is gone."""
    try:
        return cast("JsonValue", json.loads(path.read_text("utf-8")))
    except (OSError, ValueError):
        return None


def _usd(nusd: int) -> float:
    return float(to_usd(nusd))
