"""Promises about whole conversations in Claude Code, and what a developer can look at in them."""

from __future__ import annotations

from tests.support.promise import Promise, promise

__all__ = ["CONVERSATIONS"]

SERVER = ("docs/mcp.md", "The MCP server")
COMMANDS = ("docs/cli.md", "The command line")

CONVERSATIONS: tuple[Promise, ...] = (
    promise(
        "conversations.outline",
        "A plan can be read with its steps, contracts, conditions, budgets and compiled prompts, and without its data",
        SERVER,
        "core/engine/test_outline.py",
        "server/test_surface.py::test_a_plan_can_be_read_as_a_developer_does",
    ),
    promise(
        "conversations.outline-command",
        "`stratum show PLAN --outline` writes the same",
        COMMANDS,
        "cli/test_runs.py::test_show_writes_the_outline_of_a_plan",
    ),
)
