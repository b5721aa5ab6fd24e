"""The names of types: those of documents, and those of other languages with what is meant by them."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from stratum_core.contracts import (
    AnyType,
    BoolType,
    BytesType,
    DateTimeType,
    DateType,
    FloatType,
    IntType,
    JsonType,
    ListType,
    MapType,
    NullType,
    OpaqueType,
    OptionalType,
    StringType,
    Type,
)

__all__ = ["OTHER_NAMES", "OTHER_WRAPPERS", "PLAIN", "WRAP", "with_null"]

PLAIN: Mapping[str, Type] = {
    "string": StringType(),
    "int": IntType(),
    "float": FloatType(),
    "bool": BoolType(),
    "null": NullType(),
    "date": DateType(),
    "datetime": DateTimeType(),
    "bytes": BytesType(),
    "json": JsonType(),
}
OTHER_NAMES: Mapping[str, str] = {
    "str": "string",
    "text": "string",
    "String": "string",
    "varchar": "string",
    "number": "float",
    "double": "float",
    "decimal": "float",
    "Decimal": "float",
    "real": "float",
    "integer": "int",
    "long": "int",
    "boolean": "bool",
    "Boolean": "bool",
    "None": "null",
    "void": "null",
    "timestamp": "datetime",
    "any": "json",
    "Any": "json",
    "object": "json",
    "dict": "json",
    "Dict": "json",
    "record": "json",
}
OTHER_WRAPPERS: Mapping[str, str] = {
    "List": "list",
    "array": "list",
    "Array": "list",
    "Sequence": "list",
    "sequence": "list",
    "set": "list",
    "tuple": "list",
    "Optional": "optional",
    "nullable": "optional",
    "maybe": "optional",
    "Opaque": "opaque",
    "Map": "map",
    "dict": "map",
    "Dict": "map",
    "Record": "map",
}


def with_null(inner: Type) -> Type:
    """Add null once; unlike a value of an expression, a declared `optional<json>` may also be left out."""
    return inner if isinstance(inner, (OptionalType, NullType, AnyType)) else OptionalType(inner)


def marked_opaque(inner: Type) -> Type:
    """Mark a type opaque once, below an optional."""
    if isinstance(inner, OpaqueType):
        return inner
    if isinstance(inner, OptionalType):
        return OptionalType(marked_opaque(inner.inner))
    return OpaqueType(inner)


WRAP: Mapping[str, Callable[[Type], Type]] = {
    "list": lambda inner: ListType(item=inner),
    "map": MapType,
    "optional": with_null,
    "opaque": marked_opaque,
}
