"""Context: what the checker knows while it walks one expression, and how it reports."""

from __future__ import annotations

import ast
import difflib
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field

from stratum_core.contracts import (
    AnyType,
    BoolType,
    JsonType,
    ListType,
    MapType,
    NullType,
    ProbabilisticType,
    Type,
    describe,
)
from stratum_core.ir.expressions._finding import Finding, Severity
from stratum_core.ir.expressions._grammar import span
from stratum_core.ir.expressions._narrow import Facts, path_of
from stratum_core.ir.expressions._render import render
from stratum_core.ir.expressions._shape import Shape, is_number, is_text_shape, is_unknown, shape

__all__ = ["Context", "nearest", "truth_test"]


def nearest(name: str, known: Iterable[str]) -> str | None:
    """Return the known name that was probably meant."""
    candidates = list(known)
    close = difflib.get_close_matches(name, candidates, 1, 0.6)
    if close:
        return close[0]
    folded = {candidate.lower().replace("_", ""): candidate for candidate in candidates}
    return folded.get(name.lower().replace("_", ""))


@dataclass(slots=True, kw_only=True)
class Context:
    """The state of one check; `infer` is the checker's own walk."""

    scope: Mapping[str, Type]
    infer: Callable[[Context, ast.expr], Type]
    later: Collection[str] = ()
    refused: frozenset[ast.AST] = frozenset()
    facts: Facts = frozenset()
    findings: list[Finding]
    types: dict[ast.expr, Type]
    given: Mapping[str, Type] = field(default_factory=dict[str, Type])
    """Types of the names that comprehensions around the node give; kept apart, for `scope` may be long."""

    def named(self, name: str) -> Type | None:
        """Return the type of a name, None when there is no such name here."""
        return self.given.get(name) or self.scope.get(name)

    def type_of(self, node: ast.expr) -> Type:
        """Return the type of a node; the middle of a comparison chain is asked for twice and checked once."""
        if node in self.types:
            return self.types[node]
        kind: Type = AnyType() if node in self.refused else self.infer(self, node)
        self.types[node] = kind
        return kind

    def report(
        self,
        code: str,
        node: ast.expr,
        message: str,
        suggestion: str = "",
        *,
        replacement: str | None = None,
        severity: Severity = "error",
        start: int | None = None,
    ) -> Type:
        """Record a finding about a node; returns `any`, so that nothing follows from it."""
        first, end = span(node)
        finding = Finding(
            code=code,
            severity=severity,
            message=message,
            start=first if start is None else start,
            end=end,
            suggestion=suggestion,
            replacement=replacement,
        )
        self.findings.append(finding)
        return AnyType()

    def value(self, node: ast.expr, use: str) -> Shape:
        """Return the shape of a value that `use` reads; reports one that may be null or is probabilistic."""
        kind = self.type_of(node)
        found = shape(kind)
        if isinstance(found.bare, ProbabilisticType):
            self.probabilistic(node)
            return shape(AnyType())
        if found.nullable and not is_unknown(found.bare):
            text = render(node)
            test = f"test it first: `{text} is not None and ...`, or " if path_of(node) else ""
            self.report(
                "E216",
                node,
                f"`{text}` may be null (its type is {describe(kind)}), so {use} could fail",
                f"{test}give a fallback: `default({text}, ...)`",
            )
        return found

    def probabilistic(self, node: ast.expr) -> None:
        """Report a probabilistic value that is read directly."""
        text = render(node)
        self.report(
            "E222",
            node,
            f"`{text}` is probabilistic: it is a set of samples, not one value",
            f"read it as most_likely({text}), or assert_stable({text}, 0.9) to demand agreement",
            replacement=f"most_likely({text})",
        )

    def condition(self, node: ast.expr, where: str) -> None:
        """Check that a node is bool; there is no truthiness."""
        kind = self.type_of(node)
        if isinstance(kind, BoolType):
            return
        if isinstance(shape(kind).bare, ProbabilisticType):
            self.probabilistic(node)
        else:
            self.require_bool(node, where)

    def require_bool(self, node: ast.expr, where: str) -> None:
        """Report a node that is not bool, with the comparison that was probably meant."""
        kind = self.types[node]
        found = shape(kind)
        if isinstance(found.bare, (BoolType, AnyType)) and not found.nullable:
            return
        text = render(node)
        if isinstance(found.bare, JsonType):
            suggestion, replacement = f"write {text} == True", None
        else:
            suggestion, replacement = truth_test(node, found)
        self.report(
            "E215",
            node,
            f"{where} must be bool; `{text}` is {describe(kind)}",
            suggestion,
            replacement=replacement,
        )


def truth_test(node: ast.expr, found: Shape) -> tuple[str, str | None]:
    """Return the comparison that says what truthiness would have said, in words and as text."""
    text = f"({render(node)})" if isinstance(node, (ast.BoolOp, ast.IfExp, ast.Compare)) else render(node)
    bare = found.bare
    if found.nullable and not isinstance(bare, NullType):
        test = f"default({text}, False)" if isinstance(bare, BoolType) else f"{text} is not None"
        return f"write {test}", test
    if is_number(bare):
        return f"write {text} != 0, or compare it with a threshold", f"{text} != 0"
    if isinstance(bare, (ListType, MapType)):
        return f"write len({text}) > 0", f"len({text}) > 0"
    if is_text_shape(bare):
        return f'write {text} != ""', f'{text} != ""'
    return "compare one of its fields", None
