"""Functions as decorated Python: `@infer` stubs and `@compute` bodies."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from stratum_core.codegen._expressions import Values, unwritable
from stratum_core.codegen._flat import flat
from stratum_core.codegen._lambdas import lambda_of
from stratum_core.codegen._layout import statement
from stratum_core.codegen._records import Records
from stratum_core.codegen._scope import CORE, Scope, name
from stratum_core.codegen._text import WIDTH, docstring
from stratum_core.codegen._types import annotation, constant, optional_of
from stratum_core.contracts import JsonType, JsonValue, RecordType, Type, without_opaque
from stratum_core.ir import BudgetForm, ComputeFunction, Document, InferFunction, LongType
from stratum_core.specs import ComputeSpec, Expression, InferSpec, Parameter, Program

__all__ = ["FunctionWriter", "budget_of", "function_head", "returned", "returned_value"]

_COPIED = ("model", "fallbacks", "temperature", "max_tokens", "retries", "cache", "stable", "quorum")
_VOTING = ("agree_on", "threshold")


@dataclass(frozen=True, slots=True, kw_only=True)
class FunctionWriter:
    """Writes the functions of one module."""

    program: Program
    document: Document
    scope: Scope
    records: Records

    def ordered(self) -> list[str]:
        """Return the functions' names, each below the check that its refine calls."""
        names: dict[str, None] = {}
        for found, spec in self.program.functions.items():
            if isinstance(spec, InferSpec) and spec.refine is not None and spec.refine.check is not None:
                names[spec.refine.check] = None
            names[found] = None
        return list(names)

    def lines(self, called: str) -> list[str]:
        """Return the lines of one function.

        Raises:
            StratumCompileError: It has no form in Python.
        """
        spec, part = self.program.functions[called], self.document.functions[called]
        if isinstance(spec, InferSpec) and isinstance(part, InferFunction):
            return self._infer(spec, part)
        if isinstance(spec, ComputeSpec) and isinstance(part, ComputeFunction):
            return self._compute(spec, part)
        raise AssertionError(called)  # a program and its document hold the same functions

    def _infer(self, spec: InferSpec, part: InferFunction) -> list[str]:
        """Return an infer function: its decorators and a stub."""
        arguments = [_keyword("intent", constant(part.intent))]
        if part.context:
            lines: list[ast.expr] = [constant(line) for line in part.context]
            arguments.append(_keyword("context", lines[0] if len(lines) == 1 else _list(lines)))
        arguments += self._conditions(spec.given, "given", spec)
        arguments += self._conditions(spec.ensure, "ensure", spec)
        for key in _COPIED:
            value: JsonValue = getattr(part, key)
            if value != InferFunction.__dataclass_fields__[key].default:
                arguments.append(_keyword(key, _literal(value)))
        arguments += [_keyword(key, constant(getattr(part, key))) for key in _VOTING if getattr(part, key)]
        if part.budget is not None:
            arguments.append(_keyword("budget", budget_of(part.budget, self.scope)))
        call = ast.Call(func=self.scope.use(CORE, "infer"), args=[], keywords=arguments)
        lines_before = [*self._refine(spec), statement("@", call)]
        head = function_head(
            f"async def {self.scope.functions[spec.name]}",
            spec.inputs,
            returned(spec.output, part.output, self.scope),
            self.scope,
        )
        if not part.description:
            return [*lines_before, f"{head} ..."]
        return [*lines_before, head, *docstring(part.description, "    "), "    ..."]

    def _refine(self, spec: InferSpec) -> list[str]:
        """Return the decorator that asks again until a condition holds."""
        refine = spec.refine
        if refine is None:
            return []
        arguments: list[ast.keyword] = []
        if refine.check is not None:
            arguments.append(_keyword("check", name(self.scope.functions[refine.check])))
        scope_names = ("result", *(["check"] if refine.check else []))
        arguments.append(_keyword("until", self._condition(refine.until, scope_names, spec)))
        arguments.append(_keyword("feedback", self._condition(refine.feedback, scope_names, spec)))
        arguments.append(_keyword("max_iterations", constant(refine.max_iterations)))
        return [statement("@", ast.Call(func=self.scope.use(CORE, "refine"), args=[], keywords=arguments))]

    def _conditions(
        self, expressions: Sequence[Expression], key: str, spec: InferSpec | ComputeSpec
    ) -> list[ast.keyword]:
        """Return the argument for a function's conditions, or nothing when it has none."""
        leading = ("result",) if key == "ensure" else ()
        made = [self._condition(one, leading, spec) for one in expressions]
        if not made:
            return []
        return [_keyword(key, made[0] if len(made) == 1 else _list(made))]

    def _condition(
        self, expression: Expression, leading: Sequence[str], spec: InferSpec | ComputeSpec
    ) -> ast.expr:
        """Return a condition as a lambda where it reads well as one, else as its text."""
        inputs = [one.name for one in spec.inputs]
        made = lambda_of(expression, leading, inputs)
        if made is not None and len(flat(made)) <= WIDTH - 24:
            return made
        return constant(expression.canonical)

    def _compute(self, spec: ComputeSpec, part: ComputeFunction) -> list[str]:
        """Return a compute function with its body."""
        where = f"function `{spec.name}`"
        if spec.expression is None:
            raise unwritable(
                where,
                f"the code registered as `{spec.python}` is not in the document",
                "write it as an @compute function of your own, or give an expression",
            )
        values = Values(
            scope=self.scope,
            records=self.records,
            where=where,
            names={one.name: name(one.name) for one in spec.inputs},
        )
        self.records.hint = spec.name
        body = returned_value(spec.expression, spec.output, values)
        arguments = self._conditions(spec.given, "given", spec)
        arguments += self._conditions(spec.ensure, "ensure", spec)
        decorator: ast.expr = self.scope.use(CORE, "compute")
        if arguments:
            decorator = ast.Call(func=decorator, args=[], keywords=arguments)
        head = function_head(
            f"def {self.scope.functions[spec.name]}",
            spec.inputs,
            returned(spec.output, part.output, self.scope),
            self.scope,
        )
        text = docstring(part.description, "    ") if part.description else []
        return [statement("@", decorator), head, *text, statement("return ", body, indent=4)]


def returned_value(
    expression: Expression | Mapping[str, Expression], output: Type, values: Values
) -> ast.expr:
    """Return what a body gives: an expression, or the output contract with one for each field."""
    if not isinstance(expression, Mapping):
        made = values.python(expression, output)
        return _validated(made) if _is_record_literal(expression) else made
    record = output if isinstance(output, RecordType) else None
    parts: dict[str, ast.expr] = {}
    for field, value in expression.items():
        part = None if record is None else record.field(field)
        want = output if isinstance(without_opaque(output), JsonType) else None
        parts[field] = values.python(value, want if part is None else part.type)
    if record is None or not record.name:
        return ast.Dict(keys=[constant(field) for field in parts], values=list(parts.values()))
    keywords = [_keyword(field, value) for field, value in parts.items()]
    return ast.Call(func=name(record.name), args=[], keywords=keywords)


def _is_record_literal(expression: Expression) -> bool:
    """Return whether an expression is nothing but a record literal, which reads as one for each field otherwise."""
    return expression.canonical.startswith("{") and isinstance(
        ast.parse(expression.canonical, mode="eval").body, ast.Dict
    )


def _validated(made: ast.expr) -> ast.expr:
    """Return a record literal in the form that stands for one expression."""
    if not isinstance(made, ast.Call):
        return made
    pairs = [(keyword.arg or "", keyword.value) for keyword in made.keywords]
    record = ast.Dict(keys=[constant(key) for key, _ in pairs], values=[value for _, value in pairs])
    return ast.Call(
        func=ast.Attribute(value=made.func, attr="model_validate", ctx=ast.Load()),
        args=[record],
        keywords=[],
    )


def returned(kind: Type, form: object, scope: Scope) -> ast.expr:
    """Return the annotation of an output, with the description its document form has."""
    description = form.description if isinstance(form, LongType) else ""
    return annotation(kind, scope, description=description)


def function_head(start: str, inputs: Sequence[Parameter], output: ast.expr, scope: Scope) -> str:
    """Return `def name(parameters) -> output:`, over several lines where one is too short."""
    parts: list[tuple[str, ast.expr, str]] = []
    seen_default = False
    keyword_only = False
    for one in inputs:
        optional = optional_of(one.type)
        keyword_only |= seen_default and not optional
        seen_default |= optional
        kind = annotation(one.type, scope, description=one.description)
        parts.append((f"{one.name}: ", kind, " = None" if optional else ""))
    texts = [f"{head}{flat(kind)}{tail}" for head, kind, tail in parts]
    if keyword_only:
        texts.insert(0, "*")
    line = f"{start}({', '.join(texts)}) -> {flat(output)}:"
    if len(line) + 4 <= WIDTH or not parts:
        return line
    lines = [statement(head, kind, f"{tail},", indent=4) for head, kind, tail in parts]
    if keyword_only:
        lines.insert(0, "    *,")
    return "\n".join([f"{start}(", *lines, statement(") -> ", output, ":")])


def budget_of(form: BudgetForm, scope: Scope) -> ast.expr:
    """Return a budget as the library writes it."""
    caps = [(key, getattr(form, key)) for key in ("usd", "ms", "tokens", "calls")]
    keywords = [_keyword(key, constant(value)) for key, value in caps if value is not None]
    return ast.Call(func=scope.use(CORE, "Budget"), args=[], keywords=keywords)


def _literal(value: JsonValue) -> ast.expr:
    """Return a plain value or a list of texts."""
    if isinstance(value, Sequence) and not isinstance(value, str):
        return _list([constant(str(item)) for item in value])
    assert not isinstance(value, Mapping)  # noqa: S101 - no part of a function is a map
    return constant(value)


def _list(items: Sequence[ast.expr]) -> ast.expr:
    return ast.List(elts=list(items), ctx=ast.Load())


def _keyword(key: str, value: ast.expr) -> ast.keyword:
    return ast.keyword(arg=key, value=value)
