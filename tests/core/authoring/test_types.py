"""Annotations are read as the types documents have, and values cross the border both ways."""

from __future__ import annotations

import enum
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Annotated, Any, Generic, Literal, NewType, TypeVar

import annotated_types
import pydantic
import pytest
import typing_extensions
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, Field, field_validator

from stratum_core import ContractViolation, Probabilistic, StratumCompileError, contract, opaque
from stratum_core.authoring._contract import record_of
from stratum_core.authoring._types import codec_of, type_of
from stratum_core.contracts import (
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
    StringType,
    Type,
    describe,
)

T = TypeVar("T")
Words = typing_extensions.TypeAliasType("Words", list[str])
Name = NewType("Name", str)
HERE = "`f` (app.py:1): parameter `x`"


class Label(enum.StrEnum):
    GOOD = "good"
    BAD = "bad"


class Level(enum.Enum):
    LOW = 1
    HIGH = 2


@contract
class Point(BaseModel):
    x: float
    y: float | None = None


@contract
class Page(BaseModel, Generic[T]):
    items: list[T]


@contract
class Everything(BaseModel):
    text: str
    label: Label
    level: Level
    day: date
    moment: datetime
    raw: bytes
    points: list[Point]
    by_name: dict[str, date]
    maybe: Point | None
    any_json: pydantic.JsonValue


@pytest.mark.parametrize(
    ("annotation", "kind"),
    [
        (str, StringType()),
        (int, IntType()),
        (float, FloatType()),
        (bool, BoolType()),
        (None, NullType()),
        (date, DateType()),
        (datetime, DateTimeType()),
        (bytes, BytesType()),
        (pydantic.JsonValue, JsonType()),
        (Name, StringType()),
        (Words, ListType(item=StringType())),
        (Annotated[str, annotated_types.Len(1, 3)], StringType(min_length=1, max_length=3)),
        (Annotated[str, Field(pattern=re.compile("^a"))], StringType(pattern="^a")),
        (Literal[None], NullType()),  # noqa: PYI061
        (type(None), NullType()),
        (int | float, FloatType()),
        (str | None, OptionalType(StringType())),
        (list[int], ListType(item=IntType())),
        (Sequence[int], ListType(item=IntType())),
        (dict[str, bool], MapType(BoolType())),
        (Mapping[str, bool], MapType(BoolType())),
        (Literal["a", "b"], EnumType(("a", "b"))),
        (Literal["a"] | None, OptionalType(EnumType(("a",)))),
        (Literal["a"] | Literal["b"], EnumType(("a", "b"))),  # noqa: PYI030 - the union is what is read
        (Literal["a"] | Literal["b"] | None, OptionalType(EnumType(("a", "b")))),  # noqa: PYI030
        (Literal["a", None], OptionalType(EnumType(("a",)))),  # noqa: PYI061
        (Label, EnumType(("good", "bad"))),
        (Level, EnumType((1, 2))),
        (opaque[str], OpaqueType(StringType())),
        (opaque[str] | None, OptionalType(OpaqueType(StringType()))),
        (opaque[str | None], OptionalType(OpaqueType(StringType()))),
        (list[opaque[str]], ListType(item=OpaqueType(StringType()))),
        (opaque[opaque[str]], OpaqueType(StringType())),
        (Annotated[opaque[str], Field(max_length=9)], OpaqueType(StringType(max_length=9))),
        (Annotated[float, Field(ge=0, le=1)], FloatType(min=0, max=1)),
        (Annotated[int, Field(gt=0, lt=10)], IntType(min=1, max=9)),
        (Annotated[int, annotated_types.Interval(ge=1, le=5)], IntType(min=1, max=5)),
        (Annotated[int | None, Field(ge=0)], OptionalType(IntType(min=0))),
        (Annotated[float, Field(gt=0)], FloatType(min=5e-324)),
        (Annotated[list[str], Field(min_length=1)], ListType(item=StringType(), min_length=1)),
        (Annotated[str, Field(pattern="^a")], StringType(pattern="^a")),
        (Annotated[str, Field(strict=True), "a note of others"], StringType()),
        (list[Annotated[str, Field(min_length=2)]], ListType(item=StringType(min_length=2))),
    ],
    ids=str,
)  # fmt: skip
def test_an_annotation_is_the_type_a_document_would_write(annotation: object, kind: Type) -> None:
    assert type_of(annotation, where=HERE) == kind


@pytest.mark.parametrize(
    ("annotation", "said"),
    [
        (list, "say what it holds: list[str]"),
        (dict, "say what it holds"),
        (set[int], "write list[T]"),
        (tuple[int, ...], "write list[T], or a contract"),
        (object, "pydantic.JsonValue"),
        (Any, "pydantic.JsonValue"),
        (Decimal, "write float, or str"),
        (int | str, "T | None, a union of literals, or a contract"),
        (dict[int, str], "dict[str, str]"),
        (BaseModel, "without @contract"),
        (Probabilistic[str], "annotate the plain type"),
        (T, "fill the type parameter in"),
        (Annotated[int, Field(multiple_of=5)], "as a condition"),
        (Annotated[float, Field(max_digits=5)], "cannot stand in a contract"),
        (Annotated[bool, annotated_types.Gt(0)], "means nothing for bool"),
        (Annotated[str, Field(ge=1)], "min_length"),
        (Annotated[int, Field(ge=5, le=1)], "no value fits"),
        (Annotated[str, Field(pattern="(?=a)")], "not a regular expression"),
        (Annotated[str, Field(pattern="(")], "not a regular expression"),
        (Annotated[date, annotated_types.Ge(date(2026, 1, 1))], "bounds stand on int and float"),
        (Literal[b"a"], "not text, a number or a bool"),
        (Literal[Level.LOW], "use the enum class itself"),
        (enum.Enum("Odd", {"A": (1, 2)}), "plain value"),
        (enum.Enum("Empty", {}), "no members"),
        (len, "use one of"),
    ],
    ids=str,
)
def test_what_no_document_could_write_is_refused_with_what_to_write(annotation: object, said: str) -> None:
    with pytest.raises(StratumCompileError) as caught:
        type_of(annotation, where=HERE)
    assert str(caught.value).startswith(HERE)
    assert said in str(caught.value)


def test_values_are_dumped_as_documents_hold_them_and_loaded_as_python_has_them() -> None:
    value = Everything(
        text="é",
        label=Label.GOOD,
        level=Level.HIGH,
        day=date(2026, 1, 31),
        moment=datetime(2026, 1, 31, 9, 30, tzinfo=UTC),
        raw=b"\x00\xff",
        points=[Point(x=1), Point(x=2, y=3)],
        by_name={"a": date(2026, 2, 1)},
        maybe=None,
        any_json={"free": [1, None]},
    )
    codec = codec_of(Everything, where=HERE)
    written = codec.dump(value)
    assert written == {
        "text": "é",
        "label": "good",
        "level": 2,
        "day": "2026-01-31",
        "moment": "2026-01-31T09:30:00Z",
        "raw": "AP8=",
        "points": [{"x": 1.0, "y": None}, {"x": 2.0, "y": 3.0}],
        "by_name": {"a": "2026-02-01"},
        "maybe": None,
        "any_json": {"free": [1, None]},
    }
    assert codec.load(written) == value


@settings(max_examples=50, deadline=None)
@given(st.lists(st.builds(Point, x=st.floats(allow_nan=False, allow_infinity=False))))
def test_what_is_dumped_loads_as_it_was(points: list[Point]) -> None:
    codec = codec_of(list[Point], where=HERE)
    assert codec.load(codec.dump(points)) == points


@pytest.mark.parametrize(
    ("annotation", "value", "path"),
    [
        (list[Point], [Point(x=1), "no"], "[1]"),
        (list[Point], [{"x": 1.0, "z": 2}], "[0].z"),
        (Point, {"x": "1"}, "x"),
        (int, 1.0, "$"),
        (int, True, "$"),
        (date, datetime(2026, 1, 1, tzinfo=UTC), "$"),
        (datetime, date(2026, 1, 1), "$"),
        (bytes, "no base64!", "$"),
        (dict[str, int], {1: 2}, "$"),
        (dict[str, int], {"a": "b"}, '["a"]'),
        (list[int], {1, 2}, "$"),
        (Label, "ugly", "$"),
        (Annotated[float, Field(gt=0)], 0.0, "$"),
    ],
    ids=str,
)
def test_a_value_that_does_not_fit_is_refused_with_its_path(
    annotation: object, value: object, path: str
) -> None:
    with pytest.raises(ContractViolation) as caught:
        codec_of(annotation, where=HERE).dump(value)
    assert [fault["path"] for fault in caught.value.detail["violations"]] == [path]


def test_a_record_may_be_given_as_a_dict_and_a_list_as_a_tuple() -> None:
    codec = codec_of(list[Everything | None], where=HERE)
    assert codec.dump((None,)) == [None]
    points = codec_of(list[Point], where=HERE)
    assert points.dump(({"x": 1, "y": None},)) == [{"x": 1.0, "y": None}]


def test_a_generic_contract_is_a_contract_for_each_type_it_is_filled_with() -> None:
    assert describe(type_of(Page[Point], where=HERE)) == "PagePoint"
    assert type_of(list[Page[int]], where=HERE) != type_of(list[Page[str]], where=HERE)
    codec = codec_of(Page[Point], where=HERE)
    assert codec.load({"items": [{"x": 1.0}]}) == Page[Point](items=[Point(x=1)])
    with pytest.raises(StratumCompileError, match="fill the type parameter in"):
        record_of(Page)


def test_a_models_own_validators_speak_as_contract_violations() -> None:
    @contract
    class Even(BaseModel):
        number: int

        @field_validator("number")
        @classmethod
        def is_even(cls, number: int) -> int:
            if number % 2:
                raise ValueError("odd")
            return number

    codec = codec_of(list[Even], where=HERE)
    assert codec.load([{"number": 2}]) == [Even(number=2)]
    with pytest.raises(ContractViolation, match=r"\[0\]\.number: Value error, odd, not 3"):
        codec.load([{"number": 3}])
