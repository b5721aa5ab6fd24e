"""Registering with Claude Code through its own command, seen through a stand-in for that command."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli._command import Done
from tests.support.jobs import Job

_SERVER = Path(sys.executable).parent / "stratum-mcp"
_CLIENT = """\
#!/bin/sh
echo "$@" >> "$CALLS"
if [ -n "$STUCK" ]; then exec sleep 30; fi
if [ "$2" = add ] && [ -e "$REGISTERED" ]; then echo "MCP server stratum already exists in user config" >&2; exit 1; fi
if [ "$2" = add ]; then touch "$REGISTERED"; echo "Added stdio MCP server stratum"; fi
if [ "$2" = remove ]; then rm "$REGISTERED" || exit 1; echo "Removed MCP server stratum"; fi
"""


@pytest.fixture
def calls(job: Job, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The calls a stand-in for `claude` on PATH was given."""
    folder = job.folder.parent / "bin"
    folder.mkdir()
    (folder / "claude").write_text(_CLIENT, "utf-8")
    (folder / "claude").chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("CALLS", str(folder / "calls"))
    monkeypatch.setenv("REGISTERED", str(folder / "registered"))
    return folder / "calls"


def test_install_adds_the_server_by_its_absolute_path_and_says_so(
    calls: Path, stratum: Callable[..., Done]
) -> None:
    done = stratum("install")
    added = f"mcp add --scope user stratum -- {_SERVER}"
    assert done.code == 0
    assert calls.read_text("utf-8").splitlines() == [added]
    assert f"running: claude {added}" in done.out
    assert "Added stdio MCP server stratum" in done.out
    assert _SERVER.is_file()


def test_installing_again_replaces_what_is_registered(calls: Path, stratum: Callable[..., Done]) -> None:
    stratum("install")
    assert stratum("install").code == 0
    assert [line.split(" ", 2)[1] for line in calls.read_text("utf-8").splitlines()] == [
        "add",
        "add",
        "remove",
        "add",
    ]


@pytest.mark.parametrize("command", [("uninstall",), ("install", "--uninstall")])
def test_uninstall_removes_it(calls: Path, stratum: Callable[..., Done], command: tuple[str, ...]) -> None:
    stratum("install", "--scope", "project")
    assert stratum(*command, "--scope", "project").code == 0
    assert calls.read_text("utf-8").splitlines()[-1] == "mcp remove --scope project stratum"


def test_uninstall_of_what_is_not_there_fails_with_what_the_client_said(
    calls: Path, stratum: Callable[..., Done]
) -> None:
    done = stratum("uninstall")
    assert done.code == 1
    assert "ended with status 1" in done.err


def test_a_dry_run_only_shows_the_command(calls: Path, stratum: Callable[..., Done]) -> None:
    done = stratum("install", "--dry-run", "--json")
    assert done.code == 0
    assert done.record()["commands"] == [f"claude mcp add --scope user stratum -- {_SERVER}"]
    assert not calls.exists()


def test_without_the_client_it_says_what_to_do(
    job: Job, stratum: Callable[..., Done], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(job.folder))
    done = stratum("install")
    assert done.code == 1
    assert "not on PATH" in done.err
    assert f"claude mcp add --scope user stratum -- {_SERVER}" in done.err


def test_a_client_that_hangs_is_given_up_on(
    calls: Path, stratum: Callable[..., Done], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STUCK", "1")
    monkeypatch.setattr("stratum_mcp.install._claude_code._TIMEOUT_S", 0.2)
    done = stratum("install")
    assert done.code == 1
    assert "did not end" in done.err
