"""The pace of a model: how many requests of maps with `concurrency: auto` are in flight at once.

Additive increase, multiplicative decrease, as networks share a line (Chiu and Jain, 1989): one more request for each
full round of answers, half as many after the provider asked to slow down (HTTP 429). All maps of a run share the pace
of a model. A map that names its own number is not held back, but what it meets counts, too.
"""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from anyio import Event

from stratum_core.errors import ModelError, TransportError
from stratum_core.llm import ModelReply

__all__ = ["AUTO_MOST", "AUTO_START", "Pace", "Paces"]

AUTO_START = 8
"""Requests of a model in flight before anything is known about its limits."""

AUTO_MOST = 64
"""The most requests of a model in flight with `concurrency: auto`; the fewest is one."""

_TOO_MANY_REQUESTS = 429


@dataclass(slots=True, kw_only=True)
class Pace:
    """The requests of one model."""

    limit: float = AUTO_START
    """How many may be in flight; whole requests only."""
    in_flight: int = 0
    cuts: int = 0
    """How often the limit was halved."""
    _waiting: deque[Event] = field(default_factory=deque[Event])

    @asynccontextmanager
    async def slot(self) -> AsyncGenerator[None]:
        """Hold one of the places in flight, first come first served."""
        await self._enter()
        try:
            yield
        finally:
            self.in_flight -= 1
            self._admit()

    async def _enter(self) -> None:
        if not self._waiting and self.in_flight < int(self.limit):
            self.in_flight += 1
            return
        turn = Event()
        self._waiting.append(turn)
        try:
            await turn.wait()
        except BaseException:
            if turn.is_set():
                self.in_flight -= 1
                self._admit()
            else:
                self._waiting.remove(turn)
            raise

    def learn(self, outcome: ModelReply | ModelError, *, cuts: int) -> bool:
        """Take in how a request ended that was sent when the limit had been halved `cuts` times.

        Returns:
            Whether the limit was halved: of the requests that were in flight together, only the first one counts.
        """
        if cuts != self.cuts:
            return False
        if isinstance(outcome, ModelReply):
            if self.in_flight >= int(self.limit):  # a place nobody wanted says nothing about the limit
                self.limit = min(float(AUTO_MOST), self.limit + 1 / self.limit)
            return False
        if not isinstance(outcome, TransportError) or outcome.detail.get("status") != _TOO_MANY_REQUESTS:
            return False
        self.cuts += 1
        self.limit = max(1.0, self.limit / 2)
        return True

    def _admit(self) -> None:
        while self._waiting and self.in_flight < int(self.limit):
            self._waiting.popleft().set()
            self.in_flight += 1


@dataclass(slots=True, kw_only=True)
class Paces:
    """The pace of each model of a run."""

    _by_model: dict[str, Pace] = field(default_factory=dict[str, Pace])

    def of(self, model: str) -> Pace:
        """Return the pace of a model."""
        return self._by_model.setdefault(model, Pace())
