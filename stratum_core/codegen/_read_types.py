"""Annotations as a document's types, from the syntax tree alone."""

from __future__ import annotations

import ast
import json
from collections.abc import Mapping
from dataclasses import dataclass

from stratum_core.codegen._read_expressions import UnreadableError, is_null
from stratum_core.contracts import JsonScalar
from stratum_core.ir import LongType, TypeForm

__all__ = ["literal_value", "read_annotation", "read_limits"]

_PLAIN: Mapping[str, str] = {
    "str": "string",
    "int": "int",
    "float": "float",
    "bool": "bool",
    "bytes": "bytes",
    "date": "date",
    "datetime": "datetime",
    "JsonValue": "json",
}
_LIMITS = frozenset({"ge", "le", "min_length", "max_length", "pattern", "description"})


@dataclass(frozen=True, slots=True)
class _Read:
    """A type's text, and what a long form adds to it."""

    text: str
    limits: Mapping[str, JsonScalar]
    values: tuple[JsonScalar, ...] | None = None
    """The values of an enum that stands alone."""


def read_annotation(node: ast.expr, imported: Mapping[str, str], limits: ast.Call | None = None) -> TypeForm:
    """Return a type in the form documents have.

    Args:
        node: The annotation.
        imported: What the module's imported names are called where they come from.
        limits: A field's own `Field(...)`.

    Raises:
        UnreadableError: No document can say it.
    """
    found = _read(node, imported)
    own = {**found.limits, **({} if limits is None else read_limits(limits))}
    if found.values is not None:
        return LongType(enum=found.values, description=str(own.get("description", "")))
    if not own:
        return found.text
    return LongType(
        type=found.text,
        min=_number(own.get("ge")),
        max=_number(own.get("le")),
        min_length=_count(own.get("min_length")),
        max_length=_count(own.get("max_length")),
        pattern=None if own.get("pattern") is None else str(own.get("pattern")),
        description=str(own.get("description", "")),
    )


def _number(value: JsonScalar) -> int | float | None:
    return value if isinstance(value, (int, float)) else None


def _count(value: JsonScalar) -> int | None:
    return value if isinstance(value, int) else None


def read_limits(call: ast.Call) -> dict[str, JsonScalar]:
    """Return what a `Field(...)` adds to a type.

    Raises:
        UnreadableError: It adds something that no document can say.
    """
    limits: dict[str, JsonScalar] = {}
    for keyword in call.keywords:
        if keyword.arg == "default" and is_null(keyword.value):
            continue
        if keyword.arg not in _LIMITS:
            raise UnreadableError(keyword.value, f"`Field({keyword.arg}=...)` has no form in a document")
        limits[keyword.arg] = literal_value(keyword.value)
    return limits


def literal_value(node: ast.expr) -> JsonScalar:
    """Return a constant: text, a number, a bool or None.

    Raises:
        UnreadableError: It is none.
    """
    match node:
        case ast.Constant(value=str() | int() | float() | None as value):
            return value
        case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() | float() as value)):
            return -value
        case _:
            raise UnreadableError(node, f"`{ast.unparse(node)}` is not a plain constant")


def _read(node: ast.expr, imported: Mapping[str, str]) -> _Read:
    """Read one annotation."""
    match node:
        case ast.Constant(value=None):
            return _Read("null", {})
        case ast.Name(id=found):
            return _Read(_PLAIN.get(imported.get(found, found), found), {})
        case ast.BinOp(left=left, op=ast.BitOr(), right=right) if is_null(right):
            inner = _read(left, imported)
            if inner.values is not None:
                return _Read(inner.text, inner.limits, (*inner.values, None))
            return _Read(f"optional<{inner.text}>", inner.limits)
        case ast.Subscript(value=ast.Name(id=found), slice=index):
            return _generic(node, imported.get(found, found), index, imported)
        case _:
            raise UnreadableError(node, f"`{ast.unparse(node)}` has no form in a document")


def _generic(node: ast.expr, base: str, index: ast.expr, imported: Mapping[str, str]) -> _Read:
    """Read a type with parts in square brackets."""
    parts = index.elts if isinstance(index, ast.Tuple) else [index]
    match base, parts:
        case "Literal", _:
            values = tuple(literal_value(part) for part in parts)
            return _Read(" | ".join(json.dumps(value, ensure_ascii=False) for value in values), {}, values)
        case "Annotated", [inner, ast.Call() as limits]:
            found = _read(inner, imported)
            return _Read(found.text, {**found.limits, **read_limits(limits)}, found.values)
        case "opaque", [inner]:
            found = _read(inner, imported)
            return _Read(f"opaque<{found.text}>", found.limits)
        case "list", [inner]:
            return _Read(f"list<{_inner(inner, imported)}>", {})
        case "dict", [ast.Name(id="str"), inner]:
            return _Read(f"map<{_inner(inner, imported)}>", {})
        case _:
            raise UnreadableError(node, f"`{ast.unparse(node)}` has no form in a document")


def _inner(node: ast.expr, imported: Mapping[str, str]) -> str:
    """Return the text of a type inside another, where only a range can be said."""
    found = _read(node, imported)
    limits = dict(found.limits)
    if not limits:
        return found.text
    low, high = limits.pop("ge", None), limits.pop("le", None)
    bounds = f"[{'' if low is None else low}..{'' if high is None else high}]"
    for name in ("int", "float"):
        if not limits and name in found.text and found.text.count(name) == 1:
            return found.text.replace(name, name + bounds)
    raise UnreadableError(node, f"the limits of `{ast.unparse(node)}` inside another type have no form")
