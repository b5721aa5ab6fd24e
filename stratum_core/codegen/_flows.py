"""Flows as async functions: each step a statement, in the order of the document.

Steps that could run at the same time and stand side by side are awaited together; everything else is awaited in turn.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from stratum_core.codegen._expressions import Values, unwritable
from stratum_core.codegen._functions import budget_of, function_head, returned, returned_value
from stratum_core.codegen._layout import statement
from stratum_core.codegen._names import local_name
from stratum_core.codegen._records import Records
from stratum_core.codegen._scope import CORE, Scope, name
from stratum_core.codegen._text import comment, docstring
from stratum_core.codegen._types import constant
from stratum_core.codegen._verbs import (
    Made,
    VerbWriter,
    concludes,
    expressions_of,
    over_results,
    refuse_inside,
)
from stratum_core.contracts import OptionalType, Type, without_opaque
from stratum_core.ir import AwaitHuman, Document, Flow, Step
from stratum_core.specs import (
    CallVerb,
    ComputeVerb,
    DebateVerb,
    Expression,
    FlowSpec,
    ForEach,
    Program,
    StepSpec,
    called,
)

__all__ = ["FlowWriter"]

_INDENT = 4
_MOST_TOGETHER = 5
"""What `parallel` has exact types for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowWriter:
    """Writes the flows of one module."""

    program: Program
    document: Document
    scope: Scope
    records: Records

    def lines(self, called: str) -> list[str]:
        """Return the lines of one flow.

        Raises:
            StratumCompileError: A step has no form in Python.
        """
        spec, part = self.program.flows[called], self.document.flows[called]
        assert isinstance(part, Flow)  # noqa: S101 - a program's document has no faults
        decorator: ast.expr = self.scope.use(CORE, "flow")
        if part.budget is not None:
            budget = ast.keyword(arg="budget", value=budget_of(part.budget, self.scope))
            decorator = ast.Call(func=decorator, args=[], keywords=[budget])
        head = function_head(
            f"async def {self.scope.flows[called]}",
            spec.inputs,
            returned(spec.output, part.output, self.scope),
            self.scope,
        )
        text = docstring(part.description, " " * _INDENT) if part.description else []
        steps = _StepWriter(
            spec=spec,
            steps={step.id: step for step in part.steps if isinstance(step, Step)},
            verbs=VerbWriter(program=self.program, scope=self.scope, records=self.records),
        )
        return [statement("@", decorator), head, *text, *steps.body()]


@dataclass(frozen=True, slots=True, kw_only=True)
class _StepWriter:
    """Writes the statements of one flow."""

    spec: FlowSpec
    steps: dict[str, Step]
    """The steps as the document has them."""
    verbs: VerbWriter

    def body(self) -> list[str]:
        """Return every statement."""
        spec, scope = self.spec, self.verbs.scope
        values = Values(
            scope=scope,
            records=self.verbs.records,
            where=f"flow `{spec.name}`",
            inputs=frozenset(one.name for one in spec.inputs),
        )
        lines: list[str] = []
        for group in _groups(spec.steps):
            here = replace(values, where=f"flow `{spec.name}`, step `{group[0].id}`")
            for step in group:
                lines += self._comments(step)
            names = {step.id: self._variable(step, values) for step in group}
            lines += (
                self._together(group, here, names) if len(group) > 1 else self._step(group[0], here, names)
            )
            concluded = {step.id for step in group if self._is_outcome(step)}
            values = replace(
                values,
                names={**values.names, **{found: name(given) for found, given in names.items()}},
                outcomes=values.outcomes | concluded,
            )
        self.verbs.records.hint = spec.name
        body = returned_value(spec.returns, spec.output, values)
        return [*lines, statement("return ", body, indent=_INDENT)]

    def _variable(self, step: StepSpec, values: Values) -> str:
        """Return the name of a step's variable; one that nothing reads begins with `_`."""
        found = local_name(step.id, self._taken(values))
        returns = self.spec.returns
        last = list(returns.values()) if isinstance(returns, Mapping) else [returns]
        read = any(step.id in one.names for one in last) or any(
            step.id in one.names for other in self.spec.steps for one in _expressions(other)
        )
        return found if read else f"_{found}"

    def _taken(self, values: Values) -> frozenset[str]:
        """Return the names a step's variable must not have: inputs, imports, and what this flow calls."""
        scope = self.verbs.scope
        used = {
            (scope.functions if kind == "function" else scope.flows)[target]
            for step in self.spec.steps
            for kind, target in called(step.verb)
        }
        return values.inputs | used | scope.imported | frozenset(self.verbs.program.contracts) | _LIBRARY

    def _is_outcome(self, step: StepSpec) -> bool:
        return isinstance(step.verb, DebateVerb) and not concludes(step.verb, self.verbs.program)

    def _comments(self, step: StepSpec) -> list[str]:
        """Return what stands above a step: its description, and what it waits for without reading it."""
        pad = " " * _INDENT
        lines = comment(self.steps[step.id].description, pad)
        return [*lines, f"{pad}# after: {', '.join(step.after)}"] if step.after else lines

    def _together(self, group: Sequence[StepSpec], values: Values, names: dict[str, str]) -> list[str]:
        """Return the statement that awaits independent steps at the same time."""
        calls = [self._made(step, values).value for step in group]
        func = self.verbs.scope.use(CORE, "parallel")
        value = ast.Await(value=ast.Call(func=func, args=calls, keywords=[]))
        targets = ", ".join(names[step.id] for step in group)
        return [statement(f"{targets} = ", value, indent=_INDENT)]

    def _step(self, step: StepSpec, values: Values, names: dict[str, str]) -> list[str]:
        """Return the statements of one step."""
        target = names[step.id]
        self.verbs.records.hint = step.id
        made = self._made(step, values)
        indent = _INDENT if step.when is None else 2 * _INDENT
        lines = [statement(f"{variable} = ", value, indent=indent) for variable, value in made.before]
        declared = "" if made.annotation is None else statement(": ", made.annotation)
        head = f"{target}{declared if step.when is None else ''} = "
        lines.append(statement(head, _awaited(step, made, values), indent=indent))
        if step.when is None:
            return lines
        empty = f"{' ' * _INDENT}{target}{f'{declared} | None' if declared else ''} = None"
        test = statement("if ", values.python(step.when), ":", indent=_INDENT)
        return [empty, test, *lines]

    def _made(self, step: StepSpec, values: Values) -> Made:
        """Return what a step awaits, with its items and what a failure leaves."""
        form = self.steps[step.id]
        human = form.await_human
        timeout = human.timeout if isinstance(human, AwaitHuman) else None
        if step.for_each is not None:
            return self._each(step, step.for_each, values, timeout)
        made = self.verbs.made(step.verb, _without_null(step.type), values, timeout)
        if step.validate is not None:
            raise unwritable(
                values.where,
                "a `validate` beside the verb has no form in Python",
                "write `validate` inside `parallel`",
            )
        if step.on_error == "fail":
            return made
        refuse_inside(made, values, "`on_error: none`")
        if isinstance(step.verb, ComputeVerb):
            raise unwritable(values.where, "`on_error: none` of a compute step", "test for the fault instead")
        helper = self.verbs.scope.use(CORE, "or_none")
        return replace(made, value=ast.Call(func=helper, args=[made.value], keywords=[]), annotation=None)

    def _each(self, step: StepSpec, each: ForEach, values: Values, timeout: str | None) -> Made:
        """Return a step that runs for each item of a list."""
        form = self.steps[step.id]
        read = {found for one in expressions_of(step.verb) for found in one.names}
        item, index = (local_name(one, values.taken) for one in ("item", "index"))
        item = item if "item" in read else f"_{item}"
        inner = replace(values, names={**values.names, "item": name(item), "index": name(index)})
        made = self.verbs.made(step.verb, _without_null(step.type), inner, timeout)
        refuse_inside(made, values, "`for_each`")
        if isinstance(step.verb, ComputeVerb) or self._is_outcome(step):
            raise unwritable(
                values.where, "`for_each` around it has no form in Python", "use a comprehension or a flow"
            )
        source = values.python(each.items)
        target: ast.expr = name(item)
        if "index" in read:
            target = ast.Tuple(elts=[name(index), name(item)], ctx=ast.Store())
            source = ast.Call(func=values.builtin("enumerate"), args=[source], keywords=[])
        clause = ast.comprehension(target=target, iter=source, ifs=[], is_async=0)
        keywords: list[ast.keyword] = []
        if each.concurrency is not None:
            keywords.append(ast.keyword(arg="concurrency", value=constant(each.concurrency)))
        if form.require != "all":
            keywords.append(ast.keyword(arg="require", value=constant(form.require)))
        if each.on_error != "drop":
            keywords.append(ast.keyword(arg="on_error", value=constant(each.on_error)))
        if step.validate is not None:
            check = over_results(step.validate, values, name("results"))
            keywords.append(ast.keyword(arg="validate", value=check))
        calls = ast.GeneratorExp(elt=made.value, generators=[clause])
        return Made(value=ast.Call(func=self.verbs.scope.use(CORE, "each"), args=[calls], keywords=keywords))


_LIBRARY = frozenset({"parallel", "race", "debate", "debate_outcome", "await_human", "each", "or_none"})


def _awaited(step: StepSpec, made: Made, values: Values) -> ast.expr:
    """Return the value of a step's variable."""
    if isinstance(step.verb, ComputeVerb):
        return made.value
    awaited: ast.expr = ast.Await(value=made.value)
    if made.record:
        starred = ast.Starred(value=awaited, ctx=ast.Load())
        return ast.Call(func=name(made.record), args=[starred], keywords=[])
    return ast.Call(func=values.builtin("list"), args=[awaited], keywords=[]) if made.as_list else awaited


def _expressions(step: StepSpec) -> list[Expression]:
    """Return every expression of a step."""
    items = None if step.for_each is None else step.for_each.items
    own = [one for one in (step.when, step.validate, items) if one is not None]
    return [*own, *expressions_of(step.verb)]


def _without_null(kind: Type) -> Type:
    """Return the type of a verb's result, which `when` or `on_error` may have made optional."""
    kind = without_opaque(kind)
    return kind.inner if isinstance(kind, OptionalType) else kind


def _groups(steps: Sequence[StepSpec]) -> list[list[StepSpec]]:
    """Return the steps in order, those together that can be awaited at the same time."""
    groups: list[list[StepSpec]] = []
    for step in steps:
        if groups and _is_plain(step) and _joins(step, groups[-1]):
            groups[-1].append(step)
        else:
            groups.append([step])
    return groups


def _joins(step: StepSpec, group: Sequence[StepSpec]) -> bool:
    """Return whether a step can be awaited with others."""
    reads_one = bool(step.reads & {other.id for other in group})
    return len(group) < _MOST_TOGETHER and not reads_one and all(_is_plain(other) for other in group)


def _is_plain(step: StepSpec) -> bool:
    """Return whether a step is one call, and nothing else."""
    is_whole = step.when is None and step.on_error == "fail" and not step.after
    return isinstance(step.verb, CallVerb) and is_whole
