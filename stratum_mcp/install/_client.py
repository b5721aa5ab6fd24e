"""The client's own command `claude`, which is told what was set up where it is there."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from stratum_mcp.install._entries import PLUGIN, Scope, server_command
from stratum_mcp.install._plugin import plugin_folder
from stratum_mcp.plain import plain

__all__ = ["Said", "client_on_path", "register_commands", "remove_commands", "run_client"]

_TIMEOUT_S: Final = 60
_SECRET: Final = re.compile("KEY|TOKEN|SECRET|PASSWORD|CREDENTIAL|HEADERS")
_SECRET_CHARACTERS: Final = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """One command of the client and what came of it."""

    command: tuple[str, ...]
    status: int | None
    """None: it was not run, or did not end in time."""
    text: str = ""

    @property
    def line(self) -> str:
        """The command as a person would type it."""
        return shlex.join(self.command)


def client_on_path(environ: Mapping[str, str]) -> str | None:
    """Return where `claude` is, or None."""
    return shutil.which("claude", path=environ.get("PATH", ""))


def register_commands(scope: Scope, *, plugin: bool) -> tuple[tuple[str, ...], ...]:
    """Return the commands that tell the client about the plugin, or about the server alone."""
    if plugin:
        own = "local" if scope == "project" else scope
        return (
            ("claude", "plugin", "marketplace", "add", "--scope", own, str(plugin_folder())),
            ("claude", "plugin", "install", "--scope", scope, PLUGIN),
        )
    return (("claude", "mcp", "add", "--scope", scope, "stratum", "--", *server_command()),)


def remove_commands(scope: Scope, *, plugin: bool, last: bool) -> tuple[tuple[str, ...], ...]:
    """Return the commands that make the client forget; the marketplace goes with the last scope that uses it."""
    if not plugin:
        return (("claude", "mcp", "remove", "--scope", scope, "stratum"),)
    uninstall = ("claude", "plugin", "uninstall", "--scope", scope, PLUGIN)
    return (uninstall, ("claude", "plugin", "marketplace", "remove", "stratum")) if last else (uninstall,)


def run_client(claude: str, command: tuple[str, ...], environ: Mapping[str, str], cwd: Path) -> Said:
    """Run one command of the client and return what it said; nobody is asked anything."""
    try:
        done = subprocess.run(  # noqa: S603 - the client's own binary, no shell
            [claude, *command[1:]],
            env=dict(environ),
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_TIMEOUT_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return Said(command=command, status=None, text=f"it did not end within {_TIMEOUT_S} s")
    except OSError as error:
        return Said(command=command, status=None, text=f"it could not be started: {error.strerror}")
    text = _without_secrets(f"{done.stdout}\n{done.stderr}", environ)
    return Said(command=command, status=done.returncode, text=plain(text).strip())


def _without_secrets(text: str, environ: Mapping[str, str]) -> str:
    """Return what another program said with the names of secrets in place of their values."""
    for name, value in environ.items():
        if _SECRET.search(name) and len(value) >= _SECRET_CHARACTERS:
            text = text.replace(value, f"({name})")
    return text
