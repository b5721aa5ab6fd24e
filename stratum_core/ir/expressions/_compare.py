"""Rules for comparisons: operand types, enum values that never match, thresholds that decide nothing."""

from __future__ import annotations

import ast
import datetime as dt
import re

from stratum_core.contracts import (
    AnyType,
    BoolType,
    DateTimeType,
    DateType,
    EnumType,
    ListType,
    MapType,
    NullType,
    ProbabilisticType,
    RecordType,
    Type,
    describe,
    join,
)
from stratum_core.ir.expressions._context import Context, nearest
from stratum_core.ir.expressions._render import COMPARISONS, render
from stratum_core.ir.expressions._scan import quote
from stratum_core.ir.expressions._shape import (
    Shape,
    bounds,
    is_number,
    is_text_shape,
    is_unknown,
    orderable,
    say,
    shape,
)

__all__ = ["check_comparison"]

_ANY, _NULL, _BOOL = AnyType(), NullType(), BoolType()
_NUMBER = re.compile(r"-?\d+(\.\d+)?")


def check_comparison(context: Context, node: ast.Compare) -> Type:
    """Check each pair of a comparison chain."""
    left = node.left
    for op, right in zip(node.ops, node.comparators, strict=True):
        pair = _pair(node, left, op, right)
        if isinstance(op, (ast.Is, ast.IsNot)):
            _null_test(context, pair, left)
        elif isinstance(op, (ast.In, ast.NotIn)):
            _membership(context, pair, left, right)
        elif isinstance(op, (ast.Eq, ast.NotEq)):
            _equality(context, pair, left, right)
        else:
            _order(context, pair, left, right)
        context.types.setdefault(left, _ANY)
        context.types.setdefault(right, _NULL)
        left = right
    return _BOOL


def _pair(node: ast.Compare, left: ast.expr, op: ast.cmpop, right: ast.expr) -> ast.Compare:
    """Return one comparison of a chain as a node of its own."""
    extent = (left.col_offset, right.end_col_offset)
    if len(node.ops) == 1 and extent == (node.col_offset, node.end_col_offset):
        return node
    pair = ast.Compare(left=left, ops=[op], comparators=[right])
    pair.col_offset, pair.end_col_offset = extent
    return pair


def _null_test(context: Context, node: ast.Compare, left: ast.expr) -> None:
    """Warn about a test for null of something that never is."""
    kind = context.type_of(left)
    found = shape(kind)
    if isinstance(found.bare, ProbabilisticType):
        context.probabilistic(left)
    elif not found.nullable and not is_unknown(found.bare):
        verdict = "always" if isinstance(node.ops[0], ast.IsNot) else "never"
        message = f"`{render(node)}` is {verdict} true: `{render(left)}` is {say(kind)}, never null"
        context.report("W523", node, message, "remove the test", severity="warning")


def _operand(context: Context, node: ast.expr) -> Shape:
    """Return the shape of an operand that may be null."""
    found = shape(context.type_of(node))
    if isinstance(found.bare, ProbabilisticType):
        context.probabilistic(node)
        return shape(AnyType())
    return found


def _equality(context: Context, node: ast.Compare, left: ast.expr, right: ast.expr) -> None:
    """Check `==` and `!=`."""
    first, second = _operand(context, left).bare, _operand(context, right).bare
    if is_unknown(first) or is_unknown(second):
        return
    if any(_holds_records(kind) for kind in (first, second)):
        context.report(
            "E219",
            node,
            f"records are not compared as a whole: `{render(node)}` compares {say(first)} with {say(second)}",
            "compare the fields that matter, e.g. an id",
        )
        return
    if not _comparable(first, second) and not _is_date_text(context, first, right, second, left):
        message = f"cannot compare {say(first)} with {say(second)}"
        context.report("E214", node, message, _quoting_hint(first, right) or _quoting_hint(second, left))
        return
    _enum_value(context, first, right, left)
    _enum_value(context, second, left, right)
    if is_number(first) and is_number(second):
        _threshold(context, node, first, second)


def _holds_records(kind: Type) -> bool:
    """Return whether a bare type is, or holds, records or maps."""
    while isinstance(kind, ListType):
        kind = shape(kind.item).bare
    return isinstance(kind, (RecordType, MapType))


def _comparable(first: Type, second: Type) -> bool:
    """Return whether values of two bare types can be equal."""
    if is_number(first) and is_number(second):
        return True
    if isinstance(first, NullType) or isinstance(second, NullType):
        return True
    return any(join(one, other) is not None for one in _kinds(first) for other in _kinds(second))


def _kinds(kind: Type) -> tuple[Type, ...]:
    """Return an enum of several kinds of values as one enum for each value."""
    return tuple(EnumType((value,)) for value in kind.values) if isinstance(kind, EnumType) else (kind,)


def _quoting_hint(kind: Type, other: ast.expr) -> str:
    """Suggest quotes around a number that is compared with text."""
    if is_text_shape(kind) and isinstance(other, ast.Constant) and isinstance(other.value, (int, float)):
        return f'write "{other.value}" in quotes'
    return ""


def _enum_value(context: Context, kind: Type, literal: ast.expr, other: ast.expr) -> None:
    """Report a text literal that an enum does not have."""
    if not isinstance(kind, EnumType) or isinstance(other, ast.Constant):
        return
    if (
        isinstance(literal, ast.Constant)
        and isinstance(literal.value, str)
        and literal.value not in kind.values
    ):
        close = nearest(literal.value, [str(value) for value in kind.values])
        context.report(
            "E217",
            literal,
            f"{quote(literal.value)} is not a value of `{render(other)}`",
            (f"did you mean {quote(close)}? " if close else "") + f"values: {describe(kind)}",
            replacement=quote(close) if close else None,
        )


def _membership(context: Context, node: ast.Compare, left: ast.expr, right: ast.expr) -> None:
    """Check `in` and `not in`."""
    haystack = context.value(right, "`in`").bare
    may_hold_null = is_unknown(haystack) or (isinstance(haystack, ListType) and shape(haystack.item).nullable)
    needle = (_operand(context, left) if may_hold_null else context.value(left, "`in`")).bare
    text = render(right)
    if is_unknown(needle) or is_unknown(haystack):
        return
    if isinstance(haystack, ListType):
        _list_membership(context, node, needle, shape(haystack.item).bare)
        _enum_values(context, needle, left, right)
    elif is_text_shape(haystack) or isinstance(haystack, MapType):
        if not is_text_shape(needle):
            what = "text" if is_text_shape(haystack) else "the keys of a map"
            context.report(
                "E214", left, f"only text is looked up in {what}; `{render(left)}` is {say(needle)}"
            )
    else:
        message = f"`in` needs a list, text or a map on the right; `{text}` is {say(haystack)}"
        context.report("E214", node, message)


def _list_membership(context: Context, node: ast.Compare, needle: Type, item: Type) -> None:
    """Check that a list can hold the value."""
    if is_unknown(item):
        return
    if _holds_records(needle) or _holds_records(item):
        message = f"records are not compared as a whole: `{render(node)}`"
        context.report("E219", node, message, "compare an id: x.id in [y.id for y in items]")
    elif not _comparable(needle, item):
        message = f"the list holds {say(item)}, so {say(needle)} is never in it"
        context.report("E214", node, message)


def _enum_values(context: Context, kind: Type, left: ast.expr, right: ast.expr) -> None:
    """Report the literals of a list that an enum does not have."""
    if isinstance(right, ast.List):
        for element in right.elts:
            _enum_value(context, kind, element, left)


def _order(context: Context, node: ast.Compare, left: ast.expr, right: ast.expr) -> None:
    """Check `< <= > >=`."""
    sign = COMPARISONS[type(node.ops[0])]
    use = f"`{sign}`"
    one, other = context.value(left, use), context.value(right, use)
    first, second, nullable = one.bare, other.bare, one.nullable or other.nullable
    if not orderable(first, second) and not _is_date_text(context, first, right, second, left):
        message = f"cannot order {say(first)} and {say(second)} with `{sign}`"
        suggestion, replacement = _order_hint(first, left, sign, second, right)
        context.report("E214", node, message, suggestion, replacement=replacement)
    elif is_number(first) and is_number(second) and not nullable:
        _threshold(context, node, first, second)


def _order_hint(
    first: Type, left: ast.expr, sign: str, second: Type, right: ast.expr
) -> tuple[str, str | None]:
    """Suggest a length or a number without quotes."""
    if is_number(second) and (isinstance(first, ListType) or is_text_shape(first)):
        text = f"len({render(left)}) {sign} {render(right)}"
        return f"did you mean {text}?", text
    spelled = right.value if isinstance(right, ast.Constant) and isinstance(right.value, str) else ""
    if is_number(first) and _NUMBER.fullmatch(spelled):
        text = f"{render(left)} {sign} {spelled}"
        return f"write {text}", text
    return "", None


def _is_date_text(context: Context, first: Type, right: ast.expr, second: Type, left: ast.expr) -> bool:
    """Allow a date to be compared with a text literal in ISO form; report one in another form."""
    for kind, literal in ((first, right), (second, left)):
        if not isinstance(kind, (DateType, DateTimeType)):
            continue
        if isinstance(literal, ast.Constant) and isinstance(literal.value, str):
            if not _is_iso(literal.value, kind):
                form = "2026-01-31" if isinstance(kind, DateType) else "2026-01-31T09:30:00Z"
                message = f"{quote(literal.value)} is not a {say(kind)}"
                context.report("E217", literal, message, f'write it as "{form}"')
            return True
    return False


def _is_iso(text: str, kind: Type) -> bool:
    """Return whether a text literal is a date or datetime in the form values have."""
    try:
        if isinstance(kind, DateType):
            return dt.date.fromisoformat(text).isoformat() == text
        return dt.datetime.fromisoformat(text).tzinfo is not None
    except ValueError:
        return False


def _threshold(context: Context, node: ast.Compare, first: Type, second: Type) -> None:
    """Report a comparison that the contract's ranges decide before anything runs."""
    left, right = node.left, node.comparators[0]
    if isinstance(left, ast.Constant) and isinstance(right, ast.Constant):
        return
    truth = _decided(COMPARISONS[type(node.ops[0])], bounds(first), bounds(second))
    if truth is None:
        return
    ranged, kind = (right, second) if isinstance(left, ast.Constant) else (left, first)
    reason = f"`{render(ranged)}` is {describe(kind)}"
    if truth:
        context.report(
            "W523", node, f"`{render(node)}` is always true: {reason}", "remove it", severity="warning"
        )
    else:
        advice = "correct the threshold; every attempt would fail and cost money"
        context.report("E223", node, f"`{render(node)}` can never be true: {reason}", advice)


def _decided(sign: str, first: tuple[float, float], second: tuple[float, float]) -> bool | None:
    """Return what a comparison of two ranges always gives, or None."""
    (low, high), (other_low, other_high) = first, second
    apart = high < other_low or low > other_high
    match sign:
        case "<":
            return True if high < other_low else False if low >= other_high else None
        case "<=":
            return True if high <= other_low else False if low > other_high else None
        case ">":
            return True if low > other_high else False if high <= other_low else None
        case ">=":
            return True if low >= other_high else False if high < other_low else None
        case "==":
            return False if apart else None
        case _:
            return True if apart else None
