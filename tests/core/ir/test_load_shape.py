"""Faults of shape: each is reported once, at its place, with its fix, and what stands beside it is still read."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from stratum_core.ir import (
    DOCUMENT_CODES,
    INVALID,
    AwaitHuman,
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
from tests.core.ir._samples import REVIEWS, corpus, small

HEAD = 'stratum: "1"\n'
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
    ).parallel == Parallel(branches={"a": load_branch("f")}, require="any", validate_="x", concurrency=2)
    assert step_of(
        small("- { id: s, race: { branches: { a: { function: f }, b: { function: f } } } }")
    ).race == Race(branches={"a": load_branch("f"), "b": load_branch("f")})
    assert step_of(
        small(
            "- { id: s, debate: { agents: [f, g], topic: t, rounds: 3, agree_on: p, synthesize: h, unresolved: human } }"
        )
    ).debate == Debate(
        agents=("f", "g"), topic="t", rounds=3, agree_on="p", synthesize="h", unresolved="human"
    )
    assert step_of(
        small(
            "- { id: s, await_human: { question: q, show: { a b: x, n: null }, options: [y, z], timeout: 24h, on_timeout: y } }"
        )
    ).await_human == AwaitHuman(
        question="q", show={"a b": "x", "n": None}, options=("y", "z"), timeout="24h", on_timeout="y"
    )
    assert step_of(
        small("- { id: s, description: d, when: c, after: r, on_error: none, compute: 1 }")
    ) == Step(id="s", description="d", when="c", after=("r",), on_error="none", verb="compute", compute=1)
    assert step_of(
        small(
            "- { id: s, for_each: [1, [2]], on_error: keep, require: 2.0, concurrency: auto, compute: item }"
        )
    ) == Step(id="s", for_each=[1, [2]], on_error="keep", require=2, verb="compute", compute="item")


def load_branch(function: str) -> object:
    from_text = load(small(f"- {{ id: s, parallel: {{ branches: {{ a: {{ function: {function} }} }} }} }}"))
    assert from_text.document is not None
    flow = from_text.document.flows["main"]
    assert isinstance(flow, Flow)
    step = flow.steps[0]
    assert isinstance(step, Step)
    assert step.parallel is not None
    return step.parallel.branches["a"]


def test_functions_are_read_in_both_modes() -> None:
    document = load(
        HEAD + "functions:\n"
        "  f: { mode: infer, intent: x, output: T, refine: { until: a, feedback: b }, quorum: 3, agree_on: l, threshold: 2 }\n"
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


FAULTS: list[tuple[str, str, list[tuple[str, str]]]] = [
    ("no version", "name: x", [("E111", "$")]),
    ("version as a number", "stratum: 1", [("E122", "stratum")]),
    ("later version", 'stratum: "2"', [("E122", "stratum")]),
    ("functions as a list", HEAD + "functions: [a]", [("E112", "functions")]),
    ("function as text", HEAD + "functions: { f: x }", [("E112", "functions.f")]),
    ("name with a dash", HEAD + "contracts: { a-b: { x: int } }", [("E113", 'contracts.a-b')]),
    ("field named like a keyword", HEAD + "contracts: { A: { class: int } }", [("E113", "contracts.A.class")]),
    ("contract without fields", HEAD + "contracts: { A: {} }", [("E123", "contracts.A")]),
    ("contract as text", HEAD + "contracts: { A: string }", [("E112", "contracts.A")]),
    ("type as a list", HEAD + "contracts: { A: { x: [string] } }", [("E112", "contracts.A.x")]),
    ("type as a list of words", HEAD + "contracts: { A: { x: [a, b] } }", [("E112", "contracts.A.x")]),
    ("type as a number", HEAD + "contracts: { A: { x: 3 } }", [("E112", "contracts.A.x")]),
    ("type left empty", HEAD + "contracts: { A: { x: } }", [("E112", "contracts.A.x")]),
    ("blank type", HEAD + "contracts: { A: { x: ' ' } }", [("E112", "contracts.A.x")]),
    ("null as a type", HEAD + "contracts: { A: { x: { type: null } } }", [("E112", "contracts.A.x.type")]),
    ("type without type", HEAD + "contracts: { A: { x: { min: 3 } } }", [("E111", "contracts.A.x")]),
    ("optional as a key", HEAD + "contracts: { A: { x: { type: int, optional: true } } }", [("E110", "contracts.A.x.optional")]),
    ("items as a key", HEAD + "contracts: { A: { x: { type: list, items: int } } }", [("E110", "contracts.A.x.items")]),
    ("enum as text", HEAD + "contracts: { A: { x: { enum: a } } }", [("E112", "contracts.A.x.enum")]),
    ("enum of maps", HEAD + "contracts: { A: { x: { enum: [{ a: 1 }] } } }", [("E112", "contracts.A.x.enum[0]")]),
    ("enum value twice", HEAD + "contracts: { A: { x: { enum: [a, 1, true, a] } } }", [("E124", "contracts.A.x.enum[3]")]),
    ("bound as text", HEAD + "contracts: { A: { x: { type: int, min: '3' } } }", [("E112", "contracts.A.x.min")]),
    ("negative length", HEAD + "contracts: { A: { x: { type: string, min_length: -1 } } }", [("E114", "contracts.A.x.min_length")]),
    ("mode missing", HEAD + "functions: { f: { intent: x, output: int } }", [("E111", "functions.f")]),
    ("mode misspelled", HEAD + "functions: { f: { mode: infr, intent: x, output: int } }", [("E116", "functions.f.mode")]),
    ("compute without body", HEAD + "functions: { f: { mode: compute, output: int } }", [("E119", "functions.f")]),
    ("compute with two bodies", HEAD + "functions: { f: { mode: compute, output: int, expression: 1, python: g } }", [("E119", "functions.f.python")]),
    ("intent as a number", HEAD + "functions: { f: { mode: infer, intent: 4.1, output: int } }", [("E112", "functions.f.intent")]),
    ("intent blank", HEAD + "functions: { f: { mode: infer, intent: '', output: int } }", [("E112", "functions.f.intent")]),
    ("input as text", HEAD + "functions: { f: { mode: infer, intent: x, output: int, input: string } }", [("E112", "functions.f.input")]),
    ("ensure as a map", HEAD + "functions: { f: { mode: infer, intent: x, output: int, ensure: { a: b } } }", [("E112", "functions.f.ensure")]),
    ("condition as a map", HEAD + "functions: { f: { mode: infer, intent: x, output: int, ensure: [{ a: b }, null, ' '] } }", [("E112", "functions.f.ensure[0]"), ("E112", "functions.f.ensure[1]"), ("E112", "functions.f.ensure[2]")]),
    ("temperature as text", HEAD + "functions: { f: { mode: infer, intent: x, output: int, temperature: hot } }", [("E112", "functions.f.temperature")]),
    ("temperature too high", HEAD + "functions: { f: { mode: infer, intent: x, output: int, temperature: 2.5 } }", [("E114", "functions.f.temperature")]),
    ("retries as a fraction", HEAD + "functions: { f: { mode: infer, intent: x, output: int, retries: 1.5 } }", [("E112", "functions.f.retries")]),
    ("stable as text", HEAD + "functions: { f: { mode: infer, intent: x, output: int, stable: sometimes } }", [("E112", "functions.f.stable")]),
    ("budget as a number", HEAD + "functions: { f: { mode: infer, intent: x, output: int, budget: 5 } }", [("E112", "functions.f.budget")]),
    ("budget without a cap", HEAD + "functions: { f: { mode: infer, intent: x, output: int, budget: {} } }", [("E111", "functions.f.budget")]),
    ("budget of nothing", HEAD + "functions: { f: { mode: infer, intent: x, output: int, budget: { usd: 0, ms: 0 } } }", [("E114", "functions.f.budget.usd"), ("E114", "functions.f.budget.ms")]),
    ("refine as text", HEAD + "functions: { f: { mode: infer, intent: x, output: int, refine: x } }", [("E112", "functions.f.refine")]),
    ("refine without until", HEAD + "functions: { f: { mode: infer, intent: x, output: int, refine: { feedback: x } } }", [("E111", "functions.f.refine")]),
    ("flow as text", HEAD + "flows: { f: x }", [("E112", "flows.f")]),
    ("steps as a map", HEAD + "flows: { f: { output: int, return: 1, steps: { a: { compute: 1 } } } }", [("E112", "flows.f.steps")]),
    ("no steps", HEAD + "flows: { f: { output: int, return: 1, steps: [] } }", [("E123", "flows.f.steps")]),
    ("return missing", HEAD + "flows: { f: { output: int, steps: [{ id: a, compute: 1 }] } }", [("E111", "flows.f")]),
    ("return as a comprehension", HEAD + "flows: { f: { output: int, steps: [{ id: a, compute: 1 }], return: [x for x in a] } }", [("E112", "flows.f.return")]),
    ("step as text", small("- do it"), [("E112", "flows.main.steps[0]")]),
    ("step without id", small("- { compute: 1 }"), [("E111", "flows.main.steps[0]")]),
    ("step id in capitals", small("- { id: MyStep, compute: 1 }"), [("E113", "flows.main.steps[0].id")]),
    ("step id is a keyword", small("- { id: if, compute: 1 }"), [("E113", "flows.main.steps[0].id")]),
    ("no verb", small("- { id: a }"), [("E119", "flows.main.steps[0]")]),
    ("two verbs", small("- { id: a, compute: 1, function: f }"), [("E119", "flows.main.steps[0].compute")]),
    ("empty verb", small("- { id: a, compute: }"), [("E112", "flows.main.steps[0].compute")]),
    ("inputs of compute", small("- { id: a, compute: 1, inputs: { x: 1 } }"), [("E120", "flows.main.steps[0].inputs")]),
    ("inputs of parallel", small("- { id: a, parallel: { branches: { a: { function: f } } }, inputs: { x: 1 } }"), [("E120", "flows.main.steps[0].inputs")]),
    ("require without for_each", small("- { id: a, compute: 1, require: 3 }"), [("E120", "flows.main.steps[0].require")]),
    ("require beside parallel", small("- { id: a, parallel: { branches: { a: { function: f } } }, require: 1 }"), [("E120", "flows.main.steps[0].require")]),
    ("validate without for_each", small("- { id: a, compute: 1, validate: x }"), [("E120", "flows.main.steps[0].validate")]),
    ("drop without for_each", small("- { id: a, compute: 1, on_error: drop }"), [("E120", "flows.main.steps[0].on_error")]),
    ("fail with for_each", small("- { id: a, for_each: x, compute: 1, on_error: fail }"), [("E116", "flows.main.steps[0].on_error")]),
    ("any with for_each", small("- { id: a, for_each: x, compute: 1, require: any }"), [("E116", "flows.main.steps[0].require")]),
    ("share over 100", small("- { id: a, for_each: x, compute: 1, require: 101% }"), [("E116", "flows.main.steps[0].require")]),
    ("negative count", small("- { id: a, for_each: x, compute: 1, require: -1 }"), [("E114", "flows.main.steps[0].require")]),
    ("no concurrency", small("- { id: a, for_each: x, compute: 1, concurrency: 0 }"), [("E114", "flows.main.steps[0].concurrency")]),
    ("input as a map", small("- { id: a, function: f, inputs: { x: { a: 1 } } }"), [("E112", "flows.main.steps[0].inputs.x")]),
    ("inputs as text", small("- { id: a, function: f, inputs: x }"), [("E112", "flows.main.steps[0].inputs")]),
    ("blank argument", small("- { id: a, function: f, inputs: { x: '' } }"), [("E112", "flows.main.steps[0].inputs.x")]),
    ("branch without callee", small("- { id: a, parallel: { branches: { a: { inputs: {} } } } }"), [("E119", "flows.main.steps[0].parallel.branches.a")]),
    ("branch as text", small("- { id: a, parallel: { branches: { a: f } } }"), [("E112", "flows.main.steps[0].parallel.branches.a")]),
    ("branches as a list", small("- { id: a, parallel: { branches: [f] } }"), [("E112", "flows.main.steps[0].parallel.branches")]),
    ("no branches", small("- { id: a, parallel: { branches: {} } }"), [("E123", "flows.main.steps[0].parallel.branches")]),
    ("parallel as text", small("- { id: a, parallel: f }"), [("E112", "flows.main.steps[0].parallel")]),
    ("parallel share", small("- { id: a, parallel: { branches: { a: { function: f } }, require: 50% } }"), [("E116", "flows.main.steps[0].parallel.require")]),
    ("race of one", small("- { id: a, race: { branches: { a: { function: f } } } }"), [("E123", "flows.main.steps[0].race.branches")]),
    ("race as text", small("- { id: a, race: f }"), [("E112", "flows.main.steps[0].race")]),
    ("debate of one", small("- { id: a, debate: { agents: [f], topic: t, synthesize: h } }"), [("E123", "flows.main.steps[0].debate.agents")]),
    ("debate as text", small("- { id: a, debate: f }"), [("E112", "flows.main.steps[0].debate")]),
    ("await_human as text", small("- { id: a, await_human: ok? }"), [("E112", "flows.main.steps[0].await_human")]),
    ("options twice", small("- { id: a, await_human: { question: q, options: [a, b, a] } }"), [("E124", "flows.main.steps[0].await_human.options[2]")]),
    ("no options", small("- { id: a, await_human: { question: q, options: [] } }"), [("E123", "flows.main.steps[0].await_human.options")]),
    ("numbers as options", small("- { id: a, await_human: { question: q, options: [1, b] } }"), [("E112", "flows.main.steps[0].await_human.options[0]")]),
    ("show as text", small("- { id: a, await_human: { question: q, show: x } }"), [("E112", "flows.main.steps[0].await_human.show")]),
    ("timeout as a number", small("- { id: a, await_human: { question: q, timeout: 30 } }"), [("E115", "flows.main.steps[0].await_human.timeout")]),
    ("after as a map", small("- { id: a, compute: 1, after: { b: c } }"), [("E112", "flows.main.steps[0].after")]),
]  # fmt: skip


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
    ("prompt", HEAD + "functions: { f: { mode: infer, prompt: x, output: int } }", HEAD + "functions: { f: { mode: infer, intent: x, output: int } }"),
    ("max_retries", HEAD + "functions: { f: { mode: infer, intent: x, output: int, max_retries: 2 } }", HEAD + "functions: { f: { mode: infer, intent: x, output: int, retries: 2 } }"),
    ("depends_on", small("- { id: a, compute: 1, depends_on: [b] }"), small("- { id: a, compute: 1, after: [b] }")),
    ("if", small("- { id: a, compute: 1, if: x }"), small("- { id: a, compute: 1, when: x }")),
    ("minimum", HEAD + "contracts: { A: { x: { type: int, minimum: 3, maximum: 4 } } }", HEAD + "contracts: { A: { x: { type: int, min: 3, max: 4 } } }"),
    ("misspelled", small("- { id: a, functoin: f, input: { x: y } }"), small("- { id: a, function: f, inputs: { x: y } }")),
    ("text as a number", HEAD + "name: 1.10\n", HEAD + 'name: "1.10"\n'),
    ("text as a boolean", HEAD + "name: true\n", HEAD + 'name: "true"\n'),
    ("yes", HEAD + "functions: { f: { mode: infer, intent: x, output: int, stable: no } }", HEAD + "functions: { f: { mode: infer, intent: x, output: int, stable: false } }"),
    ("word", HEAD + "functions: { f: { mode: infer, intent: x, output: int, cache: Session } }", HEAD + "functions: { f: { mode: infer, intent: x, output: int, cache: session } }"),
    ("null for none", HEAD + "functions: { f: { mode: infer, intent: x, output: int, cache: null } }", HEAD + "functions: { f: { mode: infer, intent: x, output: int, cache: none } }"),
    ("duration in words", small("- { id: a, await_human: { question: q, timeout: 24 hours } }"), small("- { id: a, await_human: { question: q, timeout: 24h } }")),
    ("any", small("- { id: a, for_each: x, compute: 1, require: any }"), small("- { id: a, for_each: x, compute: 1, require: 1 }")),
]  # fmt: skip


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
        "E122", "E110", "E110", "E114", "E111", "E113", "E119", "E110", "E108",
    ]  # fmt: skip
    assert [found.line for found in loaded.diagnostics] == sorted(found.line for found in loaded.diagnostics)


HINTS: list[tuple[str, str]] = [
    (HEAD + "functions: { f: { mode: infer, intent: x, output: int, budget: { ms: 60s } } }", "write milliseconds: 60000"),
    (HEAD + "functions: { f: { mode: infer, intent: x, output: int, budget: { usd: $0.5 } } }", "leave the currency out: 0.5"),
    (HEAD + "functions: { f: { mode: infer, intent: x, output: int, retries: '3' } }", "leave the quotes out"),
    (HEAD + "functions:\n  f:\n    mode: infer\n    output: int\n    intent:\n      a: b\n", "quote the whole value"),
    (HEAD + "contracts: { A: { x: [string] } }", "write list<string>"),
    (HEAD + "contracts: { A: { x: [a, b] } }", "write {enum: [a, b]}"),
    (HEAD + "contracts: { A: { x: } }", 'quote it: "null"'),
    (HEAD + "contracts: { A: { x: { y: int } } }", "a nested record is a contract of its own"),
    (HEAD + "contracts: { A: { x: { type: int, nullable: true } } }", "write type: optional<int>"),
    (HEAD + "contracts: { A: { x: { type: list, items: int } } }", "write type: list<int>"),
    (small("- { id: MyStep, compute: 1 }"), "write `my_step`"),
    (HEAD + "contracts: { a-b: { x: int } }", "write `a_b`"),
    (HEAD + "contracts: { A: { class: int } }", "write `class_`"),
    (small("- { id: a, compute: { a: 1 } }"), "quote the whole expression"),
    (small("- { id: a, for_each: [x for x in y], compute: 1 }"), 'quote the expression: "[x for x in y]"'),
    (small("- { id: a, parallel: { branches: { a: { function: f } } }, require: 1 }"), "put `require` inside parallel"),
]  # fmt: skip


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
