"""The methods at run time: each charges for its receiver and arguments before it touches them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TypeAlias

from stratum_core.contracts import JsonValue
from stratum_core.errors import ExpressionError
from stratum_core.ir.expressions._builtins import count_equal
from stratum_core.ir.expressions._loops import items_of
from stratum_core.ir.expressions._meter import Meter, kind_name

__all__ = ["METHODS"]

Method: TypeAlias = Callable[[Meter, JsonValue, list[JsonValue]], JsonValue]

_WORST_CASE_GROWTH = 3
"""Upper-casing one character gives at most three."""


def _text(value: JsonValue, name: str) -> str:
    if isinstance(value, str):
        return value
    raise ExpressionError(f".{name}() takes text, not {kind_name(value)}")


def _map(value: JsonValue, name: str) -> Mapping[str, JsonValue]:
    if isinstance(value, Mapping):
        return value
    raise ExpressionError(f"{kind_name(value)} has no method `{name}`")


def _lower(meter: Meter, value: JsonValue, _: list[JsonValue]) -> JsonValue:
    text = _text(value, "lower")
    meter.write_text(len(text))
    return text.lower()


def _upper(meter: Meter, value: JsonValue, _: list[JsonValue]) -> JsonValue:
    text = _text(value, "upper")
    meter.write_text(len(text) if text.isascii() else len(text) * _WORST_CASE_GROWTH)
    return text.upper()


def _strip(meter: Meter, value: JsonValue, _: list[JsonValue]) -> JsonValue:
    text = _text(value, "strip")
    meter.write_text(len(text))
    return text.strip()


def _startswith(meter: Meter, value: JsonValue, args: list[JsonValue]) -> JsonValue:
    start = _text(args[0], "startswith")
    meter.read_text(len(start))
    return _text(value, "startswith").startswith(start)


def _endswith(meter: Meter, value: JsonValue, args: list[JsonValue]) -> JsonValue:
    end = _text(args[0], "endswith")
    meter.read_text(len(end))
    return _text(value, "endswith").endswith(end)


def _split(meter: Meter, value: JsonValue, args: list[JsonValue]) -> JsonValue:
    text = _text(value, "split")
    meter.write_text(len(text))
    if not args:
        meter.write_items(min(len(text), sum(map(str.isspace, text)) + 1))
        meter.charge(len(text))
        return text.split()
    separator = _text(args[0], "split")
    if not separator:
        raise ExpressionError("split(...) needs a separator that is not empty")
    parts = text.count(separator) + 1
    meter.write_items(parts)
    meter.charge(2 * parts)
    return text.split(separator)


def _join(meter: Meter, value: JsonValue, args: list[JsonValue]) -> JsonValue:
    separator = _text(value, "join")
    items = items_of(args[0])
    meter.charge(1 + len(items))
    texts = [_text(item, "join") for item in items]
    meter.write_text(sum(map(len, texts)) + len(separator) * max(0, len(texts) - 1))
    return separator.join(texts)


def _replace(meter: Meter, value: JsonValue, args: list[JsonValue]) -> JsonValue:
    text, old, new = _text(value, "replace"), _text(args[0], "replace"), _text(args[1], "replace")
    meter.write_text(len(text))
    meter.write_text(len(text) + text.count(old) * max(0, len(new) - len(old)))
    return text.replace(old, new)


def _count(meter: Meter, value: JsonValue, args: list[JsonValue]) -> JsonValue:
    if isinstance(value, str):
        part = _text(args[0], "count")
        meter.read_text(8 * (len(value) + len(part)))
        return value.count(part)
    return count_equal(meter, value, args[0])


def _get(meter: Meter, value: JsonValue, args: list[JsonValue]) -> JsonValue:
    meter.charge(1)
    fallback = args[1] if len(args) > 1 else None
    return _map(value, "get").get(_text(args[0], "get"), fallback)


def _keys(meter: Meter, value: JsonValue, _: list[JsonValue]) -> JsonValue:
    found = _map(value, "keys")
    meter.write_items(len(found))
    return list(found)


def _values(meter: Meter, value: JsonValue, _: list[JsonValue]) -> JsonValue:
    found = _map(value, "values")
    meter.write_items(len(found))
    return list(found.values())


METHODS: Mapping[str, Method] = MappingProxyType(
    {
        "count": _count,
        "endswith": _endswith,
        "get": _get,
        "join": _join,
        "keys": _keys,
        "lower": _lower,
        "replace": _replace,
        "split": _split,
        "startswith": _startswith,
        "strip": _strip,
        "upper": _upper,
        "values": _values,
    },
)
