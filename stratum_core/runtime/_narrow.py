"""Values of a wider record where the plain contract is wanted: the fields it does not have are left out.

A debate's value is its synthesizer's contract with `converged` beside the fields, under the contract's own name. It may
stand wherever the contract may; what stands there is the contract's fields alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from stratum_core.contracts import (
    JsonValue,
    ListType,
    MapType,
    OptionalType,
    RecordType,
    Type,
    stored,
    without_opaque,
)

__all__ = ["narrowed"]


def narrowed(value: JsonValue, given: Type, wanted: Type) -> JsonValue:
    """Return the value of an expression as the wanted type has it.

    Args:
        value: The value, not yet checked.
        given: The static type of the expression.
        wanted: The type of the place it goes to, which the checks found assignable.
    """
    return _cut(value, given, wanted) if _is_wider(given, wanted) else value


def _is_wider(given: Type, wanted: Type) -> bool:
    """Return whether values of one type can have fields the other does not know."""
    given, wanted = _bare(given), _bare(wanted)
    if given is wanted:
        return False
    match given, wanted:
        case (ListType(item=left), ListType(item=right)):
            return _is_wider(left, right)
        case (MapType(value=left), MapType(value=right)):
            return _is_wider(left, right)
        case (RecordType(), RecordType()):
            known = {field.name: field.type for field in wanted.fields}
            return any(
                field.name not in known or _is_wider(field.type, known[field.name]) for field in given.fields
            )
        case _:
            return False


def _cut(value: JsonValue, given: Type, wanted: Type) -> JsonValue:
    """Leave out the fields that only the given type has, at any depth; what is neither stays for the check."""
    given, wanted = _bare(given), _bare(wanted)
    match given, wanted:
        case (ListType(item=left), ListType(item=right)) if isinstance(value, Sequence):
            return value if isinstance(value, str) else stored(_cut(item, left, right) for item in value)
        case (MapType(value=left), MapType(value=right)) if isinstance(value, Mapping):
            return {key: _cut(item, left, right) for key, item in value.items()}
        case (RecordType(), RecordType()) if isinstance(value, Mapping):
            return _cut_record(value, given, wanted)
        case _:
            return value


def _cut_record(value: Mapping[str, JsonValue], given: RecordType, wanted: RecordType) -> JsonValue:
    """Leave out of a record the fields that only the given type has."""
    had = {field.name: field.type for field in given.fields}
    known = {field.name: field.type for field in wanted.fields}
    return {
        name: _cut(item, had[name], known[name]) if name in had and name in known else item
        for name, item in value.items()
        if name in known or name not in had
    }


def _bare(kind: Type) -> Type:
    """Look through what only marks a type."""
    kind = without_opaque(kind)
    return without_opaque(kind.inner) if isinstance(kind, OptionalType) else kind
