"""Without a key there is nothing to reach: the demonstration and its runner open no connection."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

WATCH = """\
import os, sys
def note(event, arguments):
    if event in ("socket.connect", "socket.getaddrinfo", "socket.sendto", "socket.gethostbyname"):
        with open(os.environ["CONNECTIONS"], "a") as file:
            file.write(event + " " + repr(arguments[1:]) + "\\n")
sys.addaudithook(note)
with open(os.environ["STARTED"], "a") as file:
    file.write(str(os.getpid()) + "\\n")
"""


def test_the_demonstration_connects_to_nothing_from_its_plan_to_its_results(
    root: Path, tmp_path: Path
) -> None:
    (tmp_path / "sitecustomize.py").write_text(WATCH, "utf-8")
    environ = {name: value for name, value in os.environ.items() if not name.endswith("_API_KEY")}
    environ |= {
        "PYTHONPATH": f"{tmp_path}{os.pathsep}{root}",
        "CONNECTIONS": str(tmp_path / "connections"),
        "STARTED": str(tmp_path / "started"),
        "STRATUM_STATE_DIR": str(tmp_path / "state"),
    }
    command = [
        sys.executable,
        "-c",
        "from stratum_mcp.cli import main; main()",
        "demo",
        "--yes-under",
        "0.05",
    ]
    done = subprocess.run(
        [*command, "--rows", "5"],
        cwd=tmp_path,
        env=environ,
        capture_output=True,
        text=True,
        check=False,
        timeout=90,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert (tmp_path / "results.csv").is_file()
    watched = (tmp_path / "started").read_text("utf-8").split()
    assert len(watched) > 1, "the runner was not watched"
    connections = tmp_path / "connections"
    assert not connections.exists(), connections.read_text("utf-8")
