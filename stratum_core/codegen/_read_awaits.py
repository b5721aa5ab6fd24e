"""Awaits inside an expression: where a flow awaits a call without giving its result a name.

`return await reply(tone)` is a step and a value. Every await that is always reached is taken out in the order Python
awaits in, and what stands in its place is a variable nobody else has. An await that is only sometimes reached, in a
branch or for each item, stays where it is: no step is made of it, and whoever reads the expression refuses it.
"""

from __future__ import annotations

import ast
import copy
from collections.abc import Callable, Collection, Iterable
from typing import TypeAlias, cast

__all__ = ["awaited_call", "fresh_name", "given_names", "taken_apart"]

Taken: TypeAlias = Callable[[ast.expr], ast.expr]

_SPOKEN_FOR = frozenset({"input", "item", "index", "results"})
"""What expressions call something else by."""


def awaited_call(node: ast.expr, records: Collection[str]) -> ast.expr | None:
    """Return the call of what is one step as it stands: an await, also inside `list(...)` or a record's `*`.

    Args:
        node: Any expression.
        records: The contracts and dataclasses of the module.
    """
    match node:
        case ast.Await(value=call):
            return call
        case ast.Call(
            func=ast.Name(id=record), args=[ast.Starred(value=ast.Await(value=ast.Call() as call))]
        ) if record in records:
            return call
        case ast.Call(func=ast.Name(id="list"), args=[ast.Await(value=call)]):
            return call
        case _:
            return None


def taken_apart(node: ast.expr, take: Taken) -> ast.expr:
    """Return an expression with its parts taken by `take`, leaving out those that are not always reached.

    Args:
        node: The expression; it is not changed.
        take: Called with each part, in order; returns what stands in its place.
    """
    made = copy.copy(node)
    match made:
        case ast.Lambda():
            pass
        case ast.IfExp():
            made.test = take(made.test)
        case ast.BoolOp():
            made.values = [take(made.values[0]), *made.values[1:]]
        case ast.Compare():
            made.left = take(made.left)
            made.comparators = [take(made.comparators[0]), *made.comparators[1:]]
        case ast.ListComp() | ast.SetComp() | ast.GeneratorExp() | ast.DictComp():
            first = copy.copy(made.generators[0])
            first.iter = take(first.iter)
            made.generators = [first, *made.generators[1:]]
        case _:
            for name, part in ast.iter_fields(node):
                setattr(made, name, _part(part, take))
    return made


def _part(part: object, take: Taken) -> object:
    """Return a field of a node with the expressions in it taken."""
    match part:
        case ast.expr():
            return take(part)
        case ast.keyword():
            return ast.keyword(arg=part.arg, value=take(part.value))
        case list():
            return [_part(one, take) for one in cast("list[object]", part)]
        case _:
            return part


def given_names(statements: Iterable[ast.stmt]) -> set[str]:
    """Return every variable that statements give a value to, those of comprehensions included."""
    return {
        part.id
        for statement in statements
        for part in ast.walk(statement)
        if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Store)
    }


def fresh_name(wanted: str, taken: Collection[str]) -> str:
    """Return the name itself, or with the first number behind it that makes it unlike all others."""
    number, name = 1, wanted
    while name in taken or name in _SPOKEN_FOR:
        number += 1
        name = f"{wanted[:58]}_{number}"
    return name
