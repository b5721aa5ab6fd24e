"""What a module made of a plan knows of its data: files relative to itself, never a path of this machine."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from stratum_core.codegen import FileInput
from stratum_core.contracts import JsonValue
from stratum_core.engine._bindings import planned_inputs
from stratum_core.plan import Roots
from tests.core.engine._bench import Bench


def _binding(path: Path, form: str = "csv", **columns: str) -> dict[str, JsonValue]:
    return {"name": "rows", "kind": "file", "path": str(path), "format": form, "columns": columns}


def _file(binding: dict[str, JsonValue], folder: Path, *roots: Path) -> FileInput:
    return planned_inputs([binding], folder, Roots(*roots)).files["rows"]


@pytest.mark.parametrize(
    ("file", "folder", "path"),
    [
        ("a/rows.csv", "a", "rows.csv"),
        ("a/data/rows.csv", "a", "data/rows.csv"),
        ("a/data/rows.csv", "a/py/deep", "../../data/rows.csv"),
        ("b/data/rows.csv", "a", "rows.csv"),
        ("elsewhere/rows.csv", "a", "rows.csv"),
    ],
)
def test_a_path_is_relative_inside_one_allowed_folder_and_a_name_beyond(
    file: str, folder: str, path: str, tmp_path: Path
) -> None:
    roots = (tmp_path / "a", tmp_path / "b")
    assert _file(_binding(tmp_path / file), tmp_path / folder, *roots).path == path


def test_columns_that_have_the_name_of_their_field_go_without_saying(tmp_path: Path) -> None:
    columns = {"id": "id", "text": "Text", "row": "row", "number": "row", "": "Word"}
    found = _file({**_binding(tmp_path / "a.csv"), "columns": dict(columns)}, tmp_path, tmp_path)
    assert found.columns == {"text": "Text", "row": "row", "number": "row", "item": "Word"}


@pytest.mark.parametrize(
    ("name", "form", "said"),
    [
        ("a.csv", "csv", ""),
        ("a.tsv", "csv", ""),
        ("a.ndjson", "jsonl", ""),
        ("a", "text", ""),
        ("a.txt", "csv", "csv"),
        ("a.data", "jsonl", "jsonl"),
    ],
)
def test_a_format_is_said_where_the_name_of_the_file_does_not(
    name: str, form: str, said: str, tmp_path: Path
) -> None:
    assert _file(_binding(tmp_path / name, form), tmp_path, tmp_path).form == said


def test_what_was_left_out_stays_out_and_values_given_in_the_plan_are_not_in_the_code(tmp_path: Path) -> None:
    inline: list[dict[str, JsonValue]] = [
        {"name": "hint", "kind": "inline", "value": None},
        {"name": "least", "kind": "inline", "value": 3},
    ]
    found = planned_inputs(inline, tmp_path, Roots(tmp_path))
    assert (found.files, found.absent) == ({}, frozenset({"hint"}))


def test_a_plan_as_python_reads_its_file_and_another_flow_of_it_does_not(bench: Bench) -> None:
    bench.job.spec.write_text(
        bench.job.spec.read_text("utf-8")
        + '  none:\n    input: { n: int }\n    output: int\n    steps: [{ id: a, compute: "1" }]\n    return: a\n',
        "utf-8",
    )
    bench.job.data.write_text("id,Text\n1,I love it\n", "utf-8")
    engine = bench.engine()
    columns: dict[str, JsonValue] = {"text": "Text"}
    inputs: dict[str, JsonValue] = {"notes": {"file": str(bench.job.data), "columns": columns}}
    plan = engine.plan(str(bench.job.spec), flow="all_notes", inputs=inputs)
    view = engine.code.codegen(plan.plan_id)
    assert view.same_document
    assert 'Path(__file__).parent / "notes.csv"' in view.text
    assert 'read_data(notes_file, list[Note], columns={"text": "Text"})' in view.text
    assert "I love it" not in view.text
    assert os.sep + "project" not in view.text
    other = engine.code.codegen(plan.plan_id, flow="none").text
    assert "read_data" not in other
    assert "read_data" not in engine.code.codegen(str(bench.job.spec), flow="all_notes").text
