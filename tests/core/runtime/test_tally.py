"""The tally: what a walk shows of its calls is counted once, however often the run was taken up again."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from stratum_core.contracts import JsonValue
from stratum_core.errors import BadRequestError, TransportError
from stratum_core.journal import MemoryJournal, call_subject, step_subject
from stratum_core.llm import ModelReply, ModelRequest, TokenUsage
from stratum_core.runtime import RunContext
from stratum_core.testing import Answer, FunctionClient
from tests.core.runtime._trial import MODEL, HeldClient, Trial, compiled, note_of, prices

pytestmark = pytest.mark.anyio

DOCUMENT = """\
stratum: "1"
functions:
  shout: { mode: infer, intent: Write in capitals, input: { note: string }, output: string, ensure: [len(result) < 9] }
  polish:
    mode: infer
    intent: Make it better
    input: { note: string }
    output: string
    refine: { until: len(result) > 3, feedback: result, max_iterations: 3 }
flows:
  one:
    input: { note: string }
    output: optional<string>
    steps:
      - { id: first, function: shout, inputs: { note: input.note } }
      - { id: second, when: len(first) > 2, function: shout, inputs: { note: first } }
    return: second
  main:
    input: { notes: list<string> }
    output: json
    steps:
      - { id: loud, for_each: input.notes, flow: one, inputs: { note: item }, require: 0 }
      - { id: better, function: polish, inputs: { note: "'xx'" } }
    return: loud
"""


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def answered(request: ModelRequest, text: str, *, tokens: int = 7) -> ModelReply:
    usage = TokenUsage(input_tokens=50, output_tokens=tokens)
    return ModelReply(text=f'{{"value":"{text}"}}', usage=usage, finish="stop", model=request.model)


def answer(request: ModelRequest) -> Answer:
    """Break the rules once for `wrong`, lose `lost` once, and be short once where it should be longer."""
    again = len(request.messages[1].blocks) > 1
    note, number = note_of(request), request.idempotency_key.rpartition("#")[2]
    if note == "lost" and number == "0":
        return TransportError("lost on the way")
    if note == "wrong" and not again:
        return answered(request, "far too long for this")
    if note == "xx":
        return answered(request, "xxxx" if again else "xx")
    return answered(request, note[:2].upper() if note == "ab" else note.upper())


def seen(context: RunContext) -> Mapping[str, Mapping[str, JsonValue]]:
    return context.tally.seen(compiled(DOCUMENT).ir_hash, prices())


def of(context: RunContext, name: str) -> Mapping[str, JsonValue]:
    return seen(context)[call_subject(compiled(DOCUMENT).functions[name].function_hash, MODEL)]


async def test_questions_tokens_and_money_are_counted_with_every_attempt() -> None:
    trial = Trial.answering(DOCUMENT, answer)
    context = trial.context()

    outcome = await trial.run({"notes": ["ab", "wrong", "lost"]}, context=context)

    shout, polish = of(context, "shout"), of(context, "polish")
    assert outcome.state == "completed"
    assert shout["asks"] == 3 + 2, "one for each note, and one more where it was long enough"
    assert (polish["asks"], polish["calls"], polish["iterations"]) == (2, 1, 2)
    assert polish["input_tokens"] == 100
    nusd = [each["nusd"] for each in (shout, polish)]
    journal = trial.journal
    assert isinstance(journal, MemoryJournal)
    assert sum(amount for amount in nusd if isinstance(amount, int)) == journal.recorded_usage().nusd


async def test_conditions_and_loops_are_counted_where_they_stand_in_the_document() -> None:
    trial = Trial.answering(DOCUMENT, answer)
    context = trial.context()

    await trial.run({"notes": ["ab", "wrong", "lost"]}, context=context)

    ir_hash = compiled(DOCUMENT).ir_hash
    when, loop = "flows.one.steps[1].when", "flows.main.steps[0].for_each"
    assert seen(context)[step_subject(ir_hash, when)] == {"came": 3, "happened": 2, "squares": 2}
    assert seen(context)[step_subject(ir_hash, loop)] == {"came": 1, "happened": 3, "squares": 9}


async def test_a_run_that_is_replayed_counts_what_it_counted_before() -> None:
    trial = Trial.answering(DOCUMENT, answer)
    first = trial.context()
    await trial.run({"notes": ["ab", "wrong", "lost"]}, context=first)
    journal = trial.journal
    assert isinstance(journal, MemoryJournal)

    again = Trial(DOCUMENT, FunctionClient(answer), journal=MemoryJournal(after=journal))
    second = again.context()
    await again.run({"notes": ["ab", "wrong", "lost"]}, context=second)

    assert again.requests == []
    assert seen(second) == seen(first)


async def test_requests_that_cost_nothing_count_for_nothing() -> None:
    def refuse(_: ModelRequest) -> Answer:
        return BadRequestError("not so", detail={"paid": "no"})

    trial = Trial.answering(DOCUMENT, refuse)
    context = trial.context()

    await trial.run({"notes": ["ab"]}, context=context)

    assert [subject for subject in seen(context) if subject.startswith("call:")] == []


RACE = """\
stratum: "1"
functions:
  fast: { mode: infer, intent: Be fast, input: { note: string }, output: string }
  slow: { mode: infer, intent: Be slow, input: { note: string }, output: string }
flows:
  main:
    input: { note: string }
    output: string
    steps:
      - id: got
        race:
          branches:
            a: { function: fast, inputs: { note: input.note } }
            b: { function: slow, inputs: { note: input.note } }
    return: got
"""


async def test_a_request_that_was_cut_off_says_nothing_about_its_function() -> None:
    class Uneven:
        """Answers one at once, holds the other for ever."""

        def __init__(self) -> None:
            self.held = HeldClient(lambda request: answered(request, "late"))

        async def complete(self, request: ModelRequest) -> ModelReply:
            if "slow" in request.messages[0].blocks[0]:
                return await self.held.complete(request)
            return answered(request, "first")

    trial = Trial(RACE, Uneven())
    context = trial.context()

    await trial.run({"note": "x"}, context=context)

    functions = compiled(RACE).functions
    found = context.tally.seen(compiled(RACE).ir_hash, prices())
    assert list(found) == [call_subject(functions["fast"].function_hash, MODEL)]
