"""The command line: `stratum ...`, thin over the engine; for people in a terminal and, with `--json`, for machines."""

from stratum_mcp.cli._main import main

__all__ = ["main"]
