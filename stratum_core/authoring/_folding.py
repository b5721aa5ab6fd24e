"""Names inside a condition that mean a constant: closures, globals, enum members and attributes of modules.

Their values are taken when the function is decorated. Only values that cannot change under their name's meaning are
taken: text, numbers, bools, None, dates, and flat collections of these. An attribute of a plain object may change at
any time, so it is left to Python.
"""

from __future__ import annotations

import ast
import builtins
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from enum import Enum
from types import ModuleType
from typing import cast

__all__ = ["UNKNOWN", "constant_node", "names_around", "static_value"]


class _Unknown:
    """The type of `UNKNOWN`."""


UNKNOWN = _Unknown()
"""Stands for a value that cannot be told from the names alone."""


def names_around(function: Callable[..., object]) -> Mapping[str, object]:
    """Return what the free names of a function mean now: builtins, then globals, then its closure."""
    names: dict[str, object] = {**vars(builtins), **getattr(function, "__globals__", {})}
    code = getattr(function, "__code__", None)
    cells = getattr(function, "__closure__", None) or ()
    for name, cell in zip(code.co_freevars if code is not None else (), cells, strict=False):
        try:
            names[name] = cell.cell_contents
        except ValueError:  # not assigned yet
            names.pop(name, None)
    return names


def static_value(node: ast.expr, names: Mapping[str, object]) -> object:
    """Return what a name, or an attribute of a module or class, means; `UNKNOWN` for anything else."""
    if isinstance(node, ast.Name):
        return names.get(node.id, UNKNOWN)
    if isinstance(node, ast.Attribute):
        owner = static_value(node.value, names)
        if isinstance(owner, (ModuleType, type)):
            return getattr(owner, node.attr, UNKNOWN)
        if isinstance(owner, Enum) and node.attr in ("value", "name"):
            return getattr(owner, node.attr)
    return UNKNOWN


def constant_node(value: object, *, membership: bool) -> ast.expr | None:
    """Return the literal that stands for a value, or None where there is none.

    Args:
        value: What a name means.
        membership: Whether it stands right of `in`, where tuples and sets serve as lists.
    """
    if isinstance(value, Enum):
        return constant_node(value.value, membership=False)
    if value is None or isinstance(value, (bool, int, float, str)):
        return _scalar(value)
    if isinstance(value, datetime):
        moment = value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
        return ast.Constant(value=moment.isoformat().replace("+00:00", "Z"))
    if isinstance(value, date):
        return ast.Constant(value=value.isoformat())
    if isinstance(value, list) or (membership and isinstance(value, (tuple, set, frozenset))):
        return _collection(cast("list[object] | tuple[object, ...] | set[object]", value))
    return None


def _scalar(value: float | str | None) -> ast.expr:
    """Return a literal; a negative number is written with its sign."""
    if isinstance(value, (int, float)) and not isinstance(value, bool) and value < 0:
        return ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=-value))
    return ast.Constant(value=str(value) if isinstance(value, str) else value)


def _collection(
    values: list[object] | tuple[object, ...] | set[object] | frozenset[object],
) -> ast.expr | None:
    """Return a list literal; sets, which have no order, are sorted so that the text is stable."""
    ordered = sorted(values, key=repr) if isinstance(values, (set, frozenset)) else list(values)
    nodes = [constant_node(value, membership=False) for value in ordered]
    kept = [node for node in nodes if node is not None and not isinstance(node, ast.List)]
    return ast.List(elts=kept, ctx=ast.Load()) if len(kept) == len(nodes) else None
