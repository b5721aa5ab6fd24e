"""What the engine's tests share: engines over one project, and ways to watch and hit their runners."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import cast

import anyio
import psutil

from stratum_core.approval import Policy
from stratum_core.contracts import JsonValue
from stratum_core.engine import Engine, PlanView, RunView, Settings
from stratum_core.errors import RunError
from stratum_core.journal import JournalEvent, RecordedAttempt, RunReader
from stratum_core.testing import FrozenClock
from tests.support.jobs import Job

__all__ = ["Bench", "end_runners", "ended", "hit", "result_of", "when"]

PATIENCE_S = 30.0
_LOOK_S = 0.02
"""Another process can only be looked at, and looking takes the time it works in."""


@dataclass
class Bench:
    """One project with its engines."""

    job: Job
    clock: FrozenClock = field(default_factory=FrozenClock)
    engines: list[Engine] = field(default_factory=list[Engine])

    def engine(self, *, policy: Policy | None = None, **environ: str) -> Engine:
        """Open an engine over the project; more of them share its state."""
        settings = Settings(
            state_dir=self.job.state_dir,
            roots=(self.job.folder,),
            policy=policy or Policy(),
            environ={**os.environ, **environ},
            default_model="offline",
        )
        self.engines.append(Engine(settings, clock=lambda: self.clock.now().timestamp()))
        return self.engines[-1]

    def plan(self, engine: Engine, **options: JsonValue) -> PlanView:
        """Plan the project's document over its rows."""
        self.clock.advance(1)
        bound = cast("Mapping[str, JsonValue]", self.job.plan_arguments()["inputs"])
        return engine.plan(str(self.job.spec), inputs=bound, options=options)

    def approved(self, engine: Engine, *, rows: int = 5, **options: JsonValue) -> PlanView:
        """Plan that many rows, and have a person agree."""
        self.job.write_rows(rows)
        plan = self.plan(engine, **options)
        engine.decide(plan.plan_id, approved=True, channel="terminal")
        return plan

    def reader(self, run_id: str) -> RunReader:
        """Look into a run's journal."""
        return RunReader.open(self.job.state_dir, run_id)

    def attempts(self, run_id: str) -> tuple[RecordedAttempt, ...]:
        """Every attempt on record."""
        with self.reader(run_id) as reader:
            return reader.attempts()

    def events(self, run_id: str) -> int:
        """How many events the run has written so far."""
        try:
            with self.reader(run_id) as reader:
                return reader.snapshot().last_seq
        except RunError:  # the runner is only starting
            return 0

    def openings(self, run_id: str) -> tuple[JournalEvent, ...]:
        """One event for each time a runner took the run."""
        with self.reader(run_id) as reader:
            return tuple(event for event in reader.events(limit=100_000) if event.kind == "opened")

    def private_file(self, run_id: str, suffix: str) -> Path:
        """One of the run's files in the state directory."""
        return self.job.state_dir / "runs" / f"{run_id}{suffix}"


def ended(engine: Engine, run_id: str, *, timeout_s: float = PATIENCE_S) -> RunView:
    """Wait for a run's end."""
    view = anyio.run(partial(engine.wait, run_id, timeout_s=timeout_s))
    assert view.final, view.message
    return view


def when(engine: Engine, run_id: str, ready: Callable[[RunView], bool]) -> RunView:
    """Look at a run until it is so far."""

    async def watch() -> RunView:
        with anyio.fail_after(PATIENCE_S):
            while not ready(view := engine.show_run(run_id)):
                assert not view.final, view.message
                await anyio.sleep(_LOOK_S)
        return view

    return anyio.run(watch)


def hit(run_id: str, how: signal.Signals) -> None:
    """Send a signal to the run's runner, a child of this process."""
    (runner,) = [child for child in psutil.Process().children() if run_id in child.cmdline()]
    runner.send_signal(how)


def result_of(view: RunView) -> JsonValue:
    """Return a run's whole result."""
    return json.loads(Path(view.result_path).read_text("utf-8"))


def end_runners(bench: Bench) -> None:
    """Let go of everything; no runner outlives its test."""
    for engine in bench.engines:
        engine.close()
    state_dir = str(bench.job.state_dir.resolve())
    for process in psutil.Process().children(recursive=True):
        if state_dir in process.cmdline():
            process.kill()
            process.wait(PATIENCE_S)
