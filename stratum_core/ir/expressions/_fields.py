"""Rules for reading fields, with the habits of other languages recognised by type."""

from __future__ import annotations

import ast

from stratum_core.contracts import (
    AnyType,
    JsonType,
    ListType,
    MapType,
    NeverType,
    RecordType,
    Type,
    describe,
)
from stratum_core.ir.expressions._context import Context, nearest
from stratum_core.ir.expressions._functions import METHOD_ALIASES, METHOD_NAMES
from stratum_core.ir.expressions._narrow import path_of
from stratum_core.ir.expressions._render import render
from stratum_core.ir.expressions._shape import Shape, is_text_shape, shape

__all__ = ["check_field", "read_field"]

_LENGTHS = frozenset({"length", "size"})
_WRAPPERS = frozenset({"output", "outputs", "value", "result"})


def check_field(context: Context, node: ast.Attribute) -> Type:
    """Return the type of `value.field`."""
    return read_field(context, node, context.value(node.value, f"`.{node.attr}`"), node.attr)


def read_field(context: Context, node: ast.Attribute | ast.Subscript, found: Shape, name: str) -> Type:
    """Return the type of a field of a value whose shape is known."""
    bare = found.bare
    if isinstance(bare, RecordType):
        field = bare.field(name)
        if field is None:
            return _unknown_field(context, node, bare, name)
        kind = field.type
        if path_of(node) in context.facts:
            inner = shape(kind)
            kind = inner.again(inner.bare) if inner.nullable else kind
        return found.again(kind)
    if isinstance(bare, JsonType):
        return found.again(JsonType())
    if isinstance(bare, (AnyType, NeverType)):
        return AnyType()
    return _no_fields(context, node, bare, name)


def _field_start(node: ast.expr, name: str) -> int:
    """Return where the field's own name starts."""
    return (node.end_col_offset or 0) - len(name) if isinstance(node, ast.Attribute) else node.col_offset


def _unknown_field(
    context: Context, node: ast.Attribute | ast.Subscript, record: RecordType, name: str
) -> Type:
    """Report a field the record does not have."""
    owner = f"`{describe(record)}`"
    fields = ", ".join(record.field_names)
    close = nearest(name, record.field_names)
    if close is None and name in _WRAPPERS and isinstance(node.value, ast.Name):
        return context.report(
            "E211",
            node,
            f"{owner} has no field `{name}`",
            f"the value is `{node.value.id}` itself; its fields: {fields}",
            replacement=node.value.id,
        )
    return context.report(
        "E211",
        node,
        f"{owner} has no field `{name}`",
        (f"did you mean `{close}`? " if close else "") + f"fields of {describe(record)}: {fields}",
        replacement=close if isinstance(node, ast.Attribute) else None,
        start=_field_start(node, name),
    )


def _no_fields(context: Context, node: ast.Attribute | ast.Subscript, bare: Type, name: str) -> Type:
    """Report a field of something that has none."""
    text = render(node.value)
    if name in _LENGTHS and (isinstance(bare, (ListType, MapType)) or is_text_shape(bare)):
        return context.report(
            "E221", node, f"`.{name}` is written `len(...)`", f"write len({text})", replacement=f"len({text})"
        )
    if name in METHOD_NAMES or name in METHOD_ALIASES:
        call = METHOD_ALIASES.get(name, name)
        return context.report("E211", node, f"`.{name}` is a method", f"call it: {text}.{call}(...)")
    if isinstance(bare, MapType):
        return context.report(
            "E211",
            node,
            f"`{text}` is {describe(bare)}; its values are read with brackets",
            f'write {text}["{name}"]',
            replacement=f'{text}["{name}"]',
        )
    advice = ""
    if isinstance(bare, ListType) and isinstance(shape(bare.item).bare, RecordType):
        advice = f"write [x.{name} for x in {text}] or {text}[0].{name}"
    return context.report("E211", node, f"`{text}` is {describe(bare)}; it has no field `{name}`", advice)
