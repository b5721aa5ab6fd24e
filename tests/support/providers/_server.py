"""The HTTP/1.1 side of a loopback provider: read a request, react, close."""

from __future__ import annotations

import asyncio
import json
import socket
import struct
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self, TypeAlias

from stratum_core.contracts import JsonValue

__all__ = ["Answer", "Connection", "ProviderServer", "Reaction", "Received"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """One request as it came over the wire."""

    method: str
    path: str
    headers: Mapping[str, str]
    """Names in lower case."""
    body: Mapping[str, JsonValue]


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One HTTP response."""

    status: int = 200
    body: Mapping[str, JsonValue] | bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True, slots=True)
class Connection:
    """The socket of one request, for reactions below HTTP."""

    writer: asyncio.StreamWriter

    async def send(self, answer: Answer, *, missing_bytes: int = 0) -> None:
        """Send a response, on request without its last bytes."""
        body = answer.body if isinstance(answer.body, bytes) else json.dumps(answer.body).encode()
        lines = [f"HTTP/1.1 {answer.status} Status", f"content-length: {len(body)}", "connection: close"]
        if not any(name.lower() == "content-type" for name in answer.headers):
            lines.append("content-type: application/json")
        lines += [f"{name}: {value}" for name, value in answer.headers.items()]
        self.writer.write("\r\n".join([*lines, "", ""]).encode() + body[: len(body) - missing_bytes])
        await self.writer.drain()

    def reset(self) -> None:
        """Break the connection with a TCP reset."""
        plain: socket.socket = self.writer.get_extra_info("socket")
        plain.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


Reaction: TypeAlias = Answer | Callable[[Received, Connection], Awaitable[None]]
"""What a server does with a request: answer it, or anything else with the connection."""


class ProviderServer:
    """A provider on a free loopback port, as an async context manager."""

    def __init__(self, *reactions: Reaction) -> None:
        """Prepare a server; reactions are used in order, the last one for every further request."""
        self._reactions: Sequence[Reaction] = reactions
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.Task[None]] = set()
        self.received: list[Received] = []
        """Every request, in order of arrival."""
        self.arrived = asyncio.Event()
        """Set once a request has come."""

    @property
    def url(self) -> str:
        """The base URL without a path."""
        if self._server is None:
            raise RuntimeError("the server is not running; use it as an async context manager")
        host, port = self._server.sockets[0].getsockname()[:2]
        return f"http://{host}:{port}"

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._server is not None:
            self._server.close()
            for task in self._open:
                task.cancel()
            await asyncio.gather(*self._open, return_exceptions=True)
            await self._server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Handle one connection: one request, one reaction."""
        task = asyncio.current_task()
        if task is not None:
            self._open.add(task)
            task.add_done_callback(self._open.discard)
        try:
            request = await _read(reader)
            self.received.append(request)
            self.arrived.set()
            reaction = self._reactions[min(len(self.received), len(self._reactions)) - 1]
            connection = Connection(writer)
            if isinstance(reaction, Answer):
                await connection.send(reaction)
            else:
                await reaction(request, connection)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


async def _read(reader: asyncio.StreamReader) -> Received:
    """Read one request with a JSON body."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode()
    first, *lines = head.split("\r\n")
    method, path, _ = first.split(" ")
    headers = {
        name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines if line)
    }
    raw = await reader.readexactly(int(headers.get("content-length", "0")))
    body: Mapping[str, JsonValue] = json.loads(raw) if raw else {}
    return Received(method=method, path=path, headers=headers, body=body)
