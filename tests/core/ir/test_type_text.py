"""Types as text and in long form: what they mean, and what is said about the others."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

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
    FloatType,
    IntType,
    JsonType,
    ListType,
    MapType,
    NullType,
    OpaqueType,
    OptionalType,
    RecordType,
    StringType,
    Type,
    describe,
)
from stratum_core.ir import INVALID, LongType, parse_type

REVIEW = RecordType(name="Review", fields=())
CONTRACTS: Mapping[str, Type] = {"Review": REVIEW}

READ: list[tuple[str, Type]] = [
    ("string", StringType()),
    ("int", IntType()),
    ("float", FloatType()),
    ("bool", BoolType()),
    ("null", NullType()),
    ("date", DateType()),
    ("datetime", DateTimeType()),
    ("bytes", BytesType()),
    ("json", JsonType()),
    ("Review", REVIEW),
    (" Review ", REVIEW),
    ("list<Review>", ListType(item=REVIEW)),
    ("list[Review]", ListType(item=REVIEW)),
    ("list< list <int> >", ListType(item=ListType(item=IntType()))),
    ("map<int>", MapType(IntType())),
    ("Review?", OptionalType(REVIEW)),
    ("optional<Review>", OptionalType(REVIEW)),
    ("optional<optional<int>>", OptionalType(IntType())),
    ("optional<json>", OptionalType(JsonType())),
    ("optional<null>", NullType()),
    ("opaque<string>", OpaqueType(StringType())),
    ("opaque<opaque<string>>", OpaqueType(StringType())),
    ("opaque<optional<string>>", OptionalType(OpaqueType(StringType()))),
    ("list<opaque<string>?>", ListType(item=OptionalType(OpaqueType(StringType())))),
    ('"a" | "b"', EnumType(("a", "b"))),
    ("'a' | \"b\\n\"", EnumType(("a", "b\n"))),
    ('"\\q"', EnumType(("\\q",))),
    ('list<"a" | "b">', ListType(item=EnumType(("a", "b")))),
    ("int[1..5]", IntType(min=1, max=5)),
    ("int[-5..]", IntType(min=-5)),
    ("float[..0.5]", FloatType(max=0.5)),
    ("list<float[0..1]>", ListType(item=FloatType(min=0.0, max=1.0))),
]


@pytest.mark.parametrize(("text", "kind"), READ)
def test_a_type_text_means_its_type(text: str, kind: Type) -> None:
    parsed = parse_type(text, CONTRACTS)
    assert (parsed.type, parsed.findings) == (kind, ())


RESPELLED: list[tuple[str, str]] = [
    ("str", "string"),
    ("text", "string"),
    ("number", "float"),
    ("integer", "int"),
    ("boolean", "bool"),
    ("Optional[str]", "optional<string>"),
    ("List[Review]", "list<Review>"),
    ("Review[]", "list<Review>"),
    ("str[]?", "optional<list<string>>"),
    ("string | null", "optional<string>"),
    ("null | None", "null"),
    ('"a" | "b" | null', 'optional<"a" | "b">'),
    ("map<string, int>", "map<int>"),
    ("Dict[str, list[int]]", "map<list<int>>"),
    ("list(int)", "list<int>"),
    ("number[0..1]", "float[0..1]"),
    ("dict", "json"),
]


@pytest.mark.parametrize(("text", "meant"), RESPELLED)
def test_a_spelling_of_another_language_is_told_what_to_write_and_read_as_that(text: str, meant: str) -> None:
    parsed = parse_type(text, CONTRACTS)
    (found,) = parsed.findings
    assert (found.code, found.replacement, found.start, found.end) == ("E300", meant, 0, len(text))
    assert parse_type(meant, CONTRACTS).findings == ()
    assert parse_type(meant, CONTRACTS).type == parsed.type


REFUSED: list[tuple[str, str, str]] = [
    ("", "E301", "breaks off"),
    ("list", "E301", "needs the type it holds"),
    ("array", "E301", "needs the type it holds"),
    ("list<int", "E301", "breaks off"),
    ("list<int]", "E301", "closed by `]`"),
    ("list<>", "E301", "unexpected `>`"),
    ("int int", "E301", "unexpected `int`"),
    ("int | string", "E301", "cannot be one of several types"),
    ('int | "a"', "E301", "cannot be one of several types"),
    ("1 | 2", "E301", "is not a type"),
    ("enum[a, b]", "E301", "is not a type"),
    ("a b$", "E301", "is not a type"),
    ("Review<int>", "E301", "holds no other type"),
    ("lits<int>", "E301", "holds no other type"),
    ("string[1..3]", "E301", "takes no range"),
    ("bool[1..3]", "E301", "takes no range"),
    ("int[1..5", "E301", "breaks off"),
    ("int[1..5)", "E301", "a range is written int[1..5]"),
    ("map<int, int>", "E301", "keys of a map are always text"),
    ("list<" * 20 + "int" + ">" * 20, "E301", "nested over 16 levels"),
    ("x" * 1_001, "E301", "1001 characters long"),
    ("int[5..1]", "E307", "no value fits"),
    ("int[1.5..2]", "E307", "whole number"),
    ('"a" | "a"', "E309", "listed twice"),
]


@pytest.mark.parametrize(("text", "code", "message"), REFUSED)
def test_what_is_no_type_says_why(text: str, code: str, message: str) -> None:
    (found,) = parse_type(text, CONTRACTS).findings
    assert found.code == code
    assert message in found.message


def test_an_unknown_name_is_told_the_nearest_one_where_it_stands() -> None:
    parsed = parse_type("list<Reveiw>", CONTRACTS)
    (found,) = parsed.findings
    assert (found.code, found.start, found.end, found.replacement) == ("E300", 5, 11, "Review")
    assert found.suggestion.startswith("did you mean `Review`? contracts: Review; types: string int")
    assert parsed.type == ListType(item=AnyType())


def test_a_name_like_nothing_has_no_replacement() -> None:
    (found,) = parse_type("zzzzzz", {}).findings
    assert found.replacement is None
    assert found.suggestion.startswith("contracts: none; ")


LONG: list[tuple[LongType, Type]] = [
    (
        LongType(type="string", min_length=1, max_length=5, pattern="^a"),
        StringType(min_length=1, max_length=5, pattern="^a"),
    ),
    (LongType(type="int", min=1, max=5.0), IntType(min=1, max=5)),
    (LongType(type="float", min=0), FloatType(min=0.0)),
    (LongType(type="list<int>", max_length=3), ListType(item=IntType(), max_length=3)),
    (LongType(type="opaque<string>", max_length=9), OpaqueType(StringType(max_length=9))),
    (LongType(type="optional<float>", max=1), OptionalType(FloatType(max=1.0))),
    (LongType(type="int[1..]", max=5), IntType(min=1, max=5)),
    (LongType(enum=("a", 1, True)), EnumType(("a", 1, True))),
    (LongType(enum=("a", None)), OptionalType(EnumType(("a",)))),
    (LongType(enum=(None,)), NullType()),
    (LongType(type="int", enum=(1, 2)), EnumType((1, 2))),
    (LongType(type="json", enum=(1, "a")), EnumType((1, "a"))),
    (LongType(type="bool", description="d"), BoolType()),
]


@pytest.mark.parametrize(("form", "kind"), LONG)
def test_a_long_form_means_its_type(form: LongType, kind: Type) -> None:
    parsed = parse_type(form, CONTRACTS)
    assert (parsed.type, parsed.findings) == (kind, ())


BAD_LONG: list[tuple[LongType, str, tuple[str | int, ...]]] = [
    (LongType(type="string", min=1), "E307", ("min",)),
    (LongType(type="int", max_length=1), "E307", ("max_length",)),
    (LongType(type="int", pattern="a"), "E307", ("pattern",)),
    (LongType(type="bool", max=1), "E307", ("max",)),
    (LongType(enum=("a",), max=1), "E307", ("max",)),
    (LongType(type="int", min=2, max=1), "E307", ("min",)),
    (LongType(type="int", max=0.5), "E307", ("max",)),
    (LongType(type="int[1..5]", max=3), "E307", ("max",)),
    (LongType(type="string", min_length=2, max_length=1), "E307", ("min_length",)),
    (LongType(type="list<int>", min_length=2, max_length=1), "E307", ("min_length",)),
    (LongType(type="string", pattern="("), "E308", ("pattern",)),
    (LongType(type="string", pattern="(?=a)"), "E308", ("pattern",)),
    (LongType(type="string", pattern="a{1000}{1000}"), "E308", ("pattern",)),
    (LongType(type="string", pattern="a" * 1_001), "E308", ("pattern",)),
    (LongType(type="int", enum=(1, "a")), "E309", ("enum", 1)),
    (LongType(enum=tuple(range(1_001))), "E309", ("enum",)),
    (LongType(type="sting"), "E300", ("type",)),
    (LongType(type="Reveiw", max=3), "E300", ("type",)),
]


@pytest.mark.parametrize(("form", "code", "path"), BAD_LONG)
def test_a_constraint_that_does_not_fit_is_reported_once_at_its_key(
    form: LongType, code: str, path: tuple[str | int, ...]
) -> None:
    (found,) = parse_type(form, CONTRACTS).findings
    assert (found.code, found.path) == (code, path)


def test_a_type_that_has_a_diagnostic_already_is_any_without_another() -> None:
    assert parse_type(INVALID, {}).type == AnyType()
    assert parse_type(INVALID, {}).findings == ()


def test_contracts_are_looked_up_only_when_a_type_names_them() -> None:
    class Lazy(Mapping[str, Type]):
        def __getitem__(self, name: str) -> Type:
            asked.append(name)
            return REVIEW

        def __iter__(self) -> Iterator[str]:
            return iter(("Review", "Other"))

        def __len__(self) -> int:
            return 2

        def __contains__(self, name: object) -> bool:
            return name in ("Review", "Other")

    asked: list[str] = []
    parse_type("list<optional<Review>>", Lazy())
    parse_type("string", Lazy())
    assert asked == ["Review"]


TYPES = st.recursive(
    st.sampled_from(
        (
            StringType(),
            IntType(),
            FloatType(),
            BoolType(),
            DateType(),
            DateTimeType(),
            BytesType(),
            JsonType(),
            REVIEW,
        )
    )
    | st.builds(IntType, min=st.integers(-9, 0), max=st.integers(1, 9))
    | st.lists(st.text(st.characters(codec="ascii"), min_size=1), min_size=1, unique=True, max_size=4).map(
        lambda values: EnumType(tuple(values))
    ),
    lambda inner: (
        inner.map(lambda item: ListType(item=item))
        | inner.map(MapType)
        | inner.map(lambda kind: kind if isinstance(kind, OptionalType) else OptionalType(kind))
    ),
    max_leaves=4,
)


@given(TYPES)
def test_the_description_of_a_type_reads_as_the_type(kind: Type) -> None:
    parsed = parse_type(describe(kind), CONTRACTS)
    assert (parsed.type, parsed.findings) == (kind, ())


@given(st.text(alphabet="listmapn<>[]()|?.,\"'15 -", max_size=40) | st.text(max_size=40))
def test_no_text_makes_the_reader_of_types_raise(text: str) -> None:
    parsed = parse_type(text, CONTRACTS)
    assert parsed.findings or parsed.type is not None
