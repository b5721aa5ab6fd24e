"""Types as a document writes them: the way back from what an annotation was read as."""

from __future__ import annotations

import json

from stratum_core.contracts import (
    EnumType,
    FloatType,
    IntType,
    ListType,
    MapType,
    OpaqueType,
    OptionalType,
    ProbabilisticType,
    RecordType,
    StringType,
    Type,
    describe,
)
from stratum_core.ir import LongType, TypeForm

__all__ = ["NoFormError", "records_in", "type_form"]


class NoFormError(ValueError):
    """A type that Python can say and a document cannot; the message says why."""


def type_form(kind: Type, description: str = "") -> TypeForm:
    """Return a type in the form documents have, in long form where that is needed.

    Raises:
        NoFormError: A limit stands where a document has no place for one.
    """
    inner, is_optional = kind, False
    while isinstance(inner, (OptionalType, OpaqueType)):
        is_optional |= isinstance(inner, OptionalType)
        inner = inner.inner
    if isinstance(inner, EnumType) and not _is_opaque(kind):
        values = (*inner.values, None) if is_optional else inner.values
        return LongType(enum=values, description=description)
    text = _text(kind, limits=False)
    match inner:
        case StringType():
            form = LongType(
                type=text,
                min_length=inner.min_length,
                max_length=inner.max_length,
                pattern=inner.pattern,
                description=description,
            )
        case IntType() | FloatType():
            form = LongType(type=text, min=inner.min, max=inner.max, description=description)
        case ListType():
            form = LongType(
                type=text, min_length=inner.min_length, max_length=inner.max_length, description=description
            )
        case _:
            form = LongType(type=text, description=description)
    return text if form == LongType(type=text) else form


def records_in(kind: Type) -> list[RecordType]:
    """Return the contracts that a type names directly."""
    match kind:
        case RecordType():
            return [kind]
        case ListType(item=inner) | MapType(value=inner):
            return records_in(inner)
        case OptionalType(inner=inner) | OpaqueType(inner=inner) | ProbabilisticType(inner=inner):
            return records_in(inner)
        case _:
            return []


def _is_opaque(kind: Type) -> bool:
    """Return whether a mark stands anywhere around the value."""
    while isinstance(kind, (OptionalType, OpaqueType)):
        if isinstance(kind, OpaqueType):
            return True
        kind = kind.inner
    return False


def _text(kind: Type, *, limits: bool) -> str:
    """Return a type as text; with `limits` they have to stand in it, else the long form has them.

    Raises:
        NoFormError: There is no place for them.
    """
    match kind:
        case OptionalType(inner=inner):
            return f"optional<{_text(inner, limits=limits)}>"
        case OpaqueType(inner=inner):
            return f"opaque<{_text(inner, limits=limits)}>"
        case ListType(item=item):
            if limits and (kind.min_length is not None or kind.max_length is not None):
                raise NoFormError("the length of a list inside another type has no place in a document")
            return f"list<{_text(item, limits=True)}>"
        case MapType(value=value):
            return f"map<{_text(value, limits=True)}>"
        case StringType():
            if limits and kind != StringType():
                raise NoFormError("a limit of text inside a list or map has no place in a document")
            return "string"
        case IntType():
            return describe(kind) if limits else "int"
        case FloatType():
            return describe(kind) if limits else "float"
        case EnumType(values=values):
            if not all(isinstance(value, str) for value in values):
                raise NoFormError("numbers to choose from have no place inside a list or map")
            return " | ".join(json.dumps(value, ensure_ascii=False) for value in values)
        case _:
            return describe(kind)
