"""Whose folders a document and its data may come from."""

from __future__ import annotations

import os
from pathlib import Path

import mcp.types as wire
from mcp.client import Client, ClientRequestContext

from stratum_mcp.settings import ServerSettings, folders
from tests.server._talk import Person, record_of, server_of, talking
from tests.support.jobs import Job, make_job


def _elsewhere(job: Job) -> Job:
    """Another project beside the one the server was started in."""
    folder = job.folder.parent / "elsewhere"
    folder.mkdir()
    return make_job(folder)


async def test_the_clients_roots_count_before_the_servers_folder(job: Job, era: str) -> None:
    other = _elsewhere(job)
    other.write_rows(3)
    with_person = Person()
    async with talking(server_of(job), era, roots=[other.folder], person=with_person) as talk:
        plan = await talk.ask("plan", **job.plan_arguments())
        assert plan["items"] == 3
        assert "outside" in await talk.error("validate", spec=str(job.spec))
        await talk.ask("approve", plan_id=plan["plan_id"])
        assert (await talk.ask("execute", plan_id=plan["plan_id"]))["done"] == 3


async def test_folders_named_by_the_operator_count_before_the_clients(job: Job, era: str) -> None:
    other = _elsewhere(job)
    job.extra["STRATUM_ROOTS"] = str(job.folder)
    async with talking(server_of(job), era, roots=[other.folder]) as talk:
        assert (await talk.ask("plan", **job.plan_arguments()))["items"] == 5
        assert "outside" in await talk.error("validate", spec=str(other.spec))


async def test_a_client_without_roots_works_in_the_servers_folder(job: Job, era: str) -> None:
    async with talking(server_of(job), era, roots=[]) as talk:
        assert (await talk.ask("plan", **job.plan_arguments()))["items"] == 5


async def test_a_client_that_cannot_tell_its_roots_works_in_the_servers_folder(job: Job) -> None:
    async def fail(context: ClientRequestContext) -> wire.ErrorData:
        return wire.ErrorData(code=-32603, message="not now")

    async with Client(server_of(job), mode="legacy", list_roots_callback=fail) as client:
        plan = record_of(await client.call_tool("plan", job.plan_arguments()))
    assert plan["items"] == 5


def test_the_project_claude_code_names_counts_before_the_working_directory(tmp_path: Path) -> None:
    named = ServerSettings.from_environment({"CLAUDE_PROJECT_DIR": "/srv/project"}, cwd=tmp_path)
    assert named.folder == Path("/srv/project")
    assert ServerSettings.from_environment({}, cwd=tmp_path).folder == tmp_path


def test_only_existing_local_folders_count_as_roots(tmp_path: Path) -> None:
    spaced = tmp_path / "a folder"
    spaced.mkdir()
    uris = [
        spaced.as_uri(),
        "https://example.org/x",
        "file://host/share",
        f"file://{os.fspath(tmp_path)}/none",
    ]
    assert folders(uris) == (spaced,)
