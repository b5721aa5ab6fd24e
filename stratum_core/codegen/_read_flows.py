"""Straight-line flows read back: the body of an async function as a document's steps.

The inverse of `_flows`, and what `stratum emit` reads a person's own flow with. A flow is straight when it is a row of
assignments and awaits, with `if` only around a step and one `return` at its end. A call that is awaited inside an
expression is a step named after what it calls. Anything else is refused with its line and the reason; nothing is
guessed.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from stratum_core.codegen._names import document_name
from stratum_core.codegen._read_awaits import awaited_call, fresh_name, given_names, taken_apart
from stratum_core.codegen._read_expressions import Reading, UnreadableError, document_expression, is_null
from stratum_core.codegen._read_verbs import ModuleNames, VerbReader
from stratum_core.ir import Branch, Expr, Step

__all__ = ["Body", "read_body"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Body:
    """What the body of a flow says."""

    steps: tuple[Step, ...]
    returns: Expr | Mapping[str, Expr]


def read_body(
    statements: Sequence[ast.stmt],
    inputs: Sequence[str],
    names: ModuleNames,
    after: Mapping[int, tuple[str, ...]] | None = None,
) -> Body:
    """Return the steps of a flow's body.

    Args:
        statements: The body, its docstring included.
        inputs: The flow's parameters.
        names: What the names of its module mean.
        after: Steps to wait for, by the line of the statement that waits, from `# after:` comments.

    Raises:
        UnreadableError: The flow is not straight, or a part of it has no form in a document.
    """
    rest = list(statements)
    taken = {*inputs, *map(_step_id, given_names(rest))}
    reader = _BodyReader(names=names, after=after or {}, taken=taken)
    reader.values.update({found: f"input.{found}" for found in inputs})
    if rest and isinstance(rest[0], ast.Expr) and isinstance(rest[0].value, ast.Constant):
        rest = rest[1:]
    if not rest or not isinstance(rest[-1], ast.Return) or rest[-1].value is None:
        where = rest[-1] if rest else statements[0]
        raise UnreadableError(where, "a flow ends with `return` and a value")
    for statement in rest[:-1]:
        reader.statement(statement)
    if reader.waiting:
        name, node = next(iter(reader.waiting.items()))
        raise UnreadableError(node, f"`{name}` is None and never gets another value")
    value = reader.taken_apart(rest[-1], rest[-1].value)
    returned = document_expression(reader.reading, value)
    return Body(steps=tuple(reader.steps), returns=returned)


@dataclass(slots=True, kw_only=True)
class _BodyReader:
    """Reads statements in order."""

    names: ModuleNames
    after: Mapping[int, tuple[str, ...]]
    taken: set[str]
    """Names that no step without one may get."""
    values: dict[str, str] = field(default_factory=dict[str, str])
    outcomes: set[str] = field(default_factory=set[str])
    branches: dict[str, Branch] = field(default_factory=dict[str, Branch])
    waiting: dict[str, ast.stmt] = field(default_factory=dict[str, ast.stmt])
    """Variables that are None so far, because the `if` of their step comes next."""
    steps: list[Step] = field(default_factory=list[Step])

    @property
    def reading(self) -> Reading:
        """What names mean here."""
        return replace(self.names.reading, values=dict(self.values), outcomes=frozenset(self.outcomes))

    @property
    def verbs(self) -> VerbReader:
        """What reads a call here."""
        return VerbReader(names=self.names, reading=self.reading, branches=dict(self.branches))

    def statement(self, node: ast.stmt) -> None:
        """Read one statement."""
        match node:
            case ast.AnnAssign(target=ast.Name(id=found), value=ast.expr() as value):
                self._assign(node, found, value)
            case ast.Assign(targets=[ast.Name(id=found)], value=value):
                self._assign(node, found, value)
            case ast.Assign(targets=[ast.Tuple(elts=targets)], value=ast.Await(value=ast.Call() as call)):
                self._together(targets, call)
            case ast.If(test=test, body=body, orelse=[]):
                self._when(node, self.taken_apart(node, test), body)
            case ast.Expr(value=ast.Await() as value):
                self.taken_apart(node, value)
            case _:
                said = type(node).__name__.lower()
                raise UnreadableError(node, f"a straight flow has no `{said}` statement here")

    def _assign(self, node: ast.stmt, found: str, value: ast.expr) -> None:
        """Read one assignment: a step, a call for later, or the None of a step with `when`."""
        if found in self.values or found in self.waiting:
            raise UnreadableError(node, f"`{found}` is given a second value; a step has one")
        if is_null(value):
            self.waiting[found] = node
            return
        if self._is_call(value):
            self.branches[found] = self.verbs.call(
                taken_apart(value, lambda part: self.taken_apart(node, part))
            )
            return
        if awaited_call(value, self.names.reading.records) is None or self._are_apart(value):
            value = self.taken_apart(node, value)
        else:
            value = self._only_call_left(node, value)
        self._add(node, found, value, None)

    def taken_apart(self, node: ast.stmt, value: ast.expr) -> ast.expr:
        """Make steps of the calls that an expression awaits, and return it with their variables instead."""
        call = awaited_call(value, self.names.reading.records)
        if call is None:
            return taken_apart(value, lambda part: self.taken_apart(node, part))
        if self._are_apart(value) and isinstance(call, ast.Call):
            calls = [self.taken_apart(node, ast.Await(value=one)) for one in call.args]
            return ast.copy_location(ast.List(elts=calls, ctx=ast.Load()), value)
        left = self._only_call_left(node, value)
        name = fresh_name(_step_id(self._called(call)), self.taken)
        self.taken.add(name)
        self._add(node, name, left, None)
        return ast.copy_location(ast.Name(id=name, ctx=ast.Load()), value)

    def _only_call_left(self, node: ast.stmt, value: ast.expr) -> ast.expr:
        """Return what is one step with steps made of the calls awaited inside it."""

        def take(part: ast.expr) -> ast.expr:
            if isinstance(part, (ast.Await, ast.Starred)):
                return taken_apart(part, take)
            return taken_apart(part, lambda inner: self.taken_apart(node, inner))

        return taken_apart(value, take)

    def _are_apart(self, value: ast.expr) -> bool:
        """Return whether a value is that of calls side by side, each a step of its own: a list in Python."""
        match value:
            case ast.Await(value=ast.Call(args=calls, keywords=options) as call):
                return (
                    self.verbs.library_name(call) == "parallel"
                    and all(_is_all(one) for one in options)
                    and all(isinstance(one, ast.Call) for one in calls)
                )
            case _:
                return False

    def _called(self, call: ast.expr) -> str:
        """Return what a step is named after: the function or flow it calls, or what the library does."""
        match call:
            case ast.Call(func=ast.Name(id=name)) if name in self.names.callees:
                return self.names.callees[name][1]
            case ast.Call(args=[ast.Starred(value=made)]):
                return self._called(made)
            case ast.Call(args=[ast.Call() as inner]) if self.verbs.library_name(call) == "or_none":
                return self._called(inner)
            case ast.Call(args=[(ast.GeneratorExp() | ast.ListComp()) as made]):
                return self._called(made)
            case ast.GeneratorExp(elt=made) | ast.ListComp(elt=made):
                return self._called(made)
            case _:
                return {"debate_outcome": "debate", "await_human": "decision"}.get(
                    self.verbs.library_name(call), self.verbs.library_name(call) or "step"
                )

    def _is_call(self, value: ast.expr) -> bool:
        """Return whether a call is made and not awaited."""
        called = value.func.id if isinstance(value, ast.Call) and isinstance(value.func, ast.Name) else ""
        return called in self.names.callees

    def _add(self, node: ast.stmt, found: str, value: ast.expr, when: ast.expr | None) -> None:
        """Add the step of a variable."""
        step_id = _step_id(found)
        step = self._step(step_id, value)
        before = tuple(name.removeprefix("_") for name in self.after.get(node.lineno, ()))
        condition = None if when is None else self.reading.text(when)
        self.steps.append(replace(step, when=condition, after=before))
        self.values[found] = step_id
        if isinstance(value, ast.Await) and self.verbs.library_name(value.value) == "debate_outcome":
            self.outcomes.add(found)

    def _step(self, step_id: str, value: ast.expr) -> Step:
        """Return the step that a value makes."""
        records = self.names.reading.records
        match value:
            case ast.Await(value=awaited):
                return self.verbs.step(step_id, awaited)
            case ast.Call(
                func=ast.Name(id=record), args=[ast.Starred(value=ast.Await(value=ast.Call() as call))]
            ) if record in records:
                made = self.verbs.parallel(call, records[record])
                return Step(id=step_id, verb="parallel", parallel=made)
            case ast.Call(func=ast.Name(id="list"), args=[ast.Await(value=awaited)]):
                return self.verbs.step(step_id, awaited)
            case _:
                return Step(id=step_id, verb="compute", compute=self.reading.text(value))

    def _together(self, targets: Sequence[ast.expr], call: ast.Call) -> None:
        """Read steps that are awaited at the same time."""
        is_plain = self.verbs.library_name(call) == "parallel" and all(map(_is_all, call.keywords))
        if not is_plain or len(call.args) != len(targets):
            raise UnreadableError(
                call, "only `parallel(...)` of as many calls, all of them required, is taken apart"
            )
        verbs = self.verbs
        for target, argument in zip(targets, call.args, strict=True):
            if not isinstance(target, ast.Name):
                raise UnreadableError(target, "a step is a plain variable")
            if target.id in self.values:
                raise UnreadableError(target, f"`{target.id}` is given a second value; a step has one")
            step_id = _step_id(target.id)
            self.steps.append(verbs.step(step_id, argument))
            self.values[target.id] = step_id

    def _when(self, node: ast.If, test: ast.expr, body: Sequence[ast.stmt]) -> None:
        """Read an `if` around one step."""
        *before, last = body
        for statement in before:
            match statement:
                case ast.Assign(targets=[ast.Name(id=found)], value=value) if self._is_call(value):
                    self.branches[found] = self.verbs.call(value)
                case _:
                    raise UnreadableError(statement, "an `if` holds one step")
        match last:
            case ast.Assign(targets=[ast.Name(id=found)], value=value) if found in self.waiting:
                start = self.waiting.pop(found)
                self._add(start, found, value, test)
            case _:
                raise UnreadableError(
                    last, "a step inside `if` gives a value to a variable that was None just before"
                )
        del node


def _step_id(variable: str) -> str:
    """Return the id of the step whose value a variable holds."""
    return document_name(variable.removeprefix("_"))


def _is_all(option: ast.keyword) -> bool:
    """Return whether an option says what holds without it: that all calls have to succeed."""
    return option.arg == "require" and isinstance(option.value, ast.Constant) and option.value.value == "all"
