"""Static types: what an expression gives, what narrowing knows, where the opaque mark goes, what is read."""

from __future__ import annotations

import pytest

from stratum_core.contracts import (
    BoolType,
    EnumType,
    JsonScalar,
    JsonValue,
    ListType,
    OpaqueType,
    OptionalType,
    StringType,
    describe,
)
from stratum_core.ir.expressions import SIGNATURES, canonical, compile_expression, literal_expression, path_of
from stratum_core.specs import Expression
from tests.core.ir.expressions._samples import ITEM, SCOPE, TEXT, VALUES, codes, compiled

TYPES = {
    "1": "int[1..1]",
    "1.5": "float[1.5..1.5]",
    "'a'": '"a"',
    "True": "bool",
    "None": "null",
    "i + 1": "int",
    "i + 1.0": "float",
    "i / 2": "float",
    "i // 2": "int",
    "s + 'a'": "string",
    "xs + [1]": "list<int>",
    "xs + ys": "list<float>",
    "xs[0]": "int",
    "xs[0:2]": "list<int>",
    "s[0]": "string",
    "s[1:]": "string",
    "m['a']": "optional<float>",
    "m.get('a')": "optional<float>",
    "m.get('a', 0.0)": "float",
    "m.keys()": "list<string>",
    "m.values()": "list<float>",
    "j.a[0].b": "json",
    "j.a + 1": "json",
    "j.a == 1": "bool",
    "j.t.lower()": "string",
    "j.t.count('a')": "int[0..]",
    "j.keys()": "list<string>",
    "j.values()": "list<json>",
    "j.get('a')": "json",
    "j.t.split()": "list<string>",
    "j.t.startswith('a')": "bool",
    "[x for x in j.a]": "list<json>",
    'result["class"]': "string",
    "result.label": '"positive" | "negative" | "neutral"',
    "result.nick": "optional<string>",
    "[x.q for x in result.items]": "list<int>",
    "[a for a, b in zip(texts, xs)]": "list<string>",
    "zip(texts, xs)[0].second": "int",
    "zip(texts, xs, ys)[0].third": "float",
    "[]": "list<never>",
    "[1, 2.5]": "list<float>",
    "[None, 1]": "list<optional<int[1..1]>>",
    '{"a": i, "b": s}': "{a, b}",
    '{"a": i}.a': "int",
    "1 if result.ok else None": "optional<int[1..1]>",
    "'a' if result.ok else 'b'": '"a" | "b"',
    "'a' if result.ok else s": "string",
    "len(xs)": "int[0..]",
    "sum(xs)": "int",
    "sum(ys)": "float",
    "sum(x > 1 for x in xs)": "int",
    "min(xs)": "int",
    "max(i, 0)": "int[0..]",
    "max(f, 0)": "float[0..]",
    "min(result.confidence, 0.5)": "float[0..0.5]",
    "min(s, 'a')": "string",
    "min(times)": "datetime",
    "abs(i)": "int[0..]",
    "abs(f)": "float[0..]",
    "-result.confidence": "float[-1..0]",
    "-result.n": "int[..0]",
    "round(f)": "int",
    "round(f, 2)": "float",
    "round(i, 2)": "int",
    "round(j)": "int",
    "int(s)": "int",
    "float('1')": "float",
    "str(result.due)": "string",
    "sorted(texts)": "list<string>",
    "set(xs)": "list<int>",
    "first(xs)": "optional<int>",
    "last(j.a)": "json",
    "default(first(xs), 0)": "int",
    "default(None, 0)": "int[0..0]",
    "default(j.a, 0)": "json",
    "matches(s, 'a')": "bool",
    "find_all(s, 'a')": "list<string>",
    "count(xs, 3)": "int[0..]",
    "count(x > 1 for x in xs)": "int[0..]",
    "flatten(nested)": "list<int>",
    "flatten(j.a)": "json",
    "sum(j.a)": "json",
    "abs(j.a)": "json",
    "sort_by(result.items, '-q')": "list<Item>",
    "top(result.items, 2, 'q')": "list<Item>",
    "top(xs, 2)": "list<int>",
    "group_by(result.items, 'sku')": "list<{key, items}>",
    "group_by(result.items, 'sku')[0].items": "list<Item>",
    "group_by(result.items, 'note')[0].key": "optional<string>",
    "most_likely(vote)": "Result",
    "assert_stable(vote, 0.9).label": '"positive" | "negative" | "neutral"',
    "', '.join(texts)": "string",
    "s.split(',')": "list<string>",
    "s.count('a')": "int[0..]",
    "texts.count('a')": "int[0..]",
    "not result.ok": "bool",
    "i < 3 and f > 1": "bool",
    "-j": "json",
    "j[0]": "json",
    "j[1:]": "json",
    "1 in j": "bool",
    "top(j, 2)": "list<json>",
    "top(j, 2, 'a')": "list<json>",
    "sort_by(j, 'a')": "list<json>",
    "i in [1, 2]": "bool",
}


@pytest.mark.parametrize("text", sorted(TYPES))
def test_the_type_of_an_expression(text: str) -> None:
    assert describe(compiled(text).type) == TYPES[text]


OPAQUE = {
    "result.secret": "opaque<string>",
    "result.secret + 'a'": "opaque<string>",
    "'a' + result.secret": "opaque<string>",
    "result.secret[0]": "opaque<string>",
    "result.secret[1:]": "opaque<string>",
    "result.secret.lower()": "opaque<string>",
    "s.replace('a', result.secret)": "opaque<string>",
    "result.secret.split()": "list<opaque<string>>",
    "', '.join(secrets)": "opaque<string>",
    "str(result.secret)": "opaque<string>",
    "secrets[0]": "opaque<string>",
    "secrets[0:1]": "list<opaque<string>>",
    "first(secrets)": "optional<opaque<string>>",
    "sorted(secrets)": "list<opaque<string>>",
    "max(secrets)": "opaque<string>",
    "max(result.secret, s)": "opaque<string>",
    "[x for x in secrets]": "list<opaque<string>>",
    "[s, result.secret]": "list<opaque<string>>",
    "result.secret if result.ok else 'none'": "opaque<string>",
    "find_all(result.secret, 'a')": "list<opaque<string>>",
    "zip(secrets, xs)[0].first": "opaque<string>",
    '{"a": result.secret}.a': "opaque<string>",
    "result.secret == 'a'": "bool",
    "len(result.secret)": "int[0..]",
    "matches(result.secret, 'a')": "bool",
    "'a' in result.secret": "bool",
    "result.secret.count('a')": "int[0..]",
    "count(secrets, 'a')": "int[0..]",
    "result.secret.startswith('a')": "bool",
    "int(result.secret)": "int",
}


@pytest.mark.parametrize("text", sorted(OPAQUE))
def test_the_opaque_mark_stays_on_text_and_not_on_judgements_about_it(text: str) -> None:
    assert describe(compiled(text).type) == OPAQUE[text]


def test_fields_and_items_of_an_opaque_record_are_opaque() -> None:
    from_record = compile_expression("r.label", {"r": _opaque("result")}).type
    from_list = compile_expression("[x for x in r]", {"r": _opaque("texts")}).type
    from_map = compile_expression("r['a']", {"r": _opaque("m")}).type
    assert describe(from_record) == 'opaque<"positive" | "negative" | "neutral">'
    assert describe(from_list) == "list<opaque<string>>"
    assert describe(from_map) == "optional<opaque<float>>"


def _opaque(name: str) -> OpaqueType:
    return OpaqueType(SCOPE[name])


NARROWED = [
    "best is not None and best.ok",
    "best != None and best.ok",
    "best is None or best.ok",
    "not (best is None) and best.ok",
    "not (best is None or best.n < 2) and best.ok",
    "best.ok if best is not None else False",
    "False if best is None else best.ok",
    "result.nick is not None and len(result.nick) > 1",
    "result.nick == 'a' and result.nick.lower() == 'a'",
    "result.nick != 'a' or result.nick.lower() == 'a'",
    "m['a'] is not None and m['a'] > 1",
    "[x.note.lower() for x in result.items if x.note is not None] == []",
    "all(x > 1 for x in [x for x in maybe if x is not None])",
    "result.nick is not None and (i > 1 or len(result.nick) > 1)",
    "best is not None and best.nick is not None and len(best.nick) > 2",
]


@pytest.mark.parametrize("text", NARROWED)
def test_a_test_for_null_is_understood(text: str) -> None:
    assert codes(text, want=BoolType()) == []


NOT_NARROWED = [
    "best is None and best.ok",
    "best is not None or best.ok",
    "best.ok and best is not None",
    "(best is not None and i > 1) or best.ok",
    "best.ok if best is None else False",
    "result.nick != 'a' and len(result.nick) > 1",
    "result.items[0].note is not None and len(result.items[1].note) > 1",
]


@pytest.mark.parametrize("text", NOT_NARROWED)
def test_a_test_that_proves_nothing_does_not_help(text: str) -> None:
    assert "E216" in codes(text, want=BoolType())


def test_conditions_of_the_place_narrow_too() -> None:
    assert codes("best.label") == ["E216"]
    assert codes("best.label", when="best is not None and best.n > 1") == []
    assert codes("best.label", when="best is None") == ["E216"]
    assert codes("best.label", when="i > 1") == ["E216"]


def test_a_name_of_a_comprehension_is_not_narrowed_by_the_same_name_outside() -> None:
    text = "[x.note for x in result.items if x.note is not None] == [y.note.lower() for y in result.items]"
    assert codes(text) == ["E216"]


@pytest.mark.parametrize(
    ("values", "text", "expected"),
    [
        ((1, 2, 3), "x + 1 > 2", []),
        ((1, 2, 3), "x > 3", ["E223"]),
        ((0.5, 1), "x <= 1", ["W523"]),
        ((True, False), "x and True", []),
        ((1, None), "x > 1", ["E216"]),
        ((None,), "x is None", []),
        ((1, "a"), "x == 1", []),
    ],
)
def test_an_enum_of_numbers_or_booleans_is_used_as_what_its_values_are(
    values: tuple[JsonScalar, ...], text: str, expected: list[str]
) -> None:
    found = compile_expression(text, {"x": EnumType(values)}).findings
    assert [finding.code for finding in found] == expected


def test_names_and_reads_are_the_free_ones() -> None:
    expression = compiled("[x.sku for x in result.items if x.q > i] + [result.reasoning.lower(), s]")
    assert expression.names == {"result", "i", "s"}
    assert expression.reads == {("result", "items"), ("i",), ("result", "reasoning"), ("s",)}
    assert compiled("result.nick").reads == {("result", "nick")}
    assert path_of(compiled("result.nick").node) == ("result", "nick")
    assert path_of(compiled("xs[0]").node) is None
    assert compiled("len(xs)").names == {"xs"}


def test_a_compiled_expression_is_what_the_specs_ask_for() -> None:
    expression: Expression = compiled(" i+1 ")
    assert (expression.source, expression.canonical) == (" i+1 ", "i + 1")
    assert expression.evaluate(VALUES) == 8
    assert "i + 1" in repr(expression)


CANONICAL = {
    "  i+1 ": "i + 1",
    "(i)": "i",
    "((i+1))*2": "(i + 1) * 2",
    "i-(1-2)": "i - (1 - 2)",
    "i-1-2": "i - 1 - 2",
    "-(-i)": "--i",
    "-(i+1)": "-(i + 1)",
    "'a\\'b'": '"a\'b"',
    "'a\"b'": '"a\\"b"',
    "r'a\\d'": '"a\\\\d"',
    "'a\\d'": '"a\\\\d"',
    "'\\n\\t\\r'": '"\\n\\t\\r"',
    "'\\x41\\u00e9\\u200b'": '"Aé\\u200b"',
    "'\\U0001F600'": '"😀"',
    "'\\U000E0001'": '"\\U000e0001"',
    "1_000": "1000",
    "1.50": "1.5",
    "1e3": "1000.0",
    "2.": "2.0",
    ".5": "0.5",
    "not i == 1": "i != 1",
    "not i in xs": "i not in xs",
    "not (i < 1)": "not i < 1",
    "i == None": "i is None",
    "i != None": "i is not None",
    "a and (b and c)": "a and (b and c)",
    "(a or b) and c": "(a or b) and c",
    "a if b else (c if d else e)": "a if b else c if d else e",
    "(a if b else c) if d else e": "(a if b else c) if d else e",
    "all([x for x in xs])": "all([x for x in xs])",
    "all(x  for x in xs if(x))": "all(x for x in xs if x)",
    "[a+b for a,b in zip(xs,ys)]": "[a + b for a, b in zip(xs, ys)]",
    "{'a':1,'b':[1,2,]}": '{"a": 1, "b": [1, 2]}',
    "xs[1:]": "xs[1:]",
    "xs[:-1]": "xs[:-1]",
    "xs[:]": "xs[:]",
    "(1).a": "(1).a",
    "(a+b).c": "(a + b).c",
    "a<b<=c": "a < b <= c",
    "(a<b)<c": "(a < b) < c",
    "i\n+\n1": "i + 1",
    "i\u00a0+ 1": "i + 1",
}


@pytest.mark.parametrize("text", sorted(CANONICAL))
def test_there_is_one_spelling_and_it_is_a_fixed_point(text: str) -> None:
    assert canonical(text) == CANONICAL[text]
    assert canonical(CANONICAL[text]) == CANONICAL[text]


def test_what_does_not_parse_has_no_canonical_spelling() -> None:
    assert [canonical(text) for text in ("i +", "a && b", "x ** 2", "lambda: 1")] == [None] * 4


@pytest.mark.parametrize(
    ("value", "text", "kind"),
    [
        (3, "3", "int[3..3]"),
        (-2.5, "-2.5", "float[-2.5..-2.5]"),
        (True, "True", "bool"),
        (None, "None", "null"),
        ("a", '"a"', '"a"'),
        ([1, 2], "[1, 2]", "list<int>"),
        ([1, "a"], '[1, "a"]', "list<json>"),
        ({"a": [], "b": {"c": False}}, '{"a": [], "b": {"c": False}}', "{a, b}"),
    ],
)
def test_a_literal_of_the_document_is_an_expression_too(value: JsonValue, text: str, kind: str) -> None:
    expression = literal_expression(value)
    assert (expression.source, expression.canonical, describe(expression.type)) == (text, text, kind)
    assert expression.evaluate({}) == value
    assert expression.names == expression.reads == frozenset()
    assert canonical(text) == text


def test_every_function_and_method_has_a_signature_and_a_meaning() -> None:
    names = {name.rpartition(".")[2] for name in SIGNATURES}
    functions = (
        "len all any sum min max abs round int float str sorted set first last default matches find_all count"
    )
    more = "flatten zip sort_by group_by top most_likely assert_stable"
    methods = "lower upper strip startswith endswith split join replace get keys values count"
    assert names == set(f"{functions} {more} {methods}".split())
    assert all(
        name.rpartition(".")[2] in signature and meaning for name, (signature, meaning) in SIGNATURES.items()
    )


def test_types_of_parts_can_be_asked_for() -> None:
    expression = compiled("[x.sku for x in result.items]")
    kinds = {describe(kind) for kind in expression.types.values()}
    assert {"list<Item>", "string", "Item", "Result"} <= kinds
    assert ListType(item=TEXT) in expression.types.values()
    assert ITEM in expression.types.values()
    assert OptionalType(StringType()) not in expression.types.values()
