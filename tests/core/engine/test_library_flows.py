"""Durable flows in Python show among the runs of their state directory, and only their programs act on them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace

import anyio
import pytest

from stratum_core import Budget, BudgetExceeded, compute, configure, flow, infer, run
from stratum_core.engine import RunView
from stratum_core.errors import RunError
from stratum_core.journal import RunJournal
from stratum_core.llm import ModelClient, ModelReply, ModelRequest
from stratum_core.money import format_usd
from stratum_core.testing import FunctionClient
from tests.core.engine._bench import Bench, ended

MODEL = "openai/gpt-4.1-mini"


@infer(intent="Answer in a word.")
async def answer(note: str) -> str: ...


@compute
def longer(text: str) -> str:
    return text * 2


@flow(budget=Budget(calls=3))
async def nightly(notes: list[str]) -> str:
    return await longer("".join([await answer(note) for note in notes]))


class Endless(ModelClient):
    """Never answers."""

    def __init__(self) -> None:
        self.asked = anyio.Event()

    async def complete(self, request: ModelRequest) -> ModelReply:
        self.asked.set()
        await anyio.sleep_forever()
        raise AssertionError(request)


@pytest.fixture(autouse=True)
def own_settings() -> Iterator[None]:
    with configure(client=FunctionClient(lambda _: {"value": "so"}), default_model=MODEL):
        yield


async def run_nightly(bench: Bench, run_id: str, *notes: str) -> str:
    return await nightly.durable(bench.job.state_dir, run_id=run_id)(list(notes))


async def cut_off(bench: Bench, run_id: str) -> RunView:
    """Start the flow, cancel it while a request is in flight, and return how it stood until then."""
    client, seen = Endless(), list[RunView]()
    with configure(client=client):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(run_nightly, bench, run_id, "a")
            with anyio.fail_after(5):
                await client.asked.wait()
            seen.append(bench.engine().show_run(run_id))
            tasks.cancel_scope.cancel()
    return seen[0]


async def test_a_flow_that_kept_its_record_here_is_listed_and_shown(bench: Bench) -> None:
    engine = bench.engine()
    assert await run_nightly(bench, "friday", "a", "b") == "soso" * 2
    (view,) = engine.runs()
    assert view == engine.show_run("friday")
    assert replace(view, chain_head="", usd=0.0, charged_nusd=0, message="") == RunView(
        run_id="friday",
        plan_id="",
        flow="nightly",
        state="completed",
        message="",
        done=0,
        total=0,
        usd=0.0,
        cap_usd=0.0,
        simulated=False,
        live=False,
    )
    assert view.charged_nusd > 0
    assert view.message == f"Flow `nightly` in Python: Done. {format_usd(view.charged_nusd)}."
    assert view.to_json()["flow"] == "nightly"
    tree = engine.run_report("friday")["tree"]
    assert isinstance(tree, dict)
    children = tree["children"]
    assert isinstance(children, list)
    assert [str(child["name"]).split("@")[0] for child in children if isinstance(child, dict)] == [
        "nightly/answer",
        "nightly/answer",
    ]


async def test_a_flow_that_was_cut_off_says_how_its_program_goes_on(bench: Bench) -> None:
    live = await cut_off(bench, "friday")
    view = bench.engine().show_run("friday")
    assert (live.live, live.state, live.charged_nusd) == (True, "running", 0)
    assert live.message == "Flow `nightly` in Python: Running. $0.00."
    assert (view.live, view.state, view.resumable, view.left_over) == (False, "interrupted", False, "")
    assert view.charged_nusd > 0
    assert view.message.startswith("Flow `nightly` in Python: Interrupted. $")
    assert view.message.endswith(", 1 call possibly paid. To go on, run it again with run_id='friday'.")


async def test_a_flow_that_failed_says_why(bench: Bench) -> None:
    with pytest.raises(BudgetExceeded):
        await run_nightly(bench, "friday", "a", "b", "c", "d")
    view = bench.engine().show_run("friday")
    assert view.state == "stopped_budget"
    assert "nightly" in view.error
    assert view.error.rstrip(".") in view.message


async def test_dollars_of_the_offline_model_are_not_real(bench: Bench) -> None:
    with configure(client=None, default_model="offline"):
        await run_nightly(bench, "friday", "a")
    view = bench.engine().show_run("friday")
    assert view.simulated
    assert "(simulated)" in view.message


def test_runs_of_plans_and_of_flows_are_listed_together_newest_first(bench: Bench) -> None:
    engine = bench.engine()
    run(run_nightly(bench, "friday", "a"))
    bench.clock.advance(10**9)  # the records of flows have the time of this machine
    plan = bench.approved(engine, rows=1)
    planned = ended(engine, engine.execute(plan.plan_id).run_id)
    assert [view.run_id for view in engine.runs()] == [planned.run_id, "friday"]
    assert [view.run_id for view in engine.runs(limit=1)] == [planned.run_id]


async def test_no_command_acts_on_the_run_of_a_flow(bench: Bench) -> None:
    engine = bench.engine()
    await cut_off(bench, "friday")
    before = engine.show_run("friday")
    assert engine.resume("friday") == before
    with pytest.raises(RunError) as caught:
        engine.cancel("friday")
    assert caught.value.message == "run friday is of the flow `nightly` in Python, which no command ends"
    assert engine.show_run("friday") == before


async def test_records_of_neither_and_files_that_are_none_are_left_out(bench: Bench) -> None:
    engine = bench.engine()
    journal = RunJournal.open(bench.job.state_dir, "stray", create=True)
    await journal.close()
    runs = bench.job.state_dir / "runs"
    (runs / "with space.db").touch()
    (runs / "run_0123456789ab.db").touch()
    (runs / "away.db").symlink_to(runs / "nowhere.db")
    assert engine.runs() == ()
    with pytest.raises(RunError):
        engine.show_run("stray")
    with pytest.raises(RunError):
        engine.show_run("with space")


async def test_the_record_of_a_flow_can_be_checked(bench: Bench) -> None:
    engine = bench.engine()
    await run_nightly(bench, "friday", "a")
    head = engine.show_run("friday").chain_head
    found = engine.audit.verify("friday", head=head)
    assert (found.ok, found.head, found.noted[head]) == (True, head, found.events)
    assert not engine.audit.verify("friday", head="0" * 64).ok
    with pytest.raises(RunError):
        engine.audit.verify("saturday")


async def test_a_record_that_cannot_be_read_says_so_in_the_list(bench: Bench) -> None:
    engine = bench.engine()
    await run_nightly(bench, "friday", "a")
    file = bench.job.state_dir / "runs" / "friday.db"
    os.truncate(file, 200)
    for beside in file.parent.glob("friday.db-*"):
        beside.unlink()
    (view,) = engine.runs()
    assert (view.run_id, view.readable, view.state) == ("friday", False, "failed")
    assert view.message.startswith("Cannot be read: ")
