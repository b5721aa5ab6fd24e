"""How calls went, counted from what a run has written down."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from stratum_core.checks import Limits, check
from stratum_core.contracts import JsonValue
from stratum_core.drift import Counting, Figures
from stratum_core.errors import AuthError, BadRequestError, ModelError, TransportError
from stratum_core.journal import MemoryJournal
from stratum_core.llm import ModelReply, TokenUsage
from stratum_core.testing import Answer
from tests.core.drift._counted import Book, counted, run
from tests.core.runtime._trial import MODEL

pytestmark = pytest.mark.anyio

SECOND = "openai/gpt-4.1"
DOCUMENT = """\
stratum: "1"
functions:
  shout:
    mode: infer
    intent: Write in capitals
    input: { note: string }
    output: string
    ensure: [len(result) < 9]
    retries: 2
flows:
  main:
    input: { notes: list<string> }
    output: list<string>
    steps:
      - { id: loud, for_each: input.notes, function: shout, inputs: { note: item }, require: 0, concurrency: 1 }
    return: loud
"""
STANDING_IN = DOCUMENT.replace("retries: 2", f"retries: 2\n    fallbacks: [{SECOND}]")
REFINED = DOCUMENT.replace(
    "retries: 2",
    """retries: 2
    refine: { until: result == "YES", feedback: '"again"', max_iterations: 3 }""",
)
VOTED = (
    DOCUMENT.replace(
        "output: string\n    ensure: [len(result) < 9]\n    retries: 2",
        "output: Tone\n    retries: 1\n    quorum: 3\n    agree_on: label\n    threshold: 2",
    )
    .replace("functions:", "contracts:\n  Tone: { label: { enum: [good, bad, odd] } }\nfunctions:")
    .replace("output: list<string>", "output: list<Tone>")
)
CHECKED = REFINED.replace("until: result", "check: look, until: check and result").replace(
    "flows:",
    """  look:
    mode: compute
    input: { result: string }
    output: bool
    python: look
flows:""",
)
BUSY = TransportError("busy", detail={"paid": "no"})
UNREAD = TransportError("unreadable", detail={"paid": "unknown"})
GONE = BadRequestError("gone", detail={"paid": "no"})
GOOD: dict[str, JsonValue] = {"value": "YES"}
REPLY: dict[str, JsonValue] = {
    "kind": "reply",
    "text": "{}",
    "usage": {"input_tokens": 7, "output_tokens": 3, "cache_read_tokens": 0, "cache_write_tokens": 0},
    "finish": "stop",
    "model": "gpt-4.1-mini-2026-04-14",
    "enforcement": "strict",
    "simulated": False,
}


async def counted_of(document: str, answers: Sequence[Answer], notes: int = 1) -> Figures:
    """Answer a run's requests in turn and return the figures of its one function."""
    left = list(answers)
    _, figures = await run(document, lambda _: left.pop(0), {"notes": ["a"] * notes})
    assert left == []
    return figures["shout"]


async def test_answers_accepted_at_once_are_right_at_the_first_try() -> None:
    figures = await counted_of(DOCUMENT, [GOOD, GOOD], 2)
    assert (figures.calls, figures.requests, figures.answered, figures.right_at_first) == (2, 2, 2, 2)
    assert (dict(figures.retries), dict(figures.unanswered), figures.under_way) == ({}, {}, 0)
    assert figures.tokens == figures.input_tokens + figures.output_tokens > 0
    assert figures.nusd > 0


async def test_an_answer_that_was_asked_for_again_was_not_right_at_the_first_try() -> None:
    figures = await counted_of(DOCUMENT, ["no json", {"value": "far too long"}, GOOD, GOOD], 2)
    assert (figures.calls, figures.requests, figures.answered, figures.right_at_first) == (2, 4, 2, 1)
    assert (figures.retries, figures.unanswered) == ({"contract": 2}, {})


async def test_a_provider_that_is_busy_says_nothing_about_the_answer() -> None:
    figures = await counted_of(DOCUMENT, [BUSY, UNREAD, GOOD])
    assert (figures.requests, figures.answered, figures.right_at_first) == (3, 1, 1)
    assert figures.retries == {"transport": 2}


@pytest.mark.parametrize(
    ("answers", "cause", "answered"),
    [
        (["no json"] * 3, "rejected", 1),
        ([GONE], "bad_request", 0),
        ([BUSY] * 3, "transport_error", 0),
        ([ModelReply(text="", usage=None, finish="refusal", model="m")], "refused", 1),
        ([ModelReply(text="{", usage=None, finish="length", model="m")], "cut_off", 1),
    ],
)
async def test_a_call_without_an_answer_is_counted_by_what_it_ended_in(
    answers: list[Answer], cause: str, answered: int
) -> None:
    figures = await counted_of(DOCUMENT, [*answers, GOOD], 2)
    assert (figures.calls, figures.unanswered) == (2, {cause: 1})
    assert (figures.answered, figures.right_at_first) == (answered + 1, 1)


@pytest.mark.parametrize(("fault", "stood_in"), [(GONE, 1), (AuthError("no key", detail={"paid": "no"}), 2)])
async def test_a_model_that_stands_in_is_a_retry_of_its_own_class(fault: ModelError, stood_in: int) -> None:
    left: list[Answer] = [fault, GOOD, GOOD]
    outcome, figures = await run(STANDING_IN, lambda _: left.pop(0), {"notes": ["a", "b"]})
    assert figures["shout"].retries == outcome.census["retries"] == {"fallback": stood_in}
    assert (figures["shout"].calls, figures["shout"].right_at_first) == (2, 2)


async def test_iterations_are_questions_of_their_own() -> None:
    figures = await counted_of(REFINED, [{"value": "NO"}, "no json", {"value": "NO"}, GOOD])
    assert (figures.calls, figures.answered, figures.right_at_first) == (1, 3, 2)
    assert figures.retries == {"contract": 1, "refine": 2}


async def test_a_refine_that_does_not_converge_has_no_answer() -> None:
    figures = await counted_of(REFINED, [{"value": "NO"}] * 3)
    assert (figures.unanswered, figures.retries) == ({"not_converged": 1}, {"refine": 2})


async def test_votes_that_do_not_agree_leave_no_answer() -> None:
    figures = await counted_of(VOTED, [{"label": "good"}, {"label": "bad"}, {"label": "odd"}])
    assert (figures.calls, figures.answered, figures.right_at_first) == (1, 3, 3)
    assert figures.unanswered == {"no_agreement": 1}


async def test_a_fault_of_a_condition_leaves_the_answer_unjudged() -> None:
    document = DOCUMENT.replace("len(result) < 9", "1 / len(result) < 9")
    figures = await counted_of(document, [{"value": ""}])
    assert figures.unanswered == {"not_judged": 1}


async def test_who_answered_is_counted_as_the_provider_names_it() -> None:
    usage = TokenUsage(input_tokens=7, output_tokens=3)

    def reply(model: str, *, strict: bool = True) -> ModelReply:
        enforcement = "strict" if strict else "json"
        return ModelReply(
            text='{"value": "A"}',
            usage=usage,
            finish="stop",
            model=model,
            enforcement=enforcement,
            simulated=strict,
        )

    figures = await counted_of(DOCUMENT, [reply("m-1"), reply("m-2"), reply("m-1")], 3)
    assert (figures.answered_by, figures.held_to_schema, figures.simulated) == (
        {"m-1": 2, "m-2": 1},
        {MODEL: True},
        True,
    )
    other = await counted_of(DOCUMENT, [reply("m-1", strict=False), reply("m-1")], 2)
    assert other.held_to_schema == {MODEL: False}


async def test_equal_questions_of_a_run_are_one_call() -> None:
    figures = await counted_of(
        DOCUMENT.replace("retries: 2", "retries: 2\n    cache: session"), ["no json", GOOD], 4
    )
    assert (figures.calls, figures.requests, figures.answered, figures.right_at_first) == (1, 2, 1, 0)


async def test_a_request_that_never_left_is_no_call() -> None:
    book = Book()
    await book.journal.void(await book.intent("loud[0]"))
    await book.journal.void(await book.intent("elsewhere[0]"))
    counting = counted(DOCUMENT, book.journal)
    assert counting.figures()["shout"] == Figures()
    assert counting.elsewhere == 1


async def test_a_request_that_was_taken_back_leaves_what_was_before_it() -> None:
    book = Book()
    await book.attempt("loud[0]", REPLY, rejected=True)
    await book.journal.void(await book.intent("loud[0]", number=1))
    figures = counted(DOCUMENT, book.journal).figures()["shout"]
    assert (figures.calls, figures.requests, figures.unanswered) == (1, 1, {"rejected": 1})


async def test_what_a_crash_cut_off_is_charged_and_asked_again() -> None:
    book = Book()
    await book.intent("loud[0]")
    open_one = counted(DOCUMENT, book.journal).figures()["shout"]
    assert (open_one.calls, open_one.requests, open_one.under_way, open_one.unanswered) == (1, 0, 1, {})

    book.journal = MemoryJournal(after=book.journal)
    lost = counted(DOCUMENT, book.journal).figures()["shout"]
    assert (lost.requests, lost.nusd, lost.unanswered, lost.under_way) == (1, 900, {"lost": 1}, 0)

    await book.attempt("loud[0]", REPLY, number=1)
    await book.accepted("loud[0]")
    again = counted(DOCUMENT, book.journal).figures()["shout"]
    assert (again.calls, again.nusd, again.retries, again.unanswered) == (1, 1_000, {"resumed": 1}, {})
    assert (again.answered, again.right_at_first, again.answered_by) == (1, 1, {"gpt-4.1-mini-2026-04-14": 1})


async def test_a_branch_that_was_given_up_is_told_from_a_crash() -> None:
    book = Book()
    await book.attempt("loud[0]", {"kind": "cut_off"}, state="possibly_paid")
    assert counted(DOCUMENT, book.journal).figures()["shout"].unanswered == {"given_up": 1}


async def test_answers_from_another_run_are_reused_and_no_calls() -> None:
    book = Book()
    await book.journal.event("taken", path="loud[0]", data={"key": "k", "value": 1})
    await book.journal.event("taken", path="elsewhere", data={"key": "k", "value": 1})
    figures = counted(DOCUMENT, book.journal).figures()["shout"]
    assert (figures.reused, figures.calls) == (1, 0)


async def test_what_stands_where_the_document_has_no_function_is_counted_apart() -> None:
    book = Book()
    await book.attempt("elsewhere", REPLY, rejected=True)
    await book.accepted("elsewhere")
    await book.attempt("loud[0]", REPLY)
    book.journal.note("rejected", path="loud[1]", data={"call_id": "loud[1]#0", "reason": "no"})
    await book.accepted("loud[0]")
    await book.accepted("loud[7]")
    counting = counted(DOCUMENT, book.journal)
    assert (counting.elsewhere, counting.figures()["shout"].calls) == (1, 1)


async def test_a_check_of_registered_code_keeps_no_accepted_answers_so_the_questions_decide() -> None:
    book = Book()
    await book.attempt("loud[0]/it1", REPLY)
    await book.attempt("loud[1]/it1", REPLY, rejected=True)
    program = check(CHECKED, limits=Limits(compute_registry=frozenset({"look"}))).program
    assert program is not None
    counting = Counting(program, "main", {})
    for event in book.journal.reader().events():
        counting.take(event)
    figures = counting.figures()["shout"]
    assert (figures.calls, figures.unanswered) == (2, {"rejected": 1})


async def test_the_requests_of_the_first_questions_are_kept_by_their_hashes() -> None:
    book = Book()
    await book.attempt("loud[0]", REPLY, rejected=True)
    await book.attempt("loud[0]", REPLY, number=1)
    assert counted(DOCUMENT, book.journal).figures()["shout"].sent == {"loud[0]": "r"}
    for number in range(1, 502):
        await book.attempt(f"loud[{number}]", REPLY)
    assert len(counted(DOCUMENT, book.journal).figures()["shout"].sent) == 500


def test_figures_are_told_with_their_shares() -> None:
    told = Figures(calls=4, answered=8, right_at_first=6, nusd=100, tokens=10).to_json()
    assert (told["right_at_first_share"], told["nusd_per_call"], told["tokens_per_call"]) == (0.75, 25, 2.5)
    nothing = Figures().to_json()
    assert (nothing["right_at_first_share"], nothing["nusd_per_call"], nothing["tokens_per_call"]) == (
        None,
    ) * 3
