"""Hashes name meaning: spelling, layout and order of definitions do not count; what a model or a person reads does."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import cast

import pytest
import yaml

from stratum_core.contracts import JsonValue
from stratum_core.ir import INVALID, Document, Flow, Step, canonical, dump, function_hash, ir_hash, load
from tests.core.ir._samples import REVIEWS, corpus, small

Data = dict[str, JsonValue]


def document(text: str) -> Document:
    loaded = load(text)
    assert loaded.diagnostics == ()
    assert loaded.document is not None
    return loaded.document


def changed(old: str, new: str) -> str:
    assert old in REVIEWS
    return REVIEWS.replace(old, new)


def reversed_definitions() -> str:
    data: Data = yaml.safe_load(REVIEWS)
    return json.dumps(
        {
            key: dict(reversed(value.items())) if isinstance(value, dict) else value
            for key, value in reversed(data.items())
        }
    )


def reversed_keys_of_functions() -> str:
    data: dict[str, dict[str, dict[str, JsonValue]]] = yaml.safe_load(REVIEWS)
    data["functions"] = {name: dict(reversed(part.items())) for name, part in data["functions"].items()}
    return yaml.safe_dump(data, sort_keys=False)


SAME: Mapping[str, str] = {
    "JSON form": json.dumps(yaml.safe_load(REVIEWS)),
    "order of definitions": reversed_definitions(),
    "order of keys": reversed_keys_of_functions(),
    "comments and blank lines": "# hello\n" + changed("flows:", "\n# c\nflows:"),
    "defaults written out": changed(
        "    cache: session\n", "    cache: session\n    stable: true\n    retries: 3\n    fallbacks: []\n"
    ),
    "default of a step": changed(
        "        concurrency: 12\n", "        concurrency: 12\n        on_error: drop\n        after: []\n"
    ),
    "name of the document": changed("name: review-triage", "name: other"),
    "description of the document": "description: d\n" + REVIEWS,
    "description of a flow": changed("Classify one review", "Judge one"),
    "description of a step": changed("      - id: tone\n", "      - id: tone\n        description: d\n"),
    "description of a function": changed("    mode: infer\n", "    mode: infer\n    description: d\n"),
    "spaces of an expression": changed("tone.confidence < 0.7 and", "tone.confidence<0.70   and"),
    "quotes of an expression": changed(
        'tone.confidence < 0.7 and tone.label == "negative"',
        "(tone.confidence < 0.7) and tone.label == 'negative'",
    ),
    "notation of a type": changed("list<Review>", '"list[Review]"').replace("optional<string>", "string?"),
    "bounds of a type": changed("{ type: float, min: 0, max: 1 }", "float[0..1]"),
    "enum of a type": changed(
        "{ enum: [positive, negative, neutral] }", """'"positive" | "negative" | "neutral"'"""
    ),
    "share": changed("require: 95%", "require: 95.0 %"),
    "money": changed("usd: 5.00", "usd: 5"),
    "one condition as text": changed(
        "    ensure:\n      - len(result.reasoning) > 10\n", "    ensure: len(result.reasoning) > 10\n"
    ),
    "order of arguments": changed(
        """{ text: input.review.text, language: '"en"' }""",
        """{ language: '"en"', text: input.review.text }""",
    ),
    "order of a contract's keys in long form": changed(
        "{ type: opaque<string>, max_length: 8000 }", "{ max_length: 8000, type: opaque<string> }"
    ),
}

DIFFERENT: Mapping[str, str] = {
    "intent": changed("emotional tone", "tone"),
    "threshold": changed("< 0.7", "< 0.6"),
    "order of fields": changed(
        "    id: string\n    text: { type: opaque<string>, max_length: 8000 }\n",
        "    text: { type: opaque<string>, max_length: 8000 }\n    id: string\n",
    ),
    "order of inputs": changed(
        "{ text: opaque<string>, language: optional<string> }",
        "{ language: optional<string>, text: opaque<string> }",
    ),
    "opaque": changed("type: opaque<string>, max", "type: string, max"),
    "lower bound": changed("type: float, min: 0, max: 1", "type: float, max: 1"),
    "length": changed("8000", "8001"),
    "order of enum values": changed("[positive, negative, neutral]", "[negative, positive, neutral]"),
    "description of a field": changed("reasoning: string", "reasoning: { type: string, description: why }"),
    "name of a field": changed("reasoning: string", "reason: string").replace(
        "result.reasoning", "result.reason"
    ),
    "condition": changed("> 10", "> 11"),
    "budget of a call": changed("usd: 0.02", "usd: 0.03"),
    "budget of a flow": changed("usd: 5.00", "usd: 6.00"),
    "cache": changed("cache: session", "cache: none"),
    "retries": changed("cache: session", "retries: 2\n    cache: session"),
    "stable": changed("cache: session", "stable: false\n    cache: session"),
    "model": changed("cache: session", "model: m\n    cache: session"),
    "concurrency": changed("concurrency: 12", "concurrency: 13"),
    "require": changed("require: 95%", "require: 96%"),
    "on_error": changed("require: 95%", "on_error: keep"),
    "name of a flow": changed("  one:", "  two:").replace("flow: one", "flow: two"),
    "step id": REVIEWS.replace("tone", "mood"),
    "argument": changed("""'"en"'""", """'"de"'"""),
}


@pytest.mark.parametrize("text", SAME.values(), ids=SAME.keys())
def test_the_hash_is_the_same_when_the_meaning_is(text: str) -> None:
    assert ir_hash(document(text)) == ir_hash(document(REVIEWS))


@pytest.mark.parametrize("text", DIFFERENT.values(), ids=DIFFERENT.keys())
def test_the_hash_differs_when_the_meaning_does(text: str) -> None:
    assert ir_hash(document(text)) != ir_hash(document(REVIEWS))


def test_all_meanings_have_hashes_of_their_own() -> None:
    hashes = {ir_hash(document(text)) for text in DIFFERENT.values()}
    assert len(hashes) == len(DIFFERENT)
    assert all(len(found) == 64 and set(found) <= set("0123456789abcdef") for found in hashes)


def test_the_hash_is_this_one_until_the_meaning_of_documents_changes() -> None:
    assert ir_hash(document(REVIEWS))[:12] == "02d6378b4441"


@pytest.mark.parametrize("path", corpus(), ids=lambda path: path.name.split(".")[0])
def test_writing_a_document_anew_keeps_its_hash(path: object) -> None:
    found = document(getattr(path, "read_text")(encoding="utf-8"))  # noqa: B009
    assert ir_hash(document(dump(found))) == ir_hash(found)
    for name in found.functions:
        assert function_hash(document(dump(found)), name) == function_hash(found, name)


def test_a_literal_and_the_expression_that_gives_it_mean_the_same() -> None:
    literals = small(
        "- { id: a, compute: 1, when: true }\n- { id: b, function: f, inputs: { x: null, y: 1.50 } }"
    )
    texts = small(
        '- { id: a, compute: "1", when: "True" }\n- { id: b, function: f, inputs: { x: None, y: "1.50" } }'
    )
    assert canonical(document(literals)) == canonical(document(texts))


def test_an_int_and_the_float_that_equals_it_are_different_values() -> None:
    assert ir_hash(document(small("- { id: a, compute: 1 }"))) != ir_hash(
        document(small("- { id: a, compute: 1.0 }"))
    )


def test_what_a_person_is_shown_and_the_order_of_branches_count() -> None:
    shown = "- { id: a, await_human: { question: q, show: { %s } } }"
    assert ir_hash(document(small(shown % "x: 1, y: [2, { z: null }]"))) != ir_hash(
        document(small(shown % "y: [2, { z: null }], x: 1"))
    )
    branches = "- { id: a, parallel: { branches: { %s } } }"
    assert ir_hash(document(small(branches % "x: { function: f }, y: { flow: g }"))) != ir_hash(
        document(small(branches % "y: { flow: g }, x: { function: f }"))
    )


def test_the_type_of_an_answer_has_one_spelling() -> None:
    asked = "- { id: a, await_human: { question: q, type: %s } }"
    assert ir_hash(document(small(asked % '"int[1..3]"'))) == ir_hash(
        document(small(asked % "{ type: int, min: 1, max: 3 }"))
    )
    assert ir_hash(document(small(asked % "int"))) != ir_hash(document(small(asked % "float")))


def test_the_meaning_is_plain_json_with_every_default() -> None:
    meaning = canonical(document(small("- { id: a, for_each: input.x, compute: item }")))
    assert meaning == {
        "stratum": "1",
        "contracts": {},
        "functions": {},
        "flows": {
            "main": {
                "input": [],
                "output": {"type": "json"},
                "budget": None,
                "steps": [
                    {
                        "id": "a",
                        "when": None,
                        "for_each": {"expr": "input.x"},
                        "validate": None,
                        "concurrency": None,
                        "require": "all",
                        "on_error": "drop",
                        "after": [],
                        "function": None,
                        "flow": None,
                        "inputs": {"fields": {}},
                        "compute": {"expr": "item"},
                        "parallel": None,
                        "race": None,
                        "debate": None,
                        "await_human": None,
                    }
                ],
                "return": {"expr": "input.x"},
            }
        },
    }
    assert json.loads(json.dumps(meaning)) == meaning


def test_types_are_written_in_long_form() -> None:
    text = 'stratum: "1"\ncontracts:\n  A: { x: int }\n  B:\n' + "".join(
        f"    {name}: {form}\n"
        for name, form in {
            "a": "list<A>",
            "b": "map<int[1..2]>",
            "c": "optional<opaque<string>>",
            "d": "{ enum: [x, 1] }",
            "e": "{ type: list<date>, max_length: 3, description: d }",
            "f": "{ type: string, pattern: ^a }",
            "g": "float[..1]",
        }.items()
    )
    contracts = canonical(document(text))["contracts"]
    assert isinstance(contracts, dict)
    assert contracts["B"] == [
        ["a", {"type": "list", "item": {"contract": "A"}}],
        ["b", {"type": "map", "item": {"type": "int", "min": 1, "max": 2}}],
        ["c", {"type": "optional", "item": {"type": "opaque", "item": {"type": "string"}}}],
        ["d", {"enum": ["x", 1]}],
        ["e", {"type": "list", "max_length": 3, "item": {"type": "date"}, "description": "d"}],
        ["f", {"type": "string", "pattern": "^a"}],
        ["g", {"type": "float", "max": 1.0}],
    ]


def test_known_spellings_of_expressions_are_taken() -> None:
    found = document(small("- { id: a, compute: 1 + 1 }"))
    flows = canonical(found, spellings={"1 + 1": "two", "input.x": "x"})["flows"]
    assert isinstance(flows, dict)
    assert '"expr": "two"' in json.dumps(flows)
    assert '"expr": "x"' in json.dumps(flows)
    assert ir_hash(found, spellings={"1 + 1": "2"}) != ir_hash(found)


def test_the_hash_of_a_function_holds_the_contracts_it_uses_and_not_its_name() -> None:
    text = (
        'stratum: "1"\ncontracts:\n  A: { x: list<B> }\n  B: { y: int }\n  C: { z: int }\n'
        "functions:\n  f: { mode: infer, intent: i, input: { a: optional<A> }, output: int }\n"
        "  g: { mode: compute, output: A, expression: a }\n"
    )
    whole = function_hash(document(text), "f")
    assert len(whole) == 12
    assert function_hash(document(text.replace("f:", "h:")), "h") == whole
    assert function_hash(document(text.replace("z: int", "z: float")), "f") == whole
    assert function_hash(document(text.replace("y: int", "y: float")), "f") != whole
    assert function_hash(document(text.replace("intent: i", "intent: j")), "f") != whole
    assert function_hash(document(text), "g") != whole
    with pytest.raises(KeyError):
        function_hash(document(text), "h")


@pytest.mark.parametrize(
    "text",
    [
        small("- { id: a }\n- x"),
        small("- { id: a, compute: { a: 1 } }"),
        small("- { id: a, function: f, inputs: 3 }"),
        small('- { id: a, compute: "a b" }'),
        small("- { id: a, compute: [[*x]] }"),
        'stratum: "1"\nfunctions: { f: 1 }\n',
        'stratum: "1"\ncontracts: { f: 1 }\n',
        'stratum: "1"\ncontracts: { f: { x: sting } }\n',
        'stratum: "1"\ncontracts: { f: { x: 3 } }\n',
        'stratum: "1"\nfunctions: { f: { mode: infer, intent: x, output: 3 } }\n',
    ],
)
def test_a_document_with_diagnostics_has_no_meaning(text: str) -> None:
    found = load(text).document
    assert found is not None
    with pytest.raises(ValueError, match="has diagnostics"):
        ir_hash(found)


def test_a_literal_list_with_a_broken_part_has_no_meaning() -> None:
    broken = cast("list[JsonValue]", [INVALID])
    flow = Flow(output="int", steps=(Step(id="a", verb="compute", compute=broken),), return_=1)
    with pytest.raises(ValueError, match="has diagnostics"):
        ir_hash(Document(flows={"f": flow}))
