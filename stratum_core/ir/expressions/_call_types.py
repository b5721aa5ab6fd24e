"""Type rules of the functions, one for each; arity was checked before."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from types import MappingProxyType

from stratum_core.contracts import (
    AnyType,
    BoolType,
    Field,
    FloatType,
    IntType,
    JsonType,
    ListType,
    MapType,
    NeverType,
    NullType,
    ProbabilisticType,
    RecordType,
    StringType,
    Type,
    join,
    optional,
)
from stratum_core.errors import ExpressionError
from stratum_core.ir.expressions._context import Context, nearest
from stratum_core.ir.expressions._pattern import check_pattern
from stratum_core.ir.expressions._render import render
from stratum_core.ir.expressions._shape import (
    Shape,
    bounds,
    is_number,
    is_scalar,
    is_text_shape,
    is_unknown,
    mark,
    orderable,
    say,
    shape,
)

__all__ = ["FUNCTION_RULES"]

Rule = Callable[[Context, ast.Call], Type]


def _name(node: ast.Call) -> str:
    return node.func.id if isinstance(node.func, ast.Name) else ""


def _mismatch(context: Context, node: ast.Call, argument: ast.expr, needs: str, advice: str = "") -> Type:
    """Report an argument of the wrong type."""
    kind = say(shape(context.types[argument]).bare)
    return context.report(
        "E214", argument, f"{_name(node)}(...) needs {needs}; `{render(argument)}` is {kind}", advice
    )


def _argument(context: Context, node: ast.Call, index: int = 0) -> Shape:
    return context.value(node.args[index], f"{_name(node)}(...)")


def _items(context: Context, node: ast.Call, index: int = 0) -> tuple[Shape, Shape] | None:
    """Return the shapes of a list argument and of its items; None when it is no list, which is reported."""
    found = _argument(context, node, index)
    if isinstance(found.bare, ListType):
        item = shape(found.bare.item)
        return found, Shape(bare=item.bare, nullable=item.nullable, opaque=item.opaque or found.opaque)
    if is_unknown(found.bare):
        return found, Shape(bare=found.bare, nullable=False, opaque=found.opaque)
    _mismatch(context, node, node.args[index], "a list")
    return None


def _whole_item(pair: tuple[Shape, Shape]) -> Type:
    """Return the full type of an item, marks included."""
    found, item = pair
    kind = found.bare.item if isinstance(found.bare, ListType) else item.bare
    return mark(kind, opaque=found.opaque)


def _not_null_items(context: Context, node: ast.Call, item: Shape) -> bool:
    """Report items that may be null."""
    if item.nullable and not is_unknown(item.bare):
        text = render(node.args[0])
        message = f"items of `{text}` may be null, so {_name(node)}(...) could fail"
        context.report("E216", node.args[0], message, f"leave them out: [x for x in {text} if x is not None]")
        return False
    return True


def _len(context: Context, node: ast.Call) -> Type:
    bare = _argument(context, node).bare
    if isinstance(bare, ListType):
        return IntType(min=bare.min_length or 0, max=bare.max_length)
    if isinstance(bare, StringType):
        return IntType(min=bare.min_length or 0, max=bare.max_length)
    if not (isinstance(bare, MapType) or is_text_shape(bare) or is_unknown(bare)):
        return _mismatch(context, node, node.args[0], "text, a list or a map")
    return IntType(min=0)


def _all_any(context: Context, node: ast.Call) -> Type:
    pair = _items(context, node)
    if pair is not None:
        bare = pair[1].bare
        if pair[1].nullable and isinstance(bare, BoolType):
            _not_null_items(context, node, pair[1])
        elif not isinstance(bare, BoolType) and not is_unknown(bare):
            message = (
                f"{_name(node)}(...) needs conditions; the items of `{render(node.args[0])}` are {say(bare)}"
            )
            context.report("E215", node.args[0], message, f"write {_name(node)}(condition for x in items)")
    return BoolType()


def _sum(context: Context, node: ast.Call) -> Type:
    pair = _items(context, node)
    if pair is None or not _not_null_items(context, node, pair[1]):
        return AnyType()
    bare = pair[1].bare
    if isinstance(bare, FloatType):
        return FloatType()
    if isinstance(bare, (IntType, BoolType, NeverType)):
        return IntType()
    if is_unknown(bare):
        return bare
    return _mismatch(context, node, node.args[0], "a list of numbers")


def _extreme(context: Context, node: ast.Call) -> Type:
    """Check `min` and `max`."""
    if len(node.args) > 1:
        return _extreme_of_many(context, node)
    pair = _items(context, node)
    if pair is None or not _not_null_items(context, node, pair[1]):
        return AnyType()
    if not orderable(pair[1].bare, pair[1].bare):
        return _mismatch(
            context,
            node,
            node.args[0],
            "a list of numbers, text or dates",
            'for records: top(items, 1, "field")',
        )
    return _whole_item(pair)


def _extreme_of_many(context: Context, node: ast.Call) -> Type:
    """Check `min(a, b)`; its range follows from the ranges of the arguments."""
    shapes = [_argument(context, node, index) for index in range(len(node.args))]
    joined: Type = NeverType()
    for argument, found in zip(node.args, shapes, strict=True):
        together = join(joined, found.bare)
        if together is None or not orderable(together, together):
            return _mismatch(context, node, argument, "numbers, texts or dates, all of one kind")
        joined = together
    if not is_number(joined):
        return mark(joined, opaque=any(found.opaque for found in shapes))
    choose = min if _name(node) == "min" else max
    low = choose(bounds(found.bare)[0] for found in shapes)
    high = choose(bounds(found.bare)[1] for found in shapes)
    return _ranged(joined, low, high)


def _ranged(kind: Type, low: float, high: float) -> Type:
    """Return a number type with the given bounds, infinite ones left open."""
    smallest = None if low == float("-inf") else low
    largest = None if high == float("inf") else high
    if isinstance(kind, IntType):
        return IntType(
            min=None if smallest is None else int(smallest), max=None if largest is None else int(largest)
        )
    return FloatType(min=smallest, max=largest)


def _abs(context: Context, node: ast.Call) -> Type:
    bare = _argument(context, node).bare
    if isinstance(bare, IntType):
        return IntType(min=0)
    if isinstance(bare, FloatType):
        return FloatType(min=0.0)
    return bare if is_unknown(bare) else _mismatch(context, node, node.args[0], "a number")


def _round(context: Context, node: ast.Call) -> Type:
    bare = _argument(context, node).bare
    if len(node.args) > 1:
        digits = _argument(context, node, 1).bare
        if not isinstance(digits, IntType) and not is_unknown(digits):
            _mismatch(context, node, node.args[1], "a whole number of digits")
    if is_unknown(bare):
        return IntType() if len(node.args) == 1 else bare
    if not is_number(bare):
        return _mismatch(context, node, node.args[0], "a number")
    return IntType() if len(node.args) == 1 or isinstance(bare, IntType) else FloatType()


def _convert(context: Context, node: ast.Call) -> Type:
    """Check `int` and `float`."""
    bare = _argument(context, node).bare
    if not (is_number(bare) or is_text_shape(bare) or isinstance(bare, BoolType) or is_unknown(bare)):
        return _mismatch(context, node, node.args[0], "a number or text")
    return IntType() if _name(node) == "int" else FloatType()


def _str(context: Context, node: ast.Call) -> Type:
    found = _argument(context, node)
    if not is_scalar(found.bare):
        return _mismatch(
            context, node, node.args[0], "text, a number, a bool or a date", 'for lists: ", ".join(...)'
        )
    return found.again(StringType())


def _sorted(context: Context, node: ast.Call) -> Type:
    pair = _items(context, node)
    if pair is None or not _not_null_items(context, node, pair[1]):
        return AnyType()
    bare = pair[1].bare
    if not orderable(bare, bare):
        return _mismatch(
            context,
            node,
            node.args[0],
            "a list of numbers, text or dates",
            'for records: sort_by(items, "field")',
        )
    return ListType(item=_whole_item(pair))


def _set(context: Context, node: ast.Call) -> Type:
    pair = _items(context, node)
    if pair is None:
        return AnyType()
    if not is_scalar(pair[1].bare):
        context.report(
            "E219",
            node.args[0],
            "set(...) compares its items; records and lists are not compared",
            'use group_by(items, "field")',
        )
    return ListType(item=_whole_item(pair))


def _first_last(context: Context, node: ast.Call) -> Type:
    pair = _items(context, node)
    if pair is None:
        return AnyType()
    return _whole_item(pair) if is_unknown(pair[1].bare) else optional(_whole_item(pair))


def _default(context: Context, node: ast.Call) -> Type:
    value, fallback = context.type_of(node.args[0]), context.type_of(node.args[1])
    found = shape(value)
    if isinstance(found.bare, ProbabilisticType):
        context.probabilistic(node.args[0])
        return AnyType()
    if not found.nullable and not is_unknown(found.bare):
        text = render(node.args[0])
        message = f"`{text}` is never null, so default(...) does nothing"
        context.report("W523", node, message, f"write {text}", severity="warning", replacement=text)
        return value
    bare = fallback if isinstance(found.bare, NullType) else join(found.again(found.bare), fallback)
    if bare is None:
        message = f"the fallback of default(...) is {say(fallback)}, the value {say(value)}"
        return context.report("E214", node.args[1], message)
    return bare


def _pattern(context: Context, node: ast.Call) -> Type:
    """Check `matches` and `find_all`."""
    found = _argument(context, node)
    context.type_of(node.args[1])
    if not is_text_shape(found.bare) and not is_unknown(found.bare):
        _mismatch(context, node, node.args[0], "text")
    pattern = node.args[1]
    if not (isinstance(pattern, ast.Constant) and isinstance(pattern.value, str)):
        context.report(
            "E218", pattern, "the pattern must be a text literal, not computed", 'write matches(text, "...")'
        )
    else:
        try:
            check_pattern(pattern.value, find=_name(node) == "find_all")
        except ExpressionError as error:
            context.report("E218", pattern, error.message, error.remedy)
    if _name(node) == "matches":
        return BoolType()
    return ListType(item=found.again(StringType()))


def _count(context: Context, node: ast.Call) -> Type:
    pair = _items(context, node)
    if pair is None:
        return IntType(min=0)
    bare = pair[1].bare
    if len(node.args) == 1:
        if not isinstance(bare, BoolType) and not is_unknown(bare):
            advice = "len(...) counts items; count(condition for x in items) those that fit"
            _mismatch(context, node, node.args[0], "conditions, or a value to look for", advice)
        return IntType(min=0)
    value = shape(context.type_of(node.args[1])).bare
    if not is_unknown(bare) and not is_unknown(value) and (not is_scalar(bare) or join(bare, value) is None):
        message = f"the list holds {say(bare)}, not {say(value)}"
        context.report("E214" if is_scalar(bare) else "E219", node.args[1], message)
    return IntType(min=0)


def _flatten(context: Context, node: ast.Call) -> Type:
    pair = _items(context, node)
    if pair is None or not _not_null_items(context, node, pair[1]):
        return AnyType()
    bare = pair[1].bare
    if isinstance(bare, ListType):
        return ListType(item=pair[1].again(bare.item))
    if is_unknown(bare):
        return bare if isinstance(bare, JsonType) else AnyType()
    return _mismatch(context, node, node.args[0], "a list of lists")


def _zip(context: Context, node: ast.Call) -> Type:
    pairs = [_items(context, node, index) for index in range(len(node.args))]
    kinds = [AnyType() if pair is None else _whole_item(pair) for pair in pairs]
    names = ("first", "second", "third")
    fields = tuple(Field(name=name, type=kind) for name, kind in zip(names, kinds, strict=False))
    return ListType(item=RecordType(fields=fields))


def _field(context: Context, node: ast.Call, item: Shape, position: int, *, signed: bool) -> Type | None:
    """Return the type of the field that a text literal names; None when it is reported or unknown."""
    argument = node.args[position]
    context.type_of(argument)
    if not (isinstance(argument, ast.Constant) and isinstance(argument.value, str)):
        context.report(
            "E214", argument, f"{_name(node)}(...) takes the field's name as a text literal", 'e.g. "score"'
        )
        return None
    if is_unknown(item.bare):
        return None
    if not isinstance(item.bare, RecordType):
        _mismatch(context, node, node.args[0], "a list of records")
        return None
    name = argument.value.removeprefix("-") if signed else argument.value
    field = item.bare.field(name)
    if field is None:
        close = nearest(name, item.bare.field_names)
        advice = (
            (f"did you mean `{close}`? " if close else "") + "fields: " + ", ".join(item.bare.field_names)
        )
        replacement = f'"{close}"' if close else None
        context.report(
            "E211",
            argument,
            f"`{say(item.bare)}` has no field `{name}`",
            advice,
            replacement=replacement,
        )
        return None
    return field.type


def _sort_by(context: Context, node: ast.Call) -> Type:
    pair = _items(context, node)
    if pair is None:
        return AnyType()
    kind = _field(context, node, pair[1], 1, signed=True)
    if kind is not None:
        _orderable_field(context, node, node.args[1], kind)
    return ListType(item=_whole_item(pair))


def _orderable_field(context: Context, node: ast.Call, argument: ast.expr, kind: Type) -> None:
    """Report a field that cannot be ordered by."""
    found = shape(kind)
    if found.nullable and not is_unknown(found.bare):
        message = f"the field {render(argument)} may be null, so {_name(node)}(...) could fail"
        context.report("E216", argument, message, "leave those items out first")
    elif not orderable(found.bare, found.bare):
        context.report(
            "E214", argument, f"{_name(node)}(...) orders by numbers, text or dates, not {say(kind)}"
        )


def _group_by(context: Context, node: ast.Call) -> Type:
    pair = _items(context, node)
    if pair is None:
        return AnyType()
    kind = _field(context, node, pair[1], 1, signed=False)
    if kind is not None and not is_scalar(shape(kind).bare):
        context.report("E219", node.args[1], f"group_by(...) compares the field; it is {say(kind)}")
    key = JsonType() if kind is None else pair[1].again(kind)
    items = ListType(item=_whole_item(pair))
    return ListType(item=RecordType(fields=(Field(name="key", type=key), Field(name="items", type=items))))


def _top(context: Context, node: ast.Call) -> Type:
    pair = _items(context, node)
    size = _argument(context, node, 1).bare
    if not isinstance(size, IntType) and not is_unknown(size):
        _mismatch(context, node, node.args[1], "a whole number of items")
    if pair is None:
        return AnyType()
    if len(node.args) > 2:  # noqa: PLR2004 - the field is the third argument
        kind = _field(context, node, pair[1], 2, signed=False)
        if kind is not None:
            _orderable_field(context, node, node.args[2], kind)
    elif not orderable(pair[1].bare, pair[1].bare):
        _mismatch(
            context,
            node,
            node.args[0],
            "a list of numbers, text or dates",
            'for records: top(items, n, "field")',
        )
    else:
        _not_null_items(context, node, pair[1])
    return ListType(item=_whole_item(pair))


def _samples(context: Context, node: ast.Call) -> Type:
    """Check `most_likely` and `assert_stable`."""
    kind = context.type_of(node.args[0])
    found = shape(kind)
    if len(node.args) > 1:
        share = _argument(context, node, 1).bare
        low, high = bounds(share)
        if not is_number(share) or low <= 0 or high > 1:
            context.report(
                "E214", node.args[1], "the share of assert_stable(...) is a number above 0 and at most 1"
            )
    if isinstance(found.bare, ProbabilisticType):
        return found.again(found.bare.inner)
    if is_unknown(found.bare):
        return found.bare
    text = render(node.args[0])
    return context.report(
        "E214",
        node,
        f"{_name(node)}(...) reads the result of a `stable: false` function; `{text}` is {say(kind)}",
        f"write {text}",
        replacement=text,
    )


FUNCTION_RULES: Mapping[str, Rule] = MappingProxyType(
    {
        "abs": _abs,
        "all": _all_any,
        "any": _all_any,
        "assert_stable": _samples,
        "count": _count,
        "default": _default,
        "find_all": _pattern,
        "first": _first_last,
        "flatten": _flatten,
        "float": _convert,
        "group_by": _group_by,
        "int": _convert,
        "last": _first_last,
        "len": _len,
        "matches": _pattern,
        "max": _extreme,
        "min": _extreme,
        "most_likely": _samples,
        "round": _round,
        "set": _set,
        "sort_by": _sort_by,
        "sorted": _sorted,
        "str": _str,
        "sum": _sum,
        "top": _top,
        "zip": _zip,
    },
)
