"""A runner that is started before there is a run, while a person reads the plan it may come to work for.

It imports what sends requests, which takes seconds, and then waits for the id of a run on its standard input. It has
nothing open meanwhile: no control file, no journal, no connection. It ends by itself when its time is over, when it
has grown too large, and when whoever started it goes away. It decides nothing: a run that is named to it has to stand
in the control file, where only a used-up yes creates it, and has to be a run of the plan it was started for.
"""

from __future__ import annotations

import os
import select
import sys
from collections.abc import Mapping
from pathlib import Path

import anyio
import psutil

from stratum_core.commands import command_line
from stratum_core.errors import RunError
from stratum_core.journal import RunRecord
from stratum_core.llm import LitellmClient

__all__ = ["WARM_MB", "require_planned", "take_log", "wait_for_run"]

WARM_MB = 512
"""What an idle runner may hold, in MiB; one that is larger after its imports ends at once."""
_MIB = 1 << 20


def wait_for_run(environ: Mapping[str, str], *, wait_s: float, memory_mb: int | None) -> str:
    """Import what sends, then return the id of the run to work on; empty when none came.

    Args:
        environ: The environment without addresses of providers, as runs have it.
        wait_s: How long to wait for an id, in seconds.
        memory_mb: The memory limit of runners in MiB; None: only that of an idle one.
    """
    anyio.run(LitellmClient(environ).warm)
    if psutil.Process().memory_info().rss > min(memory_mb or WARM_MB, WARM_MB) * _MIB:
        return ""
    ready, _, _ = select.select([sys.stdin], [], [], wait_s)
    return sys.stdin.readline().strip() if ready else ""


def require_planned(run: RunRecord, plan_id: str) -> None:
    """Refuse a run of another plan than the one this runner was started for.

    Raises:
        RunError: It is one.
    """
    if run.plan_id != plan_id:
        raise RunError(
            f"run {run.run_id} is of plan {run.plan_id}, but this runner was started for {plan_id}",
            remedy=command_line("resume", run.run_id),
        )


def take_log(state_dir: Path, run_id: str) -> None:
    """Write from here on into the run's log, as a runner does that is started for its run."""
    log = os.open(
        state_dir / "runs" / f"{run_id}.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW, 0o600
    )
    for stream in (1, 2):
        os.dup2(log, stream)
    os.close(log)
