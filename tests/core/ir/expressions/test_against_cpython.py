"""Expressions against CPython: on type-correct programs the canonical text means what Python says it means."""

from __future__ import annotations

import builtins
import random
import re
from collections.abc import Callable, Mapping, Sequence

from stratum_core.contracts import JsonValue
from stratum_core.errors import ExpressionError
from stratum_core.ir.expressions import canonical, compile_expression
from tests.core.ir.expressions._samples import SCOPE, VALUES

PROGRAMS = 5_000
MAX_DEPTH = 4


class Record:
    """A JSON record read with attributes, as the canonical text does."""

    def __init__(self, fields: Mapping[str, JsonValue]) -> None:
        values: dict[str, JsonValue] = {"nick": None, "note": None, **fields}
        self.__dict__.update({name: as_python(value) for name, value in values.items()})


def as_python(value: JsonValue) -> object:
    """Turn records into objects with attributes."""
    if isinstance(value, Mapping):
        return Record(value)
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [as_python(item) for item in value]
    return value


def default(value: object, fallback: object) -> object:
    return fallback if value is None else value


def first(items: list[object]) -> object:
    return items[0] if items else None


def last(items: list[object]) -> object:
    return items[-1] if items else None


def unique(items: list[object]) -> list[object]:
    return list(dict.fromkeys(items))


def flatten(lists: list[list[object]]) -> list[object]:
    return [item for items in lists for item in items]


def count(items: list[object], value: object) -> int:
    return items.count(value)


def matches(text: str, pattern: str) -> bool:
    return re.search(pattern, text) is not None


BUILTINS: dict[str, object] = {
    name: getattr(builtins, name)
    for name in (
        "abs",
        "all",
        "any",
        "float",
        "int",
        "len",
        "max",
        "min",
        "round",
        "sorted",
        "str",
        "sum",
        "zip",
    )
}
PYTHON: dict[str, object] = {
    **BUILTINS,
    "set": unique,
    "default": default,
    "first": first,
    "last": last,
    "flatten": flatten,
    "count": count,
    "matches": matches,
}


class Programs:
    """Makes random programs whose parts have the types they need."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)  # noqa: S311 - a repeatable test, not a secret
        self.fresh = 0

    def choose(self, *makers: str | Callable[[int], str], depth: int) -> str:
        """Return a leaf, or what one maker makes of smaller parts."""
        leaves = [maker for maker in makers if isinstance(maker, str)]
        deeper = [maker for maker in makers if not isinstance(maker, str)]
        if depth >= MAX_DEPTH or not deeper or self.random.random() < 0.2:
            return self.random.choice(leaves)
        return self.random.choice(deeper)(depth + 1)

    def sign(self, *signs: str) -> str:
        return self.random.choice(signs)

    def name(self) -> str:
        self.fresh += 1
        return f"v{self.fresh}"

    def whole(self, depth: int) -> str:
        return self.choose(
            *("i", "result.n", "1", "0", "-3", "12", "len(result.tags)", "9223372036854775807"),
            lambda d: f"({self.whole(d)} {self.sign('+', '-', '*', '//', '%')} {self.whole(d)})",
            lambda d: f"-{self.whole(d)}",
            lambda d: f"abs({self.whole(d)})",
            lambda d: f"len({self.sign(self.text(d), self.wholes(d))})",
            lambda d: f"round({self.number(d)})",
            lambda d: f"int({self.number(d)})",
            lambda d: f"sum({self.wholes(d)})",
            lambda d: f"sum({self.condition(d)} for x in result.tags)".replace(" x ", f" {self.name()} "),
            lambda d: f"{self.sign('min', 'max')}({self.whole(d)}, {self.whole(d)})",
            lambda d: f"{self.sign('min', 'max')}({self.wholes(d)})",
            lambda d: f"({self.whole(d)} if {self.condition(d)} else {self.whole(d)})",
            lambda d: f"{self.wholes(d)}[{self.whole(d)}]",
            lambda d: f"{self.text(d)}.count({self.text(d)})",
            lambda d: f"count({self.wholes(d)}, {self.whole(d)})",
            lambda d: f"default({self.sign('first', 'last')}({self.wholes(d)}), {self.whole(MAX_DEPTH)})",
            depth=depth,
        )

    def number(self, depth: int) -> str:
        return self.choose(
            *("f", "result.confidence", "0.5", "2.0", "1e3", "i"),
            self.whole,
            lambda d: f"({self.number(d)} {self.sign('+', '-', '*', '/', '//', '%')} {self.number(d)})",
            lambda d: f"round({self.number(d)}, {self.sign('-2', '0', '1', '3')})",
            lambda d: f"float({self.whole(d)})",
            lambda d: f"({self.number(d)} if {self.condition(d)} else {self.number(d)})",
            depth=depth,
        )

    def text(self, depth: int) -> str:
        return self.choose(
            *("s", "result.reasoning", "result.label", '"b"', '""', "'a \"b\" \\\\ é'"),
            lambda d: f"({self.text(d)} + {self.text(d)})",
            lambda d: f"{self.text(d)}.{self.sign('lower', 'upper', 'strip')}()",
            lambda d: f"{self.text(d)}[{self.whole(d)}:{self.whole(d)}]",
            lambda d: f"{self.text(d)}.replace({self.text(d)}, {self.text(d)})",
            lambda d: f"{self.text(d)}.join({self.words(d)})",
            lambda d: f"str({self.sign(self.number(d), self.condition(d), self.text(d))})",
            lambda d: f"({self.text(d)} if {self.condition(d)} else {self.text(d)})",
            lambda _: f"default(result.nick, {self.text(MAX_DEPTH)})",
            depth=depth,
        )

    def wholes(self, depth: int) -> str:
        return self.choose(
            *("xs", "[x.q for x in result.items]", "[]", "[1, 2, 2]"),
            lambda d: f"({self.wholes(d)} + {self.wholes(d)})",
            lambda d: f"{self.sign('sorted', 'set')}({self.wholes(d)})",
            lambda d: f"{self.wholes(d)}[:{self.whole(d)}]",
            lambda d: f"flatten([{self.wholes(d)}, {self.wholes(d)}])",
            lambda d: f"[{self.whole(d)}, {self.whole(d)}]",
            self.comprehension,
            lambda _: f"[a + b for a, b in zip({self.wholes(MAX_DEPTH)}, xs)]",
            depth=depth,
        )

    def comprehension(self, depth: int) -> str:
        name = self.name()
        test = self.sign("", f" if {name} > {self.whole(depth)}")
        return f"[{name} * 2 - {self.whole(depth)} for {name} in {self.wholes(depth)}{test}]"

    def words(self, depth: int) -> str:
        return self.choose(
            *("result.tags", "texts", "[x.sku for x in result.items]"),
            lambda d: f"{self.text(d)}.split()",
            lambda d: f"{self.text(d)}.split({self.text(d)})",
            lambda d: f"{self.sign('sorted', 'set')}({self.words(d)})",
            lambda d: f"[{self.text(d)}, {self.text(d)}]",
            depth=depth,
        )

    def condition(self, depth: int) -> str:
        return self.choose(
            *("True", "result.ok", "result.n > 2", "result.label == 'negative'", "result.nick is None"),
            lambda d: f"{self.number(d)} {self.sign('<', '<=', '>', '>=', '==', '!=')} {self.number(d)}",
            lambda d: f"{self.number(d)} < {self.number(d)} <= {self.number(d)}",
            lambda d: f"{self.text(d)} {self.sign('<', '>=', '==', '!=', 'in', 'not in')} {self.text(d)}",
            lambda d: f"{self.whole(d)} {self.sign('in', 'not in')} {self.wholes(d)}",
            lambda d: f"{self.text(d)} in {self.words(d)}",
            lambda d: f"{self.wholes(d)} {self.sign('==', '!=')} {self.wholes(d)}",
            lambda d: f"({self.condition(d)} {self.sign('and', 'or')} {self.condition(d)})",
            lambda d: f"not {self.condition(d)}",
            lambda d: f"not ({self.condition(d)})",
            lambda d: f"{self.sign('all', 'any')}({self.condition(d)} for x in xs)".replace(
                " x ", f" {self.name()} "
            ),
            lambda d: f"{self.text(d)}.{self.sign('startswith', 'endswith')}({self.text(d)})",
            lambda d: f"matches({self.text(d)}, {self.sign('^[a-z]+', 'b|c$', '[^a-z ]{2}')!r})",
            depth=depth,
        )

    def any(self) -> str:
        """Return a program of any type."""
        make = self.random.choice(
            [self.whole, self.number, self.text, self.wholes, self.words, self.condition]
        )
        return make(0)


def test_type_correct_programs_mean_what_cpython_says_and_their_canonical_text_is_a_fixed_point() -> None:
    programs = Programs(seed=20260131)
    names: dict[str, object] = {
        "__builtins__": {},
        **PYTHON,
        **{name: as_python(value) for name, value in VALUES.items()},
    }
    compiled = faults = 0
    while compiled < PROGRAMS:
        text = programs.any()
        expression = compile_expression(text, SCOPE).expression
        if expression is None:
            continue  # a threshold that is never true, a literal that matches nothing, a program over the limits
        compiled += 1
        assert canonical(expression.canonical) == expression.canonical
        ours, fault = None, ""
        try:
            ours = expression.evaluate(VALUES)
        except ExpressionError as error:
            fault = str(error)
            faults += 1
        try:
            theirs = eval(expression.canonical, names)  # noqa: S307 - our own text
        except (ArithmeticError, ValueError, IndexError):
            assert fault, (text, ours)
            continue
        if fault:
            assert "range" in fault, (text, fault)  # Python holds larger integers in between
            continue
        assert ours == theirs, (text, expression.canonical)
        assert type(ours) is type(theirs), (text, expression.canonical)
    assert faults < compiled // 2
