"""Result files: whole or not at all, and safe to open in a spreadsheet."""

from __future__ import annotations

import csv
import json
import stat
from pathlib import Path

import pytest

from stratum_core.contracts import JsonValue, StoredList, stored
from stratum_core.errors import InputError
from stratum_core.runtime import rows_of, write_result

RESULT: JsonValue = {"count": 2, "rows": [{"id": 1, "text": "a"}, {"id": 2, "more": [1, None]}], "none": []}


def test_a_table_has_every_field_that_occurs_and_json_in_its_nested_cells(tmp_path: Path) -> None:
    path = tmp_path / "out.csv"
    assert write_result(path, RESULT) == 2
    assert path.read_text() == 'id,text,more\n1,a,\n2,,"[1,null]"\n'


def test_each_line_of_a_jsonl_file_is_a_row(tmp_path: Path) -> None:
    path = tmp_path / "out.jsonl"
    assert write_result(path, RESULT) == 2
    assert [json.loads(line) for line in path.read_text().splitlines()] == [
        {"id": 1, "text": "a"},
        {"id": 2, "more": [1, None]},
    ]


def test_a_json_file_holds_the_whole_value(tmp_path: Path) -> None:
    path = tmp_path / "out.json"
    assert write_result(path, RESULT) == 1
    assert json.loads(path.read_text()) == RESULT


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\n"])
def test_text_that_a_spreadsheet_would_run_is_escaped(tmp_path: Path, start: str) -> None:
    path = tmp_path / "out.csv"
    write_result(path, [{f"{start}field": f"{start}cmd|' /C calc'!A0", "plain": -5}])
    with path.open(newline="") as file:
        header, row = csv.reader(file)
    assert (header, row) == ([f"'{start}field", "plain"], [f"'{start}cmd|' /C calc'!A0", "-5"])


def test_quotes_and_line_breaks_survive_in_a_cell(tmp_path: Path) -> None:
    path = tmp_path / "out.csv"
    said = 'She said "no",\nthen\rleft,\r\n"again"'
    write_result(path, [{"text": said}])
    with path.open(newline="") as file:
        assert list(csv.reader(file)) == [["text"], [said]]


@pytest.mark.parametrize(
    ("value", "rows"),
    [
        ([1, 2], [1, 2]),
        (7, [7]),
        ("text", ["text"]),
        ({"a": 1}, [{"a": 1}]),
        ({"short": [{"x": 1}], "long": [{"y": 1}, {"y": 2}], "text": "t"}, [{"y": 1}, {"y": 2}]),
        ({"numbers": [1, 2]}, [{"numbers": [1, 2]}]),
    ],
)
def test_the_rows_of_a_value(value: JsonValue, rows: list[JsonValue]) -> None:
    assert list(rows_of(value)) == rows


LONG: list[JsonValue] = [{"id": number, "text": f"line\n{number}", "tags": ["a"]} for number in range(2_500)]


@pytest.mark.parametrize("name", ["out.csv", "out.jsonl", "out.json"])
@pytest.mark.parametrize("inside", [False, True])
def test_a_long_list_is_written_as_a_short_one_is(tmp_path: Path, name: str, inside: bool) -> None:
    long, short = tmp_path / f"long_{name}", tmp_path / f"short_{name}"
    rows = stored(iter(LONG))
    assert isinstance(rows, StoredList)
    value: JsonValue = {"count": 2, "rows": rows, "nested": [rows[:3], {"deep": rows}]} if inside else rows
    same: JsonValue = {"count": 2, "rows": LONG, "nested": [LONG[:3], {"deep": LONG}]} if inside else LONG
    assert write_result(long, value) == write_result(short, same)
    assert long.read_bytes() == short.read_bytes()


def test_values_that_are_no_records_get_one_column(tmp_path: Path) -> None:
    path = tmp_path / "out.csv"
    write_result(path, [1, "two"])
    assert path.read_text() == "value\n1\ntwo\n"


def test_a_file_is_replaced_whole_and_keeps_its_modes(tmp_path: Path) -> None:
    path = tmp_path / "out.csv"
    path.write_text("a long table of yesterday\n" * 100)
    path.chmod(0o600)
    write_result(path, [{"a": 1}])
    assert (path.read_text(), stat.S_IMODE(path.stat().st_mode)) == ("a\n1\n", 0o600)
    assert list(tmp_path.iterdir()) == [path]


def test_what_cannot_be_written_leaves_nothing_behind(tmp_path: Path) -> None:
    (tmp_path / "out.csv").mkdir()
    with pytest.raises(InputError, match=r"the result cannot be written to .*out.csv"):
        write_result(tmp_path / "out.csv", [{"a": 1}])
    with pytest.raises(InputError, match=r"No such file or directory.*pays nothing"):
        write_result(tmp_path / "nowhere" / "out.csv", [{"a": 1}])
    assert [path.name for path in tmp_path.iterdir()] == ["out.csv"]
