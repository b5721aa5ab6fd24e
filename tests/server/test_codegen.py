"""The `codegen` tool: a plan as a Python file in the project, and nothing over a file that is there."""

from __future__ import annotations

import ast

from tests.server._talk import Person, Talk, server_of, talking
from tests.support.jobs import Job


async def _planned(talk: Talk) -> str:
    record = await talk.ask(
        "plan",
        spec="notes.stratum.yaml",
        inputs={"notes": {"file": "notes.csv"}},
        options={"model": "offline"},
    )
    return str(record["plan_id"])


async def test_a_plan_is_written_and_the_reply_is_small_and_flat(job: Job, era: str) -> None:
    async with talking(server_of(job), era) as talk:
        record = await talk.ask("codegen", plan_id=await _planned(talk), path="notes.py")

    text = (job.folder / "notes.py").read_text("utf-8")
    assert ast.parse(text)
    assert record == {
        "path": str(job.folder / "notes.py"),
        "written": True,
        "flow": "all_notes",
        "ir_hash": record["ir_hash"],
        "contracts_equal": 3,
        "functions_equal": 1,
        "same_document": True,
    }
    assert f"# ir {record['ir_hash']}" in text
    assert not any(isinstance(value, (dict, list)) for value in record.values())


async def test_a_file_that_is_there_is_left_alone_and_the_difference_told(job: Job, era: str) -> None:
    (job.folder / "notes.py").write_text("mine = 1\n", "utf-8")
    async with talking(server_of(job), era) as talk:
        text = await talk.error("codegen", plan_id=await _planned(talk), path="notes.py")

    assert "nothing was written" in text
    assert "-mine = 1" in text
    assert (job.folder / "notes.py").read_text("utf-8") == "mine = 1\n"


async def test_a_place_outside_the_folders_and_an_unknown_plan_are_refused(job: Job, era: str) -> None:
    async with talking(server_of(job), era) as talk:
        assert "outside" in await talk.error("codegen", plan_id=await _planned(talk), path="../out.py")
        assert "does not end in .py" in await talk.error(
            "codegen", plan_id=await _planned(talk), path="out.sh"
        )
        assert "plan_error" in await talk.error("codegen", plan_id="plan_000000000000", path="out.py")
    assert sorted(path.name for path in job.folder.iterdir()) == ["notes.csv", "notes.stratum.yaml"]


async def test_a_persistent_run_names_the_module_it_leaves(job: Job, era: str) -> None:
    person = Person()
    async with talking(server_of(job), era, person=person) as talk:
        arguments = job.plan_arguments()
        plan = await talk.ask("plan", **arguments, options={"model": "offline", "mode": "persistent"})
        assert "the job is written as Python to all_notes.py" in " ".join(str(plan["summary"]).split())
        await talk.ask("approve", plan_id=plan["plan_id"])
        run = await talk.ask("execute", plan_id=plan["plan_id"])

    written = job.folder / "all_notes.py"
    assert (run["state"], run["module"]) == ("completed", str(written))
    assert "Writes all_notes.py." in " ".join(person.asked[0].message.split())
    assert ast.parse(written.read_text("utf-8"))
