"""Commands that become another process: `serve` the MCP server, `run-worker` the runner of one run.

They replace this process, so that the server starts without the command line's imports and a signal reaches it.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import NoReturn

import click

__all__ = ["run_worker", "serve"]


@click.command()
@click.option("--http", is_flag=True, help="Serve a team over HTTP instead; needs --team.")
@click.option(
    "--team", type=click.Path(), envvar="STRATUM_TEAM", help="The team file: address, people, folders."
)
@click.option("--host", default="127.0.0.1", show_default=True, help="Where to listen, with --http.")
@click.option("--port", default=8765, show_default=True, help="On which port, with --http.")
def serve(*, http: bool, team: str | None, host: str, port: int) -> None:
    """Serve MCP on stdin and stdout; this is what an MCP client starts.

    With --http it serves the people of a team over Streamable HTTP, each with a bearer token (`stratum team token`).
    It speaks plain HTTP: put a proxy that ends TLS before it unless it is for this machine only.
    """
    if not http:
        _become("stratum_mcp.server", ())
    if not team:
        raise click.UsageError(
            "--http needs --team FILE (or STRATUM_TEAM): the address, the people and their folders"
        )
    _become("stratum_mcp.team", ("--team", team, "--host", host, "--port", str(port)))


@click.command(name="run-worker", hidden=True, context_settings={"ignore_unknown_options": True})
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def run_worker(arguments: tuple[str, ...]) -> None:
    """Run one run to its end; started by the engine."""
    _become("stratum_core.runtime.worker", arguments)


def _become(module: str, arguments: Sequence[str]) -> NoReturn:
    """Replace this process by a module of this installation."""
    os.execv(sys.executable, [sys.executable, "-m", module, *arguments])  # noqa: S606 - our own module, no shell
