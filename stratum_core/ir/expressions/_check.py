"""Checker: the static type of every part of an expression, and every fault in it at once.

A part with a fault has the type `any` from there on, so that one fault is reported once. The rules for comparisons and
for functions and methods stand in their own files.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from typing import Any

from stratum_core.contracts import (
    AnyType,
    BoolType,
    DateTimeType,
    DateType,
    Field,
    FloatType,
    IntType,
    JsonType,
    ListType,
    MapType,
    NeverType,
    NullType,
    RecordType,
    StringType,
    Type,
    join,
    optional,
)
from stratum_core.ir.expressions._calls import check_call
from stratum_core.ir.expressions._compare import check_comparison
from stratum_core.ir.expressions._context import Context, nearest
from stratum_core.ir.expressions._fields import check_field, read_field
from stratum_core.ir.expressions._functions import FUNCTION_NAMES
from stratum_core.ir.expressions._narrow import facts, path_of
from stratum_core.ir.expressions._render import OPERATORS, render
from stratum_core.ir.expressions._shape import (
    is_number,
    is_text_shape,
    is_unknown,
    literal_type,
    mark,
    say,
    shape,
)

__all__ = ["infer"]

_CONSTANT_NAMES = {
    "true": "True",
    "TRUE": "True",
    "false": "False",
    "FALSE": "False",
    "null": "None",
    "NULL": "None",
    "undefined": "None",
    "nil": "None",
}


def infer(context: Context, node: ast.expr) -> Type:
    """Return the type of a node that the grammar allows."""
    rule = _RULES.get(type(node))
    return _compound(context, node) if rule is None else rule(context, node)


def _constant(_: Context, node: ast.Constant) -> Type:
    """Return the type that holds just this value."""
    value = node.value
    return literal_type(value) if isinstance(value, (str, int, float)) else NullType()


def _subscript(context: Context, node: ast.Subscript) -> Type:
    """Return the type of an item or of a part."""
    return _slice(context, node) if isinstance(node.slice, ast.Slice) else _index(context, node)


def _compound(context: Context, node: ast.expr) -> Type:
    """Return the type of a node that builds a list or record."""
    match node:
        case ast.List():
            return _list(context, node)
        case ast.Dict():
            return _record(context, node)
        case ast.ListComp(elt=item, generators=[clause]) | ast.GeneratorExp(elt=item, generators=[clause]):
            return _comprehension(context, item, clause)
        case _:
            return AnyType()


def _name(context: Context, node: ast.Name) -> Type:
    """Look a name up; narrowed when it was tested for null."""
    name = node.id
    kind = context.named(name)
    if kind is not None:
        return _without_null(kind) if (name,) in context.facts else kind
    if name in _CONSTANT_NAMES:
        text = _CONSTANT_NAMES[name]
        return context.report(
            "E221", node, f"`{name}` is written `{text}`", f"write {text}", replacement=text
        )
    if name in context.later:
        return context.report(
            "E210",
            node,
            f"`{name}` is a later step; a step reads only earlier steps",
            f"move `{name}` before this step",
        )
    if name in FUNCTION_NAMES:
        return context.report("E210", node, f"`{name}` is a function, not a value", f"call it: {name}(...)")
    names = sorted({*context.scope, *context.given})
    close = nearest(name, names)
    advice = f"did you mean `{close}`? " if close else ""
    known = ", ".join(names) or "none"
    return context.report(
        "E210",
        node,
        f"unknown name `{name}`",
        f'{advice}names here: {known}; literal text needs quotes: "{name}"',
        replacement=close,
    )


def _without_null(kind: Type) -> Type:
    """Return a type that a test has shown not to be null."""
    found = shape(kind)
    return found.again(found.bare) if found.nullable else kind


def _index(context: Context, node: ast.Subscript) -> Type:
    """Return the type of `items[0]`, `map["key"]`, `record["field"]` or `text[0]`."""
    found = context.value(node.value, "`[...]`")
    index, bare = node.slice, found.bare
    if isinstance(bare, RecordType) and isinstance(index, ast.Constant) and isinstance(index.value, str):
        context.type_of(index)
        return read_field(context, node, found, index.value)
    key = context.value(index, "`[...]`").bare
    if isinstance(bare, AnyType):
        return AnyType()
    if isinstance(bare, JsonType):
        return found.again(JsonType())
    if isinstance(bare, MapType):
        return _map_value(context, node, key, bare, opaque=found.opaque)
    if not (isinstance(bare, ListType) or is_text_shape(bare)):
        return context.report("E214", node, f"`{render(node.value)}` is {say(bare)}; it has no items")
    if not isinstance(key, IntType) and not is_unknown(key):
        return context.report("E214", index, f"an index must be int; `{render(index)}` is {say(key)}")
    return found.again(bare.item if isinstance(bare, ListType) else StringType())


def _map_value(context: Context, node: ast.Subscript, key: Type, bare: MapType, *, opaque: bool) -> Type:
    """Return the type of a map's value; absent keys give null."""
    if not is_text_shape(key) and not is_unknown(key):
        return context.report("E214", node.slice, f"the keys of a map are text, not {say(key)}")
    path = path_of(node)
    known = path is not None and path in context.facts
    return mark(bare.value if known else optional(bare.value), opaque=opaque)


def _slice(context: Context, node: ast.Subscript) -> Type:
    """Return the type of `items[a:b]`."""
    found = context.value(node.value, "a slice")
    part = node.slice
    ends = [part.lower, part.upper] if isinstance(part, ast.Slice) else []
    for end in ends:
        kind = AnyType() if end is None else context.value(end, "a slice").bare
        if end is not None and not isinstance(kind, IntType) and not is_unknown(kind):
            context.report("E214", end, f"the ends of a slice must be int; `{render(end)}` is {say(kind)}")
    bare = found.bare
    if isinstance(bare, ListType):
        return found.again(ListType(item=bare.item))
    if is_text_shape(bare):
        return found.again(StringType())
    if is_unknown(bare):
        return found.again(bare)
    return context.report(
        "E214", node, f"`{render(node.value)}` is {say(bare)}; only text and lists have slices"
    )


def _logic(context: Context, node: ast.BoolOp) -> Type:
    """Check `and` and `or`; each operand knows what the ones before it have tested."""
    before = context.facts
    is_and = isinstance(node.op, ast.And)
    word = "and" if is_and else "or"
    for index, value in enumerate(node.values):
        kind = shape(context.type_of(value))
        if not is_and and index < len(node.values) - 1 and _is_fallback(context, node, index):
            break
        if not isinstance(kind.bare, BoolType) or kind.nullable:
            context.condition(value, f"each side of `{word}`")
        if index < len(node.values) - 1:
            context.facts |= facts(value, truth=is_and)
    context.facts = before
    return BoolType()


def _is_fallback(context: Context, node: ast.BoolOp, index: int) -> bool:
    """Report `a or b` that means "b when there is no a"; other mistakes are truthiness."""
    value, rest = node.values[index], node.values[index + 1 :]
    kind = shape(context.types[value])
    if is_unknown(kind.bare) or (isinstance(kind.bare, BoolType) and not kind.nullable):
        return False
    after = [shape(context.type_of(other)).bare for other in rest]
    if len(rest) != 1 or isinstance(after[0], BoolType) is not isinstance(kind.bare, BoolType):
        return False
    left, right = render(value), render(rest[0])
    if kind.nullable:
        text = f"default({left}, {right})"
    elif is_text_shape(kind.bare):
        text = f'({left} if {left} != "" else {right})'
    else:
        return False
    context.report(
        "E215",
        node,
        f"`or` joins conditions; `{left}` is {say(context.types[value])}, not bool",
        f"for a fallback write {text}",
        replacement=text,
    )
    return True


def _unary(context: Context, node: ast.UnaryOp) -> Type:
    """Return the type of `not x` or `-x`."""
    if isinstance(node.op, ast.Not):
        context.condition(node.operand, "the operand of `not`")
        return BoolType()
    bare = context.value(node.operand, "`-`").bare
    if is_unknown(bare):
        return bare
    if isinstance(bare, IntType):
        high, low = bare.min, bare.max
        return IntType(min=None if low is None else -low, max=None if high is None else -high)
    if isinstance(bare, FloatType):
        top, bottom = bare.min, bare.max
        return FloatType(min=None if bottom is None else -bottom, max=None if top is None else -top)
    return context.report("E214", node, f"`-` needs a number; `{render(node.operand)}` is {say(bare)}")


def _arithmetic(context: Context, node: ast.BinOp) -> Type:
    """Return the type of `+ - * / // %`; `+` also joins text and lists."""
    sign = OPERATORS[type(node.op)]
    left, right = context.value(node.left, f"`{sign}`"), context.value(node.right, f"`{sign}`")
    first, second = left.bare, right.bare
    opaque = left.opaque or right.opaque
    if isinstance(first, AnyType) or isinstance(second, AnyType):
        return AnyType()
    if isinstance(first, JsonType) or isinstance(second, JsonType):
        return mark(JsonType(), opaque=opaque)
    if is_number(first) and is_number(second):
        return _number(context, node, first, second)
    if isinstance(node.op, ast.Add):
        if is_text_shape(first) and is_text_shape(second):
            return mark(StringType(), opaque=opaque)
        if isinstance(first, ListType) and isinstance(second, ListType):
            item = join(first.item, second.item)
            if item is not None:
                return mark(ListType(item=item), opaque=opaque)
        return _cannot_add(context, node, first, second)
    message = f"`{sign}` does not apply to {say(first)} and {say(second)}"
    return context.report("E214", node, message, "both sides must be numbers")


def _number(context: Context, node: ast.BinOp, first: Type, second: Type) -> Type:
    """Return int or float; a division is always float."""
    divides = isinstance(node.op, (ast.Div, ast.FloorDiv, ast.Mod))
    if divides and isinstance(node.right, ast.Constant) and node.right.value == 0:
        return context.report("E214", node, f"`{render(node)}` divides by zero")
    if isinstance(node.op, ast.Div) or isinstance(first, FloatType) or isinstance(second, FloatType):
        return FloatType()
    return IntType()


def _cannot_add(context: Context, node: ast.BinOp, first: Type, second: Type) -> Type:
    """Explain an addition of unlike things; text and a scalar wants `str`."""
    message = f"cannot add {say(first)} and {say(second)}"
    plain = (IntType, FloatType, BoolType, DateType, DateTimeType)
    for text, other, side in ((first, second, node.right), (second, first, node.left)):
        if is_text_shape(text) and isinstance(other, plain):
            return context.report(
                "E214", side, message, f"write str({render(side)})", replacement=f"str({render(side)})"
            )
    return context.report("E214", node, message, "`+` adds numbers, joins text and joins lists of one type")


def _conditional(context: Context, node: ast.IfExp) -> Type:
    """Return what both results of `a if c else b` have in common."""
    context.condition(node.test, "the condition")
    before = context.facts
    context.facts = before | facts(node.test, truth=True)
    first = context.type_of(node.body)
    context.facts = before | facts(node.test, truth=False)
    second = context.type_of(node.orelse)
    context.facts = before
    joined = join(first, second)
    if joined is not None:
        return joined
    message = f"the two results have different types: {say(first)} and {say(second)}"
    return context.report("E214", node, message, "give both sides one type, e.g. with str(...)")


def _list(context: Context, node: ast.List) -> Type:
    """Return the type of a list literal."""
    item: Type = NeverType()
    for element in node.elts:
        kind = context.type_of(element)
        joined = join(item, kind)
        if joined is None:
            message = f"the items of a list have one type; here {say(item)} and {say(kind)}"
            return context.report("E214", element, message)
        item = joined
    return ListType(item=item)


def _record(context: Context, node: ast.Dict) -> Type:
    """Return the unnamed record type of a record literal."""
    fields: list[Field] = []
    for key, value in zip(node.keys, node.values, strict=True):
        if isinstance(key, ast.Constant) and isinstance(key.value, str):
            fields.append(Field(name=key.value, type=context.type_of(value)))
    return RecordType(fields=tuple(fields))


def _comprehension(context: Context, item: ast.expr, clause: ast.comprehension) -> Type:
    """Return the type of `[item for name in items if test]`."""
    source = context.value(clause.iter, "`for`")
    names = clause.target.elts if isinstance(clause.target, ast.Tuple) else [clause.target]
    kinds = _item_types(
        context, clause, mark(_item_type(context, clause, source.bare), opaque=source.opaque), len(names)
    )
    before, around = context.facts, context.given
    given = dict(around)
    for target, kind in zip(names, kinds, strict=True):
        if not isinstance(target, ast.Name):
            continue
        if context.named(target.id) is not None:
            context.report(
                "E209",
                target,
                f"`{target.id}` is already a name here",
                "use another name in the comprehension",
            )
        given[target.id] = kind
        context.facts = frozenset(path for path in context.facts if path[0] != target.id)
    context.given = given
    for test in clause.ifs:
        context.condition(test, "the `if` of a comprehension")
        context.facts |= facts(test, truth=True)
    result = context.type_of(item)
    context.facts, context.given = before, around
    return ListType(item=result)


def _item_type(context: Context, clause: ast.comprehension, source: Type) -> Type:
    """Return the type of one item of what `for` walks over."""
    if isinstance(source, ListType):
        return source.item
    if is_unknown(source):
        return source if isinstance(source, JsonType) else AnyType()
    text = render(clause.iter)
    message = f"`for` needs a list; `{text}` is {say(source)}"
    if isinstance(source, MapType):
        return context.report("E214", clause.iter, message, f"write {text}.keys() or {text}.values()")
    return context.report("E214", clause.iter, message)


def _item_types(context: Context, clause: ast.comprehension, item: Type, count: int) -> list[Type]:
    """Return the types of the names; several names take the items of `zip` apart."""
    if count == 1 and not isinstance(clause.target, ast.Tuple):
        return [item]
    found = shape(item)
    if isinstance(found.bare, RecordType) and is_zip(clause.iter) and len(found.bare.fields) == count:
        return [found.again(field.type) for field in found.bare.fields]
    if not isinstance(found.bare, AnyType):
        message = f"several names after `for` take the items of zip(...) apart; here are {count}"
        context.report("E204", clause.iter, message, "name one item and read its fields")
    return [AnyType()] * count


def is_zip(node: ast.expr) -> bool:
    """Return whether the node is a call of `zip`."""
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "zip"


_RULES: Mapping[type[ast.expr], Callable[[Context, Any], Type]] = {
    ast.Attribute: check_field,
    ast.BinOp: _arithmetic,
    ast.BoolOp: _logic,
    ast.Call: check_call,
    ast.Compare: check_comparison,
    ast.Constant: _constant,
    ast.IfExp: _conditional,
    ast.Name: _name,
    ast.Subscript: _subscript,
    ast.UnaryOp: _unary,
}
