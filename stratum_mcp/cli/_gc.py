"""The command that removes what is old from the state directory."""

from __future__ import annotations

import click

from stratum_core.engine import StorageView, counted
from stratum_mcp.cli._age import Age
from stratum_mcp.cli._exit import Exit
from stratum_mcp.cli._session import Session, Verb
from stratum_mcp.plain import plain_line

__all__ = ["gc"]

_KB = 1000


@click.command(cls=Verb)
@click.option(
    "--older-than",
    type=Age(),
    default="30d",
    show_default=True,
    help="How long ago a run ended: 36h, 30d, 8w.",
)
@click.option(
    "--resumable", is_flag=True, help="Also runs that wait for a person or could go on: they are given up."
)
@click.option("--yes", is_flag=True, help="Remove it. Without this nothing is changed.")
@click.pass_obj
def gc(session: Session, *, older_than: float, resumable: bool, yes: bool) -> Exit:
    """Show what is old in the state directory and how much room it takes; with --yes remove it.

    Of a removed run its journal, result and log go, the document and data of its plan, and the questions it asked; who
    approved it, what it cost and the head of its chain stay. Expired plans nobody answered and old answers of `cache:
    global` go too. A run at work is never touched.
    """
    with session.engine() as engine:
        view = engine.storage.collect(older_than_s=older_than, resumable=resumable, remove=yes)
    session.result(view.to_json(), lambda: _show(session, view))
    return Exit.OK


def _show(session: Session, view: StorageView) -> None:
    """Write each run with its size, then the sums."""
    for run in view.runs:
        given_up = ", given up" if run.gives_up else ""
        session.say(f"  {run.run_id}  {run.state.replace('_', ' ')}{given_up}  {_size(run.size_bytes)}")
    for kept in view.kept:
        session.say(f"  {kept.run_id}  kept: {plain_line(kept.why)}  {_size(kept.size_bytes)}")
    done = "Removed" if view.removed else "Would be removed"
    session.say(
        f"{done}: {counted(len(view.runs), 'run')} ({_size(view.run_bytes)} of {_size(view.total_bytes)}), "
        f"{counted(view.unused_plans, 'plan')} without an answer, {counted(view.answers, 'answer')} of `cache: global`."
    )
    if not view.removed and (view.runs or view.unused_plans or view.answers):
        session.say("Nothing was changed; --yes removes it.")


def _size(count: int) -> str:
    """Return bytes in a unit a person reads."""
    size, unit = float(count), "B"
    for larger in ("kB", "MB", "GB"):
        if size < _KB:
            break
        size, unit = size / _KB, larger
    return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
