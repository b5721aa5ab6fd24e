"""Running the command: in this process, or at a pseudo-terminal where a person types."""

from __future__ import annotations

import json
import os
import pty
import select
import signal
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from stratum_mcp.cli import main

__all__ = ["Done", "at_terminal", "plan_arguments", "run_here"]

_DEADLINE_S = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """What a command left behind."""

    code: int
    out: str
    err: str = ""

    def record(self) -> Any:  # noqa: ANN401 - JSON of any command
        """Return stdout as the one JSON value it has to be."""
        return json.loads(self.out)


def run_here(arguments: Sequence[str], capfd: pytest.CaptureFixture[str]) -> Done:
    """Run a command in this process."""
    capfd.readouterr()
    with pytest.raises(SystemExit) as ended:
        main(list(arguments))
    out, err = capfd.readouterr()
    return Done(code=int(str(ended.value.code)), out=out, err=err)


def plan_arguments(*more: str) -> list[str]:
    """Return how the job is planned on a command line."""
    return ["plan", "notes.stratum.yaml", "--input", "notes=notes.csv", *more]


def at_terminal(
    arguments: Sequence[str],
    *,
    answers: Mapping[str, str | Callable[[], str]],
    cwd: Path,
    environ: Mapping[str, str],
) -> Done:
    """Run a command at a pseudo-terminal; when the screen shows a key of `answers`, its value is typed.

    A value of "^C" is Ctrl-C and "^D" the end of input; a function is called when its turn comes.
    """
    child, terminal = pty.fork()
    if child == 0:
        os.chdir(cwd)
        command = [sys.executable, "-c", "from stratum_mcp.cli import main; main()", *arguments]
        os.execve(sys.executable, command, {**environ, "TERM": "xterm", "COLUMNS": "100"})  # noqa: S606 - our own command
    screen, waiting, ends_at = "", dict(answers), time.monotonic() + _DEADLINE_S
    while time.monotonic() < ends_at:
        ready, _, _ = select.select([terminal], [], [], 1)
        if not ready:
            continue
        try:
            part = os.read(terminal, 65_536)
        except OSError:  # Linux: the other side is closed
            break
        if not part:
            break
        screen += part.decode("utf-8", "replace")
        for shown in [text for text in waiting if text in screen]:
            answer = waiting.pop(shown)
            text = answer if isinstance(answer, str) else answer()
            os.write(terminal, {"^C": b"\x03", "^D": b"\x04"}.get(text, f"{text}\n".encode()))
    else:
        os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    os.close(terminal)
    assert not waiting, f"never shown: {list(waiting)}\n{screen}"
    return Done(code=os.waitstatus_to_exitcode(status), out=screen.replace("\r\n", "\n"))
