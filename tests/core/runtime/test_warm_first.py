"""Warm-first: of calls that share a long prompt prefix one goes ahead, so that the others find it in a cache."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import anyio
import pytest
from anyio.lowlevel import checkpoint

from stratum_core.budget import Budget
from stratum_core.contracts import JsonValue
from stratum_core.errors import BadRequestError, RunStopped, TransportError
from stratum_core.journal import MemoryJournal
from stratum_core.llm import ModelReply, ModelRequest
from stratum_core.runtime import RunOutcome
from stratum_core.runtime._prefix import Prefixes
from stratum_core.testing import Answer, as_reply
from tests.core.runtime._trial import Trial, note_of

pytestmark = pytest.mark.anyio

LONG = "Mind the house style in every respect. " * 150
DOCUMENT = """\
stratum: "1"
functions:
  shout: {{ mode: infer, intent: Write in capitals, context: ["{rule}"], input: {{ note: string }},
           output: string, retries: 0{more} }}
  hiss: {{ mode: infer, intent: Write with many s, context: ["{rule}"], input: {{ note: string }},
          output: string, retries: 0 }}
flows:
  main:
    input: {{ notes: list<string> }}
    output: list<string>
    steps:
      - {{ id: loud, for_each: input.notes, function: shout, inputs: {{ note: item }},
          concurrency: {most}, require: 0 }}
{steps}
    return: loud
"""
AGAIN = """\
      - { id: again, for_each: input.notes, function: shout, inputs: { note: "item + '!'" }, after: [loud], require: 0 }
"""
HISSED = "      - { id: hissed, for_each: input.notes, function: hiss, inputs: { note: item }, require: 0 }\n"
VOTED = """\
stratum: "1"
contracts:
  Tone: { label: { enum: [good, bad] }, confidence: { type: float, min: 0, max: 1 } }
functions:
  judge: { mode: infer, intent: Judge it, context: ["RULE"], input: { note: string }, output: Tone, quorum: 3,
           agree_on: label, threshold: 2 }
flows:
  main:
    input: { notes: list<string> }
    output: list<Tone>
    steps:
      - { id: tones, for_each: input.notes, function: judge, inputs: { note: item } }
    return: tones
"""


def document(*, rule: str = LONG, most: str = "8", more: str = "", steps: str = "") -> str:
    return DOCUMENT.format(rule=rule, most=most, more=more, steps=steps)


def notes(count: int) -> dict[str, JsonValue]:
    return {"notes": [f"n{number}" for number in range(count)]}


def loud(request: ModelRequest) -> Answer:
    return {"value": note_of(request).upper()}


@dataclass
class Counting:
    """A client that notes, for each request, how many others were at work and how many had ended."""

    answer: Callable[[ModelRequest], Answer] = loud
    stays: int = 20
    """How many turns of the loop a request takes."""
    requests: list[ModelRequest] = field(default_factory=list[ModelRequest])
    met: list[tuple[int, int]] = field(default_factory=list[tuple[int, int]])
    in_flight: int = 0
    ended: int = 0

    async def complete(self, request: ModelRequest) -> ModelReply:
        self.requests.append(request)
        self.met.append((self.in_flight, self.ended))
        self.in_flight += 1
        try:
            for _ in range(self.stays):
                await checkpoint()
        finally:
            self.in_flight -= 1
            self.ended += 1
        answer = self.answer(request)
        if isinstance(answer, Exception):
            raise answer
        return answer if isinstance(answer, ModelReply) else as_reply(request, answer, "stop")

    @property
    def alone(self) -> int:
        """How many requests came before the first one had ended, itself included."""
        return sum(ended == 0 for _, ended in self.met)


async def _ran(text: str, client: Counting, count: int = 8, **changes: object) -> tuple[RunOutcome, Trial]:
    trial = Trial(document=text, client=client)
    context = replace(trial.context(), **changes)
    return await trial.run(notes(count), context=context), trial


async def test_one_call_goes_ahead_and_the_others_follow_together() -> None:
    client = Counting()
    outcome, _ = await _ran(document(), client)
    assert outcome.value == [f"N{number}" for number in range(8)]
    assert client.met[0] == (0, 0)
    assert [ended for _, ended in client.met[1:]] == [1] * 7
    assert client.met[-1][0] == 6


async def test_the_first_goes_alone_where_the_runtime_chooses_how_many() -> None:
    client = Counting()
    await _ran(document(most="auto"), client, count=40)
    assert client.alone == 1


@pytest.mark.parametrize(
    "model",
    ["openai/gpt-4.1-mini", "anthropic/claude-haiku-5-5", "gemini/gemini-3.5-flash-lite"],
)
async def test_a_short_prefix_holds_nobody(model: str) -> None:
    client = Counting()
    await _ran(document(rule="Mind the house style."), client, default_model=model)
    assert client.alone == 8


@pytest.mark.parametrize(
    ("model", "alone"),
    [
        ("openai/gpt-4.1-mini", 1),
        ("anthropic/claude-sonnet-5", 1),
        ("anthropic/claude-haiku-4-5", 8),  # keeps no prefix below 4,096 tokens
        ("gemini/gemini-3.5-flash-lite", 1),
        ("cerebras/gpt-oss-120b", 8),  # has no price for cached tokens
        ("claude-cli/claude-sonnet-5", 8),  # a login: no money is saved
        ("offline", 8),
    ],
)
async def test_others_wait_only_where_the_model_keeps_such_a_prefix_for_less(model: str, alone: int) -> None:
    client = Counting()
    outcome, _ = await _ran(document(), client, default_model=model)
    assert outcome.state == "completed"
    assert client.alone == alone


async def test_a_first_request_that_fails_lets_the_others_go() -> None:
    def answer(request: ModelRequest) -> Answer:
        return BadRequestError("no", detail={"paid": "no"}) if note_of(request) == "n0" else loud(request)

    client = Counting(answer=answer)
    outcome, _ = await _ran(document(), client)
    assert outcome.value == [f"N{number}" for number in range(1, 8)]
    assert [ended for _, ended in client.met[1:]] == [1] * 7


async def test_a_first_request_that_is_to_be_sent_again_lets_the_others_go_meanwhile() -> None:
    failed: list[str] = []

    def answer(request: ModelRequest) -> Answer:
        if note_of(request) == "n0" and not failed:
            failed.append("n0")
            return TransportError("busy", detail={"paid": "no", "status": 503})
        return loud(request)

    client = Counting(answer=answer)
    outcome, _ = await _ran(document(), client)
    assert outcome.value == [f"N{number}" for number in range(8)]
    assert all(ended >= 1 for _, ended in client.met[1:])


async def test_nobody_waits_longer_than_a_bounded_time() -> None:
    client = Counting(stays=10**9)
    trial = Trial(document=document(), client=client)
    context = replace(trial.context(), prefixes=Prefixes(patience_s=0.01))
    with anyio.move_on_after(10):
        async with anyio.create_task_group() as group:

            async def run() -> None:
                await trial.run(notes(8), context=context)

            group.start_soon(run)
            while len(client.requests) < 8:
                await checkpoint()
            group.cancel_scope.cancel()
    assert client.met == [(number, 0) for number in range(8)]


async def test_a_function_is_warmed_once_in_a_run_and_each_function_by_itself() -> None:
    client = Counting()
    await _ran(document(steps=AGAIN), client)
    loud_again = client.met[8:]
    assert max(in_flight for in_flight, _ in loud_again) == 7
    assert [ended for _, ended in loud_again[:8]] == [8] * 8
    client = Counting()
    await _ran(document(steps=HISSED), client)
    assert client.alone == 2


async def test_what_has_a_time_cap_never_waits() -> None:
    client = Counting()
    await _ran(document(more=", budget: { ms: 60000 }"), client)
    assert client.alone == 8


async def test_a_single_item_and_one_at_a_time_are_as_ever() -> None:
    for most, count in (("8", 1), ("1", 5)):
        client = Counting()
        outcome, _ = await _ran(document(most=most), client, count=count)
        assert outcome.value == [f"N{number}" for number in range(count)]
        assert all(in_flight == 0 for in_flight, _ in client.met)


async def test_a_resumed_run_warms_anew_and_replays_without_waiting() -> None:
    journal = MemoryJournal()
    first = Trial(document=document(), client=Counting(), journal=journal)
    stopped = await first.run(notes(8), budget=Budget(calls=3))
    assert stopped.state == "stopped_budget"
    client = Counting()
    again = Trial(document=document(), client=client, journal=MemoryJournal(after=journal))
    outcome = await again.run(notes(8))
    assert outcome.value == [f"N{number}" for number in range(8)]
    assert client.met[0] == (0, 0)
    assert len(client.met) == 5
    assert [ended for _, ended in client.met[1:]] == [1] * 4


async def test_a_run_that_is_stopped_wakes_those_who_wait() -> None:
    trial = Trial(document=document(), client=Counting())
    context = trial.context()

    def stop(request: ModelRequest) -> Answer:
        context.stop("cancelled", "enough")
        return loud(request)

    client = Counting(answer=stop)
    trial.client = client
    outcome = await trial.run(notes(8), context=replace(context, prefixes=Prefixes(patience_s=3600)))
    assert (outcome.state, len(client.requests)) == ("cancelled", 1)


async def test_who_waits_is_woken_by_a_stop_before_the_first_has_answered() -> None:
    client = Counting(stays=10**9)
    trial = Trial(document=document(), client=client)
    context = trial.context()
    context = replace(context, prefixes=Prefixes(patience_s=3600))
    waiting = context.prefixes

    async with anyio.create_task_group() as group:

        async def run() -> None:
            await trial.run(notes(8), context=context)

        group.start_soon(run)
        with anyio.fail_after(5):
            while waiting.held < 7:
                await checkpoint()
            context.stop("cancelled", "enough")
            while waiting.held:
                await checkpoint()
        assert len(client.requests) == 1
        group.cancel_scope.cancel()


async def test_votes_that_were_reserved_together_wait_like_other_calls() -> None:
    client = Counting(answer=lambda _: {"label": "good", "confidence": 0.9})
    outcome, _ = await _ran(VOTED.replace("RULE", LONG), client, count=2)
    assert outcome.value == [{"label": "good", "confidence": 0.9}] * 2
    assert (client.alone, len(client.met)) == (1, 6)


async def test_a_first_call_that_is_given_up_lets_the_others_go() -> None:
    prefixes = Prefixes(patience_s=3600)
    with pytest.raises(RunStopped):
        async with prefixes.turn("m", "0" * 12, wait=_never):
            raise RunStopped("enough")
    async with prefixes.turn("m", "0" * 12, wait=_never):
        assert prefixes.held == 0


async def _never(event: anyio.Event, seconds: float) -> None:
    raise AssertionError((event, seconds))
