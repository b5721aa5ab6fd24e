"""A module of a planned job reads the files the plan was bound to: same columns, same checks, the path a parameter."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest

from stratum_core import InputError, configure
from stratum_core.codegen import FileInput, PlannedInputs, generate, read_module
from stratum_core.ir import ir_hash
from stratum_core.testing import FunctionClient
from tests.core.codegen._made import imported, parts_of

_ROOT = Path(__file__).parents[3]
_TEXT = """
stratum: "1"
contracts:
  Note: { id: int, text: opaque<string>, stars: { type: optional<int>, min: 1, max: 5 } }
  Found: { notes: int, words: list<int>, page: int, hint: optional<string> }
functions:
  count: { mode: infer, intent: Count, input: { page: opaque<string> }, output: int }
flows:
  read_all:
    input:
      notes: { type: list<Note>, max_length: 1000 }
      words: list<int[1..9]>
      page: opaque<string>
      hint: optional<string>
    output: Found
    steps: [{ id: n, function: count, inputs: { page: input.page } }]
    return: { notes: len(input.notes), words: input.words, page: n, hint: input.hint }
"""
_FILES = {
    "notes": FileInput(path="../data/notes.csv", columns={"id": "row", "text": 'The "Text"'}),
    "words": FileInput(path="words.dat", columns={"item": "Word"}, form="csv"),
    "page": FileInput(path="page.txt"),
}
_ALL = PlannedInputs(files=_FILES, absent=frozenset({"hint"}))
_SOME = PlannedInputs(files={"notes": _FILES["notes"]})


def _made(planned: PlannedInputs) -> str:
    document, program = parts_of(_TEXT)
    return generate(document, program, made_from="plan plan_1", planned=planned)


def _main(text: str) -> str:
    return text[text.index("def main") :]


def test_main_reads_every_file_of_the_plan_and_its_paths_are_parameters() -> None:
    assert (
        _main(_made(_ALL))
        == '''\
def main(
    notes_file: str | Path = Path(__file__).parent / "../data/notes.csv",
    words_file: str | Path = Path(__file__).parent / "words.dat",
    page_file: str | Path = Path(__file__).parent / "page.txt",
) -> None:
    """Run the flow on its files: those of the plan, unless others are given."""
    result = run(
        read_all(
            notes=read_data(
                notes_file,
                list[Note],
                columns={"id": "row", "text": 'The "Text"'},
            ),
            words=read_data(
                words_file,
                list[Annotated[int, Field(ge=1, le=9)]],
                columns={"item": "Word"},
                format="csv",
            ),
            page=read_data(page_file, str),
        ),
    )
    print(TypeAdapter(Found).dump_json(result, indent=2).decode())


if __name__ == "__main__":
    main(*argv[1:])
'''
    )


def test_what_the_plan_was_given_without_a_file_comes_from_a_json_file() -> None:
    text = _main(_made(_SOME))
    assert text.startswith('''\
def main(
    values: str | Path,
    notes_file: str | Path = Path(__file__).parent / "../data/notes.csv",
) -> None:
    """Run the flow on the inputs in a JSON file and on its files."""
    given: dict[str, JsonValue] = loads(
        Path(values).read_text(encoding="utf-8"),
    )
''')
    assert 'page=TypeAdapter(str).validate_python(given["page"])' in text
    assert text.endswith("""\
if __name__ == "__main__":
    if len(argv) < 2:
        raise SystemExit(f"usage: {argv[0]} INPUTS.json [FILE ...]")
    main(*argv[1:])
""")


def _filled(folder: Path) -> None:
    (folder / "data").mkdir()
    (folder / "py").mkdir()
    (folder / "data" / "notes.csv").write_text('"The ""Text""",stars\nfine,5\nbad,\n', "utf-8")
    (folder / "py" / "words.dat").write_text("Word,n\n3,1\n4,2\n", "utf-8")
    (folder / "py" / "page.txt").write_text("a page", "utf-8")


def test_the_module_runs_on_the_files_and_on_others(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _filled(tmp_path)
    module = imported(_made(_ALL), tmp_path / "py", "job")
    with configure(client=FunctionClient(lambda _: 7), default_model="openai/gpt-4.1-mini"):
        module.main()
        assert json.loads(capsys.readouterr().out) == {
            "notes": 2,
            "words": [3, 4],
            "page": 7,
            "hint": None,
        }
        other = tmp_path / "other.csv"
        other.write_text('"The ""Text""",stars\nfine,9\n', "utf-8")
        with pytest.raises(InputError, match=r'row 1 \(line 2\), column "stars"'):
            module.main(str(other))
        (tmp_path / "py" / "words.dat").write_text("Word,n\n10,1\n", "utf-8")
        with pytest.raises(InputError, match='column "Word"'):
            module.main()


def test_with_values_of_its_own_the_module_wants_them_in_a_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _filled(tmp_path)
    values = tmp_path / "values.json"
    values.write_text('{"words": [9], "page": "x", "hint": "h"}', "utf-8")
    module = imported(_made(_SOME), tmp_path / "py", "job")
    with configure(client=FunctionClient(lambda _: 1), default_model="openai/gpt-4.1-mini"):
        module.main(values)
    assert json.loads(capsys.readouterr().out) == {"notes": 2, "words": [9], "page": 1, "hint": "h"}


@pytest.mark.parametrize("planned", [_ALL, _SOME, PlannedInputs(files=_FILES)])
def test_the_module_is_the_same_document_as_without_a_plan(planned: PlannedInputs) -> None:
    assert ir_hash(read_module(_made(planned))) == parts_of(_TEXT)[1].ir_hash


def test_no_name_of_a_file_or_column_leaves_its_literal() -> None:
    hostile = 'a"\n"""; import os #\\ {0} \u202e'
    file = FileInput(path=f"{hostile}.csv", columns={"id": hostile, "text": "t"}, form="csv")
    text = _made(PlannedInputs(files={"notes": file}))
    literals = [node.value for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Constant)]
    assert hostile in literals
    assert f"{hostile}.csv" in literals
    assert "\u202e" not in text
    assert "os" not in {node.id for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Name)}


def test_a_parameter_takes_no_name_of_the_document() -> None:
    text = _TEXT.replace("read_all", "notes_file")
    document, program = parts_of(text)
    made = generate(document, program, made_from="plan plan_1", planned=_ALL)
    assert "notes_file_: str | Path" in made
    assert "notes=read_data(\n                notes_file_," in made


@pytest.mark.slow
def test_such_modules_are_formatted_and_pass_strict_type_checkers(tmp_path: Path) -> None:
    for number, planned in enumerate([_ALL, _SOME, PlannedInputs(files=_FILES)]):
        (tmp_path / f"made_{number}.py").write_text(_made(planned), "utf-8")
    settings = {"typeCheckingMode": "strict", "extraPaths": [str(_ROOT)]}
    (tmp_path / "pyrightconfig.json").write_text(json.dumps(settings), "utf-8")
    files = sorted(map(str, tmp_path.glob("made_*.py")))
    mypy = ["mypy", "--strict", "--disable-error-code=empty-body", "--cache-dir", str(tmp_path / "cache")]
    for command in (
        ["ruff", "format", "--isolated", "--check", "--diff", *files],
        ["pyright", "--pythonpath", sys.executable, "-p", str(tmp_path)],
        [*mypy, *files],
    ):
        done = subprocess.run(
            [sys.executable, "-m", *command], capture_output=True, text=True, check=False, timeout=100
        )
        assert done.returncode == 0, done.stdout
