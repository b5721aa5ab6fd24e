"""The MCP server: eight tools and five resources over one engine, in both protocol eras.

It watches and asks; the paid work is done by runner processes, which go on when this one ends. Nothing is written to
stdout, which is the wire. Started by `stratum-mcp` or `stratum serve`; `stratum install` tells Claude Code about it.
"""

from __future__ import annotations

import json
import logging
import os
import sys
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar, cast

import anyio.to_thread
from mcp.server.mcpserver import MCPServer, RequestStateSecurity
from mcp.server.mcpserver.exceptions import ResourceNotFoundError
from mcp.server.mcpserver.tools import Tool
from mcp.types import ToolAnnotations

from stratum_core.errors import StratumError
from stratum_mcp.arguments import strict_tool
from stratum_mcp.plain import plain
from stratum_mcp.replies import bounded
from stratum_mcp.settings import ServerSettings, Workspace
from stratum_mcp.tools import approve, cancel, codegen, estimate_cost, execute, plan, resume, validate

if TYPE_CHECKING:
    from mcp.server.auth.provider import TokenVerifier
    from mcp.server.auth.settings import AuthSettings

    from stratum_core.contracts import JsonValue

__all__ = ["INSTRUCTIONS", "build", "main"]

_T = TypeVar("_T")
_MAX_REPORT_CHARACTERS = 500_000
_QUESTION_TTL_S = 24 * 3600.0  # a person may answer tomorrow

INSTRUCTIONS = """\
Only the person approves a plan. Never answer, run `stratum approve` or set anything up on their behalf, and never do
the work with raw model calls instead: if approval is missing, show them the message and stop.

Stratum runs one language-model job over many items (classify, extract, draft, score a file of rows) with typed,
checked answers, a price before it starts and a cap it cannot pass. A single question you answer yourself.

1. Read stratum://guide once, then write the document: contracts, functions, flows. Never show it to the person.
2. plan(spec, flow, inputs): binds their csv, json, jsonl or text file. When it reports diagnostics, repair them all
and call again without a word to the person.
3. Tell the person in one sentence what will happen, the likely cost and the most it can cost.
4. approve(plan_id): the client asks them. declined is final for this plan. needs_approval: nobody could be asked, so
give them the command it names and stop.
5. execute(plan_id): waits with progress and returns the result. If it returns early, call resume(run_id). State
waiting: a person has to answer first; tell them what is asked and call resume, which asks them. You cannot answer.
6. Tell the person the one line in `message`, then what needs a look: failed items, flagged ones, where the file is.

Flagging uncertain items is a field of the answer; `ensure` is for answers that must be asked again. Leave `model` out
unless the person named one. A changed document, file, model or cap is a new plan and a new question.
"""


def build(
    settings: ServerSettings,
    *,
    workspace: Workspace | None = None,
    auth: AuthSettings | None = None,
    token_verifier: TokenVerifier | None = None,
) -> MCPServer[Workspace]:
    """Build the server; nothing is opened before a client connects.

    Args:
        settings: What it works with.
        workspace: Chooses the engine of a request; None: one for this account.
        auth: How requests over HTTP prove whose they are; None: whoever holds the pipe is the person.
        token_verifier: Goes with `auth`.
    """
    workspace = workspace or Workspace(settings)

    @asynccontextmanager
    async def lifespan(_: MCPServer[Workspace]) -> AsyncGenerator[Workspace]:
        try:
            yield workspace
        finally:
            workspace.close()

    server: MCPServer[Workspace] = MCPServer(
        "stratum",
        title="Stratum",
        version=version("stratum-runtime"),
        instructions=INSTRUCTIONS,
        tools=_tools(),
        lifespan=lifespan,
        log_level="WARNING",
        request_state_security=RequestStateSecurity.ephemeral(ttl=_QUESTION_TTL_S),
        auth=auth,
        token_verifier=token_verifier,
    )
    _add_resources(server, workspace)
    return server


def main() -> None:
    """Serve on stdin and stdout until the client goes away."""
    if len(sys.argv) > 1:
        sys.exit("stratum-mcp takes no arguments: it speaks MCP on stdin and stdout; try `stratum --help`")
    logging.basicConfig(
        stream=sys.stderr, level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s"
    )
    settings = ServerSettings.from_environment(os.environ, cwd=Path.cwd())
    build(settings).run()


def _tools() -> list[Tool]:
    """Describe the tools: titles are what a permission dialog shows."""
    looks = ToolAnnotations(read_only_hint=True, open_world_hint=False)
    asks = ToolAnnotations(destructive_hint=False, idempotent_hint=True, open_world_hint=False)
    spends = ToolAnnotations(destructive_hint=True, idempotent_hint=True, open_world_hint=True)
    return [
        strict_tool(validate, title="Check a document (free)", annotations=looks),
        strict_tool(plan, title="Plan a job (free)", annotations=looks),
        strict_tool(estimate_cost, title="Price a plan (free)", annotations=looks),
        strict_tool(approve, title="Ask you for approval", annotations=asks),
        strict_tool(execute, title="Run an approved plan (spends)", annotations=spends),
        strict_tool(resume, title="Go on with a run (may spend)", annotations=spends),
        strict_tool(cancel, title="Stop a run", annotations=asks),
        strict_tool(codegen, title="Write a plan as Python", annotations=asks),
    ]


def _add_resources(server: MCPServer[Workspace], workspace: Workspace) -> None:
    """Add what a client may read: the guide, the schema, plans and runs."""

    @server.resource("stratum://guide", title="How to write a document", mime_type="text/markdown")
    async def guide() -> str:
        """Return the one-page guide."""
        return await _read(lambda: workspace.engine().guide())

    @server.resource(
        "stratum://schema", title="JSON Schema of documents", mime_type="application/schema+json"
    )
    async def schema() -> str:
        """Return the JSON Schema of documents."""
        return _json(await _read(lambda: workspace.engine().schema()))

    @server.resource("stratum://plans/{plan_id}", name="plan", title="A plan", mime_type="application/json")
    async def plan_by_id(plan_id: str) -> str:
        """Return a plan and how it stands."""
        return _json((await _read(lambda: workspace.engine().show_plan(plan_id))).to_json())

    @server.resource(
        "stratum://plans/{plan_id}/outline",
        name="outline",
        title="A plan for developers",
        mime_type="text/plain",
    )
    async def outline_by_id(plan_id: str) -> str:
        """Return a plan's step graph, contracts, budgets and compiled prompts as text."""
        return plain(await _read(lambda: workspace.engine().code.outline(plan_id)))

    @server.resource(
        "stratum://runs/{run_id}", name="run", title="A run: census and trace", mime_type="application/json"
    )
    async def run_by_id(run_id: str) -> str:
        """Return what a run did: its census, attempts and events."""
        report = await _read(lambda: workspace.engine().run_report(run_id))
        return _json(bounded(cast("dict[str, JsonValue]", report), _MAX_REPORT_CHARACTERS))


async def _read(work: Callable[[], _T]) -> _T:
    """Read through the engine; what is not there is an error of the request."""
    try:
        return await anyio.to_thread.run_sync(work)
    except StratumError as error:
        raise ResourceNotFoundError(plain(str(error))) from error


def _json(value: JsonValue) -> str:
    return json.dumps(value, ensure_ascii=False, indent=1)


if __name__ == "__main__":
    main()
