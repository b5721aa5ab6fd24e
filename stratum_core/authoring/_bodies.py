"""The body of a compute function as an expression, where it is one.

A body that is a single `return` of an expression of the language is the same function in a document; one that returns
a contract, field by field, is a map of expressions there. Any other body stays Python, which is no fault: the function
then has a name in a document, and its code on the machine that runs it.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from stratum_core.authoring._folding import names_around, static_value
from stratum_core.authoring._lambdas import UnknownNameError, UntranslatableError, body_of, expression_text
from stratum_core.authoring._native import NativeExpression, source_text
from stratum_core.authoring._records import registration_of
from stratum_core.authoring._signature import Signature
from stratum_core.authoring._sources import Definition, definition_of
from stratum_core.codegen import Reading, UnreadableError, document_expression
from stratum_core.contracts import Type
from stratum_core.ir.expressions import CompiledExpression, compile_expression
from stratum_core.specs import Returns

__all__ = ["compute_body"]


def compute_body(function: Callable[..., object], signature: Signature) -> Returns:
    """Return what a compute function returns: expressions, or a native one where only Python can run it."""
    definition = definition_of(function)
    if definition is None:
        return _native(function, None, signature, "its source is not available")
    renamed = {name: name for name in signature.scope}
    try:
        body = body_of(definition)
        written = _written(body, function, signature)
        if written is not None:
            return written
        if signature.output.model is not None and isinstance(body, ast.Call):
            return _fields(body, function, signature)
        return _compiled(expression_text(body, function, renamed), signature, signature.output.type)
    except UntranslatableError as fault:
        return _native(function, definition, signature, str(fault))
    except UnknownNameError as fault:
        return _native(function, definition, signature, f"`{fault}` is not defined yet")


def _written(body: ast.expr, function: Callable[..., object], signature: Signature) -> Returns | None:
    """Return a body that reads as an expression word by word, the way `stratum codegen` writes one."""
    names = names_around(function)
    reading = Reading(
        library={
            name: str(getattr(value, "__name__", "")) for name, value in names.items() if _is_library(value)
        },
        records={
            name: tuple(value.model_fields)
            for name, value in names.items()
            if isinstance(value, type) and issubclass(value, BaseModel) and registration_of(value) is not None
        },
        values={name: name for name in signature.scope},
    )
    try:
        found = document_expression(reading, body)
    except UnreadableError:
        return None
    try:
        if isinstance(found, str):
            return _compiled(found, signature, signature.output.type)
        if found.keys() != signature.output.fields.keys():
            return None
        fields = signature.output.fields
        return {name: _compiled(text, signature, fields[name].type) for name, text in found.items()}
    except UntranslatableError:
        return None


def _is_library(value: object) -> bool:
    """Return whether a name means one of the expression language's functions."""
    return getattr(value, "__module__", "") == "stratum_core.functions" and callable(value)


def _native(
    function: Callable[..., object], definition: Definition | None, signature: Signature, reason: str
) -> NativeExpression:
    """Return the function as Python runs it."""
    text = source_text(function, definition)
    names = frozenset(signature.scope)
    return NativeExpression(
        source=text,
        canonical=text,
        type=signature.output.type,
        names=names,
        reads=frozenset((name,) for name in names),
        reason=reason,
        function=function,
        arguments=tuple((one.name, one.codec) for one in signature.parameters),
        dump=signature.output.dump,
    )


def _compiled(text: str, signature: Signature, want: Type) -> CompiledExpression:
    """Compile one expression over the inputs.

    Raises:
        UntranslatableError: The language does not have it.
    """
    result = compile_expression(text, signature.scope, want=want)
    if result.expression is None:
        raise UntranslatableError(result.findings[0].message)
    return result.expression


def _fields(call: ast.Call, function: Callable[..., object], signature: Signature) -> Returns:
    """Return the expression of each field of `Contract(field=...)`.

    Raises:
        UntranslatableError: It is no such call, or a field is given by other code.
        UnknownNameError: A field reads a name that means nothing.
    """
    model, codecs = signature.output.model, signature.output.fields
    if call.args or static_value(call.func, names_around(function)) is not model:
        raise UntranslatableError(f"it calls `{ast.unparse(call.func)}`, which is other code")
    renamed = {name: name for name in signature.scope}
    found: dict[str, CompiledExpression] = {}
    for keyword in call.keywords:
        if keyword.arg is None or keyword.arg not in codecs:
            raise UntranslatableError(f"it gives `{ast.unparse(keyword)}`, which is no field")
        text = expression_text(keyword.value, function, renamed)
        found[keyword.arg] = _compiled(text, signature, codecs[keyword.arg].type)
    filled = [name for name in codecs if name not in found and not _is_null_by_default(model, name)]
    if filled:
        raise UntranslatableError(f"the default of `{filled[0]}` fills it in")
    return found


def _is_null_by_default(model: type[object] | None, name: str) -> bool:
    """Return whether a field that is left out is null, as it would be in a document."""
    fields: Mapping[str, FieldInfo] = getattr(model, "model_fields", {})
    return fields[name].default is None
