"""What of a function can change between two runs, each part by itself."""

from __future__ import annotations

import pytest

from stratum_core.checks import Limits, check
from stratum_core.contracts import contract_hash
from stratum_core.drift import PartName, define
from stratum_core.llm import template_hash
from stratum_core.specs import InferSpec
from tests.core.drift._runs import DOCUMENT, MODEL, defined
from tests.core.runtime._trial import compiled


def changed(text: str, function: str = "judge", *, model: str = MODEL) -> set[PartName]:
    """Return the parts that differ between the document and an edited one."""
    was, now = defined()[function], defined(text, model=model)[function]
    return {part for part in was.parts if was.parts[part] != now.parts[part]}


def edited(old: str, new: str) -> str:
    assert old in DOCUMENT
    return DOCUMENT.replace(old, new)


@pytest.mark.parametrize(
    ("old", "new", "parts"),
    [
        ("Judge the tone of a note", "Judge a note", {"intent", "template"}),
        ("max: 1 }", "max: 0.9 }", {"contract", "template", "schema"}),
        ("result.sure > 0.1", "result.sure > 0.2", {"conditions"}),
        ("output: Tone\n    ensure", "output: Tone\n    given: [len(note) > 1]\n    ensure", {"conditions"}),
        (
            "note: string }\n    output: Tone",
            "note: { type: string, description: text } }\n    output: Tone",
            {"inputs"},
        ),
        ("retries: 2", "retries: 1", {"retries"}),
        ("retries: 2", "retries: 2\n    temperature: 0.2", {"temperature"}),
        ("retries: 2", "retries: 2\n    max_tokens: 300", {"max_tokens"}),
        ("retries: 2", "retries: 2\n    cache: session", {"cache"}),
        ("retries: 2", "retries: 2\n    stable: false", {"stable"}),
        ("retries: 2", "retries: 2\n    budget: { usd: 0.5, ms: 900, tokens: 10000, calls: 9 }", {"budget"}),
        ("retries: 2", "retries: 2\n    quorum: 3\n    agree_on: label\n    threshold: 2", {"quorum"}),
        ("retries: 2", 'retries: 2\n    refine: { until: result.sure > 0.5, feedback: "note" }', {"refine"}),
        ("fallbacks: [openai/gpt-4.1]", "fallbacks: []", {"fallbacks", "schema"}),
        ("intent: Judge", "context: Be fair\n    intent: Judge", {"intent", "template"}),
    ],
)
def test_an_edit_changes_the_parts_it_is_about(old: str, new: str, parts: set[PartName]) -> None:
    text = edited(old, new)
    if "stable: false" in new:
        text = text.replace("return: tone", "return: short").replace(
            "output: Tone\n    budget", "output: json\n    budget"
        )
    assert changed(text) == parts


def test_an_edit_elsewhere_changes_nothing_of_a_function() -> None:
    assert changed(edited("note[:100]", "note[:90]")) == set()
    assert changed(edited("note[:100]", "note[:90]"), "shorten") == {"expression"}


def test_another_model_is_told_as_one_and_so_is_the_schema_it_is_given() -> None:
    assert changed(DOCUMENT, model="openai/gpt-4.1") == {"model"}
    assert changed(DOCUMENT, model="anthropic/claude-haiku-4-5") == {"model", "schema"}
    assert changed(DOCUMENT, model="claude-cli/haiku") == {"model", "schema"}
    assert (
        defined(model="claude-cli/haiku")["judge"].parts["schema"]
        == (defined(model="anthropic/claude-haiku-4-5")["judge"].parts["schema"])
    )


def test_a_provider_that_did_not_hold_the_model_to_the_schema_was_sent_another_one() -> None:
    held = {"judge": {"openai/gpt-4.1-mini": False}}
    assert defined(held=held)["judge"].parts["schema"] != defined()["judge"].parts["schema"]


def test_the_hashes_are_those_of_traces() -> None:
    spec = compiled(DOCUMENT).functions["judge"]
    assert isinstance(spec, InferSpec)
    found = defined()["judge"]
    assert found.parts["contract"] == contract_hash(spec.output)
    assert found.parts["template"] == template_hash(spec)
    assert found.to_json()["function_hash"] == spec.function_hash


def test_a_check_of_a_refine_is_part_of_it() -> None:
    text = edited(
        "retries: 2", 'retries: 2\n    refine: { check: look, until: check, feedback: "note" }'
    ).replace(
        "flows:",
        "  look: { mode: compute, input: { result: Tone }, output: bool, expression: result.sure > 0.5 }\nflows:",
    )
    was = defined(text)["judge"].parts["refine"]
    assert was != defined(text.replace("> 0.5", "> 0.6"))["judge"].parts["refine"]


def test_caps_and_votes_are_told_in_words() -> None:
    text = edited(
        "retries: 2", "budget: { usd: 0.5, ms: 900 }\n    quorum: 3\n    agree_on: label\n    threshold: 2"
    )
    parts = defined(text)["judge"].parts
    assert (parts["budget"], parts["quorum"]) == ("$0.5, 900 ms", "2 of 3 on label")


def test_a_function_of_several_results_counts_all_of_them() -> None:
    text = (
        DOCUMENT.replace(
            'output: string, expression: "note[:100]" }',
            'output: Cut, expression: { text: "note[:100]", was: len(note) } }',
        )
        .replace("contracts:\n", "contracts:\n  Cut: { text: string, was: int }\n")
        .replace("inputs: { note: short }", "inputs: { note: short.text }")
    )
    assert changed(text, "shorten") >= {"contract", "expression"}
    assert changed(text) == set()


def test_registered_code_is_known_by_the_digest_of_its_file() -> None:
    text = DOCUMENT.replace('expression: "note[:100]"', "python: cut")
    program = check(text, limits=Limits(compute_registry=frozenset({"cut"}))).program
    assert program is not None
    was, now, unknown = (
        define(program, "main", models={}, code=code, held={})["shorten"]
        for code in ({"cut": "a" * 64}, {"cut": "b" * 64}, {})
    )
    assert (was.parts["code"], now.parts["code"], unknown.parts["code"]) == ("a" * 12, "b" * 12, "")
    assert was.parts["expression"] == now.parts["expression"]
