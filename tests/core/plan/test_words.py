"""Conditions in words: what a person reads in the place of an expression."""

from __future__ import annotations

import ast

import pytest

from stratum_core.contracts import (
    BoolType,
    EnumType,
    Field,
    FloatType,
    IntType,
    ListType,
    RecordType,
    StringType,
    Type,
)
from stratum_core.plan._words import (
    and_list,
    condition_words,
    count_words,
    duration_words,
    number_words,
    threshold_words,
)

ANSWER = RecordType(
    fields=(
        Field(name="kind", type=EnumType(("a", "b", "c"))),
        Field(name="certainty", type=FloatType(min=0, max=1)),
        Field(name="points", type=IntType()),
        Field(name="is_late", type=BoolType()),
        Field(name="tags", type=ListType(item=StringType())),
        Field(name="staff", type=ListType(item=StringType())),
        Field(name="body_text", type=StringType()),
    )
)
TYPES: dict[str, Type] = {"x": ANSWER, "rows": ListType(item=ANSWER)}


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ('x.kind == "a"', 'the kind is "a"'),
        ('x.kind != "a"', 'the kind is not "a"'),
        ('x.kind in ["a", "b"]', 'the kind is "a" or "b"'),
        ('x.kind not in ["a", "b"]', 'the kind is neither "a" nor "b"'),
        ('x.kind not in ["a"]', 'the kind is not "a"'),
        ("x.certainty < 0.7", "the certainty is below 70 %"),
        ("0.995 <= x.certainty", "the certainty is at least 99.5 %"),
        ("x.points > 12000", "the points are above 12,000"),
        ("x.points == -1", "the points are -1"),
        (
            "x.points >= 2 and x.certainty <= 0.5",
            "the points are at least 2 and the certainty is at most 50 %",
        ),
        ("0 < x.points < 5", "the points are above 0 and the points are below 5"),
        ("x.is_late", '"is late" is yes'),
        ("not x.is_late", '"is late" is no'),
        ("x.is_late == True", '"is late" is yes'),
        ("x.is_late == False or x.is_late != True", '"is late" is no or "is late" is no'),
        ("x.tags is None", "there are no tags"),
        ("x.kind is not None", "there is a kind"),
        ("x.certainty is None", "there is no certainty"),
        ("x.answer is not None", "there is an answer"),
        ("x.tags is not None", "there are tags"),
        ("len(x.tags) > 0", "there are tags"),
        ("len(x.tags) == 0", "there are no tags"),
        ("len(x.tags) > 2", "the number of tags is above 2"),
        ("len(x.staff) > 2", "the number of items of staff is above 2"),
        ("len(x.body_text) > 2", "the length of the body text is above 2"),
        ('"urgent" in x.body_text', 'the body text contains "urgent"'),
        ('"urgent" not in x.body_text.lower()', 'the body text does not contain "urgent"'),
        ('x.body_text.startswith("Re:")', 'the body text starts with "Re:"'),
        ('x.body_text.endswith("!")', 'the body text ends with "!"'),
        ('matches(x.body_text, "a+")', "the body text matches a pattern"),
        ('not matches(x.body_text, "a+")', "the body text does not match a pattern"),
        ("any(r.points > 3 for r in rows)", "the points are above 3 for any of the rows"),
        ("all(r.is_late for r in rows)", '"is late" is yes for every one of the rows'),
        ("sum([r.points for r in rows]) > 9", "the sum of points is above 9"),
        ("max([r.points for r in rows]) > 9", "the highest of points is above 9"),
        ("abs(x.points - x.certainty) < 2", "the difference between the points and the certainty is below 2"),
        ("x.points * 2 > 9", "the points times 2 is above 9"),
        ("x.tags[0] == 'n'", 'the tags are "n"'),
        ("x.points > x.certainty", "the points are above the certainty"),
        ("x.kind == None", "the kind is nothing"),
        ("True", "always"),
        ("False", "never"),
        ("not (x.points > 3)", "it is not so that the points are above 3"),
        ("f(x) if x else y", 'the rule "f(x) if x else y" holds'),
        ("{'a': 1} == x.kind", "\"{'a': 1}\" is the kind"),
    ],
)
def test_a_condition_reads_like_a_clause(source: str, words: str) -> None:
    shown = condition_words(ast.parse(source, mode="eval").body, TYPES)

    assert shown == words


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("x.certainty < 0.7", "certainty below 70 %"),
        ("x.points >= 3", "points at least 3"),
        ('x.kind == "a"', None),
        ("x.points >= x.certainty", None),
        ("x.is_late", None),
    ],
)
def test_only_a_single_threshold_follows_with(source: str, words: str | None) -> None:
    assert threshold_words(ast.parse(source, mode="eval").body, TYPES) == words


def test_numbers_are_percentages_only_between_nought_and_one() -> None:
    assert number_words(0.125, FloatType(min=0, max=1)) == "12.5 %"
    assert number_words(0.125, FloatType(min=0, max=10)) == "0.125"
    assert number_words(1000, IntType()) == "1,000"


def test_lists_are_joined_as_in_a_sentence() -> None:
    assert and_list([]) == ""
    assert and_list(["a"]) == "a"
    assert and_list(["a", "b", "c"]) == "a, b and c"


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (86_400, "24 hours"),
        (259_200, "3 days"),
        (3_600, "one hour"),
        (5_400, "90 minutes"),
        (60, "one minute"),
        (45, "45 seconds"),
    ],
)
def test_a_time_is_told_in_its_largest_whole_unit(seconds: int, words: str) -> None:
    assert duration_words(seconds) == words


def test_small_numbers_are_words_and_large_ones_figures() -> None:
    assert [count_words(count) for count in (1, 3, 10, 11, 1_200)] == ["one", "three", "ten", "11", "1,200"]
