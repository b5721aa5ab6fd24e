"""Files for a program of one's own: the formats, columns and row checks of a plan, without its limits."""

from __future__ import annotations

import subprocess
import sys
from datetime import date
from pathlib import Path
from typing import Annotated, Literal

import pytest
from pydantic import BaseModel, Field, JsonValue

from stratum_core import InputError, StratumCompileError, contract, opaque, read_data

ROOT = Path(__file__).parents[3]
CSV = 'review_id,Review Text,stars,when\n7,"It broke,\nagain",2,2026-03-01\n8,Fine,,\n'


@contract
class Review(BaseModel):
    id: int
    text: opaque[str]
    stars: Annotated[int, Field(ge=1, le=5)] | None
    when: date | None


def written(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text, "utf-8")
    return path


def test_a_table_gives_one_contract_for_each_row_with_the_columns_that_are_mapped(tmp_path: Path) -> None:
    path = written(tmp_path, "reviews.csv", CSV)
    columns = {"id": "review_id", "text": "Review Text"}
    assert read_data(path, list[Review], columns=columns) == [
        Review(id=7, text="It broke,\nagain", stars=2, when=date(2026, 3, 1)),
        Review(id=8, text="Fine", stars=None, when=None),
    ]
    numbered = read_data(str(path), list[Review], columns={**columns, "id": "row"})
    assert [review.id for review in numbered] == [1, 2]


def test_rows_that_do_not_fit_are_named_with_line_column_and_value_and_opaque_text_is_not_shown(
    tmp_path: Path,
) -> None:
    path = written(tmp_path, "reviews.csv", "id,text,stars,when\n1,ok,9,\n2,,3,\nx,ok,1,\n")
    with pytest.raises(InputError) as caught:
        read_data(path, list[Review])
    assert caught.value.detail["bad_rows"] == 3
    assert [fault["column"] for fault in caught.value.detail["first"]] == ["stars", "text", "id"]
    assert 'row 1 (line 2), column "stars": expected' in str(caught.value)


def test_a_column_that_is_not_there_is_told_with_those_that_are(tmp_path: Path) -> None:
    path = written(tmp_path, "reviews.csv", CSV)
    with pytest.raises(InputError, match="has no column for 'id', 'text'"):
        read_data(path, list[Review])


def test_other_formats_are_read_as_their_names_end_or_as_it_is_said(tmp_path: Path) -> None:
    lines = written(tmp_path, "a.jsonl", '{"a": 1}\n\n{"a": 2}\n')
    assert read_data(lines, list[dict[str, int]]) == [{"a": 1}, {"a": 2}]
    assert read_data(written(tmp_path, "b.json", '["x", "y"]'), list[Literal["x", "y"]]) == ["x", "y"]
    assert read_data(written(tmp_path, "c.md", "# Hi\n"), str) == "# Hi\n"
    assert read_data(written(tmp_path, "d", "name\nann\n"), list[str], format="csv") == ["ann"]
    assert read_data(written(tmp_path, "e.json", "null"), int | None) is None
    with pytest.raises(InputError, match="does not say what the file holds"):
        read_data(tmp_path / "d", list[str])


def test_a_path_may_lead_anywhere_the_program_may_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "below").mkdir()
    (tmp_path / "below" / "link.txt").symlink_to(written(tmp_path, "real.txt", "here"))
    monkeypatch.chdir(tmp_path / "below")
    assert read_data("link.txt", str) == read_data("../real.txt", str) == "here"
    with pytest.raises(InputError, match=r"there is no file .*look in .*below$"):
        read_data("none.txt", str)


def test_a_type_that_no_document_could_write_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StratumCompileError, match=r"^read_data\(\)"):
        read_data(written(tmp_path, "a.json", "[]"), set[str])


def test_more_rows_than_a_plan_may_bind_are_read(tmp_path: Path) -> None:
    path = written(tmp_path, "many.jsonl", "1\n" * 100_001)
    assert len(read_data(path, list[int])) == 100_001


def test_any_json_is_read_as_it_is(tmp_path: Path) -> None:
    found: JsonValue = read_data(written(tmp_path, "a.json", '{"a": [1, null]}'), JsonValue)
    assert found == {"a": [1, None]}


def test_a_program_that_reads_no_files_loads_nothing_of_plans() -> None:
    program = "import sys; from stratum_core import flow; sys.exit('stratum_core.plan' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=False).returncode == 0
