"""Constraints of the long form on the type they stand with: bounds, lengths, pattern and enum."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache

from pydantic_core import SchemaError, SchemaValidator, core_schema

from stratum_core.contracts import (
    AnyType,
    EnumType,
    FloatType,
    IntType,
    JsonScalar,
    JsonType,
    ListType,
    NullType,
    OpaqueType,
    OptionalType,
    StringType,
    Type,
    assignable,
    describe,
    optional,
)
from stratum_core.ir._document import LongType

__all__ = ["BoundFault", "constrain"]

_SAFE_INT = 2**63
_MAX_ENUM = 1_000
_NUMBER_KEYS = ("min", "max")
_LENGTH_KEYS = ("min_length", "max_length")
_MAX_PATTERN = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class BoundFault:
    """A constraint that does not fit its type."""

    code: str
    message: str
    suggestion: str = ""
    path: tuple[str | int, ...] = ()


def constrain(base: Type | None, form: LongType) -> tuple[Type, list[BoundFault]]:
    """Return the type with its constraints, and those that do not fit it.

    Constraints hold for the values inside `opaque` and `optional`. Without a base, `enum` makes the type.
    """
    if isinstance(base, OpaqueType):
        inner, faults = constrain(base.inner, form)
        return OpaqueType(inner), faults
    if isinstance(base, OptionalType):
        inner, faults = constrain(base.inner, form)
        return OptionalType(inner), faults
    faults = _misplaced(base, form)
    if faults or isinstance(base, AnyType):
        return base or AnyType(), faults
    match base:
        case IntType() | FloatType():
            kind: Type = _with_range(base, form, faults)
        case StringType():
            kind = _with_text(base, form, faults)
        case ListType():
            kind = _with_lengths(base, form, faults)
        case _:
            kind = base or AnyType()
    if form.enum is not None:
        kind = _with_enum(kind if base is not None else None, form.enum, faults)
    return kind, faults


def _misplaced(base: Type | None, form: LongType) -> list[BoundFault]:
    """Return a fault for each constraint that means nothing on this type."""
    if isinstance(base, AnyType):
        return []
    fits: set[str] = set()
    if isinstance(base, (IntType, FloatType)):
        fits.update(_NUMBER_KEYS)
    if isinstance(base, (StringType, ListType)):
        fits.update(_LENGTH_KEYS)
    if isinstance(base, StringType):
        fits.add("pattern")
    written = {
        "min": form.min,
        "max": form.max,
        "min_length": form.min_length,
        "max_length": form.max_length,
        "pattern": form.pattern,
    }
    name = "an enum" if base is None else describe(base)
    faults: list[BoundFault] = []
    for key, value in written.items():
        if value is None or key in fits:
            continue
        hint = ""
        if key in _NUMBER_KEYS and isinstance(base, (StringType, ListType)):
            hint = f"did you mean `{key}_length`?"
        elif key in _LENGTH_KEYS and isinstance(base, (IntType, FloatType)):
            hint = f"did you mean `{key.removesuffix('_length')}`?"
        faults.append(
            BoundFault(code="E307", message=f"`{key}` means nothing for {name}", suggestion=hint, path=(key,))
        )
    return faults


def _crossed(low_key: str, low: float, high_key: str, high: float) -> BoundFault:
    return BoundFault(
        code="E307",
        message=f"`{low_key}` {low:g} is above `{high_key}` {high:g}: no value fits",
        suggestion="exchange them",
        path=(low_key,),
    )


def _with_range(base: IntType | FloatType, form: LongType, faults: list[BoundFault]) -> Type:
    """Return a number type with its bounds."""
    for key, new, old in (("min", form.min, base.min), ("max", form.max, base.max)):
        if new is not None and old is not None:
            faults.append(
                BoundFault(
                    code="E307",
                    message=f"`{key}` is given twice: {describe(base)} and {new:g}",
                    suggestion="keep one of them",
                    path=(key,),
                )
            )
        if isinstance(base, IntType) and isinstance(new, float) and not new.is_integer():
            faults.append(
                BoundFault(
                    code="E307", message=f"`{key}` of an int must be a whole number, not {new:g}", path=(key,)
                )
            )
    low = base.min if form.min is None else form.min
    high = base.max if form.max is None else form.max
    if low is not None and high is not None and low > high:
        faults.append(_crossed("min", low, "max", high))
    if faults:
        return base
    if isinstance(base, IntType):
        return IntType(min=None if low is None else int(low), max=None if high is None else int(high))
    return FloatType(min=None if low is None else float(low), max=None if high is None else float(high))


def _with_lengths(
    base: StringType | ListType, form: LongType, faults: list[BoundFault]
) -> StringType | ListType:
    """Return a text or list type with its lengths."""
    low, high = form.min_length, form.max_length
    if low is not None and high is not None and low > high:
        faults.append(_crossed("min_length", low, "max_length", high))
        return base
    return replace(base, min_length=low, max_length=high)


def _with_text(base: StringType, form: LongType, faults: list[BoundFault]) -> Type:
    """Return a text type with its lengths and pattern."""
    kind = _with_lengths(base, form, faults)
    if form.pattern is None:
        return kind
    problem = _pattern_problem(form.pattern)
    if problem:
        faults.append(
            BoundFault(
                code="E308",
                message=f"`pattern` is not a regular expression: {problem}",
                suggestion="look-around and back-references are not available; anchor with ^ and $",
                path=("pattern",),
            )
        )
        return kind
    return StringType(min_length=form.min_length, max_length=form.max_length, pattern=form.pattern)


@lru_cache(maxsize=256)
def _pattern_problem(pattern: str) -> str:
    """Return why a pattern cannot be used, or nothing; the engine is linear-time and limits expanded size."""
    if len(pattern) > _MAX_PATTERN:
        return f"it is {len(pattern)} characters long, at most {_MAX_PATTERN} are allowed"
    try:
        SchemaValidator(core_schema.str_schema(pattern=pattern))
    except SchemaError as error:
        lines = [line.strip() for line in str(error).splitlines() if line.strip()]
        return lines[-1].removeprefix("error: ") if lines else "it cannot be read"
    return ""


def _with_enum(base: Type | None, values: tuple[JsonScalar, ...], faults: list[BoundFault]) -> Type:
    """Return an enum; null among its values makes it optional."""
    plain = tuple(value for value in values if value is not None)
    if len(values) > _MAX_ENUM:
        faults.append(
            BoundFault(
                code="E309", message=f"the enum has {len(values)} values, at most {_MAX_ENUM}", path=("enum",)
            )
        )
    if not plain:
        return NullType()
    kind = EnumType(plain)
    if base is not None and not isinstance(base, JsonType):
        for index, value in enumerate(values):
            if value is not None and not assignable(EnumType((value,)), base):
                faults.append(
                    BoundFault(
                        code="E309",
                        message=f"the value {value!r} is not {describe(base)}",
                        suggestion="leave `type` out, or quote the value if it is text",
                        path=("enum", index),
                    )
                )
    return optional(kind) if len(plain) < len(values) else kind
