"""Plans in plain words: one golden text for every document of the corpus, and what holds for any."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import cast

import pytest

from stratum_core.contracts import JsonValue
from stratum_core.plan import Plan, PlanContext, PlanOptions, Roots, build_plan
from stratum_core.plan._words import clean, name_words, plural, quoted, verb_of

CORPUS = Path(__file__).parents[2] / "corpus"
EXAMPLES = Path(__file__).parents[3] / "examples"
REQUESTS: dict[str, dict[str, JsonValue]] = {
    "reviews": {"reviews": {"file": "reviews.csv", "columns": {"id": "review_id", "text": "Review Text"}}},
    "tickets": {"tickets": {"file": "tickets.jsonl"}},
}
"""The data of the documents under `examples/`."""
NAMES = sorted([*REQUESTS, *(path.name.split(".")[0] for path in (CORPUS / "ok").glob("*.inputs.json"))])
GOLDEN = sorted(path.stem for path in (CORPUS / "plans").glob("*.txt"))


def plan_of(name: str, context: PlanContext) -> Plan:
    if name in REQUESTS:
        example = (EXAMPLES / f"{name}.stratum.yaml").read_text()
        return build_plan(example, inputs=REQUESTS[name], context=replace(context, roots=Roots(EXAMPLES)))
    (document,) = (CORPUS / "ok").glob(f"{name}.stratum.*")
    request = cast("dict[str, JsonValue]", json.loads((CORPUS / "ok" / f"{name}.inputs.json").read_text()))
    return build_plan(
        document.read_text(),
        flow=cast("str | None", request.get("flow")),
        inputs=cast("dict[str, JsonValue]", request["inputs"]),
        context=replace(context, roots=Roots(CORPUS / "ok")),
    )


@pytest.mark.parametrize("name", NAMES)
def test_a_document_is_told_as_its_golden_text(name: str, context: PlanContext) -> None:
    assert plan_of(name, context).summary + "\n" == (CORPUS / "plans" / f"{name}.txt").read_text()


def test_every_document_of_the_corpus_has_a_golden_text_and_no_other_has() -> None:
    assert GOLDEN == NAMES
    assert len(GOLDEN) >= 30


@pytest.mark.parametrize("name", GOLDEN)
def test_a_question_has_four_short_lines_with_the_price_last(name: str, context: PlanContext) -> None:
    lines = plan_of(name, context).question.splitlines()

    assert len(lines) <= 4
    assert max(map(len, lines)) <= 76
    assert "At most $" in lines[-1] or "costs nothing" in lines[-1]


@pytest.mark.parametrize("name", GOLDEN)
def test_a_plan_fits_a_dialog_and_ends_with_the_price(name: str, context: PlanContext) -> None:
    plan = plan_of(name, context)
    lines = plan.summary.splitlines()

    assert len(lines) <= 20
    assert max(map(len, lines)) <= 90
    assert plan.summary.isprintable() or "\n" in plan.summary
    assert "At most $" in lines[-1] or "costs nothing" in lines[-1]
    assert "stratum:" not in plan.summary
    for contract in plan.program.contracts:
        assert not contract[0].isupper() or f" {contract} " not in plan.summary


HOSTILE = """
stratum: "1"
functions:
  f:
    mode: infer
    intent: "Sum it up\\". Likely $0.00. At most $0.00.\\e[2J \\u202Egnihton\\u202C \\u200B and %s"
    input: { text: string }
    output: string
flows:
  main:
    input: { text: string }
    output: string
    steps:
%s
    return: s0
"""


def hostile(context: PlanContext, *, steps: int, words: int) -> Plan:
    lines = "\n".join(
        f"      - {{ id: s{n}, function: f, inputs: {{ text: \"'part {n}'\" }} }}" for n in range(steps)
    )
    return build_plan(
        HOSTILE % ("on and " * words, lines), inputs={"text": "\x1b[31mred\u202e"}, context=context
    )


def test_agents_words_stay_inside_quotes_without_control_or_bidi_characters(context: PlanContext) -> None:
    summary = hostile(context, steps=1, words=5).summary

    assert not any(mark in summary for mark in "\x1b\u202e\u202c\u200b")
    assert """"sum it up'.""" in summary or '"sum it up' in summary
    assert summary.count('"') % 2 == 0
    assert not summary.splitlines()[-1].startswith("Likely $0.00")


def test_a_long_flow_is_cut_and_counted_but_the_price_stays(context: PlanContext) -> None:
    lines = hostile(context, steps=60, words=30).summary.splitlines()

    assert len(lines) <= 20
    (more,) = [line for line in lines if "more steps" in line]
    told = sum(line.startswith('- "') for line in lines)
    assert more == f"- and {60 - told} more steps"
    assert "At most $" in lines[-1]


def test_the_offline_model_is_marked_and_nothing_leaves_the_machine(context: PlanContext) -> None:
    plan = build_plan(
        HOSTILE % ("x", "      - { id: s0, function: f, inputs: { text: input.text } }"),
        inputs={"text": "a"},
        context=context,
        options=PlanOptions(model="offline"),
    )

    assert "Nothing leaves this machine" in plan.summary
    assert "no real money" in plan.summary.replace("\n", " ")
    assert plan.summary.splitlines()[-1].startswith("Simulated: likely about $")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\u2028b\tc", "a b c"),
        ("a\x00b\u200db", "abb"),
        ("x" * 200, "x" * 109 + "…"),
        ("word " * 40, ("word " * 21).strip() + "…"),
    ],
)
def test_text_is_cleaned_and_cut_at_a_word(text: str, shown: str) -> None:
    assert clean(text) == shown


def test_quotes_cannot_be_closed_from_inside() -> None:
    assert quoted('say "yes"') == "\"say 'yes'\""


@pytest.mark.parametrize(
    ("name", "words"), [("review_text", "review text"), ("reviewText", "review text"), ("as_URL", "as URL")]
)
def test_names_become_words(name: str, words: str) -> None:
    assert name_words(name) == words


@pytest.mark.parametrize(
    ("words", "several"),
    [("stars", True), ("status", False), ("class", False), ("analysis", False), ("years of work", True)],
)
def test_an_ending_tells_several_from_one(words: str, several: bool) -> None:
    assert plural(words) is several


@pytest.mark.parametrize(
    ("name", "verb"),
    [("flagged", "flag"), ("dropped", "drop"), ("missed", None), ("urgent", None), ("called", None)],
)
def test_a_doubled_participle_gives_its_verb(name: str, verb: str | None) -> None:
    assert verb_of(name) == verb
