"""Straight-line flows read back: the body of an async function as a document's steps.

The inverse of `_flows`, and what `stratum emit` reads a person's own flow with. A flow is straight when it is a row of
assignments, each awaiting one call or giving one expression, with `if` only around a step and one `return` at its end.
Anything else is refused with its line and the reason; nothing is guessed.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from stratum_core.codegen._names import document_name
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
    reader = _BodyReader(names=names, after=after or {})
    reader.values.update({found: f"input.{found}" for found in inputs})
    rest = list(statements)
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
    returned = document_expression(reader.reading, rest[-1].value)
    return Body(steps=tuple(reader.steps), returns=returned)


@dataclass(slots=True, kw_only=True)
class _BodyReader:
    """Reads statements in order."""

    names: ModuleNames
    after: Mapping[int, tuple[str, ...]]
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
                self._when(node, test, body)
            case ast.Expr(value=ast.Await()):
                raise UnreadableError(node, "give the result a name: every step has one")
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
            self.branches[found] = self.verbs.call(value)
            return
        self._add(node, found, value, None)

    def _is_call(self, value: ast.expr) -> bool:
        """Return whether a call is made and not awaited."""
        called = value.func.id if isinstance(value, ast.Call) and isinstance(value.func, ast.Name) else ""
        return called in self.names.callees

    def _add(self, node: ast.stmt, found: str, value: ast.expr, when: ast.expr | None) -> None:
        """Add the step of a variable."""
        step_id = document_name(found.removeprefix("_"))
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
        if self.verbs.library_name(call) != "parallel" or call.keywords or len(call.args) != len(targets):
            raise UnreadableError(call, "only `parallel(...)` of as many calls is taken apart")
        verbs = self.verbs
        for target, argument in zip(targets, call.args, strict=True):
            if not isinstance(target, ast.Name):
                raise UnreadableError(target, "a step is a plain variable")
            if target.id in self.values:
                raise UnreadableError(target, f"`{target.id}` is given a second value; a step has one")
            step_id = document_name(target.id.removeprefix("_"))
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
