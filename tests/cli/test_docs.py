"""The pages about the surfaces say what the surfaces do."""

from __future__ import annotations

import re
from pathlib import Path

from mcp.types import Tool

from stratum_mcp.cli._exit import EXIT_CODES
from tests.server._talk import server_of, talking
from tests.support.jobs import Job

_DOCS = Path(__file__).parents[2] / "docs"


def test_the_page_has_the_exit_codes_of_the_help() -> None:
    page = re.findall(r"^\| (\d+) \| (.+) \|$", (_DOCS / "cli.md").read_text("utf-8"), re.MULTILINE)
    lines = re.sub(r"\n {6,}(?=\S)", " ", EXIT_CODES)
    assert page == re.findall(r"^ +(\d+) +(.+)$", lines, re.MULTILINE)


async def test_the_page_has_every_tool_with_its_arguments(job: Job) -> None:
    page = (_DOCS / "mcp.md").read_text("utf-8")
    rows = {row[0]: row[1] for row in re.findall(r"^\| `(\w+)` \| (.+?) \|", page, re.MULTILINE)}
    async with talking(server_of(job), "2025-11-25") as talk:
        tools: list[Tool] = (await talk.client.list_tools()).tools
    assert list(rows) == [tool.name for tool in tools]
    for tool in tools:
        assert re.findall(r"`(\w+)`", rows[tool.name]) == list(tool.input_schema["properties"])
