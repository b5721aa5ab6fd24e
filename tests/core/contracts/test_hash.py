"""Content hashes name types and values."""

from __future__ import annotations

import hashlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stratum_core.contracts import (
    EnumType,
    Field,
    IntType,
    JsonValue,
    OpaqueType,
    OptionalType,
    RecordType,
    StringType,
    Type,
    canonical_json,
    content_hash,
    contract_hash,
    json_schema,
)

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


def record(*fields: Field) -> RecordType:
    return RecordType(name="A", fields=fields)


def test_a_contract_hash_is_twelve_hex_over_the_sorted_compact_schema() -> None:
    kind = record(Field(name="x", type=StringType(), description="é"))
    text = json.dumps(json_schema(kind), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    assert contract_hash(kind) == hashlib.sha256(text.encode()).hexdigest()[:12]


X = Field(name="x", type=StringType())
Y = Field(name="y", type=IntType())


@pytest.mark.parametrize(
    "other",
    [
        record(X),
        record(X, Field(name="y", type=IntType(min=0))),
        record(X, Field(name="y", type=OptionalType(IntType()))),
        record(X, Field(name="y", type=OpaqueType(IntType()))),
        record(X, Field(name="y", type=IntType(), description="d")),
        record(X, Field(name="z", type=IntType())),
        RecordType(name="B", fields=(X, Y)),
        record(X, Field(name="y", type=EnumType((1, 2)))),
    ],
)
def test_types_that_take_other_values_or_say_other_things_have_other_hashes(other: Type) -> None:
    assert contract_hash(other) != contract_hash(record(X, Y))


def test_enum_values_are_told_apart_by_their_types() -> None:
    assert len({contract_hash(EnumType((value,))) for value in (1, True, "1", 1.0, None)}) == 5


@given(JSON)
def test_a_value_and_its_copy_through_json_have_one_hash(value: JsonValue) -> None:
    assert content_hash(json.loads(json.dumps(value))) == content_hash(value)
    assert json.loads(canonical_json(value)) == value


def test_the_order_of_keys_does_not_count_and_the_order_of_items_does() -> None:
    assert content_hash({"a": 1, "b": 2}) == content_hash({"b": 2, "a": 1})
    assert content_hash([1, 2]) != content_hash([2, 1])
    assert content_hash(1) != content_hash(1.0)


def test_a_value_has_sixty_four_hex_digits() -> None:
    assert content_hash({"a": "é"}) == hashlib.sha256('{"a":"é"}'.encode()).hexdigest()


def test_half_a_surrogate_pair_can_be_hashed() -> None:
    assert content_hash("\ud800") != content_hash("\ud801")


@pytest.mark.parametrize("value", [float("nan"), float("inf"), [float("-inf")]])
def test_numbers_that_json_does_not_have_are_refused(value: JsonValue) -> None:
    with pytest.raises(ValueError, match="Out of range float values"):
        content_hash(value)
