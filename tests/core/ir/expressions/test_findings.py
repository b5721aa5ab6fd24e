"""What is wrong with an expression: the code, the place and the fix of each finding."""

from __future__ import annotations

import pytest

from stratum_core.contracts import BoolType, EnumType, FloatType, IntType, ListType, StringType, Type
from stratum_core.ir.expressions import EXPRESSION_CODES, compile_expression
from tests.core.ir.expressions._samples import SCOPE, codes

FINDINGS: list[tuple[str, str, str]] = [
    # limits, characters, syntax
    ("i + # note", "E201", "#"),
    ("'abc", "E201", "'abc"),
    ('"a\\bc"', "E201", "\\b"),
    ('"\\ud800"', "E201", '"\\ud800"'),
    ("9223372036854775808", "E201", "9223372036854775808"),
    ("1e999", "E201", "1e999"),
    ("012", "E201", "012"),
    ("3i", "E201", "3i"),
    ("i; f", "E201", ";"),
    ("", "E202", ""),
    ("   ", "E202", "   "),
    ("i +", "E202", "+"),
    ("i f", "E202", "i f"),
    ("i > > 1", "E202", ">"),
    ("(i", "E202", "("),
    ("i)", "E202", ")"),
    ("(i]", "E202", "]"),
    ("'a' 'b'", "E202", "'a' 'b'"),
    ("i > class", "E202", "class"),
    # not part of the language
    ("i ** 3", "E203", "i ** 3"),
    ("i << 1", "E203", "i << 1"),
    ("~i", "E203", "~i"),
    ("+i", "E203", "+i"),
    ("xs[::2]", "E203", "xs[::2]"),
    ("(y := 3)", "E203", "y := 3"),
    ("s is 'a'", "E203", "s is 'a'"),
    ("xs[0](1)", "E203", "xs[0](1)"),
    ("...", "E203", "..."),
    ("[x + y for x in xs for y in xs]", "E204", "[x + y for x in xs for y in xs]"),
    ("[x for x in xs if x if x]", "E204", "[x for x in xs if x if x]"),
    ("(x for x in xs)", "E204", "(x for x in xs)"),
    ("{x for x in xs}", "E204", "{x for x in xs}"),
    ("[a for a, b in xs]", "E204", "xs"),
    ("[1 for xs[0] in xs]", "E204", "[1 for xs[0] in xs]"),
    ("f'{i}'", "E205", "f'{i}'"),
    ("b'a'", "E205", "b'a'"),
    ("(1, 2)", "E206", "(1, 2)"),
    ("{1, 2}", "E206", "{1, 2}"),
    ('{"a": 1, "a": 2}', "E206", '{"a": 1, "a": 2}'),
    ("{**m}", "E206", "{**m}"),
    ("round(f, ndigits=2)", "E207", "round(f, ndigits=2)"),
    ("max(*xs)", "E207", "max(*xs)"),
    ("lambda: 1", "E208", "lambda: 1"),
    ("[i for i in xs]", "E209", "i"),
    # names, fields, functions
    ("resutl.label", "E210", "resutl"),
    ("len", "E210", "len"),
    ("result.lable", "E211", "lable"),
    ("result.items.sku", "E211", "result.items.sku"),
    ("s.lower", "E211", "s.lower"),
    ("i.real", "E211", "i.real"),
    ("m.a", "E211", "m.a"),
    ("sort_by(result.items, 'Q')", "E211", "'Q'"),
    ("lenn(xs)", "E212", "lenn(xs)"),
    ("now()", "E212", "now()"),
    ("s.title()", "E212", "s.title()"),
    ("xs.lower()", "E212", "xs.lower()"),
    ("j.title()", "E212", "j.title()"),
    ("result.get('label')", "E212", "result.get('label')"),
    ("len()", "E213", "len()"),
    ("find_all(s, 'a', 'b')", "E213", "find_all(s, 'a', 'b')"),
    ("len(xs, xs)", "E213", "len(xs, xs)"),
    ("s.replace('a')", "E213", "s.replace('a')"),
    ("j.get()", "E213", "j.get()"),
    # types
    ("s + 1", "E214", "1"),
    ("s - s", "E214", "s - s"),
    ("xs + texts", "E214", "xs + texts"),
    ("-s", "E214", "-s"),
    ("i / 0", "E214", "i / 0"),
    ("s < i", "E214", "s < i"),
    ("xs > 3", "E214", "xs > 3"),
    ("result.due < result.at", "E214", "result.due < result.at"),
    ("s == 3", "E214", "s == 3"),
    ("i in texts", "E214", "i in texts"),
    ("i in s", "E214", "i"),
    ("i in m", "E214", "i"),
    ("i in i", "E214", "i in i"),
    ("i[0]", "E214", "i[0]"),
    ("xs['a']", "E214", "'a'"),
    ("m[1]", "E214", "1"),
    ("i[1:]", "E214", "i[1:]"),
    ("s['a':]", "E214", "'a'"),
    ("[1, 'a']", "E214", "'a'"),
    ("1 if result.ok else 'a'", "E214", "1 if result.ok else 'a'"),
    ("[x for x in i]", "E214", "i"),
    ("[x for x in m]", "E214", "m"),
    ("sum(texts)", "E214", "texts"),
    ("min(result.items)", "E214", "result.items"),
    ("max(i, s)", "E214", "s"),
    ("sorted(result.items)", "E214", "result.items"),
    ("abs(s)", "E214", "s"),
    ("round(s)", "E214", "s"),
    ("round(f, f)", "E214", "f"),
    ("int(xs)", "E214", "xs"),
    ("str(xs)", "E214", "xs"),
    ("len(i)", "E214", "i"),
    ("flatten(xs)", "E214", "xs"),
    ("first(i)", "E214", "i"),
    ("zip(i, xs)", "E214", "i"),
    ("count(xs)", "E214", "xs"),
    ("count(xs, s)", "E214", "s"),
    ("xs.count(s)", "E214", "s"),
    ("s.count(i)", "E214", "i"),
    ("','.join(xs)", "E214", "xs"),
    ("','.join(i)", "E214", "i"),
    ("m.get(1)", "E214", "1"),
    ("m.get('a', s)", "E214", "s"),
    ("default(result.nick, 1)", "E214", "1"),
    ("matches(i, 'a')", "E214", "i"),
    ("sort_by(xs, 'q')", "E214", "xs"),
    ("sort_by(result.items, s)", "E214", "s"),
    ("sort_by([{\"a\": xs}], 'a')", "E214", "'a'"),
    ("top(xs, 'a')", "E214", "'a'"),
    ("top(result.items, 1)", "E214", "result.items"),
    ("most_likely(s)", "E214", "most_likely(s)"),
    ("assert_stable(vote, 2)", "E214", "2"),
    # conditions
    ("not xs", "E215", "xs"),
    ("any(maybe)", "E215", "maybe"),
    ("top(xs, 1, 'q')", "E214", "xs"),
    ("sum(i)", "E214", "i"),
    ("count(i, 1)", "E214", "i"),
    ("set(i)", "E214", "i"),
    ("sort_by(i, 'q')", "E214", "i"),
    ("group_by(i, 'q')", "E214", "i"),
    ("top(i, 1)", "E214", "i"),
    ("flatten(i)", "E214", "i"),
    ("not (1,)", "E206", "(1,)"),
    ("result.at is 'a'", "E203", "result.at is 'a'"),
    ("vote is None", "E222", "vote"),
    ("vote in xs", "E222", "vote"),
    ("i and result.ok", "E215", "i"),
    ("result.ok and s", "E215", "s"),
    ("1 if s else 2", "E215", "s"),
    ("[x for x in xs if x]", "E215", "x"),
    ("all(xs)", "E215", "xs"),
    ("s or 'none'", "E215", "s or 'none'"),
    ("result.nick or 'none'", "E215", "result.nick or 'none'"),
    ("xs or result.ok", "E215", "xs"),
    ("not best", "E215", "best"),
    ("not result.items[0]", "E215", "result.items[0]"),
    ("not None", "E215", "None"),
    # null
    ("result.nick.lower()", "E216", "result.nick"),
    ("best.label", "E216", "best"),
    ("m['a'] + 1", "E216", "m['a']"),
    ("first(xs) > 1", "E216", "first(xs)"),
    ("sum(maybe)", "E216", "maybe"),
    ("max(maybe)", "E216", "maybe"),
    ("sorted(maybe)", "E216", "maybe"),
    ("top(maybe, 1)", "E216", "maybe"),
    ("sort_by(result.items, 'note')", "E216", "'note'"),
    (
        "any(x.note is None or x.note > 'a' or len(x.note) > 1 for x in result.items if x.q > 1) and best.ok",
        "E216",
        "best",
    ),
    # values that never match, patterns, records
    ("result.label == 'postive'", "E217", "'postive'"),
    ("'postive' != result.label", "E217", "'postive'"),
    ("result.label in ['neutral', 'postive']", "E217", "'postive'"),
    ("result.due < '31.1.2026'", "E217", "'31.1.2026'"),
    ("result.at < '2026-01-31'", "E217", "'2026-01-31'"),
    ("matches(s, s)", "E218", "s"),
    ("matches(s, '(?=a)')", "E218", "'(?=a)'"),
    ("matches(s, '(')", "E218", "'('"),
    ("matches(s, '(a{1,100}){1,100}')", "E218", "'(a{1,100}){1,100}'"),
    ("find_all(s, '(?P<n>a)')", "E218", "'(?P<n>a)'"),
    ("find_all(s, '[[:alpha:]]')", "E218", "'[[:alpha:]]'"),
    ("result == result", "E219", "result == result"),
    ("result.items == result.items", "E219", "result.items == result.items"),
    ("result in [result]", "E219", "result in [result]"),
    ("set(result.items)", "E219", "result.items"),
    ("group_by([{\"a\": xs}], 'a')", "E219", "'a'"),
    ("count(result.items, result)", "E219", "result"),
    # probabilistic, thresholds
    ("vote.label", "E222", "vote"),
    ("vote == None", "E222", "vote"),
    ("default(vote, 1)", "E222", "vote"),
    ("not vote", "E222", "vote"),
    ("result.confidence > 1", "E223", "result.confidence > 1"),
    ("result.confidence >= 1.5", "E223", "result.confidence >= 1.5"),
    ("result.confidence < 0", "E223", "result.confidence < 0"),
    ("0 > result.n", "E223", "0 > result.n"),
    ("result.confidence == 2", "E223", "result.confidence == 2"),
    ("0 <= result.confidence <= -1", "E223", "result.confidence <= -1"),
    ("abs(i) < 0", "E223", "abs(i) < 0"),
    ("min(result.confidence, 0.5) > 0.5", "E223", "min(result.confidence, 0.5) > 0.5"),
    ("-result.confidence > 0", "E223", "-result.confidence > 0"),
    ("result.confidence <= 1", "W523", "result.confidence <= 1"),
    ("result.confidence != 2", "W523", "result.confidence != 2"),
    ("len(xs) >= 0", "W523", "len(xs) >= 0"),
    ("i is not None", "W523", "i is not None"),
    ("i is None", "W523", "i is None"),
    ("default(i, 3)", "W523", "default(i, 3)"),
]


@pytest.mark.parametrize(("text", "code", "place"), FINDINGS, ids=[f"{text!r}" for text, _, _ in FINDINGS])
def test_a_fault_is_reported_with_its_code_at_its_place(text: str, code: str, place: str) -> None:
    found = [
        (finding.code, text[finding.start : finding.end])
        for finding in compile_expression(text, SCOPE).findings
    ]
    assert (code, place) in found
    assert {other for other, _ in found} <= {code, "W523"}


def test_every_code_is_explained_and_every_explained_code_is_tested() -> None:
    tested = {code for _, code, _ in FINDINGS} | {"E200", "E220", "E221"}
    assert tested == set(EXPRESSION_CODES)
    assert all(all(column) for column in EXPRESSION_CODES.values())


WANTED: list[tuple[str, Type, list[str], str | None]] = [
    ("s", StringType(), [], None),
    ("i", FloatType(), [], None),
    ("i", IntType(min=1, max=5), [], None),
    ("'neutral'", EnumType(("positive", "neutral")), [], None),
    ("'neutrl'", EnumType(("positive", "neutral")), ["E217"], '"neutral"'),
    ("i", StringType(), ["E220"], "str(i)"),
    ("f", IntType(), ["E220"], "round(f)"),
    ("s", IntType(), ["E220"], None),
    ("xs", ListType(item=StringType()), ["E220"], None),
    ("[]", ListType(item=StringType()), [], None),
    ("result.nick", StringType(), ["E216"], None),
    ("vote", StringType(), ["E222"], "most_likely(vote)"),
    ("result.ok", BoolType(), [], None),
    ("s", BoolType(), ["E215"], 's != ""'),
    ("i", BoolType(), ["E215"], "i != 0"),
    ("xs", BoolType(), ["E215"], "len(xs) > 0"),
    ("best", BoolType(), ["E215"], "best is not None"),
    ("j", BoolType(), ["E215"], None),
    ("nothing", StringType(), ["E210"], None),
]


@pytest.mark.parametrize(("text", "want", "expected", "fix"), WANTED)
def test_the_value_must_fit_the_type_that_is_needed(
    text: str, want: Type, expected: list[str], fix: str | None
) -> None:
    result = compile_expression(text, SCOPE, want=want)
    assert [finding.code for finding in result.findings] == expected
    assert [finding.replacement for finding in result.findings] == [fix] * len(expected)
    assert (result.expression is None) is bool(expected)


def test_one_pass_reports_every_fault_once() -> None:
    text = "result.confidnce > 1 and nobody == 2 and lenn(xs) > 0 and s.title() == 'a'"
    assert codes(text) == ["E211", "E210", "E212", "E212"]


def test_a_part_with_a_fault_causes_no_others() -> None:
    assert codes("(nobody.name.lower() + 3) * 'a' > [1] and nobody[0].x in nobody") == [
        "E210",
        "E210",
        "E210",
    ]


def test_the_middle_of_a_chain_is_checked_once() -> None:
    assert codes("0 < nobody < 3") == ["E210"]


def test_a_name_that_comes_later_in_the_flow_says_so() -> None:
    (finding,) = compile_expression("draft.text", SCOPE, later={"draft"}).findings
    assert finding.code == "E210"
    assert "a step reads only earlier steps" in finding.message


def test_positions_count_characters_also_after_other_scripts_and_line_breaks() -> None:
    text = '"😀é" == s\n  and größe > 1'
    (finding,) = compile_expression(text, SCOPE).findings
    assert text[finding.start : finding.end] == "größe"


def test_a_name_in_look_alike_characters_is_refused_with_its_plain_spelling() -> None:
    (finding,) = compile_expression("ﬁeld", {"field": StringType()}).findings
    assert (finding.code, finding.replacement) == ("E201", "field")
