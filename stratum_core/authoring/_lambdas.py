"""From the syntax tree of a lambda, or of a function that only returns, to the text of an expression.

Parameters get the names of the place, constants are folded in, tuples and sets right of `in` become lists. The text
is then compiled like any other, which decides whether it is of the language: nothing here judges types.
"""

from __future__ import annotations

import ast
import copy
from collections.abc import Callable, Mapping
from typing import cast

from stratum_core.authoring._folding import UNKNOWN, constant_node, names_around, static_value
from stratum_core.authoring._sources import Definition
from stratum_core.ir.expressions import SIGNATURES

__all__ = [
    "UnknownNameError",
    "UntranslatableError",
    "body_of",
    "expression_text",
    "paths_read",
    "undefined_name",
]


_FUNCTIONS = (ast.Lambda, ast.FunctionDef, ast.AsyncFunctionDef)


class UntranslatableError(Exception):
    """Only Python can run this; the message says why."""


class UnknownNameError(Exception):
    """A free name that means nothing here; the message is the name."""


def body_of(definition: Definition) -> ast.expr:
    """Return the one expression a definition gives.

    Raises:
        UntranslatableError: It has statements.
    """
    if isinstance(definition, ast.Lambda):
        return definition.body
    statements = definition.body
    if ast.get_docstring(definition, clean=False) is not None:
        statements = statements[1:]
    match statements:
        case [ast.Return(value=ast.expr() as value)] if isinstance(definition, ast.FunctionDef):
            return value
        case _:
            raise UntranslatableError("it has statements; only a single `return` can be translated")


def expression_text(body: ast.expr, function: Callable[..., object], renamed: Mapping[str, str]) -> str:
    """Return the text of an expression with the names of its place.

    Args:
        body: The expression as Python has it; it is not changed.
        function: Whose body it is; its closure and globals give the constants.
        renamed: The name of the place for each parameter.

    Raises:
        UntranslatableError: A name means something that is no constant.
    """
    translated = _Translator(names_around(function), renamed).expression(body)
    return ast.unparse(ast.fix_missing_locations(translated))


def paths_read(body: ast.AST, renamed: Mapping[str, str]) -> frozenset[tuple[str, ...]]:
    """Return the longest attribute paths that start at a parameter, under the names of the place.

    A parameter whose name is given to something else in the body is left out.
    """
    found: set[tuple[str, ...]] = set()
    taken = {
        node.id for node in ast.walk(body) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
    }
    inner = [node for node in ast.walk(body) if isinstance(node, _FUNCTIONS) and node is not body]
    taken.update(one.arg for node in inner for one in ast.walk(node.args) if isinstance(one, ast.arg))
    inside: set[ast.AST] = set()
    for node in ast.walk(body):
        if node in inside:
            continue
        path: list[str] = []
        part = node
        while isinstance(part, ast.Attribute):
            path.insert(0, part.attr)
            part = part.value
            inside.add(part)
        if isinstance(part, ast.Name) and part.id in renamed and part.id not in taken:
            found.add((renamed[part.id], *path))
    return frozenset(found)


def undefined_name(definition: Definition, function: Callable[..., object]) -> str | None:
    """Return a name a function reads that means nothing: neither its own, nor around it, nor Python's."""
    known = {*names_around(function), "__class__"}
    for node in ast.walk(definition):
        match node:
            case ast.arg(arg=name) | ast.FunctionDef(name=name) | ast.ClassDef(name=name):
                known.add(name)
            case ast.Name(id=name, ctx=ast.Store()):
                known.add(name)
            case ast.Import(names=taken) | ast.ImportFrom(names=taken):
                known.update((one.asname or one.name).partition(".")[0] for one in taken)
            case (
                ast.ExceptHandler(name=str(name))
                | ast.MatchAs(name=str(name))
                | ast.MatchStar(name=str(name))
            ):
                known.add(name)
            case ast.MatchMapping(rest=str(name)):
                known.add(name)
            case _:
                pass
    parts = [definition.body] if isinstance(definition, ast.Lambda) else definition.body
    read = (node for part in parts for node in ast.walk(part) if isinstance(node, ast.Name))
    return next((node.id for node in read if node.id not in known), None)


class _Translator:
    """Rewrites one body."""

    def __init__(self, names: Mapping[str, object], renamed: Mapping[str, str]) -> None:
        self._names = names
        self._renamed = dict(renamed)
        self._bound: tuple[str, ...] = ()

    def expression(self, node: ast.expr, *, membership: bool = False) -> ast.expr:
        """Return the node with the names of its place."""
        match node:
            case ast.Name():
                return self._name(node, membership=membership)
            case ast.Attribute():
                value = static_value(node, self._free())
                if value is not UNKNOWN:
                    return self._constant(value, node, membership=membership)
                return ast.Attribute(value=self.expression(node.value), attr=node.attr, ctx=ast.Load())
            case ast.Call():
                return self._call(node)
            case ast.Compare():
                return self._compare(node)
            case ast.Tuple(elts=items) | ast.Set(elts=items) if membership:
                return ast.List(elts=[self.expression(item) for item in items], ctx=ast.Load())
            case ast.ListComp(elt=item, generators=clauses) | ast.GeneratorExp(elt=item, generators=clauses):
                return self._comprehension(node, item, clauses)
            case ast.Lambda() | ast.SetComp() | ast.DictComp() | ast.NamedExpr() | ast.JoinedStr():
                raise UntranslatableError(f"`{ast.unparse(node)}` is not part of the expression language")
            case _:
                return self._parts(node)

    def _free(self) -> Mapping[str, object]:
        """Return the names that are neither parameters nor names of a comprehension."""
        taken = {*self._renamed, *self._bound}
        return {name: value for name, value in self._names.items() if name not in taken}

    def _name(self, node: ast.Name, *, membership: bool) -> ast.expr:
        if node.id in self._bound:
            return node
        if node.id in self._renamed:
            return ast.Name(id=self._renamed[node.id], ctx=ast.Load())
        value = self._names.get(node.id, UNKNOWN)
        if value is UNKNOWN:
            raise UnknownNameError(node.id)
        return self._constant(value, node, membership=membership)

    def _constant(self, value: object, node: ast.expr, *, membership: bool) -> ast.expr:
        found = constant_node(value, membership=membership)
        if found is None:
            raise UntranslatableError(f"`{ast.unparse(node)}` is a {type(value).__name__}, not a constant")
        return found

    def _call(self, node: ast.Call) -> ast.expr:
        """Keep calls of the language's functions and methods; other code cannot be looked into."""
        func = node.func
        if isinstance(func, ast.Attribute) and static_value(func, self._free()) is UNKNOWN:
            called: ast.expr = ast.Attribute(
                value=self.expression(func.value), attr=func.attr, ctx=ast.Load()
            )
        elif isinstance(func, ast.Name) and func.id in SIGNATURES and self._is_builtin(func.id):
            called = func
        else:
            raise UntranslatableError(f"it calls `{ast.unparse(func)}`, which is other code")
        keywords = [ast.keyword(arg=one.arg, value=self.expression(one.value)) for one in node.keywords]
        return ast.Call(func=called, args=[self.expression(one) for one in node.args], keywords=keywords)

    def _is_builtin(self, name: str) -> bool:
        """Return whether a name still means Python's own function of that name."""
        taken = name in self._renamed or name in self._bound
        return not taken and getattr(self._names.get(name), "__module__", "") == "builtins"

    def _compare(self, node: ast.Compare) -> ast.expr:
        """Translate a comparison; what stands right of `in` may be a tuple or a set."""
        comparators = [
            self.expression(right, membership=isinstance(op, (ast.In, ast.NotIn)))
            for op, right in zip(node.ops, node.comparators, strict=True)
        ]
        return ast.Compare(left=self.expression(node.left), ops=node.ops, comparators=comparators)

    def _comprehension(self, node: ast.expr, item: ast.expr, clauses: list[ast.comprehension]) -> ast.expr:
        """Translate a comprehension; its own names hide others inside it."""
        if len(clauses) > 1:
            raise UntranslatableError("a comprehension has more than one `for`")
        clause = clauses[0]
        source = self.expression(clause.iter)
        outer = self._bound
        self._bound = (*outer, *(part.id for part in ast.walk(clause.target) if isinstance(part, ast.Name)))
        inner = ast.comprehension(
            target=clause.target,
            iter=source,
            ifs=[self.expression(test) for test in clause.ifs],
            is_async=clause.is_async,
        )
        element = self.expression(item)
        self._bound = outer
        kind = ast.ListComp if isinstance(node, ast.ListComp) else ast.GeneratorExp
        return kind(elt=element, generators=[inner])

    def _parts(self, node: ast.expr) -> ast.expr:
        """Translate the operands of any other node."""
        changed = copy.copy(node)
        for name, value in ast.iter_fields(node):
            if isinstance(value, ast.expr):
                setattr(changed, name, self.expression(value))
            elif isinstance(value, list):
                parts = cast("list[ast.AST | None]", value)
                setattr(
                    changed,
                    name,
                    [self.expression(part) if isinstance(part, ast.expr) else part for part in parts],
                )
        return changed
