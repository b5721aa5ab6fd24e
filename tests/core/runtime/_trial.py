"""One run in memory: a document, a client, a journal, and time that never passes by itself."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from functools import cache

import anyio
from anyio.lowlevel import checkpoint

from stratum_core.budget import Budget
from stratum_core.checks import check
from stratum_core.contracts import JsonValue
from stratum_core.journal import Journal, MemoryJournal
from stratum_core.llm import ModelClient, ModelReply, ModelRequest, PriceTable
from stratum_core.runtime import RunContext, RunOutcome, run_program
from stratum_core.specs import Program
from stratum_core.testing import Answer, FunctionClient, as_reply

__all__ = ["HeldClient", "Trial", "compiled", "count", "note_of"]

MODEL = "openai/gpt-4.1-mini"


@cache
def compiled(text: str) -> Program:
    """Return the program of a document that has no errors."""
    checked = check(text)
    assert checked.program is not None, [found.message for found in checked.diagnostics]
    return checked.program


@cache
def prices() -> PriceTable:
    return PriceTable.load()


def note_of(request: ModelRequest) -> str:
    """Return the value of the input `note` of a request."""
    return request.messages[1].blocks[0].removeprefix("note: ")


def count(outcome: RunOutcome, name: str) -> int:
    """Return one whole number of a census."""
    value = outcome.census[name]
    assert isinstance(value, int)
    return value


@dataclass
class HeldClient:
    """A client that holds each request until the test lets it go, and knows how many it holds."""

    answer: Callable[[ModelRequest], Answer]
    held: bool = True
    requests: list[ModelRequest] = field(default_factory=list[ModelRequest])
    in_flight: int = 0
    most_in_flight: int = 0
    finished: int = 0
    on_request: Callable[[ModelRequest], None] = field(default=lambda _: None)
    _gate: anyio.Event = field(default_factory=anyio.Event)

    def let_go(self) -> None:
        """Answer what is held, and everything after it at once."""
        self._gate.set()

    async def complete(self, request: ModelRequest) -> ModelReply:
        self.requests.append(request)
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        self.on_request(request)
        try:
            if self.held:
                await self._gate.wait()
            for _ in range(3):
                await checkpoint()
        finally:
            self.in_flight -= 1
        answer = self.answer(request)
        if isinstance(answer, Exception):
            raise answer
        self.finished += 1
        return answer if isinstance(answer, ModelReply) else as_reply(request, answer, "stop")


@dataclass
class Trial:
    """A program with its surroundings; `run` runs it, again when it is called again."""

    document: str
    client: ModelClient
    journal: Journal = field(default_factory=MemoryJournal)
    flow: str = "main"
    pauses: list[float] = field(default_factory=list[float])
    """Seconds of every pause the run has asked for."""
    sleep: Callable[[float], Awaitable[None]] | None = None

    @classmethod
    def answering(cls, document: str, answer: Callable[[ModelRequest], Answer]) -> Trial:
        """Return a trial whose answers are a function of the request."""
        return cls(document=document, client=FunctionClient(answer))

    @property
    def requests(self) -> list[ModelRequest]:
        """Every request the client has received."""
        assert isinstance(self.client, FunctionClient | HeldClient)
        return self.client.requests

    def context(self) -> RunContext:
        async def sleep(seconds: float) -> None:
            self.pauses.append(seconds)
            await checkpoint()

        return RunContext(
            program=compiled(self.document),
            journal=self.journal,
            client_for=lambda _: self.client,
            prices=prices(),
            default_model=MODEL,
            sleep=self.sleep or sleep,
        )

    async def run(
        self,
        inputs: Mapping[str, JsonValue],
        *,
        budget: Budget | None = None,
        context: RunContext | None = None,
    ) -> RunOutcome:
        with anyio.fail_after(20):
            return await run_program(
                context or self.context(), flow=self.flow, inputs=inputs, budget=budget or Budget()
            )
