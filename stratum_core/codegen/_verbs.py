"""Verbs as awaitables: what a step calls, asks or runs together, before it is awaited."""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import assert_never

from stratum_core.codegen._expressions import Values, unwritable
from stratum_core.codegen._names import local_name
from stratum_core.codegen._records import Records
from stratum_core.codegen._scope import CORE, Scope, name
from stratum_core.codegen._types import annotation, constant
from stratum_core.contracts import RecordType, Type, without_opaque
from stratum_core.specs import (
    Branch,
    CallVerb,
    ComputeVerb,
    DebateVerb,
    Expression,
    HumanVerb,
    ParallelVerb,
    Parameter,
    Program,
    RaceVerb,
    Verb,
)

__all__ = ["Made", "VerbWriter", "concludes", "expressions_of", "over_results", "refuse_inside"]

_DURATION = re.compile(r"([0-9]+)([smhd])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
_OWN_FLOW = "put the step into a flow of its own and call that"


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """A verb in Python."""

    value: ast.expr
    """An awaitable; for a compute verb the value itself."""
    before: tuple[tuple[str, ast.expr], ...] = ()
    """Variables to be set first: the branches by name."""
    record: str = ""
    """The class that the parts of the awaited tuple become."""
    as_list: bool = False
    """Whether the awaited tuple becomes a list."""
    annotation: ast.expr | None = None
    """The type of the variable, where a type checker cannot tell it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VerbWriter:
    """Writes the verbs of one flow."""

    program: Program
    scope: Scope
    records: Records

    def made(self, verb: Verb, kind: Type, values: Values, timeout: str | None = None) -> Made:
        """Return a verb in Python.

        Args:
            verb: What the step does.
            kind: The type of one result.
            values: Where the names of its expressions live.
            timeout: Of a question, as the document writes it.

        Raises:
            StratumCompileError: It has no form in Python.
        """
        match verb:
            case CallVerb():
                return Made(value=self.call(verb, values))
            case ComputeVerb(expression=expression):
                return Made(value=values.python(expression))
            case ParallelVerb():
                return self._parallel(verb, kind, values)
            case RaceVerb(branches=branches):
                before, calls = self._branches(branches, values, named=True)
                return Made(value=_call(self.scope.use(CORE, "race"), calls), before=before)
            case DebateVerb():
                return Made(value=self._debate(verb, values))
            case HumanVerb():
                return self._human(verb, values, timeout)
            case _:
                assert_never(verb)

    def call(self, verb: CallVerb, values: Values) -> ast.expr:
        """Return a call of a function or flow, every argument by its name."""
        table: Mapping[str, str] = self.scope.functions if verb.kind == "function" else self.scope.flows
        wanted = {one.name: one.type for one in _parameters(self.program, verb)}
        keywords = [
            ast.keyword(arg=key, value=values.python(expression, wanted[key]))
            for key, expression in verb.inputs.items()
        ]
        return ast.Call(func=name(table[verb.target]), args=[], keywords=keywords)

    def _branches(
        self, branches: Sequence[Branch], values: Values, *, named: bool
    ) -> tuple[tuple[tuple[str, ast.expr], ...], list[ast.expr]]:
        """Return the variables and the arguments of branches.

        A branch that is called as its function needs no variable; nor does any where a record keeps the names.
        """
        before: list[tuple[str, ast.expr]] = []
        arguments: list[ast.expr] = []
        same = len({branch.call.target for branch in branches}) == len(branches)
        for branch in branches:
            call = self.call(branch.call, values)
            if not named or (same and all(one.name == one.call.target for one in branches)):
                arguments.append(call)
                continue
            variable = local_name(branch.name, values.taken)
            before.append((variable, call))
            arguments.append(name(variable))
        return tuple(before), arguments

    def _parallel(self, verb: ParallelVerb, kind: Type, values: Values) -> Made:
        """Return branches that run together, and what becomes of their results."""
        keeps_names = verb.require in {"all", 0}
        before, arguments = self._branches(verb.branches, values, named=not keeps_names)
        record = ""
        if keeps_names:
            if not isinstance(kind, RecordType):
                raise unwritable(
                    values.where, "`for_each` around a parallel has no form in Python", _OWN_FLOW
                )
            record = self.records.own(kind).name
        if verb.require == 0:
            helper = self.scope.use(CORE, "or_none")
            arguments = [_call(helper, [argument]) for argument in arguments]
        keywords: list[ast.keyword] = []
        if not keeps_names:
            keywords.append(ast.keyword(arg="require", value=constant(verb.require)))
        if verb.validate is not None:
            results: ast.expr = name("results")
            if record:
                starred = ast.Starred(value=results, ctx=ast.Load())
                results = ast.Call(func=name(record), args=[starred], keywords=[])
            keywords.append(ast.keyword(arg="validate", value=over_results(verb.validate, values, results)))
        if verb.concurrency is not None:
            keywords.append(ast.keyword(arg="concurrency", value=constant(verb.concurrency)))
        return Made(
            value=_call(self.scope.use(CORE, "parallel"), arguments, keywords),
            before=before,
            record=record,
            as_list=not keeps_names and verb.require != "any",
        )

    def _debate(self, verb: DebateVerb, values: Values) -> ast.expr:
        """Return a debate."""
        functions = self.scope.functions
        synthesizer = self.program.functions[verb.synthesize]
        topic = next(one.type for one in synthesizer.inputs if one.name == "topic")
        agents: ast.expr = ast.List(elts=[name(functions[agent]) for agent in verb.agents], ctx=ast.Load())
        keywords = [ast.keyword(arg="rounds", value=constant(verb.rounds))]
        if verb.agree_on is not None:
            keywords.append(ast.keyword(arg="agree_on", value=constant(verb.agree_on)))
        keywords.append(ast.keyword(arg="synthesize", value=name(functions[verb.synthesize])))
        if verb.unresolved != "synthesize":
            keywords.append(ast.keyword(arg="unresolved", value=constant(verb.unresolved)))
        func = self.scope.use(CORE, "debate" if concludes(verb, self.program) else "debate_outcome")
        return _call(func, [agents, values.python(verb.topic, topic)], keywords)

    def _human(self, verb: HumanVerb, values: Values, timeout: str | None) -> Made:
        """Return a question to a person."""
        context: ast.expr = constant(verb.question)
        if verb.show:
            shown = ast.Dict(
                keys=[constant(label) for label in verb.show],
                values=[values.python(expression) for expression in verb.show.values()],
            )
            parts = [("question", context), ("artifacts", shown)]
            named = [ast.keyword(arg=key, value=value) for key, value in parts]
            context = _call(self.scope.use(CORE, "HumanReviewContext"), [], named)
        kind = annotation(verb.answer, self.scope)
        keywords: list[ast.keyword] = []
        if verb.options:
            options = [constant(option) for option in verb.options]
            keywords.append(ast.keyword(arg="options", value=ast.List(elts=options, ctx=ast.Load())))
        if timeout is not None:
            keywords.append(ast.keyword(arg="timeout", value=self._duration(timeout)))
        if verb.on_timeout is not None:
            keywords.append(ast.keyword(arg="on_timeout", value=constant(verb.on_timeout)))
        declared = None
        if not isinstance(kind, ast.Name):
            decision = self.scope.use(CORE, "HumanDecision")
            declared = ast.Subscript(value=decision, slice=kind, ctx=ast.Load())
        value = _call(self.scope.use(CORE, "await_human"), [context, kind], keywords)
        return Made(value=value, annotation=declared)

    def _duration(self, text: str) -> ast.expr:
        """Return a duration such as `24h`."""
        found = _DURATION.fullmatch(text)
        assert found is not None  # noqa: S101 - the loader lets no other spelling pass
        amount = ast.keyword(arg=_UNITS[found.group(2)], value=constant(int(found.group(1))))
        return _call(self.scope.use("datetime", "timedelta"), [], [amount])


def concludes(verb: DebateVerb, program: Program) -> bool:
    """Return whether the synthesizer's own contract says whether the agents agreed."""
    output = without_opaque(program.functions[verb.synthesize].output)
    return isinstance(output, RecordType) and "converged" in output.field_names


def over_results(expression: Expression, values: Values, results: ast.expr) -> ast.expr:
    """Return a condition over `results` as a lambda."""
    inner = replace(values, names={**values.names, "results": results})
    return ast.Lambda(
        args=ast.arguments(
            posonlyargs=[], args=[ast.arg(arg="results")], kwonlyargs=[], kw_defaults=[], defaults=[]
        ),
        body=inner.python(expression),
    )


def expressions_of(verb: Verb) -> list[Expression]:
    """Return every expression of a verb."""
    match verb:
        case CallVerb(inputs=inputs):
            return list(inputs.values())
        case ComputeVerb(expression=expression):
            return [expression]
        case ParallelVerb(branches=branches) | RaceVerb(branches=branches):
            return [found for branch in branches for found in branch.call.inputs.values()]
        case DebateVerb(topic=topic):
            return [topic]
        case HumanVerb(show=show):
            return list(show.values())
        case _:
            assert_never(verb)


def refuse_inside(made: Made, values: Values, what: str) -> None:
    """Refuse what takes more than one expression where only one can stand.

    Raises:
        StratumCompileError: The verb needs variables, or its results have to be put together.
    """
    if made.before or made.record or made.as_list:
        raise unwritable(values.where, f"{what} around a parallel or race has no form in Python", _OWN_FLOW)


def _parameters(program: Program, verb: CallVerb) -> Sequence[Parameter]:
    """Return the inputs of what is called."""
    if verb.kind == "function":
        return program.functions[verb.target].inputs
    return program.flows[verb.target].inputs


def _call(func: ast.expr, args: Sequence[ast.expr], keywords: Sequence[ast.keyword] = ()) -> ast.expr:
    return ast.Call(func=func, args=list(args), keywords=list(keywords))
