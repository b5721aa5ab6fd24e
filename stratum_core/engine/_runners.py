"""Starting runners, and telling whether one is at work.

A runner is a process of its own: it keeps a slow import and every crash out of the server and goes on when the client
is closed. Whether one is alive is read from the run's file lock, never from a clock or a process table.

One runner may be started ahead, while a person reads a plan: it imports and waits on a pipe for the id of a run of
that plan. The pipe ends with this process, and so does a runner nobody gave a run.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from threading import Lock

from stratum_core.commands import command_line
from stratum_core.errors import RunError
from stratum_core.journal import is_owned

__all__ = ["Runners"]

_MODULE = "stratum_core.runtime.worker"
_TOLD = frozenset({0, 70, 75})
"""Exit statuses after which the control file or another runner says what became of the run."""
_UNTOLD = 74
"""Exit status of a runner that failed and could not write that down."""
_LET_GO: list[subprocess.Popen[bytes]] = []
"""Runners that outlive the engine which started them: a handle that is dropped while its process runs warns."""
_MARGIN_S = 15.0
"""A runner that waits is not given a run so shortly before it stops waiting."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Warm:
    """A runner that waits for a run of one plan."""

    plan_id: str
    background: bool
    process: subprocess.Popen[bytes]
    pipe: int
    """The end that is written to."""
    until_s: float
    """When it may no longer be given one, on the clock."""


class Runners:
    """The runner processes this engine started."""

    def __init__(
        self,
        state_dir: Path,
        environ: Mapping[str, str],
        *,
        memory_mb: int | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Start nothing yet.

        Args:
            state_dir: The state directory.
            environ: What runners find in their environment.
            memory_mb: What one may hold, in MiB; None: no limit.
            clock: Seconds, for how long a runner has waited.
        """
        self._state_dir = state_dir
        self._environ = environ
        self._memory_mb = memory_mb
        self._clock = clock
        self._started: dict[str, subprocess.Popen[bytes]] = {}
        self._warm: _Warm | None = None
        self._warming = Lock()

    def prepare(self, plan_id: str, *, background: bool, wait_s: float) -> None:
        """Start a runner that waits for a run of a plan, unless one does; one that waited for another plan ends.

        A person is waiting meanwhile, so nothing is raised: without it the run starts as it would have.

        Args:
            plan_id: The plan.
            background: Whether its run goes on when this process goes away.
            wait_s: How long the runner waits, in seconds; too short a time starts none.
        """
        if os.name != "posix" or wait_s <= _MARGIN_S:
            return
        with self._warming:
            warm = self._warm
            if warm and warm.plan_id == plan_id and self._usable(warm):
                return
            self._end_warm()
            told, pipe = os.pipe()
            ahead = ["--warm-for", plan_id, "--wait-s", f"{wait_s:g}"]
            try:
                process = self._spawn(ahead, background=background, told=told, log=subprocess.DEVNULL)
            except OSError:
                os.close(pipe)
                return
            finally:
                os.close(told)
            self._warm = _Warm(
                plan_id=plan_id,
                background=background,
                process=process,
                pipe=pipe,
                until_s=self._clock() + wait_s - _MARGIN_S,
            )

    def dismiss(self, plan_id: str) -> None:
        """End the runner that waits for a run of this plan, which will not come."""
        with self._warming:
            if self._warm and self._warm.plan_id == plan_id:
                self._end_warm()

    def hand_over(self, run_id: str, plan_id: str, *, background: bool) -> bool:
        """Give a new run to the runner that waits for one of its plan; false when there is none."""
        with self._warming:
            warm = self._warm
            if warm is None or (warm.plan_id, warm.background) != (plan_id, background):
                return False
            if not self._usable(warm) or not self._told(warm.pipe, run_id):
                self._end_warm()
                return False
            os.close(warm.pipe)
            self._started[run_id], self._warm = warm.process, None
            return True

    def start(self, run_id: str, *, background: bool) -> None:
        """Start a runner for a run, unless one is at work; two at once are kept apart by the run's lock.

        Args:
            run_id: The run.
            background: Whether it goes on when this process and its terminal go away.

        Raises:
            RunError: The process could not be started.
        """
        if self.alive(run_id):
            return
        self._private_runs()
        log = os.open(
            self._state_dir / "runs" / f"{run_id}.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600
        )
        try:
            self._started[run_id] = self._spawn(["--run", run_id], background=background, log=log)
        except OSError as fault:
            raise RunError(
                f"no runner could be started for run {run_id}: {fault}",
                remedy=f"mend that, then: {command_line('resume', run_id, state_dir=self._state_dir)}",
            ) from fault
        finally:
            os.close(log)

    def alive(self, run_id: str) -> bool:
        """Return whether a live process works on the run, or one of ours is just starting to."""
        child = self._started.get(run_id)
        if child is not None and child.poll() is None:
            return True
        return is_owned(self._state_dir, run_id)

    def fault(self, run_id: str) -> str:
        """Return how our runner of the run died when it could not tell by itself; empty when it did not."""
        child = self._started.get(run_id)
        status = None if child is None else child.poll()
        if status is None or status in _TOLD:
            return ""
        if status == _UNTOLD:
            log = self._state_dir / "runs" / f"{run_id}.log"
            return (
                f"the runner failed and could not write down how: is the disk full? What it said is in {log}"
            )
        how = f"was killed by {signal.Signals(-status).name}" if status < 0 else f"ended with status {status}"
        return f"the runner {how}; what it said is in {self._state_dir / 'runs' / run_id}.log"

    def close(self) -> None:
        """Let go of the processes; background runners go on, others end when this process does, a waiting one now."""
        with self._warming:
            self._end_warm()
        _LET_GO[:] = [child for child in (*_LET_GO, *self._started.values()) if child.poll() is None]
        self._started.clear()

    def _private_runs(self) -> None:
        (self._state_dir / "runs").mkdir(mode=0o700, parents=True, exist_ok=True)

    def _spawn(
        self, arguments: list[str], *, background: bool, log: int, told: int = subprocess.DEVNULL
    ) -> subprocess.Popen[bytes]:
        """Start the runner's module; `told` is its standard input."""
        state_dir = self._state_dir.resolve()
        command = [sys.executable, "-m", _MODULE, "--state-dir", str(state_dir), *arguments]
        if not background:
            command += ["--parent", str(os.getpid())]
        if self._memory_mb is not None:
            command += ["--memory-mb", str(self._memory_mb)]
        return subprocess.Popen(  # noqa: S603 - our own interpreter and module, no shell
            command,
            stdin=told,
            stdout=log,
            stderr=log,
            cwd=state_dir,
            env={**self._environ, "PYTHONSAFEPATH": "1"},
            start_new_session=background,
        )

    def _usable(self, warm: _Warm) -> bool:
        return warm.process.poll() is None and self._clock() < warm.until_s

    def _told(self, pipe: int, run_id: str) -> bool:
        """Write a run's id to a runner that waits; false when it is gone."""
        self._private_runs()
        try:
            os.write(pipe, f"{run_id}\n".encode())
        except OSError:
            return False
        return True

    def _end_warm(self) -> None:
        """End the runner that waits; it has nothing open that could be lost."""
        if self._warm is not None:
            warm, self._warm = self._warm, None
            os.close(warm.pipe)
            warm.process.kill()
            warm.process.wait()
