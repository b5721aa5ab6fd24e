"""What a person is told to do is something they can type at the command line; an agent hears it in its tools' words."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from stratum_mcp.server import build
from stratum_mcp.settings import ServerSettings
from tests.cli._command import Done, plan_arguments
from tests.server._talk import talking
from tests.support.jobs import DOCUMENT, Job

ONE_TEXT = """\
stratum: "1"
flows:
  told:
    input: { today: date }
    output: date
    steps: [{ id: same, compute: input.today }]
    return: same
"""


@pytest.fixture
def no_model(job: Job, monkeypatch: pytest.MonkeyPatch) -> Job:
    """A job without a default model, a key or the client's program."""
    monkeypatch.delenv("STRATUM_MODEL")
    monkeypatch.setenv("PATH", str(job.folder))
    return job


def test_without_a_model_a_person_hears_the_option_and_the_variable(
    no_model: Job, stratum: Callable[..., Done]
) -> None:
    told = stratum(*plan_arguments())
    assert told.code == 1
    assert "`offline` (--model offline, or STRATUM_MODEL=offline)" in told.err
    assert stratum(*plan_arguments("--model", "offline")).code == 0
    without_key = stratum(*plan_arguments("--model", "openai/gpt-4.1-mini"))
    assert "`offline` (--model offline, or STRATUM_MODEL=offline)" in without_key.err
    machine = stratum(*plan_arguments("--json")).record()["error"]
    assert machine["remedy"].endswith("(--model offline, or STRATUM_MODEL=offline)")


@pytest.mark.anyio
async def test_without_a_model_an_agent_hears_the_argument_of_the_tool(no_model: Job) -> None:
    environ = {"STRATUM_STATE_DIR": str(no_model.state_dir)}
    server = build(ServerSettings.from_environment(environ, cwd=no_model.folder))
    async with talking(server, "2025-11-25") as talk:
        text = await talk.error("plan", **no_model.plan_arguments())
        assert '`offline` (options: {"model": "offline"})' in text
        made = await talk.ask("plan", **no_model.plan_arguments(), options={"model": "offline"})
    assert made["simulated"] is True


def test_without_a_model_the_doctor_names_the_variable(no_model: Job, stratum: Callable[..., Done]) -> None:
    assert "`offline` (STRATUM_MODEL=offline)" in stratum("doctor").out


def test_a_missing_column_comes_with_the_option_that_maps_it(job: Job, stratum: Callable[..., Done]) -> None:
    job.data.write_text("note id,the text\n1,Fine\n", "utf-8")
    told = stratum(*plan_arguments())
    assert "e.g. --column 'notes.id=note id'; the columns are 'note id', 'the text'" in told.err
    mapped = ("--column", "notes.id=note id", "--column", "notes.text=the text")
    assert stratum(*plan_arguments(*mapped)).code == 0


@pytest.mark.anyio
async def test_of_several_faults_each_comes_with_its_own_words(
    no_model: Job, stratum: Callable[..., Done]
) -> None:
    no_model.data.write_text("note id,the text\n1,Fine\n", "utf-8")
    told = stratum(*plan_arguments()).err
    assert (
        "e.g. --column 'notes.id=note id'; the columns are 'note id', 'the text'; set ANTHROPIC_API_KEY"
        in told
    )
    assert "`offline` (--model offline, or STRATUM_MODEL=offline)" in told
    environ = {"STRATUM_STATE_DIR": str(no_model.state_dir)}
    async with talking(
        build(ServerSettings.from_environment(environ, cwd=no_model.folder)), "2025-11-25"
    ) as talk:
        text = await talk.error("plan", **no_model.plan_arguments())
    assert "'text'" in text
    assert '`offline` (options: {"model": "offline"})' in text


def test_a_list_of_single_values_comes_with_the_option_that_names_its_column(
    job: Job, stratum: Callable[..., Done]
) -> None:
    job.spec.write_text(DOCUMENT.replace("notes: list<Note>", "notes: list<string>"), "utf-8")
    job.spec.write_text(job.spec.read_text("utf-8").replace("text: item.text", "text: item"), "utf-8")
    assert "e.g. --column notes.item=id; the columns are 'id', 'text'" in stratum(*plan_arguments()).err
    assert stratum(*plan_arguments("--column", "notes.item=text")).code == 0


def test_an_unknown_run_comes_with_the_command_that_lists_them(stratum: Callable[..., Done]) -> None:
    assert "`stratum runs` lists them" in stratum("resume", "run_000000000000").err


def test_a_plain_word_that_is_no_file_comes_with_how_a_text_is_written(
    job: Job, stratum: Callable[..., Done]
) -> None:
    job.spec.write_text(ONE_TEXT, "utf-8")
    told = stratum("plan", job.spec.name, "--input", "today=2026-03-01")
    assert told.code == 1
    assert """write it with its quotes: --input 'today="2026-03-01"'""" in told.err
    assert stratum("plan", job.spec.name, "--input", 'today="2026-03-01"').code == 0


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ('[{"id": 1,}]', "line 1, column 1"),
        ('{"id": 1', "line 1, column 9"),
        ('"open', "line 1, column 1"),
        ("[NaN]", "NaN is not a value of JSON"),
        ("[" * 100_000, "it is nested too deeply"),
    ],
)
def test_broken_json_is_told_as_that_and_where(stratum: Callable[..., Done], given: str, why: str) -> None:
    told = stratum("plan", "notes.stratum.yaml", "--input", f"notes={given}")
    assert told.code == 2
    assert "'notes' is not JSON: " in told.err
    assert why in told.err
    assert "there is no file" not in told.err


def test_the_help_says_how_a_run_goes_on_that_came_to_its_cap(stratum: Callable[..., Done]) -> None:
    assert "stopped by the cap (`stratum approve RUN --cap USD`, then" in stratum("--help").out
