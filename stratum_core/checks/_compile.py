"""Compile the expressions of a document, each text once for each meaning of the names in it.

Documents repeat themselves (`item`, `input.review.text`, the same threshold): a text whose names have the very same
types as before, the same wanted type and the same assumptions, gives the same result without work.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from stratum_core.checks._findings import Findings
from stratum_core.contracts import BoolType, JsonValue, Type, assignable, describe
from stratum_core.ir import Expr, Invalid, Path
from stratum_core.ir.expressions import (
    CompiledExpression,
    CompileResult,
    compile_expression,
    literal_expression,
)

__all__ = ["BOOL", "Compiler"]

BOOL = BoolType()
"""The type of every condition."""

UNKNOWN_NAME = "E210"
"""What the expression language calls a name that is not in scope."""

_REMEMBERED = 16
_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Known:
    """One result and what it depends on."""

    want: Type | None
    assume: tuple[str, ...]
    types: tuple[tuple[str, Type], ...]
    result: CompileResult


def _compiled(
    text: str,
    scope: Mapping[str, Type],
    want: Type | None,
    assume: tuple[str, ...],
    later: Collection[str],
) -> CompileResult:
    """Compile one text, first with just the names that occur in it: a long flow has a thousand others.

    Only when something is wrong does the rest of the scope matter, for what may have been meant.
    """
    mentioned = {name: scope[name] for name in _WORD.findall(text) if name in scope}
    result = compile_expression(text, mentioned, want=want, assume=assume)
    if not result.findings:
        return result
    return compile_expression(text, scope, want=want, assume=assume, later=later)


class Compiler:
    """Compiles expressions and reports what is wrong with them."""

    __slots__ = ("_findings", "_known", "spellings")

    def __init__(self, findings: Findings) -> None:
        self._findings = findings
        self._known: dict[str, list[_Known]] = {}
        self.spellings: dict[str, str] = {}
        """Canonical texts of the expressions so far, by their text as written."""

    def compile(
        self,
        path: Path,
        form: Expr,
        scope: Mapping[str, Type],
        *,
        want: Type | None = None,
        assume: tuple[str, ...] = (),
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
        result = self._recall(form, scope, want, assume)
        if result is None:
            result = _compiled(form, scope, want, assume, later)
            self._remember(form, scope, want, assume, result)
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
        assume: tuple[str, ...],
    ) -> CompileResult | None:
        """Return an earlier result that holds here, too."""
        for known in self._known.get(text, ()):
            if (
                known.want is want
                and known.assume == assume
                and all(scope.get(name) is kind for name, kind in known.types)
            ):
                return known.result
        return None

    def _remember(
        self,
        text: str,
        scope: Mapping[str, Type],
        want: Type | None,
        assume: tuple[str, ...],
        result: CompileResult,
    ) -> None:
        """Keep a faultless result: a fault may depend on the whole scope (did you mean, later steps)."""
        entries = self._known.setdefault(text, [])
        if result.expression is None:
            return
        self.spellings[text] = result.expression.canonical
        if result.findings or len(entries) >= _REMEMBERED:
            return
        types = tuple((name, scope[name]) for name in result.expression.names)
        entries.append(_Known(want=want, assume=assume, types=types, result=result))
