"""The server over HTTP with the protocol suite's own tools, resources and prompts beside ours.

The suite asks for things by fixed names and expects fixed answers. They are added to the very server `build` makes, so
what is tested is its transport, its checks of requests and the way it asks people; ours do nothing else with them.
Run as `python -m tests.conformance._fixtures PORT`.
"""

from __future__ import annotations

import base64
import os
import sys
from pathlib import Path
from typing import Any

import anyio
import uvicorn
from mcp.server.mcpserver import Audio, Context, Image, MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp.shared.exceptions import MCPError
from mcp.types import (
    CallToolResult,
    CreateMessageRequest,
    CreateMessageRequestParams,
    ElicitRequest,
    ElicitRequestFormParams,
    ElicitResult,
    EmbeddedResource,
    InputRequests,
    InputRequiredResult,
    ListRootsRequest,
    ListRootsResult,
    SamplingMessage,
    TextContent,
    TextResourceContents,
)
from mcp.types.jsonrpc import MISSING_REQUIRED_CLIENT_CAPABILITY
from pydantic import BaseModel, Field

from stratum_mcp.server import build
from stratum_mcp.settings import ServerSettings, Workspace

__all__ = ["serve"]

PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg=="
)
SILENCE = base64.b64decode("UklGRiQAAABXQVZFZm10IBAAAAABAAEAQB8AAEAfAAABAAgAZGF0YQAAAAA=")

_ORDINALS = ("First", "Second", "Third")

Ctx = Context[Workspace]


class User(BaseModel):
    """Who answers."""

    username: str = Field(description="User's response")
    email: str = Field(description="User's email address")


def _asked(key: str, message: str, **properties: dict[str, Any]) -> InputRequests:
    """Return one question to a person, every field of it required."""
    schema = {"type": "object", "properties": properties, "required": list(properties)}
    params = ElicitRequestFormParams(message=message, requested_schema=schema)
    return {key: ElicitRequest(params=params)}


def _answer(ctx: Ctx, key: str) -> dict[str, Any] | None:
    """Return what a person answered to a question, None when it has to be asked."""
    given = (ctx.input_responses or {}).get(key)
    return given.content if isinstance(given, ElicitResult) and given.action == "accept" else None


def _text(text: str) -> CallToolResult:
    return CallToolResult(content=[TextContent(type="text", text=text)])


def add_contents(server: MCPServer[Workspace]) -> None:
    """Add tools that return every kind of content."""

    @server.tool()
    async def test_simple_text() -> str:
        """Say something."""
        return "This is a simple text response for testing."

    @server.tool()
    async def test_image_content() -> Image:
        """Return a picture."""
        return Image(data=PIXEL, format="png")

    @server.tool()
    async def test_audio_content() -> Audio:
        """Return a sound."""
        return Audio(data=SILENCE, format="wav")

    @server.tool()
    async def test_embedded_resource() -> CallToolResult:
        """Return a resource."""
        inner = TextResourceContents(
            uri="test://embedded-resource",
            mime_type="text/plain",
            text="This is an embedded resource content.",
        )
        return CallToolResult(content=[EmbeddedResource(type="resource", resource=inner)])

    @server.tool()
    async def test_multiple_content_types() -> CallToolResult:
        """Return several kinds at once."""
        inner = TextResourceContents(
            uri="test://mixed-content-resource",
            mime_type="application/json",
            text='{"test":"data","value":123}',
        )
        return CallToolResult(
            content=[
                TextContent(type="text", text="Multiple content types test:"),
                Image(data=PIXEL, format="png").to_image_content(),
                EmbeddedResource(type="resource", resource=inner),
            ]
        )

    @server.tool()
    async def test_error_handling() -> str:
        """Fail."""
        raise ToolError("This tool intentionally returns an error for testing")

    @server.tool()
    async def test_tool_with_progress(ctx: Ctx) -> str:
        """Report progress."""
        for done in (0, 50, 100):
            await ctx.report_progress(done, 100)
            await anyio.sleep(0.05)
        return "done"


def add_resources(server: MCPServer[Workspace]) -> None:
    """Add resources of every kind."""

    @server.resource("test://static-text", mime_type="text/plain")
    async def static_text() -> str:
        """Return text."""
        return "This is the content of the static text resource."

    @server.resource("test://static-binary", mime_type="image/png")
    async def static_binary() -> bytes:
        """Return bytes."""
        return PIXEL

    @server.resource("test://template/{id}/data", mime_type="application/json")
    async def template(id: str) -> str:
        """Return what the template says."""
        return f'{{"id":"{id}","templateTest":true,"data":"Data for ID: {id}"}}'


def add_questions(server: MCPServer[Workspace]) -> None:
    """Add tools that ask a person the way `approve` and `resume` do."""

    @server.tool()
    async def test_elicitation(message: str, ctx: Ctx) -> str:
        """Ask for a name and an address."""
        answer = await ctx.elicit(message, User)
        return f"User response: {answer}"

    @server.tool()
    async def test_input_required_result_elicitation(ctx: Ctx) -> CallToolResult | InputRequiredResult:
        """Ask for a name in the result."""
        answer = _answer(ctx, "user_name")
        if answer is None:
            asked = _asked("user_name", "What is your name?", name={"type": "string"})
            return InputRequiredResult(input_requests=asked)
        return _text(f"Hello, {answer['name']}!")

    @server.tool()
    async def test_input_required_result_list_roots(ctx: Ctx) -> CallToolResult | InputRequiredResult:
        """Ask for the client's folders in the result."""
        roots = (ctx.input_responses or {}).get("client_roots")
        if not isinstance(roots, ListRootsResult):
            return InputRequiredResult(input_requests={"client_roots": ListRootsRequest()})
        return _text(", ".join(str(root.uri) for root in roots.roots))

    @server.tool()
    async def test_input_required_result_request_state(ctx: Ctx) -> CallToolResult | InputRequiredResult:
        """Ask for a yes and remember something."""
        if _answer(ctx, "confirm") is None:
            asked = _asked("confirm", "Please confirm", ok={"type": "boolean"})
            return InputRequiredResult(input_requests=asked, request_state="asked")
        return _text("state-ok" if ctx.request_state == "asked" else "state-lost")

    @server.tool()
    async def test_input_required_result_tampered_state(ctx: Ctx) -> CallToolResult | InputRequiredResult:
        """The same; the server itself finds a state that was changed."""
        return await test_input_required_result_request_state(ctx)

    @server.tool()
    async def test_input_required_result_multi_round(ctx: Ctx) -> CallToolResult | InputRequiredResult:
        """Ask twice."""
        if ctx.request_state == "second" and (answer := _answer(ctx, "step2")) is not None:
            return _text(f"You like {answer['color']}")
        if ctx.request_state == "first" and _answer(ctx, "step1") is not None:
            asked = _asked("step2", "Step 2: What is your favorite color?", color={"type": "string"})
            return InputRequiredResult(input_requests=asked, request_state="second")
        asked = _asked("step1", "Step 1: What is your name?", name={"type": "string"})
        return InputRequiredResult(input_requests=asked, request_state="first")


def add_forms(server: MCPServer[Workspace]) -> None:
    """Add tools that ask with every kind of field a form may have."""

    @server.tool()
    async def test_elicitation_sep1034_defaults(ctx: Ctx) -> str:
        """Ask with something filled in; ours never do."""
        schema: dict[str, Any] = {
            "type": "object",
            "properties": {
                "name": {"type": "string", "default": "John Doe"},
                "age": {"type": "integer", "default": 30},
                "score": {"type": "number", "default": 95.5},
                "status": {"type": "string", "enum": ["active", "inactive", "pending"], "default": "active"},
                "verified": {"type": "boolean", "default": True},
            },
        }
        answer = await ctx.session.elicit_form("Who?", schema, ctx.request_id)
        return f"Elicitation completed: action={answer.action}, content={answer.content}"

    @server.tool()
    async def test_elicitation_sep1330_enums(ctx: Ctx) -> str:
        """Ask with lists to choose from."""
        plain = ["option1", "option2", "option3"]
        titled = [{"const": f"value{n}", "title": f"{word} Option"} for n, word in enumerate(_ORDINALS, 1)]
        schema: dict[str, Any] = {
            "type": "object",
            "properties": {
                "untitledSingle": {"type": "string", "enum": plain},
                "titledSingle": {"type": "string", "oneOf": titled},
                "legacyEnum": {
                    "type": "string",
                    "enum": ["opt1", "opt2", "opt3"],
                    "enumNames": ["Option One", "Option Two", "Option Three"],
                },
                "untitledMulti": {"type": "array", "items": {"type": "string", "enum": plain}},
                "titledMulti": {"type": "array", "items": {"anyOf": titled}},
            },
        }
        answer = await ctx.session.elicit_form("Which?", schema, ctx.request_id)
        return f"Elicitation completed: action={answer.action}, content={answer.content}"


def add_capabilities(server: MCPServer[Workspace]) -> None:
    """Add tools that look at what the client can do before they ask for it."""

    @server.tool()
    async def test_missing_capability(ctx: Ctx) -> str:
        """Need sampling."""
        if ctx.client_capabilities is None or ctx.client_capabilities.sampling is None:
            raise MCPError(
                code=MISSING_REQUIRED_CLIENT_CAPABILITY,
                message="this tool needs sampling",
                data={"requiredCapabilities": {"sampling": {}}},
            )
        return "the client can sample"

    @server.tool()
    async def test_input_required_result_capabilities(ctx: Ctx) -> CallToolResult | InputRequiredResult:
        """Ask only for what the client can do."""
        able = ctx.client_capabilities
        if ctx.input_responses or able is None:
            return _text("answered")
        asked: InputRequests = {}
        if able.elicitation is not None:
            asked.update(_asked("user_name", "What is your name?", name={"type": "string"}))
        if able.sampling is not None:
            asked["greeting"] = _sample("Generate a greeting", 50)
        return InputRequiredResult(input_requests=asked) if asked else _text("nothing to ask for")

    @server.tool()
    async def test_input_required_result_sampling(ctx: Ctx) -> CallToolResult | InputRequiredResult:
        """Ask the client's model."""
        if not (ctx.input_responses or {}).get("capital_question"):
            question = _sample("What is the capital of France?", 100)
            return InputRequiredResult(input_requests={"capital_question": question})
        return _text(str(ctx.input_responses))

    @server.tool()
    async def test_input_required_result_multiple_inputs(ctx: Ctx) -> CallToolResult | InputRequiredResult:
        """Ask for three things at once."""
        if {"user_name", "greeting", "client_roots"} <= set(ctx.input_responses or {}):
            return _text("all answered")
        asked: InputRequests = {
            **_asked("user_name", "What is your name?", name={"type": "string"}),
            "greeting": _sample("Generate a greeting", 50),
            "client_roots": ListRootsRequest(),
        }
        return InputRequiredResult(input_requests=asked, request_state="asked")


def _sample(text: str, max_tokens: int) -> CreateMessageRequest:
    message = SamplingMessage(role="user", content=TextContent(type="text", text=text))
    return CreateMessageRequest(params=CreateMessageRequestParams(messages=[message], max_tokens=max_tokens))


def serve(port: int, folder: Path) -> None:
    """Serve on loopback until the process is ended."""
    environ = {**os.environ, "STRATUM_STATE_DIR": str(folder / "state"), "STRATUM_MODEL": "offline"}
    server = build(ServerSettings.from_environment(environ, cwd=folder))
    add_contents(server)
    add_resources(server)
    add_questions(server)
    add_forms(server)
    add_capabilities(server)
    uvicorn.run(server.streamable_http_app(), host="127.0.0.1", port=port, log_config=None)


if __name__ == "__main__":
    serve(int(sys.argv[1]), Path(sys.argv[2]))
