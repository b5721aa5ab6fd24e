"""`stratum drift` over two runs that were really made, from the command line."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing

import pytest

from stratum_core.engine import Engine
from stratum_mcp.cli._exit import Exit
from stratum_mcp.cli._session import Session
from tests.cli._command import Done, plan_arguments
from tests.support.jobs import DOCUMENT, Job

pytestmark = pytest.mark.slow

Ran = Callable[..., str]


@pytest.fixture
def ran(stratum: Callable[..., Done]) -> Ran:
    """Plans, approves and runs the job, and returns the run's id."""

    def run(*options: str) -> str:
        plan_id = stratum(*plan_arguments("--json", *options)).record()["plan_id"]
        with Engine(Session(as_json=True).settings()) as engine:
            engine.decide(plan_id, approved=True, channel="terminal")
        return stratum("execute", plan_id, "--json").record()["run_id"]

    return run


def test_two_runs_with_an_edit_between_them_are_compared_in_words(
    job: Job, stratum: Callable[..., Done], ran: Ran
) -> None:
    first = ran()
    job.spec.write_text(
        DOCUMENT.replace("Judge the tone of a note", "Say how a note sounds").replace(
            "output: Tone\nflows", "output: Tone\n    temperature: 0.5\nflows"
        ),
        "utf-8",
    )
    second = ran()

    shown = stratum("drift", first, second)
    assert shown.code == Exit.OK
    lines = shown.out.splitlines()
    assert lines[0] == "Changed: judge (intent, temperature)."
    assert lines[1].startswith(f"  Before: {first} of ")
    assert lines[2].startswith(f"  Now: {second} of ")
    assert lines[3] == "  Same data."
    assert lines[5].startswith("judge: same contract, other intent, temperature 0.5, was none; ")
    assert "right at the first try" in lines[5]
    assert lines[5].endswith("(simulated)")
    assert [line.split()[0] for line in lines[6:9]] == ["intent", "prompt", "temperature"]
    assert "Works very well" not in shown.out

    told = stratum("drift", first, second, "--json").record()
    assert told["message"] == lines[0]
    assert (told["changed"], told["around"]) == (True, ["document"])
    (judge,) = told["functions"]
    assert (judge["function"], judge["in"], judge["summary"]) == ("judge", "both", lines[5])
    assert judge["changed"] == ["intent", "template", "temperature"]
    assert (judge["first"]["figures"]["calls"], judge["second"]["figures"]["calls"]) == (5, 5)
    assert judge["first"]["figures"]["nusd"] == told["first"]["nusd"] > 0
    assert "Works very well" not in str(told)

    assert stratum("drift", first, second, "--check").code == Exit.FAILED


def test_other_rows_of_the_same_plan_change_no_function(
    job: Job, stratum: Callable[..., Done], ran: Ran
) -> None:
    first = ran()
    job.write_rows(3)
    second = ran()
    shown = stratum("drift", first, second, "--check")
    assert (shown.code, shown.out.splitlines()[0]) == (
        Exit.OK,
        "Every function is the same: what moved comes from the models and the data, or is chance.",
    )
    assert "  Other data: notes.\n" in shown.out
    assert "  calls                   5 -> 3\n" in shown.out


def test_what_cannot_be_compared_is_said_with_what_to_do(
    job: Job, stratum: Callable[..., Done], ran: Ran
) -> None:
    run_id, other = ran(), ran()
    for arguments, words in (
        ((run_id, run_id), "cannot be compared with itself"),
        ((run_id, "run_000000000000"), "there is no run run_000000000000"),
        ((run_id, "../../x"), "is not a run id"),
    ):
        refused = stratum("drift", *arguments)
        assert (refused.code, words in refused.err, refused.out) == (Exit.FAILED, True, "")
    assert stratum("drift", run_id).code == Exit.USAGE

    with closing(sqlite3.connect(job.state_dir / "runs" / f"{other}.db")) as journal, journal:
        journal.execute("PRAGMA user_version = 99")
    newer = stratum("drift", run_id, other, "--json")
    assert (newer.code, newer.record()["error"]["code"]) == (Exit.FAILED, "journal_version")

    (job.state_dir / "runs" / f"{other}.db").unlink()
    gone = stratum("drift", other, run_id)
    assert (gone.code, f"run {other} has no journal yet" in gone.err) == (Exit.FAILED, True)
