"""Meter: the state of one evaluation, and the charge that comes before every piece of work."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import isfinite

from stratum_core.contracts import JsonValue
from stratum_core.errors import ExpressionError, FuelExhausted
from stratum_core.ir.expressions._limits import INT_MAX, INT_MIN, MAX_ITEMS, MAX_TEXT_CHARS

__all__ = ["Meter", "is_list", "kind_name", "number", "room_for"]

# Building is dearer than reading, so that what one evaluation holds at once stays below about 150 MB.
_CHARS_READ_PER_UNIT = 64
_CHARS_BUILT_PER_UNIT = 8
_ITEMS_READ_PER_UNIT = 8
_ITEMS_BUILT_PER_UNIT = 4


class Meter:
    """The names an evaluation sees and the fuel it has left."""

    __slots__ = ("fuel", "searches", "values")

    def __init__(self, values: dict[str, JsonValue], fuel: int) -> None:
        self.values = values
        self.fuel = fuel
        self.searches: dict[int, object] = {}

    def charge(self, amount: int) -> None:
        """Take fuel for work about to be done.

        Raises:
            FuelExhausted: There is not enough left.
        """
        self.fuel -= amount
        if self.fuel < 0:
            raise FuelExhausted(
                "the expression used up its allowance of work",
                remedy="move the work to a compute function, or narrow the list first",
            )

    def read_text(self, chars: int) -> None:
        """Take fuel for looking through so many characters."""
        self.charge(1 + chars // _CHARS_READ_PER_UNIT)

    def write_text(self, chars: int) -> None:
        """Take fuel for building a text of so many characters; refuses one over the size limit.

        Raises:
            FuelExhausted: It is too large, or there is not enough fuel left.
        """
        room_for(chars, text=True)
        self.charge(1 + chars // _CHARS_BUILT_PER_UNIT)

    def read_items(self, items: int) -> None:
        """Take fuel for walking over so many items."""
        self.charge(1 + items // _ITEMS_READ_PER_UNIT)

    def write_items(self, items: int) -> None:
        """Take fuel for building a list of so many items; refuses one over the size limit.

        Raises:
            FuelExhausted: It is too long, or there is not enough fuel left.
        """
        room_for(items, text=False)
        self.charge(1 + items // _ITEMS_BUILT_PER_UNIT)

    def compare_cost(self, value: JsonValue) -> None:
        """Take fuel for comparing a value; records are refused.

        Raises:
            ExpressionError: The value is, or holds, a record.
        """
        if isinstance(value, str):
            self.read_text(len(value))
        elif isinstance(value, Mapping):
            raise ExpressionError(
                "records are not compared as a whole", remedy="compare the fields that matter"
            )
        elif isinstance(value, Sequence):
            self.charge(12 + 4 * len(value))
            for item in value:
                if not isinstance(item, (int, float)):
                    self.compare_cost(item)


def room_for(value_size: int, *, text: bool) -> None:
    """Refuse a text or list over the size limit before it is built.

    Raises:
        FuelExhausted: It would be too large.
    """
    limit = MAX_TEXT_CHARS if text else MAX_ITEMS
    if value_size > limit:
        unit = "characters" if text else "items"
        raise FuelExhausted(
            f"the expression would build a value of {value_size:,} {unit}; the limit is {limit:,}",
            remedy="move the work to a compute function",
        )


def number(value: JsonValue) -> int | float:
    """Return a number that fits: 64-bit integers and finite floats.

    Raises:
        ExpressionError: It does not fit, or is no number.
    """
    if type(value) is int:
        if INT_MIN <= value <= INT_MAX:
            return value
        raise ExpressionError("an integer left the 64-bit range", remedy="use float(...)")
    if type(value) is float:
        if isfinite(value):
            return value
        raise ExpressionError("a number left the finite range", remedy="check the divisor and the magnitudes")
    raise ExpressionError(f"a number is needed, not {kind_name(value)}")


def is_list(value: JsonValue) -> bool:
    """Return whether a value is a list; lazy sequences count."""
    return isinstance(value, Sequence) and not isinstance(value, (str, bytes))


def kind_name(value: object) -> str:
    """Return the word for the kind of a JSON value."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, int):
        return "int"
    if isinstance(value, float):
        return "float"
    if isinstance(value, str):
        return "text"
    return "a record" if isinstance(value, Mapping) else "a list"
