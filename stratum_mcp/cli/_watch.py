"""Watching a run: a live bar in a terminal, a plain line every few seconds elsewhere.

Watching is only looking. Interrupting it leaves a background run at work and says how to come back to it.
"""

from __future__ import annotations

import sys
import time

import anyio
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from stratum_core.engine import Engine, RunView
from stratum_mcp.cli._session import Session
from stratum_mcp.plain import plain_line

__all__ = ["watch"]

_LINE_EVERY_S = 5.0


def watch(session: Session, engine: Engine, run: RunView) -> RunView:
    """Show a run until it ends, or until the person stops looking, and return it as it stands then."""
    shown = _Bar(session) if sys.stderr.isatty() else _Lines(session)

    async def wait() -> RunView:
        return await engine.wait(run.run_id, timeout_s=None, on_progress=shown.show)

    try:
        with shown:
            ended = anyio.run(wait)
            shown.end(ended)
    except KeyboardInterrupt:
        session.say(_left(session, run), err=True)
        return engine.show_run(run.run_id)
    return ended


def _left(session: Session, run: RunView) -> str:
    """Say what becomes of a run nobody watches any more."""
    resume = session.command("resume", run.run_id)
    if run.background:
        return (
            f"\nStopped watching; the run goes on. To come back: {resume}\n"
            f"To stop it: {session.command('cancel', run.run_id)}"
        )
    return (
        "\nStopped: this run was planned to end with the command that started it. What is in flight is settled.\n"
        f"To go on: {resume}"
    )


class _Bar:
    """A progress bar that stays in place."""

    def __init__(self, session: Session) -> None:
        self._progress = Progress(
            BarColumn(bar_width=30),
            TextColumn("{task.description}", markup=False),
            TimeElapsedColumn(),
            console=session.console(err=True),
        )
        self._task = self._progress.add_task("starting", total=None)

    def __enter__(self) -> None:
        self._progress.start()

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    async def show(self, run: RunView) -> None:
        """Move the bar to where the run stands."""
        self._progress.update(
            self._task, completed=run.done, total=run.total or None, description=plain_line(run.message, 120)
        )

    def end(self, run: RunView) -> None:
        """Leave the bar where the run ended."""
        items = f"{run.done}/{run.total} items" if run.total else run.state
        self._progress.update(self._task, completed=run.done, total=run.total or None, description=items)


class _Lines:
    """A line at the first look and then every few seconds when something changed."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._last = ""
        self._next_at = 0.0

    def __enter__(self) -> None:
        pass

    def __exit__(self, *_: object) -> None:
        pass

    async def show(self, run: RunView) -> None:
        """Write how the run stands, unless that was just said."""
        now = time.monotonic()
        if run.message != self._last and now >= self._next_at:
            self._last, self._next_at = run.message, now + _LINE_EVERY_S
            self._session.say(run.message, err=True)

    def end(self, run: RunView) -> None:
        """Say nothing more: the report follows."""
