"""What a person is told to do is something they can type at the command line; an agent hears it in its tools' words."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from stratum_core.engine import Engine, Settings
from stratum_mcp.server import build
from stratum_mcp.settings import ServerSettings
from tests.cli._command import Done, plan_arguments
from tests.server._talk import server_of, talking
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


@pytest.fixture
def ended(stratum: Callable[..., Done]) -> str:
    """A run that is done."""
    return str(stratum("demo", "--yes-under", "0.05", "--rows", "1", "--json").record()["run_id"])


def test_without_a_model_a_person_hears_the_option_and_the_variable(
    no_model: Job, stratum: Callable[..., Done]
) -> None:
    told = stratum(*plan_arguments())
    assert told.code == 1
    assert "`offline` (--model offline, or STRATUM_MODEL=offline)" in told.err
    assert stratum(*plan_arguments("--model", "offline")).code == 0
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


@pytest.mark.parametrize("verb", ["validate", "emit"])
def test_a_file_elsewhere_comes_with_the_ways_to_allow_its_folder(
    job: Job, stratum: Callable[..., Done], monkeypatch: pytest.MonkeyPatch, verb: str
) -> None:
    outside = job.folder.parent / ("other.py" if verb == "emit" else "other.stratum.yaml")
    outside.write_text(DOCUMENT, "utf-8")
    told = stratum(verb, str(outside))
    assert told.code == 1
    assert "STRATUM_ROOTS names them where Stratum is started, `roots` in the operator's policy" in told.err
    monkeypatch.setenv("STRATUM_ROOTS", str(job.folder.parent))
    assert "outside" not in stratum(verb, str(outside)).err


def test_a_run_that_has_ended_is_not_said_to_be_cancelled(stratum: Callable[..., Done], ended: str) -> None:
    told = stratum("cancel", ended)
    assert (told.code, "had ended before: there was nothing to cancel" in told.err) == (0, True)
    assert told.out.startswith("Done. ")
    assert "had ended before" in stratum("cancel", ended, "--json").record()["note"]


@pytest.mark.anyio
async def test_an_agent_hears_that_a_run_had_ended(job: Job, ended: str) -> None:
    async with talking(server_of(job), "2025-11-25") as talk:
        told = await talk.ask("cancel", run_id=ended)
    assert (told["state"], told["note"].startswith("The run had ended before")) == ("completed", True)


def test_a_misspelt_setting_comes_with_its_line_and_the_right_one(
    job: Job, stratum: Callable[..., Done], monkeypatch: pytest.MonkeyPatch
) -> None:
    policy = job.folder / "policy.yaml"
    policy.write_text("max_usd: 1\nmodel_allowed: [offline]\nlimits:\n  days_usd: 3\nwhatever: 1\n", "utf-8")
    policy.chmod(0o600)
    monkeypatch.setenv("STRATUM_POLICY", str(policy))
    told = stratum("runs").err
    assert (
        f"{policy} is wrong: line 4, limits.days_usd: there is no such setting; did you mean day_usd?; "
        "line 2, model_allowed: there is no such setting; did you mean models_allowed?; "
        "line 5, whatever: there is no such setting\n"
    ) in told
    policy.write_text("[]", "utf-8")
    assert "is wrong: the file: " in stratum("runs").err


def test_one_finding_is_one(job: Job, stratum: Callable[..., Done]) -> None:
    job.spec.write_text(DOCUMENT.replace("len(tones)", "len(tonnes)"), "utf-8")
    assert stratum("validate", job.spec.name).out.endswith("\n1 finding, not valid\n")
    job.spec.write_text(DOCUMENT.replace("judged", "replies"), "utf-8")
    plan = stratum(*plan_arguments("--rows", "1", "--model", "offline", "--json")).record()
    with Engine(Settings.from_environment(job.environ, cwd=job.folder)) as engine:
        engine.decide(plan["plan_id"], approved=True, channel="flag")
    assert stratum("execute", plan["plan_id"]).out.startswith("Done. 1 reply, ")


def test_the_help_says_how_a_run_goes_on_that_came_to_its_cap(stratum: Callable[..., Done]) -> None:
    assert "stopped by the cap (`stratum approve RUN --cap USD`, then" in stratum("--help").out
