"""`stratum codegen` and `stratum emit`: files written on request only, and never over what is there."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from stratum_core.checks import check
from stratum_core.engine import Engine, Settings
from stratum_core.errors import InputError
from tests.cli._command import Done, plan_arguments
from tests.support.jobs import DOCUMENT, Job


def test_a_document_is_written_as_a_module_and_its_hashes_are_told(
    stratum: Callable[..., Done], job: Job
) -> None:
    done = stratum("codegen", "notes.stratum.yaml", "-o", "notes.py")

    assert done.code == 0, done.err
    assert done.out.splitlines() == [
        f"wrote {job.folder / 'notes.py'}",
        "equal hashes: 3 contracts, 1 function and their prompts",
    ]
    assert "async def all_notes(notes: list[Note]) -> Report:" in (job.folder / "notes.py").read_text("utf-8")


def test_without_a_file_the_module_goes_to_stdout(stratum: Callable[..., Done], job: Job) -> None:
    done = stratum("codegen", "notes.stratum.yaml")

    assert done.code == 0
    assert done.out.startswith('"""')
    assert done.out.endswith("    main()\n")
    assert sorted(path.name for path in job.folder.iterdir()) == ["notes.csv", "notes.stratum.yaml"]


def test_a_plan_is_written_with_its_flow_as_main(stratum: Callable[..., Done], job: Job) -> None:
    plan_id = stratum(*plan_arguments("--json", "--model", "offline")).record()["plan_id"]
    done = stratum("codegen", plan_id, "-o", "notes.py", "--json")

    record = done.record()
    assert record == {
        "path": str(job.folder / "notes.py"),
        "written": True,
        "flow": "all_notes",
        "ir_hash": record["ir_hash"],
        "contracts_equal": 3,
        "functions_equal": 1,
        "same_document": True,
    }
    assert f"plan {plan_id}" in (job.folder / "notes.py").read_text("utf-8")


def test_a_file_that_is_there_is_shown_as_a_diff_and_left_alone(
    stratum: Callable[..., Done], job: Job
) -> None:
    target = job.folder / "notes.py"
    target.write_text("mine = 1\n", "utf-8")
    done = stratum("codegen", "notes.stratum.yaml", "-o", "notes.py")

    assert done.code == 1
    assert "-mine = 1" in done.out
    assert "+@contract" in done.out
    assert "--force replaces" in done.err
    assert target.read_text("utf-8") == "mine = 1\n"
    assert stratum("codegen", "notes.stratum.yaml", "-o", "notes.py", "--json").record()["error"]["detail"][
        "diff"
    ]
    assert stratum("codegen", "notes.stratum.yaml", "-o", "notes.py", "--force").code == 0
    assert "@contract" in target.read_text("utf-8")


@pytest.mark.parametrize("force", [(), ("--force",)])
def test_a_file_with_the_same_text_is_not_touched(
    stratum: Callable[..., Done], job: Job, force: tuple[str, ...]
) -> None:
    stratum("codegen", "notes.stratum.yaml", "-o", "notes.py")
    before = (job.folder / "notes.py").stat()
    done = stratum("codegen", "notes.stratum.yaml", "-o", "notes.py", *force)

    assert (done.code, done.out.splitlines()[0]) == (0, f"nothing to change in {job.folder / 'notes.py'}")
    assert (job.folder / "notes.py").stat().st_mtime_ns == before.st_mtime_ns


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("-o", "../out.py"), "outside"),
        (("-o", "notes.txt"), "does not end in .py"),
        (("-o", "nowhere/notes.py"), "does not exist"),
        (("--flow", "other"), "there is no flow `other`"),
    ],
)
def test_a_place_or_flow_that_cannot_be_is_refused(
    stratum: Callable[..., Done], job: Job, arguments: tuple[str, ...], said: str
) -> None:
    done = stratum("codegen", "notes.stratum.yaml", *arguments)

    assert done.code == 1
    assert said in done.err
    assert len(list(job.folder.iterdir())) == 2


def test_a_wrong_document_is_told_with_its_lines(stratum: Callable[..., Done], job: Job) -> None:
    job.spec.write_text(DOCUMENT.replace("tone.confidence", "tone.confidnce"), "utf-8")
    done = stratum("codegen", "notes.stratum.yaml", "-o", "notes.py")

    assert done.code == 1
    assert "confidnce" in done.err
    assert not (job.folder / "notes.py").exists()


def test_a_folder_that_cannot_be_written_is_told(job: Job) -> None:
    (job.folder / "linked.py").symlink_to(job.folder / "gone" / "notes.py")
    with Engine(Settings.from_environment(job.environ, cwd=job.folder)) as engine, pytest.raises(InputError):
        engine.code.codegen("notes.stratum.yaml", path="linked.py")


@pytest.mark.slow
def test_a_module_is_emitted_as_the_document_it_was_made_from(stratum: Callable[..., Done], job: Job) -> None:
    stratum("codegen", "notes.stratum.yaml", "-o", "notes.py")
    done = stratum("emit", "notes.py", "-o", "back.stratum.yaml")

    back = (job.folder / "back.stratum.yaml").read_text("utf-8")
    assert (done.code, done.out.splitlines()[1]) == (0, "3 contracts, 1 function, 1 flow")
    assert _hash(back) == _hash(DOCUMENT)
    assert "nothing to change" in stratum("emit", "notes.py", "-o", "back.stratum.yaml").out
    (job.folder / "back.stratum.yaml").write_text("a: 1\n", "utf-8")
    refused = stratum("emit", "notes.py", "-o", "back.stratum.yaml")
    assert (refused.code, "-a: 1" in refused.out) == (1, True)


def _hash(text: str) -> str:
    program = check(text).program
    assert program is not None
    return program.ir_hash


@pytest.mark.slow
def test_what_no_document_can_say_is_listed_and_ends_with_1(stratum: Callable[..., Done], job: Job) -> None:
    (job.folder / "mine.py").write_text(
        "from stratum_core import flow\n\n\n@flow\nasync def f(n: int) -> int:\n"
        "    while n:\n        n -= 1\n    return n\n",
        "utf-8",
    )
    done = stratum("emit", "mine.py")

    assert done.code == 1
    assert done.out == ""
    assert "mine.py:6: f: a straight flow has no `while` statement here" in done.err


@pytest.mark.slow
@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("raise RuntimeError('no')\n", "cannot be imported: RuntimeError: no"),
        ("import os\nos._exit(3)\n", "ended its own process"),
    ],
)
def test_a_module_that_cannot_be_imported_is_told(
    stratum: Callable[..., Done], job: Job, text: str, said: str
) -> None:
    (job.folder / "mine.py").write_text(text, "utf-8")
    done = stratum("emit", "mine.py")

    assert done.code == 1
    assert said in done.err


@pytest.mark.parametrize("module", ["notes.csv", "missing.py", "../up.py"])
def test_only_a_python_file_in_an_allowed_folder_is_imported(
    stratum: Callable[..., Done], job: Job, module: str
) -> None:
    assert stratum("emit", module).code == 1
    assert Path(job.folder).exists()


def test_a_persistent_run_names_the_module_it_leaves(stratum: Callable[..., Done], job: Job) -> None:
    planned = stratum(
        *plan_arguments("--json", "--model", "offline", "--mode", "persistent", "--out", "a.csv")
    )
    plan_id = planned.record()["plan_id"]
    with Engine(Settings(state_dir=job.state_dir, roots=(job.folder,), environ={})) as engine:
        engine.decide(plan_id, approved=True, channel="terminal")
    done = stratum("execute", plan_id)

    written = job.folder / "all_notes.py"
    assert done.code == 0, done.err
    assert f"Results: {job.folder / 'a.csv'}. Python: {written}" in done.out
    assert written.read_text("utf-8").startswith('"""')
    run_id = stratum("runs", "--json").record()[0]["run_id"]
    assert f"as Python: {written}" in " ".join(stratum("show", run_id).out.split())
