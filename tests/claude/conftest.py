"""Fixtures of the tests that drive the real Claude Code client.

The client is looked for in $CLAUDE_BIN, in tests/claude/node (`npm ci` there installs the pinned one) and
on PATH. Where it is missing these tests skip and say so; with STRATUM_REQUIRE_CLAUDE=1, as in CI, they fail
instead.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from tests.claude._client import ClaudeCode

_PINNED = Path(__file__).parent / "node" / "node_modules" / ".bin" / "claude"
_REQUIRED = os.environ.get("STRATUM_REQUIRE_CLAUDE") == "1"


def _missing(what: str) -> None:
    """Skip the test, or fail it where the client is required."""
    if _REQUIRED:
        pytest.fail(f"{what} (STRATUM_REQUIRE_CLAUDE=1 forbids skipping)")
    pytest.skip(what)


@pytest.fixture(scope="session")
def claude_binary() -> Path:
    named = os.environ.get("CLAUDE_BIN") or (str(_PINNED) if _PINNED.exists() else "claude")
    found = shutil.which(named)
    if not found:
        _missing(f"no Claude Code client at {named!r}: run `npm ci` in tests/claude/node or set CLAUDE_BIN")
    return Path(found or "").resolve()


@pytest.fixture
def claude(claude_binary: Path, tmp_path: Path) -> ClaudeCode:
    """The client for a person with an empty home and an empty project."""
    installation = ClaudeCode(
        binary=claude_binary,
        home=tmp_path / "home",
        project=(tmp_path / "project").resolve(),
        # the usual place, so that no command names it
        state_dir=tmp_path / "home/.local/state/stratum",
    )
    for folder in (installation.home, installation.project, installation.state_dir):
        folder.mkdir(parents=True)
    installation.settle_in()
    return installation


@pytest.fixture
def terminal_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for the screen driver's socket and pipe."""
    if not shutil.which("tmux"):
        _missing(
            "no tmux on PATH: it shows what a person sees in the client; install it (apt-get install tmux)"
        )
    return tmp_path_factory.mktemp("tmux")
