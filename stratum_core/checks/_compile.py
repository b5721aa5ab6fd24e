"""Compile the expressions of a document, each text once for each meaning of the names in it.

Documents repeat themselves (`item`, `input.review.text`, the same threshold): a text whose names have the very same
types as before, the same wanted type and the same assumptions, gives the same result without work.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from operator import is_
from typing import NamedTuple

from stratum_core.checks._findings import Findings
from stratum_core.contracts import BoolType, JsonValue, Type, assignable, describe
from stratum_core.ir import Expr, Invalid, Path
from stratum_core.ir.expressions import (
    CompiledExpression,
    Facts,
    compile_expression,
    literal_expression,
)

__all__ = ["BOOL", "Compiler"]

BOOL = BoolType()
"""The type of every condition."""

UNKNOWN_NAME = "E210"
"""What the expression language calls a name that is not in scope."""

_REMEMBERED = 16


class _Known(NamedTuple):
    """One faultless expression and what it depends on."""

    expression: CompiledExpression
    want: Type | None
    not_null: Facts
    types: tuple[Type, ...]
    """Of the names the expression reads, in their order there."""
    older: _Known | None
    """What the same text gave for other types."""
    number: int
    """How many there are for the text, this one included."""


class Compiler:
    """Compiles expressions and reports what is wrong with them."""

    __slots__ = ("_findings", "_known", "spellings")

    def __init__(self, findings: Findings) -> None:
        self._findings = findings
        self._known: dict[str, _Known] = {}
        self.spellings: dict[str, str] = {}
        """Canonical texts of the expressions so far, by their text as written."""

    def compile(
        self,
        path: Path,
        form: Expr,
        scope: Mapping[str, Type],
        *,
        want: Type | None = None,
        not_null: Facts = frozenset(),
        later: Collection[str] = (),
        names_complete: bool = True,
    ) -> CompiledExpression | None:
        """Return the checked expression at `path`, or None when it has a diagnostic.

        A text is an expression; anything else stands for itself. Unless `names_complete`, an unknown name may be
        that of a step whose id has a diagnostic already, and is not reported.
        """
        if isinstance(form, Invalid):
            return None
        if not isinstance(form, str):
            return self._literal(path, form, want)
        known = self._recall(form, scope, want, not_null)
        if known is not None:
            return known
        result = compile_expression(form, scope, want=want, not_null=not_null, later=later)
        if result.expression is not None:
            self.spellings[form] = result.expression.canonical
            if not result.findings:
                self._remember(form, scope, want, not_null, result.expression)
        for finding in result.findings:
            if finding.code == UNKNOWN_NAME and not names_complete:
                continue
            self._findings.add_expression(path, finding)
        return result.expression

    def condition(
        self,
        path: Path,
        form: Expr,
        scope: Mapping[str, Type],
        *,
        later: Collection[str] = (),
    ) -> CompiledExpression | None:
        """Return the checked expression, which has to be a bool."""
        return self.compile(path, form, scope, want=BOOL, later=later)

    def _literal(self, path: Path, value: JsonValue, want: Type | None) -> CompiledExpression | None:
        """Return a value that stands for itself, if it fits."""
        expression = literal_expression(value)
        if want is None or assignable(expression.type, want):
            return expression
        self._findings.add(
            "E323",
            path,
            f"the literal {expression.canonical} does not fit {describe(want)}",
            suggestion=f"write a value of type {describe(want)}, or an expression",
        )
        return None

    def _recall(
        self,
        text: str,
        scope: Mapping[str, Type],
        want: Type | None,
        not_null: Facts,
    ) -> CompiledExpression | None:
        """Return an earlier expression that holds here, too."""
        known = self._known.get(text)
        while known is not None:
            if (
                known.want is want
                and known.not_null == not_null
                and all(map(is_, map(scope.get, known.expression.names), known.types))
            ):
                return known.expression
            known = known.older
        return None

    def _remember(
        self,
        text: str,
        scope: Mapping[str, Type],
        want: Type | None,
        not_null: Facts,
        expression: CompiledExpression,
    ) -> None:
        """Keep a faultless expression: a fault may depend on the whole scope (did you mean, later steps)."""
        older = self._known.get(text)
        number = 1 if older is None else older.number + 1
        if number <= _REMEMBERED:
            types = tuple(map(scope.__getitem__, expression.names))
            self._known[text] = _Known(expression, want, not_null, types, older, number)
