"""Constraints and marks beside a type: what `Annotated[T, ...]` and `Field(...)` add to it.

The constraints are those a document can write; `gt` and `lt` become the next number that fits, so that the set of
values is the same. What a document cannot say (`multiple_of`, `max_digits`) is refused with what to write instead.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import cast

import annotated_types
from pydantic.fields import FieldInfo

from stratum_core.authoring._codec import Codec
from stratum_core.authoring._opaque import OpaqueMarker
from stratum_core.contracts import FloatType, IntType, OpaqueType, OptionalType, Type
from stratum_core.errors import StratumCompileError
from stratum_core.ir import LongType, parse_type

__all__ = ["annotated_codec"]

_IGNORED = frozenset({"strict", "union_mode", "coerce_numbers_to_str", "allow_inf_nan", "fail_fast"})
"""Settings of pydantic that say how it reads values, not which ones fit."""


@dataclass(slots=True)
class _Notes:
    """What the metadata of one annotation say, gathered in order."""

    limits: dict[str, object] = field(default_factory=dict[str, object])
    description: str = ""
    opaque: bool = False


def annotated_codec(codec: Codec, metadata: Iterable[object], *, where: str) -> Codec:
    """Return the codec with constraints, description and mark applied.

    Constraints hold for the values inside `opaque` and `optional`, as in a document.

    Raises:
        StratumCompileError: A constraint does not fit the type, or no document could write it.
    """
    notes = _Notes()
    for item in _flat(metadata):
        _note(notes, item, codec.type, where)
    kind = _constrained(codec.type, notes, where) if notes.limits else codec.type
    if notes.opaque:
        kind = parse_type("opaque<T>", {"T": kind}).type  # as documents mark it: once, below an optional
    return replace(codec, type=kind, description=notes.description or codec.description)


def _flat(metadata: Iterable[object]) -> Iterator[object]:
    """Yield single notes: a `Field(...)` and a group such as `Interval` hold several."""
    for item in metadata:
        if isinstance(item, FieldInfo):
            yield item
            yield from _flat(item.metadata)
        elif isinstance(item, annotated_types.GroupedMetadata):
            yield from _flat(item)
        else:
            yield item


def _note(notes: _Notes, item: object, kind: Type, where: str) -> None:
    """Take one note down; what is not ours is left alone, as PEP 593 asks."""
    match item:
        case FieldInfo():
            notes.description = item.description or notes.description
        case OpaqueMarker():
            notes.opaque = True
        case annotated_types.Ge(ge=low):
            notes.limits["min"] = low
        case annotated_types.Le(le=high):
            notes.limits["max"] = high
        case annotated_types.Gt(gt=low):
            notes.limits["min"] = _next(low, kind, up=True)
        case annotated_types.Lt(lt=high):
            notes.limits["max"] = _next(high, kind, up=False)
        case annotated_types.MinLen(min_length=low):
            notes.limits["min_length"] = low
        case annotated_types.MaxLen(max_length=high):
            notes.limits["max_length"] = high
        case annotated_types.MultipleOf(multiple_of=step):
            raise StratumCompileError(
                f"{where}: `multiple_of={step}` cannot stand in a contract",
                remedy=f"say it as a condition: ensure=lambda r: r % {step} == 0, with the field's name",
            )
        case _:
            _note_general(notes, item, where)


def _note_general(notes: _Notes, item: object, where: str) -> None:
    """Take down pydantic's own constraints, which it keeps as a record of settings."""
    if type(item).__module__ != "pydantic._internal._fields":
        return
    for name, value in vars(item).items():
        if name == "pattern" and value is not None:
            notes.limits["pattern"] = getattr(value, "pattern", value)
        elif name not in _IGNORED and value is not None:
            raise StratumCompileError(
                f"{where}: `{name}={value}` cannot stand in a contract",
                remedy="leave it out, or say it as an `ensure` condition",
            )


def _next(bound: object, kind: Type, *, up: bool) -> object:
    """Return the next number above or below an exclusive bound."""
    while isinstance(kind, (OptionalType, OpaqueType)):
        kind = kind.inner
    if isinstance(kind, IntType) and isinstance(bound, (int, float)):
        return math.floor(bound) + 1 if up else math.ceil(bound) - 1
    if isinstance(kind, FloatType) and isinstance(bound, (int, float)):
        return math.nextafter(bound, math.inf if up else -math.inf)
    return bound


def _constrained(kind: Type, notes: _Notes, where: str) -> Type:
    """Hold a type to its limits, with the rules documents are held to."""
    limits = notes.limits
    odd = next(
        (
            name
            for name in ("min", "max")
            if name in limits
            and (isinstance(limits[name], bool) or not isinstance(limits[name], (int, float)))
        ),
        None,
    )
    if odd is not None:
        raise StratumCompileError(
            f"{where}: the bound {limits[odd]!r} is not a number",
            remedy="bounds stand on int and float; compare dates in an `ensure` condition",
        )
    form = LongType(
        type="T",
        min=cast("float | None", limits.get("min")),
        max=cast("float | None", limits.get("max")),
        min_length=cast("int | None", limits.get("min_length")),
        max_length=cast("int | None", limits.get("max_length")),
        pattern=cast("str | None", limits.get("pattern")),
    )
    parsed = parse_type(form, {"T": kind})
    if parsed.findings:
        found = parsed.findings[0]
        raise StratumCompileError(f"{where}: {found.message}", remedy=found.suggestion)
    return parsed.type
