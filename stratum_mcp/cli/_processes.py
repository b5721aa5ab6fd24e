"""Commands that become another process: `serve` the MCP server, `run-worker` the runner of one run.

They replace this process, so that the server starts without the command line's imports and a signal reaches it.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

import click

__all__ = ["run_worker", "serve"]


@click.command()
def serve() -> None:
    """Serve MCP on stdin and stdout; this is what an MCP client starts."""
    _become("stratum_mcp.server", ())


@click.command(name="run-worker", hidden=True, context_settings={"ignore_unknown_options": True})
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def run_worker(arguments: tuple[str, ...]) -> None:
    """Run one run to its end; started by the engine."""
    _become("stratum_core.runtime.worker", arguments)


def _become(module: str, arguments: Sequence[str]) -> None:
    """Replace this process by a module of this installation."""
    os.execv(sys.executable, [sys.executable, "-m", module, *arguments])  # noqa: S606 - our own module, no shell
