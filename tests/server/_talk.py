"""Talking to the server as a client: over memory or stdio, in either era, with a person who answers."""

from __future__ import annotations

import os
import sys
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, cast

from mcp import Client, StdioServerParameters
from mcp.client import ClientRequestContext
from mcp.server.mcpserver import MCPServer
from mcp.types import (
    CallToolResult,
    ElicitRequestFormParams,
    ElicitRequestParams,
    ElicitResult,
    Implementation,
    ListRootsResult,
    Root,
    TextContent,
    TextResourceContents,
)
from pydantic import FileUrl

from stratum_core.contracts import JsonValue
from stratum_mcp.server import build
from stratum_mcp.settings import ServerSettings, Workspace
from tests.support.jobs import Job

__all__ = ["Person", "Talk", "record_of", "server_of", "stdio_of", "talking", "text_of"]

LEGACY = "2025-11-25"


@dataclass(slots=True)
class Person:
    """Answers every question the same way and keeps what was asked."""

    action: str = "accept"
    content: dict[str, Any] | None = field(default_factory=lambda: {"approve": True})
    asked: list[ElicitRequestFormParams] = field(default_factory=list[ElicitRequestFormParams])

    async def answer(self, context: ClientRequestContext, params: ElicitRequestParams) -> ElicitResult:
        """Answer one question."""
        del context
        assert isinstance(params, ElicitRequestFormParams)
        self.asked.append(params)
        return ElicitResult.model_validate({"action": self.action, "content": self.content})


@dataclass(slots=True)
class Talk:
    """A connected client and what it was told on the way."""

    client: Client
    progress: list[tuple[float, float | None, str | None]]

    async def call(self, tool: str, /, **arguments: JsonValue) -> CallToolResult:
        """Call a tool, errors included."""

        async def note(progress: float, total: float | None, message: str | None) -> None:
            self.progress.append((progress, total, message))

        return await self.client.call_tool(tool, arguments, progress_callback=note)

    async def ask(self, tool: str, /, **arguments: JsonValue) -> dict[str, Any]:
        """Call a tool that has to succeed and return its record."""
        return record_of(await self.call(tool, **arguments))

    async def error(self, tool: str, /, **arguments: JsonValue) -> str:
        """Call a tool that has to fail and return what the model reads."""
        result = await self.call(tool, **arguments)
        assert result.is_error, record_of(result)
        return text_of(result)

    async def read(self, uri: str) -> str:
        """Read a resource."""
        (content,) = (await self.client.read_resource(uri)).contents
        assert isinstance(content, TextResourceContents)
        return content.text


def record_of(result: CallToolResult) -> dict[str, Any]:
    """Return a good reply's record."""
    assert not result.is_error, text_of(result)
    return cast("dict[str, Any]", result.structured_content)


def text_of(result: CallToolResult) -> str:
    """Return a reply's text."""
    (block,) = result.content
    assert isinstance(block, TextContent)
    return block.text


def server_of(job: Job, *, patience_s: float = 60, progress_s: float = 0.1) -> MCPServer[Workspace]:
    """Build the server of a job's folder."""
    settings = ServerSettings.from_environment(job.environ, cwd=job.folder)
    return build(replace(settings, patience_s=patience_s, progress_s=progress_s))


def stdio_of(job: Job) -> StdioServerParameters:
    """Return how a client starts the server as a process of its own."""
    kept = {
        name: os.environ[name] for name in ("PATH", "HOME", "COVERAGE_PROCESS_CONFIG") if name in os.environ
    }
    return StdioServerParameters(
        command=sys.executable, args=["-m", "stratum_mcp.server"], env={**kept, **job.environ}, cwd=job.folder
    )


@asynccontextmanager
async def talking(
    server: MCPServer[Workspace] | StdioServerParameters,
    era: str,
    *,
    person: Person | None = None,
    roots: Sequence[Path] | None = None,
    name: str = "test-client",
) -> AsyncGenerator[Talk]:
    """Connect a client; without a person it cannot ask anybody, without roots it has no folders to tell."""

    async def tell_roots(context: ClientRequestContext) -> ListRootsResult:
        del context
        return ListRootsResult(roots=[Root(uri=FileUrl(path.as_uri())) for path in roots or ()])

    async with Client(
        server,
        mode="legacy" if era == LEGACY else "auto",
        elicitation_callback=None if person is None else person.answer,
        list_roots_callback=None if roots is None else tell_roots,
        client_info=Implementation(name=name, version="1"),
    ) as client:
        assert client.protocol_version == era
        yield Talk(client=client, progress=[])
