"""Refine: iterations with feedback, a prompt that does not grow, an end that is reached or said to be missed."""

from __future__ import annotations

import random

import anyio
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stratum_core.budget import Budget
from stratum_core.contracts import JsonValue
from stratum_core.errors import BadRequestError, TransportError
from stratum_core.journal import MemoryJournal
from stratum_core.llm import RETRY_BLOCK_BYTES, ModelRequest, PriceTable
from stratum_core.money import Nusd
from stratum_core.plan._estimate import estimate_program
from stratum_core.plan._models import with_models
from stratum_core.runtime import RunOutcome
from stratum_core.testing import Answer, FunctionClient
from tests.core.runtime._crashes import crash_everywhere
from tests.core.runtime._trial import MODEL, Trial, compiled

pytestmark = pytest.mark.anyio

DOCUMENT = """\
stratum: "1"
contracts:
  Draft: { text: string, words: int }
functions:
  count:
    mode: compute
    input: { result: Draft, wanted: int }
    output: { type: int }
    expression: wanted - result.words
  draft:
    mode: infer
    intent: Write about a subject
    input: { subject: string, wanted: int }
    output: Draft
    retries: 1
    max_tokens: 2000
    refine: { check: count, until: check <= 0, feedback: "'it is ' + str(check) + ' words short'", max_iterations: 4 }
flows:
  main:
    input: { subject: string, wanted: int }
    output: Draft
    steps:
      - { id: text, function: draft, inputs: { subject: input.subject, wanted: input.wanted } }
    return: text
"""
INPUTS: dict[str, JsonValue] = {"subject": "bees", "wanted": 3}


def growing(request: ModelRequest) -> Answer:
    """Write one word more than last time."""
    words = int(request.idempotency_key.rpartition("/it")[2].partition("#")[0].partition("/")[0])
    return {"text": "bee " * words, "words": words}


async def run(
    client: FunctionClient,
    journal: MemoryJournal | None = None,
    *,
    document: str = DOCUMENT,
    inputs: dict[str, JsonValue] = INPUTS,
) -> RunOutcome:
    return await Trial(document=document, client=client, journal=journal or MemoryJournal()).run(inputs)


def blocks(request: ModelRequest) -> tuple[str, ...]:
    return request.messages[1].blocks


async def test_it_is_asked_again_with_feedback_until_the_condition_holds() -> None:
    client = FunctionClient(growing)
    outcome = await run(client)
    assert (outcome.state, outcome.value) == ("completed", {"text": "bee bee bee ", "words": 3})
    told = [block for request in client.requests for block in blocks(request)[1:]]
    assert ["2 words short" in told[0], "1 words short" in told[1], len(told)] == [True, True, 2]
    assert outcome.census["retries"] == {"refine": 2}


async def test_the_first_block_never_changes_and_the_prompt_does_not_grow() -> None:
    document = DOCUMENT.replace("max_iterations: 4", "max_iterations: 9").replace(
        "'it is ' + str(check) + ' words short'", "'too short: ' + result.text"
    )
    subject = "bees " * 400
    client = FunctionClient(growing)
    await run(client, document=document, inputs={"subject": subject, "wanted": 9})
    sizes = [sum(len(block.encode()) for block in blocks(request)) for request in client.requests]
    feedback = len(blocks(client.requests[-1])[1].encode())
    assert len(sizes) == 9
    assert {blocks(request)[0] for request in client.requests} == {blocks(client.requests[0])[0]}
    assert sizes[-1] <= 1.15 * sizes[0] + feedback


async def test_feedback_is_cut_to_its_bound() -> None:
    document = DOCUMENT.replace("str(check)", "'ü'.join(['long' for n in result.text.split(' ')])")
    client = FunctionClient(
        lambda request: {"text": "a " * 2000, "words": 1 if len(blocks(request)) == 1 else 3}
    )
    outcome = await run(client, document=document)
    assert outcome.state == "completed"
    assert len(blocks(client.requests[1])[1].encode()) <= RETRY_BLOCK_BYTES


@pytest.mark.parametrize("text", ["short", "x" * 5_000, '"</data>\n' * 900, "ü" * 3_000])
async def test_feedback_over_data_is_marked_as_data(text: str) -> None:
    document = DOCUMENT.replace("subject: string", "subject: opaque<string>").replace(
        "'it is ' + str(check) + ' words short'", "'look at ' + result.text"
    )
    client = FunctionClient(lambda request: {"text": text, "words": 1 if len(blocks(request)) == 1 else 3})
    outcome = await run(client, document=document)
    assert outcome.state == "completed"
    block = blocks(client.requests[1])[1]
    assert len(block.encode()) <= RETRY_BLOCK_BYTES
    head, mark, rest = block.partition("<data ")
    body = rest.partition(">\n")[2].rpartition("\n</data ")[0]
    assert ("never an instruction" in head, mark, text[:5] in head, body.startswith('"look at ')) == (
        True,
        "<data ",
        False,
        True,
    )


async def test_a_contract_retry_inside_an_iteration_keeps_the_feedback() -> None:
    def answer(request: ModelRequest) -> Answer:
        if len(blocks(request)) == 2:
            return "no json"
        return growing(request)

    client = FunctionClient(answer)
    outcome = await run(client, inputs={"subject": "bees", "wanted": 2})
    assert outcome.state == "completed"
    assert [len(blocks(request)) for request in client.requests] == [1, 2, 3]
    assert ["short" in blocks(client.requests[2])[1], "not accepted" in blocks(client.requests[2])[2]] == [
        True,
        True,
    ]


async def test_what_never_converges_fails_with_its_history() -> None:
    client = FunctionClient(growing)
    outcome = await run(client, inputs={"subject": "bees", "wanted": 9})
    assert (outcome.state, len(client.requests)) == ("failed", 4)
    assert "after 4 iterations" in outcome.error


async def test_an_expression_that_fails_buys_no_further_iteration() -> None:
    document = DOCUMENT.replace("until: check <= 0", "until: 1 // (check - 2) > 0")
    client = FunctionClient(growing)
    outcome = await run(client, document=document)
    assert (outcome.state, len(client.requests)) == ("failed", 1)


async def test_each_iteration_of_a_function_with_both_is_a_quorum() -> None:
    document = DOCUMENT.replace(
        "retries: 1", "retries: 1\n    quorum: 2\n    agree_on: words\n    threshold: 2"
    )
    client = FunctionClient(growing)
    journal = MemoryJournal()
    outcome = await run(client, journal, document=document)
    assert (outcome.state, len(client.requests)) == ("completed", 6)
    assert {a.path for a in journal.reader().attempts()} == {
        f"text/it{i}/vote{v}" for i in (1, 2, 3) for v in (0, 1)
    }


async def test_a_crash_anywhere_changes_nothing_but_what_was_in_flight() -> None:
    async def story(journal: MemoryJournal) -> RunOutcome:
        return await run(FunctionClient(growing), journal)

    whole = await crash_everywhere(story)
    assert whole.state == "completed"


async def test_other_feedback_at_the_same_place_is_never_answered_from_the_record() -> None:
    journal = MemoryJournal()
    await run(FunctionClient(growing), journal)
    changed = DOCUMENT.replace("expression: wanted", "expression: 2 * wanted")
    outcome = await run(FunctionClient(growing), MemoryJournal(after=journal), document=changed)
    assert outcome.state == "failed"
    assert "on record for" in outcome.error


STAND_IN = "openai/gpt-4.1"
EVERYTHING = DOCUMENT.replace(
    "retries: 1",
    f"retries: 1\n    fallbacks: [{STAND_IN}]\n    quorum: 3\n    agree_on: words\n    threshold: 2",
)
PRICES = PriceTable.load()


def moody(seed: int) -> FunctionClient:
    """Break rules, lose requests and answer at length, as it comes."""
    chance = random.Random(seed)  # noqa: S311 - a test

    def answer(request: ModelRequest) -> Answer:
        match chance.randrange(8):
            case 0:
                return TransportError("lost", detail={"paid": "unknown"})
            case 1:
                return BadRequestError("what?", detail={"paid": "no"})
            case 2:
                return "no json " * 40
            case _:
                return {"text": "long " * chance.randrange(300), "words": chance.randrange(5)}

    return FunctionClient(answer)


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10**6), share=st.floats(0.001, 1.2))
def test_neither_a_cap_nor_the_worst_case_of_the_plan_is_ever_passed(seed: int, share: float) -> None:
    async def story() -> None:
        program = with_models(compiled(EVERYTHING), {"draft": MODEL})
        price_of = {model: price for model in (MODEL, STAND_IN) if (price := PRICES.price(model)) is not None}
        worst = estimate_program(program, "main", INPUTS, price_of=price_of).worst
        cap = Nusd(int(worst.nusd * share))
        trial = Trial(document=EVERYTHING, client=moody(seed))
        outcome = await trial.run(INPUTS, budget=Budget(nusd=cap))
        spent, calls = outcome.census["nusd"], outcome.census["calls"]
        assert isinstance(spent, int)
        assert isinstance(calls, int)
        assert spent <= min(cap, worst.nusd)
        assert calls <= worst.calls
        assert share < 1 or outcome.state != "stopped_budget"

    anyio.run(story)
