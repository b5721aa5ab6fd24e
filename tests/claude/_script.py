"""What a scripted model is given and what it may say.

A script is a generator. It gets the client's first request and yields turns; each `yield` gives back the
next request, in which it finds the results of the tools it called:

    def conversation(request: Request) -> Script:
        request = yield ["Planning.", UseTool("mcp__demo__plan", {"task": request.user_text})]
        return "The plan is " + request.tool_results[-1].text

"""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Generator, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from tests.claude._json import Json, JsonObject, as_object, as_text, objects, parse

_REMINDER = re.compile(r"<system-reminder>.*?</system-reminder>", re.DOTALL)


@dataclass(frozen=True, slots=True)
class UseTool:
    """The model calls a tool."""

    name: str
    arguments: JsonObject = field(default_factory=dict[str, Json])


@dataclass(frozen=True, slots=True)
class ApiError:
    """The API refuses the request; the client may send it again, and then gets the next turn."""

    status: int = 529
    type: str = "overloaded_error"


Turn: TypeAlias = str | UseTool | ApiError | Sequence[str | UseTool]


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolResult:
    """What one tool call gave, as the model is told."""

    is_error: bool
    text: str

    def json(self) -> JsonObject:
        """Return the object the text holds.

        Raises:
            json.JSONDecodeError: The text is not JSON.
        """
        return as_object(parse(self.text))


@dataclass(frozen=True, slots=True)
class Request:
    """One request of the client's agent loop, with the look-ups a script needs."""

    body: JsonObject

    @property
    def tools(self) -> tuple[str, ...]:
        """Names of all tools in the request, deferred ones included."""
        return tuple(as_text(tool.get("name")) for tool in objects(self.body.get("tools")))

    @property
    def callable_tools(self) -> frozenset[str]:
        """Names of the tools a model could call: not deferred, or disclosed by a tool search since."""
        deferred = {
            as_text(tool.get("name")) for tool in objects(self.body.get("tools")) if tool.get("defer_loading")
        }
        return frozenset(self.tools) - (deferred - self._disclosed)

    @property
    def _disclosed(self) -> set[str]:
        results = (block for message in self.messages for block in _blocks(message))
        parts = (part for result in results for part in objects(result.get("content")))
        return {as_text(part.get("tool_name")) for part in parts if part.get("type") == "tool_reference"}

    def tool(self, name: str) -> JsonObject:
        """Return what the client told the model about a tool, empty when it did not offer it."""
        offered = objects(self.body.get("tools"))
        found = [tool for tool in offered if tool.get("name") == name]
        return found[0] if found else {}

    @property
    def messages(self) -> list[JsonObject]:
        """The conversation so far."""
        return objects(self.body.get("messages"))

    @property
    def system(self) -> str:
        """The system prompt."""
        return _text_of(self.body.get("system"))

    @property
    def notices(self) -> str:
        """What the client told the model beside the conversation: server instructions, skills, hooks."""
        told = [message.get("content") for message in self.messages if message.get("role") == "system"]
        said = "\n".join(_text_of(message.get("content")) for message in self.messages)
        return "\n".join([*(_text_of(content) for content in told), *_REMINDER.findall(said)])

    @property
    def _newest(self) -> list[JsonObject]:
        """Blocks of everything the user's side sent since the model last spoke."""
        said = itertools.takewhile(
            lambda message: message.get("role") != "assistant", reversed(self.messages)
        )
        users = [message for message in said if message.get("role") == "user"]
        return [block for message in reversed(users) for block in _blocks(message)]

    @property
    def user_text(self) -> str:
        """What the person said in the newest turn, the client's own reminders taken out."""
        texts = [as_text(block.get("text")) for block in self._newest if block.get("type") == "text"]
        return _REMINDER.sub("", "\n".join(texts)).strip()

    @property
    def tool_results(self) -> list[ToolResult]:
        """Results of the tools called in the model's last turn, in the order the client gives them."""
        return [
            ToolResult(is_error=block.get("is_error") is True, text=_text_of(block.get("content")))
            for block in self._newest
            if block.get("type") == "tool_result"
        ]


Script: TypeAlias = Generator[Turn, Request, Turn]
"""A conversation; what it returns is its last turn."""


def tool_name(request: Request, server: str, tool: str) -> str:
    """Return the full name of a tool of a configured or plugin server, empty when it is not offered."""
    found = re.compile(rf"mcp__(plugin_\w+_)?{re.escape(server)}__{re.escape(tool)}")
    return next((name for name in request.tools if found.fullmatch(name)), "")


def connected(request: Request, server: str, tool: str) -> Generator[Turn, Request, Request]:
    """Wait for a server's tool as the client tells models to: wait for servers, then search for tools.

    Raises:
        LookupError: The tool could not be called after a dozen turns.
    """
    for _ in range(12):
        if tool_name(request, server, tool) in request.callable_tools:
            return request
        if "WaitForMcpServers" in request.callable_tools:
            request = yield UseTool("WaitForMcpServers")
        elif "ToolSearch" in request.callable_tools:
            request = yield UseTool("ToolSearch", {"query": f"+{server} {tool}", "max_results": 20})
        else:
            break
    raise LookupError(
        f"{server}/{tool} never became callable; the client offers {sorted(request.callable_tools)}"
    )


def blocks_of(turn: Turn) -> Sequence[str | UseTool]:
    """Return the texts and calls of a turn; an `ApiError` has none."""
    if isinstance(turn, ApiError):
        return ()
    return (turn,) if isinstance(turn, str | UseTool) else turn


def _blocks(message: JsonObject) -> list[JsonObject]:
    content = message.get("content")
    return [{"type": "text", "text": content}] if isinstance(content, str) else objects(content)


def _text_of(content: Json) -> str:
    """Return the text of a message's or a tool result's content; blocks without text are shown as JSON."""
    if isinstance(content, str):
        return content
    return "\n".join(as_text(block.get("text")) or json.dumps(block) for block in objects(content))
