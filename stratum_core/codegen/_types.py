"""Types as annotations: `Type` to the Python a contract's field or a parameter is declared with."""

from __future__ import annotations

import ast
from typing import assert_never

from stratum_core.codegen._scope import CORE, PYDANTIC, Scope, name
from stratum_core.contracts import (
    AnyType,
    BoolType,
    BytesType,
    DateTimeType,
    DateType,
    EnumType,
    FloatType,
    IntType,
    JsonType,
    ListType,
    MapType,
    NeverType,
    NullType,
    OpaqueType,
    OptionalType,
    ProbabilisticType,
    RecordType,
    StringType,
    Type,
)

__all__ = ["annotation", "bare_annotation", "constant", "keywords_of", "optional_of", "without_limits"]


def annotation(kind: Type, scope: Scope, *, description: str = "") -> ast.expr:
    """Return the annotation of a type with everything that holds for it: `Annotated[int, Field(ge=1)]`."""
    base, limits = _split(kind, scope)
    if description:
        limits.append(ast.keyword(arg="description", value=constant(description)))
    return _annotated(base, limits, scope)


def without_limits(kind: Type) -> Type:
    """Return a type without what a value's own check adds: limits and marks."""
    match kind:
        case StringType():
            return StringType()
        case IntType():
            return IntType()
        case FloatType():
            return FloatType()
        case ListType(item=item):
            return ListType(item=without_limits(item))
        case MapType(value=value):
            return MapType(without_limits(value))
        case OptionalType(inner=inner):
            return OptionalType(without_limits(inner))
        case OpaqueType(inner=inner):
            return without_limits(inner)
        case _:
            return kind


def bare_annotation(kind: Type, scope: Scope) -> tuple[ast.expr, list[ast.keyword]]:
    """Return the annotation of a field's type, and the arguments of `Field` that complete it."""
    return _split(kind, scope)


def optional_of(kind: Type) -> bool:
    """Return whether null fits a type by its declaration."""
    while isinstance(kind, (OptionalType, OpaqueType)):
        if isinstance(kind, OptionalType):
            return True
        kind = kind.inner
    return False


def keywords_of(kind: Type) -> list[ast.keyword]:
    """Return a type's own limits as arguments of `Field`."""
    match kind:
        case IntType(min=low, max=high) | FloatType(min=low, max=high):
            limits: list[tuple[str, float | str | None]] = [("ge", low), ("le", high)]
        case StringType():
            limits = [
                ("min_length", kind.min_length),
                ("max_length", kind.max_length),
                ("pattern", kind.pattern),
            ]
        case ListType():
            limits = [("min_length", kind.min_length), ("max_length", kind.max_length)]
        case _:
            limits = []
    return [ast.keyword(arg=key, value=constant(value)) for key, value in limits if value is not None]


def constant(value: str | float | bool | None) -> ast.expr:  # noqa: FBT001 - a value, not a switch
    """Return a literal as a syntax tree."""
    if isinstance(value, (int, float)) and not isinstance(value, bool) and value < 0:
        return ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=-value))
    return ast.Constant(value=value)


def _split(kind: Type, scope: Scope) -> tuple[ast.expr, list[ast.keyword]]:
    """Return a type's annotation without its limits, and the limits, which reach through `opaque` and null."""
    match kind:
        case OptionalType(inner=inner):
            base, limits = _split(inner, scope)
            return ast.BinOp(left=base, op=ast.BitOr(), right=constant(None)), limits
        case OpaqueType(inner=inner):
            base, limits = _split(inner, scope)
            return _of(scope.use(CORE, "opaque"), base), limits
        case _:
            return _base(kind, scope), keywords_of(kind)


def _annotated(base: ast.expr, limits: list[ast.keyword], scope: Scope) -> ast.expr:
    """Return an annotation with its limits, if there are any."""
    if not limits:
        return base
    call = ast.Call(func=scope.use(PYDANTIC, "Field"), args=[], keywords=limits)
    return _of(scope.use("typing", "Annotated"), base, call)


def _base(kind: Type, scope: Scope) -> ast.expr:
    """Return the annotation of a type that is neither optional nor opaque, without its limits."""
    match kind:
        case ListType(item=item):
            return _of(name("list"), annotation(item, scope))
        case MapType(value=value):
            return _of(name("dict"), name("str"), annotation(value, scope))
        case EnumType(values=values):
            return _of(scope.use("typing", "Literal"), *(constant(value) for value in values))
        case RecordType(name=found):
            return name(found)
        case ProbabilisticType(inner=inner):
            return _of(scope.use(CORE, "Probabilistic"), annotation(inner, scope))
        case OptionalType() | OpaqueType():
            return annotation(kind, scope)
        case _:
            return _plain(kind, scope)


def _plain(
    kind: StringType
    | IntType
    | FloatType
    | BoolType
    | NullType
    | DateType
    | DateTimeType
    | BytesType
    | JsonType
    | AnyType
    | NeverType,
    scope: Scope,
) -> ast.expr:
    """Return the annotation of a type without parts."""
    match kind:
        case StringType():
            return name("str")
        case IntType():
            return name("int")
        case FloatType():
            return name("float")
        case BoolType():
            return name("bool")
        case BytesType():
            return name("bytes")
        case NullType():
            return constant(None)
        case DateType():
            return scope.use("datetime", "date")
        case DateTimeType():
            return scope.use("datetime", "datetime")
        case JsonType() | AnyType() | NeverType():
            return scope.use(PYDANTIC, "JsonValue")
        case _:
            assert_never(kind)


def _of(base: ast.expr, *parts: ast.expr) -> ast.expr:
    """Return `base[part, ...]`."""
    index = parts[0] if len(parts) == 1 else ast.Tuple(elts=list(parts), ctx=ast.Load())
    return ast.Subscript(value=base, slice=index, ctx=ast.Load())
