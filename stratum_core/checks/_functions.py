"""Rules about functions, and the specs of those that pass."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import partial
from typing import Literal

from stratum_core.budget import Budget
from stratum_core.checks._context import Context
from stratum_core.checks._policy import check_budget, check_models, check_python
from stratum_core.checks._quorum import check_quorum
from stratum_core.checks._refine import check_refine
from stratum_core.checks._results import compile_result
from stratum_core.checks._signatures import Signature
from stratum_core.contracts import Type
from stratum_core.ir import (
    BudgetForm,
    ComputeFunction,
    Expr,
    InferFunction,
    Invalid,
    Path,
    function_hash,
)
from stratum_core.ir.expressions import CompiledExpression
from stratum_core.money import to_nusd
from stratum_core.specs import ComputeSpec, FunctionSpec, InferSpec

__all__ = ["check_functions", "read_budget"]

_TEMPLATE = re.compile(r"\{\{.*?\}\}|\$\{[^}]*\}|\{[A-Za-z_][\w.\[\]]*\}")


def check_functions(context: Context) -> dict[str, FunctionSpec]:
    """Report what is wrong with functions; return the specs of those without a fault."""
    specs: dict[str, FunctionSpec] = {}
    for name, function in context.document.functions.items():
        signature = context.signatures.functions[name]
        if isinstance(function, Invalid) or signature is None:
            continue
        if isinstance(function, InferFunction):
            spec = _check_infer(context, function, signature)
        else:
            spec = _check_compute(context, function, signature)
        if spec is not None:
            specs[name] = spec
    return specs


def read_budget(form: BudgetForm | None) -> Budget | None:
    """Return a written cap in exact units."""
    if form is None:
        return None
    return Budget(
        nusd=None if form.usd is None else to_nusd(form.usd),
        tokens=form.tokens,
        calls=form.calls,
        ms=form.ms,
    )


def _check_infer(context: Context, function: InferFunction, signature: Signature) -> InferSpec | None:
    """Check a model call."""
    path: Path = ("functions", signature.name)
    _check_texts(context, path, function)
    check_models(context, path, function)
    check_budget(context, path, function.budget)
    _check_tokens(context, path, function)
    quorum = check_quorum(context, path, function, signature.output)
    if signature.inputs is None:
        return None
    refine = check_refine(context, path, function, signature)
    given = _conditions(context, path, "given", function.given, signature.inputs)
    scope = {**signature.inputs, "result": signature.output}
    ensure = _conditions(context, path, "ensure", function.ensure, scope)
    if given is None or ensure is None:
        return None
    return InferSpec(
        name=signature.name,
        intent=function.intent,
        context=function.context,
        inputs=signature.parameters,
        output=signature.output,
        given=given,
        ensure=ensure,
        model=function.model,
        fallbacks=function.fallbacks,
        temperature=function.temperature,
        max_tokens=function.max_tokens,
        budget=read_budget(function.budget),
        retries=function.retries,
        cache=function.cache,
        stable=function.stable,
        quorum=quorum,
        refine=refine,
        function_hash=_hash(context, signature.name),
    )


def _check_compute(context: Context, function: ComputeFunction, signature: Signature) -> ComputeSpec | None:
    """Check a deterministic function."""
    path: Path = ("functions", signature.name)
    check_python(context, path, function.python)
    if signature.inputs is None:
        return None
    given = _conditions(context, path, "given", function.given, signature.inputs)
    scope = {**signature.inputs, "result": signature.output}
    ensure = _conditions(context, path, "ensure", function.ensure, scope)
    expression = None
    if function.python is None:
        expression = compile_result(
            context.findings,
            partial(context.compiler.compile, scope=signature.inputs),
            (*path, "expression"),
            function.expression,
            signature.output,
        )
        if expression is None:
            return None
    if given is None or ensure is None:
        return None
    return ComputeSpec(
        name=signature.name,
        inputs=signature.parameters,
        output=signature.output,
        expression=expression,
        python=function.python,
        given=given,
        ensure=ensure,
        function_hash=_hash(context, signature.name),
    )


def _hash(context: Context, name: str) -> str:
    """Return the hash of a function; nothing where a contract it uses has a diagnostic."""
    if context.findings.errors:
        return ""
    return function_hash(context.document, name, spellings=context.compiler.spellings)


def _conditions(
    context: Context,
    path: Path,
    name: Literal["given", "ensure"],
    forms: tuple[Expr, ...],
    scope: Mapping[str, Type],
) -> tuple[CompiledExpression, ...] | None:
    """Compile a list of conditions; None when one has a diagnostic."""
    compiled: list[CompiledExpression] = []
    for index, form in enumerate(forms):
        at: Path = (*path, name, index)
        expression = context.compiler.condition(at, form, scope)
        if expression is None:
            continue
        compiled.append(expression)
        if name == "ensure" and "result" not in expression.names:
            context.findings.add(
                "W503",
                at,
                f"`{expression.canonical}` does not read `result`, so asking again cannot change it",
                suggestion="read `result`, or move the condition to `given`",
            )
    return tuple(compiled) if len(compiled) == len(forms) else None


def _check_texts(context: Context, path: Path, function: InferFunction) -> None:
    """Report templates in text that is sent as it stands."""
    texts: list[tuple[Path, str]] = [((*path, "intent"), function.intent)]
    texts.extend(((*path, "context", index), line) for index, line in enumerate(function.context))
    for at, text in texts:
        found = _TEMPLATE.search(text)
        if found:
            context.findings.add(
                "E311",
                at,
                f"`{found.group()}` is a template, but values are never pasted into `{at[2]}`",
                suggestion="take the braces out: every input is sent to the model as data, under its name",
            )


def _check_tokens(context: Context, path: Path, function: InferFunction) -> None:
    """Report an answer that is allowed to be larger than the whole budget."""
    cap = function.budget.tokens if function.budget else None
    if cap is not None and function.max_tokens is not None and function.max_tokens > cap:
        context.findings.add(
            "E312",
            (*path, "max_tokens"),
            f"an answer may take {function.max_tokens:,} tokens, but the call's budget is {cap:,} tokens",
            suggestion="raise `budget.tokens` above `max_tokens` plus the prompt, or lower `max_tokens`",
        )
