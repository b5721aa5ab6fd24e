"""The one-page guide: every example in it is checked and run, every default it states is the code's."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path

import pytest

from stratum_core.budget import Budget
from stratum_core.checks import Checked, Limits, check
from stratum_core.contracts import JsonValue, describe
from stratum_core.ir.expressions import SIGNATURES
from stratum_core.journal import MemoryJournal
from stratum_core.llm import PriceTable
from stratum_core.llm.offline import OfflineClient
from stratum_core.plan import BindLimits, Roots
from stratum_core.plan._bind import bind_inputs
from stratum_core.runtime import AUTO_START, RunContext, run_program
from stratum_core.specs import ComputeSpec, DebateVerb, HumanVerb, InferSpec, ParallelVerb, StepSpec
from tests.support.pages import ROOT, fences

PAGE = ROOT / "stratum_core" / "ir" / "guide.md"
GUIDE = PAGE.read_text("utf-8")
(EXAMPLE,) = (fence.text for fence in fences(PAGE) if fence.language == "yaml")
PROSE = GUIDE.replace(EXAMPLE, "")

REST = """\
stratum: "1"
contracts:
  Answer: { field: { enum: [a, b] }, confidence: float }
functions:
  f: { mode: infer, intent: F, input: { topic: string, arguments: optional<json> }, output: Answer }
  g: { mode: infer, intent: G, input: { topic: string, arguments: optional<json> }, output: Answer }
  h: { mode: infer, intent: H, input: { topic: string, arguments: json, converged: bool }, output: Answer }
  checked: { mode: compute, input: { result: Answer }, output: bool, expression: result.confidence > 0.5 }
  judge: { mode: infer, intent: Judge, input: { n: int }, output: Answer, MODIFIER }
flows:
  main:
    input: { topic: string, n: int, xs: list<int>, ok: bool }
    output: json
    budget: { usd: 1 }
    steps:
      - { id: s, STEP }
    return: VALUE
"""
ROWS = """\
stratum: "1"
contracts:
  R: { a: string, b: optional<string> }
flows:
  m: { input: { rows: list<R> }, output: int, steps: [{ id: n, compute: len(input.rows) }], return: n }
"""
ONE_TYPE = """\
stratum: "1"
contracts:
  C: { f: TYPE }
flows:
  m: { input: { c: C }, output: C, steps: [{ id: n, compute: "1" }], return: input.c }
"""
CALL = "function: judge, inputs: { n: input.n }"
ASK = "inputs: { topic: input.topic, arguments: None }"


def told(*statements: str) -> None:
    """Fail unless the guide says each of these."""
    flat = " ".join(GUIDE.split())
    assert [text for text in statements if text not in flat] == []


def checked(step: str = CALL, *, modifier: str = "retries: 3", value: str = "None") -> Checked:
    """Check a document with this step and this modifier on its function."""
    text = REST.replace("STEP", step).replace("MODIFIER", modifier).replace("VALUE", value)
    return check(text, limits=Limits(compute_registry=frozenset({"name"})))


def step_of(step: str, *, modifier: str = "retries: 3", value: str = "None") -> StepSpec:
    """Return the one step of a document that has to be valid."""
    found = checked(step, modifier=modifier, value=value)
    assert found.program is not None, [one.message for one in found.diagnostics]
    return found.program.flows["main"].steps[0]


def infer_of(modifier: str) -> InferSpec:
    """Return the function with this modifier."""
    program = checked(modifier=modifier).program
    assert program is not None
    spec = program.functions["judge"]
    assert isinstance(spec, InferSpec)
    return spec


def test_the_guide_is_at_most_6_kilobytes() -> None:
    assert len(GUIDE.encode()) <= 6 * 1024


@pytest.mark.anyio
async def test_the_example_has_no_findings_and_runs(tmp_path: Path) -> None:
    (binding,) = re.findall(r'`inputs: (\{"reviews".*?\}\})`', PROSE)
    (tmp_path / "reviews.csv").write_text("Review Text,Stars\nBroken on arrival,1\nLovely,\n", "utf-8")
    example = check(EXAMPLE)
    assert example.diagnostics == ()
    assert example.program is not None
    bound = bind_inputs(
        example.program.flows["all"].inputs, json.loads(binding), roots=Roots(tmp_path), limits=BindLimits()
    )
    assert bound[0].value == [{"id": "1", "text": "Broken on arrival"}, {"id": "2", "text": "Lovely"}]
    context = RunContext(
        program=example.program,
        journal=MemoryJournal(),
        client_for=lambda _: OfflineClient(),
        prices=PriceTable.load(),
        default_model="offline",
    )
    outcome = await run_program(context, flow="all", inputs={"reviews": bound[0].value}, budget=Budget())
    assert (outcome.error, outcome.state) == ("", "completed")
    assert isinstance(outcome.value, list)
    assert [sorted(row) for row in outcome.value if isinstance(row, dict)] == [
        ["flagged", "id", "label", "reply"]
    ] * 2


def test_a_field_takes_the_column_of_its_name_and_an_empty_cell_is_null(tmp_path: Path) -> None:
    told("a field without an entry takes the column of its own name; an empty cell is null")
    (tmp_path / "rows.csv").write_text("a,b\nx,\n", "utf-8")
    rows = check(ROWS).program
    assert rows is not None
    (bound,) = bind_inputs(
        rows.flows["m"].inputs, {"rows": {"file": "rows.csv"}}, roots=Roots(tmp_path), limits=BindLimits()
    )
    assert bound.value in ([{"a": "x", "b": None}], [{"a": "x"}])


def test_the_defaults_are_those_of_the_code() -> None:
    told(
        "`on_error: fail` (default)",
        "`concurrency` (default auto: from 8)",
        "`require: all` (default)",
        "`on_error: drop` (default)",
        "`retries` (default 3)",
        "`budget: {usd, ms, tokens, calls}` (default none)",
        "rounds: 2",
        "unresolved: synthesize",
        "max_iterations: 5",
        "Default: waits forever; `on_timeout: fail`",
    )
    judge, plain = infer_of("context: []"), step_of(CALL)
    each = step_of("for_each: input.xs, function: judge, inputs: { n: item }").for_each
    assert each is not None
    assert (judge.retries, judge.budget, judge.model, judge.cache, judge.fallbacks) == (
        3,
        None,
        None,
        "none",
        (),
    )
    assert (plain.on_error, each.require, each.on_error) == ("fail", "all", "drop")
    assert (each.concurrency, AUTO_START) == (None, 8)
    debate = step_of(
        "debate: { agents: [f, g], topic: input.topic, synthesize: h }", value="s.converged"
    ).verb
    assert isinstance(debate, DebateVerb)
    assert (debate.rounds, debate.agree_on, debate.unresolved) == (2, None, "synthesize")
    refine = infer_of("refine: { check: checked, until: check, feedback: result }").refine
    assert refine is not None
    assert refine.max_iterations == 5
    human = step_of("await_human: { question: Go on? }").verb
    assert isinstance(human, HumanVerb)
    assert (human.timeout_s, human.on_timeout) == (None, None)
    branches = step_of(f"parallel: {{ branches: {{ a: {{ {CALL} }} }} }}").verb
    assert isinstance(branches, ParallelVerb)
    assert (branches.require, branches.concurrency) == ("all", None)


BRANCHES = f"branches: {{ a: {{ function: f, {ASK} }}, b: {{ function: g, {ASK} }} }}"


@pytest.mark.parametrize(
    ("said", "step", "kind"),
    [
        ("`function: f` or `flow: g` with `inputs: {param: expr}`", CALL, "Answer"),
        ("`compute: expr`", "compute: input.n + 1", "int"),
        ("a record of branches", f"parallel: {{ {BRANCHES}, require: all }}", "{a, b}"),
        ("`any` -> one value", f"parallel: {{ {BRANCHES}, require: any }}", "Answer"),
        ("N -> a list", f"parallel: {{ {BRANCHES}, require: 1 }}", "list<Answer>"),
        ("0 -> optionals", f"parallel: {{ {BRANCHES}, require: 0 }}", "{a, b}"),
        ("`race: {branches: {...}}` -> the first value", f"race: {{ {BRANCHES} }}", "Answer"),
        ("false -> null, so the step's type is optional", f"when: input.ok, {CALL}", "optional<Answer>"),
        ("`on_error: none`", f"on_error: none, {CALL}", "optional<Answer>"),
        (
            "`on_error: drop` (default) `| none | keep` = what a failed item leaves",
            "for_each: input.xs, function: judge, inputs: { n: item }, on_error: none",
            "list<optional<Answer>>",
        ),
        (
            '`"[x for x in xs if x.n > 0]"`',
            ('for_each: "[x for x in input.xs if x > 0]", function: judge, inputs: { n: item + index }, '
            "validate: len(results) > 0"),
            "list<Answer>",
        ),
        ('"95%"', 'for_each: input.xs, function: judge, inputs: { n: item }, require: "95%"', "list<Answer>"),
    ],
)  # fmt: skip
def test_a_step_has_the_value_the_guide_tells(said: str, step: str, kind: str) -> None:
    told(said)
    assert describe(step_of(step).type) == kind


def test_a_debate_adds_converged_and_can_be_resolved_in_three_ways() -> None:
    told("agents take `topic` and `arguments: optional<json>`", "value: h's record plus `.converged`")
    for unresolved in ("synthesize", "human", "fail"):
        rest = f"rounds: 2, agree_on: field, synthesize: h, unresolved: {unresolved}"
        step = f"debate: {{ agents: [f, g], topic: input.topic, {rest} }}"
        assert step_of(step, value="{'c': s.converged, 'f': s.field}").id == "s"


def test_a_person_answers_with_an_option_or_a_value_of_a_type() -> None:
    told("`.value` (an option; or of `type: T`), `.rationale`, `.reviewer`")
    base = "await_human: { question: Go on?, show: { n: input.n }"
    options = step_of(
        f"{base}, options: [yes, no], timeout: 24h, on_timeout: no }}", value='s.value == "yes"'
    )
    assert isinstance(options.verb, HumanVerb)
    assert (options.verb.timeout_s, options.verb.on_timeout) == (24 * 3600, "no")
    assert step_of(f"{base}, type: int }}", value="s.value + 1").id == "s"
    assert step_of(f"{base} }}", value="{'why': s.rationale, 'who': s.reviewer}").id == "s"


@pytest.mark.parametrize(
    ("said", "modifier"),
    [
        ("`given: [expr]`", "given: [n > 0]"),
        ("`temperature`, `max_tokens`", "temperature: 0.2, max_tokens: 300"),
        ("`budget: {usd, ms, tokens, calls}`", "budget: { usd: 0.5, ms: 1000, tokens: 5000, calls: 9 }"),
        ("`fallbacks: [model]`", "fallbacks: [offline]"),
        ("`cache: session | global`", "cache: session"),
        ("`cache: session | global`", "cache: global"),
        ("`quorum: 3, agree_on: field, threshold: 2`", "quorum: 3, agree_on: field, threshold: 2"),
        (
            "`until` and `feedback` see `result`, `check`, the inputs",
            (
                "refine: { check: checked, until: check or result.confidence > n, "
                "feedback: 'str(check) + result.field + str(n)', max_iterations: 5 }"
            ),
        ),
        ("`ensure` sees `result` and the inputs by bare name", "ensure: [result.confidence > n]"),
        ("`model`", "model: offline"),
    ],
)
def test_a_function_takes_the_modifier_the_guide_tells(said: str, modifier: str) -> None:
    told(said)
    assert infer_of(modifier).name == "judge"


def test_unstable_answers_are_read_as_the_guide_tells() -> None:
    told("`stable: false` (read it with `most_likely(x)`)")
    assert step_of(CALL, modifier="stable: false", value="most_likely(s).field").id == "s"
    assert checked(CALL, modifier="stable: false", value="s.field").program is None


def test_a_compute_may_be_a_registered_function() -> None:
    told("A compute may be `python: name` if the operator registered it")
    text = REST.replace("expression: result.confidence > 0.5", "python: name").replace("STEP", CALL)
    text = text.replace("MODIFIER", "retries: 1").replace("VALUE", "None")
    program = check(text, limits=Limits(compute_registry=frozenset({"name"}))).program
    assert program is not None
    function = program.functions["checked"]
    assert isinstance(function, ComputeSpec)
    assert function.python == "name"
    assert check(text).program is None


def test_a_skipped_step_is_tested_before_its_fields_are_read() -> None:
    told("test `x is not None` before reading fields")
    assert step_of(f"when: input.ok, {CALL}", value="s.field if s is not None else 'none'").id == "s"
    assert checked(f"when: input.ok, {CALL}", value="s.field").program is None


EXPRESSIONS: tuple[tuple[str, JsonValue], ...] = (
    ("1 < 2 and not (2 == 3 or 2 != 2)", True),
    ("2 in [1, 2] and 3 not in [1, 2]", True),
    ("first(input.xs) is None", False),
    ("7 // 2 + 7 % 2 - 1 * 2", 2),
    ("1 if input.n > 0 else 2", 1),
    ("input.xs[0]", 3),
    ("input.xs[:3]", [3, 1, 2]),
    ("[x * 2 for x in input.xs if x > 2]", [6]),
    ("all(x > 0 for x in input.xs)", True),
    ('{"key": len(input.xs)}', {"key": 3}),
    ("default(first(input.xs), 0) + count(input.xs, 1)", 4),
    ('matches("a1", "[0-9]") and find_all("a1b2", "[0-9]") == ["1", "2"]', True),
    ('[g.key for g in group_by(sort_by([{"f": x} for x in input.xs], "f"), "f")]', [1, 2, 3]),
    ('[t.f for t in top([{"f": x} for x in input.xs], 1, "f")]', [3]),
    ('"none"', "none"),
    ("len(input.xs) > 0", True),
)


@pytest.mark.parametrize(("expression", "value"), EXPRESSIONS)
def test_an_expression_of_the_guide_has_its_value(expression: str, value: JsonValue) -> None:
    quoted = "'" + expression.replace("'", "''") + "'"
    found = checked("compute: 1", value=quoted)
    assert found.program is not None, [one.message for one in found.diagnostics]
    returns = found.program.flows["main"].returns
    assert not isinstance(returns, Mapping)
    given: JsonValue = {"topic": "t", "n": 1, "xs": [3, 1, 2], "ok": True}
    assert returns.evaluate({"input": given, "s": 1}) == value


def test_what_the_guide_warns_of_is_refused() -> None:
    told("Conditions are bool (`len(xs) > 0`, not `xs`)", "No `[T]` or `T?` inside `{ }`")
    assert checked(f"when: input.xs, {CALL}").program is None
    for form in ("[int]", "int?"):
        assert check(REST.replace("n: int }", f"n: {form} }}")).program is None


def test_the_guide_names_only_functions_that_exist() -> None:
    (line,) = (line for line in GUIDE.splitlines() if line.startswith("**Expressions**"))
    (functions, methods) = re.findall(r"`(len sum [^`]+)`, methods `([^`]+)`", line)[0]
    called = set(re.findall(r"(?:^| )(\w+)", re.sub(r"\([^)]*\)", "", functions)))
    known = {name.rpartition(".")[2] for name in SIGNATURES}
    assert (called | set(methods.split())) - known == set()


def test_the_types_of_the_guide_exist() -> None:
    (line,) = (line for line in GUIDE.splitlines() if line.startswith("**Types**"))
    names = re.findall(r"`(string int[^`]+)`", line)[0].split()
    more = ("list<int>", "optional<int>", "opaque<string>", "map<int>", "{ enum: [a] }")
    longer = (
        "{ type: int, min: 1, max: 5 }",
        "{ type: string, min_length: 1, max_length: 2, pattern: x, description: d }",
    )
    for name in (*names, *more, *longer):
        assert [one.message for one in check(ONE_TYPE.replace("TYPE", name)).diagnostics] == []
