"""The body of a compute function as an expression, where it is one.

A body that is a single `return` of an expression of the language is the same function in a document; one that returns
a contract, field by field, is a map of expressions there. Any other body stays Python, which is no fault: the function
then has a name in a document, and its code on the machine that runs it.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping

from stratum_core.authoring._folding import names_around, static_value
from stratum_core.authoring._lambdas import UnknownNameError, UntranslatableError, body_of, expression_text
from stratum_core.authoring._signature import Signature
from stratum_core.authoring._sources import definition_of
from stratum_core.contracts import Type
from stratum_core.ir.expressions import CompiledExpression, compile_expression
from stratum_core.specs import Returns

__all__ = ["compute_body"]


def compute_body(function: Callable[..., object], signature: Signature) -> Returns | None:
    """Return what a compute function returns as expressions, or None where only Python can run it."""
    definition = definition_of(function)
    if definition is None or signature.is_async:
        return None
    renamed = {name: name for name in signature.scope}
    try:
        body = body_of(definition)
        if signature.output.model is not None and isinstance(body, ast.Call):
            return _fields(body, function, signature)
        return _compiled(expression_text(body, function, renamed), signature, signature.output.type)
    except (UntranslatableError, UnknownNameError):
        return None


def _compiled(text: str, signature: Signature, want: Type) -> CompiledExpression | None:
    """Compile one expression over the inputs; None where the language does not have it."""
    return compile_expression(text, signature.scope, want=want).expression


def _fields(call: ast.Call, function: Callable[..., object], signature: Signature) -> Returns | None:
    """Return the expression of each field of `Contract(field=...)`.

    Raises:
        UntranslatableError: A field is given by other code.
        UnknownNameError: A field reads a name that means nothing.
    """
    if call.args or static_value(call.func, names_around(function)) is not signature.output.model:
        return None
    renamed: Mapping[str, str] = {name: name for name in signature.scope}
    found: dict[str, CompiledExpression] = {}
    for keyword in call.keywords:
        field = signature.output.fields.get(keyword.arg or "")
        if keyword.arg is None or field is None:
            return None
        text = expression_text(keyword.value, function, renamed)
        expression = _compiled(text, signature, field.type)
        if expression is None:
            return None
        found[keyword.arg] = expression
    left_out = signature.output.fields.keys() - found.keys()
    return None if any(_has_default(signature, name) for name in left_out) else found


def _has_default(signature: Signature, name: str) -> bool:
    """Return whether Python fills a field with something else than null."""
    model = signature.output.model
    fields: Mapping[str, object] = getattr(model, "model_fields", {})
    return getattr(fields[name], "default", None) is not None
