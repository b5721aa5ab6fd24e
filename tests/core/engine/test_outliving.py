"""A run in the background goes on when whoever started it is gone, with its terminal and its process group."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

from tests.core.engine._bench import Bench, ended, when

STARTER = """\
import os, sys
from pathlib import Path
from stratum_core.engine import Engine, Settings
now = float(sys.argv[2])
engine = Engine(Settings.from_environment(os.environ, cwd=Path.cwd()), clock=lambda: now)
print(engine.execute(sys.argv[1]).run_id, flush=True)
sys.stdin.read()
"""


def test_a_run_ends_as_planned_although_its_starters_whole_process_group_was_killed(bench: Bench) -> None:
    engine = bench.engine()
    plan = bench.approved(engine, rows=1_000)
    with subprocess.Popen(
        [sys.executable, "-c", STARTER, plan.plan_id, str(bench.clock.now().timestamp())],
        cwd=bench.job.folder,
        env={**os.environ, **bench.job.environ},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as starter:
        assert starter.stdout is not None
        run_id = starter.stdout.readline().strip()
        when(engine, run_id, lambda view: view.done > 10)
        os.killpg(starter.pid, signal.SIGKILL)
    view = ended(engine, run_id)
    assert (view.state, len(bench.openings(run_id))) == ("completed", 1)
