"""Bad input through the server: a clear error, nothing lost, nothing paid, and the server still answers."""

from __future__ import annotations

import os
import sqlite3
import time
from contextlib import closing

import anyio
import pytest

from tests.server._talk import Person, server_of, talking
from tests.support.bad_inputs import BAD_INPUTS, BadInput
from tests.support.jobs import Job


@pytest.mark.parametrize("bad", BAD_INPUTS, ids=str)
async def test_a_plan_from_bad_input_is_refused_with_what_to_do(job: Job, bad: BadInput) -> None:
    bad.arrange(job)
    arguments = {
        "spec": bad.spec or job.spec.name,
        "flow": bad.flow,
        "inputs": {"notes": {"file": bad.file, "columns": dict(bad.columns)}},
        "options": dict(bad.options),
    }
    with anyio.fail_after(20):
        async with talking(server_of(job), "2025-11-25") as talk:
            text = await talk.error("plan", **arguments)
            assert (await talk.ask("validate", spec=job.spec.name))["ok"] is True
    assert f"Error executing tool plan: {bad.code}: " in text
    assert [part for part in bad.says if part not in text] == []
    assert "\nWhat to do: " in text
    assert len(text) <= 20_000
    assert not (job.state_dir / "runs").exists()


async def test_a_plan_whose_key_is_missing_is_priced_and_can_neither_be_approved_nor_run(job: Job) -> None:
    person = Person()
    async with talking(server_of(job), "2025-11-25", person=person) as talk:
        plan = await talk.ask("plan", **job.plan_arguments(), options={"model": "openai/gpt-4o-mini"})
        refusals = [await talk.error(tool, plan_id=plan["plan_id"]) for tool in ("approve", "execute")]
        after = await talk.ask("estimate_cost", plan_id=plan["plan_id"], model="offline")
    assert plan["at_most_usd"] > 0
    assert "set OPENAI_API_KEY where Stratum runs" in plan["warnings"][0]
    for text in refusals:
        assert "configuration_error: plan plan_" in text
        assert "needs a key, but OPENAI_API_KEY is not set; nothing was approved or started" in text
        assert f"stratum estimate {plan['plan_id']} --model MODEL" in text
    assert after["worst_case_usd"] > 0
    assert person.asked == []
    assert not (job.state_dir / "runs").exists()


async def test_every_fault_of_a_document_arrives_at_once_with_its_place(job: Job) -> None:
    twenty = next(bad for bad in BAD_INPUTS if bad.name == "20 faults at once")
    async with talking(server_of(job), "2025-11-25") as talk:
        checked = await talk.ask("validate", spec=twenty.spec or "")
    assert checked["ok"] is False
    errors = [found for found in checked["diagnostics"] if found["severity"] == "error"]
    assert len(errors) >= 20
    assert [found for found in errors if not (found["line"] and found["column"] and found["message"])] == []


@pytest.mark.parametrize(
    "identity", ["plan_000000000000", "../../x", "", "plan_x\0y", "%2e%2e/x", "plan_" + "0" * 190]
)
@pytest.mark.parametrize("tool", ["estimate_cost", "approve", "execute"])
async def test_an_unknown_plan_is_named_as_such(job: Job, tool: str, identity: str) -> None:
    async with talking(server_of(job), "2025-11-25", person=Person()) as talk:
        assert "plan_error" in await talk.error(tool, plan_id=identity)
    assert sorted(path.name for path in job.folder.parent.iterdir()) == ["project", "state"]


@pytest.mark.parametrize("identity", ["run_000000000000", "../../x", "", "run_x\0y"])
@pytest.mark.parametrize("tool", ["resume", "cancel"])
async def test_an_unknown_run_is_named_as_such(job: Job, tool: str, identity: str) -> None:
    async with talking(server_of(job), "2025-11-25") as talk:
        assert "run_error" in await talk.error(tool, run_id=identity)
    assert sorted(path.name for path in job.folder.parent.iterdir()) == ["project", "state"]


async def test_a_file_edited_between_plan_and_execute_is_refused_and_nothing_is_paid(job: Job) -> None:
    with anyio.fail_after(60):
        async with talking(server_of(job), "2025-11-25", person=Person()) as talk:
            plan = await talk.ask("plan", **job.plan_arguments())
            await talk.ask("approve", plan_id=plan["plan_id"])
            job.write_rows(6)
            text = await talk.error("execute", plan_id=plan["plan_id"])
    assert "notes.csv" in text
    assert "changed" in text
    assert not (job.state_dir / "runs").exists()


async def test_an_expired_plan_can_neither_be_approved_nor_run(job: Job) -> None:
    policy = job.folder.parent / "policy.yaml"
    policy.write_text("plan_ttl_hours: 0.00001\n", "utf-8")
    policy.chmod(0o600)
    job.extra["STRATUM_POLICY"] = str(policy)
    person = Person()
    async with talking(server_of(job), "2025-11-25", person=person) as talk:
        plan = await talk.ask("plan", **job.plan_arguments())
        expired_at = time.monotonic() + 0.1
        while time.monotonic() < expired_at:
            await anyio.lowlevel.checkpoint()
        assert "expired" in await talk.error("approve", plan_id=plan["plan_id"])
        assert "expired" in await talk.error("execute", plan_id=plan["plan_id"])
    assert person.asked == []


async def test_a_consumed_approval_starts_no_second_run(job: Job) -> None:
    with anyio.fail_after(60):
        async with talking(server_of(job), "2025-11-25", person=Person()) as talk:
            plan = await talk.ask("plan", **job.plan_arguments())
            await talk.ask("approve", plan_id=plan["plan_id"])
            run = await talk.ask("execute", plan_id=plan["plan_id"])
            assert (await talk.ask("approve", plan_id=plan["plan_id"]))["state"] == "approved"
            assert (await talk.ask("execute", plan_id=plan["plan_id"]))["run_id"] == run["run_id"]
    assert len(list((job.state_dir / "runs").glob("*.db"))) == 1


async def test_a_state_directory_of_a_newer_version_is_refused_untouched(job: Job) -> None:
    async with talking(server_of(job), "2025-11-25") as talk:
        await talk.ask("plan", **job.plan_arguments())
    control = job.state_dir / "control.db"
    with closing(sqlite3.connect(control)) as connection:
        connection.execute("PRAGMA user_version = 9999")
        connection.commit()
    before = control.read_bytes()
    async with talking(server_of(job), "2025-11-25") as talk:
        assert "journal_version" in await talk.error("plan", **job.plan_arguments())
    assert control.read_bytes() == before


async def test_a_state_directory_that_cannot_be_made_is_an_error_with_its_place(job: Job) -> None:
    job.state_dir.write_text("a file", "utf-8")
    async with talking(server_of(job), "2025-11-25") as talk:
        text = await talk.error("plan", **job.plan_arguments())
    assert "internal_error" not in text
    assert os.fspath(job.state_dir) in text


async def test_an_unsafe_policy_is_told_at_the_first_call(job: Job) -> None:
    job.extra["STRATUM_POLICY"] = str(job.folder / "nowhere.yaml")
    async with talking(server_of(job), "2025-11-25") as talk:
        text = await talk.error("plan", **job.plan_arguments())
    assert "configuration_error" in text
    assert "nowhere.yaml" in text
