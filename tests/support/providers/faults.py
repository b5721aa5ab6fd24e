"""What goes wrong below any provider's format."""

from __future__ import annotations

import asyncio

from tests.support.providers._server import Answer, Connection, Received

__all__ = ["closed", "cut_short", "never", "not_json", "reset"]


async def reset(_: Received, connection: Connection) -> None:
    """Take the request and break the connection with a TCP reset."""
    connection.reset()


async def closed(_: Received, connection: Connection) -> None:
    """Take the request and hang up without a word."""


async def cut_short(_: Received, connection: Connection) -> None:
    """Hang up in the middle of an answer."""
    await connection.send(Answer(body={"id": "chatcmpl-1", "choices": []}), missing_bytes=10)


async def never(_: Received, connection: Connection) -> None:
    """Take the request and never answer."""
    await asyncio.Event().wait()


def not_json() -> Answer:
    """Return what a proxy answers when it means well: a page, with status 200."""
    return Answer(body=b"<html>It works!</html>", headers={"content-type": "text/html"})
