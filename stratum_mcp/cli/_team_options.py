"""What the commands of a team have in common: the team file, the server's settings, and whose token it is."""

from __future__ import annotations

import getpass
import sys
from pathlib import Path

import click

from stratum_core.errors import ConfigurationError
from stratum_mcp.cli._session import Session
from stratum_mcp.settings import ServerSettings

__all__ = ["own_token", "server_settings", "team_file"]

_TOKEN = "STRATUM_TOKEN"  # noqa: S105 - the name of a variable

team_file = click.option(
    "--team",
    "path",
    type=click.Path(path_type=Path),
    envvar="STRATUM_TEAM",
    required=True,
    help="The team file.",
)


def own_token(session: Session) -> str:
    """Return the token of whoever types, from the environment or asked for without an echo; never an argument."""
    text = session.environ.get(_TOKEN) or getpass.getpass("Your token: ", stream=sys.stderr)
    if not text.strip():
        raise ConfigurationError("no token was given", remedy=f"set {_TOKEN}, or paste it when asked")
    return text.strip()


def server_settings(session: Session) -> ServerSettings:
    """Return the settings of the server that this account runs."""
    return ServerSettings.from_environment(session.environ, cwd=session.cwd)
