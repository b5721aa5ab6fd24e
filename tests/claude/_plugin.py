"""Installing the plugin into the real client of a test, and what its agent can be made to do there."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Generator
from pathlib import Path
from typing import TYPE_CHECKING

from tests.claude._script import Request, Turn, UseTool, connected, tool_name

if TYPE_CHECKING:
    from tests.claude._client import ClaudeCode
    from tests.claude._json import Json, JsonObject

ROOT = Path(__file__).parents[2]
PLUGIN = ROOT / "claude"
SERVER = {"STRATUM_MCP": str(Path(sys.executable).parent / "stratum-mcp")}
"""Where the server is, for a client whose PATH does not hold it."""
AT_HAND = {**SERVER, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
"""The same for a person whose terminal finds the commands, so that they are told by their bare name."""
LOADED = ["--plugin-dir", str(PLUGIN)]
_EXAMPLES = ROOT / "examples"
_COLUMNS: JsonObject = {"id": "review_id", "product": "Product", "text": "Review Text", "stars": "Stars"}
_NOWHERE = "http://127.0.0.1:9"


def client_command(claude: ClaudeCode, *arguments: str) -> str:
    """Run one of the client's own commands in the person's home and return what it said.

    Raises:
        AssertionError: It failed.
    """
    done = subprocess.run(
        [claude.binary, *arguments],
        cwd=claude.project,
        env=claude.environment(_NOWHERE, SERVER),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def install(claude: ClaudeCode, marketplace: Path) -> str:
    """Install the plugin from a marketplace folder, as a person does; return what the client lists then."""
    client_command(claude, "plugin", "marketplace", "add", str(marketplace))
    client_command(claude, "plugin", "install", "stratum@stratum")
    return client_command(claude, "plugin", "list")


def bring_reviews(claude: ClaudeCode, *, times: int = 1) -> None:
    """Put the sample reviews into the project, so often one after the other."""
    head, *rows = (_EXAMPLES / "reviews.csv").read_text("utf-8").partition("\n")
    (claude.project / "reviews.csv").write_text(head + rows[0] + rows[1] * times, "utf-8")


def make_plan(
    request: Request, *, rows: int | None = 3, **options: Json
) -> Generator[Turn, Request, tuple[Request, JsonObject]]:
    """Plan the review job with the offline model; give the next request and the plan.

    Args:
        request: The client's latest request.
        rows: How many reviews; None: all.
        options: More options of the plan.
    """
    request = yield from connected(request, "stratum", "plan")
    request = yield UseTool(
        tool_name(request, "stratum", "plan"),
        {
            "spec": (_EXAMPLES / "reviews.stratum.yaml").read_text("utf-8"),
            "flow": "process_reviews",
            "inputs": {"reviews": {"file": "reviews.csv", "columns": _COLUMNS}},
            "options": {
                "model": "offline",
                "out": "results.csv",
                **({} if rows is None else {"rows": rows}),
                **options,
            },
        },
    )
    return request, request.tool_results[-1].json()
