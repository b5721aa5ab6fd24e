"""Warm-first: of the calls of a map that share a long prompt prefix, one goes ahead.

A provider that keeps prefixes has one to give once it has read it. Requests that leave together all come before that,
and each pays for the whole prefix. So the first call of a function and model goes alone, once in a run of a process,
and those behind it follow as soon as it has ended, however it ended, or after a bounded time. Who waits holds no place
and, unless votes were reserved together, no room; answers, their order and what is on record are the same either way.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Final

from anyio import Event

__all__ = ["PATIENCE_S", "Prefixes", "Wait"]

PATIENCE_S: Final = 10.0
"""The longest that calls are held, in seconds: a provider has read a prompt by then, even if it answers for minutes."""

Wait = Callable[[Event, float], Awaitable[None]]
"""Waits for an event, at most so many seconds."""


@dataclass(slots=True, kw_only=True)
class Prefixes:
    """The prefixes that were sent in this process, shared by all maps of a run."""

    patience_s: float = PATIENCE_S
    held: int = 0
    """Calls that wait now."""
    _sent: dict[tuple[str, str], Event] = field(default_factory=dict[tuple[str, str], Event])
    """By model and prompt template: set when the first request has ended."""

    @asynccontextmanager
    async def turn(self, model: str, template_hash: str, *, wait: Wait) -> AsyncGenerator[None]:
        """Be the first to send this prefix, or wait until the first has ended."""
        key = model, template_hash
        first = self._sent.get(key)
        if first is None:
            first = self._sent[key] = Event()
            try:
                yield
            finally:
                first.set()
            return
        if not first.is_set():
            self.held += 1
            try:
                await wait(first, self.patience_s)
            finally:
                self.held -= 1
        yield
