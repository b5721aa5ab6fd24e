"""Reports a person reads: a plan, a run with its census, the list of runs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from stratum_core.contracts import JsonValue
from stratum_core.engine import EstimateView, PlanView, RunView, counted
from stratum_core.money import format_usd, to_nusd
from stratum_mcp.plain import plain, plain_line

__all__ = ["show_census", "show_estimate", "show_plan", "show_run", "show_runs"]

_NAMES = frozenset({"step", "function", "model", "census"})
"""Columns of names somebody chose: of any length, so only these may be broken."""
_WHOLE = frozenset({"run", "plan"})
"""Columns of ids: the others fold before these do, from 72 columns on."""
_CENSUS_NAMES = {
    "items_done": "items done",
    "items_failed": "items failed",
    "items_waiting": "items waiting for a person",
    "failed_by_cause": "failed by cause",
    "skipped": "steps skipped",
    "calls_answered": "calls answered",
    "calls_reused": "answers on record, not bought again",
    "calls_possibly_paid": "calls possibly paid",
    "nusd": "cost",
    "cap_used_percent": "per cent of the cap used",
}


def show_plan(
    view: PlanView, console: Console, *, typed: Callable[[str, str], str], expired: bool = False
) -> None:
    """Write a plan: what a person is asked, how it stands, and how to approve it unless it has expired.

    Args:
        view: The plan.
        console: Where to.
        typed: Makes the command of a verb and an id.
        expired: Whether its time is over.
    """
    console.print(Text(plain(view.summary)), soft_wrap=True)
    for warning in view.warnings:
        console.print(Text(f"Warning: {plain_line(warning)}"), soft_wrap=True)
    console.print()
    stands = "expired" if expired else view.approval.replace("_", " ")
    console.print(Text(f"Plan {view.plan_id}: {stands}"), soft_wrap=True)
    if view.channel:
        console.print(Text(f"Answered by {view.channel}: {plain_line(view.channel_meaning)}"), soft_wrap=True)
    if view.run_id:
        console.print(Text(f"It ran as {view.run_id}: {typed('show', view.run_id)}"), soft_wrap=True)
    elif expired:
        console.print(Text("To do it now, plan again: prices and inputs may differ"), soft_wrap=True)
    elif view.approval == "needs_approval":
        console.print(Text(f"To approve it, a person runs: {plain_line(view.command)}"), soft_wrap=True)
    elif view.approval == "approved":
        console.print(Text(f"To run it: {typed('execute', view.plan_id)}"), soft_wrap=True)


def show_estimate(view: EstimateView, console: Console) -> None:
    """Write what a plan would cost, and each model call in it."""
    mark = " (simulated)" if view.simulated else ""
    calls = counted(view.calls_at_most, "call")
    console.print(
        Text(
            f"Likely {_usd(view.likely_usd)}{mark}, between {_usd(view.likely_low_usd)} and "
            f"{_usd(view.likely_high_usd)}; worst case {_usd(view.worst_case_usd)} in {calls}"
        ),
        soft_wrap=True,
    )
    console.print(Text(f"Basis: {plain_line(view.basis)}"), soft_wrap=True)
    if view.accuracy:
        console.print(Text(f"So far: {plain_line(view.accuracy)}"), soft_wrap=True)
    if view.steps:
        reused = any(step["reused_calls"] for step in view.steps)
        columns = ("step", "function", "model", "calls", "at most", "likely", "worst")
        rows = (_estimate_row(step, reused=reused) for step in view.steps)
        console.print(_table((*columns, "reused") if reused else columns, rows))


def show_run(view: RunView, console: Console) -> None:
    """Write a run: its one line, its census, the small figures of its result, and where the rest is."""
    console.print(Text(plain(view.message)), soft_wrap=True)
    if view.census:
        show_census(view.census, console)
    for question in view.questions:
        words = (str(question[part]) for part in ("number", "question", "path"))
        console.print(Text("question {}: {} ({})".format(*map(plain_line, words))), soft_wrap=True)
    facts: Sequence[tuple[str, str]] = (
        ("result", view.out or view.result_path),
        ("whole result", view.result_path if view.out else ""),
        ("result not written", view.out_error),
        ("as Python", view.module),
        ("Python not written", view.module_error),
        ("error", view.error),
        ("run", f"{view.run_id} of " + (f"flow `{view.flow}`" if view.flow else f"plan {view.plan_id}")),
        ("journal head", view.chain_head),
    )
    for name, value in facts:
        if value:
            console.print(Text(f"{name}: {plain_line(value)}"), soft_wrap=True)


def show_census(census: Mapping[str, JsonValue], console: Console) -> None:
    """Write what became of every item and dollar as a table, and the first failures below it."""
    simulated = bool(census.get("simulated"))
    rows: list[tuple[str, str]] = []
    for name, value in census.items():
        if name in {"failures", "simulated"}:
            continue
        if name == "nusd" and isinstance(value, int):
            rows.append(("cost", format_usd(value) + (" (simulated)" if simulated else "")))
        elif isinstance(value, Mapping):
            rows.extend(
                (f"{_CENSUS_NAMES.get(name, name)}: {part}", _cell(count)) for part, count in value.items()
            )
        else:
            rows.append((_CENSUS_NAMES.get(name, name.replace("_", " ")), _cell(value)))
    console.print(_table(("census", ""), rows))
    failures = census.get("failures")
    for failure in failures if isinstance(failures, list) else []:
        if isinstance(failure, Mapping):
            words = (str(failure.get(part, "")) for part in ("path", "code", "message"))
            console.print(Text(f"  failed {plain_line(' '.join(words))}"), soft_wrap=True)


def show_runs(runs: Sequence[RunView], console: Console) -> None:
    """Write the runs, newest first."""
    if not runs:
        console.print("No runs yet.")
        return
    rows = (
        (
            run.run_id,
            run.state.replace("_", " ") + (" (live)" if run.live else "") if run.readable else "unreadable",
            f"{run.done}/{run.total}" if run.total else "",
            _usd(run.usd) + (" (simulated)" if run.simulated else "") if run.readable else "?",
            f"flow {run.flow}" if run.flow else run.plan_id,
        )
        for run in runs
    )
    console.print(_table(("run", "state", "items", "cost", "plan"), rows))
    for run in runs:
        if not run.readable:
            console.print(Text(f"{run.run_id}: {plain_line(run.message)}"), soft_wrap=True)
        elif run.left_over:
            console.print(Text(run.left_over), soft_wrap=True)


def _table(columns: Sequence[str], rows: Iterable[Iterable[JsonValue]]) -> Table:
    """Build a table of cells that cannot steer the terminal; a figure or an id is never broken over lines."""
    table = Table(box=box.SIMPLE, pad_edge=False)
    cells = [[_cell(value) for value in row] for row in rows]
    for at, name in enumerate(columns):
        words = " ".join((name, *(row[at] for row in cells))).split()
        least = None if name in _NAMES else max(map(len, words), default=0)
        table.add_column(Text(name), overflow="fold", no_wrap=name in _WHOLE, min_width=least)
    for row in cells:
        table.add_row(*map(Text, row))
    return table


def _estimate_row(step: Mapping[str, JsonValue], *, reused: bool) -> Iterable[JsonValue]:
    """Return the cells of a step: where, what and who, the calls, the dollars, and what is not bought again."""
    yield f"{step['flow']}.{step['step']}"
    for name in ("function", "model", "likely_calls", "most_calls"):
        yield step[name]
    for name in ("likely_nusd", "worst_nusd"):
        nusd = step[name]
        yield format_usd(nusd) if isinstance(nusd, int) else nusd
    if reused:
        yield step["reused_calls"]


def _cell(value: JsonValue) -> str:
    """Return one cell, safe to show."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    return plain_line("" if value is None else str(value), 120)


def _usd(value: float) -> str:
    """Return dollars as people write them, rounded up."""
    return format_usd(to_nusd(value))
