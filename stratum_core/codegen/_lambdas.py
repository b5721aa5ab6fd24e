"""Conditions as lambdas, where Python means the same and a reader sees it at once."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence

from stratum_core.contracts import (
    AnyType,
    DateTimeType,
    DateType,
    JsonType,
    MapType,
    OptionalType,
    ProbabilisticType,
    Type,
    without_opaque,
)
from stratum_core.ir.expressions import CompiledExpression
from stratum_core.specs import Expression

__all__ = ["lambda_of"]

_CALLS = frozenset(
    {"len", "all", "any", "sum", "min", "max", "abs", "round", "int", "float", "str", "sorted"}
)
_METHODS = frozenset(
    {"lower", "upper", "strip", "startswith", "endswith", "split", "join", "replace", "count"}
)
_HARD_TO_READ = frozenset({"l", "O", "I"})
_NOT_PLAIN = (JsonType, MapType, ProbabilisticType, DateType, DateTimeType, AnyType)


def lambda_of(expression: Expression, leading: Sequence[str], inputs: Sequence[str]) -> ast.expr | None:
    """Return a condition as a lambda whose body is the condition's text, or None where text says it better.

    Args:
        expression: The condition.
        leading: The names that come first, such as `result`.
        inputs: The function's inputs, in order.
    """
    if not isinstance(expression, CompiledExpression) or not expression.names:
        return None
    if any(not _is_plain(node, expression.types) for node in ast.walk(expression.node)):
        return None
    names = [*leading, *(found for found in inputs if found in expression.names)]
    if names and leading and not set(leading) & expression.names:
        return None
    return ast.Lambda(
        args=ast.arguments(
            posonlyargs=[],
            args=[ast.arg(arg=found) for found in names],
            kwonlyargs=[],
            kw_defaults=[],
            defaults=[],
        ),
        body=expression.node,
    )


def _is_plain(node: ast.AST, types: Mapping[ast.expr, Type]) -> bool:
    """Return whether a node means in Python what it means in the language, on Python values."""
    match node:
        case ast.Call(func=ast.Name(id=called)):
            return called in _CALLS
        case ast.Call(func=ast.Attribute(attr=method, value=value)):
            return method in _METHODS and not isinstance(_bare(types.get(value)), _NOT_PLAIN)
        case ast.Attribute(value=value):
            return not isinstance(_bare(types.get(value)), _NOT_PLAIN)
        case ast.Compare(left=left, comparators=rest):
            return not any(
                isinstance(_bare(types.get(side)), (DateType, DateTimeType)) for side in (left, *rest)
            )
        case ast.Name(id=found):
            return found not in _HARD_TO_READ
        case ast.Dict():
            return False
        case _:
            return True


def _bare(kind: Type | None) -> Type | None:
    """Return a type without `opaque` and null."""
    if kind is None:
        return None
    kind = without_opaque(kind)
    return kind.inner if isinstance(kind, OptionalType) else kind
