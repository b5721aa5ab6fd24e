"""Counts are told with a noun in the number that fits."""

from __future__ import annotations

import pytest

from stratum_core.counts import counted, in_number


@pytest.mark.parametrize(
    ("noun", "many"),
    [
        ("finding", "findings"),
        ("reply", "replies"),
        ("day", "days"),
        ("branch", "branches"),
        ("answered call", "answered calls"),
    ],
)
def test_one_stands_alone_and_none_is_many(noun: str, many: str) -> None:
    assert [counted(count, noun) for count in (0, 1, 1_200)] == [f"0 {many}", f"1 {noun}", f"1,200 {many}"]


@pytest.mark.parametrize(
    ("words", "one"),
    [
        ("replies", "reply"),
        ("open tickets", "open ticket"),
        ("boxes", "box"),
        ("classes", "class"),
        ("houses", "house"),
        ("flagged", "flagged"),
        ("processed", "processed"),
        ("status", "status"),
        ("analysis", "analysis"),
        ("series", "series"),
        ("gas", "gas"),
    ],
)
def test_what_a_result_counts_in_the_plural_loses_its_ending_for_one(words: str, one: str) -> None:
    assert [in_number(count, words) for count in (0, 1, 2)] == [words, one, words]
