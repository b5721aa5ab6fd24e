"""A provider that keeps prompt prefixes and counts them honestly, in the formats of OpenAI and Anthropic.

A prefix is kept once a request that begins with it has been answered, never before: requests in flight together read
nothing from each other. What is shorter than the least the provider keeps is never kept. In OpenAI's format the
prefix is the schema and the system text, in steps of 128 tokens; in Anthropic's it ends at a mark, and without a mark
there is none. A token is four bytes here.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import cast

from stratum_core.contracts import JsonValue
from tests.support.providers import anthropic, openai
from tests.support.providers._server import Connection, Received

__all__ = ["PrefixKeeper"]

_BYTES_PER_TOKEN = 4
_OPENAI_STEP = 128


@dataclass(kw_only=True)
class PrefixKeeper:
    """What answers every request of a server, and keeps prefixes between them."""

    answer: Callable[[Received], str]
    """The text of an answer."""
    min_tokens: int = 1_024
    let_go: asyncio.Event = field(default_factory=asyncio.Event)
    """Requests are held until this is set."""
    read_tokens: int = 0
    written_tokens: int = 0
    """Of Anthropic's format: prefix tokens that were charged as written."""
    hits: int = 0
    """Requests that read something."""
    _kept: set[str] = field(default_factory=set[str])

    async def __call__(self, request: Received, connection: Connection) -> None:
        """React to one request: what it finds is decided when it comes, what it leaves when it is answered."""
        is_claude = request.path.endswith("/messages")
        prefixes = self._long_enough(_marked(request.body) if is_claude else _common(request.body))
        whole = len(json.dumps(request.body)) // _BYTES_PER_TOKEN
        read = max((tokens for key, tokens in prefixes if key in self._kept), default=0)
        written = max((tokens for _, tokens in prefixes), default=0) - read
        await self.let_go.wait()
        self.hits += read > 0
        self.read_tokens += read
        if is_claude:
            self.written_tokens += written
            usage: dict[str, JsonValue] = {
                "input_tokens": whole - read - written,
                "output_tokens": 10,
                "cache_read_input_tokens": read,
                "cache_creation_input_tokens": written,
            }
            await connection.send(anthropic.message(self.answer(request), usage=usage))
        else:
            usage = {
                "prompt_tokens": whole,
                "completion_tokens": 10,
                "total_tokens": whole + 10,
                "prompt_tokens_details": {"cached_tokens": read},
            }
            await connection.send(openai.completion(self.answer(request), usage=usage))
        self._kept.update(key for key, _ in prefixes)

    def _long_enough(self, prefixes: Sequence[tuple[str, int]]) -> list[tuple[str, int]]:
        return [(key, tokens) for key, tokens in prefixes if tokens >= self.min_tokens]


def _common(body: Mapping[str, JsonValue]) -> list[tuple[str, int]]:
    """Return the prefix of a request in OpenAI's format: the schema and the system text."""
    messages = cast("Sequence[JsonValue]", body["messages"])
    key = json.dumps([body["model"], body.get("response_format"), messages[0]])
    tokens = len(key.encode()) // _BYTES_PER_TOKEN
    return [(key, tokens - tokens % _OPENAI_STEP)]


def _marked(body: Mapping[str, JsonValue]) -> list[tuple[str, int]]:
    """Return the prefixes of a request in Anthropic's format, each up to one of its marks."""
    before: list[JsonValue] = [
        body["model"],
        body.get("tools"),
        body.get("output_format"),
        body.get("output_config"),
    ]
    found: list[tuple[str, int]] = []
    messages = cast("Sequence[Mapping[str, JsonValue]]", body["messages"])
    parts = [body.get("system", []), *(message["content"] for message in messages)]
    for block in (block for part in parts for block in cast("Sequence[Mapping[str, JsonValue]]", part)):
        before.append(block["text"])
        if "cache_control" in block:
            key = json.dumps(before)
            found.append((key, len(key.encode()) // _BYTES_PER_TOKEN))
    return found
