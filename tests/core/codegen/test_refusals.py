"""What has no form in Python is refused, all of it at once; names that Python needs get another one."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from stratum_core.checks import Limits, check
from stratum_core.codegen import UnreadableError, generate, main_flow, read_module
from stratum_core.errors import StratumCompileError
from stratum_core.ir import ir_hash, load
from tests.core.codegen._made import imported, made, parts_of


def _flow(steps: str, returns: str = "input.n", more: str = "") -> str:
    """Return a document with one flow."""
    return f"""
stratum: "1"
contracts:
  One: {{ a: int }}
functions:
  ask: {{ mode: infer, intent: Ask, input: {{ n: int }}, output: One }}
  also: {{ mode: infer, intent: Ask too, input: {{ n: int }}, output: One }}
{more}
flows:
  main:
    input: {{ n: int, ns: list<int>, at: datetime, anything: json }}
    output: json
    steps:
{steps}
    return: {returns}
"""


_AND_WITH = "      - {{ id: s, {0} }}"
_PAIR = "parallel: { branches: { a: { function: ask, inputs: { n: 1 } }, b: { function: also, inputs: { n: 2 } } } }"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (_flow("      - { id: s, compute: input }"), "is read as a whole"),
        (_flow("      - { id: s, compute: input.anything.a }"), "by a dot"),
        (_flow("      - { id: s, compute: str(input.at) }"), "ISO text"),
        (_flow("      - { id: s, compute: 'zip(input.ns, input.ns)' }"), "only the language has"),
        (_flow(f"      - {{ id: s, on_error: none, {_PAIR} }}"), "`on_error: none` around"),
        (_flow(f"      - {{ id: s, for_each: input.ns, {_PAIR} }}"), "`for_each` around"),
        (_flow("      - { id: s, for_each: input.ns, compute: item }"), "`for_each` around"),
        (_flow("      - { id: s, on_error: none, compute: input.n }"), "`on_error: none` of a compute"),
        (_flow(f"      - {{ id: s, validate: results.a.a > 1, {_PAIR} }}"), "`validate` beside"),
    ],
)
def test_a_step_without_a_form_in_python_is_refused(text: str, said: str) -> None:
    with pytest.raises(StratumCompileError, match="no form in Python") as caught:
        made(text)
    (reason,) = caught.value.detail["reasons"]
    assert said in reason
    assert "step `s`" in reason


def test_every_reason_is_told_at_once() -> None:
    text = """
stratum: "1"
contracts:
  C: { copy: int, str: string, _x: int }
functions:
  run: { mode: compute, input: { n: int }, output: int, python: registered }
  big: { mode: compute, input: { len: int, xs: list<int> }, output: int, expression: len(xs) + len }
flows:
  main: { input: { c: C }, output: C, steps: [{ id: s, compute: 1 }], return: input.c }
"""
    program = check(text, limits=Limits(compute_registry=frozenset({"registered"}))).program
    document = load(text).document
    assert program is not None
    assert document is not None
    with pytest.raises(StratumCompileError) as caught:
        generate(document, program, made_from="x")
    reasons = " ".join(caught.value.detail["reasons"])
    for said in ("`copy`", "`str`", "`_x`", "`registered`", "hides Python's `len`"):
        assert said in reasons


def test_names_that_python_needs_get_another_one(tmp_path: Path) -> None:
    text = """
stratum: "1"
contracts:
  Budget: { date: optional<date>, field: date }
  Literal: { kind: { enum: [a, b] } }
functions:
  infer: { mode: compute, input: { b: Budget }, output: bool, expression: b.date is not None }
  sorted: { mode: compute, input: { xs: list<int> }, output: list<int>, expression: "[l for l in xs if l > 1]" }
flows:
  infer:
    input: { b: Budget, l: list<int> }
    output: bool
    steps:
      - { id: infer_, function: infer, inputs: { b: input.b } }
      - { id: parallel, function: sorted, inputs: { xs: "[b for b in input.l]" } }
      - { id: unread, compute: "[l for l in parallel]" }
    return: infer_ and len(parallel) > 0
"""
    _, program = parts_of(text)
    module = made(text)

    assert ir_hash(read_module(module)) == program.ir_hash
    own = imported(module, tmp_path, "names")
    assert own.Literal.contract_hash
    assert own.infer.spec.function_hash == program.functions["infer"].function_hash
    assert own.infer_.signature.name == "infer_"
    assert "Budget as" not in module
    assert "Literal as Literal_" in module
    assert "_unread = " in module
    assert "infer__ = " not in module


def test_the_main_flow_is_the_last_that_no_other_calls() -> None:
    text = """
stratum: "1"
flows:
  outer: { input: { n: int }, output: int, steps: [{ id: a, flow: inner, inputs: { n: input.n } }], return: a }
  inner: { input: { n: int }, output: int, steps: [{ id: s, compute: 1 }], return: input.n }
"""
    _, program = parts_of(text)

    assert main_flow(program) == "outer"
    assert made(text).index("def inner") < made(text).index("def outer")
    assert "inner(n=" in made(text, flow="inner").split("def main")[1]


def test_a_document_without_flows_has_no_main() -> None:
    text = 'stratum: "1"\nfunctions: { f: { mode: infer, intent: x, input: {}, output: string } }\n'

    assert "def main" not in made(text)
    assert "Field" not in made(text)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("for x in ns:\n        pass\n    return n", "no `for` statement"),
        ("while True:\n        pass\n    return n", "no `while` statement"),
        ("a = n if n > 1 else await ask(n=n)\n    return a", "not always reached"),
        ("return [await ask(n=x) for x in ns]", "not always reached"),
        ("return n > 1 and await ask(n=n)", "not always reached"),
        ("return 1 < n < len(await ask(n=n))", "not always reached"),
        ("return all(lambda: await ask(n=n))", "not of the expression language"),
        ("a = await ask(n=n)\n    a = await ask(n=n)\n    return a", "second value"),
        ("a = await other(n=n)\n    return a", "calls no infer"),
        ("a = None\n    return n", "never gets another value"),
        ("a = n ** 2\n    return a", "not of the expression language"),
        ("a = print(n)\n    return a", "other code"),
        ("a = [x for y in ns for x in y]\n    return a", "one `for`"),
        ("if n > 1:\n        a = await ask(n=n)\n    return n", "None just before"),
        ("a = await each((ask(n=x) for x in ns if x > 1))\n    return a", "filter the items"),
        ("a = await each((ask(n=x) for x in ns), require=1.5 + 2)\n    return a", "no plain constant"),
        ("a = await race(ask(n=1), ask(n=2))\n    return a", "two branches are called"),
        ("a, b = await each((ask(n=x) for x in ns))\n    return a", "taken apart"),
        ("a = await ask(**ns)\n    return a", "hides which inputs"),
        ("a = missing\n    return a", "is not an input"),
        ("pass", "ends with `return`"),
    ],
)
def test_a_flow_that_is_not_straight_is_told_with_its_line(body: str, said: str) -> None:
    text = f"""
from stratum_core import contract, each, flow, infer, parallel, race


@infer(intent="Ask")
async def ask(n: int) -> str: ...


@flow
async def main(n: int, ns: list[int]) -> str:
    {body}
"""
    with pytest.raises(UnreadableError) as caught:
        read_module(text)
    assert said.replace("no plain", "not a plain") in str(caught.value)
    assert caught.value.line >= 11
    assert ast.parse(text)
