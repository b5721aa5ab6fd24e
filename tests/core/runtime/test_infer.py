"""The infer loop: who is asked, how often, with what words, and what a failure is called."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest

from stratum_core.budget import Budget
from stratum_core.contracts import JsonValue
from stratum_core.errors import (
    AuthError,
    BadRequestError,
    ModelError,
    ModelRefusal,
    QuotaError,
    TransportError,
)
from stratum_core.journal import MemoryJournal
from stratum_core.llm import TRANSPORT_RETRIES, ModelReply, ModelRequest, TokenUsage
from stratum_core.runtime import RunOutcome
from stratum_core.testing import Answer, FunctionClient, ScriptedClient, Step, as_reply
from tests.core.runtime._trial import HeldClient, Trial

pytestmark = pytest.mark.anyio

DOCUMENT = """\
stratum: "1"
contracts:
  Tone: { label: { enum: [good, bad] }, confidence: { type: float, min: 0, max: 1 } }
functions:
  judge:
    mode: infer
    intent: Judge the tone of a note
    input: { note: string, stars: int }
    output: Tone
    given: [len(note) > 0]
    ensure: [result.confidence > 0.7, result.label != "bad" or stars < 3]
    retries: 4
flows:
  main:
    input: { note: string, stars: int }
    output: Tone
    steps:
      - { id: tone, function: judge, inputs: { note: input.note, stars: input.stars } }
    return: tone
"""
INPUTS: dict[str, JsonValue] = {"note": "fine", "stars": 5}
GOOD: dict[str, JsonValue] = {"label": "good", "confidence": 0.9}
DOUBTFUL: dict[str, JsonValue] = {"label": "bad", "confidence": 0.42}
BUSY = TransportError("busy", detail={"paid": "no"})


async def told(*answers: Answer | Step, document: str = DOCUMENT) -> tuple[RunOutcome, list[ModelRequest]]:
    """Run with these answers in order, all of which have to be asked for."""
    async with ScriptedClient(answers) as client:
        outcome = await Trial(document=document, client=client).run(INPUTS)
    return outcome, client.requests


def in_turn(*answers: Answer) -> Callable[[ModelRequest], Answer]:
    left = list(answers)
    return lambda _: left.pop(0)


def census(outcome: RunOutcome, *names: str) -> list[JsonValue]:
    return [outcome.census[name] for name in names]


async def test_an_answer_that_keeps_its_contract_is_asked_for_once() -> None:
    outcome, requests = await told(GOOD)
    assert (outcome.state, outcome.value, outcome.error, outcome.partial) == ("completed", GOOD, "", {})
    assert [message.blocks for message in requests[0].messages] == [
        ("Judge the tone of a note",),
        ("note: fine\nstars: 5",),
    ]


async def test_a_false_given_makes_no_call() -> None:
    trial = Trial.answering(DOCUMENT, in_turn())
    outcome = await trial.run({"note": "", "stars": 5})
    assert (outcome.state, trial.requests) == ("failed", [])
    assert outcome.error == "tone: `len(note) > 0` is false, so `judge` was not called"


async def test_a_retry_names_every_violated_condition_with_the_values_it_read() -> None:
    outcome, requests = await told(DOUBTFUL, GOOD)
    first, second = (request.messages[1].blocks for request in requests)
    assert second == (
        *first,
        (
            "Your previous answer was not accepted:\n"
            "- `result.confidence > 0.7` must be true (actual: result.confidence = 0.42)\n"
            '- `result.label != "bad" or stars < 3` must be true (actual: result.label = "bad"; stars = 5)\n'
            "Answer again in full, correcting this."
        ),
    )
    assert census(outcome, "retries", "calls_answered", "calls") == [{"contract": 1}, 2, 2]


async def test_only_the_latest_violations_are_shown() -> None:
    _, requests = await told("no json", DOUBTFUL, GOOD)
    assert len(requests[2].messages[1].blocks) == 2
    assert "not valid JSON" in requests[1].messages[1].blocks[1]
    assert "not valid JSON" not in requests[2].messages[1].blocks[1]


async def test_after_five_failures_the_last_prompt_is_the_first_plus_the_violations() -> None:
    long_note = "A review of many words. " * 200
    trial = Trial.answering(DOCUMENT, lambda _: DOUBTFUL)
    await trial.run({"note": long_note, "stars": 5})
    sizes = [sum(len(block) for m in request.messages for block in m.blocks) for request in trial.requests]
    violations = len(trial.requests[-1].messages[1].blocks[1])
    assert len(sizes) == 5
    assert sizes[-1] <= 1.15 * sizes[0] + violations


async def test_a_call_gives_up_with_the_violations_of_every_attempt() -> None:
    outcome, _ = await told(*[DOUBTFUL] * 5)
    assert outcome.state == "failed"
    assert outcome.error.startswith(
        "tone: `judge` gave no acceptable answer in 5 attempts; the last one: `result.c"
    )
    assert census(outcome, "retries", "calls") == [{"contract": 4}, 5]


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ("[1,", "the answer is not valid JSON: Expecting value"),
        ('{"label": "good", "confidence": NaN}', "NaN is not a JSON number"),
        ('{"label": "good", "confidence": 1e999}', "1e999 is too large a number"),
        ("[" * 100_000, "the answer is too long: 100,000 bytes"),
        ("[" * 2_000, "the answer is not valid JSON: it is nested too deeply"),
        ("[]", "expected a record with label, confidence (actual: [])"),
        ({"label": "ugly", "confidence": 0.9}, '(actual: "ugly")'),
        ('{"label": "good"}', "confidence"),
        ('{"label": "\ud83d", "confidence": 1}', "surrogates not allowed"),
        ('{"label": "\\uD83d", "confidence": 1}', "it has half a character (an unpaired surrogate)"),
        ('{"label": "\\ud83d\\ude00", "confidence": 1}', 'expected one of "good", "bad" (actual: "😀")'),
    ],
)
async def test_an_answer_of_another_shape_is_a_parse_failure(answer: Answer, said: str) -> None:
    outcome, requests = await told(*[answer] * 5)
    assert outcome.state == "failed"
    assert said in requests[1].messages[1].blocks[1] + outcome.error


async def test_a_markdown_fence_around_an_answer_is_taken_off() -> None:
    outcome, _ = await told('```json\n{"label": "good", "confidence": 0.9}\n```')
    assert outcome.value == GOOD


async def test_a_plain_output_travels_in_an_object() -> None:
    document = DOCUMENT.replace("output: Tone", "output: int").replace(
        'ensure: [result.confidence > 0.7, result.label != "bad" or stars < 3]', "ensure: [result > 1, true]"
    )
    outcome, requests = await told({"value": 1, "more": 2}, '{"value": 1}', '{"value": 7}', document=document)
    assert outcome.value == 7
    assert "- the answer must be an object {" in requests[1].messages[1].blocks[1]


async def test_an_answer_that_was_cut_off_is_not_asked_for_again() -> None:
    outcome, requests = await told(Step(answer='{"label": "go', finish="length"))
    assert (outcome.state, len(requests)) == ("failed", 1)
    assert outcome.error == (
        f"tone: the answer was cut off at {requests[0].max_tokens} tokens; give `judge` a larger `max_tokens`"
    )


@pytest.mark.parametrize(
    "answer",
    [
        Step(answer="I would rather not", finish="refusal"),
        ModelRefusal("content policy", detail={"paid": "no"}),
        BadRequestError("unknown model", detail={"paid": "no"}),
        ModelError("something else", detail={"paid": "unknown"}),
    ],
)
async def test_what_another_try_would_not_change_is_asked_once(answer: Answer | Step) -> None:
    outcome, requests = await told(answer)
    assert (outcome.state, len(requests), census(outcome, "retries")) == ("failed", 1, [{}])


async def test_a_fault_inside_an_ensure_buys_no_further_call() -> None:
    document = DOCUMENT.replace("result.confidence > 0.7", "1 / (stars - 5) > 0")
    outcome, requests = await told(GOOD, document=document)
    assert (outcome.state, len(requests)) == ("failed", 1)
    assert "gave no acceptable answer" not in outcome.error


class TestTransport:
    async def test_a_busy_provider_is_asked_again_without_the_model_hearing_of_it(self) -> None:
        outcome, requests = await told(BUSY, BUSY, GOOD)
        assert outcome.value == GOOD
        assert len({request.messages for request in requests}) == 1
        assert len({request.idempotency_key for request in requests}) == 3
        assert census(outcome, "retries", "calls", "calls_possibly_paid") == [{"transport": 2}, 3, 0]

    async def test_persistent_rate_limits_cost_exactly_the_allowed_requests(self) -> None:
        trial = Trial.answering(DOCUMENT, lambda _: BUSY)
        outcome = await trial.run(INPUTS)
        assert (outcome.state, len(trial.requests)) == ("failed", TRANSPORT_RETRIES + 1)
        assert census(outcome, "nusd", "tokens", "calls") == [0, 0, 3]

    async def test_both_kinds_of_retry_are_counted_apart(self) -> None:
        outcome, _ = await told(BUSY, DOUBTFUL, BUSY, GOOD)
        assert census(outcome, "retries") == [{"contract": 1, "transport": 2}]

    async def test_pauses_grow(self) -> None:
        trial = Trial.answering(DOCUMENT, lambda _: BUSY)
        await trial.run(INPUTS)
        assert trial.pauses == [0.5, 1.0]

    @pytest.mark.parametrize(
        ("asked", "pauses"), [(7, [7.0]), (0.01, [0.5]), (100, [100.0]), ("soon", [0.5])]
    )
    async def test_a_retry_waits_as_long_as_the_provider_asks(
        self, asked: JsonValue, pauses: Sequence[float]
    ) -> None:
        busy = TransportError("busy", detail={"paid": "no", "retry_after_s": asked})
        trial = Trial.answering(DOCUMENT, in_turn(busy, GOOD))
        outcome = await trial.run(INPUTS)
        assert (outcome.state, trial.pauses) == ("completed", pauses)

    async def test_a_provider_that_asks_for_an_hour_is_taken_at_its_word(self) -> None:
        closed = TransportError("closed", detail={"paid": "no", "retry_after_s": 3600})
        trial = Trial.answering(DOCUMENT, lambda _: closed)
        outcome = await trial.run(INPUTS)
        assert (outcome.state, trial.pauses, len(trial.requests)) == ("failed", [], 1)

    async def test_a_fault_that_may_have_been_paid_is_charged_in_full(self) -> None:
        lost = TransportError("no answer came in time", detail={"paid": "unknown"})
        trial = Trial.answering(DOCUMENT, in_turn(lost, GOOD))
        outcome = await trial.run(INPUTS)
        assert isinstance(trial.journal, MemoryJournal)
        first, second = trial.journal.reader().attempts()
        assert (first.state, first.usage, second.state) == ("possibly_paid", first.reserved, "answered")
        assert census(outcome, "calls_possibly_paid", "nusd") == [1, first.usage.nusd + second.usage.nusd]


class TestMoney:
    async def test_an_answer_without_counts_is_charged_at_its_reservation(self) -> None:
        reply = ModelReply(text='{"label": "good", "confidence": 1}', usage=None, finish="stop", model="m")
        trial = Trial.answering(DOCUMENT, lambda _: reply)
        outcome = await trial.run(INPUTS)
        assert isinstance(trial.journal, MemoryJournal)
        (attempt,) = trial.journal.reader().attempts()
        assert attempt.usage == attempt.reserved
        assert outcome.census["nusd"] == attempt.reserved.nusd > 0

    async def test_counts_above_the_reservation_stop_the_run(self) -> None:
        def greedy(request: ModelRequest) -> Answer:
            usage = TokenUsage(input_tokens=10**6, output_tokens=10**6)
            return ModelReply(text='{"label": "good"}', usage=usage, finish="stop", model="m")

        trial = Trial.answering(DOCUMENT, greedy)
        outcome = await trial.run(INPUTS)
        assert (outcome.state, len(trial.requests)) == ("stopped_budget", 1)
        assert "the provider counted more than was reserved" in outcome.error

    async def test_a_model_without_a_price_is_refused_before_any_call(self) -> None:
        document = DOCUMENT.replace("mode: infer", "mode: infer\n    model: openai/of-tomorrow")
        trial = Trial.answering(document, in_turn())
        outcome = await trial.run(INPUTS)
        assert (outcome.state, trial.requests) == ("failed", [])
        assert "model `openai/of-tomorrow` has no known price" in outcome.error

    async def test_an_attempt_that_does_not_fit_is_not_sent(self) -> None:
        document = DOCUMENT.replace("retries: 4", "retries: 4\n    budget: { usd: 0.000001 }")
        trial = Trial.answering(document, in_turn())
        outcome = await trial.run(INPUTS)
        assert (outcome.state, trial.requests) == ("stopped_budget", [])
        assert "but tone has $0.0000010 left of its cap" in outcome.error


class TestTime:
    async def test_a_call_that_takes_too_long_is_cut_off_and_possibly_paid(self) -> None:
        document = DOCUMENT.replace("retries: 4", "retries: 4\n    budget: { ms: 20 }")
        trial = Trial(document=document, client=HeldClient(lambda _: GOOD))
        outcome = await trial.run(INPUTS)
        assert (outcome.state, outcome.census["calls_possibly_paid"]) == ("stopped_budget", 1)
        assert outcome.error.startswith("tone: `judge` took longer than its 20 ms")

    async def test_a_call_in_time_is_not_disturbed_by_its_limit(self) -> None:
        document = DOCUMENT.replace("retries: 4", "retries: 4\n    budget: { ms: 20000, usd: 1 }")
        outcome, _ = await told(GOOD, document=document)
        assert outcome.value == GOOD


class TestLimits:
    LIST = DOCUMENT.replace(
        """    input: { note: string, stars: int }
    output: Tone
    steps:
      - { id: tone, function: judge, inputs: { note: input.note, stars: input.stars } }
    return: tone""",
        """    input: { notes: list<string> }
    output: list<Tone>
    steps:
      - id: tone
        for_each: input.notes
        function: judge
        inputs: { note: item, stars: "5" }
        concurrency: 8
        require: 0
    return: tone""",
    )

    @pytest.mark.parametrize("limit", [QuotaError, AuthError])
    async def test_a_used_up_account_ends_the_run_with_what_is_in_flight(
        self, limit: type[ModelError]
    ) -> None:
        served = [0]

        def answer(request: ModelRequest) -> Answer:
            served[0] += 1
            return GOOD if served[0] <= 50 else limit("no more", remedy="pay", detail={"paid": "no"})

        trial = Trial(document=self.LIST, client=HeldClient(answer, held=False))
        outcome = await trial.run({"notes": [f"note {n}" for n in range(1000)]})
        assert (outcome.state, outcome.error) == ("stopped_limit", "no more; pay")
        assert 50 < len(trial.requests) <= 51 + 8
        assert outcome.census["items_done"] == 50
        assert outcome.partial == {"tone": [GOOD] * 50}

    async def test_once_the_account_is_mended_a_resumed_run_goes_on(self) -> None:
        journal = MemoryJournal()
        client = FunctionClient(in_turn(GOOD, QuotaError("no more", detail={"paid": "no"})))
        document = self.LIST.replace("concurrency: 8", "concurrency: 1")
        notes: dict[str, JsonValue] = {"notes": ["one", "two", "three"]}
        first = await Trial(document=document, client=client, journal=journal).run(notes)
        again = FunctionClient(lambda _: GOOD)
        trial = Trial(document=document, client=again, journal=MemoryJournal(after=journal))
        second = await trial.run(notes)
        assert (first.state, second.state) == ("stopped_limit", "completed")
        assert (len(again.requests), second.census["calls_reused"]) == (2, 1)


def test_a_reply_from_text_keeps_its_finish() -> None:
    request = ModelRequest(model="m", messages=(), output_schema={}, max_tokens=5)
    assert as_reply(request, "cut", "length").finish == "length"


async def test_time_and_money_caps_of_a_whole_run_are_both_kept() -> None:
    trial = Trial.answering(DOCUMENT, lambda _: GOOD)
    outcome = await trial.run(INPUTS, budget=Budget(calls=0))
    assert (outcome.state, trial.requests) == ("stopped_budget", [])
