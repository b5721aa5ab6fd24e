from __future__ import annotations

import math
import time

import pytest

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
    NeverType,
    NullType,
    OpaqueType,
    OptionalType,
    RecordType,
    StringType,
    Type,
    check_value,
    validator,
)
from stratum_core.errors import ContractViolation

POINT = RecordType(
    name="Point",
    fields=(
        Field(name="x", type=IntType(min=0)),
        Field(name="y", type=FloatType()),
        Field(name="note", type=OptionalType(OpaqueType(StringType(max_length=5)))),
    ),
)


def violations(kind: Type, value: JsonValue) -> list[tuple[str, str, str]]:
    with pytest.raises(ContractViolation) as caught:
        check_value(kind, value)
    return [(item["path"], item["message"], item["actual"]) for item in caught.value.detail["violations"]]


@pytest.mark.parametrize(
    ("kind", "value", "normalised"),
    [
        (StringType(), "é", "é"),
        (StringType(pattern="^[a-z]+$"), "abc", "abc"),
        (StringType(pattern="b"), "abc", "abc"),
        (StringType(min_length=2, max_length=2), "ab", "ab"),
        (IntType(), 2**63 - 1, 2**63 - 1),
        (FloatType(), 1, 1.0),
        (FloatType(min=0, max=1), 0.25, 0.25),
        (BoolType(), False, False),
        (NullType(), None, None),
        (DateType(), "2026-01-31", "2026-01-31"),
        (DateTimeType(), "2026-01-31T09:30:00+02:00", "2026-01-31T07:30:00Z"),
        (DateTimeType(), "2026-01-31 09:30", "2026-01-31T09:30:00Z"),
        (DateTimeType(), "2026-01-31T09:30:00Z", "2026-01-31T09:30:00Z"),
        (BytesType(), "aGk=", "aGk="),
        (EnumType(("a", 1, True, None)), True, True),
        (EnumType((0.5, 1.0)), 1, 1.0),
        (OptionalType(IntType()), None, None),
        (OpaqueType(IntType()), 3, 3),
        (ListType(item=FloatType()), [1, 2.5], [1.0, 2.5]),
        (MapType(IntType()), {"a": 1}, {"a": 1}),
        (JsonType(), {"a": [1, None, "x"]}, {"a": [1, None, "x"]}),
        (POINT, {"y": 1, "x": 2}, {"x": 2, "y": 1.0, "note": None}),
    ],
)
def test_a_fitting_value_comes_back_in_its_normal_form(
    kind: Type, value: JsonValue, normalised: JsonValue
) -> None:
    checked = check_value(kind, value)

    assert checked == normalised
    assert repr(checked) == repr(normalised)


@pytest.mark.parametrize(
    ("kind", "value", "message"),
    [
        (StringType(), 1, "expected text"),
        (StringType(min_length=3), "ab", "expected at least 3 characters, got 2"),
        (StringType(max_length=1), "ab", "expected at most 1 characters, got 2"),
        (StringType(min_length=3, max_length=9), "ab", "expected 3 to 9 characters, got 2"),
        (StringType(min_length=3, max_length=3), "ab", "expected exactly 3 characters, got 2"),
        (StringType(pattern="^b"), "ab", "expected text that matches ^b"),
        (StringType(), "\ud800", "expected text that UTF-8 can write (it holds half of a surrogate pair)"),
        (IntType(), 1.0, "expected a whole number"),
        (IntType(), True, "expected a whole number"),
        (IntType(), 2**63, "expected a whole number of at most 64 bits"),
        (IntType(min=1, max=5), 9, "expected a whole number from 1 to 5"),
        (IntType(min=1), 0, "expected a whole number of at least 1"),
        (IntType(max=1), 2, "expected a whole number of at most 1"),
        (FloatType(), "1", "expected a number"),
        (FloatType(), True, "expected a number"),
        (FloatType(), math.nan, "expected a finite number"),
        (FloatType(), 10**400, "expected a finite number"),
        (FloatType(min=0, max=1), 1.5, "expected a number from 0 to 1"),
        (BoolType(), 1, "expected true or false"),
        (NullType(), 0, "expected null"),
        (DateType(), "20260131", "expected a date as text, YYYY-MM-DD"),
        (DateType(), "2026-02-30", "expected a date as text, YYYY-MM-DD"),
        (DateTimeType(), "yesterday", "expected a date and time as text, e.g. 2026-01-31T09:30:00Z"),
        (
            DateTimeType(),
            "0001-01-01T00:00:00+23:00",
            "expected a date and time as text, e.g. 2026-01-31T09:30:00Z",
        ),
        (BytesType(), "a", "expected base64 text"),
        (BytesType(), 1, "expected base64 text"),
        (EnumType((1, "a")), True, 'expected one of 1, "a"'),
        (EnumType((1,)), 1.0, "expected one of 1"),
        (EnumType(("a",)), [], 'expected one of "a"'),
        (ListType(item=IntType()), "ab", "expected a list"),
        (ListType(item=IntType(), min_length=1), [], "expected at least 1 items, got 0"),
        (MapType(IntType()), [], "expected a map"),
        (JsonType(), math.inf, "expected a finite number"),
        (JsonType(), "\ud800", "expected text that UTF-8 can write (it holds half of a surrogate pair)"),
        (NeverType(), 1, "no value fits here"),
        (POINT, [], "expected a record with x, y, note"),
    ],
)
def test_a_value_that_does_not_fit_says_what_was_wanted(kind: Type, value: JsonValue, message: str) -> None:
    assert [item[1] for item in violations(kind, value)] == [message]


def test_all_faults_are_reported_at_once_with_their_paths() -> None:
    kind = ListType(item=POINT)

    found = violations(kind, [{"x": -1, "y": "a", "nite": "n"}, {"note": "too long"}])

    assert found == [
        ("[0].x", "expected a whole number of at least 0", "-1"),
        ("[0].y", "expected a number", '"a"'),
        ("[0].nite", "there is no such field; did you mean note?", '"n"'),
        ("[1].x", "this field is missing", "null"),
        ("[1].y", "this field is missing", "null"),
        ("[1].note", "expected at most 5 characters, got 8", '"too long"'),
    ]


def test_a_missing_path_names_the_value_itself_and_maps_name_their_key() -> None:
    assert violations(IntType(), "x")[0][0] == "$"
    assert violations(MapType(IntType()), {"a b": "x"})[0][0] == '["a b"]'
    assert violations(JsonType(), {"a": [math.nan]})[0][0] == '["a"][0]'


def test_an_unknown_field_far_from_any_name_lists_the_fields() -> None:
    assert violations(POINT, {"x": 1, "y": 1, "qqq": 1}) == [
        ("qqq", "there is no such field; the fields are x, y, note", "1")
    ]


def test_a_refusal_sets_the_value_against_what_was_expected_and_against_nothing_else() -> None:
    with pytest.raises(ContractViolation) as caught:
        check_value(POINT, {"x": -1, "nite": "n"})

    assert caught.value.message == (
        "the value does not satisfy Point: x: expected a whole number of at least 0, not -1; y: this field is missing; "
        "nite: there is no such field; did you mean note?"
    )


@pytest.mark.parametrize(
    ("kind", "bound"),
    [
        (IntType(max=12_345_678), "at most 12345678"),
        (IntType(min=1, max=10_000_000), "from 1 to 10000000"),
        (FloatType(max=0.123456789), "at most 0.123456789"),
        (FloatType(max=2.0), "at most 2"),
        (FloatType(min=-1e300, max=-1e200), "from -1e+300 to -1e+200"),
    ],
)
def test_bounds_of_numbers_are_told_exactly(kind: Type, bound: str) -> None:
    value = 0 if bound == "from 1 to 10000000" else 10**9
    assert violations(kind, value)[0][1].endswith(bound)


def test_actual_values_are_cut_to_eighty_characters() -> None:
    (_, _, actual) = violations(IntType(), "x" * 500)[0]

    assert len(actual) == 80
    assert actual.endswith("...")


def test_the_message_counts_what_it_does_not_list() -> None:
    with pytest.raises(ContractViolation, match=r"and 2 more$"):
        check_value(ListType(item=IntType()), ["a", "b", "c", "d", "e"])


def test_json_that_is_nested_too_deeply_is_refused_without_a_crash() -> None:
    value: JsonValue = 1
    for _ in range(500):
        value = [value]

    assert violations(JsonType(), value)[0][1] == "expected at most 64 levels"


def test_enums_that_differ_only_in_type_do_not_share_a_validator() -> None:
    assert check_value(EnumType((1,)), 1) == 1
    assert violations(EnumType((True,)), 1) == [("$", "expected one of true", "1")]


def test_a_hostile_pattern_cannot_hang_the_check() -> None:
    check = validator(StringType(pattern="^(a+)+$"))

    started = time.process_time()
    _, faults = check.inspect("a" * 50_000 + "b")

    assert len(faults) == 1
    assert time.process_time() - started < 1


def test_a_validator_is_made_once() -> None:
    assert validator(POINT) is validator(POINT)
