"""Projection: nothing a provider rejects is sent, and nothing the contract says is lost."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stratum_core.contracts import (
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
    OpaqueType,
    OptionalType,
    RecordType,
    StringType,
    Type,
    check_value,
    json_schema,
)
from stratum_core.errors import ContractViolation
from stratum_core.llm import dialect_of, holds_to_schema, project

# What each provider documents that it rejects or does not know (the pages are named in the dialects' `source`).
REJECTED = {
    "openai": {
        "minLength",
        "maxLength",
        "pattern",
        "uniqueItems",
        "allOf",
        "not",
        "oneOf",
        "contentEncoding",
    },
    "anthropic": {
        "minLength",
        "maxLength",
        "pattern",
        "minimum",
        "maximum",
        "minItems",
        "maxItems",
        "oneOf",
        "not",
    },
    "gemini": {"minLength", "maxLength", "pattern", "oneOf", "const", "not", "contentEncoding"},
    "mistral": {"minLength", "maxLength", "pattern", "minimum", "maximum", "minItems", "maxItems", "format"},
}
STRICT = sorted(REJECTED)

REVIEW = RecordType(
    name="Review",
    fields=(
        Field(name="label", type=EnumType(("good", "bad")), description="The verdict"),
        Field(name="share", type=FloatType(min=0, max=1)),
        Field(name="title", type=StringType(min_length=3, max_length=40, pattern="^[A-Z]")),
        Field(
            name="tags", type=ListType(item=StringType(max_length=9), max_length=5), description="Some tags"
        ),
        Field(name="day", type=OptionalType(DateType())),
        Field(name="mark", type=OptionalType(EnumType((1, 2)))),
        Field(name="photo", type=BytesType()),
    ),
)


def nodes(schema: Mapping[str, JsonValue]) -> Iterator[Mapping[str, JsonValue]]:
    """Yield every schema node, not the property names between them."""
    yield schema
    for keyword, value in schema.items():
        if keyword in {"properties", "$defs"} and isinstance(value, Mapping):
            for part in value.values():
                assert isinstance(part, Mapping)
                yield from nodes(part)
        elif isinstance(value, Mapping):
            yield from nodes(value)
        elif keyword == "anyOf" and isinstance(value, Sequence):
            for part in value:
                assert isinstance(part, Mapping)
                yield from nodes(part)


def types(*, open_ended: bool) -> st.SearchStrategy[Type]:
    leaves: list[st.SearchStrategy[Type]] = [
        st.builds(StringType, min_length=st.sampled_from([None, 2]), pattern=st.sampled_from([None, "^a"])),
        st.builds(IntType, min=st.sampled_from([None, 1]), max=st.sampled_from([None, 9])),
        st.just(FloatType(min=0, max=1)),
        st.just(BoolType()),
        st.just(DateType()),
        st.just(DateTimeType()),
        st.just(BytesType()),
        st.just(EnumType(("a", "b"))),
        st.just(EnumType((1, 2))),
        st.just(OpaqueType(StringType())),
    ]
    if open_ended:
        leaves += [st.just(JsonType()), st.just(MapType(IntType()))]
    inner = st.recursive(
        st.one_of(leaves),
        lambda part: st.one_of(
            st.builds(ListType, item=part, min_length=st.sampled_from([None, 1])),
            part.filter(lambda kind: not isinstance(kind, (OptionalType, JsonType))).map(OptionalType),
            st.lists(part, min_size=1, max_size=3).map(record),
        ),
        max_leaves=6,
    )
    return st.lists(inner, min_size=1, max_size=3).map(record)


def record(kinds: Sequence[Type]) -> RecordType:
    return RecordType(fields=tuple(Field(name=f"pattern{i}", type=kind) for i, kind in enumerate(kinds)))


@given(kind=types(open_ended=True), provider=st.sampled_from(STRICT))
def test_no_projected_schema_has_a_keyword_its_provider_rejects(kind: Type, provider: str) -> None:
    projection = project(json_schema(kind), provider)
    if projection.enforcement == "strict":
        allowed = dialect_of(provider).keywords
        for node in nodes(projection.schema):
            assert not set(node) & REJECTED[provider]
            assert set(node) <= allowed
            assert node.get("type") != "object" or "additionalProperties" in node


@given(kind=types(open_ended=False), provider=st.sampled_from(STRICT))
def test_every_closed_contract_can_be_enforced_by_every_strict_provider(kind: Type, provider: str) -> None:
    assert project(json_schema(kind), provider).enforcement == "strict"


@given(kind=types(open_ended=False))
def test_openai_gets_every_property_required(kind: Type) -> None:
    for node in nodes(project(json_schema(kind), "openai").schema):
        if node.get("type") == "object":
            properties = node["properties"]
            assert isinstance(properties, Mapping)
            assert node["required"] == list(properties)


def test_a_whole_openai_projection() -> None:
    projection = project(json_schema(REVIEW), "openai")
    assert projection.schema == {
        "type": "object",
        "title": "Review",
        "properties": {
            "label": {"type": "string", "enum": ["good", "bad"], "description": "The verdict"},
            "share": {"type": "number", "minimum": 0, "maximum": 1},
            "title": {
                "type": "string",
                "description": "At least 3 characters, at most 40 characters, "
                "matches the regular expression ^[A-Z]",
            },
            "tags": {
                "type": "array",
                "items": {"type": "string", "description": "At most 9 characters"},
                "maxItems": 5,
                "description": "Some tags",
            },
            "day": {"anyOf": [{"type": "string", "format": "date"}, {"type": "null"}]},
            "mark": {"anyOf": [{"type": "integer", "enum": [1, 2]}, {"type": "null"}]},
            "photo": {"type": "string", "description": "Encoded as base64"},
        },
        "required": ["label", "share", "title", "tags", "day", "mark", "photo"],
        "additionalProperties": False,
    }
    assert projection.dropped == ("contentEncoding", "maxLength", "minLength", "pattern")
    assert (projection.enforcement, projection.dialect) == ("strict", "openai")


def test_what_was_dropped_from_a_described_field_is_said_after_its_description() -> None:
    tags = project(json_schema(REVIEW), "anthropic").schema["properties"]
    assert isinstance(tags, Mapping)
    assert tags["tags"] == {
        "type": "array",
        "items": {"type": "string", "description": "At most 9 characters"},
        "description": "Some tags (at most 5 items)",
    }


def test_the_full_contract_still_refuses_what_the_projection_let_through() -> None:
    projection = project(json_schema(REVIEW), "anthropic")
    assert "maximum" in projection.dropped
    value: dict[str, JsonValue] = {
        "label": "good", "share": 7.0, "title": "Abc", "tags": [], "day": None, "mark": None, "photo": "",
    }  # fmt: skip
    with pytest.raises(ContractViolation):
        check_value(REVIEW, value)
    check_value(REVIEW, {**value, "share": 0.7})


def test_an_optional_property_becomes_type_or_null_where_all_are_required() -> None:
    schema: Mapping[str, JsonValue] = {
        "type": "object",
        "properties": {
            "plain": {"type": "string"},
            "listed": {"enum": ["a"]},
            "both": {"type": ["string", "null"]},
            "named": {"$ref": "#/$defs/N"},
            "union": {"oneOf": [{"type": "string"}, {"type": "integer"}]},
            "nullable": {"anyOf": [{"type": "string"}, {"type": "null"}]},
            "fixed": {"const": 4.5},
            "switch": {"enum": [True, "x", None]},
        },
        "required": ["fixed", "switch"],
        "$defs": {"N": {"type": "object", "properties": {}, "required": []}},
    }
    assert project(schema, "openai").schema == {
        "type": "object",
        "properties": {
            "plain": {"type": ["string", "null"]},
            "listed": {"type": ["string", "null"], "enum": ["a", None]},
            "both": {"type": ["string", "null"]},
            "named": {"anyOf": [{"$ref": "#/$defs/N"}, {"type": "null"}]},
            "union": {"anyOf": [{"type": "string"}, {"type": "integer"}, {"type": "null"}]},
            "nullable": {"anyOf": [{"type": "string"}, {"type": "null"}]},
            "fixed": {"type": "number", "enum": [4.5]},
            "switch": {"type": ["boolean", "string", "null"], "enum": [True, "x", None]},
        },
        "required": ["plain", "listed", "both", "named", "union", "nullable", "fixed", "switch"],
        "$defs": {
            "N": {"type": "object", "properties": {}, "required": [], "additionalProperties": False},
        },
        "additionalProperties": False,
    }


def test_a_reference_keeps_nothing_beside_it_but_its_definitions() -> None:
    schema: Mapping[str, JsonValue] = {
        "$ref": "#/$defs/N",
        "description": "gone",
        "$defs": {"N": {"type": "object", "properties": {}}},
    }
    assert project(schema, "gemini").schema == {
        "$ref": "#/$defs/N",
        "$defs": {"N": {"type": "object", "properties": {}, "additionalProperties": False}},
    }


@pytest.mark.parametrize(
    ("provider", "enforcement"),
    [("openai", "json"), ("anthropic", "prompt"), ("mistral", "json"), ("gemini", "strict")],
)
def test_a_map_is_enforced_only_where_objects_may_be_open(provider: str, enforcement: str) -> None:
    kind = RecordType(fields=(Field(name="counts", type=MapType(IntType(min=0))),))
    schema = json_schema(kind)
    projection = project(schema, provider)
    assert projection.enforcement == enforcement
    if enforcement != "strict":
        assert (projection.schema, projection.dropped) == (schema, ())


@pytest.mark.parametrize(("provider", "enforcement"), [("deepseek", "json"), ("no-such-provider", "prompt")])
def test_a_provider_without_schemas_gets_the_whole_schema_as_text(provider: str, enforcement: str) -> None:
    projection = project(json_schema(REVIEW), provider)
    assert (projection.schema, projection.dropped) == (json_schema(REVIEW), ())
    assert projection.enforcement == enforcement


def test_a_model_that_is_not_held_to_schemas_is_treated_as_its_provider_without_them() -> None:
    assert project(json_schema(REVIEW), "openai", enforced=False).enforcement == "json"
    assert project(json_schema(REVIEW), "anthropic", enforced=False).enforcement == "prompt"


def test_a_provider_may_hold_only_some_of_its_models_to_a_schema() -> None:
    assert holds_to_schema("groq", "openai/gpt-oss-20b")
    assert not holds_to_schema("groq", "qwen/qwen3.8-27b")
    assert holds_to_schema("openai", "gpt-4.1")
    assert not holds_to_schema("deepseek", "deepseek-v4-flash")


def test_a_keyword_that_constrains_nothing_is_dropped_without_a_word() -> None:
    schema: Mapping[str, JsonValue] = {
        "type": "object",
        "properties": {"a": {"type": "string", "default": "x"}},
    }
    projection = project(schema, "gemini")
    assert projection.schema["properties"] == {"a": {"type": "string"}}
    assert projection.dropped == ("default",)


def test_two_projections_have_the_same_hash_only_when_the_same_is_sent() -> None:
    schema = json_schema(REVIEW)
    assert project(schema, "openai").hash == project(schema, "openai").hash
    assert project(schema, "openai").hash != project(schema, "anthropic").hash
    assert len(project(schema, "openai").hash) == 12


def test_every_dialect_names_its_source() -> None:
    providers = ("openai", "anthropic", "gemini", "mistral", "groq", "deepseek", "xai")
    assert all(dialect_of(name).source.startswith("https://") for name in providers)
