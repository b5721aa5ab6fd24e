"""`stratum install` for the real client: a session sees the tools; after `stratum uninstall` nothing is left."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.claude._client import run_print
from tests.claude._json import parse_object
from tests.claude._messages_api import MessagesApi
from tests.claude._script import Request, Script, connected

if TYPE_CHECKING:
    from tests.claude._client import ClaudeCode

pytestmark = [pytest.mark.claude, pytest.mark.slow]

_STRATUM = Path(sys.executable).parent / "stratum"
_SETTINGS = '{"permissions": {"defaultMode": "default"},\n\n    "env": {"MINE":   "1"}}'
_NOWHERE = "http://127.0.0.1:9"
_WITHOUT = "/usr/bin:/bin"


def _stratum(claude: ClaudeCode, *arguments: str, path: str) -> str:
    """Run our command as the person does; return what it said."""
    environ = {**claude.environment(_NOWHERE, {}), "PATH": path}
    done = subprocess.run(
        [_STRATUM, *arguments],
        cwd=claude.project,
        env=environ,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def _offered(claude: ClaudeCode) -> set[str]:
    """Start a session whose PATH does not hold the server, and return which of our tools it offers its model."""

    def script(request: Request) -> Script:
        yield from connected(request, "stratum", "plan")
        return "ready"

    with MessagesApi(script) as api:
        run_print(claude, api.url, "hello", env={"PATH": _WITHOUT}, timeout_s=60)
    return {name for request in api.requests for name in request.callable_tools if "stratum" in name}


def _written(claude: ClaudeCode) -> Mapping[str, str]:
    """Return every file of the person that is not a record the client keeps for itself."""
    own = {
        ".claude.json",
        "backups",
        "plugins",
        "projects",
        ".cache",
        ".config",
        "sessions",
        "shell-snapshots",
        ".last-cleanup",
    }
    files = [path for top in (claude.home, claude.project) for path in top.rglob("*") if path.is_file()]
    kept = [path for path in files if not own & {*path.parts} and not path.name.startswith(".claude.json.")]
    return {str(path): path.read_text("utf-8") for path in kept if "mcp-needs-auth" not in path.name}


@pytest.fixture
def person(claude: ClaudeCode) -> ClaudeCode:
    """A person with settings and a CLAUDE.md of their own."""
    (claude.home / ".claude" / "settings.json").write_text(_SETTINGS, "utf-8")
    (claude.home / ".claude" / "CLAUDE.md").write_text("# Mine\n\nBe kind.", "utf-8")
    return claude


@pytest.mark.parametrize(
    ("arguments", "prefix", "told"),
    [
        ((), "mcp__plugin_stratum_stratum__", True),
        ((), "mcp__plugin_stratum_stratum__", False),
        (("--no-plugin",), "mcp__stratum__", True),
        (("--scope", "project"), "mcp__plugin_stratum_stratum__", True),
    ],
    ids=["plugin", "plugin, the client told nothing", "server alone", "project"],
)
def test_a_session_sees_the_tools_and_nothing_is_left_after_uninstalling(
    person: ClaudeCode, arguments: tuple[str, ...], prefix: str, told: bool, tmp_path: Path
) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "claude").symlink_to(person.binary)
    path = f"{tmp_path / 'bin'}{os.pathsep}{_WITHOUT}" if told else _WITHOUT
    before = _written(person)
    said = _stratum(person, "install", *arguments, path=path)
    assert ("ran: claude" in said) == told
    assert _offered(person) >= {f"{prefix}plan", f"{prefix}approve", f"{prefix}execute"}
    scope = arguments if arguments[:1] == ("--scope",) else ()
    _stratum(person, "uninstall", *scope, path=path)
    assert _written(person) == before
    assert _offered_nothing(person)


def _offered_nothing(claude: ClaudeCode) -> bool:
    """Return whether a session starts without anything of ours, in its tools and in what the client knows."""

    def script(request: Request) -> Script:
        yield from ()
        return "ready"

    with MessagesApi(script) as api:
        done = run_print(claude, api.url, "hello", env={"PATH": _WITHOUT}, timeout_s=60)
    plugins = claude.home / ".claude" / "plugins" / "installed_plugins.json"
    known = parse_object(plugins.read_text("utf-8"))["plugins"] if plugins.exists() else {}
    seen = json.dumps([request.body for request in api.requests]) + json.dumps(done.of("system", "init"))
    return "stratum" not in seen.lower().replace(str(claude.project).lower(), "") and known == {}
