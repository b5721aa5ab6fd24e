"""Four processes that do the same to the same run at the same moment.

python -m tests.chaos._racers SOCKET_OF_THE_WARM_PROCESS
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from stratum_core.engine import Engine, Settings
from stratum_core.errors import JournalBusy
from tests.chaos._provider import MODEL
from tests.chaos._warm import warm_up
from tests.chaos._world import World

__all__ = ["RACERS", "Racers", "racing"]

RACERS = 4
_REPO = Path(__file__).parent.parent.parent


@dataclass(frozen=True, slots=True)
class Racers:
    """The processes, each waiting for an order on its stdin."""

    processes: tuple[subprocess.Popen[str], ...]

    def all(self, world: World, what: Literal["execute", "resume"], id: str) -> list[str]:
        """Have all of them do the same at once, and return the run each was told of."""
        order = json.dumps({"home": str(world.home), "state": str(world.state_dir), "do": what, "id": id})
        for process in self.processes:
            assert process.stdin is not None
            process.stdin.write(order + "\n")
        for process in self.processes:
            assert process.stdin is not None
            process.stdin.flush()
        return [_line(process) for process in self.processes]


@contextmanager
def racing(warm: Path, environ: Mapping[str, str]) -> Generator[Racers]:
    """Keep the processes."""
    command = [sys.executable, "-m", "tests.chaos._racers", str(warm)]
    processes = tuple(
        subprocess.Popen(
            command, cwd=_REPO, env={**environ}, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for _ in range(RACERS)
    )
    try:
        for process in processes:
            assert _line(process) == "ready"
        yield Racers(processes)
    finally:
        for process in processes:
            process.terminate()
            process.communicate()


def _line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def _race(warm: Path) -> None:
    """Do what is ordered, line by line."""
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    for line in sys.stdin:
        order = json.loads(line)
        settings = Settings(
            state_dir=Path(order["state"]),
            roots=(Path(order["home"]),),
            environ=dict(os.environ),
            default_model=MODEL,
        )
        with Engine(settings) as engine:
            warm_up(engine, warm)
            sys.stdout.write(_done(engine, order["do"], order["id"]) + "\n")
        sys.stdout.flush()


def _done(engine: Engine, what: str, id: str) -> str:
    try:
        return (engine.execute(id) if what == "execute" else engine.resume(id)).run_id
    except JournalBusy:
        return id


if __name__ == "__main__":
    _race(Path(sys.argv[1]))
