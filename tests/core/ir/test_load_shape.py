"""Faults of shape: each is reported once, at its place, with its fix, and what stands beside it is still read."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from stratum_core.ir import (
    DOCUMENT_CODES,
    INVALID,
    AwaitHuman,
    Branch,
    BudgetForm,
    ComputeFunction,
    Debate,
    Diagnostic,
    Flow,
    InferFunction,
    LoadedDocument,
    LongType,
    Parallel,
    Race,
    Refine,
    Step,
    load,
    parse_require,
)
from tests.core.ir._faults import FAULTS, HEAD, field, infer
from tests.core.ir._samples import REVIEWS, corpus, small

F = "functions:\n  f: { mode: infer, intent: x, output: string }\n"


def brief(diagnostics: Sequence[Diagnostic]) -> list[tuple[str, str]]:
    return [(found.code, found.path) for found in diagnostics]


def apply_fixes(text: str, loaded: LoadedDocument) -> str:
    lines = text.split("\n")
    fixes = [found.fix for found in loaded.diagnostics if found.fix is not None]
    for fix in sorted(fixes, key=lambda fix: (fix.line, fix.column), reverse=True):
        line = lines[fix.line - 1]
        lines[fix.line - 1] = line[: fix.column - 1] + fix.text + line[fix.end_column - 1 :]
    return "\n".join(lines)


def step_of(text: str) -> Step:
    loaded = load(text)
    assert loaded.diagnostics == ()
    assert loaded.document is not None
    flow = loaded.document.flows["main"]
    assert isinstance(flow, Flow)
    (step,) = flow.steps
    assert isinstance(step, Step)
    return step


@pytest.mark.parametrize("path", corpus(), ids=lambda path: path.name.split(".")[0])
def test_every_document_of_the_corpus_loads_without_a_fault(path: object) -> None:
    assert load(getattr(path, "read_bytes")()).diagnostics == ()  # noqa: B009


def test_a_document_is_read_with_its_defaults_filled_in() -> None:
    document = load(REVIEWS).document
    assert document is not None
    assert document.functions["classify"] == InferFunction(
        intent="Classify the emotional tone of a customer review",
        input={"text": "opaque<string>", "language": "optional<string>"},
        output="Sentiment",
        ensure=("len(result.reasoning) > 10",),
        budget=BudgetForm(usd=0.02),
        cache="session",
        retries=3,
    )
    flow = document.flows["all"]
    assert isinstance(flow, Flow)
    assert flow.steps == (
        Step(
            id="flags",
            for_each="input.reviews",
            verb="flow",
            flow="one",
            inputs={"review": "item"},
            concurrency=12,
            require="95%",
            on_error="drop",
        ),
    )


def test_every_verb_and_modifier_is_read() -> None:
    assert step_of(
        small(
            "- { id: s, parallel: { branches: { a: { function: f } }, require: any, validate: x, concurrency: 2 } }",
            functions=F,
        )
    ).parallel == Parallel(branches={"a": Branch(function="f")}, require="any", validate_="x", concurrency=2)
    assert step_of(
        small("- { id: s, race: { branches: { a: { function: f }, b: { function: f } } } }")
    ).race == Race(branches={"a": Branch(function="f"), "b": Branch(function="f")})
    assert step_of(
        small(
            "- id: s\n"
            "  debate: { agents: [f, g], topic: t, rounds: 3, agree_on: p, synthesize: h, unresolved: human }"
        )
    ).debate == Debate(
        agents=("f", "g"), topic="t", rounds=3, agree_on="p", synthesize="h", unresolved="human"
    )
    assert step_of(
        small(
            "- id: s\n"
            "  await_human: { question: q, show: { a b: x, n: null }, options: [y, z], timeout: 24h, on_timeout: y }"
        )
    ).await_human == AwaitHuman(
        question="q", show={"a b": "x", "n": None}, options=("y", "z"), timeout="24h", on_timeout="y"
    )
    assert step_of(
        small("- { id: s, await_human: { question: q, type: { type: int, min: 1 } } }")
    ).await_human == AwaitHuman(question="q", type=LongType(type="int", min=1))
    assert step_of(
        small("- { id: s, description: d, when: c, after: r, on_error: none, compute: 1 }")
    ) == Step(id="s", description="d", when="c", after=("r",), on_error="none", verb="compute", compute=1)
    assert step_of(
        small(
            "- { id: s, for_each: [1, [2]], on_error: keep, require: 2.0, concurrency: auto, compute: item }"
        )
    ) == Step(id="s", for_each=[1, [2]], on_error="keep", require=2, verb="compute", compute="item")


def test_functions_are_read_in_both_modes() -> None:
    document = load(
        HEAD + "functions:\n"
        "  f: { mode: infer, intent: x, output: T, refine: { until: a, feedback: b }, quorum: 3, agree_on: l,\n"
        "    threshold: 2 }\n"
        "  g: { mode: compute, output: { type: int, min: 0 }, expression: { a: 1, b: x } }\n"
        "  h: { mode: compute, output: int, python: project:run, given: a }\n"
    ).document
    assert document is not None
    assert document.functions == {
        "f": InferFunction(
            intent="x",
            output="T",
            refine=Refine(until="a", feedback="b"),
            quorum=3,
            agree_on="l",
            threshold=2,
        ),
        "g": ComputeFunction(output=LongType(type="int", min=0), expression={"a": 1, "b": "x"}),
        "h": ComputeFunction(output="int", python="project:run", given=("a",)),
    }


@pytest.mark.parametrize(("text", "expected"), [row[1:] for row in FAULTS], ids=[row[0] for row in FAULTS])
def test_a_fault_of_shape_is_reported_once_at_its_path(text: str, expected: list[tuple[str, str]]) -> None:
    loaded = load(text)
    assert brief(loaded.diagnostics) == expected
    assert loaded.document is not None
    for found in loaded.diagnostics:
        assert found.severity == "error"
        assert found.message
        assert 1 <= found.line <= len(text.splitlines())
        assert found.end_column > found.column


def test_every_code_of_the_catalogue_but_those_of_types_is_met_by_these_tests() -> None:
    met = {code for _, _, expected in FAULTS for code, _ in expected}
    elsewhere = {
        "E100",
        "E101",
        "E102",
        "E103",
        "E104",
        "E105",
        "E106",
        "E107",
        "E108",
        "E109",
        "E110",
        "E115",
        "E117",
    }
    elsewhere |= {"E118", "E121"}
    assert met | elsewhere == {code for code in DOCUMENT_CODES if code.startswith("E1")}


FIXES: list[tuple[str, str, str]] = [
    ("version as a number", "stratum: 1\n", 'stratum: "1"\n'),
    (
        "prompt",
        HEAD + "functions: { f: { mode: infer, prompt: x, output: int } }",
        HEAD + "functions: { f: { mode: infer, intent: x, output: int } }",
    ),
    ("max_retries", infer("max_retries: 2"), infer("retries: 2")),
    (
        "depends_on",
        small("- { id: a, compute: 1, depends_on: [b] }"),
        small("- { id: a, compute: 1, after: [b] }"),
    ),
    ("if", small("- { id: a, compute: 1, if: x }"), small("- { id: a, compute: 1, when: x }")),
    ("minimum", field("{ type: int, minimum: 3, maximum: 4 }"), field("{ type: int, min: 3, max: 4 }")),
    (
        "misspelled",
        small("- { id: a, functoin: f, input: { x: y } }"),
        small("- { id: a, function: f, inputs: { x: y } }"),
    ),
    ("text as a number", HEAD + "name: 1.10\n", HEAD + 'name: "1.10"\n'),
    ("text as a boolean", HEAD + "name: true\n", HEAD + 'name: "true"\n'),
    ("yes", infer("stable: no"), infer("stable: false")),
    ("word", infer("cache: Session"), infer("cache: session")),
    ("null for none", infer("cache: null"), infer("cache: none")),
    (
        "duration in words",
        small("- { id: a, await_human: { question: q, timeout: 24 hours } }"),
        small("- { id: a, await_human: { question: q, timeout: 24h } }"),
    ),
    (
        "any",
        small("- { id: a, for_each: x, compute: 1, require: any }"),
        small("- { id: a, for_each: x, compute: 1, require: 1 }"),
    ),
]


@pytest.mark.parametrize(("text", "mended"), [row[1:] for row in FIXES], ids=[row[0] for row in FIXES])
def test_a_fix_mends_the_document(text: str, mended: str) -> None:
    loaded = load(text)
    assert loaded.diagnostics
    assert apply_fixes(text, loaded) == mended
    again = load(mended)
    assert again.diagnostics == ()
    assert again.document == loaded.document or "retries" not in mended


def test_a_misspelled_key_is_read_as_what_it_means() -> None:
    loaded = load(small("- { id: a, functoin: f, depends_on: [b] }"))
    assert brief(loaded.diagnostics) == [
        ("E110", "flows.main.steps[0].functoin"),
        ("E110", "flows.main.steps[0].depends_on"),
    ]
    assert loaded.document is not None
    flow = loaded.document.flows["main"]
    assert isinstance(flow, Flow)
    assert flow.steps == (Step(id="a", verb="function", function="f", after=("b",)),)
    span = loaded.positions.span(("flows", "main", "steps", 0, "function"))
    assert (span.line, span.column) == (6, 28)


def test_an_unknown_key_without_a_likely_meaning_lists_what_is_allowed_and_is_left_out() -> None:
    loaded = load(HEAD + "flows: {}\nzzz: 1\n")
    (found,) = loaded.diagnostics
    assert (found.code, found.fix) == ("E110", None)
    assert found.suggestion == "allowed here: stratum, name, description, contracts, functions, flows"


def test_a_broken_part_is_marked_and_its_neighbours_keep_their_places() -> None:
    loaded = load(
        small("- x\n- { id: b, function: f, inputs: { x: { a: 1 }, y: z } }")
        + "  other: 3\n"
        + "functions:\n  g: 1\n  f: { mode: infer, intent: x, output: [a], input: 1, ensure: [a, { b: c }] }\n"
    )
    document = loaded.document
    assert document is not None
    flow = document.flows["main"]
    assert isinstance(flow, Flow)
    assert flow.steps[0] is INVALID
    assert flow.steps[1] == Step(id="b", verb="function", function="f", inputs={"x": INVALID, "y": "z"})
    assert document.flows["other"] is INVALID
    assert document.functions == {
        "g": INVALID,
        "f": InferFunction(intent="x", input=INVALID, output=INVALID, ensure=("a", INVALID)),
    }
    assert repr(INVALID) == "INVALID"


def test_many_faults_are_reported_in_one_pass_in_document_order() -> None:
    loaded = load(
        "stratum: 1\n"
        "contracts:\n  A: { x: { type: float, minimum: 0 } }\n"
        "functions:\n  f: { mode: infer, prompt: x, output: A, retries: 11 }\n"
        "flows:\n  main:\n    output: A\n    steps:\n      - { id: Bad, function: f }\n      - { id: b, if: x }\n"
        "name: a\nname: b\n"
    )
    assert [found.code for found in loaded.diagnostics] == [
        "E122",
        "E110",
        "E110",
        "E114",
        "E111",
        "E113",
        "E119",
        "E110",
        "E108",
    ]
    assert [found.line for found in loaded.diagnostics] == sorted(found.line for found in loaded.diagnostics)


HINTS: list[tuple[str, str]] = [
    (infer("ensure: [{ lambda r: r.x }]"), "there are no lambdas"),
    (infer("budget: { ms: 60s }"), "write milliseconds: 60000"),
    (infer("budget: { usd: $0.5 }"), "leave the currency out: 0.5"),
    (infer("retries: '3'"), "leave the quotes out"),
    (
        HEAD + "functions:\n  f:\n    mode: infer\n    output: int\n    intent:\n      a: b\n",
        "quote the whole value",
    ),
    (field("[string]"), "write list<string>"),
    (field("[a, b]"), "write {enum: [a, b]}"),
    (HEAD + "contracts: { A: { x: } }", 'quote it: "null"'),
    (field("{ y: int }"), "a nested record is a contract of its own"),
    (field("{ type: int, nullable: true }"), "write type: optional<int>"),
    (field("{ type: list, items: int }"), "write type: list<int>"),
    (small("- { id: MyStep, compute: 1 }"), "write `my_step`"),
    (HEAD + "contracts: { a-b: { x: int } }", "write `a_b`"),
    (HEAD + "contracts: { A: { class: int } }", "write `class_`"),
    (small("- { id: a, compute: { a: 1 } }"), "quote the whole expression"),
    (small("- { id: a, for_each: [x for x in y], compute: 1 }"), 'quote the expression: "[x for x in y]"'),
    (
        small("- { id: a, parallel: { branches: { a: { function: f } } }, require: 1 }"),
        "put `require` inside parallel",
    ),
]


@pytest.mark.parametrize(("text", "hint"), HINTS)
def test_a_suggestion_says_what_to_write(text: str, hint: str) -> None:
    assert any(hint in found.suggestion for found in load(text).diagnostics)


def test_messages_show_long_values_cut() -> None:
    (found,) = load(HEAD + "flows: " + "x" * 500).diagnostics
    assert found.message == f'`flows` must be a map of flows, not "{"x" * 59}...'


def test_a_literal_list_that_holds_a_refused_part_is_not_reported_again() -> None:
    loaded = load(small("- { id: a, compute: [1, { b: .inf }, *x] }"))
    assert sorted({found.code for found in loaded.diagnostics}) == ["E105", "E121"]
    loaded = load(small("- { id: a, compute: [1, { b: 2 }] }"))
    assert loaded.diagnostics == ()


@pytest.mark.parametrize(
    ("written", "read", "meaning"),
    [
        ("all", "all", "all"),
        ("100%", "all", "all"),
        ("0%", 0, 0),
        ("0", 0, 0),
        ("3", 3, 3),
        ("95.50 %", "95.5%", 0.955),
    ],
)
def test_require_has_one_spelling_and_one_meaning(written: str, read: object, meaning: object) -> None:
    step = step_of(small(f"- {{ id: a, for_each: x, compute: 1, require: {written} }}"))
    assert step.require == read
    assert parse_require(step.require) == meaning


@pytest.mark.parametrize("text", ["any", "101%", "95", "-1%"])
def test_what_require_cannot_say_is_an_error(text: str) -> None:
    with pytest.raises(ValueError, match="neither `all`, a count nor a share"):
        parse_require(text)
