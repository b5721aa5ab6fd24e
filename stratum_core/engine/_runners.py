"""Starting runners, and telling whether one is at work.

A runner is a process of its own: it keeps a slow import and every crash out of the server and goes on when the client
is closed. Whether one is alive is read from the run's file lock, never from a clock or a process table.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

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


class Runners:
    """The runner processes this engine started."""

    def __init__(self, state_dir: Path, environ: Mapping[str, str]) -> None:
        self._state_dir = state_dir
        self._environ = environ
        self._started: dict[str, subprocess.Popen[bytes]] = {}

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
        runs = self._state_dir / "runs"
        runs.mkdir(mode=0o700, parents=True, exist_ok=True)
        log = os.open(runs / f"{run_id}.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        state_dir = self._state_dir.resolve()
        command = [sys.executable, "-m", _MODULE, "--state-dir", str(state_dir), "--run", run_id]
        if not background:
            command += ["--parent", str(os.getpid())]
        try:
            self._started[run_id] = subprocess.Popen(  # noqa: S603 - our own interpreter and module, no shell
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=state_dir,
                env={**self._environ, "PYTHONSAFEPATH": "1"},
                start_new_session=background,
            )
        except OSError as fault:
            raise RunError(
                f"no runner could be started for run {run_id}: {fault}",
                remedy=f"mend that, then: stratum resume {run_id}",
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
        """Let go of the processes; background runners go on, others end when this process does."""
        _LET_GO[:] = [child for child in (*_LET_GO, *self._started.values()) if child.poll() is None]
        self._started.clear()
