"""How types relate: what may stand where, and what two branches have in common.

A literal fits an enum that lists it; an unconstrained number fits a ranged one here, because ranges are enforced on
values at run time. `opaque` is a mark, not a shape: it is ignored for fit and carried by `join`; data-flow rules about
it live in `stratum_core.checks`.
"""

from __future__ import annotations

from stratum_core.contracts._types import (
    AnyType,
    EnumType,
    Field,
    FloatType,
    IntType,
    JsonScalar,
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

__all__ = ["assignable", "is_opaque", "is_text", "join", "optional", "without_opaque"]

_MAX_JOINED_VALUES = 32


def without_opaque(kind: Type) -> Type:
    """Return the type without an outer `opaque` mark (also below an outer optional)."""
    if isinstance(kind, OpaqueType):
        return without_opaque(kind.inner)
    if isinstance(kind, OptionalType):
        inner = without_opaque(kind.inner)
        return kind if inner is kind.inner else optional(inner)
    return kind


def is_opaque(kind: Type) -> bool:
    """Return whether the type carries an outer `opaque` mark (also below an outer optional)."""
    if isinstance(kind, OptionalType):
        return is_opaque(kind.inner)
    return isinstance(kind, OpaqueType)


def is_text(kind: Type) -> bool:
    """Return whether every value of the type is text."""
    bare = without_opaque(kind)
    if isinstance(bare, EnumType):
        return all(isinstance(value, str) for value in bare.values)
    return isinstance(bare, StringType)


def optional(kind: Type) -> Type:
    """Return `kind` with null added, never nested."""
    if isinstance(kind, (OptionalType, NullType, AnyType, JsonType)):
        return kind
    return OptionalType(kind)


def assignable(source: Type, target: Type) -> bool:
    """Return whether every value of `source` may stand where `target` is wanted (ranges are checked on values)."""
    source, target = without_opaque(source), without_opaque(target)
    if isinstance(source, (AnyType, NeverType)) or isinstance(target, (AnyType, JsonType)):
        return not isinstance(source, ProbabilisticType)
    if isinstance(target, OptionalType):
        if isinstance(source, NullType):
            return True
        return assignable(source.inner if isinstance(source, OptionalType) else source, target.inner)
    return _same_shape(source, target)


def _same_shape(source: Type, target: Type) -> bool:
    """Decide fit for a target that is neither optional nor untyped."""
    match source, target:
        case (EnumType(values=given), EnumType(values=wanted)):
            return _contains_all(given, wanted)
        case (EnumType(values=given), _):
            return all(_literal_fits(value, target) for value in given)
        case (IntType(), FloatType()):
            return True
        case (ListType(item=left), ListType(item=right)):
            return assignable(left, right)
        case (MapType(value=left), MapType(value=right)):
            return assignable(left, right)
        case (ProbabilisticType(inner=left), ProbabilisticType(inner=right)):
            return assignable(left, right)
        case (RecordType(), RecordType()):
            return _record_fits(source, target)
        case _:
            return type(source) is type(target)


def _contains_all(given: tuple[JsonScalar, ...], wanted: tuple[JsonScalar, ...]) -> bool:
    """Compare enum values with their types, so that true is not 1."""
    allowed = {(type(value), value) for value in wanted}
    return all((type(value), value) in allowed for value in given)


def _literal_fits(value: JsonScalar, target: Type) -> bool:
    """Return whether one enum value belongs to a plain target type."""
    match target:
        case StringType():
            return isinstance(value, str)
        case IntType():
            return isinstance(value, int) and not isinstance(value, bool)
        case FloatType():
            return isinstance(value, (int, float)) and not isinstance(value, bool)
        case _:
            return False


def _record_fits(source: RecordType, target: RecordType) -> bool:
    """A contract fits by name; an unnamed record fits when it has every needed field and no other."""
    if source.name and target.name:
        return source.name == target.name
    given = {field.name: field.type for field in source.fields}
    if not set(given) <= set(target.field_names):
        return False
    return all(
        assignable(given[field.name], field.type)
        if field.name in given
        else isinstance(without_opaque(field.type), OptionalType)
        for field in target.fields
    )


def join(left: Type, right: Type) -> Type | None:
    """Return the narrowest type that holds values of both, or None when there is none."""
    if is_opaque(left) or is_opaque(right):
        joined = join(without_opaque(left), without_opaque(right))
        return None if joined is None else _mark_opaque(joined)
    if isinstance(left, (NeverType, AnyType)) or left == right:
        return right if isinstance(left, NeverType) else left
    if isinstance(right, (NeverType, AnyType)):
        return left if isinstance(right, NeverType) else right
    if isinstance(left, NullType):
        return optional(right)
    if isinstance(right, NullType):
        return optional(left)
    if isinstance(left, OptionalType) or isinstance(right, OptionalType):
        inner = join(
            left.inner if isinstance(left, OptionalType) else left,
            right.inner if isinstance(right, OptionalType) else right,
        )
        return None if inner is None else optional(inner)
    return _join_plain(left, right)


def _mark_opaque(kind: Type) -> Type:
    """Put the opaque mark back, below an optional."""
    if isinstance(kind, OptionalType):
        return optional(OpaqueType(kind.inner))
    return OpaqueType(kind)


def _join_plain(left: Type, right: Type) -> Type | None:
    """Join two types that are neither null, optional, opaque nor unknown."""
    match left, right:
        case (StringType(), StringType()):
            return StringType()
        case (EnumType(values=first), EnumType(values=second)):
            merged = tuple(dict.fromkeys(first + second))
            if len(merged) <= _MAX_JOINED_VALUES:
                return EnumType(merged)
            return StringType() if is_text(left) and is_text(right) else None
        case (IntType(), IntType()):
            return IntType()
        case (IntType() | FloatType(), IntType() | FloatType()):
            return FloatType()
        case (ListType(item=first), ListType(item=second)):
            item = join(first, second)
            return None if item is None else ListType(item=item)
        case (MapType(value=first), MapType(value=second)):
            value = join(first, second)
            return None if value is None else MapType(value)
        case (RecordType(), RecordType()) if not (left.name and right.name):
            return _join_records(left, right)
        case _:
            if is_text(left) and is_text(right):
                return StringType()
            return right if assignable(left, right) else left if assignable(right, left) else None


def _join_records(left: RecordType, right: RecordType) -> Type | None:
    """Join unnamed records with the same field names; a contract absorbs a record that fits it."""
    if left.name or right.name:
        named, plain = (left, right) if left.name else (right, left)
        return named if assignable(plain, named) else plain if assignable(named, plain) else None
    if set(left.field_names) != set(right.field_names):
        return None
    fields: list[Field] = []
    for field in left.fields:
        other = right.field(field.name)
        joined = None if other is None else join(field.type, other.type)
        if joined is None:
            return None
        fields.append(Field(name=field.name, type=joined))
    return RecordType(fields=tuple(fields))
