"""Conditions: text, a lambda or a function becomes an expression over the names of its place."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from pydantic import BaseModel

from stratum_core.authoring._codec import Codec
from stratum_core.contracts import BoolType, JsonType, JsonValue, Type
from stratum_core.errors import ExpressionError, StratumCompileError
from stratum_core.ir.expressions import compile_expression
from stratum_core.specs import Expression

__all__ = ["BOOL", "NativeExpression", "condition", "is_native"]

BOOL = BoolType()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class NativeExpression:
    """A condition that only Python can judge: it runs in the library and cannot be written into a document."""

    source: str
    canonical: str
    type: Type
    names: frozenset[str]
    reads: frozenset[tuple[str, ...]]
    reason: str
    """Why it could not be translated, for `stratum emit`."""
    function: Callable[..., object] = field(repr=False)
    arguments: tuple[tuple[str, Codec], ...] = field(repr=False)
    """For each parameter in order: the name it is bound to, and how its value is loaded."""
    native: bool = True

    def evaluate(self, values: Mapping[str, JsonValue]) -> JsonValue:
        """Return what the function says about the loaded values.

        Raises:
            ExpressionError: The function raised, or gave something that is no JSON value.
        """
        loaded = [codec.load(values[name]) for name, codec in self.arguments]
        try:
            found = self.function(*loaded)
        except Exception as fault:
            raise ExpressionError(
                f"`{self.canonical}` raised {type(fault).__name__}: {fault}",
                remedy="make the condition hold or fail for every value of its type",
            ) from fault
        return _as_json(found)


def _as_json(value: object) -> JsonValue:
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    return value  # pyright: ignore


def is_native(expression: Expression) -> bool:
    """Return whether only Python can judge an expression."""
    return isinstance(expression, NativeExpression)


def condition(
    form: str | Callable[..., object],
    *,
    scope: Mapping[str, Type],
    codecs: Mapping[str, Codec],
    where: str,
    want: Type | None = BOOL,
) -> Expression:
    """Return the expression of a condition."""
    if isinstance(form, str):
        result = compile_expression(form, scope, want=want)
        if result.expression is None:
            found = result.findings[0]
            raise StratumCompileError(f"{where}: `{form}`: {found.message}", remedy=found.suggestion)
        return result.expression
    names = list(inspect.signature(form).parameters)
    if "result" in scope and "result" not in names and names:
        names[0] = "result"
    for name in names:
        if name not in scope:
            raise StratumCompileError(f"{where}: unknown `{name}`")
    source = repr(form)
    return NativeExpression(
        source=source,
        canonical=source,
        type=want or JsonType(),
        names=frozenset(names),
        reads=frozenset((name,) for name in names),
        reason="",
        function=form,
        arguments=tuple((name, codecs[name]) for name in names),
    )
