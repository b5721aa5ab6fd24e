"""What fits where, what two types have in common, and how a type is written."""

from __future__ import annotations

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
    assignable,
    describe,
    is_opaque,
    is_text,
    join,
    optional,
    without_opaque,
)

S, INT, F, B, N, J, A, V = (
    StringType(),
    IntType(),
    FloatType(),
    BoolType(),
    NullType(),
    JsonType(),
    AnyType(),
    NeverType(),
)
AB = EnumType(("a", "b"))


def record(name: str = "", **fields: Type) -> RecordType:
    return RecordType(name=name, fields=tuple(Field(name=key, type=kind) for key, kind in fields.items()))


FITS: list[tuple[Type, Type]] = [
    (S, S),
    (INT, F),
    (INT, IntType(min=3)),
    (AB, S),
    (EnumType(("a",)), AB),
    (EnumType((1, 2)), INT),
    (EnumType((1, 2.5)), F),
    (N, OptionalType(S)),
    (S, OptionalType(S)),
    (OptionalType(INT), OptionalType(F)),
    (S, J),
    (A, S),
    (S, A),
    (V, S),
    (ListType(item=V), ListType(item=S)),
    (ListType(item=INT), ListType(item=F)),
    (MapType(AB), MapType(S)),
    (OpaqueType(S), S),
    (S, OpaqueType(S)),
    (OptionalType(OpaqueType(S)), OptionalType(S)),
    (ProbabilisticType(INT), ProbabilisticType(F)),
    (record("A", x=INT), record("A")),
    (record(x=INT), record("A", x=F, y=OptionalType(S))),
    (record("A", x=INT), record(x=INT)),
]
DOES_NOT_FIT: list[tuple[Type, Type]] = [
    (F, INT),
    (S, INT),
    (S, AB),
    (EnumType(("c",)), AB),
    (EnumType((True,)), EnumType((1,))),
    (EnumType((True,)), INT),
    (EnumType((True,)), F),
    (EnumType((True,)), B),
    (EnumType((1,)), S),
    (OptionalType(S), S),
    (N, S),
    (J, S),
    (S, V),
    (ProbabilisticType(S), S),
    (ProbabilisticType(S), J),
    (ListType(item=S), ListType(item=INT)),
    (MapType(S), record(x=S)),
    (record("A"), record("B")),
    (record(x=INT, z=INT), record("A", x=INT)),
    (record(), record("A", x=INT)),
    (DateType(), DateTimeType()),
    (BytesType(), S),
]


@pytest.mark.parametrize(("source", "target"), FITS)
def test_a_value_may_stand_where_its_type_fits(source: Type, target: Type) -> None:
    assert assignable(source, target)


@pytest.mark.parametrize(("source", "target"), DOES_NOT_FIT)
def test_a_value_may_not_stand_where_its_type_does_not_fit(source: Type, target: Type) -> None:
    assert not assignable(source, target)


JOINS: list[tuple[Type, Type, Type | None]] = [
    (S, S, S),
    (INT, F, F),
    (IntType(min=1), IntType(max=3), INT),
    (S, N, OptionalType(S)),
    (N, S, OptionalType(S)),
    (OptionalType(INT), F, OptionalType(F)),
    (OptionalType(S), INT, None),
    (V, S, S),
    (S, V, S),
    (A, S, A),
    (S, A, A),
    (EnumType(("a",)), EnumType(("b",)), AB),
    (AB, S, S),
    (S, AB, S),
    (EnumType((1,)), INT, INT),
    (INT, EnumType((1,)), INT),
    (EnumType(tuple("abcdefghijklmnopqrstuvwxyz")), EnumType(tuple("ABCDEFGHIJ")), S),
    (EnumType(tuple(range(30))), EnumType(tuple(range(30, 60))), None),
    (S, J, J),
    (S, INT, None),
    (ListType(item=V), ListType(item=S), ListType(item=S)),
    (ListType(item=S), ListType(item=INT), None),
    (MapType(INT), MapType(F), MapType(F)),
    (MapType(S), MapType(INT), None),
    (OpaqueType(S), S, OpaqueType(S)),
    (OpaqueType(S), N, OptionalType(OpaqueType(S))),
    (OpaqueType(S), INT, None),
    (record(x=INT), record(x=F), record(x=F)),
    (record(x=INT), record(x=S), None),
    (record(x=INT), record(y=INT), None),
    (record("A", x=INT), record(x=INT), record("A", x=INT)),
    (record(x=INT), record("A", x=INT), record("A", x=INT)),
    (record("A", x=INT), record(x=S), None),
    (record("A", x=INT), record("B", x=INT), None),
]


@pytest.mark.parametrize(("left", "right", "joined"), JOINS)
def test_two_branches_join_to_the_narrowest_type_that_holds_both(
    left: Type, right: Type, joined: Type | None
) -> None:
    assert join(left, right) == joined


KINDS = st.recursive(
    st.sampled_from([S, INT, F, B, N, J, AB, EnumType((1,)), record("A", x=INT), record(x=INT), DateType()]),
    lambda inner: (
        inner.map(optional)
        | inner.map(lambda kind: ListType(item=kind))
        | inner.map(MapType)
        | inner.map(OpaqueType)
    ),
    max_leaves=3,
)


@given(KINDS, KINDS)
def test_both_sides_fit_what_they_join_to(left: Type, right: Type) -> None:
    joined = join(left, right)
    if joined is not None:
        assert assignable(left, joined)
        assert assignable(right, joined)


@given(KINDS)
def test_a_type_fits_itself_and_joins_with_itself(kind: Type) -> None:
    assert assignable(kind, kind)
    assert join(kind, kind) is not None


def test_null_is_added_once() -> None:
    assert optional(S) == OptionalType(S)
    for kind in (OptionalType(S), N, A, J):
        assert optional(kind) == kind


def test_the_opaque_mark_is_seen_and_taken_off_below_an_optional() -> None:
    marked = OptionalType(OpaqueType(S))
    assert is_opaque(marked)
    assert is_opaque(OpaqueType(S))
    assert not is_opaque(S)
    assert without_opaque(marked) == OptionalType(S)
    assert without_opaque(OpaqueType(OpaqueType(S))) == S
    assert without_opaque(OptionalType(S)) == OptionalType(S)


def test_text_is_a_string_or_an_enum_of_texts() -> None:
    assert is_text(S)
    assert is_text(AB)
    assert is_text(OpaqueType(S))
    assert not is_text(EnumType(("a", 1)))
    assert not is_text(OptionalType(S))


DESCRIBED: list[tuple[Type, str]] = [
    (StringType(max_length=3), "string"),
    (INT, "int"),
    (IntType(min=1, max=5), "int[1..5]"),
    (FloatType(min=0.5), "float[0.5..]"),
    (FloatType(max=1.0), "float[..1]"),
    (B, "bool"),
    (N, "null"),
    (DateType(), "date"),
    (DateTimeType(), "datetime"),
    (BytesType(), "bytes"),
    (J, "json"),
    (A, "any"),
    (V, "never"),
    (AB, '"a" | "b"'),
    (ListType(item=OptionalType(S)), "list<optional<string>>"),
    (MapType(OpaqueType(S)), "map<opaque<string>>"),
    (ProbabilisticType(INT), "probabilistic<int>"),
    (record("A", x=INT), "A"),
    (record(x=INT, y=S), "{x, y}"),
]


@pytest.mark.parametrize(("kind", "text"), DESCRIBED)
def test_a_type_is_shown_as_a_document_writes_it(kind: Type, text: str) -> None:
    assert describe(kind) == text


def test_a_record_finds_its_fields_by_name() -> None:
    kind = record("A", x=INT, y=S)
    assert kind.field("y") == Field(name="y", type=S)
    assert kind.field("z") is None
    assert kind.field_names == ("x", "y")
