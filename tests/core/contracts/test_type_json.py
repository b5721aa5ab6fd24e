"""Types written as JSON and read again."""

from __future__ import annotations

import json

import pytest

from stratum_core.contracts import (
    AnyType,
    BoolType,
    BytesType,
    DateTimeType,
    DateType,
    EnumType,
    Field,
    FloatType,
    IntType,
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
    type_from_json,
    type_to_json,
)

TYPES: tuple[Type, ...] = (
    AnyType(), BoolType(), BytesType(), DateTimeType(), DateType(), JsonType(), NeverType(), NullType(),
    StringType(min_length=1, max_length=5, pattern="^a"),
    IntType(min=-1),
    FloatType(max=0.5),
    EnumType(("a", 1, 2.5, True, None)),
    ListType(item=MapType(OptionalType(IntType())), max_length=3),
    OpaqueType(StringType()),
    ProbabilisticType(BoolType()),
    RecordType(
        name="Note", description="d",
        fields=(Field(name="kind", type=EnumType(("x",))), Field(name="list", type=ListType(item=StringType()))),
    ),
)  # fmt: skip


@pytest.mark.parametrize("kind", TYPES, ids=lambda kind: type(kind).__name__)
def test_a_type_comes_back_from_json_text_as_it_was(kind: Type) -> None:
    assert repr(type_from_json(json.loads(json.dumps(type_to_json(kind))))) == repr(kind)


@pytest.mark.parametrize(
    "record",
    [
        {},
        {"kind": "Path"},
        {"kind": "IntType", "most": 1},
        {"kind": "OptionalType"},
        {"kind": "Field", "name": "x", "type": {"kind": "BoolType"}, "description": ""},
        {"kind": "OptionalType", "inner": {"kind": "os.system"}},
    ],
)
def test_what_is_no_type_is_refused(record: dict[str, JsonValue]) -> None:
    with pytest.raises(ValueError, match="not a type"):
        type_from_json(record)
