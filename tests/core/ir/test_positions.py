"""Every part of a document is found again in its text: values, keys, and characters inside expressions."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import TypeAlias

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from stratum_core.ir import Fix, LoadedDocument, Span, format_path, load
from tests.core.ir._samples import REVIEWS, corpus

Data: TypeAlias = "str | int | float | bool | list[Data] | dict[str, Data] | None"
Where: TypeAlias = tuple[str | int, ...]

NAMES = st.from_regex(r"[a-z][a-z0-9_]{0,6}", fullmatch=True)
KEYS = NAMES | st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=6)
LEAVES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=12),
    st.text(alphabet="a :#'\"{}[]\n-", max_size=12),
)
TREES = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=12,
)


def walk(data: Data, path: Where = ()) -> Iterator[tuple[Where, Data]]:
    yield path, data
    if isinstance(data, dict):
        for key, value in data.items():
            yield from walk(value, (*path, key))
    if isinstance(data, list):
        for index, value in enumerate(data):
            yield from walk(value, (*path, index))


def text_at(text: str, span: Span) -> str:
    return text.splitlines()[span.line - 1][span.column - 1 : span.end_column - 1]


def read(text: str) -> Data:
    data: Data = yaml.load(text, Loader=yaml.CSafeLoader)  # the safe one, on libyaml
    return data


def parse_scalar(text: str) -> Data:
    return read(text) if text else None


@pytest.mark.parametrize("path", corpus(), ids=lambda path: path.name.split(".")[0])
def test_every_scalar_of_the_corpus_is_where_its_span_says(path: object) -> None:
    text = str(getattr(path, "read_text")(encoding="utf-8"))  # noqa: B009
    loaded = load(text)
    lines = text.splitlines()
    for where, value in walk(read(text)):
        if where and isinstance(where[-1], str):
            key = text_at(text, loaded.positions.span(where, key=True))
            assert read(key) == where[-1]
        if isinstance(value, (dict, list)) or value is None:
            continue
        span = loaded.positions.span(where)
        assert lines[span.line - 1][span.column - 1 : span.end_column - 1] != ""
        if span.exact:
            assert read(text_at(text, span)) == value


@given(TREES)
def test_spans_of_generated_json_point_at_the_value_they_name(tree: Data) -> None:
    data: Data = {"stratum": "1", "name": tree}
    text = json.dumps(data, indent=2, ensure_ascii=False).replace("\x7f", " ")
    positions = load(text).positions
    for where, value in walk(json.loads(text)):
        if not isinstance(value, (dict, list)):
            span = positions.span(where)
            assert json.loads(line_part(text, span)) == value
        if where and isinstance(where[-1], str):
            assert json.loads(line_part(text, positions.span(where, key=True))) == where[-1]


@given(TREES)
def test_spans_are_right_behind_escaped_surrogate_pairs(tree: Data) -> None:
    text = json.dumps({"name": ["\U0001f600\U0001f601", tree]})
    positions = load(text).positions
    for where, value in walk(json.loads(text)):
        if not isinstance(value, (dict, list)):
            assert json.loads(line_part(text, positions.span(where))) == value


def line_part(text: str, span: Span) -> str:
    """Return a span's text where only line feeds end lines."""
    return text.split("\n")[span.line - 1][span.column - 1 : span.end_column - 1]


STYLES: Mapping[str, tuple[str, str]] = {
    "plain": ("a.b > 0.5 and c", "    x: a.b > 0.5 and c\n"),
    "plain before a comment": ("a.b > 0.5", "    x: a.b > 0.5   # c\n"),
    "plain with wide characters": ('é == "😀" and b', '    x: é == "😀" and b\n'),
    "single quotes": ("a == 'b' and c", "    x: 'a == ''b'' and c'\n"),
    "double quotes": ('a == "b" and \\ é \n c', '    x: "a == \\"b\\" and \\\\ \\xe9 \\n c"\n'),
    "in braces": ("a.b > c", "    { y: 1, x: a.b > c }\n"),
    "literal block": ("a and\n  b or\n\nc\n", "    x: |\n      a and\n        b or\n\n      c\n"),
    "literal block without last line end": ("a and\nb", "    x: |-\n      a and\n      b"),
    "literal block that starts with empty lines": ("\n\na\n", "    x: |\n\n  \n      a\n"),
    "literal block with Windows line ends": ("a and\nb\n", "    x: |\r\n      a and\r\n      b\r\n"),
}


def loaded_value(text: str) -> LoadedDocument:
    return load('stratum: "1"\nname:\n' + text)


@pytest.mark.parametrize(("value", "text"), STYLES.values(), ids=STYLES.keys())
def test_a_character_of_an_expression_maps_to_its_place_in_the_document(value: str, text: str) -> None:
    loaded = loaded_value(text)
    lines = ('stratum: "1"\nname:\n' + text).replace("\r\n", "\n").split("\n")
    checked = 0
    for index, char in enumerate(value):
        if char == "\n":
            continue
        span = loaded.positions.offset_span(("name", "x"), index, index + 1)
        assert span.exact
        written = lines[span.line - 1][span.column - 1 : span.end_column - 1]
        assert written in (char, "''", f"\\{char}", "\\xe9")
        checked += 1
    assert checked == len(value.replace("\n", ""))


UNCLEAR: Mapping[str, tuple[str, int, int]] = {
    "folded block": ("    x: >\n      a and\n      b\n", 4, 7),
    "plain over two lines": ("    x: a and\n      b\n", 3, 8),
    "quoted over two lines": ('    x: "a and\n      b"\n', 3, 8),
    "literal block with an indentation number": ("    x: |2\n        a\n", 4, 9),
}


@pytest.mark.parametrize(("text", "line", "column"), UNCLEAR.values(), ids=UNCLEAR.keys())
def test_where_the_mapping_is_not_certain_the_whole_value_is_given_and_no_edit(
    text: str, line: int, column: int
) -> None:
    positions = loaded_value(text).positions
    span = positions.offset_span(("name", "x"), 0, 1)
    assert (span.line, span.column, span.exact) == (line, column, False)
    assert positions.edit(("name", "x"), 0, 1, "z") is None


def test_offsets_outside_a_value_give_the_whole_value() -> None:
    positions = loaded_value("    x: abc\n").positions
    assert positions.offset_span(("name", "x"), 2, 9) == Span(3, 8, 11, exact=False)
    assert positions.offset_span(("name", "y"), 0, 1).exact is False
    assert positions.offset_span(("name",), 0, 1).exact is False
    assert positions.edit(("name", "x"), 2, 9, "") is None
    assert positions.edit(("name",), 0, 1, "") is None


def test_offsets_over_several_lines_of_a_block_are_cut_at_the_first() -> None:
    span = loaded_value("    x: |\n      a and\n      b\n").positions.offset_span(("name", "x"), 2, 7)
    assert span == Span(4, 9, 12, exact=False)


def test_a_path_that_leads_nowhere_is_placed_at_the_nearest_part_above() -> None:
    positions = load(REVIEWS).positions
    assert positions.span(("functions", "classify", "input", "missing")) == Span(15, 5, 10, exact=False)
    assert positions.span(("nothing",)).exact is False
    assert positions.span(("functions", "classify", "ensure", 9), key=True) == Span(17, 5, 11, exact=False)


def apply(text: str, fix: Fix) -> str:
    lines = text.split("\n")
    line = lines[fix.line - 1]
    lines[fix.line - 1] = line[: fix.column - 1] + fix.text + line[fix.end_column - 1 :]
    return "\n".join(lines)


EDITS: Mapping[str, tuple[str, str, str, str]] = {
    "plain": ("x: a && b", "&&", "and", "a and b"),
    "insertion": ("x: a b", "", "z", "za b"),
    "removal": ("x: a  b", " ", "", "a b"),
    "plain that would become a map": ("x: a ? b", "?", ": c", "a : c b"),
    "plain that would become a comment": ("x: a ! b", "!", "#", "a # b"),
    "plain that would become a number": ("x: 1x", "x", "2", "12"),
    "plain in braces that would end": ("{ x: a && b }", "&& b", ", [b]", "a , [b]"),
    "double quotes": ('x: "a && b"', "&&", "and", "a and b"),
    "double quotes that need escapes": ('x: "a && b"', "&&", '== "c" and', 'a == "c" and b'),
    "single quotes that need doubling": ("x: 'a && b'", "&&", "== 'c' or", "a == 'c' or b"),
    "literal block": ("x: |\n  a && b\n  c", "&&", "and", "a and b\nc\n"),
}


@pytest.mark.parametrize(("text", "old", "new", "value"), EDITS.values(), ids=EDITS.keys())
def test_an_edit_gives_exactly_the_value_it_promises(text: str, old: str, new: str, value: str) -> None:
    indented = "\n".join(f"  {line}" for line in text.split("\n")) + "\n"
    whole = 'stratum: "1"\nname:\n' + indented
    before = read(whole)
    assert isinstance(before, dict)
    name = before["name"]
    assert isinstance(name, dict)
    source = name["x"]
    assert isinstance(source, str)
    start = source.index(old)
    fix = load(whole).positions.edit(("name", "x"), start, start + len(old), new)
    assert fix is not None
    assert read(apply(whole, fix)) == {"stratum": "1", "name": {**name, "x": value}}


@given(st.text(max_size=20), st.text(max_size=6), st.data())
def test_no_edit_changes_anything_but_the_value_it_names(source: str, new: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(source)))
    end = data.draw(st.integers(start, len(source)))
    whole = yaml.safe_dump({"stratum": "1", "name": {"x": source, "y": 1}}, allow_unicode=True)
    loaded = load(whole)
    fix = loaded.positions.edit(("name", "x"), start, end, new)
    # The judge, PyYAML, takes a plain `<<` for a merge key and reads YAML 1.1 line breaks; we do neither.
    if (
        fix is not None
        and source[:start] + new + source[end:] != "<<"
        and "\x85" not in whole
        and "\u2028" not in whole
        and "\u2029" not in whole
    ):
        assert read(apply(whole, fix)) == {
            "stratum": "1",
            "name": {"x": source[:start] + new + source[end:], "y": 1},
        }


def test_an_edit_that_cannot_stand_on_one_line_is_not_made() -> None:
    positions = loaded_value("    x: abc\n").positions
    assert positions.edit(("name", "x"), 0, 1, "a\nb") is None


def test_a_whole_value_or_key_is_replaced_where_it_stands_on_one_line() -> None:
    positions = loaded_value("    x: 'abc'\n    y: |\n      b\n    z:\n    w: a\n      b\n").positions
    assert positions.replace(("name", "x"), "d") == Fix(line=3, column=8, end_column=13, text="d")
    assert positions.replace(("name", "y"), "d", key=True) == Fix(line=4, column=5, end_column=6, text="d")
    assert positions.replace(("name", "y"), "d") is None
    assert positions.replace(("name", "z"), "d") is None
    assert positions.replace(("name", "w"), "d") is None
    assert positions.replace(("name",), "d") is None
    assert positions.text(("name", "x")) == "'abc'"
    assert positions.text(("name",)) == ""


def test_paths_are_shown_as_people_write_them() -> None:
    assert format_path(()) == "$"
    assert format_path(("functions", "f", "ensure", 0)) == "functions.f.ensure[0]"
    assert format_path(("show", "a b", "c.d")) == 'show["a b"]["c.d"]'


def test_a_number_is_not_edited_as_text() -> None:
    positions = loaded_value("    x: 55\n    y: [a b, 5]\n").positions
    assert positions.edit(("name", "x"), 0, 1, "a") is None
    assert positions.edit(("name", "y", 0), 2, 3, "c") == Fix(line=4, column=11, end_column=12, text="c")


def test_an_edit_that_would_read_as_a_number_json_does_not_have_is_quoted() -> None:
    positions = loaded_value("    - .inx\n").positions
    assert positions.edit(("name", 0), 3, 4, "f") == Fix(line=3, column=7, end_column=11, text='".inf"')


def test_the_positions_of_what_cannot_be_read_are_the_start() -> None:
    assert load("").positions.span(("a",)) == Span(1, 1, 2, exact=False)


def test_a_key_that_is_not_there_cannot_be_renamed() -> None:
    positions = loaded_value("    - a\n").positions
    positions.rename_key(("name", 0), "b")
    positions.rename_key(("name", "x"), "b")
    assert positions.span(("name", "b")).exact is False
