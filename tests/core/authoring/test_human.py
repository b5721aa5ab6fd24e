"""Questions to a person from a flow: asked through a sink, answered once, held to their type."""

from __future__ import annotations

import asyncio
import io
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Literal

import anyio
import pytest
from pydantic import BaseModel, JsonValue

from stratum_core import (
    Budget,
    ConfigurationError,
    ConsoleReviewSink,
    ContractViolation,
    HITLTimeoutError,
    HumanReviewContext,
    PendingReview,
    ReviewSink,
    RunError,
    StratumCompileError,
    all_records,
    await_human,
    configure,
    contract,
    debate,
    debate_outcome,
    flow,
    infer,
    opaque,
    parallel,
)
from stratum_core.authoring._sinks import Waiting
from stratum_core.contracts import BoolType
from stratum_core.testing import FunctionClient
from tests.core.authoring._untyped import untyped

pytestmark = pytest.mark.anyio


@contract
class Refund(BaseModel):
    amount: int
    due: date


@dataclass
class Person(ReviewSink):
    """Answers each question at once, from what it is asked."""

    decide: Callable[[PendingReview], object]
    rationale: str | None = None

    async def emit(self, review: PendingReview) -> None:
        self.seen = review
        self.resolve(review.review_id, self.decide(review), reviewer="ann", rationale=self.rationale)


class Desk(ReviewSink):
    """Keeps questions until a test answers them."""

    def __init__(self) -> None:
        self.asked = asyncio.Event()

    async def emit(self, review: PendingReview) -> None:
        assert review in self.pending
        self.asked.set()


async def test_a_decision_comes_back_typed_with_who_made_it_and_why() -> None:
    person = Person(lambda _: True, rationale="it is fine")
    with configure(review_sink=person):
        decision = await await_human(
            HumanReviewContext(
                question="Send it?", artifacts={"letter": Refund(amount=3, due=date(2026, 1, 2))}
            ),
            bool,
        )
    assert decision.value is True
    assert (decision.reviewer, decision.rationale) == ("ann", "it is fine")
    assert decision.review_id == person.seen.review_id
    assert datetime.now(UTC) - decision.decided_at < timedelta(minutes=1)
    assert person.seen.context.trigger == "explicit"
    assert person.seen.expires_at is None


async def test_a_contract_is_a_decision_in_python_or_as_json() -> None:
    answers: list[object] = [Refund(amount=3, due=date(2026, 1, 2)), {"amount": 3, "due": "2026-01-02"}]
    for answer in answers:
        with configure(review_sink=Person(lambda _, answer=answer: answer)):
            assert (await await_human("How much?", Refund)).value == answers[0]


async def test_an_answer_of_another_type_is_refused_and_the_question_still_waits() -> None:
    desk = Desk()
    with configure(review_sink=desk):
        asking = asyncio.create_task(await_human("How many?", int))
        await desk.asked.wait()
        (review,) = desk.pending
        with pytest.raises(ContractViolation, match="still waits"):
            desk.resolve(review.review_id, "many")
        desk.resolve(review.review_id, 3)
        with pytest.raises(RunError, match="the first answer stands"):
            desk.resolve(review.review_id, 4)
        assert (await asking).value == 3
    assert desk.pending == ()
    with pytest.raises(RunError, match="no question"):
        desk.resolve(review.review_id, 5)


async def test_an_answer_may_come_from_another_thread() -> None:
    desk = Desk()
    with configure(review_sink=desk):
        asking = asyncio.create_task(await_human("How many?", int))
        await desk.asked.wait()
        thread = threading.Thread(target=desk.resolve, args=(desk.pending[0].review_id, 3))
        thread.start()
        assert (await asking).value == 3
        thread.join()


async def test_only_the_options_are_answers_and_they_keep_their_type() -> None:
    desk = Desk()
    with configure(review_sink=desk):
        asking = asyncio.create_task(await_human("Which?", int, options=[1, 2]))
        await desk.asked.wait()
        review = desk.pending[0]
        assert review.options == (1, 2)
        with pytest.raises(ContractViolation):
            desk.resolve(review.review_id, 3)
        desk.resolve(review.review_id, 2)
        assert (await asking).value == 2


async def test_an_option_that_is_no_plain_value_or_of_another_type_is_refused() -> None:
    with pytest.raises(StratumCompileError, match="no text, number or bool"):
        await await_human("Which?", Refund, options=[Refund(amount=1, due=date(2026, 1, 1))])
    with pytest.raises(ContractViolation):
        await untyped(await_human)("Which?", int, options=["one"])


async def test_a_question_nobody_answers_lapses_with_an_error_that_names_it() -> None:
    desk = Desk()
    with configure(review_sink=desk), pytest.raises(HITLTimeoutError) as caught:
        await await_human("Send it?", bool, timeout=0.01)
    assert str(caught.value.detail["review_id"]).startswith("review_")
    assert desk.pending == ()


@pytest.mark.parametrize("lapse", ["no", None])
async def test_a_lapsed_question_may_have_an_answer_of_its_own(lapse: str | None) -> None:
    with configure(review_sink=Desk()):
        decision = await untyped(await_human)(
            "Send it?", Literal["yes", "no"] | None, timeout=timedelta(milliseconds=10), on_timeout=lapse
        )
    assert (decision.value, decision.reviewer) == (lapse, None)


async def test_the_clock_of_a_flow_stands_while_a_person_is_asked() -> None:
    class Slow(ReviewSink):
        async def emit(self, review: PendingReview) -> None:
            await anyio.sleep(0.15)
            self.resolve(review.review_id, value=True)

    @flow(budget=Budget(ms=100))
    async def gated() -> list[bool]:
        both = await parallel(*[await_human(f"Send {number}?", bool) for number in range(2)])
        return [decision.value for decision in both]

    with configure(review_sink=Slow()):
        assert await gated() == [True, True]


async def test_a_sink_that_is_asked_the_same_question_twice_at_once_refuses_the_second() -> None:
    desk = Desk()

    def waiting() -> Waiting:
        review = PendingReview(review_id="review_1", context=HumanReviewContext(question="Send it?"))
        return Waiting(review=review, kind=BoolType())

    first = asyncio.create_task(desk.ask(waiting()))
    await desk.asked.wait()
    with pytest.raises(RunError, match="waits for an answer already"):
        await desk.ask(waiting())
    desk.resolve("review_1", value=True)
    assert (await first).value is True


async def test_cancelling_a_flow_takes_its_question_back() -> None:
    desk = Desk()

    @flow
    async def gated() -> bool:
        return (await await_human("Send it?", bool)).value

    with configure(review_sink=desk):
        task = asyncio.create_task(gated())
        await desk.asked.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert desk.pending == ()


async def test_a_question_leaves_a_record() -> None:
    with configure(review_sink=Person(lambda _: True)):
        decision = await await_human("Send it?", bool)
    (record,) = all_records()
    assert (record.kind, record.review_id) == ("human", decision.review_id)


async def test_a_debate_without_agreement_may_ask_a_person() -> None:
    @contract
    class Verdict(BaseModel):
        decision: str

    @infer(intent="Argue for it.")
    async def optimist(topic: str, arguments: JsonValue) -> str: ...
    @infer(intent="Argue against it.")
    async def pessimist(topic: str, arguments: JsonValue) -> str: ...
    @infer(intent="Conclude.")
    async def conclude(topic: str, arguments: JsonValue, converged: bool) -> Verdict: ...

    client = FunctionClient(
        lambda request: (
            {"decision": "go"}
            if request.messages[0].blocks[0] == "Conclude."
            else {"value": request.messages[0].blocks[0]}
        )
    )
    with configure(client=client, review_sink=Person(lambda review: review.options[1])):
        await debate([optimist, pessimist], "x", rounds=1, synthesize=conclude, unresolved="human")
    assert '{"agent":"person","argument":"pessimist"}' in client.requests[-1].messages[1].blocks[0]


@contract
class Side(BaseModel):
    side: Literal["yes", "no"]


async def test_what_a_person_decides_stands_in_the_conclusion_of_a_debate() -> None:
    @contract
    class Conclusion(BaseModel):
        side: Literal["yes", "no", "open"]
        why: str

    @infer(intent="yes")
    async def optimist(topic: str, arguments: JsonValue) -> Side: ...
    @infer(intent="no")
    async def pessimist(topic: str, arguments: JsonValue) -> Side: ...
    @infer(intent="Conclude.")
    async def conclude(topic: str, arguments: JsonValue, converged: bool) -> Conclusion: ...

    client = FunctionClient(
        lambda request: (
            {"side": "open", "why": "who knows"}
            if request.messages[0].blocks[0] == "Conclude."
            else {"side": request.messages[0].blocks[0]}
        )
    )
    with configure(client=client, review_sink=Person(lambda review: review.options[1])):
        found = await debate_outcome(
            [optimist, pessimist],
            "x",
            rounds=1,
            agree_on="side",
            synthesize=conclude,
            unresolved="human",
        )
    assert (found.value, found.converged) == (Conclusion(side="no", why="who knows"), False)


async def test_a_debate_whose_conclusion_cannot_hold_a_persons_decision_is_refused() -> None:
    @contract
    class Count(BaseModel):
        side: int

    @infer(intent="Argue.")
    async def argue(topic: str, arguments: JsonValue) -> Side: ...
    @infer(intent="Conclude.")
    async def count(topic: str, arguments: JsonValue, converged: bool) -> Count: ...

    with pytest.raises(StratumCompileError, match="`side` as int, but the agents agree") as raised:
        await debate([argue, argue], "x", agree_on="side", synthesize=count, unresolved="human")
    assert "a person decides" in raised.value.remedy


async def test_a_debate_whose_conclusion_would_lose_the_mark_of_data_is_refused() -> None:
    @contract
    class Marked(BaseModel):
        side: opaque[str]

    @contract
    class Plain(BaseModel):
        side: str

    @infer(intent="Argue.")
    async def argue(topic: str, arguments: opaque[JsonValue]) -> Marked: ...
    @infer(intent="Conclude.")
    async def conclude(topic: str, arguments: opaque[JsonValue], converged: bool) -> Plain: ...

    with pytest.raises(StratumCompileError, match="is opaque, but"):
        await debate([argue, argue], "x", agree_on="side", synthesize=conclude, unresolved="human")


def at_terminal(typed: str) -> ConsoleReviewSink:
    return ConsoleReviewSink(reviewer="ann", source=io.StringIO(typed))


async def test_the_terminal_asks_until_an_answer_fits(capsys: pytest.CaptureFixture[str]) -> None:
    context = HumanReviewContext(question="Send it?", artifacts={"to": "Bob", "sum": 3})
    with configure(review_sink=at_terminal("perhaps\n2\n")):
        decision = await await_human(context, str, options=["yes", "no"], timeout=60)
    assert (decision.value, decision.reviewer) == ("no", "ann")
    shown = capsys.readouterr().err
    assert 'Send it?\n  to: "Bob"\n  sum: 3\n  [1] yes\n  [2] no\n  (until ' in shown
    assert "still waits" in shown


@pytest.mark.parametrize(
    ("kind", "typed", "value"),
    [(str, "42", "42"), (str, "free text", "free text"), (int, "42", 42), (bool, "true", True)],
)
async def test_what_is_typed_at_the_terminal_is_read_as_the_decisions_type(
    kind: type[object], typed: str, value: object
) -> None:
    with configure(review_sink=at_terminal(typed + "\n")):
        assert (await await_human("Well?", kind)).value == value


async def test_an_option_is_typed_by_name_too() -> None:
    with configure(review_sink=at_terminal("true\n")):
        assert (await await_human("Send it?", bool, options=[True, False])).value is True


async def test_a_terminal_that_has_ended_is_an_error() -> None:
    with configure(review_sink=at_terminal("")), pytest.raises(ConfigurationError, match="has ended"):
        await await_human("Send it?", bool)
