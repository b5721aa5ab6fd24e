"""Bad input on the command line: a clear error, the documented exit code, nothing lost, nothing paid."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing

import pytest

from tests.cli._command import Done, plan_arguments
from tests.support.bad_inputs import BAD_INPUTS, BadInput
from tests.support.jobs import Job

_BY_OPTION = {"model": "--model"}


def _arguments(job: Job, bad: BadInput) -> list[str]:
    """Return the command line for one bad input; text goes through a file."""
    spec = bad.spec or job.spec.name
    if "\n" in spec:
        (job.folder / "bad.stratum.yaml").write_text(spec, "utf-8")
        spec = "bad.stratum.yaml"
    arguments = ["plan", spec, "--input", f"notes={bad.file}"]
    if bad.flow:
        arguments += ["--flow", bad.flow]
    for field, column in bad.columns.items():
        arguments += ["--column", f"notes.{field}={column}"]
    for name, value in bad.options.items():
        arguments += [_BY_OPTION.get(name, f"--{name}"), str(value)]
    return arguments


@pytest.mark.parametrize("bad", [bad for bad in BAD_INPUTS if set(bad.options) <= set(_BY_OPTION)], ids=str)
def test_a_plan_from_bad_input_ends_with_1_and_says_what_to_do(
    job: Job, stratum: Callable[..., Done], bad: BadInput
) -> None:
    bad.arrange(job)
    arguments = _arguments(job, bad)
    person = stratum(*arguments)
    assert (person.code, person.out) == (1, "")
    assert [part for part in bad.says if part not in person.err] == []
    assert "Traceback" not in person.err

    machine = stratum(*arguments, "--json")
    assert machine.code == 1
    error = machine.record()["error"]
    assert error["message"]
    assert error["remedy"]
    assert not (job.state_dir / "runs").exists()


def test_a_plan_whose_key_is_missing_is_priced_and_can_neither_be_approved_nor_run(
    job: Job, stratum: Callable[..., Done]
) -> None:
    told = stratum(*plan_arguments("--model", "openai/gpt-4o-mini"))
    assert told.code == 0
    assert (
        "Note: nobody can approve this before openai/gpt-4o-mini can be called: set OPENAI_API_KEY"
        in told.out
    )
    assert "At most $" in told.out
    plan_id = stratum(*plan_arguments("--json", "--model", "openai/gpt-4o-mini")).record()["plan_id"]
    for command in ("approve", "execute"):
        refused = stratum(command, plan_id)
        assert refused.code == 1
        assert "needs a key, but OPENAI_API_KEY is not set; nothing was approved or started" in refused.err
    assert stratum("estimate", plan_id, "--model", "openai/gpt-4.1-mini").code == 0
    assert not (job.state_dir / "runs").exists()


def test_validate_shows_every_fault_with_its_place_and_its_line(
    job: Job, stratum: Callable[..., Done]
) -> None:
    job.spec.write_text(job.spec.read_text("utf-8").replace("tone.confidence", "tone.confidnce"), "utf-8")
    done = stratum("validate", job.spec.name)
    assert done.code == 1
    line = next(
        n for n, text in enumerate(job.spec.read_text("utf-8").splitlines(), 1) if "confidnce" in text
    )
    assert f"notes.stratum.yaml:{line}:" in done.out
    assert "error E2" in done.out
    shown = done.out.splitlines()
    source = next(n for n, text in enumerate(shown) if text.startswith(f"{line:5} | "))
    column = shown[source].index("confidnce")
    assert shown[source + 1][column:] == "^" * len("confidnce")
    assert "did you mean `confidence`" in done.out


@pytest.mark.parametrize("identity", ["plan_000000000000", "../../x", "plan_x y"])
@pytest.mark.parametrize("command", ["estimate", "approve", "execute", "show"])
def test_an_unknown_plan_ends_with_1(
    stratum: Callable[..., Done], job: Job, command: str, identity: str
) -> None:
    done = stratum(command, identity, "--json")
    assert (done.code, done.record()["error"]["code"]) == (1, "plan_error")
    assert sorted(path.name for path in job.folder.parent.iterdir()) == ["project", "state"]


@pytest.mark.parametrize("identity", ["run_000000000000", "../../x"])
@pytest.mark.parametrize("command", ["resume", "cancel"])
def test_an_unknown_run_ends_with_1(stratum: Callable[..., Done], command: str, identity: str) -> None:
    done = stratum(command, identity, "--json")
    assert (done.code, done.record()["error"]["code"]) == (1, "run_error")


def test_execute_without_approval_ends_with_3_and_names_the_command(stratum: Callable[..., Done]) -> None:
    plan = stratum(*plan_arguments("--json")).record()
    done = stratum("execute", plan["plan_id"])
    assert done.code == 3
    assert f"stratum approve {plan['plan_id']}" in done.err
    assert stratum("runs", "--json").record() == []


def test_a_state_directory_of_a_newer_version_is_refused_untouched(
    job: Job, stratum: Callable[..., Done]
) -> None:
    stratum(*plan_arguments())
    control = job.state_dir / "control.db"
    with closing(sqlite3.connect(control)) as connection:
        connection.execute("PRAGMA user_version = 9999")
        connection.commit()
    before = control.read_bytes()
    done = stratum("runs", "--json")
    assert (done.code, done.record()["error"]["code"]) == (1, "journal_version")
    assert control.read_bytes() == before


@pytest.mark.parametrize(
    "arguments",
    [
        ("plan",),
        ("fly",),
        ("plan", "notes.stratum.yaml", "--input", "notes"),
        ("plan", "notes.stratum.yaml", "--column", "notes.text=Text"),
        ("plan", "notes.stratum.yaml", "--input", "notes=notes.csv", "--column", "text=Text"),
        ("plan", "notes.stratum.yaml", "--input", "notes=[1]", "--column", "notes.text=Text"),
        ("plan", "notes.stratum.yaml", "--input", "notes=a.csv", "--input", "notes=b.csv"),
        (
            "plan",
            "notes.stratum.yaml",
            "--input",
            'notes={"file": "a", "columns": 3}',
            "--column",
            "notes.a=b",
        ),
        ("plan", "notes.stratum.yaml", "--rows", "0"),
        ("install", "--scope", "everywhere"),
    ],
)
def test_wrong_usage_ends_with_2_and_says_what_is_wrong(
    stratum: Callable[..., Done], arguments: tuple[str, ...]
) -> None:
    done = stratum(*arguments)
    assert done.code == 2
    assert "Error: " in done.err


def test_a_fault_inside_ends_with_70_and_no_traceback(
    stratum: Callable[..., Done], monkeypatch: pytest.MonkeyPatch
) -> None:
    def crash(*_: object, **__: object) -> None:
        raise RuntimeError("boom \x1b[2J")

    monkeypatch.setattr("stratum_core.engine.Engine.runs", crash)
    done = stratum("runs")
    assert done.code == 70
    assert "internal fault, RuntimeError: boom" in done.err
    assert "\x1b" not in done.err
    monkeypatch.setenv("STRATUM_DEBUG", "1")
    with pytest.raises(RuntimeError):
        stratum("runs")
