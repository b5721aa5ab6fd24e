"""The conversation Stratum exists for: plan, refused without a yes, asked, run, results."""

from __future__ import annotations

import json
from pathlib import Path

import anyio
import pytest

from tests.server._talk import Person, server_of, stdio_of, talking
from tests.support.jobs import Job


async def test_a_plan_is_refused_then_asked_about_then_run(job: Job, era: str) -> None:
    person = Person()
    with anyio.fail_after(60):
        async with talking(server_of(job), era, person=person) as talk:
            plan = await talk.ask("plan", **job.plan_arguments())
            assert plan["approval"] == "needs_approval"
            assert plan["items"] == 5

            refused = await talk.error("execute", plan_id=plan["plan_id"])
            assert "needs_approval" in refused
            assert "call approve with this plan_id" in refused
            assert person.asked == []

            approval = await talk.ask("approve", plan_id=plan["plan_id"])
            assert (approval["state"], approval["channel"]) == ("approved", "dialog")
            (question,) = person.asked
            assert question.message.splitlines()[-1].endswith("At most $0.00099.")
            assert "notes.csv" in question.message

            run = await talk.ask("execute", plan_id=plan["plan_id"])
    assert (run["state"], run["done"], run["total"]) == ("completed", 5, 5)
    assert run["result"]["judged"] == 5
    assert run["census"]["items_done"] == 5
    assert run["simulated"] is True
    assert 0 < run["usd"] <= run["cap_usd"]


async def test_the_same_over_stdio_where_only_the_wire_is_written_to(job: Job, era: str) -> None:
    with anyio.fail_after(90):
        async with talking(stdio_of(job), era, person=Person()) as talk:
            plan = await talk.ask("plan", **job.plan_arguments())
            await talk.ask("approve", plan_id=plan["plan_id"])
            run = await talk.ask("execute", plan_id=plan["plan_id"])
    assert run["state"] == "completed"


async def test_execute_again_gives_the_same_run_and_spends_nothing(job: Job, era: str) -> None:
    with anyio.fail_after(60):
        async with talking(server_of(job), era, person=Person()) as talk:
            plan = await talk.ask("plan", **job.plan_arguments())
            await talk.ask("approve", plan_id=plan["plan_id"])
            first = await talk.ask("execute", plan_id=plan["plan_id"])
            again = await talk.ask("execute", plan_id=plan["plan_id"])
            resumed = await talk.ask("resume", run_id=first["run_id"])
    assert again == first
    assert resumed == first


async def test_results_go_to_the_file_the_person_named(job: Job) -> None:
    async with talking(server_of(job), "2025-11-25", person=Person()) as talk:
        plan = await talk.ask("plan", **job.plan_arguments(), options={"out": "tones.csv"})
        await talk.ask("approve", plan_id=plan["plan_id"])
        run = await talk.ask("execute", plan_id=plan["plan_id"])
    assert Path(run["out"]) == job.folder / "tones.csv"
    assert len((job.folder / "tones.csv").read_text("utf-8").splitlines()) == 6


async def test_an_estimate_prices_fewer_rows_lower(job: Job) -> None:
    async with talking(server_of(job), "2025-11-25") as talk:
        plan = await talk.ask("plan", **job.plan_arguments())
        all_rows = await talk.ask("estimate_cost", plan_id=plan["plan_id"])
        two_rows = await talk.ask("estimate_cost", plan_id=plan["plan_id"], rows=2)
    assert 0 < two_rows["worst_case_usd"] < all_rows["worst_case_usd"]
    assert all_rows["basis"]


@pytest.mark.slow
async def test_an_impatient_client_gets_the_run_as_it_stands_and_can_come_back(job: Job, era: str) -> None:
    job.write_rows(6_000)
    with anyio.fail_after(100):
        async with talking(server_of(job, patience_s=0.5), era, person=Person()) as talk:
            plan = await talk.ask("plan", **job.plan_arguments())
            await talk.ask("approve", plan_id=plan["plan_id"])
            run = await talk.ask("execute", plan_id=plan["plan_id"])
            assert run["state"] == "running"
            assert "resume" in run["next"]

            stopped = await talk.ask("cancel", run_id=run["run_id"])
            for _ in range(100):
                if stopped["state"] == "cancelled":
                    break
                stopped = await talk.ask("resume", run_id=run["run_id"])
    assert stopped["state"] == "cancelled"
    assert stopped["census"]["calls_possibly_paid"] == 0


@pytest.mark.slow
async def test_claude_code_waits_to_the_end_with_progress_that_grows(job: Job) -> None:
    job.write_rows(1_500)
    with anyio.fail_after(100):
        async with talking(
            server_of(job, patience_s=0.1), "2025-11-25", person=Person(), name="claude-code"
        ) as talk:
            plan = await talk.ask("plan", **job.plan_arguments())
            await talk.ask("approve", plan_id=plan["plan_id"])
            run = await talk.ask("execute", plan_id=plan["plan_id"])
    assert run["state"] == "completed"
    figures = [done for done, _, _ in talk.progress]
    assert len(figures) > 2
    assert figures == sorted(set(figures))
    assert any("/1500 items" in (message or "") for _, _, message in talk.progress)


@pytest.mark.slow
async def test_a_cancelled_call_stops_waiting_and_never_the_run(job: Job, era: str) -> None:
    job.write_rows(1_500)
    with anyio.fail_after(100):
        async with talking(server_of(job), era, person=Person()) as talk:
            plan = await talk.ask("plan", **job.plan_arguments())
            await talk.ask("approve", plan_id=plan["plan_id"])
            with anyio.move_on_after(0.3) as given_up:
                await talk.call("execute", plan_id=plan["plan_id"])
            assert given_up.cancelled_caught
            shown = json.loads(await talk.read(f"stratum://plans/{plan['plan_id']}"))
            run = await talk.ask("resume", run_id=shown["run_id"])
    assert run["state"] == "completed"
    assert run["done"] == 1_500
