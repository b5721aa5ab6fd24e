"""Values of a wider record where the plain contract is wanted."""

from __future__ import annotations

import pytest

from stratum_core.contracts import (
    BoolType,
    Field,
    IntType,
    JsonType,
    JsonValue,
    ListType,
    MapType,
    OpaqueType,
    OptionalType,
    RecordType,
    Type,
)
from stratum_core.runtime._narrow import narrowed

PLAIN = RecordType(name="V", fields=(Field(name="n", type=IntType()),))
WIDE = RecordType(name="V", fields=(*PLAIN.fields, Field(name="converged", type=BoolType())))
VALUE: dict[str, JsonValue] = {"n": 1, "converged": True}


def around(inner: Type) -> Type:
    return RecordType(fields=(Field(name="a", type=inner), Field(name="b", type=IntType())))


@pytest.mark.parametrize(
    ("value", "given", "wanted", "left"),
    [
        (VALUE, WIDE, PLAIN, {"n": 1}),
        (VALUE, WIDE, WIDE, VALUE),
        (VALUE, WIDE, JsonType(), VALUE),
        (VALUE, JsonType(), PLAIN, VALUE),
        (None, OptionalType(inner=WIDE), OptionalType(inner=PLAIN), None),
        (VALUE, WIDE, OptionalType(inner=OpaqueType(inner=PLAIN)), {"n": 1}),
        ([VALUE, VALUE], ListType(item=WIDE), ListType(item=PLAIN), [{"n": 1}, {"n": 1}]),
        ("text", ListType(item=WIDE), ListType(item=PLAIN), "text"),
        ({"k": VALUE}, MapType(value=WIDE), MapType(value=PLAIN), {"k": {"n": 1}}),
        ({"a": VALUE, "b": 2}, around(WIDE), around(PLAIN), {"a": {"n": 1}, "b": 2}),
        ({**VALUE, "other": 3}, WIDE, PLAIN, {"n": 1, "other": 3}),
    ],
)
def test_only_fields_that_the_wanted_type_lacks_and_the_given_has_are_left_out(
    value: JsonValue, given: Type, wanted: Type, left: JsonValue
) -> None:
    assert narrowed(value, given, wanted) == left


def test_a_value_that_fits_is_handed_on_as_it_is() -> None:
    rows: JsonValue = [{"n": 1}]
    assert narrowed(rows, ListType(item=PLAIN), ListType(item=PLAIN)) is rows
