"""Runners that start in milliseconds: forked from a process that has imported everything a runner imports.

What runs in them is the product's own runner, from its `main` on. Only the seconds before, in which Python imports the
provider library, are left out, so that a hundred rounds take minutes. The process listens on a socket of its own:

    python -m tests.chaos._warm SOCKET
"""

from __future__ import annotations

import contextlib
import gc
import json
import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn, cast

import anyio

from stratum_core.contracts import JsonValue
from stratum_core.engine import Engine
from stratum_core.engine._runners import Runners
from stratum_core.journal import AnswerCache, ControlStore, RunJournal
from stratum_core.journal._control_file import ControlFile
from stratum_core.llm import LitellmClient
from stratum_core.runtime import worker

__all__ = ["JUMPS_S", "WarmRunner", "WarmRunners", "ask", "jumping_clock", "warm_up", "warmed"]

JUMPS_S = (-400 * 86400.0, -86400.0, -3600.0, -1.0, 0.0, 0.0, 1.0, 3600.0, 86400.0, 400 * 86400.0)
"""How far a clock may be off, in seconds."""
_REPO = Path(__file__).parent.parent.parent
_LOOK_S = 1.0
"""How often the warm process looks whether its starter is still there."""


@dataclass
class WarmRunner:
    """A runner as its starter sees it; has what the engine asks a process for."""

    socket: Path
    pid: int
    status: int | None = None

    def poll(self) -> int | None:
        """Return its exit status, negative for a signal; None while it runs."""
        if self.status is None:
            self.status = cast("int | None", ask(self.socket, {"poll": self.pid}))
        return self.status


class WarmRunners(Runners):
    """Starts runners of one state directory in the warm process."""

    def __init__(self, state_dir: Path, socket: Path) -> None:
        super().__init__(state_dir, {})
        self.socket = socket
        self.jumps_seed: int | None = None
        """Runners started from now on have a clock that jumps; None: they have the machine's."""
        self.last: WarmRunner | None = None

    def prepare(self, plan_id: str, *, background: bool, wait_s: float) -> None:
        """Prepare nothing: all of them are warm."""

    def start(self, run_id: str, *, background: bool, plan_id: str | None = None) -> None:
        """Fork a runner, unless one is at work."""
        if not self.alive(run_id):
            self.fork(run_id)

    def fork(self, run_id: str) -> WarmRunner:
        """Fork a runner, whoever is at work."""
        runs = self._state_dir / "runs"
        runs.mkdir(mode=0o700, parents=True, exist_ok=True)
        order: dict[str, JsonValue] = {
            "arguments": ["--state-dir", str(self._state_dir.resolve()), "--run", run_id],
            "log": str(runs / f"{run_id}.log"),
            "jumps": self.jumps_seed,
        }
        self.last = WarmRunner(socket=self.socket, pid=cast("int", ask(self.socket, order)))
        self._started[run_id] = cast("subprocess.Popen[bytes]", self.last)
        return self.last


def warm_up(engine: Engine, socket: Path) -> WarmRunners:
    """Let an engine start its runners in the warm process from now on."""
    runners = WarmRunners(engine.settings.state_dir, socket)
    engine._runners = runners
    return runners


def ask(path: Path, order: Mapping[str, JsonValue]) -> JsonValue:
    """Give the warm process one order and return its answer."""
    with socket.socket(socket.AF_UNIX) as line:
        line.connect(str(path))
        line.sendall(json.dumps(order).encode() + b"\n")
        with line.makefile() as answers:
            return cast("JsonValue", json.loads(answers.readline()))


@contextmanager
def warmed(folder: Path, environ: Mapping[str, str]) -> Generator[Path]:
    """Keep a warm process, and yield its socket once it is ready."""
    path = folder / "warm.socket"
    command = [sys.executable, "-m", "tests.chaos._warm", str(path)]
    with subprocess.Popen(command, cwd=_REPO, env={**environ}, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        try:
            assert process.stdout.readline() == b"ready\n", "the warm process did not come up"
            yield path
        finally:
            process.terminate()


def jumping_clock(seed: int, real: Callable[[], float]) -> Callable[[], float]:
    """Return a clock that is set to another time at random moments."""
    moments = random.Random(seed)  # noqa: S311 - when to jump
    off = [moments.choice(JUMPS_S)]

    def now() -> float:
        if moments.random() < 0.05:
            off[0] = moments.choice(JUMPS_S)
        return real() + off[0]

    return now


def _serve(path: Path) -> NoReturn:
    """Import what a runner imports, then fork one for every order."""
    anyio.run(LitellmClient({}).warm)
    statuses: dict[int, int] = {}
    gc.freeze()
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen(64)
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        listener.settimeout(_LOOK_S)
        starter = os.getppid()
        while os.getppid() == starter:
            try:
                line, _ = listener.accept()
            except TimeoutError:
                continue
            line.settimeout(None)
            with line, line.makefile() as orders:
                order = cast("dict[str, JsonValue]", json.loads(orders.readline()))
                answer = _polled(cast("int", order["poll"]), statuses) if "poll" in order else os.fork()
                if answer == 0 and "poll" not in order:
                    line.detach()
                    os.close(listener.detach())
                    _become_runner(order)
                if "poll" not in order:
                    statuses.pop(cast("int", answer), None)  # the number was another process's before
                line.sendall(json.dumps(answer).encode() + b"\n")
    sys.exit(0)


def _polled(pid: int, statuses: dict[int, int]) -> int | None:
    """Return the exit status of a child; None while it runs."""
    if pid not in statuses:
        with contextlib.suppress(ChildProcessError):
            found, status = os.waitpid(pid, os.WNOHANG)
            if found:
                statuses[pid] = os.waitstatus_to_exitcode(status)
    return statuses.get(pid)


def _become_runner(order: Mapping[str, JsonValue]) -> NoReturn:
    """Be the runner of one run, in a session of its own, and end with its status."""
    status = 70
    try:
        os.setsid()
        log = os.open(str(order["log"]), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        os.dup2(log, 1)
        os.dup2(log, 2)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        if isinstance(order["jumps"], int):
            _set_clocks(jumping_clock(order["jumps"], time.time))
        status = worker.main(cast("list[str]", order["arguments"]))
    finally:
        os._exit(status)


def _set_clocks(clock: Callable[[], float]) -> None:
    """Give the stores this clock through their ports, and everything else in the process too."""
    for opened in (RunJournal.open, ControlStore.open, ControlFile.open, AnswerCache.open):
        defaults = opened.__func__.__kwdefaults__
        assert defaults is not None
        defaults["clock"] = clock
    time.time = clock


if __name__ == "__main__":
    _serve(Path(sys.argv[1]))
