"""Evaluator: a checked tree becomes one closure; running it does the work and nothing else.

Every node is built once. Fuel is charged before the work: a loop pays for its body at each turn, an operation on text
or lists pays for its size. A single pass over the tree needs no charge, because its size is limited.
"""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, TypeAlias

from stratum_core.contracts import JsonType, JsonValue, OptionalType, RecordType, Type
from stratum_core.errors import ExpressionError
from stratum_core.ir.expressions._builtins import FUNCTIONS
from stratum_core.ir.expressions._loops import Run, build_list, build_loop, items_of
from stratum_core.ir.expressions._meter import Meter, is_list, kind_name, number
from stratum_core.ir.expressions._methods import METHODS
from stratum_core.ir.expressions._pattern import matcher, pattern_weight
from stratum_core.ir.expressions._render import COMPARISONS, OPERATORS, render
from stratum_core.ir.expressions._search import compile_search, find_all
from stratum_core.ir.expressions._shape import is_number, is_text_shape, shape
from stratum_core.ir.expressions._values import equal, holds_datetimes, instant, order_key

__all__ = ["build"]

Compare: TypeAlias = Callable[[Any, Any], bool]
"""A comparison of two values of one kind."""

_ARITHMETIC: Mapping[str, Callable[[float, float], float]] = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "/": lambda a, b: a / b,
    "//": lambda a, b: a // b,
    "%": lambda a, b: a % b,
}
_ORDER: Mapping[str, Compare] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "==": operator.eq,
    "!=": operator.ne,
}
_NUMBERS = frozenset({int, float})


def build(node: ast.expr, types: Mapping[ast.expr, Type]) -> Run:
    """Return the closure of a tree without findings."""
    return _Builder(types).run(node)


class _Builder:
    """Builds closures with the checked types at hand."""

    def __init__(self, types: Mapping[ast.expr, Type]) -> None:
        self.types = types

    def run(self, node: ast.expr) -> Run:
        """Return the closure of any node."""
        match node:
            case ast.Constant(value=value):
                return self.constant(value)
            case ast.Name(id=name):
                return lambda meter: meter.values[name]
            case ast.Attribute(value=value, attr=attr):
                return self.field(value, attr)
            case ast.Compare():
                return self.comparison(node)
            case ast.Subscript(value=value, slice=ast.Slice(lower=lower, upper=upper)):
                return self.slice(value, lower, upper)
            case ast.Subscript(value=value, slice=index):
                return self.index(node, value, index)
            case ast.BoolOp(op=op, values=values):
                return self.logic(values, stop=isinstance(op, ast.Or))
            case ast.UnaryOp(op=op, operand=operand):
                return self.unary(op, operand)
            case ast.BinOp():
                return self.arithmetic(node)
            case ast.IfExp(test=test, body=body, orelse=orelse):
                return self.conditional(test, body, orelse)
            case _:
                return self.compound(node)

    def compound(self, node: ast.expr) -> Run:
        """Return the closure of a node that builds or calls."""
        match node:
            case ast.List(elts=items):
                runs = [self.run(item) for item in items]
                return lambda meter: [run(meter) for run in runs]
            case ast.Dict(keys=keys, values=values):
                names = [str(key.value) for key in keys if isinstance(key, ast.Constant)]
                parts = list(zip(names, [self.run(value) for value in values], strict=True))
                return lambda meter: {name: run(meter) for name, run in parts}
            case ast.ListComp(elt=item, generators=[clause]):
                return build_list(item, clause, self.run)
            case ast.GeneratorExp(elt=item, generators=[clause]):
                loop = build_loop(item, clause, self.run)
                return lambda meter: list(loop(meter))
            case ast.Call(func=ast.Name(id=name), args=args):
                return self.function(name, args)
            case ast.Call(func=ast.Attribute(value=value, attr=attr), args=args):
                return self.method(value, attr, args)
            case _:
                raise AssertionError(f"the grammar lets {type(node).__name__} through")

    def constant(self, value: object) -> Run:
        """Return a literal."""
        known: JsonValue = value if isinstance(value, (str, int, float)) else None
        return lambda _: known

    def field(self, owner: ast.expr, name: str) -> Run:
        """Read a field; a missing optional one is null."""
        run = self.run(owner)
        bare = shape(self.types[owner]).bare
        field = bare.field(name) if isinstance(bare, RecordType) else None
        may_miss = field is not None and (
            isinstance(field.type, (OptionalType, JsonType)) or shape(field.type).nullable
        )

        def read(meter: Meter) -> JsonValue:
            record = run(meter)
            if isinstance(record, dict):
                if name in record:
                    return record[name]
            elif not isinstance(record, Mapping):
                raise ExpressionError(f"`{render(owner)}` is {kind_name(record)}; it has no field `{name}`")
            elif name in record:
                return record[name]
            if may_miss:
                return None
            raise ExpressionError(
                f"`{render(owner)}` has no field `{name}`", remedy=f'for json use .get("{name}")'
            )

        return read

    def index(self, node: ast.expr, owner: ast.expr, index: ast.expr) -> Run:
        """Read an item of a list, map, record or text."""
        bare = shape(self.types[owner]).bare
        if isinstance(bare, RecordType) and isinstance(index, ast.Constant):
            return self.field(owner, str(index.value))
        run, position = self.run(owner), self.run(index)

        def read(meter: Meter) -> JsonValue:
            value, at = run(meter), position(meter)
            if isinstance(value, Mapping) and isinstance(at, str):
                return value.get(at)
            if isinstance(value, (str, Sequence)) and type(at) is int:
                if -len(value) <= at < len(value):
                    return value[at]
                raise ExpressionError(f"`{render(node)}`: index {at} is outside {len(value)} items")
            raise ExpressionError(f"`{render(node)}`: {kind_name(value)} has no item at {kind_name(at)}")

        return read

    def slice(self, owner: ast.expr, lower: ast.expr | None, upper: ast.expr | None) -> Run:
        """Cut a list or text."""
        run = self.run(owner)
        first, last = (None if end is None else self.run(end) for end in (lower, upper))

        def cut(meter: Meter) -> JsonValue:
            value = run(meter)
            start = _whole(first(meter)) if first is not None else None
            stop = _whole(last(meter)) if last is not None else None
            if not isinstance(value, (str, Sequence)):
                raise ExpressionError(f"only text and lists have slices, not {kind_name(value)}")
            begin, end, _ = slice(start, stop).indices(len(value))
            if isinstance(value, str):
                meter.write_text(max(0, end - begin))
            else:
                meter.write_items(max(0, end - begin))
            return value[begin:end]

        return cut

    def logic(self, values: list[ast.expr], *, stop: bool) -> Run:
        """`and` and `or`: stops at the first operand that decides."""
        runs = [self.condition(value) for value in values]
        if len(runs) == 2:  # noqa: PLR2004 - the common case, without a loop
            left, right = runs
            if stop:
                return lambda meter: left(meter) or right(meter)
            return lambda meter: left(meter) and right(meter)

        def decide(meter: Meter) -> JsonValue:
            return next((stop for run in runs if run(meter) is stop), not stop)

        return decide

    def condition(self, node: ast.expr) -> Run:
        """Return a closure that gives a bool or an error."""
        run = self.run(node)
        if isinstance(node, (ast.Compare, ast.BoolOp)):
            return run  # always a bool

        def test(meter: Meter) -> JsonValue:
            value = run(meter)
            if value is True or value is False:
                return value
            raise ExpressionError(f"a condition must be bool; `{render(node)}` is {kind_name(value)}")

        return test

    def conditional(self, test: ast.expr, body: ast.expr, orelse: ast.expr) -> Run:
        """`a if c else b`."""
        decide, first, second = self.condition(test), self.run(body), self.run(orelse)
        return lambda meter: first(meter) if decide(meter) else second(meter)

    def unary(self, op: ast.unaryop, operand: ast.expr) -> Run:
        """`not x` and `-x`."""
        if isinstance(op, ast.Not):
            test = self.condition(operand)
            return lambda meter: not test(meter)
        run = self.run(operand)
        return lambda meter: number(-number(run(meter)))

    def arithmetic(self, node: ast.BinOp) -> Run:
        """Numbers; `+` also joins text and lists."""
        sign = OPERATORS[type(node.op)]
        left, right, apply = self.run(node.left), self.run(node.right), _ARITHMETIC[sign]

        def calculate(meter: Meter) -> JsonValue:
            first, second = left(meter), right(meter)
            if type(first) in _NUMBERS and type(second) in _NUMBERS:
                try:
                    return number(apply(number(first), number(second)))
                except ZeroDivisionError:
                    raise ExpressionError(f"`{render(node)}` divides by zero") from None
            if sign == "+":
                return _joined(meter, first, second)
            kinds = f"{kind_name(first)} and {kind_name(second)}"
            raise ExpressionError(f"`{sign}` does not apply to {kinds} in `{render(node)}`")

        return calculate

    def comparison(self, node: ast.Compare) -> Run:
        """A comparison or a chain of them; the middle of a chain is evaluated once."""
        simple = self.simple(node) if len(node.ops) == 1 else None
        if simple is not None:
            return simple
        operands = [node.left, *node.comparators]
        runs = [self.run(operand) for operand in operands]
        tests = [
            self.pair(left, op, right)
            for left, op, right in zip(operands, node.ops, operands[1:], strict=False)
        ]
        if len(tests) == 1:
            left, right, test = runs[0], runs[1], tests[0]
            return lambda meter: test(meter, left(meter), right(meter))

        def chain(meter: Meter) -> JsonValue:
            value = runs[0](meter)
            for run, test in zip(runs[1:], tests, strict=True):
                other = run(meter)
                if not test(meter, value, other):
                    return False
                value = other
            return True

        return chain

    def simple(self, node: ast.Compare) -> Run | None:
        """Return a shortcut for a comparison that asks little of its right side: a test for null, a list of texts."""
        match node.ops[0]:
            case ast.Is():
                run = self.run(node.left)
                return lambda meter: run(meter) is None
            case ast.IsNot():
                run = self.run(node.left)
                return lambda meter: run(meter) is not None
            case ast.In() | ast.NotIn():
                return self.listed(node)
            case _:
                return None

    def listed(self, node: ast.Compare) -> Run | None:
        """Return a shortcut for a text in a list of text literals, the commonest membership test."""
        wanted, right = isinstance(node.ops[0], ast.In), node.comparators[0]
        if not isinstance(right, ast.List):
            return None
        known = frozenset(item.value for item in right.elts if isinstance(item, ast.Constant))
        texts = all(isinstance(item, ast.Constant) and isinstance(item.value, str) for item in right.elts)
        if not texts or not is_text_shape(shape(self.types[node.left]).bare):
            return None
        run = self.run(node.left)

        def test(meter: Meter) -> JsonValue:
            value = run(meter)
            meter.charge(1)
            return (isinstance(value, str) and value in known) is wanted

        return test

    def pair(
        self, left: ast.expr, op: ast.cmpop, right: ast.expr
    ) -> Callable[[Meter, JsonValue, JsonValue], bool]:
        """Return the test of one comparison of a chain."""
        sign = COMPARISONS[type(op)]
        match sign:
            case "is":
                return lambda _meter, a, _b: a is None
            case "is not":
                return lambda _meter, a, _b: a is not None
            case "in" | "not in":
                return partial(_membership, sign == "in")
            case _:
                compare = _ORDER[sign]
        first, second = self.types[left], self.types[right]
        if _is_plain_number(first) and _is_plain_number(second):
            return lambda _meter, a, b: compare(a, b)
        if holds_datetimes(first) or holds_datetimes(second):
            return partial(_instants, compare)
        if sign in {"==", "!="}:
            return partial(_equality, sign == "==")
        return partial(_order, compare)

    def function(self, name: str, args: list[ast.expr]) -> Run:
        """Return the closure of a function call."""
        runs = [self.run(argument) for argument in args]
        if name == "default":
            value, fallback = runs
            return lambda meter: fallback(meter) if (found := value(meter)) is None else found
        if name in {"matches", "find_all"}:
            return _pattern_call(name, runs[0], args[1])
        if name in {"all", "any"} and isinstance(args[0], (ast.GeneratorExp, ast.ListComp)):
            return self.quantifier(args[0], stop=name == "any")
        apply = FUNCTIONS[name]
        if name in {"min", "max", "sorted"} and any(
            holds_datetimes(self.types[argument]) for argument in args
        ):
            return lambda meter: apply(meter, [run(meter) for run in runs], instant)
        return lambda meter: apply(meter, [run(meter) for run in runs], order_key)

    def quantifier(self, node: ast.GeneratorExp | ast.ListComp, *, stop: bool) -> Run:
        """`any` and `all` over a comprehension: stop at the first item that decides."""
        loop = build_loop(node.elt, node.generators[0], self.run)

        def decide(meter: Meter) -> JsonValue:
            for value in loop(meter):
                if value is stop:
                    return stop
                if value is not True and value is not False:
                    raise ExpressionError(
                        f"a condition must be bool; `{render(node.elt)}` is {kind_name(value)}"
                    )
            return not stop

        return decide

    def method(self, owner: ast.expr, name: str, args: list[ast.expr]) -> Run:
        """Return the closure of a method call."""
        receiver, runs, apply = self.run(owner), [self.run(argument) for argument in args], METHODS[name]
        return lambda meter: apply(meter, receiver(meter), [run(meter) for run in runs])


def _is_plain_number(kind: Type) -> bool:
    """Return whether every value of a type is a number."""
    found = shape(kind)
    return is_number(found.bare) and not found.nullable


def _whole(value: JsonValue) -> int:
    """Return an end of a slice."""
    if type(value) is int:
        return value
    raise ExpressionError(f"the ends of a slice are whole numbers, not {kind_name(value)}")


def _joined(meter: Meter, first: JsonValue, second: JsonValue) -> JsonValue:
    """Join two texts or two lists."""
    if isinstance(first, str) and isinstance(second, str):
        meter.write_text(len(first) + len(second))
        return first + second
    if is_list(first) and is_list(second):
        left, right = items_of(first), items_of(second)
        meter.write_items(len(left) + len(right))
        return [*left, *right]
    raise ExpressionError(f"`+` does not join {kind_name(first)} and {kind_name(second)}")


def _equality(wanted: bool, meter: Meter, left: JsonValue, right: JsonValue) -> bool:  # noqa: FBT001 - bound by partial
    """`==` and `!=` of scalars and lists."""
    if left is None or right is None:
        return (left is right) is wanted
    meter.compare_cost(left)
    meter.compare_cost(right)
    return equal(left, right) is wanted


def _order(compare: Compare, meter: Meter, left: JsonValue, right: JsonValue) -> bool:
    """Order two numbers or two texts."""
    first, second = order_key(left), order_key(right)
    if isinstance(first, str) is not isinstance(second, str):
        raise ExpressionError(f"cannot order {kind_name(left)} and {kind_name(right)}")
    if isinstance(first, str):
        meter.read_text(len(first))
    return compare(first, second)


def _instants(compare: Compare, meter: Meter, left: JsonValue, right: JsonValue) -> bool:
    """Compare two points in time; lists of them item by item."""
    if left is None or right is None:
        return compare(left, right)
    if is_list(left) and is_list(right):
        first, second = items_of(left), items_of(right)
        meter.charge(1 + len(first) + len(second))
        return compare([instant(item) for item in first], [instant(item) for item in second])
    meter.charge(2)
    return compare(instant(left), instant(right))


def _membership(wanted: bool, meter: Meter, needle: JsonValue, haystack: JsonValue) -> bool:  # noqa: FBT001 - bound by partial
    """`in` and `not in` a list, text or map."""
    if isinstance(haystack, str):
        if not isinstance(needle, str):
            raise ExpressionError(f"only text is looked up in text, not {kind_name(needle)}")
        meter.read_text(8 * (len(haystack) + len(needle)))
        return (needle in haystack) is wanted
    if isinstance(haystack, Mapping):
        return (isinstance(needle, str) and needle in haystack) is wanted
    items = items_of(haystack)
    meter.compare_cost(needle)
    size = len(needle) if isinstance(needle, str) else 0
    meter.charge(1 + len(items) * (2 + size // 64))
    if isinstance(needle, Mapping) or any(isinstance(item, Mapping) for item in items):
        raise ExpressionError("records are not compared as a whole", remedy="compare the fields that matter")
    return any(equal(needle, item) for item in items) is wanted


def _pattern_call(name: str, run: Run, pattern: ast.expr) -> Run:
    """`matches` and `find_all`."""
    text = str(pattern.value) if isinstance(pattern, ast.Constant) else ""
    weight = pattern_weight(text)
    if name == "find_all":
        program = compile_search(text)
        return lambda meter: find_all(meter, program, _subject(run(meter)))
    found = matcher(text)

    def test(meter: Meter) -> JsonValue:
        subject = _subject(run(meter))
        meter.charge(4 + len(subject) * weight // 16)
        return found(subject)

    return test


def _subject(value: JsonValue) -> str:
    """Return the text a pattern is looked for in."""
    if isinstance(value, str):
        return value
    raise ExpressionError(f"a pattern is looked for in text, not in {kind_name(value)}")
