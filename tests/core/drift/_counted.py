"""Runs in memory whose events are counted, beside what a tracer was told of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from stratum_core.budget import Usage
from stratum_core.contracts import JsonValue
from stratum_core.drift import Counting, Figures
from stratum_core.journal import Intent, MemoryJournal, SettledState
from stratum_core.llm import ModelClient, ModelRequest
from stratum_core.runtime import RunOutcome
from stratum_core.specs import InferSpec
from stratum_core.testing import Answer, FunctionClient
from stratum_core.trace import FlowRecord, TraceRecord
from tests.core.runtime._trial import MODEL, Trial, compiled

__all__ = ["Book", "Told", "counted", "run"]


@dataclass
class Told:
    """A tracer that keeps what it is told of calls."""

    calls: list[TraceRecord] = field(default_factory=list[TraceRecord])

    def call_ended(self, record: TraceRecord) -> None:
        self.calls.append(record)

    def flow_ended(self, record: FlowRecord) -> None:
        """Keep nothing."""


def counted(document: str, journal: MemoryJournal, *, flow: str = "main") -> Counting:
    """Count the events of a run in memory."""
    program = compiled(document)
    models = {
        name: spec.model or MODEL for name, spec in program.functions.items() if isinstance(spec, InferSpec)
    }
    counting = Counting(program, flow, models)
    for event in journal.reader().events(limit=100_000):
        counting.take(event)
    return counting


async def run(
    document: str,
    answer: Callable[[ModelRequest], Answer] | ModelClient,
    inputs: Mapping[str, JsonValue],
    *,
    journal: MemoryJournal | None = None,
) -> tuple[RunOutcome, dict[str, Figures]]:
    """Run a document and count its events."""
    client = FunctionClient(answer) if callable(answer) else answer
    trial = Trial(document=document, client=client, journal=journal or MemoryJournal())
    outcome = await trial.run(inputs)
    assert isinstance(trial.journal, MemoryJournal)
    counting = counted(document, trial.journal)
    assert counting.elsewhere == 0
    return outcome, counting.figures()


class Book:
    """A journal that is written by hand."""

    def __init__(self) -> None:
        self.journal = MemoryJournal()

    async def intent(self, path: str, *, number: int = 0, model: str = MODEL) -> str:
        """Write that a request is about to leave."""
        call_id = f"{path}#{number}"
        await self.journal.intent(
            Intent(
                call_id=call_id,
                path=path,
                attempt=number,
                input_hash=path,
                request_hash="r",
                model=model,
                reserved=Usage(nusd=900, tokens=90, calls=1),
            )
        )
        return call_id

    async def attempt(
        self,
        path: str,
        outcome: Mapping[str, JsonValue],
        *,
        number: int = 0,
        state: SettledState = "answered",
        model: str = MODEL,
        rejected: bool = False,
    ) -> None:
        """Write a request with its end."""
        call_id = await self.intent(path, number=number, model=model)
        await self.journal.settle(
            call_id, state=state, usage=Usage(nusd=100, tokens=10, calls=1), outcome=outcome
        )
        if rejected:
            self.journal.note("rejected", path=path, data={"call_id": call_id, "reason": "no"})

    async def accepted(self, path: str) -> None:
        """Write that a call has its answer."""
        await self.journal.event("accepted", path=path, data={"key": "k", "value": 1})
