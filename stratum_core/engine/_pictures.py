"""From stored records to views: what the control file and a run's journal say, in one flat picture.

Only reads. A run's own journal is believed over the control file, which its runner updates last.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import cast

from stratum_core.approval import channel_meaning
from stratum_core.contracts import JsonValue
from stratum_core.engine._approvals import answered
from stratum_core.engine._receipt import (
    Typed,
    next_line,
    progress_line,
    receipt_line,
    resume_line,
    small_result,
    waiting_words,
)
from stratum_core.engine._removed import is_removed, removed_view
from stratum_core.engine._reviews import ReviewView
from stratum_core.engine._views import EstimateView, PlanView, RunView
from stratum_core.errors import JournalError, RunError
from stratum_core.journal import (
    ApprovalRecord,
    ControlStore,
    PlanRecord,
    Progress,
    RunReader,
    RunRecord,
    RunSnapshot,
    RunState,
)
from stratum_core.money import to_usd
from stratum_core.plan import Estimate

__all__ = [
    "cancel_asked",
    "estimate_view",
    "plan_view",
    "resume_note",
    "run_report",
    "run_view",
    "unreadable_run",
]

_MAX_EVENTS = 10_000
_MAX_QUESTIONS = 10
_RESUMABLE: frozenset[RunState] = frozenset({"ready", "interrupted", "stopped_limit", "waiting"})
"""A cancel is final, so what it ended is planned again; a run that came to its cap goes on under a higher one."""
_PASSING = frozenset(
    {
        "transport_error",
        "quota_error",
        "auth_error",
        "configuration_error",
        "journal_error",
        "journal_busy",
        "plan_error",
        "run_error",
        "fault",
    }
)
"""Causes of a failure that can be gone the next time; a replay would come to any other again."""
_GONE = "the record of what was paid is gone, so the run is not resumed; put its journal back, or plan again"


def plan_view(plan: PlanRecord, standing: ApprovalRecord | None, *, command: str) -> PlanView:
    """Return a stored plan as a surface shows it, with the answer that stands for it and the command that gives one."""
    record = plan.record
    figures = cast("Mapping[str, int]", record["figures"])
    return PlanView(
        plan_id=plan.plan_id,
        summary=str(record["summary"]),
        likely_usd=_usd(figures["likely_nusd"]),
        likely_low_usd=_usd(figures["low_nusd"]),
        likely_high_usd=_usd(figures["high_nusd"]),
        at_most_usd=_usd(cast("int", record["at_most_nusd"])),
        simulated=bool(record["simulated"]),
        items=cast("int", record["items"]),
        calls_at_most=figures["worst_requests"],
        approval="needs_approval" if standing is None else answered(standing).state,
        command=command,
        warnings=_warnings(record),
        run_id="" if standing is None else standing.consumed_by or "",
        channel="" if standing is None else standing.channel,
        channel_meaning="" if standing is None else channel_meaning(standing.channel),
    )


def estimate_view(plan_id: str, estimate: Estimate, *, simulated: bool) -> EstimateView:
    """Return what a plan, or a changed one, would cost as a surface shows it."""
    return EstimateView(
        plan_id=plan_id,
        likely_usd=_usd(estimate.likely_nusd),
        likely_low_usd=_usd(estimate.low_nusd),
        likely_high_usd=_usd(estimate.high_nusd),
        worst_case_usd=_usd(estimate.worst.nusd),
        calls_at_most=estimate.worst.calls,
        basis=estimate.basis,
        accuracy=estimate.accuracy,
        steps=tuple(cast("list[Mapping[str, JsonValue]]", estimate.to_json()["steps"])),
        simulated=simulated,
    )


def _warnings(record: Mapping[str, JsonValue]) -> tuple[str, ...]:
    """Return the plan's own warnings and those of its document, each a sentence."""
    found = cast("list[Mapping[str, JsonValue]]", record["diagnostics"])
    lines = [f"line {item['line']}: {item['message']}" for item in found if item["severity"] == "warning"]
    return (*cast("list[str]", record["warnings"]), *lines)


def cancel_asked(control: ControlStore, run: RunRecord) -> bool:
    """Return whether a person asked a run to stop that has not ended by its own account."""
    if run.state not in {"ready", "running", "interrupted"}:
        return False
    return any(command.kind == "cancel" for command in control.commands(run.run_id))


def run_view(  # noqa: PLR0913 - one argument per fact it tells of
    state_dir: Path,
    run: RunRecord,
    *,
    alive: bool,
    simulated: bool,
    background: bool = True,
    cancelled: bool = False,
    fault: str = "",
    waiting: Sequence[ReviewView] = (),
    typed: Typed,
) -> RunView:
    """Return a run as a surface shows it.

    Args:
        state_dir: Where its journal is.
        run: Its row in the control file.
        alive: Whether a live process works on it.
        simulated: Whether its plan uses the offline model, whose dollars are not real.
        background: Whether it goes on when whoever started it goes away.
        cancelled: Whether a person has asked it to stop.
        fault: How its runner died, when it could not write that down; empty when it did not.
        waiting: Its questions that nobody has answered.
        typed: Makes the command of a verb and an id.
    """
    if is_removed(run):
        return removed_view(run)
    snapshot = _snapshot(state_dir, run.run_id)
    receipt = _receipt(run, snapshot)
    stands = _standing(run, snapshot, receipt, alive=alive, cancelled=cancelled, fault=fault)
    result = None if alive else _result(receipt)
    done, total, nusd = _figures(snapshot, alive=alive)
    view = RunView(
        run_id=run.run_id,
        plan_id=run.plan_id,
        state=stands.state,
        message="",
        done=done,
        total=total,
        usd=_usd(nusd),
        cap_usd=_usd(run.cap_nusd or 0),
        simulated=simulated,
        live=alive,
        census=cast("Mapping[str, JsonValue]", receipt.get("census") or {}),
        result=small_result(result, json.dumps(result, ensure_ascii=False)),
        result_path=str(receipt.get("result_path") or ""),
        out=str(receipt.get("out") or ""),
        out_error=str(receipt.get("out_error") or ""),
        module=str(receipt.get("module") or ""),
        module_error=str(receipt.get("module_error") or ""),
        error=stands.error,
        resumable=stands.resumable,
        needs_cap=stands.needs_cap,
        charged_nusd=nusd,
        background=background,
        chain_head="" if snapshot is None else snapshot.chain_head,
        waiting_for=len(waiting),
        questions=tuple(review.to_json() for review in waiting[:_MAX_QUESTIONS]),
    )
    return replace(view, message=_message(view, run, snapshot, result, typed))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Standing:
    """How a run stands, and whether it can go further."""

    state: RunState
    error: str = ""
    resumable: bool = False
    needs_cap: bool = False


def _standing(
    run: RunRecord,
    snapshot: RunSnapshot | None,
    receipt: Mapping[str, JsonValue],
    *,
    alive: bool,
    cancelled: bool,
    fault: str,
) -> _Standing:
    """Return how a run stands."""
    if snapshot is None and run.started_at_ms is not None and not alive:
        return _Standing(state="failed", error=_GONE)
    state = _state(run, snapshot, alive=alive, cancelled=cancelled, fault=fault)
    error = str(receipt.get("error") or "") or (fault if state == "interrupted" else "")
    resumable = not alive and (bool(receipt.get("out_error")) or _can_go_on(state, receipt, run))
    return _Standing(
        state=state,
        error=error,
        resumable=resumable,
        needs_cap=not alive and not resumable and _came_to_its_cap(state, receipt),
    )


def _message(
    view: RunView, run: RunRecord, snapshot: RunSnapshot | None, result: JsonValue, typed: Typed
) -> str:
    """Return the line about a run: its progress, or its receipt and what to do next."""
    if view.final:
        message = receipt_line(
            state=view.state,
            census=view.census or _bare_census(snapshot),
            result=result,
            error="; ".join(filter(None, (view.error, view.out_error, view.module_error))),
            out=view.out,
            module=view.module,
            simulated=view.simulated,
            questions=view.waiting_for,
        )
        more = next_line(
            view.run_id,
            state=view.state,
            resumable=view.resumable and not (view.state == "waiting" and view.waiting_for),
            needs_cap=view.needs_cap,
            out_error=view.out_error,
            typed=typed,
        )
        message = f"{message.rstrip('.')}. {more}" if more else message
    else:
        message = progress_line(
            state=view.state,
            done=view.done,
            total=view.total,
            nusd=view.charged_nusd,
            reserved_nusd=snapshot.reserved.nusd if snapshot is not None and view.live else 0,
            cap_nusd=run.cap_nusd or 0,
            simulated=view.simulated,
        )
    return (
        message + waiting_words(run.run_id, view.waiting_for, state=view.state, typed=typed)
        if view.waiting_for
        else message
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
        readable=False,
    )


def run_report(state_dir: Path, view: RunView) -> dict[str, JsonValue]:
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


def resume_note(state_dir: Path, view: RunView, run: RunRecord) -> str:
    """Return what a run that is about to be resumed starts from; empty for one that has nothing on record."""
    try:
        reader = RunReader.open(state_dir, view.run_id)
    except RunError:
        return ""
    with reader:
        attempts = reader.attempts()
    return resume_line(
        answered=sum(attempt.state == "answered" for attempt in attempts),
        possibly_paid=sum(attempt.state in {"possibly_paid", "open"} for attempt in attempts),
        nusd=sum(attempt.usage.nusd for attempt in attempts),
        cap_nusd=run.cap_nusd or 0,
        simulated=view.simulated,
    )


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
    return {**closed, **(run.receipt or {})} if _failed_outside(run, snapshot) else closed


def _failed_outside(run: RunRecord, snapshot: RunSnapshot | None) -> bool:
    """Return whether a runner failed where it could not write the journal, e.g. before it opened it."""
    if snapshot is not None and snapshot.state.startswith("completed"):
        return False
    return run.state == "failed" and run.receipt is not None and "code" in run.receipt


def _state(
    run: RunRecord, snapshot: RunSnapshot | None, *, alive: bool, cancelled: bool, fault: str
) -> RunState:
    """Return the state, with the journal and the lock believed over the control file."""
    if alive:
        return "running"
    if run.state == "cancelled" or _failed_outside(run, snapshot):
        return run.state
    if cancelled and (snapshot is None or snapshot.state == "interrupted"):
        return "cancelled"
    if snapshot is not None:
        return snapshot.state
    return "interrupted" if run.state == "running" or fault else run.state


def _progress(scopes: tuple[Progress, ...]) -> tuple[int, int]:
    """Return items done and in all of the outermost maps."""
    outer = [scope for scope in scopes if "/" not in scope.path]
    return sum(scope.done for scope in outer), sum(scope.total or 0 for scope in outer)


def _figures(snapshot: RunSnapshot | None, *, alive: bool) -> tuple[int, int, int]:
    """Return items done and in all, and what the run is charged in nano-dollars; zeros while nothing is on record."""
    return (0, 0, 0) if snapshot is None else (*_progress(snapshot.progress), _charged(snapshot, alive=alive))


def _bare_census(snapshot: RunSnapshot | None) -> Mapping[str, JsonValue]:
    """Return what is known of a run that had no chance to write its census."""
    if snapshot is None:
        return {}
    done, _ = _progress(snapshot.progress)
    return {
        "items_done": done,
        "nusd": _charged(snapshot, alive=False),
        "calls_possibly_paid": snapshot.possibly_paid_count + snapshot.reserved.calls,
    }


def _charged(snapshot: RunSnapshot, *, alive: bool) -> int:
    """Return what a run is charged: what nobody is left to settle counts at its reservation, as `resume` will."""
    return snapshot.usage.nusd + (0 if alive else snapshot.reserved.nusd)


def _can_go_on(state: RunState, receipt: Mapping[str, JsonValue], run: RunRecord) -> bool:
    """Return whether a run that is over can be taken further."""
    if state in _RESUMABLE:
        return True
    if _came_to_its_cap(state, receipt):
        stopped_at = receipt.get("cap_nusd")
        return isinstance(stopped_at, int) and stopped_at < (run.cap_nusd or 0)
    if state != "failed":
        return False
    cause = receipt.get("code") or receipt.get("cause")
    census = receipt.get("census")
    failed = census.get("failed_by_cause") if isinstance(census, Mapping) else None
    items = set(failed) if isinstance(failed, Mapping) else set[str]()
    return cause in _PASSING or (cause == "step_failed" and bool(items & _PASSING))


def _came_to_its_cap(state: RunState, receipt: Mapping[str, JsonValue]) -> bool:
    """Return whether a run ended because its own cap on money ran out."""
    return state == "stopped_budget" and receipt.get("ran_out") == "nusd"


def _result(receipt: Mapping[str, JsonValue]) -> JsonValue:
    """Return the stored result, None when there is none or it is gone."""
    path = str(receipt.get("result_path") or "")
    try:
        return cast("JsonValue", json.loads(Path(path).read_text("utf-8"))) if path else None
    except (OSError, ValueError):
        return None


def _usd(nusd: int) -> float:
    return float(to_usd(nusd))
