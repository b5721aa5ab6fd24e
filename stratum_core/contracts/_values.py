"""The check that a value satisfies its type, with every fault reported at once.

Typing is that of JSON, strictly: text is never read as a number and 1.0 is not an int; the one widening is
an int where a float is wanted. What comes back is the normalised value: missing optional fields are null,
fields stand in the contract's order, a datetime is UTC text with `Z`, a date is `YYYY-MM-DD`, bytes are
padded base64. `opaque` is a mark and is looked through. Patterns run on the linear-time Rust engine, so no
text makes a check hang.
"""

from __future__ import annotations

import base64
import binascii
import difflib
import json
import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from functools import lru_cache
from typing import TypeAlias, assert_never

from pydantic_core import SchemaValidator, ValidationError, core_schema

from stratum_core.contracts._stored import StoredList, stored
from stratum_core.contracts._types import (
    AnyType,
    BoolType,
    BytesType,
    DateTimeType,
    DateType,
    EnumType,
    FloatType,
    IntType,
    JsonScalar,
    JsonType,
    JsonValue,
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
    describe,
)
from stratum_core.errors import ContractViolation

__all__ = ["MAX_ACTUAL_CHARS", "Validator", "Violation", "check_value", "validator"]

MAX_ACTUAL_CHARS = 80
"""How much of an actual value a violation repeats."""

_PLAIN_BELOW = 10**15
"""Larger whole bounds of numbers are written with an exponent, as Python does."""
_MAX_DEPTH = 64
_SURROGATE = "expected text that UTF-8 can write (it holds half of a surrogate pair)"
_INT_RANGE = range(-(2**63), 2**63)
_DATE_TEXT = re.compile(r"\d{4}-\d{2}-\d{2}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Violation:
    """One fault of a value."""

    path: str
    """Where, e.g. `outcomes[3].label`; `$` for the value itself."""
    message: str
    """What the type wants there."""
    actual: str
    """The value as JSON, cut to `MAX_ACTUAL_CHARS`."""

    def to_json(self) -> dict[str, JsonValue]:
        """Return the fault as a JSON record."""
        return {"path": self.path, "message": self.message, "actual": self.actual}

    @property
    def instead(self) -> str:
        """What the message ends with: `, not "x"` where it says what was expected, else nothing."""
        return f", not {self.actual}" if self.message.startswith("expected ") else ""

    @property
    def told(self) -> str:
        """The fault as part of a sentence."""
        return f"{self.path}: {self.message}{self.instead}"


_Faults: TypeAlias = list[Violation]
_Check: TypeAlias = Callable[[JsonValue, str, _Faults], JsonValue]


@dataclass(frozen=True, slots=True)
class Validator:
    """A type compiled for checking many values."""

    type: Type
    _check: _Check

    def inspect(self, value: JsonValue) -> tuple[JsonValue, tuple[Violation, ...]]:
        """Return the normalised value and every fault; with faults the value must not be used."""
        faults: _Faults = []
        return self._check(value, "", faults), tuple(faults)

    def check(self, value: JsonValue) -> JsonValue:
        """Return the normalised value.

        Raises:
            ContractViolation: With every fault in `detail["violations"]`.
        """
        checked, faults = self.inspect(value)
        if not faults:
            return checked
        shown = "; ".join(fault.told for fault in faults[:3])
        more = f"; and {len(faults) - 3} more" if len(faults) > 3 else ""  # noqa: PLR2004 - as many as are shown
        raise ContractViolation(
            f"the value does not satisfy {describe(self.type)}: {shown}{more}",
            detail={"violations": [fault.to_json() for fault in faults]},
        )


_RECENT_TYPES = 1_024
_recent: dict[int, Validator] = {}
"""By the identity of the type object, which each entry keeps alive; spares writing the type out for every value."""


class _Key:
    """A cache key that tells `true` from `1` inside enums, which equality of types does not."""

    __slots__ = ("kind", "text")

    def __init__(self, kind: Type) -> None:
        self.kind = kind
        self.text = repr(kind)

    def __hash__(self) -> int:
        return hash(self.text)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Key) and other.text == self.text


def validator(kind: Type) -> Validator:
    """Return the compiled check of a type; those in use are kept."""
    found = _recent.get(id(kind))
    if found is not None and found.type is kind:
        return found
    made = _compiled(_Key(kind))
    if len(_recent) >= _RECENT_TYPES:
        _recent.clear()
    _recent[id(kind)] = made if made.type is kind else replace(made, type=kind)
    return _recent[id(kind)]


@lru_cache(maxsize=256)
def _compiled(key: _Key) -> Validator:
    return Validator(key.kind, _compile(key.kind))


def check_value(kind: Type, value: JsonValue) -> JsonValue:
    """Return `value` normalised to its type.

    Raises:
        ContractViolation: With every fault in `detail["violations"]` as {path, message, actual}.
    """
    return validator(kind).check(value)


def _fault(faults: _Faults, path: str, message: str, value: object) -> None:
    """Record one fault with its actual value, cut."""
    try:
        actual = json.dumps(value, ensure_ascii=False)
    except (TypeError, ValueError):
        actual = f"a {type(value).__name__}"
    if len(actual) > MAX_ACTUAL_CHARS:
        actual = actual[: MAX_ACTUAL_CHARS - 3] + "..."
    faults.append(Violation(path=path or "$", message=message, actual=actual))


def _compile(kind: Type) -> _Check:
    """Return the check of one type."""
    match kind:
        case StringType():
            return _string_check(kind)
        case IntType():
            return _int_check(kind)
        case FloatType():
            return _float_check(kind)
        case EnumType():
            return _enum_check(kind)
        case ListType():
            return _list_check(kind)
        case MapType():
            return _map_check(kind)
        case RecordType():
            return _record_check(kind)
        case OptionalType(inner=inner):
            return _optional_check(inner)
        case OpaqueType(inner=inner) | ProbabilisticType(inner=inner):
            return _compile(inner)
        case _:
            return _plain_check(kind)


def _plain_check(
    kind: BoolType | NullType | DateType | DateTimeType | BytesType | JsonType | AnyType | NeverType,
) -> _Check:
    """Return the check of a type that has no parts."""
    match kind:
        case BoolType():
            return _check_bool
        case NullType():
            return _check_null
        case DateType():
            return _text_check(_to_date, "expected a date as text, YYYY-MM-DD")
        case DateTimeType():
            return _text_check(_to_utc, "expected a date and time as text, e.g. 2026-01-31T09:30:00Z")
        case BytesType():
            return _text_check(_to_base64, "expected base64 text")
        case JsonType() | AnyType():
            return _check_json
        case NeverType():
            return _check_never
        case _:
            assert_never(kind)


def _check_bool(value: JsonValue, path: str, faults: _Faults) -> JsonValue:
    if not isinstance(value, bool):
        _fault(faults, path, "expected true or false", value)
    return value


def _check_null(value: JsonValue, path: str, faults: _Faults) -> JsonValue:
    if value is not None:
        _fault(faults, path, "expected null", value)
    return value


def _check_never(value: JsonValue, path: str, faults: _Faults) -> JsonValue:
    _fault(faults, path, "no value fits here", value)
    return value


def _is_text(value: JsonValue) -> bool:
    """Return whether the value is text that UTF-8 can write (no lone surrogate)."""
    if not isinstance(value, str):
        return False
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def _text_check(convert: Callable[[str], str], message: str) -> _Check:
    """Return a check for text with one normal form; `convert` raises ValueError on anything else."""

    def check(value: JsonValue, path: str, faults: _Faults) -> JsonValue:
        if isinstance(value, str):
            try:
                return convert(value)
            except ValueError:
                pass
        _fault(faults, path, message, value)
        return value

    return check


def _to_date(text: str) -> str:
    if _DATE_TEXT.fullmatch(text) is None:
        raise ValueError(text)
    return date.fromisoformat(text).isoformat()


def _to_utc(text: str) -> str:
    """Return UTC text with `Z`; a time without a zone is taken as UTC."""
    if _DATE_TEXT.match(text) is None:
        raise ValueError(text)
    moment = datetime.fromisoformat(text)
    try:
        moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except OverflowError as error:
        raise ValueError(text) from error
    return moment.isoformat().replace("+00:00", "Z")


def _to_base64(text: str) -> str:
    try:
        return base64.b64encode(base64.b64decode(text, validate=True)).decode("ascii")
    except binascii.Error as error:
        raise ValueError(text) from error


def _count_message(low: int | None, high: int | None, unit: str) -> str:
    """Say which counts are allowed, e.g. `20 to 1200 characters`."""
    if low is not None and high is not None:
        return f"expected {low} to {high} {unit}" if low != high else f"expected exactly {low} {unit}"
    return f"expected at least {low} {unit}" if low is not None else f"expected at most {high} {unit}"


def _count_fits(count: int, low: int | None, high: int | None) -> bool:
    return (low is None or count >= low) and (high is None or count <= high)


def _string_check(kind: StringType) -> _Check:
    low, high = kind.min_length, kind.max_length
    pattern = (
        None
        if kind.pattern is None
        else SchemaValidator(core_schema.str_schema(pattern=kind.pattern, regex_engine="rust-regex"))
    )

    def check(value: JsonValue, path: str, faults: _Faults) -> JsonValue:
        if not isinstance(value, str):
            _fault(faults, path, "expected text", value)
        elif not _is_text(value):
            _fault(faults, path, _SURROGATE, None)
        elif not _count_fits(len(value), low, high):
            _fault(faults, path, f"{_count_message(low, high, 'characters')}, got {len(value)}", value)
        elif pattern is not None and not _matches(pattern, value):
            _fault(faults, path, f"expected text that matches {kind.pattern}", value)
        return value

    return check


def _matches(pattern: SchemaValidator, text: str) -> bool:
    """Search the pattern; pydantic-core reports a mismatch by an exception."""
    try:
        pattern.validate_python(text)
    except ValidationError:
        return False
    return True


def _range_message(kind: IntType | FloatType, noun: str) -> str:
    """Say which numbers are allowed, e.g. `expected a number from 0 to 1`."""
    if kind.min is not None and kind.max is not None:
        return f"expected {noun} from {_figure(kind.min)} to {_figure(kind.max)}"
    if kind.min is not None:
        return f"expected {noun} of at least {_figure(kind.min)}"
    return f"expected {noun} of at most {_figure(kind.max or 0)}"


def _figure(number: float) -> str:
    """Write a bound exactly, without the point of a whole number."""
    return str(int(number)) if number == int(number) and abs(number) < _PLAIN_BELOW else str(number)


def _int_check(kind: IntType) -> _Check:
    def check(value: JsonValue, path: str, faults: _Faults) -> JsonValue:
        if isinstance(value, bool) or not isinstance(value, int):
            _fault(faults, path, "expected a whole number", value)
        elif value not in _INT_RANGE:
            _fault(faults, path, "expected a whole number of at most 64 bits", value)
        elif not ((kind.min is None or value >= kind.min) and (kind.max is None or value <= kind.max)):
            _fault(faults, path, _range_message(kind, "a whole number"), value)
        return value

    return check


def _float_check(kind: FloatType) -> _Check:
    def check(value: JsonValue, path: str, faults: _Faults) -> JsonValue:
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            _fault(faults, path, "expected a number", value)
            return value
        try:
            number = float(value)
        except OverflowError:
            number = math.inf
        if not math.isfinite(number):
            _fault(faults, path, "expected a finite number", value)
        elif not ((kind.min is None or number >= kind.min) and (kind.max is None or number <= kind.max)):
            _fault(faults, path, _range_message(kind, "a number"), value)
        return number

    return check


def _enum_check(kind: EnumType) -> _Check:
    allowed: set[tuple[type, JsonScalar]] = {(type(value), value) for value in kind.values}
    message = "expected one of " + ", ".join(json.dumps(value, ensure_ascii=False) for value in kind.values)

    def check(value: JsonValue, path: str, faults: _Faults) -> JsonValue:
        if isinstance(value, (str, int, float, bool)) or value is None:
            if (type(value), value) in allowed:
                return value
            if type(value) is int and (float, value) in allowed:
                return float(value)
        _fault(faults, path, message, value)
        return value

    return check


def _list_check(kind: ListType) -> _Check:
    item = _compile(kind.item)
    low, high = kind.min_length, kind.max_length

    def check(value: JsonValue, path: str, faults: _Faults) -> JsonValue:
        if isinstance(value, str) or not isinstance(value, Sequence):
            _fault(faults, path, "expected a list", value)
            return value
        if not _count_fits(len(value), low, high):
            _fault(faults, path, f"{_count_message(low, high, 'items')}, got {len(value)}", value)
        if isinstance(value, StoredList):
            return stored(item(part, f"{path}[{index}]", faults) for index, part in enumerate(value))
        return [item(part, f"{path}[{index}]", faults) for index, part in enumerate(value)]

    return check


def _map_check(kind: MapType) -> _Check:
    part = _compile(kind.value)

    def check(value: JsonValue, path: str, faults: _Faults) -> JsonValue:
        if not isinstance(value, Mapping):
            _fault(faults, path, "expected a map", value)
            return value
        return {key: part(inner, f"{path}[{json.dumps(key)}]", faults) for key, inner in value.items()}

    return check


def _record_check(kind: RecordType) -> _Check:
    parts = [(field.name, _compile(field.type), _may_be_missing(field.type)) for field in kind.fields]
    names = set(kind.field_names)

    def check(value: JsonValue, path: str, faults: _Faults) -> JsonValue:
        if not isinstance(value, Mapping):
            _fault(faults, path, f"expected a record with {', '.join(kind.field_names)}", value)
            return value
        prefix = f"{path}." if path else ""
        checked: dict[str, JsonValue] = {}
        for name, part, may_be_missing in parts:
            if name in value:
                checked[name] = part(value[name], prefix + name, faults)
            elif may_be_missing:
                checked[name] = None
            else:
                _fault(faults, prefix + name, "this field is missing", None)
        for name in value.keys() - names:
            close = difflib.get_close_matches(name, kind.field_names, n=1)
            hint = f"did you mean {close[0]}?" if close else f"the fields are {', '.join(kind.field_names)}"
            _fault(faults, prefix + name, f"there is no such field; {hint}", value[name])
        return checked

    return check


def _may_be_missing(kind: Type) -> bool:
    """Return whether a missing field stands for null."""
    inner = kind.inner if isinstance(kind, OpaqueType) else kind
    return isinstance(inner, (OptionalType, NullType))


def _optional_check(inner: Type) -> _Check:
    part = _compile(inner)

    def check(value: JsonValue, path: str, faults: _Faults) -> JsonValue:
        return None if value is None else part(value, path, faults)

    return check


def _check_json(value: JsonValue, path: str, faults: _Faults) -> JsonValue:
    """Check that any part of the value is JSON: text keys, finite numbers, bounded depth."""
    return _json_part(value, path, faults, _MAX_DEPTH)


def _json_part(value: JsonValue, path: str, faults: _Faults, depth: int) -> JsonValue:
    if depth == 0:
        _fault(faults, path, f"expected at most {_MAX_DEPTH} levels", None)
    elif isinstance(value, str):
        if not _is_text(value):
            _fault(faults, path, _SURROGATE, None)
    elif isinstance(value, Mapping):
        return {
            key: _json_part(part, f"{path}[{json.dumps(key)}]", faults, depth - 1)
            for key, part in value.items()
        }
    elif isinstance(value, Sequence):
        parts = (_json_part(part, f"{path}[{index}]", faults, depth - 1) for index, part in enumerate(value))
        return stored(parts) if isinstance(value, StoredList) else list(parts)
    elif isinstance(value, float) and not math.isfinite(value):
        _fault(faults, path, "expected a finite number", value)
    return value
