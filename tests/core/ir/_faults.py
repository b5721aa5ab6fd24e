"""Documents with faults of shape, and what must be said about each: code and path."""

from __future__ import annotations

from tests.core.ir._samples import small

__all__ = ["FAULTS", "HEAD", "field", "infer"]

HEAD = 'stratum: "1"\n'


def infer(keys: str) -> str:
    """Return a document with one model call that has these keys beside the needed ones."""
    return f"{HEAD}functions: {{ f: {{ mode: infer, intent: x, output: int, {keys} }} }}"


def field(form: str) -> str:
    """Return a document with one contract whose one field has this type."""
    return f"{HEAD}contracts: {{ A: {{ x: {form} }} }}"


FAULTS: list[tuple[str, str, list[tuple[str, str]]]] = [
    ("no version", "name: x", [("E111", "$")]),
    ("version as a number", "stratum: 1", [("E122", "stratum")]),
    ("later version", 'stratum: "2"', [("E122", "stratum")]),
    ("functions as a list", HEAD + "functions: [a]", [("E112", "functions")]),
    ("function as text", HEAD + "functions: { f: x }", [("E112", "functions.f")]),
    ("name with a dash", HEAD + "contracts: { a-b: { x: int } }", [("E113", "contracts.a-b")]),
    (
        "field named like a keyword",
        HEAD + "contracts: { A: { class: int } }",
        [("E113", "contracts.A.class")],
    ),
    ("contract without fields", HEAD + "contracts: { A: {} }", [("E123", "contracts.A")]),
    ("contract as text", HEAD + "contracts: { A: string }", [("E112", "contracts.A")]),
    ("type as a list", field("[string]"), [("E112", "contracts.A.x")]),
    ("type as a list of words", field("[a, b]"), [("E112", "contracts.A.x")]),
    ("type as a number", field("3"), [("E112", "contracts.A.x")]),
    ("type left empty", HEAD + "contracts: { A: { x: } }", [("E112", "contracts.A.x")]),
    ("blank type", field("' '"), [("E112", "contracts.A.x")]),
    ("null as a type", field("{ type: null }"), [("E112", "contracts.A.x.type")]),
    ("type without type", field("{ min: 3 }"), [("E111", "contracts.A.x")]),
    ("optional as a key", field("{ type: int, optional: true }"), [("E110", "contracts.A.x.optional")]),
    ("items as a key", field("{ type: list, items: int }"), [("E110", "contracts.A.x.items")]),
    ("enum as text", field("{ enum: a }"), [("E112", "contracts.A.x.enum")]),
    ("enum of maps", field("{ enum: [{ a: 1 }] }"), [("E112", "contracts.A.x.enum[0]")]),
    ("enum value twice", field("{ enum: [a, 1, true, a] }"), [("E124", "contracts.A.x.enum[3]")]),
    ("bound as text", field("{ type: int, min: '3' }"), [("E112", "contracts.A.x.min")]),
    ("negative length", field("{ type: string, min_length: -1 }"), [("E114", "contracts.A.x.min_length")]),
    ("mode missing", HEAD + "functions: { f: { intent: x, output: int } }", [("E111", "functions.f")]),
    (
        "mode misspelled",
        HEAD + "functions: { f: { mode: infr, intent: x, output: int } }",
        [("E116", "functions.f.mode")],
    ),
    (
        "intent in a compute function",
        HEAD + "functions: { f: { mode: compute, output: int, expression: 1, intent: x } }",
        [("E120", "functions.f.intent")],
    ),
    ("expression in an infer function", infer("expression: 1"), [("E120", "functions.f.expression")]),
    ("key a little like another", infer("mo: 1"), [("E110", "functions.f.mo")]),
    (
        "compute without body",
        HEAD + "functions: { f: { mode: compute, output: int } }",
        [("E119", "functions.f")],
    ),
    (
        "compute with two bodies",
        HEAD + "functions: { f: { mode: compute, output: int, expression: 1, python: g } }",
        [("E119", "functions.f.python")],
    ),
    (
        "intent as a number",
        HEAD + "functions: { f: { mode: infer, intent: 4.1, output: int } }",
        [("E112", "functions.f.intent")],
    ),
    (
        "intent blank",
        HEAD + "functions: { f: { mode: infer, intent: '', output: int } }",
        [("E112", "functions.f.intent")],
    ),
    ("input as text", infer("input: string"), [("E112", "functions.f.input")]),
    ("ensure as a map", infer("ensure: { a: b }"), [("E112", "functions.f.ensure")]),
    (
        "condition as a map",
        infer("ensure: [{ a: b }, null, ' ']"),
        [
            ("E112", "functions.f.ensure[0]"),
            ("E112", "functions.f.ensure[1]"),
            ("E112", "functions.f.ensure[2]"),
        ],
    ),
    ("temperature as text", infer("temperature: hot"), [("E112", "functions.f.temperature")]),
    ("temperature too high", infer("temperature: 2.5"), [("E114", "functions.f.temperature")]),
    ("retries as a fraction", infer("retries: 1.5"), [("E112", "functions.f.retries")]),
    ("stable as text", infer("stable: sometimes"), [("E112", "functions.f.stable")]),
    ("budget as a number", infer("budget: 5"), [("E112", "functions.f.budget")]),
    ("budget without a cap", infer("budget: {}"), [("E111", "functions.f.budget")]),
    (
        "budget of nothing",
        infer("budget: { usd: 0, ms: 0 }"),
        [("E114", "functions.f.budget.usd"), ("E114", "functions.f.budget.ms")],
    ),
    ("refine as text", infer("refine: x"), [("E112", "functions.f.refine")]),
    ("refine without until", infer("refine: { feedback: x }"), [("E111", "functions.f.refine")]),
    ("flow as text", HEAD + "flows: { f: x }", [("E112", "flows.f")]),
    (
        "steps as a map",
        HEAD + "flows: { f: { output: int, return: 1, steps: { a: { compute: 1 } } } }",
        [("E112", "flows.f.steps")],
    ),
    ("no steps", HEAD + "flows: { f: { output: int, return: 1, steps: [] } }", [("E123", "flows.f.steps")]),
    (
        "return missing",
        HEAD + "flows: { f: { output: int, steps: [{ id: a, compute: 1 }] } }",
        [("E111", "flows.f")],
    ),
    (
        "return as a comprehension",
        HEAD + "flows: { f: { output: int, steps: [{ id: a, compute: 1 }], return: [x for x in a] } }",
        [("E112", "flows.f.return")],
    ),
    ("step as text", small("- do it"), [("E112", "flows.main.steps[0]")]),
    ("step without id", small("- { compute: 1 }"), [("E111", "flows.main.steps[0]")]),
    ("step id in capitals", small("- { id: MyStep, compute: 1 }"), [("E113", "flows.main.steps[0].id")]),
    ("step id is a keyword", small("- { id: if, compute: 1 }"), [("E113", "flows.main.steps[0].id")]),
    ("no verb", small("- { id: a }"), [("E119", "flows.main.steps[0]")]),
    ("two verbs", small("- { id: a, compute: 1, function: f }"), [("E119", "flows.main.steps[0].compute")]),
    ("empty verb", small("- { id: a, compute: }"), [("E112", "flows.main.steps[0].compute")]),
    (
        "inputs of compute",
        small("- { id: a, compute: 1, inputs: { x: 1 } }"),
        [("E120", "flows.main.steps[0].inputs")],
    ),
    (
        "inputs of parallel",
        small("- { id: a, parallel: { branches: { a: { function: f } } }, inputs: { x: 1 } }"),
        [("E120", "flows.main.steps[0].inputs")],
    ),
    (
        "require without for_each",
        small("- { id: a, compute: 1, require: 3 }"),
        [("E120", "flows.main.steps[0].require")],
    ),
    (
        "require beside parallel",
        small("- { id: a, parallel: { branches: { a: { function: f } } }, require: 1 }"),
        [("E120", "flows.main.steps[0].require")],
    ),
    (
        "validate without for_each",
        small("- { id: a, compute: 1, validate: x }"),
        [("E120", "flows.main.steps[0].validate")],
    ),
    (
        "drop without for_each",
        small("- { id: a, compute: 1, on_error: drop }"),
        [("E120", "flows.main.steps[0].on_error")],
    ),
    (
        "fail with for_each",
        small("- { id: a, for_each: x, compute: 1, on_error: fail }"),
        [("E116", "flows.main.steps[0].on_error")],
    ),
    (
        "any with for_each",
        small("- { id: a, for_each: x, compute: 1, require: any }"),
        [("E116", "flows.main.steps[0].require")],
    ),
    (
        "share over 100",
        small("- { id: a, for_each: x, compute: 1, require: 101% }"),
        [("E116", "flows.main.steps[0].require")],
    ),
    (
        "negative count",
        small("- { id: a, for_each: x, compute: 1, require: -1 }"),
        [("E114", "flows.main.steps[0].require")],
    ),
    (
        "no concurrency",
        small("- { id: a, for_each: x, compute: 1, concurrency: 0 }"),
        [("E114", "flows.main.steps[0].concurrency")],
    ),
    (
        "input as a map",
        small("- { id: a, function: f, inputs: { x: { a: 1 } } }"),
        [("E112", "flows.main.steps[0].inputs.x")],
    ),
    (
        "inputs as text",
        small("- { id: a, function: f, inputs: x }"),
        [("E112", "flows.main.steps[0].inputs")],
    ),
    (
        "blank argument",
        small("- { id: a, function: f, inputs: { x: '' } }"),
        [("E112", "flows.main.steps[0].inputs.x")],
    ),
    (
        "branch without callee",
        small("- { id: a, parallel: { branches: { a: { inputs: {} } } } }"),
        [("E119", "flows.main.steps[0].parallel.branches.a")],
    ),
    (
        "branch as text",
        small("- { id: a, parallel: { branches: { a: f } } }"),
        [("E112", "flows.main.steps[0].parallel.branches.a")],
    ),
    (
        "branches as a list",
        small("- { id: a, parallel: { branches: [f] } }"),
        [("E112", "flows.main.steps[0].parallel.branches")],
    ),
    (
        "no branches",
        small("- { id: a, parallel: { branches: {} } }"),
        [("E123", "flows.main.steps[0].parallel.branches")],
    ),
    ("parallel as text", small("- { id: a, parallel: f }"), [("E112", "flows.main.steps[0].parallel")]),
    (
        "parallel share",
        small("- { id: a, parallel: { branches: { a: { function: f } }, require: 50% } }"),
        [("E116", "flows.main.steps[0].parallel.require")],
    ),
    (
        "race of one",
        small("- { id: a, race: { branches: { a: { function: f } } } }"),
        [("E123", "flows.main.steps[0].race.branches")],
    ),
    ("race as text", small("- { id: a, race: f }"), [("E112", "flows.main.steps[0].race")]),
    (
        "debate of one",
        small("- { id: a, debate: { agents: [f], topic: t, synthesize: h } }"),
        [("E123", "flows.main.steps[0].debate.agents")],
    ),
    ("debate as text", small("- { id: a, debate: f }"), [("E112", "flows.main.steps[0].debate")]),
    (
        "await_human as text",
        small("- { id: a, await_human: ok }"),
        [("E112", "flows.main.steps[0].await_human")],
    ),
    (
        "options twice",
        small("- { id: a, await_human: { question: q, options: [a, b, a] } }"),
        [("E124", "flows.main.steps[0].await_human.options[2]")],
    ),
    (
        "no options",
        small("- { id: a, await_human: { question: q, options: [] } }"),
        [("E123", "flows.main.steps[0].await_human.options")],
    ),
    (
        "options and type",
        small("- { id: a, await_human: { question: q, options: [a, b], type: int } }"),
        [("E119", "flows.main.steps[0].await_human.type")],
    ),
    (
        "type of an answer as a list",
        small("- { id: a, await_human: { question: q, type: [a, b] } }"),
        [("E112", "flows.main.steps[0].await_human.type")],
    ),
    (
        "numbers as options",
        small("- { id: a, await_human: { question: q, options: [1, b] } }"),
        [("E112", "flows.main.steps[0].await_human.options[0]")],
    ),
    (
        "show as text",
        small("- { id: a, await_human: { question: q, show: x } }"),
        [("E112", "flows.main.steps[0].await_human.show")],
    ),
    (
        "timeout as a number",
        small("- { id: a, await_human: { question: q, timeout: 30 } }"),
        [("E115", "flows.main.steps[0].await_human.timeout")],
    ),
    (
        "after as a map",
        small("- { id: a, compute: 1, after: { b: c } }"),
        [("E112", "flows.main.steps[0].after")],
    ),
]
