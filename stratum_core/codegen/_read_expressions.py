"""Python expressions as the language's: the inverse of `_expressions`, from the syntax tree alone.

Nothing is run and nothing imported: what a name means comes from tables. Whatever is not of the language is refused
with its line and the reason.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from stratum_core.codegen._names import document_name
from stratum_core.ir.expressions import canonical

__all__ = ["Reading", "UnreadableError", "document_expression", "is_null"]

_BUILTIN = frozenset(
    {"len", "all", "any", "sum", "min", "max", "abs", "round", "int", "float", "str", "sorted", "set"}
)
_SAMPLED = frozenset({"most_likely", "assert_stable"})
_AS_LISTS = frozenset({"keys", "values"})


class UnreadableError(Exception):
    """A piece of Python that no document can say; the message says why."""

    def __init__(self, node: ast.AST, why: str) -> None:
        """Note the place."""
        super().__init__(why)
        self.line: int = getattr(node, "lineno", 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What names mean where an expression stands."""

    library: Mapping[str, str] = field(default_factory=dict[str, str])
    """The language's functions, by the name they have in the module."""
    records: Mapping[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])
    """Contracts and dataclasses with their fields; calling one makes a record."""
    values: Mapping[str, str] = field(default_factory=dict[str, str])
    """Variables: what a document calls each, such as `input.review`."""
    outcomes: frozenset[str] = frozenset()
    """Variables that hold the outcome of a debate."""

    def text(self, node: ast.expr) -> str:
        """Return an expression's canonical text.

        Raises:
            UnreadableError: The language does not have it.
        """
        made = ast.unparse(ast.fix_missing_locations(_Reader(self).read(node)))
        found = canonical(made)
        if found is None:
            raise UnreadableError(node, f"`{made}` is not of the expression language")
        return found


def document_expression(reading: Reading, node: ast.expr) -> str | dict[str, str]:
    """Return what a `return` gives: one text, or one for each field of a record that is made there.

    Raises:
        UnreadableError: The language does not have it.
    """
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in reading.records:
        if node.keywords and not node.args:
            return {_keyword_name(one): reading.text(one.value) for one in node.keywords}
    elif isinstance(node, ast.Dict):
        pairs = zip(node.keys, node.values, strict=True)
        return {_text_of(key, node): reading.text(value) for key, value in pairs}
    return reading.text(node)


def is_null(node: ast.AST | None) -> bool:
    """Return whether a node is the constant None."""
    return isinstance(node, ast.Constant) and node.value is None


def _keyword_name(keyword: ast.keyword) -> str:
    if keyword.arg is None:
        raise UnreadableError(keyword.value, "`**` hides which fields there are")
    return keyword.arg


def _text_of(key: ast.expr | None, node: ast.AST) -> str:
    if isinstance(key, ast.Constant) and isinstance(key.value, str):
        return key.value
    raise UnreadableError(key or node, "a record's fields are named by text")


class _Reader:
    """Reads one expression."""

    def __init__(self, reading: Reading) -> None:
        self._reading = reading
        self._bound: dict[str, str] = {}

    def read(self, node: ast.expr) -> ast.expr:
        """Return the node as the language has it."""
        match node:
            case ast.Name():
                return self._name(node)
            case ast.Constant():
                return node
            case ast.Attribute():
                return self._attribute(node)
            case ast.Call():
                return self._call(node)
            case ast.SetComp(elt=item, generators=clauses):
                return _call("set", [self._comprehension(ast.ListComp(elt=item, generators=clauses))])
            case ast.ListComp() | ast.GeneratorExp():
                return self._comprehension(node)
            case _:
                return self._operation(node)

    def _operation(self, node: ast.expr) -> ast.expr:
        """Return operators and collections, whose parts are read on their own."""
        read = self.read
        match node:
            case ast.BoolOp(op=op, values=values):
                return ast.BoolOp(op=op, values=[read(value) for value in values])
            case ast.UnaryOp(op=op, operand=operand):
                return ast.UnaryOp(op=op, operand=read(operand))
            case ast.BinOp(left=left, op=op, right=right):
                return ast.BinOp(left=read(left), op=op, right=read(right))
            case ast.Compare(left=left, ops=ops, comparators=rest):
                return ast.Compare(left=self._side(left), ops=ops, comparators=[read(one) for one in rest])
            case ast.IfExp(test=test, body=body, orelse=orelse):
                return ast.IfExp(test=read(test), body=read(body), orelse=read(orelse))
            case ast.List(elts=[ast.Starred(value=value)]):
                return read(value)
            case ast.List(elts=items):
                return ast.List(elts=[read(item) for item in items], ctx=ast.Load())
            case ast.Dict(keys=keys, values=values):
                named: list[ast.expr | None] = [ast.Constant(value=_text_of(key, node)) for key in keys]
                return ast.Dict(keys=named, values=[read(value) for value in values])
            case ast.Subscript(value=value, slice=ast.Slice(lower=lower, upper=upper, step=None)):
                bounds = [None if part is None else read(part) for part in (lower, upper)]
                inner = ast.Slice(lower=bounds[0], upper=bounds[1])
                return ast.Subscript(value=read(value), slice=inner, ctx=ast.Load())
            case ast.Subscript(value=value, slice=index):
                return ast.Subscript(value=read(value), slice=read(index), ctx=ast.Load())
            case ast.Await():
                raise UnreadableError(
                    node,
                    f"`{ast.unparse(node)}` is not always reached here; give it a name in an `if` of its own",
                )
            case _:
                raise UnreadableError(node, f"`{ast.unparse(node)}` is not of the expression language")

    def _side(self, node: ast.expr) -> ast.expr:
        """Return the left side of a comparison, where the outcome of a debate may be compared with None."""
        if isinstance(node, ast.Name) and node.id in self._reading.outcomes:
            return _parsed(self._reading.values[node.id])
        return self.read(node)

    def _name(self, node: ast.Name) -> ast.expr:
        if node.id in self._bound:
            return ast.Name(id=self._bound[node.id], ctx=ast.Load())
        if node.id in self._reading.outcomes:
            raise UnreadableError(node, f"`{node.id}` is an outcome; read its `value` or `converged`")
        if node.id in self._reading.values:
            return _parsed(self._reading.values[node.id])
        raise UnreadableError(node, f"`{node.id}` is not an input, a step or a variable here")

    def _attribute(self, node: ast.Attribute) -> ast.expr:
        """Return a field; the outcome of a debate is the record itself."""
        value = node.value
        if isinstance(value, ast.Name) and value.id in self._reading.outcomes:
            held = _parsed(self._reading.values[value.id])
            return held if node.attr == "value" else ast.Attribute(value=held, attr=node.attr, ctx=ast.Load())
        return ast.Attribute(value=self.read(value), attr=node.attr, ctx=ast.Load())

    def _call(self, node: ast.Call) -> ast.expr:
        """Return a call: of the language's functions and methods, or of a class that makes a record."""
        if isinstance(node.func, ast.Attribute):
            return self._method(node, node.func)
        called = node.func.id if isinstance(node.func, ast.Name) else ""
        if called in self._reading.records:
            return self._record(node)
        if called in self._reading.library and not node.keywords:
            function = self._reading.library[called]
            return self._plain("set" if function == "distinct" else function, node)
        match node:
            case ast.Call(args=[ast.Call(func=ast.Attribute(attr=attr)) as inner]) if (
                called == "list" and attr in _AS_LISTS
            ):
                return self.read(inner)
            case _ if called in _BUILTIN and not node.keywords:
                return self._plain(called, node)
            case _:
                raise UnreadableError(node, f"`{ast.unparse(node.func)}` is other code")

    def _plain(self, called: str, node: ast.Call) -> ast.expr:
        return _call(called, [self.read(argument) for argument in node.args])

    def _record(self, node: ast.Call) -> ast.expr:
        """Return a record literal; a class that only takes results apart stands for the results."""
        match node:
            case ast.Call(args=[ast.Starred(value=value)], keywords=[]):
                return self.read(value)
            case ast.Call(args=[]):
                keys: list[ast.expr | None] = [
                    ast.Constant(value=_keyword_name(one)) for one in node.keywords
                ]
                return ast.Dict(keys=keys, values=[self.read(one.value) for one in node.keywords])
            case _:
                raise UnreadableError(node, "give a record's fields by name")

    def _method(self, node: ast.Call, func: ast.Attribute) -> ast.expr:
        """Return a method of a value, or what a class makes of one."""
        owner = func.value
        match func.attr, node.args:
            case "fromisoformat", [ast.Constant() as text]:
                return text
            case "model_validate", [ast.Dict() as record] if (
                isinstance(owner, ast.Name) and owner.id in self._reading.records
            ):
                return self.read(record)
            case "model_dump", []:
                return self.read(owner)
            case method, args if method in _SAMPLED:
                return _call(method, [self.read(owner), *(self.read(one) for one in args)])
            case method, args if not node.keywords:
                called = ast.Attribute(value=self.read(owner), attr=method, ctx=ast.Load())
                return ast.Call(func=called, args=[self.read(one) for one in args], keywords=[])
            case _:
                raise UnreadableError(node, f"`{ast.unparse(func)}` takes no named arguments here")

    def _comprehension(self, node: ast.ListComp | ast.GeneratorExp) -> ast.expr:
        """Return a comprehension with the document's names for its variables."""
        match node:
            case ast.ListComp(
                elt=ast.Call(func=ast.Attribute(value=ast.Name(id=one), attr="model_dump")),
                generators=[ast.comprehension(target=ast.Name(id=each), iter=items, ifs=[])],
            ) if one == each:
                return self.read(items)
            case _:
                pass
        if len(node.generators) != 1 or node.generators[0].is_async:
            raise UnreadableError(node, "a comprehension has one `for`, and is not async")
        clause = node.generators[0]
        source = self._source(clause.iter)
        outer = dict(self._bound)
        for part in ast.walk(clause.target):
            if isinstance(part, ast.Name):
                self._bound[part.id] = document_name(part.id)
        made = ast.comprehension(
            target=self._target(clause.target),
            iter=source,
            ifs=[self.read(test) for test in clause.ifs],
            is_async=0,
        )
        element = self.read(node.elt)
        self._bound = outer
        kind = ast.ListComp if isinstance(node, ast.ListComp) else ast.GeneratorExp
        return kind(elt=element, generators=[made])

    def _source(self, node: ast.expr) -> ast.expr:
        match node:
            case ast.Call(func=ast.Name(id="zip"), args=args):
                return _call("zip", [self.read(argument) for argument in args])
            case _:
                return self.read(node)

    def _target(self, node: ast.expr) -> ast.expr:
        match node:
            case ast.Tuple(elts=items):
                return ast.Tuple(elts=[self._target(item) for item in items], ctx=ast.Store())
            case ast.Name(id=found):
                return ast.Name(id=self._bound[found], ctx=ast.Store())
            case _:
                raise UnreadableError(node, "a comprehension's variables are plain names")


def _call(called: str, args: Sequence[ast.expr]) -> ast.expr:
    return ast.Call(func=ast.Name(id=called, ctx=ast.Load()), args=list(args), keywords=[])


def _parsed(text: str) -> ast.expr:
    return ast.parse(text, mode="eval").body


def within(reading: Reading, **values: str) -> Reading:
    """Return a reading with more variables."""
    return replace(reading, values={**reading.values, **values})
