"""Edits of a document's text, and the comments that a new layout would lose."""

from __future__ import annotations

import pytest

from stratum_core.ir import Fix, apply_fixes, has_inner_comments, leading_comments


def _fix(line: int, column: int, end_column: int, text: str) -> Fix:
    return Fix(line=line, column=column, end_column=end_column, text=text)


def test_fixes_on_one_line_are_made_from_the_right() -> None:
    text, made = apply_fixes("ab cd\r\nef", [_fix(1, 1, 3, "longer"), _fix(1, 4, 6, ""), _fix(2, 1, 2, "E")])
    assert (text, len(made)) == ("longer \r\nEf", 3)


def test_of_two_that_overlap_the_first_is_made() -> None:
    text, made = apply_fixes("abcdef", [_fix(1, 2, 4, "X"), _fix(1, 3, 5, "Y"), _fix(1, 2, 2, "Z")])
    assert (text, [fix.text for fix in made]) == ("aXdef", ["X"])


def test_edits_that_touch_do_not_overlap() -> None:
    assert apply_fixes("abcd", [_fix(1, 1, 3, "X"), _fix(1, 3, 5, "Y")])[0] == "XY"


def test_an_edit_at_the_end_of_the_text_appends() -> None:
    assert apply_fixes("a", [_fix(1, 2, 2, "b"), _fix(9, 1, 1, "no")])[0] == "ab"


@pytest.mark.parametrize(
    ("text", "leading", "inner"),
    [
        ("# one\n\n# two\n\nstratum: 1\n", "# one\n\n# two\n", False),
        ("stratum: 1 # the version\n", "", True),
        ("stratum: 1\n# at the end\n", "", True),
        ("a: '# text'\nb: \"# text\"\nc: x#y\n", "", False),
        ("a: |\n  # text\n  more\nb: 1\n", "", False),
        ("a: |\n  # text\n# remark\nb: 1\n", "", True),
        ("a: [1, # one\n  2]\n", "", True),
        ("a: plain\n  text\n", "", False),
        ("\ufeff# one\na: 1\n", "# one\n", False),
        ('{"a": "#"}', "", False),
        ("# only\n", "# only\n", False),
    ],
)
def test_comments_are_told_from_text(text: str, leading: str, inner: bool) -> None:
    assert (leading_comments(text), has_inner_comments(text)) == (leading, inner)
