"""`stratum runs` and `stratum show` over a state directory in which flows of a Python program keep their records."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from stratum_core import configure, flow, infer, run
from stratum_core.testing import FunctionClient
from tests.cli._command import Done
from tests.support.jobs import Job


@infer(intent="Answer in a word.")
async def answer(note: str) -> str: ...


@flow
async def planner(note: str) -> str:
    return await answer(note)


@pytest.fixture(autouse=True)
def kept(job: Job) -> None:
    """Run a flow once, with its record among the runs of the project."""
    with configure(client=FunctionClient(lambda _: {"value": "so"}), default_model="openai/gpt-4.1-mini"):
        run(planner.durable(job.state_dir, run_id="planner-friday")("a"))


def test_a_flow_is_listed_with_its_name_in_the_place_of_a_plan(stratum: Callable[..., Done]) -> None:
    line = next(
        line for line in stratum("runs").out.splitlines() if line.strip().startswith("planner-friday")
    )
    assert line.split()[:2] == ["planner-friday", "completed"]
    assert line.rstrip().endswith("flow planner")


def test_a_flow_is_shown_with_its_calls(stratum: Callable[..., Done]) -> None:
    shown = stratum("show", "planner-friday")
    assert shown.code == 0
    assert "Flow `planner` in Python: Done." in shown.out
    assert "run: planner-friday of flow `planner`" in shown.out
    assert "planner/answer@" in shown.out


def test_a_script_is_told_the_same(stratum: Callable[..., Done]) -> None:
    record = stratum("show", "planner-friday", "--json").record()
    assert (record["flow"], record["plan_id"], record["state"]) == ("planner", "", "completed")
    assert record["report"]["tree"]["children"]


def test_a_command_that_would_act_on_it_says_who_can(stratum: Callable[..., Done]) -> None:
    done = stratum("cancel", "planner-friday")
    assert done.code != 0
    assert "run planner-friday is of the flow `planner` in Python, which no command ends" in done.err
    assert "stop the program that runs it" in done.err
