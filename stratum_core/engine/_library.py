"""Durable flows in Python as runs: their records lie beside those of plans, and are all there is of them.

No row in the control file knows such a run: nobody approved it, and no runner works on it. So it is looked at here and
gone on with by its own program; nothing in this file writes.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from pathlib import Path

from stratum_core.contracts import JsonValue
from stratum_core.engine._receipt import receipt_line
from stratum_core.engine._views import RunView
from stratum_core.errors import JournalError, RunError
from stratum_core.journal import LIBRARY_FLOW, JournalEvent, RunReader, RunRecord, RunSnapshot
from stratum_core.llm import OFFLINE_MODEL
from stratum_core.money import to_usd

__all__ = ["is_flow", "require_planned", "shown_run", "with_flows"]

_OF_A_PLAN = re.compile(r"run_[0-9a-f]{12}")
"""How an engine names a run; a file with another name is looked into."""
_FIRST_EVENTS = 8
"""What a record is of is written when it is first opened."""


def is_flow(state_dir: Path, run_id: str) -> bool:
    """Return whether a record is of a flow in Python.

    Raises:
        JournalError: It cannot be read.
    """
    return _flow_view(state_dir, run_id) is not None


def shown_run(state_dir: Path, run_id: str, planned: Callable[[], RunView]) -> RunView:
    """Return a run of a plan, or of a flow in Python where no plan has a run of this id.

    Raises:
        RunError: There is neither.
        JournalError: Its record cannot be read.
    """
    try:
        return planned()
    except RunError:
        view = _flow_view(state_dir, run_id)
        if view is None:
            raise
        return view[1]


def with_flows(
    state_dir: Path, planned: Sequence[RunRecord], listed: Callable[[RunRecord], RunView], *, limit: int
) -> tuple[RunView, ...]:
    """Return the newest runs, those of plans and those of flows in Python together, newest first.

    Args:
        state_dir: Where the records are.
        planned: The newest runs of plans.
        listed: Returns the view of one.
        limit: How many runs at most.
    """
    known = {run.run_id for run in planned}
    found = [(run.created_at_ms, listed(run)) for run in planned]
    found += islice(_flows(state_dir, known), limit)
    return tuple(view for _, view in sorted(found, key=lambda each: each[0], reverse=True)[:limit])


def require_planned(view: RunView) -> RunView:
    """Return the view of a run that an engine can act on.

    Raises:
        RunError: The run is of a flow in Python, which only its own program ends or goes on with.
    """
    if not view.flow:
        return view
    raise RunError(
        f"run {view.run_id} is of the flow `{view.flow}` in Python, which no command ends",
        remedy="stop the program that runs it; run again, it goes on from its record",
        detail={"run_id": view.run_id},
    )


def _flows(state_dir: Path, known: set[str]) -> Iterator[tuple[int, RunView]]:
    """Yield the runs of flows with the moment each began, those that were written last before others."""
    for path in sorted((state_dir / "runs").glob("*.db"), key=_written_at, reverse=True):
        if path.stem in known or _OF_A_PLAN.fullmatch(path.stem):
            continue
        try:
            view = _flow_view(state_dir, path.stem)
        except JournalError as fault:
            yield int(_written_at(path) * 1000), _unreadable(path.stem, fault)
            continue
        if view is not None:
            yield view


def _written_at(path: Path) -> float:
    """Return when a file was last changed, in seconds since the Unix epoch; 0 for one that went away meanwhile."""
    try:
        return path.stat().st_mtime
    except FileNotFoundError:
        return 0


def _flow_view(state_dir: Path, run_id: str) -> tuple[int, RunView] | None:
    """Return when the run of a flow began, and how it stands; None when the record is of none."""
    try:
        reader = RunReader.open(state_dir, run_id)
    except RunError:
        return None
    with reader:
        first = next((one for one in reader.events(limit=_FIRST_EVENTS) if one.kind == LIBRARY_FLOW), None)
        if first is None:
            return None
        return first.at_ms, _viewed(
            reader.snapshot(), first, simulated=reader.models() == frozenset({OFFLINE_MODEL})
        )


def _viewed(snapshot: RunSnapshot, first: JournalEvent, *, simulated: bool) -> RunView:
    """Return the picture of a flow's run."""
    live, flow = snapshot.state == "running", str(first.data["flow"])
    nusd = snapshot.usage.nusd + (0 if live else snapshot.reserved.nusd)
    error = str((snapshot.finished or {}).get("error") or "")
    census: dict[str, JsonValue] = {"nusd": nusd}
    unknown = snapshot.possibly_paid_count + (0 if live else snapshot.reserved.calls)
    if unknown:
        census["calls_possibly_paid"] = unknown
    line = receipt_line(
        state=snapshot.state, census=census, result=None, error=error, out="", simulated=simulated
    )
    over = live or snapshot.state == "completed"
    more = "" if over else f" To go on, run it again with run_id={snapshot.run_id!r}."
    return RunView(
        run_id=snapshot.run_id,
        plan_id="",
        flow=flow,
        state=snapshot.state,
        message=f"Flow `{flow}` in Python: {line}{more}",
        done=0,
        total=0,
        usd=float(to_usd(nusd)),
        cap_usd=0.0,
        simulated=simulated,
        live=live,
        error=error,
        charged_nusd=nusd,
        chain_head=snapshot.chain_head,
    )


def _unreadable(run_id: str, fault: JournalError) -> RunView:
    return RunView(
        run_id=run_id,
        plan_id="",
        state="failed",
        message=f"Cannot be read: {fault}",
        done=0,
        total=0,
        usd=0.0,
        cap_usd=0.0,
        simulated=False,
        live=False,
        error=str(fault),
        readable=False,
    )
