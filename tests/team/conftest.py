"""A team's server as a process of its own, two people who plan, and one who answers for them."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path

import pytest

from stratum_mcp.settings import ServerSettings
from stratum_mcp.team import TokenStore, token_store
from tests.support.jobs import DOCUMENT

_START_S = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class TeamServer:
    """A running server and the tokens of its people."""

    url: str
    home: Path
    tokens: dict[str, str]
    store: TokenStore
    key: str
    """The provider key that only the server's environment holds."""

    @property
    def address(self) -> str:
        """Scheme, host and port."""
        return self.url.removesuffix("/mcp")


@pytest.fixture(scope="session")
def team_server(tmp_path_factory: pytest.TempPathFactory) -> Generator[TeamServer]:
    """Start the server once; each test makes plans of its own."""
    home = tmp_path_factory.mktemp("team")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    url = f"http://127.0.0.1:{port}/mcp"
    for name in ("alice", "bob"):
        folder = home / "data" / name
        folder.mkdir(parents=True)
        (folder / "notes.stratum.yaml").write_text(DOCUMENT, "utf-8")
        (folder / "notes.csv").write_text("id,text\n1,Works very well\n2,Broken on arrival\n", "utf-8")
    team = home / "team.yaml"
    team.write_text(
        f"url: {url}\npeople:\n  alice: {{folder: data/alice}}\n  bob: {{folder: data/bob, day_usd: 0.0001}}\n"
        "  carol: {approves: [alice]}\n",
        "utf-8",
    )
    policy = home / "policy.yaml"
    policy.write_text("require_remote_above_usd: 0.002\n", "utf-8")
    team.chmod(0o600)
    policy.chmod(0o600)
    key = "sk-canary-of-the-team-server-000000"
    environ = {
        **{
            name: os.environ[name]
            for name in ("PATH", "HOME", "COVERAGE_PROCESS_CONFIG")
            if name in os.environ
        },
        "STRATUM_STATE_DIR": str(home / "state"),
        "STRATUM_KEYS_DIR": str(home / "keys"),
        "STRATUM_POLICY": str(policy),
        "STRATUM_MODEL": "offline",
        "OPENAI_API_KEY": key,
    }
    store = token_store(ServerSettings.from_environment(environ, cwd=home))
    tokens = {name: store.issue(name, audience=url, days=1)[1] for name in ("alice", "bob", "carol")}
    log = (home / "server.log").open("w+", encoding="utf-8")
    process = subprocess.Popen(
        [sys.executable, "-m", "stratum_mcp.team", "--team", str(team), "--port", str(port)],
        env=environ,
        cwd=home,
        stderr=log,
        stdout=log,
    )
    try:
        _wait(port, process, home / "server.log")
        yield TeamServer(url=url, home=home, tokens=tokens, store=store, key=key)
    finally:
        process.terminate()
        process.wait(30)
        log.close()


def _wait(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    """Return when the server listens."""
    until = time.monotonic() + _START_S
    while time.monotonic() < until:
        assert process.poll() is None, log.read_text("utf-8")
        with socket.socket() as knock:
            if knock.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise AssertionError(log.read_text("utf-8"))


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"
