"""JSON Schema of a type is the full contract."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

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
    json_schema,
)
from tests.support.schemas import check_schema, fits

REVIEW = RecordType(
    name="Review",
    description="one",
    fields=(
        Field(name="id", type=StringType(), description="its number"),
        Field(name="text", type=OpaqueType(StringType(max_length=9))),
        Field(name="note", type=OptionalType(StringType())),
        Field(name="secret", type=OpaqueType(OptionalType(StringType()))),
    ),
)

SCHEMAS: list[tuple[Type, JsonValue]] = [
    (StringType(), {"type": "string"}),
    (
        StringType(min_length=0, max_length=3, pattern="^a"),
        {"type": "string", "minLength": 0, "maxLength": 3, "pattern": "^a"},
    ),
    (IntType(min=0, max=5), {"type": "integer", "minimum": 0, "maximum": 5}),
    (FloatType(max=0.5), {"type": "number", "maximum": 0.5}),
    (BoolType(), {"type": "boolean"}),
    (NullType(), {"type": "null"}),
    (DateType(), {"type": "string", "format": "date"}),
    (DateTimeType(), {"type": "string", "format": "date-time"}),
    (BytesType(), {"type": "string", "contentEncoding": "base64"}),
    (JsonType(), {}),
    (AnyType(), {}),
    (NeverType(), {"not": {}}),
    (EnumType(("a", 1, True)), {"enum": ["a", 1, True]}),
    (ListType(item=IntType(), min_length=1), {"type": "array", "items": {"type": "integer"}, "minItems": 1}),
    (ListType(item=IntType(), max_length=2), {"type": "array", "items": {"type": "integer"}, "maxItems": 2}),
    (MapType(IntType()), {"type": "object", "additionalProperties": {"type": "integer"}}),
    (OptionalType(IntType()), {"anyOf": [{"type": "integer"}, {"type": "null"}]}),
    (OpaqueType(StringType()), {"type": "string", "x-opaque": True}),
    (ProbabilisticType(IntType()), {"type": "integer"}),
    (
        RecordType(fields=()),
        {"type": "object", "properties": {}, "required": [], "additionalProperties": False},
    ),
    (
        REVIEW,
        {
            "type": "object",
            "title": "Review",
            "description": "one",
            "properties": {
                "id": {"type": "string", "description": "its number"},
                "text": {"type": "string", "maxLength": 9, "x-opaque": True},
                "note": {"anyOf": [{"type": "string"}, {"type": "null"}]},
                "secret": {"anyOf": [{"type": "string"}, {"type": "null"}], "x-opaque": True},
            },
            "required": ["id", "text"],
            "additionalProperties": False,
        },
    ),
]


@pytest.mark.parametrize(("kind", "schema"), SCHEMAS)
def test_a_type_has_its_schema(kind: Type, schema: Any) -> None:  # noqa: ANN401
    assert json_schema(kind) == schema
    check_schema(schema)


def test_the_order_of_fields_is_kept_in_the_schema() -> None:
    properties = json_schema(REVIEW)["properties"]
    assert isinstance(properties, dict)
    assert tuple(properties) == REVIEW.field_names


@given(
    st.fixed_dictionaries(
        {"id": st.text(max_size=2) | st.integers(), "text": st.text(max_size=12)},
        optional={"note": st.none() | st.text(max_size=2) | st.booleans(), "other": st.none()},
    )
)
def test_the_schema_takes_exactly_the_records_of_the_contract(value: dict[str, Any]) -> None:
    note = value.get("note")
    is_review = (
        isinstance(value["id"], str)
        and len(value["text"]) <= 9
        and (note is None or isinstance(note, str))
        and "other" not in value
    )
    assert fits(json_schema(REVIEW), value) == is_review
