"""Python annotations as types: the reader behind contracts and signatures.

`codec_of` turns an annotation into a codec, `type_of` into the bare type. What has no counterpart in a document is
refused where it is written, with what to write instead. Contracts are read once and kept on their class.
"""

from __future__ import annotations

import types
import typing
from collections.abc import Mapping, MutableMapping, MutableSequence, Sequence
from enum import Enum
from typing import Annotated, Any, Literal, TypeVar, Union, cast, get_args, get_origin

import pydantic
from pydantic import BaseModel

from stratum_core.authoring._bounds import annotated_codec
from stratum_core.authoring._codec import (
    JSON_CODEC,
    PLAIN_CODECS,
    Codec,
    enum_codec,
    list_codec,
    map_codec,
    optional_codec,
)
from stratum_core.authoring._records import Reader, record_codec
from stratum_core.contracts import EnumType, FloatType, IntType, JsonScalar, NullType, Type
from stratum_core.errors import StratumCompileError

__all__ = ["codec_of", "type_of"]

_KNOWN = (
    "str int float bool None date datetime bytes, Literal, Annotated[T, Field(...)], opaque[T], T | None, list[T], "
    "dict[str, T], an Enum, a @contract, pydantic.JsonValue"
)
_LISTS = (list, Sequence, MutableSequence)
_MAPS = (dict, Mapping, MutableMapping)
_ADVICE: Mapping[str, str] = {
    "Any": "write pydantic.JsonValue for any JSON value",
    "object": "write pydantic.JsonValue for any JSON value",
    "list": "say what it holds: list[str]",
    "dict": "say what it holds: dict[str, float]",
    "tuple": "write list[T], or a contract with named fields",
    "set": "write list[T]",
    "frozenset": "write list[T]",
    "Decimal": "write float, or str for exact text",
    "UUID": "write str",
    "Path": "write str",
    "time": "write str, or datetime",
    "timedelta": "write a number and name its unit, such as duration_s: float",
    "complex": "write a contract with two floats",
    "Probabilistic": "annotate the plain type; stable=False makes a call return Probabilistic of it",
}


def type_of(annotation: object, *, where: str) -> Type:
    """Return the type an annotation stands for.

    Raises:
        StratumCompileError: It stands for none; `where` begins the message.
    """
    return codec_of(annotation, where=where).type


def codec_of(annotation: object, *, where: str) -> Codec:
    """Return the codec of an annotation.

    Args:
        annotation: A resolved annotation, as `typing.get_type_hints(..., include_extras=True)` gives it.
        where: Begins the message of an error, such as "`classify` (app.py:12): parameter `text`".

    Raises:
        StratumCompileError: It stands for no type a document could write, or a contract holds itself.
    """
    return _read(annotation, where, ())


def _read(annotation: object, where: str, around: tuple[type[BaseModel], ...]) -> Codec:
    """Read one annotation; `around` are the contracts it stands in."""

    def inner(part: object) -> Codec:
        return _read(part, where, around)

    plain = _plain(annotation)
    if plain is not None:
        return plain
    origin, args = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return annotated_codec(inner(args[0]), args[1:], where=where)
    if origin is Literal:
        return _literal(args, annotation, where)
    if origin in (Union, types.UnionType):
        return _union(args, annotation, where, inner)
    if origin in _LISTS and len(args) == 1:
        return list_codec(inner(args[0]))
    if origin in _MAPS and len(args) == 2:  # noqa: PLR2004 - key and value
        if inner(args[0]).type != PLAIN_CODECS[str].type:
            raise StratumCompileError(
                f"{where}: the keys of `{_shown(annotation)}` are not text",
                remedy=f"write dict[str, {_shown(args[1])}]",
            )
        return map_codec(inner(args[1]))
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        read: Reader = _read
        return record_codec(annotation, where, around, read)
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        return _enum(annotation, where)
    return _named(cast("object", annotation), where, inner)


def _plain(annotation: object) -> Codec | None:
    """Return the codec of a type without parts."""
    if annotation is pydantic.JsonValue:
        return JSON_CODEC
    if annotation is None:
        return PLAIN_CODECS[type(None)]
    return PLAIN_CODECS.get(annotation) if isinstance(annotation, type) else None


def _named(annotation: object, where: str, inner: typing.Callable[[object], Codec]) -> Codec:
    """Read an alias or a NewType; anything else has no type."""
    if isinstance(annotation, typing.NewType):
        return inner(annotation.__supertype__)
    value = getattr(annotation, "__value__", None)
    if value is not None and not isinstance(annotation, type):
        return inner(value)
    raise _no_type(annotation, where)


def _no_type(annotation: object, where: str) -> StratumCompileError:
    """Say what an annotation could be instead."""
    shown = _shown(annotation)
    if isinstance(annotation, TypeVar):
        remedy = "fill the type parameter in: Page[Review] instead of Page"
    elif isinstance(annotation, (str, typing.ForwardRef)):
        remedy = "define that name above, or import it outside `if TYPE_CHECKING`"
    elif isinstance(annotation, type) and not issubclass(annotation, (list, dict, set, frozenset, tuple)):
        remedy = _ADVICE.get(annotation.__name__, "make it a pydantic BaseModel with @contract")
    else:
        origin = cast("object", get_origin(annotation) or annotation)
        remedy = _ADVICE.get(str(getattr(origin, "__name__", "")), "")
    return StratumCompileError(
        f"{where}: `{shown}` is not a type of values that a model call can carry",
        remedy=f"{remedy}; types: {_KNOWN}" if remedy else f"use one of: {_KNOWN}",
    )


def _literal(args: tuple[object, ...], annotation: object, where: str) -> Codec:
    """Read `Literal[...]`; None among its values makes it optional."""
    values = [value for value in args if value is not None]
    odd = next((value for value in values if isinstance(value, Enum) or not _is_scalar(value)), None)
    if odd is not None:
        raise StratumCompileError(
            f"{where}: {odd!r} in `{_shown(annotation)}` is not text, a number or a bool",
            remedy="list plain values, or use the enum class itself",
        )
    if not values:
        return PLAIN_CODECS[type(None)]
    codec = Codec(type=EnumType(tuple(cast("list[JsonScalar]", values))))
    return optional_codec(codec) if len(values) < len(args) else codec


def _is_scalar(value: object) -> bool:
    return isinstance(value, (str, int, float, bool))


def _union(
    args: tuple[object, ...], annotation: object, where: str, inner: typing.Callable[[object], Codec]
) -> Codec:
    """Read a union: None and one type, literals only, or int and float."""
    parts = [inner(part) for part in args]
    real = [part for part in parts if not isinstance(part.type, NullType)]
    if len(real) == 1:
        return optional_codec(real[0])
    kinds = [part.type for part in real]
    joined: Codec | None = None
    if all(get_origin(part) is Literal or part is type(None) for part in args):
        values = [value for kind in kinds if isinstance(kind, EnumType) for value in kind.values]
        joined = Codec(type=EnumType(tuple(dict.fromkeys(values))))
    elif all(kind in (IntType(), FloatType()) for kind in kinds):
        joined = Codec(type=FloatType())
    if joined is None:
        raise StratumCompileError(
            f"{where}: `{_shown(annotation)}` may be one of several types",
            remedy="write T | None, a union of literals, or a contract with an optional field for each case",
        )
    return optional_codec(joined) if len(real) < len(parts) else joined


def _enum(members: type[Enum], where: str) -> Codec:
    """Read an enum class by the values of its members."""
    values = [member.value for member in members]
    odd = next((value for value in values if not _is_scalar(value)), None)
    if odd is not None or not values:
        what = f"{odd!r}, which is not text, a number or a bool" if values else "no members"
        raise StratumCompileError(
            f"{where}: the enum `{members.__name__}` has {what}", remedy="give each member a plain value"
        )
    return enum_codec(members, EnumType(tuple(values)))


def _shown(annotation: object) -> str:
    """Return an annotation as people write it."""
    if isinstance(annotation, type) and not get_args(annotation):
        return annotation.__name__
    if annotation is Any:
        return "Any"
    return str(annotation).replace("typing.", "")
