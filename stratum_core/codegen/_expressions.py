"""Expressions as Python: the same tree over Python values, with contracts made where records are wanted.

A document's expressions are Python's, so most of a tree stays as it is. What differs is where a value lives (`input.x`
is the parameter `x`), what a record literal makes (a contract), and the functions that Python does not have. The
translation is one to one: `stratum_core.codegen` reads it back as the same canonical text.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from stratum_core.codegen._names import local_name
from stratum_core.codegen._records import Records
from stratum_core.codegen._scope import Scope, name
from stratum_core.contracts import (
    AnyType,
    BytesType,
    DateTimeType,
    DateType,
    JsonType,
    ListType,
    MapType,
    OptionalType,
    RecordType,
    Type,
    without_opaque,
)
from stratum_core.errors import StratumCompileError
from stratum_core.ir.expressions import CompiledExpression
from stratum_core.specs import Expression

__all__ = ["FUNCTIONS", "Values", "bare", "unwritable"]

FUNCTIONS = "stratum_core.functions"
"""The module that holds the language's functions for Python values."""

_BUILTIN = frozenset({"len", "all", "any", "sum", "min", "max", "abs", "round", "int", "float", "sorted"})
_LIBRARY = frozenset(
    {"first", "last", "default", "matches", "find_all", "count", "flatten", "sort_by", "group_by", "top"}
)
_SAMPLED = frozenset({"most_likely", "assert_stable"})
_AS_LISTS = frozenset({"keys", "values"})


def bare(kind: Type) -> Type:
    """Return a type without `opaque` and without null."""
    kind = without_opaque(kind)
    return bare(kind.inner) if isinstance(kind, OptionalType) else kind


def unwritable(what: str, why: str, remedy: str) -> StratumCompileError:
    """Return the error for a part of a document that has no form in Python."""
    return StratumCompileError(f"{what}: {why}", remedy=remedy)


@dataclass(frozen=True, slots=True, kw_only=True)
class Values:
    """Where the names of an expression live in Python."""

    scope: Scope
    records: Records
    where: str
    """Begins the message of an error, such as `flow `main`, step `a``."""
    inputs: frozenset[str] = frozenset()
    """Names of parameters, which `input.x` reads in a flow."""
    names: Mapping[str, ast.expr] = field(default_factory=dict[str, ast.expr])
    """What stands for each free name of the document, except `input`."""
    outcomes: frozenset[str] = frozenset()
    """Steps whose variable holds an outcome: the value, and whether the agents agreed."""

    @property
    def taken(self) -> frozenset[str]:
        """Names a comprehension's variable must not have."""
        used = {node.id for node in self.names.values() if isinstance(node, ast.Name)}
        return self.inputs | used | self.scope.imported | self.scope.defined

    def builtin(self, called: str) -> ast.Name:
        """Return one of Python's own functions.

        Raises:
            StratumCompileError: An input has its name.
        """
        if called in self.inputs or any(
            isinstance(held, ast.Name) and held.id == called for held in self.names.values()
        ):
            raise unwritable(
                self.where, f"the input `{called}` hides Python's `{called}`", "rename the input"
            )
        return name(called)

    def python(self, expression: Expression, want: Type | None = None) -> ast.expr:
        """Return the tree of an expression.

        Args:
            expression: From a checked document.
            want: The type its place has; records become that contract.

        Raises:
            StratumCompileError: A part of it has no form in Python.
        """
        if not isinstance(expression, CompiledExpression):
            raise unwritable(self.where, f"`{expression.source}` is Python code", "it has no document form")
        return _Translator(self, expression.types).translate(expression.node, want)


class _Translator:
    """Translates one tree."""

    def __init__(self, values: Values, types: Mapping[ast.expr, Type]) -> None:
        self._values = values
        self._types = types
        self._bound: dict[str, str] = {}

    def translate(self, node: ast.expr, want: Type | None = None) -> ast.expr:
        """Return one node; a record of another shape than wanted is made into the contract."""
        made = self._node(node, want)
        have, wanted = bare(self._type(node)), None if want is None else bare(want)
        if isinstance(node, (ast.Dict, ast.IfExp, ast.List, ast.ListComp)) or wanted is None:
            return made
        if isinstance(wanted, JsonType):
            return self._as_json(made, have, node)
        if isinstance(wanted, (DateType, DateTimeType)) and isinstance(node, ast.Constant) and node.value:
            return self._date(made, wanted)
        return made

    def _as_json(self, made: ast.expr, have: Type, node: ast.expr) -> ast.expr:
        """Return a value where any JSON value is wanted: records as dicts, lists as lists of JSON."""
        match have:
            case RecordType():
                return _as_dict(made)
            case ListType(item=item) if isinstance(bare(item), RecordType):
                one = name(local_name("one", {*self._values.taken, *self._bound.values()}))
                clause = ast.comprehension(target=one, iter=made, ifs=[], is_async=0)
                return ast.ListComp(elt=_as_dict(one), generators=[clause])
            case ListType():
                return ast.List(elts=[ast.Starred(value=made, ctx=ast.Load())], ctx=ast.Load())
            case MapType() | DateType() | DateTimeType() | BytesType():
                raise self._refused(
                    ast.unparse(node), "is passed on as JSON, which Python values of its type are not"
                )
            case _:
                return made

    def _type(self, node: ast.expr) -> Type:
        return self._types.get(node, AnyType())

    def _node(self, node: ast.expr, want: Type | None) -> ast.expr:
        """Return a node by its kind."""
        match node:
            case ast.Name(id=found):
                return self._name(found)
            case ast.Attribute():
                return self._attribute(node)
            case ast.Constant():
                return ast.Constant(value=node.value)
            case ast.Call():
                return self._call(node)
            case ast.Dict():
                return self._record(node, want)
            case ast.IfExp(test=test, body=body, orelse=orelse):
                return ast.IfExp(
                    test=self.translate(test),
                    body=self.translate(body, want),
                    orelse=self.translate(orelse, want),
                )
            case ast.List(elts=items):
                inner = _item_of(want)
                return ast.List(elts=[self.translate(item, inner) for item in items], ctx=ast.Load())
            case ast.ListComp() | ast.GeneratorExp():
                return self._comprehension(node, _item_of(want))
            case _:
                return self._operation(node)

    def _operation(self, node: ast.expr) -> ast.expr:
        """Return operators and subscripts, whose operands are translated on their own."""
        match node:
            case ast.BoolOp(op=op, values=values):
                return ast.BoolOp(op=op, values=[self.translate(value) for value in values])
            case ast.UnaryOp(op=op, operand=operand):
                return ast.UnaryOp(op=op, operand=self.translate(operand))
            case ast.BinOp(left=left, op=op, right=right):
                return ast.BinOp(left=self.translate(left), op=op, right=self.translate(right))
            case ast.Compare():
                return self._compare(node)
            case ast.Subscript(value=value, slice=ast.Slice(lower=lower, upper=upper)):
                bounds = [None if part is None else self.translate(part) for part in (lower, upper)]
                return _subscript(self.translate(value), ast.Slice(lower=bounds[0], upper=bounds[1]))
            case ast.Subscript(value=value, slice=index):
                return _subscript(self.translate(value), self.translate(index))
            case _:
                raise self._refused(ast.unparse(node), "is not part of the language")

    def _refused(self, shown: str, why: str) -> StratumCompileError:
        return unwritable(self._values.where, f"`{shown}` {why}", "put it into a compute function of its own")

    def _name(self, found: str) -> ast.expr:
        """Return a free name, or a variable of a comprehension around it."""
        if found in self._bound:
            return name(self._bound[found])
        if found in self._values.names:
            held = self._values.names[found]
            return _attribute(held, "value") if found in self._values.outcomes else held
        raise self._refused(found, "is read as a whole, which no Python variable holds")

    def _attribute(self, node: ast.Attribute) -> ast.expr:
        """Return a field: of the input, of a record, of a map or of JSON."""
        if isinstance(node.value, ast.Name) and node.value.id == "input" and "input" not in self._bound:
            return name(node.attr)
        if (
            node.attr == "converged"
            and isinstance(node.value, ast.Name)
            and node.value.id in self._values.outcomes
        ):
            return _attribute(self._values.names[node.value.id], node.attr)
        owner = self.translate(node.value)
        kind = bare(self._type(node.value))
        if isinstance(kind, (MapType, JsonType)):
            raise self._refused(ast.unparse(node), "reads a key of a map or of JSON by a dot")
        return ast.Attribute(value=owner, attr=node.attr, ctx=ast.Load())

    def _compare(self, node: ast.Compare) -> ast.expr:
        """Return a comparison; a date written as text becomes a date."""
        sides = [node.left, *node.comparators]
        kinds = [bare(self._type(side)) for side in sides]
        date = next((kind for kind in kinds if isinstance(kind, (DateType, DateTimeType))), None)
        made = [self.translate(side, date if isinstance(side, ast.Constant) else None) for side in sides]
        if isinstance(node.left, ast.Name) and node.left.id in self._values.outcomes:
            made[0] = self._values.names[node.left.id]
        return ast.Compare(left=made[0], ops=node.ops, comparators=made[1:])

    def _date(self, node: ast.expr, kind: DateType | DateTimeType) -> ast.expr:
        """Return a date or a moment that a document writes as text."""
        owner = self._values.scope.use("datetime", "date" if isinstance(kind, DateType) else "datetime")
        return ast.Call(func=_attribute(owner, "fromisoformat"), args=[node], keywords=[])

    def _record(self, node: ast.Dict, want: Type | None) -> ast.expr:
        """Return a record literal: a contract, a record of the module's own, or a plain dict for JSON."""
        wanted = None if want is None else bare(want)
        keys = [key.value for key in node.keys if isinstance(key, ast.Constant)]
        if isinstance(wanted, (MapType, JsonType)):
            inner = wanted.value if isinstance(wanted, MapType) else wanted
            values = [self.translate(value, inner) for value in node.values]
            return ast.Dict(keys=[ast.Constant(value=key) for key in keys], values=values)
        kind = bare(self._type(node))
        if not isinstance(kind, RecordType) or len(keys) != len(node.values):
            raise self._refused(ast.unparse(node), "is a record without names")
        made = self._values.records.of(kind, wanted if isinstance(wanted, RecordType) else None)
        parts: list[ast.keyword] = []
        for key, value in zip(keys, node.values, strict=True):
            part = made.kind.field(str(key))
            parts.append(
                ast.keyword(arg=str(key), value=self.translate(value, None if part is None else part.type))
            )
        return ast.Call(func=name(made.name), args=[], keywords=parts)

    def _call(self, node: ast.Call) -> ast.expr:
        """Return a call of one of the language's functions or methods."""
        if isinstance(node.func, ast.Attribute):
            return self._method_call(node, node.func)
        called = node.func.id if isinstance(node.func, ast.Name) else ""
        if called in _LIBRARY:
            return self._plain_call(self._values.scope.use(FUNCTIONS, called), node.args)
        if called in _SAMPLED:
            return self._plain_call(_attribute(self.translate(node.args[0]), called), node.args[1:])
        if called == "set":
            return self._distinct(node.args[0])
        if called == "str":
            return self._text(node)
        if called in _BUILTIN:
            if called in ("len", "sorted") and _is_set(node.args[0]):
                return ast.Call(
                    func=self._values.builtin(called), args=[self._set(node.args[0])], keywords=[]
                )
            parts = [self._passed(argument) for argument in node.args]
            return ast.Call(func=self._values.builtin(called), args=parts, keywords=[])
        raise self._refused(ast.unparse(node), "gives records that only the language has")

    def _plain_call(self, func: ast.expr, args: Sequence[ast.expr]) -> ast.expr:
        """Return a call with the same arguments."""
        return ast.Call(func=func, args=[self.translate(argument) for argument in args], keywords=[])

    def _method_call(self, node: ast.Call, func: ast.Attribute) -> ast.expr:
        """Return a call of a method of text, a list or a map."""
        call = self._plain_call(_attribute(self.translate(func.value), func.attr), node.args)
        if func.attr in _AS_LISTS:
            return ast.Call(func=self._values.builtin("list"), args=[call], keywords=[])
        return call

    def _passed(self, node: ast.expr) -> ast.expr:
        """Return what is only gone through once: keys and values of a map need not be a list there."""
        match self.translate(node), node:
            case ast.Call(func=ast.Name(id="list"), args=[inner]), ast.Call(func=ast.Attribute()):
                return inner
            case made, _:
                return made

    def _text(self, node: ast.Call) -> ast.expr:
        """Return `str(x)` where Python writes the value as the language does."""
        kind = bare(self._type(node.args[0]))
        if isinstance(kind, DateTimeType):
            raise self._refused(ast.unparse(node), "writes a moment as ISO text, which str() does not")
        return self._plain_call(self._values.builtin("str"), node.args)

    def _distinct(self, node: ast.expr) -> ast.expr:
        """Return the items of a list without repeats, in their order."""
        return self._plain_call(self._values.scope.use(FUNCTIONS, "distinct"), [node])

    def _set(self, node: ast.expr) -> ast.expr:
        """Return `set(xs)` where only its size or its sorted items matter."""
        inner = node.args[0] if isinstance(node, ast.Call) else node
        if isinstance(inner, ast.ListComp):
            made = self._comprehension(inner, None)
            assert isinstance(made, ast.ListComp)  # noqa: S101 - what was given
            return ast.SetComp(elt=made.elt, generators=made.generators)
        return self._plain_call(self._values.builtin("set"), [inner])

    def _comprehension(self, node: ast.ListComp | ast.GeneratorExp, item: Type | None) -> ast.expr:
        """Return a comprehension; its variables get names that hide nothing."""
        clause = node.generators[0]
        source = self._source(clause.iter)
        outer = dict(self._bound)
        targets = [part.id for part in ast.walk(clause.target) if isinstance(part, ast.Name)]
        for target in targets:
            self._bound[target] = local_name(target, {*self._values.taken, *outer.values()})
        names = [name(self._bound[target]) for target in targets]
        made = ast.comprehension(
            target=names[0] if isinstance(clause.target, ast.Name) else ast.Tuple(elts=list(names)),
            iter=source,
            ifs=[self.translate(test) for test in clause.ifs],
            is_async=0,
        )
        element = self.translate(node.elt, item)
        self._bound = outer
        kind: Callable[..., ast.expr] = ast.ListComp if isinstance(node, ast.ListComp) else ast.GeneratorExp
        return kind(elt=element, generators=[made])

    def _source(self, node: ast.expr) -> ast.expr:
        """Return what a comprehension runs over; only here is `zip` Python's own."""
        match node:
            case ast.Call(func=ast.Name(id="zip"), args=args):
                call = [self.translate(argument) for argument in args]
                strict = ast.keyword(arg="strict", value=ast.Constant(value=False))
                return ast.Call(func=self._values.builtin("zip"), args=call, keywords=[strict])
            case _:
                return self._passed(node)


def _item_of(want: Type | None) -> Type | None:
    """Return the type wanted of a list's items."""
    kind = None if want is None else bare(want)
    return kind.item if isinstance(kind, ListType) else kind if isinstance(kind, JsonType) else None


def _is_set(node: ast.expr) -> bool:
    return (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "set"
        and not isinstance(node.args[0], ast.GeneratorExp)
    )


def _attribute(owner: ast.expr, attr: str) -> ast.expr:
    return ast.Attribute(value=owner, attr=attr, ctx=ast.Load())


def _subscript(value: ast.expr, index: ast.expr) -> ast.expr:
    return ast.Subscript(value=value, slice=index, ctx=ast.Load())


def _as_dict(record: ast.expr) -> ast.expr:
    """Return a contract's value as a dict of JSON values."""
    mode = ast.keyword(arg="mode", value=ast.Constant(value="json"))
    return ast.Call(func=_attribute(record, "model_dump"), args=[], keywords=[mode])
