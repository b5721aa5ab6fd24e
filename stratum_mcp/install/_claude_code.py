"""Registering the server with Claude Code through its own command, `claude mcp add`.

Only that command writes the client's settings; nothing here edits a file of the client. The server is named by the
absolute path of this environment, so it starts whatever the client's PATH is.
"""

from __future__ import annotations

import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from stratum_core.errors import ConfigurationError
from stratum_mcp.plain import plain

__all__ = ["SCOPES", "Registration", "apply", "registration", "removal"]

SCOPES: Final = ("user", "project", "local")
_NAME = "stratum"
_TIMEOUT_S = 60
_THERE_ALREADY = "already exists"


@dataclass(frozen=True, slots=True, kw_only=True)
class Registration:
    """The commands that register the server or remove it, and what came of them."""

    commands: tuple[tuple[str, ...], ...]
    scope: str
    outcome: str = ""

    @property
    def command_lines(self) -> tuple[str, ...]:
        """The commands as a person would type them."""
        return tuple(shlex.join(command) for command in self.commands)


def registration(scope: str) -> Registration:
    """Return the command that tells Claude Code about this environment's server."""
    return Registration(
        commands=(("claude", "mcp", "add", "--scope", scope, _NAME, "--", *_server()),), scope=scope
    )


def removal(scope: str) -> Registration:
    """Return the command that makes Claude Code forget the server."""
    return Registration(commands=(_remove(scope),), scope=scope)


def apply(wanted: Registration, environ: Mapping[str, str], *, tell: Callable[[str], None]) -> Registration:
    """Run the commands, telling each before it runs, and return what was run with its outcome.

    A server of this name that is registered already is replaced, so that it points at this environment.

    Raises:
        ConfigurationError: `claude` is not on PATH, or it refused.
    """
    claude = shutil.which("claude", path=environ.get("PATH"))
    if claude is None:
        raise ConfigurationError(
            "Claude Code's command `claude` is not on PATH",
            remedy="install it (https://code.claude.com/docs) and run this again, or run by hand: "
            + "; ".join(wanted.command_lines),
        )
    ran: list[tuple[str, ...]] = []
    waiting = list(wanted.commands)
    said = ""
    while waiting:
        command = waiting.pop(0)
        tell(f"running: {shlex.join(command)}")
        ran.append(command)
        status, said = _run(claude, command, environ)
        if status and _THERE_ALREADY in said and len(ran) == 1:
            waiting = [_remove(wanted.scope), command]
        elif status:
            raise ConfigurationError(
                f"`{shlex.join(command)}` ended with status {status}: {plain(said) or 'it said nothing'}",
                remedy="run it by hand to see more; `claude mcp list` shows what is registered",
            )
    return replace(wanted, commands=tuple(ran), outcome=said)


def _remove(scope: str) -> tuple[str, ...]:
    return ("claude", "mcp", "remove", "--scope", scope, _NAME)


def _run(claude: str, command: tuple[str, ...], environ: Mapping[str, str]) -> tuple[int, str]:
    """Run one command of the client; give its status and what it said.

    Raises:
        ConfigurationError: It did not end in time.
    """
    try:
        done = subprocess.run(  # noqa: S603 - the client's own binary, no shell
            [claude, *command[1:]],
            env=dict(environ),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_TIMEOUT_S,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise ConfigurationError(
            f"`{shlex.join(command)}` did not end within {_TIMEOUT_S} s", remedy="run it by hand to see why"
        ) from error
    return done.returncode, plain(f"{done.stdout}\n{done.stderr}").strip()


def _server() -> tuple[str, ...]:
    """Return the command of this environment's server, by its absolute path."""
    script = Path(sys.executable).parent / "stratum-mcp"
    return (str(script),) if script.is_file() else (sys.executable, "-m", "stratum_mcp.server")
