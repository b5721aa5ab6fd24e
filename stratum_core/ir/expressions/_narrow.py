"""Narrowing: which paths are known not to be null once a condition is known to be true or false."""

from __future__ import annotations

import ast
from typing import TypeAlias

__all__ = ["Facts", "Path", "facts", "path_of"]

Path: TypeAlias = tuple[str, ...]
"""A name and the fields read from it, e.g. `("input", "review", "text")`."""

Facts: TypeAlias = frozenset[Path]


def path_of(node: ast.expr) -> Path | None:
    """Return the path an expression reads, or None when it is more than names and fields."""
    match node:
        case ast.Name(id=name):
            return (name,)
        case ast.Attribute(value=value, attr=attr):
            base = path_of(value)
            return None if base is None else (*base, attr)
        case ast.Subscript(value=value, slice=ast.Constant(value=str() as key)):
            base = path_of(value)
            return None if base is None else (*base, key)
        case _:
            return None


def facts(node: ast.expr, *, truth: bool) -> Facts:
    """Return the paths that are not null when `node` is `truth`."""
    match node:
        case ast.Compare(left=left, ops=[op], comparators=[right]):
            return _pair_facts(left, op, right, truth=truth)
        case ast.Compare(left=left, ops=ops, comparators=comparators) if truth:
            found: set[Path] = set()
            for op, right in zip(ops, comparators, strict=True):
                found |= _pair_facts(left, op, right, truth=True)
                left = right
            return frozenset(found)
        case ast.BoolOp(op=op, values=values) if isinstance(op, ast.And) is truth:
            return frozenset[Path]().union(*(facts(value, truth=truth) for value in values))
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            return facts(operand, truth=not truth)
        case _:
            return frozenset()


def _pair_facts(left: ast.expr, op: ast.cmpop, right: ast.expr, *, truth: bool) -> Facts:
    """Return what one comparison says about null."""
    if isinstance(op, (ast.Is, ast.IsNot)):
        path = path_of(left)
        return frozenset({path}) if path is not None and isinstance(op, ast.IsNot) is truth else frozenset()
    if isinstance(op, (ast.Eq, ast.NotEq)) and isinstance(op, ast.Eq) is truth:
        sides = ((left, right), (right, left))
        paths = (
            path_of(side)
            for side, other in sides
            if isinstance(other, ast.Constant) and other.value is not None
        )
        return frozenset(path for path in paths if path is not None)
    return frozenset()
