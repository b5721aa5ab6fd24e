"""Compile: text and scope in, a checked expression or findings out."""

from __future__ import annotations

import ast
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from stratum_core.contracts import (
    AnyType,
    BoolType,
    DateType,
    EnumType,
    FloatType,
    IntType,
    JsonType,
    JsonValue,
    ListType,
    NeverType,
    ProbabilisticType,
    RecordType,
    StringType,
    Type,
    assignable,
    describe,
    join,
)
from stratum_core.contracts import Field as ContractField
from stratum_core.errors import ExpressionError
from stratum_core.ir.expressions._check import infer
from stratum_core.ir.expressions._context import Context, nearest
from stratum_core.ir.expressions._evaluate import build
from stratum_core.ir.expressions._finding import Finding
from stratum_core.ir.expressions._limits import DEFAULT_FUEL
from stratum_core.ir.expressions._loops import Run
from stratum_core.ir.expressions._meter import Meter
from stratum_core.ir.expressions._narrow import Facts, Path, facts, path_of
from stratum_core.ir.expressions._parse import dotted, parse, path_nodes
from stratum_core.ir.expressions._render import render
from stratum_core.ir.expressions._scan import quote
from stratum_core.ir.expressions._shape import literal_type, say, shape
from stratum_core.ir.expressions._tree import operands, target_names

__all__ = ["CompileResult", "CompiledExpression", "canonical", "compile_expression", "literal_expression"]

_PATHS = frozenset({ast.Name, ast.Attribute, ast.Subscript})
"""The nodes that a path can be made of."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CompiledExpression:
    """A checked expression; evaluating it has no effects and a bounded cost."""

    source: str
    """The text as written."""
    canonical: str
    """The one spelling that is hashed and shown."""
    type: Type
    """The static type of the value."""
    names: frozenset[str]
    """The free names it reads."""
    reads: frozenset[Path]
    """The longest paths read from free names, e.g. `("input", "review", "text")`."""
    path: Path = ()
    """The one path it reads when it does nothing else; empty for any other expression."""
    node: ast.expr = field(repr=False)
    """The syntax tree, for analyses such as the planner's size estimates."""
    types: Mapping[ast.expr, Type] = field(repr=False)
    """The static type of each node of the tree."""
    run: Run = field(repr=False)
    """The tree as a closure."""

    def proves(self) -> Facts:
        """Return the paths that are not null where this condition is true."""
        return facts(self.node, truth=True)

    def evaluate(self, values: Mapping[str, JsonValue], *, fuel: int = DEFAULT_FUEL) -> JsonValue:
        """Return the value.

        Args:
            values: A JSON value for each free name; records and lists may be lazy mappings and sequences.
            fuel: The work allowed.

        Raises:
            ExpressionError: A run-time fault: an index out of range, a division by zero, a value that is not of its
                type, a name without a value.
            FuelExhausted: Too much work, or a value over the size limits.
        """
        try:
            return self.run(Meter({name: values[name] for name in self.names}, fuel))
        except KeyError as error:
            raise ExpressionError(f"`{self.canonical}` reads `{error.args[0]}`, which has no value") from None
        except (
            TypeError,
            ValueError,
            AttributeError,
            ArithmeticError,
            LookupError,
            RecursionError,
            MemoryError,
        ) as error:
            raise ExpressionError(
                f"`{self.canonical}` met a value that is not of its type: {error}"
            ) from error


class CompileResult(NamedTuple):
    """What a check gave: the expression when it has no error, its type, and every finding."""

    expression: CompiledExpression | None
    type: Type
    findings: tuple[Finding, ...]


def compile_expression(
    text: str,
    scope: Mapping[str, Type],
    *,
    want: Type | None = None,
    not_null: Facts = frozenset(),
    later: Collection[str] = (),
) -> CompileResult:
    """Read, check and compile an expression; never raises.

    Args:
        text: The expression as written.
        scope: The type of each name it may read.
        want: The type its value must fit; `BoolType()` for a condition.
        not_null: Paths known not to be null where it is evaluated; see `CompiledExpression.proves`.
        later: Names that exist only later in the flow, for a better message.
    """
    plain = None if not_null else _plain_path(text, scope, want)
    if plain is not None:
        return CompileResult(expression=plain, type=plain.type, findings=())
    parsed = parse(text)
    if parsed.tree is None:
        return CompileResult(expression=None, type=AnyType(), findings=parsed.findings)
    context = Context(
        scope=scope,
        infer=infer,
        later=later,
        refused=parsed.refused,
        facts=not_null,
        findings=[],
        types={},
    )
    kind = context.type_of(parsed.tree)
    kind = _wanted(context, parsed.tree, kind, want)
    findings: tuple[Finding, ...] = ()
    if context.findings or parsed.findings:
        found = parsed.merged(tuple(dict.fromkeys(context.findings)))
        findings = tuple(sorted(dict.fromkeys(found), key=lambda finding: (finding.start, finding.end)))
        if any(finding.severity == "error" for finding in findings):
            return CompileResult(expression=None, type=AnyType(), findings=findings)
    return CompileResult(
        expression=_compiled(text, parsed.tree, kind, context.types), type=kind, findings=findings
    )


def _plain_path(text: str, scope: Mapping[str, Type], want: Type | None) -> CompiledExpression | None:
    """Compile a name, or plain fields of plain records, about which no rule has anything to say; None for the rest.

    This is the most common expression by far, and the one whose type is a matter of looking it up.
    """
    path = dotted(text)
    kind = None if path is None else scope.get(path[0])
    if path is None or kind is None:
        return None
    kinds = [kind]
    for name in path[1:]:
        field_read = kind.field(name) if isinstance(kind, RecordType) else None
        if field_read is None:
            return None
        kind = field_read.type
        kinds.append(kind)
    if want is not None and not (
        isinstance(kind, BoolType) if isinstance(want, BoolType) else assignable(kind, want)
    ):
        return None
    nodes = path_nodes(path)
    types = dict(zip(nodes, kinds, strict=True))
    return CompiledExpression(
        source=text,
        canonical=text,
        type=kind,
        names=frozenset(path[:1]),
        reads=frozenset({path}),
        path=path,
        node=nodes[-1],
        types=types,
        run=_BuiltWhenUsed(nodes[-1], types),
    )


def _compiled(text: str, tree: ast.expr, kind: Type, types: Mapping[ast.expr, Type]) -> CompiledExpression:
    """Put a checked tree together."""
    path = path_of(tree) if isinstance(tree, (ast.Name, ast.Attribute)) else None
    free, reads = _read_by(tree) if path is None else (frozenset(path[:1]), frozenset({path}))
    return CompiledExpression(
        source=text,
        canonical=render(tree),
        type=kind,
        names=free,
        reads=reads,
        path=path or (),
        node=tree,
        types=types,
        run=_BuiltWhenUsed(tree, types),
    )


class _BuiltWhenUsed:
    """The closure of a tree, made when it is evaluated and kept from the second time on.

    A check evaluates nothing, and a plan evaluates nearly every expression once.
    """

    __slots__ = ("_run", "_tree", "_types", "_used")

    def __init__(self, tree: ast.expr, types: Mapping[ast.expr, Type]) -> None:
        self._tree = tree
        self._types = types
        self._run: Run | None = None
        self._used = False

    def __call__(self, meter: Meter) -> JsonValue:
        run = self._run or build(self._tree, self._types)
        if self._used:
            self._run = run
        self._used = True
        return run(meter)


def _wanted(context: Context, tree: ast.expr, kind: Type, want: Type | None) -> Type:
    """Check the type of the whole against the one that is needed."""
    if want is None or isinstance(kind, AnyType):
        return kind
    if isinstance(want, BoolType):
        context.condition(tree, "a condition")
        return kind
    if assignable(kind, want):
        return kind
    found = shape(kind)
    text = render(tree)
    if isinstance(found.bare, ProbabilisticType):
        context.probabilistic(tree)
    elif found.nullable and assignable(found.bare, want):
        message = f"`{text}` may be null (its type is {say(kind)}), but {describe(want)} is needed"
        context.report("E216", tree, message, f"test it first, or give a fallback: default({text}, ...)")
    else:
        _wrong_type(context, tree, kind, want)
    return kind


def _wrong_type(context: Context, tree: ast.expr, kind: Type, want: Type) -> None:
    """Report a value of another type; a literal that an enum does not have gets the nearest value."""
    text = render(tree)
    allowed = shape(want).bare
    if isinstance(tree, ast.Constant) and isinstance(tree.value, str) and isinstance(allowed, EnumType):
        close = nearest(tree.value, [str(value) for value in allowed.values])
        advice = (f"did you mean {quote(close)}? " if close else "") + f"values: {describe(allowed)}"
        replacement = quote(close) if close else None
        context.report(
            "E217", tree, f"{text} is not one of the values needed", advice, replacement=replacement
        )
        return
    message = f"`{text}` is {say(kind)}, but {describe(want)} is needed"
    advice, replacement = "", None
    if isinstance(allowed, StringType) and isinstance(
        shape(kind).bare, (IntType, FloatType, BoolType, DateType)
    ):
        advice, replacement = f"write str({text})", f"str({text})"
    elif isinstance(allowed, IntType) and isinstance(shape(kind).bare, FloatType):
        advice, replacement = f"write round({text})", f"round({text})"
    context.report("E220", tree, message, advice, replacement=replacement)


def _read_by(tree: ast.expr) -> tuple[frozenset[str], frozenset[Path]]:
    """Return the names that no comprehension gives, and the longest path of each.

    Shadowing is refused, so each name is one or the other in the whole tree.
    """
    found: set[Path] = set()
    bound: set[str] = set()
    stack: list[ast.expr] = [tree]
    while stack:
        node = stack.pop()
        path = path_of(node) if type(node) in _PATHS else None
        if path is not None:
            found.add(path)
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            stack.extend([node.func.value, *node.args])
        else:
            stack.extend(operands(node))
            if isinstance(node, (ast.ListComp, ast.GeneratorExp)):
                bound.update(name.id for name in target_names(node))
    reads = frozenset(path for path in found if path[0] not in bound) if bound else frozenset(found)
    return frozenset({path[0] for path in reads}), reads


def canonical(text: str) -> str | None:
    """Return the canonical spelling of an expression, or None when it does not parse; names are not checked."""
    parsed = parse(text)
    return None if parsed.tree is None or parsed.findings else render(parsed.tree)


def literal_expression(value: JsonValue) -> CompiledExpression:
    """Return the expression of a value that a document gives literally: a number, a boolean, a list, a record."""
    node, kind = _literal_node(value), _literal_type(value)
    text = render(node)
    return CompiledExpression(
        source=text,
        canonical=text,
        type=kind,
        names=frozenset(),
        reads=frozenset(),
        node=node,
        types={node: kind},
        run=lambda _: value,
    )


def _literal_node(value: JsonValue) -> ast.expr:
    """Return the syntax tree of a literal value."""
    if isinstance(value, Mapping):
        keys: list[ast.expr | None] = [ast.Constant(value=key) for key in value]
        return ast.Dict(keys=keys, values=[_literal_node(part) for part in value.values()])
    if isinstance(value, Sequence) and not isinstance(value, str):
        return ast.List(elts=[_literal_node(item) for item in value], ctx=ast.Load())
    if isinstance(value, (int, float)) and not isinstance(value, bool) and value < 0:
        return ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=-value))
    return ast.Constant(value=value)


def _literal_type(value: JsonValue) -> Type:
    """Return the type of a literal value; a list of unlike items is a list of json."""
    if isinstance(value, Mapping):
        fields = (ContractField(name=key, type=_literal_type(part)) for key, part in value.items())
        return RecordType(fields=tuple(fields))
    if isinstance(value, Sequence) and not isinstance(value, str):
        item: Type | None = NeverType()
        for part in value:
            item = None if item is None else join(item, _literal_type(part))
        return ListType(item=JsonType() if item is None else item)
    return literal_type(value)
