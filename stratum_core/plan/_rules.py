"""What an expression makes of shapes: exact where its inputs are known, else a bound for every operation.

A rule may be loose, never low. An operation without a rule has the bound of the longest text the language
allows, so a new function of the language makes an estimate dear, not wrong.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache

from stratum_core.contracts import AnyType, JsonValue, ListType, MapType, StringType, is_text
from stratum_core.ir.expressions import CompiledExpression
from stratum_core.plan._kept import Kept
from stratum_core.plan._sizes import (
    BOOL,
    MAX_ITEMS,
    NUMBER,
    TEXT_LIMIT_BYTES,
    Known,
    Shape,
    Unknown,
    bare,
    count_most,
    field_of,
    item_of,
    join_shapes,
    key_bytes,
    likely_count,
    list_shape,
    size_of,
    static_bytes,
    typed,
)
from stratum_core.specs import Expression

__all__ = ["record_shape", "shape_of", "tree_of"]

_Env = Mapping[str, Shape]
_TEXT = StringType()
_LISTED_ITEMS = 500
"""Known lists up to this length are looked at item by item inside a comprehension; longer ones by their bound."""


def shape_of(expression: Expression, env: _Env) -> Shape:
    """Return what is known about an expression's value.

    Raises:
        ExpressionError: Everything it reads is known and it fails, as it surely will at run time.
    """
    alone = env.get(expression.canonical)
    if isinstance(alone, Known):
        return alone  # a name is its value
    parts = [env[name] for name in expression.names]
    known = {
        name: part.value
        for name, part in zip(expression.names, parts, strict=True)
        if isinstance(part, Known)
    }
    if len(known) == len(parts):
        return Known(_evaluated(expression, known))
    if known:
        return _bounded(expression, env)
    # Made of bounds alone, which are the same objects for every item of a loop.
    return _shapes.of(lambda: _bounded(expression, env), expression, *parts)


_shapes: Kept[Shape] = Kept()


def _evaluated(expression: Expression, values: Mapping[str, JsonValue]) -> JsonValue:
    """Return an expression's value; one that only reads fields needs no evaluator where all of them are there."""
    if not isinstance(expression, CompiledExpression) or not expression.path:
        return expression.evaluate(values)
    first, *fields = expression.path
    value = values[first]
    for name in fields:
        if not isinstance(value, dict) or name not in value:
            return expression.evaluate(values)
        value = value[name]
    return value


def _bounded(expression: Expression, env: _Env) -> Shape:
    """Return the bound of an expression that reads something unknown."""
    shape = _visit(tree_of(expression), env)
    if isinstance(shape, Known):
        return shape
    static = static_bytes(expression.type)
    most = shape.most if static is None else min(shape.most, static)
    if shape.type is expression.type and shape.most == most:
        return shape
    return replace(shape, type=expression.type, most=most)


def tree_of(expression: Expression) -> ast.expr:
    """Return the syntax tree of an expression: its own, or that of its canonical text."""
    if isinstance(expression, CompiledExpression):
        return expression.node
    return _parsed(expression.canonical)


@lru_cache(maxsize=4096)
def _parsed(canonical: str) -> ast.expr:
    """Return the tree of a canonical text, which is a subset of Python's syntax."""
    return ast.parse(canonical, mode="eval").body


def _visit(node: ast.expr, env: _Env) -> Shape:
    """Return the shape of one node."""
    match node:
        case ast.Constant(value=value):
            return Known(value) if isinstance(value, (str, int, float)) or value is None else typed(_TEXT)
        case ast.Name(id=name):
            return env[name]
        case ast.Attribute(value=owner, attr=name):
            return field_of(_visit(owner, env), name)
        case ast.Compare():
            return _compare(node, env)
        case ast.BoolOp():
            return _bool_op(node, env)
        case ast.UnaryOp(op=op, operand=operand):
            return _unary(op, _visit(operand, env))
        case ast.BinOp(left=left, op=op, right=right):
            return _binary(op, _visit(left, env), _visit(right, env))
        case ast.IfExp(test=test, body=body, orelse=other):
            return _conditional(_visit(test, env), body, other, env)
        case _:
            return _visit_compound(node, env)


def _visit_compound(node: ast.expr, env: _Env) -> Shape:
    """Return the shape of a node that makes or takes apart lists, records and calls."""
    match node:
        case ast.List(elts=items):
            return list_shape([_visit(item, env) for item in items], ListType(item=AnyType()))
        case ast.Dict(keys=keys, values=values):
            names = [key.value for key in keys if isinstance(key, ast.Constant)]
            pairs = zip(names, values, strict=True)
            return record_shape({str(name): _visit(value, env) for name, value in pairs})
        case ast.Subscript(value=owner, slice=ast.Slice()):
            return _slice(_visit(owner, env), node.slice, env)
        case ast.Subscript(value=owner, slice=index):
            return _index(_visit(owner, env), _visit(index, env))
        case (
            ast.ListComp(elt=element, generators=[clause])
            | ast.GeneratorExp(elt=element, generators=[clause])
        ):
            return _comprehension(element, clause, env)
        case ast.Call(func=ast.Name(id=name), args=arguments):
            rule = _FUNCTIONS.get(name)
            shapes = [_visit(argument, env) for argument in arguments]
            return rule(shapes) if rule is not None else Unknown(most=TEXT_LIMIT_BYTES, likely=200)
        case ast.Call(func=ast.Attribute(value=owner, attr=name), args=arguments):
            method = _METHODS.get(name)
            shapes = [_visit(owner, env), *(_visit(argument, env) for argument in arguments)]
            return method(shapes) if method is not None else Unknown(most=TEXT_LIMIT_BYTES, likely=200)
        case _:
            return Unknown(most=TEXT_LIMIT_BYTES, likely=200)


def _compare(node: ast.Compare, env: _Env) -> Shape:
    """Decide a single comparison of two known plain values; otherwise it is some bool."""
    left, right = _visit(node.left, env), _visit(node.comparators[0], env)
    if len(node.ops) > 1 or not (isinstance(left, Known) and isinstance(right, Known)):
        return BOOL
    a, b = left.value, right.value
    match node.ops[0]:
        case ast.Is() | ast.IsNot():
            return Known((a is None) == isinstance(node.ops[0], ast.Is)) if b is None else BOOL
        case ast.Eq() | ast.NotEq() if isinstance(a, str) and isinstance(b, str):
            return Known((a == b) == isinstance(node.ops[0], ast.Eq))
        case _:
            return BOOL


def _bool_op(node: ast.BoolOp, env: _Env) -> Shape:
    """Decide and/or where one known operand is enough."""
    deciding = isinstance(node.op, ast.Or)
    shapes = [_visit(value, env) for value in node.values]
    known = [shape.value for shape in shapes if isinstance(shape, Known)]
    if any(value is deciding for value in known):
        return Known(deciding)
    return Known(not deciding) if len(known) == len(shapes) else BOOL


def _unary(op: ast.unaryop, operand: Shape) -> Shape:
    if isinstance(op, ast.Not):
        known = isinstance(operand, Known) and isinstance(operand.value, bool)
        return Known(not operand.value) if isinstance(operand, Known) and known else BOOL
    return NUMBER


def _binary(op: ast.operator, left: Shape, right: Shape) -> Shape:
    """Join texts and lists with `+`; anything else is a number, if neither side can be text or a list."""
    if _is_number(left) and _is_number(right):
        return NUMBER
    most, likely = _sum([left, right])
    if isinstance(op, ast.Add):
        if _is_listlike(left) and _is_listlike(right):
            count = min(MAX_ITEMS, count_most(left) + count_most(right))
            item = join_shapes([item_of(left), item_of(right)])
            return Unknown(type=ListType(item=AnyType()), most=most, likely=likely, count=count, item=item)
        return Unknown(
            type=_TEXT if _is_text(left) and _is_text(right) else AnyType(), most=most + 25, likely=likely
        )
    if isinstance(op, ast.Mult):
        return Unknown(most=TEXT_LIMIT_BYTES, likely=likely)
    return NUMBER


def _conditional(test: Shape, body: ast.expr, other: ast.expr, env: _Env) -> Shape:
    if isinstance(test, Known):
        return _visit(body if test.value is True else other, env)
    return join_shapes([_visit(body, env), _visit(other, env)])


def record_shape(fields: Mapping[str, Shape]) -> Shape:
    """Return the shape of a record literal."""
    if all(isinstance(shape, Known) for shape in fields.values()):
        return Known({name: shape.value for name, shape in fields.items() if isinstance(shape, Known)})
    keys = sum(map(key_bytes, fields)) + 2
    most, likely = _sum(list(fields.values()))
    return Unknown(most=keys + most, likely=keys + likely, fields=fields)


def _slice(owner: Shape, part: ast.expr, env: _Env) -> Shape:
    """Return a part of a list or text; a known upper bound limits the items."""
    most, likely = size_of(owner)
    stop = part.upper if isinstance(part, ast.Slice) else None
    last = _visit(stop, env) if stop is not None else None
    count = count_most(owner)
    if isinstance(last, Known) and isinstance(last.value, int) and last.value >= 0:
        count = min(count, last.value)
    if _is_text(owner):
        return Unknown(type=_TEXT, most=min(most, 6 * count + 2), likely=min(likely, count + 2))
    item = item_of(owner)
    share = min(most, 2 + count * (size_of(item)[0] + 1))
    return Unknown(
        type=ListType(item=AnyType()), most=share, likely=min(likely, share), count=count, item=item
    )


def _index(owner: Shape, index: Shape) -> Shape:
    """Return one item of a list, one character of a text, or one value of a map."""
    if isinstance(index, Known) and isinstance(index.value, str):
        return field_of(owner, index.value)
    if isinstance(owner, Known) and isinstance(index, Known) and isinstance(index.value, int):
        value = owner.value
        if isinstance(value, Sequence) and -len(value) <= index.value < len(value):
            return Known(value[index.value])
    if _is_text(owner):
        return Unknown(type=_TEXT, most=14, likely=3)
    return item_of(owner)


def _comprehension(element: ast.expr, clause: ast.comprehension, env: _Env) -> Shape:
    """Return the list that a comprehension makes: at most one item for each item it reads."""
    source = _visit(clause.iter, env)
    names = clause.target.elts if isinstance(clause.target, ast.Tuple) else [clause.target]

    def once(item: Shape) -> Shape:
        inner = dict(env)
        for place, name in enumerate(names):
            if isinstance(name, ast.Name):
                inner[name.id] = item if len(names) == 1 else _index(item, Known(place))
        return _visit(element, inner)

    value = source.value if isinstance(source, Known) else None
    if isinstance(value, Sequence) and not isinstance(value, str) and len(value) <= _LISTED_ITEMS:
        return list_shape([once(Known(item)) for item in value], ListType(item=AnyType()))
    count = count_most(source)
    item = once(item_of(source))
    most, likely = size_of(item)
    return Unknown(
        type=ListType(item=AnyType()),
        most=2 + count * (most + 1),
        likely=2 + likely_count(source) * (likely + 1),
        count=count,
        item=item,
    )


def _sum(shapes: Sequence[Shape]) -> tuple[int, float]:
    """Add up the bytes of values, with a comma each."""
    sizes = [size_of(shape) for shape in shapes]
    return sum(most + 1 for most, _ in sizes), sum(likely + 1 for _, likely in sizes)


def _is_number(shape: Shape) -> bool:
    if isinstance(shape, Known):
        return isinstance(shape.value, (int, float))
    return (
        shape.most <= NUMBER.most and not _is_text(shape) and not _is_listlike(shape) and shape.fields is None
    )


def _is_text(shape: Shape) -> bool:
    if isinstance(shape, Known):
        return isinstance(shape.value, str)
    return is_text(bare(shape.type))


def _is_listlike(shape: Shape) -> bool:
    if isinstance(shape, Known):
        return isinstance(shape.value, Sequence) and not isinstance(shape.value, str)
    return isinstance(bare(shape.type), (ListType, MapType)) or shape.count is not None


_Rule = Callable[[Sequence[Shape]], Shape]


def _scaled(factor: int, extra: int, kind: StringType | ListType | AnyType) -> _Rule:
    """Make the rule of a function whose value is at most so many times its first argument."""

    def rule(shapes: Sequence[Shape]) -> Shape:
        most, likely = size_of(shapes[0]) if shapes else (TEXT_LIMIT_BYTES, 200)
        return Unknown(type=kind, most=factor * most + extra, likely=likely + extra)

    return rule


def _same_list(shapes: Sequence[Shape]) -> Shape:
    """`sorted`, `set`, `sort_by`, `top`: the items of the first argument, or fewer."""
    first = shapes[0]
    most, likely = size_of(first)
    count = count_most(first)
    wanted = shapes[1] if len(shapes) > 1 else None
    if isinstance(wanted, Known) and isinstance(wanted.value, int) and wanted.value >= 0:
        count = min(count, wanted.value)
    return Unknown(type=ListType(item=AnyType()), most=most, likely=likely, count=count, item=item_of(first))


def _one_item(shapes: Sequence[Shape]) -> Shape:
    """`first`, `last`: an item, null, or the default given."""
    return join_shapes([item_of(shapes[0]), Known(None), *shapes[1:]])


def _any_of(shapes: Sequence[Shape]) -> Shape:
    """`default`: one of its arguments."""
    return join_shapes(list(shapes))


def _extreme(shapes: Sequence[Shape]) -> Shape:
    """`min`, `max`: one of several arguments, or an item of the only one."""
    return join_shapes([item_of(shapes[0]), NUMBER]) if len(shapes) == 1 else join_shapes(list(shapes))


def _flatten(shapes: Sequence[Shape]) -> Shape:
    inner = item_of(shapes[0])
    most, likely = size_of(shapes[0])
    count = min(MAX_ITEMS, count_most(shapes[0]) * count_most(inner))
    return Unknown(type=ListType(item=AnyType()), most=most, likely=likely, count=count, item=item_of(inner))


def _zip(shapes: Sequence[Shape]) -> Shape:
    most, likely = _sum(shapes)
    count = min(count_most(shape) for shape in shapes)
    pair = list_shape([item_of(shape) for shape in shapes], ListType(item=AnyType()))
    return Unknown(
        type=ListType(item=AnyType()), most=most + 4 * count + 2, likely=likely, count=count, item=pair
    )


def _group_by(shapes: Sequence[Shape]) -> Shape:
    """Return records of a key, which each item of the group holds too, and the group's items."""
    first = shapes[0]
    most, likely = size_of(first)
    item_most, item_likely = size_of(item_of(first))
    group = Unknown(
        most=most + item_most + 40,
        likely=likely / 2,
        fields={"key": Unknown(most=item_most, likely=item_likely), "items": _same_list([first])},
    )
    count = count_most(first)
    return Unknown(
        type=ListType(item=AnyType()), most=2 * most + 40 * count, likely=2 * likely, count=count, item=group
    )


def _join(shapes: Sequence[Shape]) -> Shape:
    """`separator.join(list)`."""
    separator, parts = shapes[0], shapes[1]
    most, likely = size_of(parts)
    between, _ = size_of(separator)
    times = count_most(parts)
    return Unknown(type=_TEXT, most=most + between * times, likely=likely + likely_count(parts) * between)


def _replaced(shapes: Sequence[Shape]) -> Shape:
    """`text.replace(old, new)`: at most one `new` for each character, and one more."""
    most, likely = size_of(shapes[0])
    new, _ = size_of(shapes[2]) if len(shapes) > 2 else (TEXT_LIMIT_BYTES, 0)  # noqa: PLR2004 - the third argument
    return Unknown(type=_TEXT, most=most + (most + 1) * new, likely=likely)


def _got(shapes: Sequence[Shape]) -> Shape:
    """`map.get(key, default)`."""
    owner, key = shapes[0], shapes[1] if len(shapes) > 1 else Known(None)
    if isinstance(key, Known) and isinstance(key.value, str):
        found = field_of(owner, key.value)
    else:
        most, likely = size_of(owner)
        found = Unknown(most=most, likely=likely)
    return join_shapes([found, Known(None), *shapes[2:]])


def _number(_: Sequence[Shape]) -> Shape:
    return NUMBER


def _bool(_: Sequence[Shape]) -> Shape:
    return BOOL


def _length(shapes: Sequence[Shape]) -> Shape:
    """`len`, exact for a known value."""
    first = shapes[0]
    if isinstance(first, Known) and isinstance(first.value, (str, Sequence, Mapping)):
        return Known(len(first.value))
    return NUMBER


_LIST = ListType(item=AnyType())
_FUNCTIONS: Mapping[str, _Rule] = {
    **dict.fromkeys(("int", "float", "round", "abs", "count", "sum"), _number),
    **dict.fromkeys(("all", "any", "matches"), _bool),
    **dict.fromkeys(("sorted", "set", "sort_by", "top"), _same_list),
    **dict.fromkeys(("first", "last"), _one_item),
    **dict.fromkeys(("most_likely", "assert_stable"), lambda shapes: shapes[0]),
    "default": _any_of,
    "find_all": _scaled(8, 16, _LIST),
    "flatten": _flatten,
    "group_by": _group_by,
    "len": _length,
    "max": _extreme,
    "min": _extreme,
    "str": _scaled(2, 4, _TEXT),
    "zip": _zip,
}
_METHODS: Mapping[str, _Rule] = {
    **dict.fromkeys(("lower", "upper"), _scaled(3, 0, _TEXT)),
    "count": _number,
    "endswith": _bool,
    "get": _got,
    "join": _join,
    "keys": _scaled(1, 2, _LIST),
    "replace": _replaced,
    "split": _scaled(4, 4, _LIST),
    "startswith": _bool,
    "strip": _scaled(1, 0, _TEXT),
    "values": _scaled(1, 2, _LIST),
}
