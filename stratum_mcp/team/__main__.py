"""`python -m stratum_mcp.team --team FILE`: the process that `stratum serve --http` becomes."""

from __future__ import annotations

import argparse
import logging
import os
import sys
from pathlib import Path

from stratum_core.errors import StratumError
from stratum_mcp.plain import plain
from stratum_mcp.settings import ServerSettings
from stratum_mcp.team import load_team
from stratum_mcp.team._serve import serve


def main() -> None:
    """Serve a team; a fault of its configuration is one sentence on stderr."""
    parser = argparse.ArgumentParser(prog="stratum serve --http")
    parser.add_argument("--team", type=Path, required=True)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8765)
    options = parser.parse_args()
    logging.basicConfig(
        stream=sys.stderr, level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s"
    )
    settings = ServerSettings.from_environment(os.environ, cwd=Path.cwd())
    try:
        team = load_team(options.team)
        print(plain(f"Stratum serves {len(team.people)} people at {team.url}"), file=sys.stderr)  # noqa: T201
        serve(settings, team, host=options.host, port=options.port)
    except StratumError as error:
        sys.exit(plain(f"stratum: {error.message}\n  {error.remedy}"))


if __name__ == "__main__":
    main()
