"""Fallbacks: when another model is asked, how often in all, and what a resumed run makes of it."""

from __future__ import annotations

import pytest

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
from stratum_core.llm import TRANSPORT_RETRIES, ModelReply, ModelRequest
from stratum_core.runtime import RunOutcome
from stratum_core.testing import Answer, FunctionClient
from tests.core.runtime._crashes import crash_everywhere
from tests.core.runtime._trial import MODEL, Trial, note_of

pytestmark = pytest.mark.anyio

SECOND, THIRD = "anthropic/claude-haiku-4-5", "openai/gpt-4.1"
DOCUMENT = f"""\
stratum: "1"
functions:
  shout:
    mode: infer
    intent: Write in capitals
    input: {{ note: string }}
    output: string
    ensure: [len(result) < 9]
    retries: 1
    fallbacks: [{SECOND}, {THIRD}]
flows:
  main:
    input: {{ notes: list<string> }}
    output: list<string>
    steps:
      - {{ id: loud, for_each: input.notes, function: shout, inputs: {{ note: item }}, concurrency: 1 }}
    return: loud
"""
BUSY = TransportError("busy", detail={"paid": "no"})
QUOTA = QuotaError("nothing left", detail={"paid": "no"})


def by_model(answers: dict[str, Answer]) -> FunctionClient:
    """Answer by the model that is asked."""

    def answer(request: ModelRequest) -> Answer:
        return answers.get(request.model, {"value": note_of(request).upper()})

    return FunctionClient(answer)


async def run(
    client: FunctionClient, notes: list[JsonValue], journal: MemoryJournal | None = None
) -> tuple[RunOutcome, list[str]]:
    trial = Trial(document=DOCUMENT, client=client, journal=journal or MemoryJournal())
    outcome = await trial.run({"notes": notes})
    return outcome, [request.model for request in client.requests]


@pytest.mark.parametrize(
    ("fault", "before"),
    [
        (BUSY, 1 + TRANSPORT_RETRIES),
        (TransportError("closed", detail={"paid": "no", "retry_after_s": 900}), 1),
        (QUOTA, 1),
        (AuthError("no key", detail={"paid": "no"}), 1),
        (BadRequestError("what?", detail={"paid": "no"}), 1),
        (ModelRefusal("no", detail={"paid": "unknown"}), 1),
    ],
)
async def test_the_next_model_is_asked_when_one_cannot_answer(fault: ModelError, before: int) -> None:
    outcome, asked = await run(by_model({MODEL: fault}), ["a"])
    assert (outcome.state, outcome.value) == ("completed", ["A"])
    assert asked == [MODEL] * before + [SECOND]


async def test_a_model_that_declines_in_its_answer_is_passed_over() -> None:
    declined = ModelReply(text="", usage=None, finish="refusal", model=MODEL)
    outcome, asked = await run(by_model({MODEL: declined}), ["a"])
    assert (outcome.value, asked) == (["A"], [MODEL, SECOND])
    assert outcome.census["retries"] == {"fallback": 1}


async def test_only_the_last_model_of_the_chain_stops_the_run() -> None:
    outcome, asked = await run(by_model({MODEL: QUOTA, SECOND: QUOTA, THIRD: QUOTA}), ["a", "b"])
    assert (outcome.state, asked) == ("stopped_limit", [MODEL, SECOND, THIRD])


async def test_a_closed_account_is_met_once() -> None:
    outcome, asked = await run(by_model({MODEL: QUOTA}), ["a", "b", "c"])
    assert (outcome.value, asked) == (["A", "B", "C"], [MODEL, SECOND, SECOND, SECOND])


async def test_a_call_makes_no_more_requests_than_the_plan_counts() -> None:
    answers: dict[str, Answer] = {MODEL: BUSY, SECOND: BUSY, THIRD: "no json"}
    outcome, asked = await run(by_model(answers), ["a"])
    assert (outcome.state, len(asked)) == ("failed", 1 + 1 + TRANSPORT_RETRIES + 2)
    assert asked == [MODEL] * 3 + [SECOND] + [THIRD] * 2


async def test_a_broken_contract_is_no_reason_to_ask_another_model() -> None:
    outcome, asked = await run(by_model({MODEL: "no json"}), ["a"])
    assert (outcome.state, asked) == ("failed", [MODEL, MODEL])


async def test_a_crash_anywhere_changes_nothing_but_what_was_in_flight() -> None:
    async def story(journal: MemoryJournal) -> RunOutcome:
        outcome, _ = await run(
            by_model({MODEL: BUSY, SECOND: BadRequestError("?", detail={"paid": "no"})}), ["a", "b"], journal
        )
        return outcome

    whole = await crash_everywhere(story)
    assert whole.value == ["A", "B"]


async def test_a_finished_run_is_replayed_without_a_request() -> None:
    journal = MemoryJournal()
    first, _ = await run(by_model({MODEL: QUOTA}), ["a", "b"], journal)
    again, asked = await run(by_model({}), ["a", "b"], MemoryJournal(after=journal))
    assert (again.value, asked, again.census["nusd"]) == (first.value, [], first.census["nusd"])
    assert again.census["retries"] == first.census["retries"] == {"fallback": 2}
