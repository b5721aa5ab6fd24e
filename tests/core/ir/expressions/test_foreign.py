"""Foreign spellings: each is one finding whose fix, applied as it stands, gives a valid expression."""

from __future__ import annotations

import pytest

from stratum_core.ir.expressions import compile_expression
from tests.core.ir.expressions._samples import SCOPE, codes

SPELLINGS = {
    "i > 1 && f < 2": "i > 1 and f < 2",
    "i > 1&&f < 2": "i > 1 and f < 2",
    "(i > 1)||(f < 2)": "i > 1 or f < 2",
    "i === 1": "i == 1",
    "s !== 'a'": 's != "a"',
    "i <> 1": "i != 1",
    "i = 1": "i == 1",
    "all(x = 1 for x in xs)": "all(x == 1 for x in xs)",
    "!result.ok": "not result.ok",
    "!result.ok && i > 1": "not result.ok and i > 1",
    "!!result.ok": "not not result.ok",
    "!result.ok == true": "(not result.ok) == True",
    "result.ok == !result.ok": "result.ok == (not result.ok)",
    "!(i > 1)": "not i > 1",
    "i > 1 AND NOT result.ok": "i > 1 and not result.ok",
    "i > 1 & f < 2": "i > 1 and f < 2",
    "result.ok == true": "result.ok == True",
    "result.ok != FALSE": "result.ok != False",
    "best === null": "best is None",
    "best !== undefined": "best is not None",
    "i > 1 ? 'a' : 'b'": '"a" if i > 1 else "b"',
    "i > 1 ? 'a' : i > 0 ? 'b' : 'c'": '"a" if i > 1 else "b" if i > 0 else "c"',
    "i > 1 ? (f > 1 ? 'a' : 'b') : 'c'": '("a" if f > 1 else "b") if i > 1 else "c"',
    "i > 1 ? f > 1 ? 'a' : 'b' : 'c'": '("a" if f > 1 else "b") if i > 1 else "c"',
    "[x > 1 ? 1 : 0 for x in xs]": "[1 if x > 1 else 0 for x in xs]",
    '{"a": i > 1 ? 1 : 2}': '{"a": 1 if i > 1 else 2}',
    "max(i > 1 ? 1 : 2, 3)": "max(1 if i > 1 else 2, 3)",
    "result.nick ?? 'none'": 'default(result.nick, "none")',
    "first(xs) ?? last(xs) ?? 0": "default(first(xs), default(last(xs), 0))",
    "best?.label": "best.label if best is not None else None",
    "(best?.confidence ?? 0.0) > 0.5": "default(best.confidence if best is not None else None, 0.0) > 0.5",
    "xs.length": "len(xs)",
    "xs.length > 2": "len(xs) > 2",
    "s.size()": "len(s)",
    "size(xs)": "len(xs)",
    "xs.isEmpty()": "len(xs) == 0",
    "result.tags.includes('x')": '"x" in result.tags',
    "!result.tags.includes('x')": '"x" not in result.tags',
    "s.contains('x')": '"x" in s',
    "s.toLowerCase() == 'a'": 's.lower() == "a"',
    "s.trim()": "s.strip()",
    "s.startsWith('a')": 's.startswith("a")',
    "i.toString()": "str(i)",
    "xs.map(x => x * 2)": "[x * 2 for x in xs]",
    "xs.filter((x) => x > 1)": "[x for x in xs if x > 1]",
    "xs.filter(x => x > 1).map(y => y + 1)": "[y + 1 for y in [x for x in xs if x > 1]]",
    "xs.filter(x => x > 1).length": "len([x for x in xs if x > 1])",
    "xs.every(x => x > 0)": "all(x > 0 for x in xs)",
    "xs.some(x => x > 0 && x < 3)": "any(x > 0 and x < 3 for x in xs)",
    "xs.find(x => x > 1) ?? 0": "default(first([x for x in xs if x > 1]), 0)",
    "result.items.every(x => x.sku.startsWith('A'))": 'all(x.sku.startswith("A") for x in result.items)',
    "${{ result.label }}": "result.label",
    "{{ result.label }} == 'neutral'": 'result.label == "neutral"',
    "${i} + 1": "i + 1",
    "$.steps.result.output.label": "result.label",
    "$.result.label == 'neutral'": 'result.label == "neutral"',
    "$i + 1": "i + 1",
    "result.output.label": "result.label",
    "result.class == 'a'": 'result["class"] == "a"',
    "s == \u201cabc\u201d": 's == "abc"',
    "re.search('a+', s)": 'matches(s, "a+")',
    "has(best)": "best is not None",
    "s in ('a', 'b')": 's in ["a", "b"]',
    "s in {'a', 'b'}": 's in ["a", "b"]',
    "{a: i}": '{"a": i}',
    "i ** 2": "i * i",
    "lambda r: r.confidence > 0.5": "result.confidence > 0.5",
    "+i": "i",
    "i is 3": "i == 3",
    "result.lable": "result.label",
    "result.label == 'postive'": 'result.label == "positive"',
    "texts.join(', ')": '", ".join(texts)',
    "m.a": 'm["a"]',
    "'n: ' + i": '"n: " + str(i)',
    "s > 3": "len(s) > 3",
    "i > '3'": "i > 3",
    "vote.label": "most_likely(vote).label",
    "result.nick or 'none'": 'default(result.nick, "none")',
    "s or 'none'": '(s if s != "" else "none")',
    "lenght(xs)": "len(xs)",
}


def repaired(text: str) -> str:
    """Apply every fix that does not overlap an earlier one."""
    position, pieces = 0, list[str]()
    for finding in compile_expression(text, SCOPE).findings:
        if finding.replacement is not None and finding.severity == "error" and finding.start >= position:
            pieces += [text[position : finding.start], finding.replacement]
            position = finding.end
    return "".join([*pieces, text[position:]])


@pytest.mark.parametrize("text", sorted(SPELLINGS))
def test_the_fix_of_a_foreign_spelling_gives_a_valid_expression_with_its_meaning(text: str) -> None:
    assert compile_expression(text, SCOPE).expression is None
    expression = compile_expression(repaired(text), SCOPE).expression
    assert expression is not None, repaired(text)
    assert expression.canonical == SPELLINGS[text].removeprefix("(").removesuffix(")") or (
        expression.canonical == SPELLINGS[text]
    )


@pytest.mark.parametrize(
    "text",
    [
        '"a && b || !c"',
        "s == 'x ? y : z'",
        '"${{ x }} => $.input === null"',
        "'true.length'",
        '"a\u201cb\u201dc"',
    ],
)
def test_a_text_literal_is_never_touched(text: str) -> None:
    assert compile_expression(text, SCOPE).findings == ()


def test_everything_else_that_is_wrong_is_reported_in_the_same_pass_at_its_own_place() -> None:
    text = "result.confidnce > 0.7 && result.label != 'postive'"
    found = compile_expression(text, SCOPE).findings
    assert [(finding.code, text[finding.start : finding.end]) for finding in found] == [
        ("E211", "confidnce"),
        ("E221", "&&"),
        ("E217", "'postive'"),
    ]


def test_a_field_called_length_is_a_field() -> None:
    assert codes('{"length": 1}.length') == []


def test_names_in_scope_win_over_foreign_constants() -> None:
    assert compile_expression("null", {"null": SCOPE["i"]}).expression is not None


def test_too_many_spanning_spellings_are_reported_once_without_a_rewriting() -> None:
    found = compile_expression("!" * 40 + "result.ok", SCOPE).findings
    assert [(finding.code, finding.replacement) for finding in found] == [("E221", None)]


def test_an_arrow_in_an_unknown_method_is_explained_without_a_fix() -> None:
    (finding,) = compile_expression("xs.reduce(x => x)", SCOPE).findings
    assert (finding.code, finding.replacement) == ("E221", None)
    assert "comprehension" in finding.suggestion
