"""Values: what expressions give, and what goes wrong at run time."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence

import pytest

from stratum_core.contracts import IntType, JsonType, JsonValue, ListType, MapType
from stratum_core.errors import ExpressionError, FuelExhausted
from stratum_core.ir.expressions import compile_expression
from tests.core.ir.expressions._samples import SCOPE, VALUES, compiled, value

GIVES: dict[str, JsonValue] = {
    "i + 1": 8,
    "7 // 2 * 2 - -7 % 3": 4,
    "-7 // 2": -4,
    "1 / 4": 0.25,
    "s[0] + s[-1]": "Hd",
    "s[1:3] + s[:-10] + s[50:]": "elHe",
    "xs[1:] + [9]": [1, 2, 3, 9],
    "0 < i <= 7 < 9": True,
    "9 < i < 3 // (i - 7)": False,
    "i > 1 and f > 1 and result.ok": True,
    "i > 100 or f > 100 or s == 'a'": False,
    "i > 100 or 1 / (i - 7) > 0 if i > 100 else True": True,
    "result.nick is None and best is None": True,
    "result.items[0].note is None": True,
    "result.items[1].note": "late",
    "m['zzz'] is None and m['a'] is not None": True,
    "m.get('zzz', 4.0)": 4.0,
    "'a' in m and 'z' not in m": True,
    "m.keys()": ["a", "b"],
    "m.values()": [1.5, -2.0],
    "j.a[1].upper()": "TWO",
    "j.b.c == True": True,
    "j.a[0] == 1 and j.a[0] != True": True,
    "j.get('zzz')": None,
    "1 in j.a and True not in j.a and None in j.a": True,
    "len(j.a)": 3,
    "[x * 2 for x in xs if x > 1]": [6, 4, 6],
    "[[y for y in xs if y > x] for x in xs]": [[], [3, 2, 3], [3, 3], []],
    "[a + ':' + str(b) for a, b in zip(texts, xs)]": ["b:3", "a:1", "Ü:2", "a:3"],
    "zip(texts, xs)[0].first": "b",
    "zip(xs, ys, texts)[0].third": "b",
    "all(x > 0 for x in xs)": True,
    "all(x > 1 for x in xs)": False,
    "any([x > 2 for x in xs])": True,
    "any(x > 9 for x in xs)": False,
    "all([True, False])": False,
    "any([])": False,
    "sum(xs)": 9,
    "sum(ys)": 1.75,
    "sum(x > 1 for x in xs)": 3,
    "sum([])": 0,
    "sum([0.1, 0.1, 0.1])": 0.1 + 0.1 + 0.1,
    "min(xs) + max(xs) + min(i, 3) + max(1, 2, 3)": 10,
    "min(texts) + max('a', 'b')": "ab",
    "min(times)": "2026-01-31T10:00:00+01:00",
    "max(times)": "2026-01-31T09:30:00.5Z",
    "sorted(times)[1]": "2026-01-31T09:30:00Z",
    "result.at < '2026-01-31T09:30:00.25Z'": True,
    "result.at == '2026-01-31T10:30:00+01:00'": True,
    "result.at != '2026-01-31T09:30:01Z'": True,
    "times == times": True,
    "result.due < '2026-02-01' and result.due == '2026-01-31'": True,
    "abs(-i) + round(2.5) + round(3.5) + int(-2.7)": 11,
    "round(2.675, 2) + round(1234, -2)": round(2.675, 2) + 1200,
    "round(i, -9223372036854775807)": 0,
    "round(f, 9223372036854775807)": 2.5,
    "int(' 42 ') + int(True)": 43,
    "float('1e2') + float(1) + float(True)": 102.0,
    "str(1) + str(0.5) + str(True) + str('a') + str(result.due)": "10.5Truea2026-01-31",
    "sorted(texts)": ["a", "a", "b", "Ü"],
    "sorted([2, 1.5, 1])": [1, 1.5, 2],
    "set(xs)": [3, 1, 2],
    "set([True, True])": [True],
    "default(first(xs), 0) + default(last([]), 5)": 8,
    "first([]) is None and last(xs) == 3": True,
    "default(result.nick, s)": "Hello, World",
    "default(m['a'], 1 / (i - 7))": 1.5,
    "matches(s, '^hello') or matches(s, '(?i)^hello')": True,
    "find_all(s, '[A-Z]\\\\w+')": ["Hello", "World"],
    "count(xs, 3) + xs.count(1) + s.count('o') + count(x > 1 for x in xs)": 8,
    "flatten(nested)": [1, 2, 3],
    "[x.sku for x in sort_by(result.items, 'q')]": ["AB-1", "CD-2", "AB-3"],
    "[x.sku for x in sort_by(result.items, '-q')]": ["CD-2", "AB-3", "AB-1"],
    "[x.sku for x in top(result.items, 2, 'q')]": ["CD-2", "AB-3"],
    "top(xs, 2) + top(xs, 0)": [3, 3],
    "[g.key for g in group_by(result.items, 'q')]": [1, 5],
    "[len(g.items) for g in group_by(result.items, 'q')]": [1, 2],
    "group_by(result.items, 'note')[0].key is None": True,
    "most_likely(vote).label": "negative",
    "assert_stable(vote, 0.6).label": "negative",
    "s.lower().upper().strip()": "HELLO, WORLD",
    "' a b '.split()": ["a", "b"],
    "s.split(', ')": ["Hello", "World"],
    "'-'.join(texts)": "b-a-Ü-a",
    "s.replace('l', 'L').startswith('HeLL') and s.endswith('d')": True,
    "''.replace('', 'a')": "a",
    '{"a": i, "b": {"c": xs}}': {"a": 7, "b": {"c": [3, 1, 2, 3]}},
    '{"a": i}.a': 7,
    'result["class"]': "first",
    "xs == [3, 1, 2, 3] and xs != [3]": True,
    "nested == [[1, 2], [], [3]]": True,
    "result.nick == 'a'": False,
    "result.nick != 'a'": True,
    "s in ['a', 'Hello, World'] and s not in []": True,
    "result.label in ['negative', 'neutral']": True,
    "'x' in result.tags": True,
    "--i": 7,
    "not result.ok": False,
    "[1 if x > 1 else 0 for x in xs]": [1, 0, 1, 1],
}


@pytest.mark.parametrize("text", sorted(GIVES))
def test_the_value_of_an_expression(text: str) -> None:
    given = value(text)
    assert given == GIVES[text]
    assert type(given) is type(GIVES[text])


FAILS = {
    "xs[9]": "outside 4 items",
    "xs[-5]": "outside 4 items",
    "1 / (i - 7)": "divides by zero",
    "1 // (i - 7)": "divides by zero",
    "i % (i - 7)": "divides by zero",
    "9223372036854775807 + i": "64-bit",
    "-9223372036854775807 - i": "64-bit",
    "abs(-9223372036854775807 - 1)": "64-bit",
    "1e308 * 10": "finite",
    "sum([9223372036854775807, 1])": "64-bit",
    "sum([1e308, 1e308])": "finite",
    "int(1e300)": "64-bit",
    "int('12x')": "whole number",
    "int('99999999999999999999')": "whole number",
    "int('1_0')": "whole number",
    "float('nan')": "needs a number",
    "float('1e999')": "finite",
    "min([])": "empty list",
    "max([x for x in xs if x > 9])": "empty list",
    "s.split('')": "not empty",
    "top(xs, -1)": "0 or more",
    "assert_stable(vote, 0.9)": "0.67",
    "j.zzz": "has no field `zzz`",
    "j.a.zzz": "it has no field",
    "j * 1": "does not apply",
    "j + 1": "does not join",
    "j.t + 1": "does not join",
    "-j.t": "number is needed",
    "j.t < 1": "cannot order",
    "j.a < j.a": "have an order",
    "[x for x in j.t]": "a list is needed",
    "all(j.a)": "needs conditions",
    "all(x for x in j.a)": "must be bool",
    "count(j.a)": "needs conditions",
    "sum(j.a)": "number is needed",
    "min(j.a)": "have an order",
    "sorted([1] + j.a[1:2])": "no common order",
    "len(j.a[0])": "a list is needed",
    "j[0]": "no item",
    "j.a['b']": "no item",
    "j.b[1:]": "slices",
    "xs[j.t:]": "whole numbers",
    "j.a[0].lower()": "takes text",
    "j.a.get('a')": "no method",
    "'a'.join(j.a)": "takes text",
    "1 in j.t": "looked up in text",
    "1 in j.a[0]": "a list is needed",
    "j == j": "records are not compared",
    "[j] == [j]": "records are not compared",
    "j in [j]": "records are not compared",
    "set([j])": "not compared as a whole",
    "sort_by(j.a, 'x')": "list of records",
    "round(f, j.t)": "digits",
    "int(j.a)": "does not apply",
    "float(j.a)": "does not apply",
    "str(j.a)": "does not apply",
    "matches(j.a, 'a')": "looked for in text",
    "find_all(j.a, 'a')": "looked for in text",
    "flatten(j.a)": "a list is needed",
    "j.t.count(1)": "takes text",
    "most_likely(j.a)": "list of records",
    'most_likely({"samples": []} if i > 100 else j)': "a list is needed",
}


@pytest.mark.parametrize("text", sorted(set(FAILS)))
def test_a_fault_at_run_time_is_an_expression_error_that_says_what_went_wrong(text: str) -> None:
    scope = {**SCOPE, "j": JsonType()}
    expression = compile_expression(text, scope).expression
    assert expression is not None, compile_expression(text, scope).findings
    with pytest.raises(ExpressionError) as caught:
        expression.evaluate(VALUES)
    assert FAILS[text] in str(caught.value)


def test_a_value_that_is_not_of_its_type_is_an_expression_error() -> None:
    with pytest.raises(ExpressionError, match="not of its type"):
        compiled("result.n > 2").evaluate({"result": {"n": "three"}})
    with pytest.raises(ExpressionError, match="no field `n`"):
        compiled("result.n > 2").evaluate({"result": {}})
    with pytest.raises(ExpressionError, match="it has no field"):
        compiled("result.n > 2").evaluate({"result": 3})
    with pytest.raises(ExpressionError, match="not a datetime"):
        compiled("max(times)").evaluate({"times": ["yesterday"]})
    with pytest.raises(ExpressionError, match="not a datetime"):
        compiled("max(times)").evaluate({"times": ["2026-01-31T09:30:00"]})


@pytest.mark.parametrize(
    "text", ["not result.ok", "1 if result.ok else 2", "result.ok and i > 1", "i > 1 and result.ok"]
)
def test_a_condition_that_turns_out_not_to_be_bool_is_an_expression_error(text: str) -> None:
    with pytest.raises(ExpressionError, match=r"must be bool; `result.ok` is text"):
        compiled(text).evaluate({"result": {"ok": "yes"}, "i": 3})
    with pytest.raises(ExpressionError, match="must be bool"):
        compiled("[x for x in xs if result.ok]").evaluate({"result": {"ok": 1}, "xs": [1]})


def test_null_is_found_in_a_list_that_may_hold_it() -> None:
    assert value("None in maybe and 2 not in maybe and first(maybe) in maybe") is True


def test_a_name_without_a_value_is_an_expression_error() -> None:
    with pytest.raises(ExpressionError, match="reads `i`, which has no value"):
        compiled("i + 1").evaluate({})


def test_an_optional_datetime_can_be_compared_with_null_in_it() -> None:
    scope = {"a": compiled("first(times)").type}
    expression = compile_expression("a == '2026-01-31T09:30:00Z'", scope).expression
    assert expression is not None
    assert expression.evaluate({"a": None}) is False
    assert expression.evaluate({"a": "2026-01-31T09:30:00Z"}) is True


class Lazy(Sequence[JsonValue]):
    """A list whose items are made when asked for."""

    def __init__(self, size: int) -> None:
        self.size = size

    def __len__(self) -> int:
        return self.size

    def __getitem__(self, index: int | slice) -> JsonValue:  # pyright: ignore[reportIncompatibleMethodOverride]
        return list(range(self.size))[index] if isinstance(index, slice) else range(self.size)[index]


class View(Mapping[str, JsonValue]):
    """A record that is no dict."""

    def __init__(self, fields: dict[str, JsonValue]) -> None:
        self.fields = fields

    def __getitem__(self, key: str) -> JsonValue:
        return self.fields[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self.fields)

    def __len__(self) -> int:
        return len(self.fields)


def test_lazy_lists_and_records_are_values_too() -> None:
    values = {"xs": Lazy(5), "result": View({"n": 3, "ok": True}), "m": View({"a": 1.0})}
    text = "[x for x in xs if x > 2] + xs[:1] + [xs[-1], len(xs), result.n, sum(xs), max(xs), len(m)]"
    assert compiled(text).evaluate(values) == [3, 4, 0, 4, 5, 3, 10, 4, 1]
    assert compiled("xs == [0, 1, 2, 3, 4] and 3 in xs and result.nick is None").evaluate(values) is True
    assert compiled("sorted(xs) + flatten([xs, xs]) + set(xs) + top(xs, 1)").evaluate(values) == [
        *(0, 1, 2, 3, 4),
        *(0, 1, 2, 3, 4, 0, 1, 2, 3, 4),
        *(0, 1, 2, 3, 4, 4),
    ]


def test_evaluation_changes_nothing_and_can_be_repeated() -> None:
    expression = compiled("[x.q for x in sort_by(result.items, '-q')] + sorted(xs)")
    before = repr(VALUES)
    assert expression.evaluate(VALUES) == expression.evaluate(VALUES) == [5, 5, 1, 1, 2, 3, 3]
    assert repr(VALUES) == before


def test_one_expression_serves_many_threads() -> None:
    expression = compiled("sum([x * y for x, y in zip(xs, xs)]) + len(find_all(s, 'l'))")
    results: list[JsonValue] = []

    def work() -> None:
        results.extend(expression.evaluate(VALUES) for _ in range(200))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [26] * 800


def test_fuel_is_charged_before_the_work_and_its_use_does_not_depend_on_earlier_evaluations() -> None:
    expression = compiled("[find_all(t, '[a-z]+') for t in texts]")
    needed = next(fuel for fuel in range(1, 5_000) if _enough(expression.evaluate, fuel))
    for _ in range(3):
        assert not _enough(expression.evaluate, needed - 1)
        assert _enough(expression.evaluate, needed)


def _enough(evaluate: object, fuel: int) -> bool:
    assert callable(evaluate)
    try:
        evaluate(VALUES, fuel=fuel)
    except FuelExhausted:
        return False
    return True


def test_values_over_the_size_limits_are_refused() -> None:
    scope = {"xs": ListType(item=IntType()), "m": MapType(IntType())}
    many: dict[str, JsonValue] = {"xs": list(range(150_000)), "m": {}}
    for text in ("xs + xs", "flatten([xs, xs])", "len('a'.join([str(x) for x in xs]).replace('', 'bbb'))"):
        expression = compile_expression(text, scope).expression
        assert expression is not None
        with pytest.raises(FuelExhausted, match="the limit is"):
            expression.evaluate(many, fuel=10**9)
