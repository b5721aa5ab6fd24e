"""What the tests of tracing share: a document, a tracer that keeps everything, and a traced run of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from stratum_core.budget import Budget
from stratum_core.contracts import JsonValue
from stratum_core.errors import TransportError
from stratum_core.journal import MemoryJournal
from stratum_core.llm import ModelRequest
from stratum_core.runtime import RunOutcome
from stratum_core.testing import Answer, FunctionClient
from stratum_core.trace import FlowRecord, TraceRecord
from tests.core.runtime._trial import Trial

__all__ = ["BUSY", "DOCUMENT", "MAPPED", "Told", "in_turn", "traced"]

DOCUMENT = """\
stratum: "1"
functions:
  shout:
    mode: infer
    intent: Write in capitals
    input: { note: string }
    output: string
    given: [len(note) > 0]
    ensure: [len(result) < 9]
    retries: 2
flows:
  main:
    input: { note: string }
    output: string
    steps:
      - { id: loud, function: shout, inputs: { note: input.note } }
    return: loud
"""
MAPPED = DOCUMENT.replace(
    """    input: { note: string }
    output: string
    steps:
      - { id: loud, function: shout, inputs: { note: input.note } }""",
    """    input: { notes: list<string> }
    output: list<string>
    steps:
      - { id: loud, for_each: input.notes, function: shout, inputs: { note: item }, require: 0 }""",
)
BUSY = TransportError("busy", detail={"paid": "no"})


@dataclass
class Told:
    """A tracer that keeps everything in order."""

    calls: list[TraceRecord] = field(default_factory=list[TraceRecord])
    flows: list[FlowRecord] = field(default_factory=list[FlowRecord])

    def call_ended(self, record: TraceRecord) -> None:
        assert not self.flows, "a flow is told of after all its calls"
        self.calls.append(record)

    def flow_ended(self, record: FlowRecord) -> None:
        self.flows.append(record)

    @property
    def call(self) -> TraceRecord:
        (only,) = self.calls
        return only


def in_turn(answers: Sequence[Answer]) -> Callable[[ModelRequest], Answer]:
    left = list(answers)
    return lambda _: left.pop(0)


async def traced(
    answer: Callable[[ModelRequest], Answer],
    inputs: Mapping[str, JsonValue],
    *,
    document: str = DOCUMENT,
    journal: MemoryJournal | None = None,
    budget: Budget | None = None,
) -> tuple[Told, RunOutcome]:
    told = Told()
    trial = Trial(document=document, client=FunctionClient(answer), journal=journal or MemoryJournal())
    context = trial.context()
    context.tracer = told
    return told, await trial.run(inputs, context=context, budget=budget)
