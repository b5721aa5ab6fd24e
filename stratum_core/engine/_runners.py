"""Starting runners, and telling whether one is at work.

A runner is a process of its own: it keeps a slow import and every crash out of the server and goes on when the client
is closed. Whether one is alive is read from the run's file lock, never from a clock or a process table.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from stratum_core.journal import is_owned

__all__ = ["Runners"]

_MODULE = "stratum_core.runtime.worker"


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
        """
        if self.alive(run_id):
            return
        runs = self._state_dir / "runs"
        runs.mkdir(mode=0o700, parents=True, exist_ok=True)
        log = os.open(runs / f"{run_id}.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            self._started[run_id] = subprocess.Popen(  # noqa: S603 - our own interpreter and module, no shell
                [sys.executable, "-m", _MODULE, "--state-dir", str(self._state_dir), "--run", run_id],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self._state_dir,
                env={**self._environ, "PYTHONSAFEPATH": "1"},
                start_new_session=background,
            )
        finally:
            os.close(log)

    def alive(self, run_id: str) -> bool:
        """Return whether a live process works on the run, or one of ours is just starting to."""
        child = self._started.get(run_id)
        if child is not None and child.poll() is None:
            return True
        return is_owned(self._state_dir, run_id)

    def log_path(self, run_id: str) -> Path:
        """Return where a runner of the run writes what went wrong."""
        return self._state_dir / "runs" / f"{run_id}.log"

    def close(self) -> None:
        """Let go of the processes; background runners go on."""
        for child in self._started.values():
            child.poll()
        self._started.clear()
