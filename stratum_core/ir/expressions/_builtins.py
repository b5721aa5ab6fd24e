"""The functions at run time: each charges for its arguments before it touches them."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from itertools import accumulate
from types import MappingProxyType
from typing import Any, TypeAlias

from stratum_core.contracts import JsonValue
from stratum_core.errors import ExpressionError
from stratum_core.ir.expressions._loops import items_of
from stratum_core.ir.expressions._meter import Meter, kind_name, number
from stratum_core.ir.expressions._values import equal, order_key, to_float, to_int, to_text

__all__ = ["FUNCTIONS", "Key", "count_equal"]

Key: TypeAlias = Callable[[JsonValue], Any]
"""What values are ordered by; the results of one key are comparable among themselves."""

Function: TypeAlias = Callable[[Meter, list[JsonValue], Key], JsonValue]

_INT_DIGITS, _FLOAT_DIGITS = 20, 400


def _len(meter: Meter, args: list[JsonValue], _: Key) -> JsonValue:
    meter.charge(1)
    value = args[0]
    if isinstance(value, (str, Mapping)):
        return len(value)
    return len(items_of(value))


def _conditions(meter: Meter, value: JsonValue, name: str) -> list[bool]:
    """Return a list of booleans."""
    items = items_of(value)
    meter.charge(1 + len(items))
    conditions: list[bool] = []
    for item in items:
        if not isinstance(item, bool):
            raise ExpressionError(f"{name}(...) needs conditions, not {kind_name(item)}")
        conditions.append(item)
    return conditions


def _all(meter: Meter, args: list[JsonValue], _: Key) -> JsonValue:
    return all(_conditions(meter, args[0], "all"))


def _any(meter: Meter, args: list[JsonValue], _: Key) -> JsonValue:
    return any(_conditions(meter, args[0], "any"))


def _sum(meter: Meter, args: list[JsonValue], _: Key) -> JsonValue:
    """Add from left to right: the built-in compensates for rounding in some Python versions only."""
    items = items_of(args[0])
    meter.charge(1 + 2 * len(items))
    addends = [int(item) if isinstance(item, bool) else number(item) for item in items]
    total: int | float = 0
    for total in accumulate(addends, initial=0):  # noqa: B007 - the last partial sum is the result
        pass
    return number(total)


def _ordered(meter: Meter, values: list[JsonValue]) -> list[JsonValue]:
    """Charge for ordering values; refuses text among numbers and what has no order."""
    rounds = max(1, len(values).bit_length())
    meter.charge(1 + 4 * len(values))
    texts = 0
    for value in values:
        if isinstance(order_key(value), str):
            texts += 1
            meter.read_text(rounds * len(str(value)))
    if 0 < texts < len(values):
        raise ExpressionError("numbers and texts have no common order")
    return values


def _candidates(meter: Meter, args: list[JsonValue], name: str) -> list[JsonValue]:
    """Return what `min` and `max` choose from."""
    candidates = args if len(args) > 1 else list(items_of(args[0]))
    if not candidates:
        raise ExpressionError(f"{name}(...) of an empty list", remedy="test its length first")
    return _ordered(meter, candidates)


def _min(meter: Meter, args: list[JsonValue], key: Key) -> JsonValue:
    return min(_candidates(meter, args, "min"), key=key)


def _max(meter: Meter, args: list[JsonValue], key: Key) -> JsonValue:
    return max(_candidates(meter, args, "max"), key=key)


def _abs(_meter: Meter, args: list[JsonValue], _: Key) -> JsonValue:
    return number(abs(number(args[0])))


def _round(_meter: Meter, args: list[JsonValue], _: Key) -> JsonValue:
    value = number(args[0])
    if len(args) == 1:
        return number(round(value))
    digits = args[1]
    if type(digits) is not int:
        raise ExpressionError(f"round(...) takes a whole number of digits, not {kind_name(digits)}")
    limit = _INT_DIGITS if isinstance(value, int) else _FLOAT_DIGITS
    return number(round(value, max(-limit, min(limit, digits))))


def _int(meter: Meter, args: list[JsonValue], _: Key) -> JsonValue:
    meter.charge(1)
    return to_int(args[0])


def _float(meter: Meter, args: list[JsonValue], _: Key) -> JsonValue:
    meter.charge(1)
    return to_float(args[0])


def _str(meter: Meter, args: list[JsonValue], _: Key) -> JsonValue:
    meter.charge(4)
    return to_text(args[0])


def _sorted(meter: Meter, args: list[JsonValue], key: Key) -> JsonValue:
    items = list(items_of(args[0]))
    meter.write_items(len(items))
    return sorted(_ordered(meter, items), key=key)


def _identity(value: JsonValue) -> tuple[bool, JsonValue]:
    """Return what tells a scalar from others: true is not 1."""
    if isinstance(value, (str, int, float)) or value is None:
        return isinstance(value, bool), value
    raise ExpressionError(
        f"{kind_name(value)} is not compared as a whole", remedy="compare the fields that matter"
    )


def _set(meter: Meter, args: list[JsonValue], _: Key) -> JsonValue:
    items = items_of(args[0])
    meter.write_items(len(items))
    meter.charge(4 * len(items))
    return list({_identity(item): item for item in items}.values())


def _first(meter: Meter, args: list[JsonValue], _: Key) -> JsonValue:
    meter.charge(1)
    items = items_of(args[0])
    return items[0] if len(items) else None


def _last(meter: Meter, args: list[JsonValue], _: Key) -> JsonValue:
    meter.charge(1)
    items = items_of(args[0])
    return items[-1] if len(items) else None


def _count(meter: Meter, args: list[JsonValue], _: Key) -> JsonValue:
    if len(args) == 1:
        return sum(_conditions(meter, args[0], "count"))
    return count_equal(meter, args[0], args[1])


def count_equal(meter: Meter, value: JsonValue, wanted: JsonValue) -> int:
    """Return how many items of a list equal a value."""
    items = items_of(value)
    size = len(wanted) if isinstance(wanted, str) else 0
    meter.charge(1 + len(items) * (2 + size // 64))
    for item in items:
        meter.compare_cost(item)
    return sum(equal(item, wanted) for item in items)


def _flatten(meter: Meter, args: list[JsonValue], _: Key) -> JsonValue:
    lists = [items_of(item) for item in items_of(args[0])]
    meter.charge(1 + len(lists))
    meter.write_items(sum(len(items) for items in lists))
    return [item for items in lists for item in items]


def _zip(meter: Meter, args: list[JsonValue], _: Key) -> JsonValue:
    lists = [items_of(argument) for argument in args]
    meter.write_items(min(len(items) for items in lists))
    meter.charge(8 * min(len(items) for items in lists))
    names = ("first", "second", "third")
    return [dict(zip(names, row, strict=False)) for row in zip(*lists, strict=False)]


def _field(record: JsonValue, name: str) -> JsonValue:
    """Return a field of a record; a missing one is null."""
    if isinstance(record, Mapping):
        return record.get(name)
    raise ExpressionError(f"a list of records is needed; it holds {kind_name(record)}")


def _keyed(meter: Meter, items: list[JsonValue], name: str, key: Key) -> list[tuple[Any, JsonValue]]:
    """Return each record with what it is ordered by."""
    meter.charge(2 * len(items))
    values = _ordered(meter, [_field(item, name) for item in items])
    return [(key(value), item) for value, item in zip(values, items, strict=True)]


def _sort_by(meter: Meter, args: list[JsonValue], key: Key) -> JsonValue:
    items = list(items_of(args[0]))
    meter.write_items(len(items))
    name = str(args[1])
    pairs = _keyed(meter, items, name.removeprefix("-"), key)
    return [item for _, item in sorted(pairs, key=_first_of, reverse=name.startswith("-"))]


def _first_of(pair: tuple[Any, JsonValue]) -> Any:  # noqa: ANN401 - an order key
    return pair[0]


def _top(meter: Meter, args: list[JsonValue], key: Key) -> JsonValue:
    items, size = list(items_of(args[0])), args[1]
    meter.write_items(len(items))
    if type(size) is not int or size < 0:
        raise ExpressionError("top(...) takes a number of items, 0 or more")
    if len(args) > 2:  # noqa: PLR2004 - the field is the third argument
        pairs = _keyed(meter, items, str(args[2]), key)
    else:
        pairs = [(key(item), item) for item in _ordered(meter, items)]
    return [item for _, item in sorted(pairs, key=_first_of, reverse=True)[:size]]


def _group_by(meter: Meter, args: list[JsonValue], _: Key) -> JsonValue:
    items, name = items_of(args[0]), str(args[1])
    meter.write_items(len(items))
    meter.charge(12 * len(items))
    groups: dict[tuple[bool, JsonValue], list[JsonValue]] = {}
    for item in items:
        groups.setdefault(_identity(_field(item, name)), []).append(item)
    return [{"key": key, "items": members} for (_, key), members in groups.items()]


def _winner(meter: Meter, value: JsonValue) -> tuple[JsonValue, float]:
    """Return the most frequent sample and its share."""
    samples = items_of(_field(value, "samples"))
    meter.charge(1 + len(samples))
    if not len(samples):
        raise ExpressionError("a probabilistic value has no samples")
    spelled: list[str] = []
    for sample in samples:
        spelled.append(json.dumps(sample, sort_keys=True))
        meter.write_text(len(spelled[-1]))
    best = max(spelled, key=spelled.count)
    return samples[spelled.index(best)], spelled.count(best) / len(spelled)


def _most_likely(meter: Meter, args: list[JsonValue], _: Key) -> JsonValue:
    return _winner(meter, args[0])[0]


def _assert_stable(meter: Meter, args: list[JsonValue], _: Key) -> JsonValue:
    best, share = _winner(meter, args[0])
    wanted = number(args[1])
    if share < wanted:
        raise ExpressionError(
            f"the most frequent sample has a share of {share:.2f}; {wanted:g} is demanded",
            remedy="lower the share, or use most_likely(...)",
        )
    return best


FUNCTIONS: Mapping[str, Function] = MappingProxyType(
    {
        "abs": _abs,
        "all": _all,
        "any": _any,
        "assert_stable": _assert_stable,
        "count": _count,
        "first": _first,
        "flatten": _flatten,
        "float": _float,
        "group_by": _group_by,
        "int": _int,
        "last": _last,
        "len": _len,
        "max": _max,
        "min": _min,
        "most_likely": _most_likely,
        "round": _round,
        "set": _set,
        "sort_by": _sort_by,
        "sorted": _sorted,
        "str": _str,
        "sum": _sum,
        "top": _top,
        "zip": _zip,
    },
)
