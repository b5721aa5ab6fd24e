"""The comparison: which functions and what around them differ, and what counts as a change."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, cast

import pytest

from stratum_core.contracts import JsonValue
from stratum_core.drift import Around, Drift, Figures, FunctionDrift
from tests.core.drift._runs import DOCUMENT, compared, side

RENAMED = DOCUMENT.replace("judge", "rate")
OTHER = DOCUMENT.replace("Judge the tone of a note", "Judge a note")


def function(drift: Drift, name: str) -> FunctionDrift:
    return next(each for each in drift.functions if each.function == name)


def test_two_runs_of_the_same_plan_differ_in_nothing() -> None:
    drift = compared(side(), side())
    assert (drift.changed, drift.related, drift.around) == (False, True, ())
    assert [(each.function, each.changed, each.asks) for each in drift.functions] == [
        ("shorten", (), False),
        ("judge", (), True),
    ]


def test_a_function_that_changed_is_told_with_both_values() -> None:
    drift = compared(side(), side(OTHER))
    judge = function(drift, "judge")
    assert (drift.changed, judge.changed, drift.around) == (True, ("intent", "template"), ("document",))
    was, now = judge.values("intent")
    assert was != now
    told = judge.to_json()
    assert (told["in"], told["changed"]) == ("both", ["intent", "template"])


def test_functions_of_one_run_only_are_named_and_known_again_by_their_hash() -> None:
    drift = compared(side(), side(RENAMED))
    judge, rate = function(drift, "judge"), function(drift, "rate")
    assert (judge.in_both, judge.also_named, rate.also_named) == (False, "rate", "judge")
    assert (judge.to_json()["in"], rate.to_json()["in"]) == ("first", "second")
    assert (judge.to_json()["second"], rate.to_json()["first"]) == (None, None)
    assert (rate.values("model")[0], rate.changed) == (None, ())
    assert drift.changed

    other = compared(side(OTHER), side(RENAMED))
    assert function(other, "rate").also_named == ""


def test_a_twin_of_a_function_that_both_runs_have_is_no_other_name_of_it() -> None:
    judge = DOCUMENT[DOCUMENT.index("  judge:") : DOCUMENT.index("  shorten:")]
    last = "function: judge, inputs: { note: short } }\n"
    again = f"{last}      - {{ id: again, function: rate, inputs: {{ note: short }} }}\n"
    twins = DOCUMENT.replace(judge, judge + judge.replace("judge", "rate")).replace(last, again)
    assert function(compared(side(twins), side()), "rate").also_named == ""


def test_the_same_model_that_is_answered_by_another_one_is_told() -> None:
    was, now = Figures(answered_by={"m-04": 3}), Figures(answered_by={"m-06": 2, "m-04": 1})
    judge = function(compared(side(judge=was), side(judge=now)), "judge")
    assert (judge.changed, judge.values("answered_by")) == (("answered_by",), (["m-04"], ["m-06", "m-04"]))
    silent = function(compared(side(judge=was), side(judge=Figures())), "judge")
    assert silent.changed == ()


def test_equal_questions_that_were_sent_as_other_requests_are_told() -> None:
    was = Figures(sent={"q1": "r1", "q2": "r2", "q3": "r3"})
    judge = function(compared(side(judge=was), side(judge=Figures(sent={"q1": "r1", "q2": "x"}))), "judge")
    assert judge.changed == ("requests",)
    assert judge.values("requests")[0] != judge.values("requests")[1]
    for same in (Figures(sent={"q1": "r1", "q9": "x"}), Figures(sent={"q9": "x"}), Figures()):
        assert function(compared(side(judge=was), side(judge=same)), "judge").changed == ()
    explained = compared(side(judge=was), side(model="openai/gpt-4.1", judge=Figures(sent={"q1": "x"})))
    assert function(explained, "judge").changed == ("model",)


@pytest.mark.parametrize(
    ("part", "other", "changed"),
    [
        ("name", {"name": "letters"}, False),
        ("document", {"ir_hash": "0" * 64}, True),
        ("flow", {"flow": "other"}, True),
        ("data", {"data": {"note": "1" * 64}}, False),
        ("options", {"options": {"rows": 3}}, False),
        ("endpoints", {"endpoints": {"openai": "http://127.0.0.1:1"}}, False),
        ("prices", {"price_version": "2026-12"}, False),
    ],
)
def test_what_stands_around_the_functions_is_told_apart_from_them(
    part: Around, other: dict[str, Any], changed: bool
) -> None:
    first = side()
    drift = compared(first, replace(first, **other))
    assert (drift.around, drift.changed) == ((part,), changed)


def test_a_run_is_over_when_it_completed_and_nobody_works_on_it() -> None:
    first = side()
    assert [
        replace(first, state=state, live=live).over
        for state, live in (("completed", False), ("completed_with_failures", False), ("running", True))
    ] == [True, True, False]
    assert not replace(first, state="interrupted").over


def test_the_record_has_every_function_with_parts_and_figures_of_both_runs() -> None:
    told = compared(side(judge=Figures(calls=3)), side(OTHER)).to_json()
    assert list(told) == ["changed", "around", "first", "second", "functions"]
    shorten, judge = cast("list[dict[str, dict[str, dict[str, JsonValue]]]]", told["functions"])
    first, second = judge["first"], judge["second"]
    assert (first["figures"]["calls"], second["figures"]["calls"], first["parts"]["retries"]) == (3, 0, 2)
    assert first["parts"]["template"] != second["parts"]["template"]
    assert (next(iter(shorten["first"]["parts"])), shorten["first"]["figures"]) == ("contract", None)
