"""The words of a comparison, as a person reads them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from stratum_core.drift import Drift, Figures, facts, notes, sentence, verdict
from tests.core.drift._runs import DOCUMENT, compared, side

LOST = "run_b has 1 request at places this version cannot find in its document; they are not counted."
OTHER_MODEL = "openai/gpt-4.1"
WAS = Figures(
    calls=100, requests=110, answered=100, right_at_first=92, retries={"contract": 8}, nusd=30_000_000, tokens=48_000,
    answered_by={"m-04": 100},
)  # fmt: skip
NOW = Figures(
    calls=50, requests=51, answered=50, right_at_first=49, retries={"contract": 1}, nusd=20_000_000, tokens=25_600,
    unanswered={"refused": 2, "transport_error": 1}, answered_by={"m-04": 50},
)  # fmt: skip


def said(drift: Drift, function: str = "judge") -> str:
    each = next(each for each in drift.functions if each.function == function)
    return sentence(each, drift.first, drift.second)


def told(drift: Drift, function: str = "judge") -> dict[str, tuple[str, str]]:
    each = next(each for each in drift.functions if each.function == function)
    return {name: (was, now) for name, was, now in facts(each, drift.first, drift.second)}


def edited(old: str, new: str) -> str:
    assert old in DOCUMENT
    return DOCUMENT.replace(old, new)


def test_a_sentence_says_what_is_another_and_how_the_calls_moved() -> None:
    drift = compared(side(judge=WAS), side(model=OTHER_MODEL, judge=NOW))
    assert said(drift) == (
        "judge: same contract, other model (openai/gpt-4.1-mini -> openai/gpt-4.1); 92 % of 100 right at the first "
        "try before, 98 % of 50 now; 1 retry (contract 1), was 8 (contract 8); 3 calls (refused 2, transport error 1) "
        "without an answer, was none; 512 tokens a call, was 480; $0.00040 a call, was "
        "$0.00030"
    )
    assert told(drift) == {
        "model": ("openai/gpt-4.1-mini", "openai/gpt-4.1"),
        "calls": ("100", "50"),
        "requests": ("110", "51"),
        "right at the first try": ("92 % of 100", "98 % of 50"),
        "retries": ("contract 8", "contract 1"),
        "without an answer": ("none", "refused 2, transport error 1"),
        "tokens a call": ("480", "512"),
        "cost": ("$0.03", "$0.02"),
        "cost a call": ("$0.00030", "$0.00040"),
    }


def test_what_did_not_move_is_said_shortly() -> None:
    drift = compared(side(judge=WAS), side(judge=WAS))
    assert said(drift) == (
        "judge: same contract, prompt, model and schema; 92 % of 100 right at the first try, as before; "
        "$0.00030 a call as before"
    )
    assert told(drift) == {}


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("max: 1 }", "max: 0.9 }", "contract"),
        ("Judge the tone", "Judge", "intent"),
        (
            "note: string }\n    output: Tone",
            "note: { type: string, description: x } }\n    output: Tone",
            "inputs",
        ),
        ("retries: 2", "retries: 1", "contract retries allowed 1, was 2"),
        ("retries: 2", "retries: 2\n    temperature: 0.0", "temperature 0.0, was none"),
        ("retries: 2", "retries: 2\n    stable: true\n    cache: session", "cache session, was none"),
        ("fallbacks: [openai/gpt-4.1]", "fallbacks: []", "models that stand in none, was openai/gpt-4.1"),
        ("retries: 2", 'retries: 2\n    refine: { until: result.sure > 0.5, feedback: "note" }', "refine"),
    ],
)
def test_a_sentence_names_what_was_edited_and_not_what_follows_from_it(
    old: str, new: str, words: str
) -> None:
    found = said(compared(side(), side(edited(old, new)))).partition(";")[0]
    if old == "max: 1 }":
        assert found == "judge: other contract"
    else:
        assert found in {f"judge: same contract, {words}", f"judge: same contract, other {words}"}


def test_a_value_that_is_true_or_false_is_said_as_yes_or_no() -> None:
    text = edited("retries: 2", "retries: 2\n    stable: false").replace("return: tone", "return: short")
    text = text.replace("output: Tone\n    budget", "output: json\n    budget")
    assert "stable no, was yes" in said(compared(side(), side(text)))


def test_a_model_that_answers_under_another_name_is_said() -> None:
    drift = compared(side(judge=WAS), side(judge=replace(WAS, answered_by={"m-06": 100})))
    assert said(drift).startswith("judge: same contract, answered by m-06, was m-04; ")
    assert verdict(drift) == "Changed: judge (answered by)."


def test_a_function_of_one_run_is_said_to_be_only_there() -> None:
    drift = compared(side(judge=NOW), side(edited("judge", "rate").replace("shorten", "cut")))
    assert said(drift) == "judge: only in run_a; the other run has it as rate; 50 calls"
    assert said(drift, "cut") == "cut: only in run_b; the other run has it as shorten"
    assert told(drift) == {}
    assert verdict(drift).startswith(
        "The runs have no function in common: run_a is of notes, flow main, run_b of "
    )


def test_a_computed_function_has_no_figures() -> None:
    drift = compared(side(), side(edited("note[:100]", "note[:90]")))
    assert said(drift, "shorten") == "shorten: same contract, other expression"
    assert list(told(drift, "shorten")) == ["expression"]
    assert said(drift) == "judge: same contract, prompt, model and schema; no model was asked"
    assert said(compared(side(), side()), "shorten") == "shorten: unchanged"
    assert verdict(drift) == "Changed: shorten (expression)."


@pytest.mark.parametrize(
    ("was", "now", "words"),
    [
        (Figures(), Figures(), "no model was asked"),
        (Figures(), Figures(reused=3), "every answer was reused"),
        (Figures(), WAS, "no answer before, 92 % of 100 right at the first try now"),
        (
            replace(WAS, right_at_first=100),
            replace(WAS, right_at_first=0),
            "100 % of 100 right at the first try before",
        ),
        (
            replace(WAS, right_at_first=999, answered=1000),
            replace(WAS, right_at_first=1, answered=1000),
            "1 % of 1,000",
        ),
        (replace(WAS, retries={}), WAS, "8 retries (contract 8), was none"),
        (NOW, NOW, "3 calls (refused 2, transport error 1) without an answer, as before"),
        (NOW, WAS, "every call answered, was 3 calls (refused 2, transport error 1) without an answer"),
        (WAS, replace(WAS, retries={}), "no retries, was 8 (contract 8)"),
        (
            WAS,
            replace(WAS, unanswered={"cut_off": 1}),
            "1 call (cut off at the output limit 1) without an answer",
        ),
    ],
)
def test_shares_and_counts_are_said_without_claiming_too_much(was: Figures, now: Figures, words: str) -> None:
    assert words in said(compared(side(judge=was), side(judge=now)))
    assert "0 % of 1,000" not in said(compared(side(judge=was), side(judge=now)))


def test_dollars_of_the_offline_model_are_marked() -> None:
    paid, free = side(judge=WAS), replace(side(judge=WAS), simulated=True)
    assert said(compared(free, free)).endswith("$0.00030 a call as before (simulated)")
    assert said(compared(paid, free)).endswith("$0.00030 a call (simulated), was $0.00030")
    assert said(compared(free, paid)).endswith("$0.00030 a call, was $0.00030 (simulated)")
    assert "One of them was answered by the offline model: answers and dollars do not compare." in notes(
        compared(paid, free)
    )


def test_where_nothing_changed_the_verdict_says_where_it_can_come_from() -> None:
    assert verdict(compared(side(), side())) == (
        "Every function is the same: what moved comes from the models, or is chance."
    )
    other = replace(side(), data={"note": "1" * 64}, options={"rows": 3})
    assert verdict(compared(side(), other)) == (
        "Every function is the same: what moved comes from the models and the data and the options, or is chance."
    )
    assert verdict(compared(side(), replace(side(), ir_hash="0" * 64))) == (
        "Every function is the same; the document differs outside them, in its steps for example."
    )


def test_the_notes_name_the_runs_and_the_data() -> None:
    assert notes(compared(side(), side())) == (
        "Before: run_a of 2027-01-15 08:00 UTC, completed, $0.0020",
        "Now: run_b of 2027-01-15 08:00 UTC, completed, $0.0020",
        "Same data.",
    )


@pytest.mark.parametrize(
    ("other", "note"),
    [
        ({"name": ""}, "Other document: without a name, was notes."),
        ({"flow": "side"}, "Other flow: side, was main."),
        ({"data": {"note": "1" * 64, "more": "2" * 64}}, "Other data: note, more."),
        ({"options": {"rows": 3, "seed": None}}, "Other options: rows 3, was none."),
        ({"endpoints": {"openai": "http://h"}}, "Other endpoints: openai http://h, was none."),
        ({"price_version": "2026-12"}, "Other prices: 2026-12, was 2026-11."),
        ({"created_at_ms": 1}, "run_b is the older one: before and now follow the order they were named in."),
        ({"live": True, "state": "running"}, "run_b is still running: its figures are those so far."),
        ({"state": "stopped_budget"}, "run_b did not come to its end: its figures are those up to there."),
        ({"elsewhere": 1}, LOST),
        ({"census": {"items_failed": 4}}, "Now: run_b of 2027-01-15 08:00 UTC, completed, 4 items failed, $0.0020"),
        ({"live": True, "state": "running"}, "Now: run_b of 2027-01-15 08:00 UTC, running, $0.0020"),
    ],
)  # fmt: skip
def test_a_note_says_what_differs_around_and_what_to_be_careful_with(
    other: dict[str, Any], note: str
) -> None:
    found = notes(compared(side(), replace(side(), **other)))
    assert note in found
    assert ("Same data." in found) == ("data" not in other)


def test_a_document_that_is_another_is_left_to_its_functions() -> None:
    assert notes(compared(side(), side(edited("Judge the", "Judge"))))[2:] == ("Same data.",)
