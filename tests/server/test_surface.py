"""What a client sees before any call: few bytes, strict arguments, instructions; and what crashes look like."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from mcp import MCPError

from stratum_core.engine import Engine
from stratum_mcp.server import INSTRUCTIONS
from tests.server._talk import Person, server_of, talking
from tests.support.jobs import Job

_TOOLS = ["validate", "plan", "estimate_cost", "approve", "execute", "resume", "cancel", "codegen"]


async def test_the_list_of_tools_is_at_most_5_kilobytes(job: Job, era: str) -> None:
    async with talking(server_of(job), era) as talk:
        listed = await talk.client.list_tools()
    assert [tool.name for tool in listed.tools] == _TOOLS
    assert len(listed.model_dump_json(by_alias=True, exclude_none=True).encode()) <= 5_000


async def test_every_tool_is_strict_and_has_a_title_and_hints(job: Job, era: str) -> None:
    async with talking(server_of(job), era) as talk:
        for tool in (await talk.client.list_tools()).tools:
            assert tool.input_schema["additionalProperties"] is False
            assert tool.title
            assert tool.annotations is not None
            assert len(tool.description or "") <= 200
            assert "answer" not in tool.input_schema["properties"]
            assert "wait" not in str(tool.input_schema["properties"])


async def test_an_unknown_argument_is_refused_by_every_tool(job: Job, era: str) -> None:
    arguments = {"spec": "x: 1\n", "plan_id": "plan_1", "run_id": "run_1", "path": "x.py"}
    async with talking(server_of(job), era) as talk:
        for tool in (await talk.client.list_tools()).tools:
            given = {name: arguments[name] for name in tool.input_schema["required"]}
            assert "surprise" in await talk.error(tool.name, **given, surprise=1)


async def test_the_instructions_fit_and_begin_with_who_approves(job: Job, era: str) -> None:
    async with talking(server_of(job), era) as talk:
        assert talk.client.instructions == INSTRUCTIONS
    assert len(INSTRUCTIONS) <= 2_048
    assert INSTRUCTIONS.startswith("Only the person approves")


async def test_a_crash_inside_is_told_without_its_text(
    job: Job, era: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def crash(self: Engine, spec: str) -> None:
        raise RuntimeError("secret sk-test-123")

    monkeypatch.setattr(Engine, "validate", crash)
    async with talking(server_of(job), era) as talk:
        text = await talk.error("validate", spec="x: 1\n")
    assert "internal_error" in text
    assert "sk-test-123" not in text
    assert "sk-test-123" in caplog.text


async def test_guide_and_schema_can_be_read(job: Job, era: str) -> None:
    async with talking(server_of(job), era) as talk:
        assert "stratum: " in await talk.read("stratum://guide")
        assert json.loads(await talk.read("stratum://schema"))["$schema"]


async def test_plans_and_runs_can_be_read_as_resources(job: Job, era: str) -> None:
    async with talking(server_of(job), era, person=Person()) as talk:
        plan = await talk.ask("plan", **job.plan_arguments())
        await talk.ask("approve", plan_id=plan["plan_id"])
        run = await talk.ask("execute", plan_id=plan["plan_id"])
        shown_plan = json.loads(await talk.read(f"stratum://plans/{plan['plan_id']}"))
        shown_run = json.loads(await talk.read(run["trace"]))
    assert (shown_plan["summary"], shown_plan["run_id"]) == (plan["summary"], run["run_id"])
    assert shown_run["run"]["census"] == run["census"]
    assert len(shown_run["attempts"]) >= 5


async def test_a_plan_can_be_read_as_a_developer_does(job: Job, era: str) -> None:
    async with talking(server_of(job), era) as talk:
        plan = await talk.ask("plan", **job.plan_arguments())
        shown = await talk.read(f"stratum://plans/{plan['plan_id']}/outline")
    assert shown.startswith(f"PLAN {plan['plan_id']}  flow all_notes")
    assert "See attached data for: text" in shown
    assert "Broken on arrival" not in shown


@pytest.mark.parametrize(
    "uri",
    [
        "stratum://plans/plan_0",
        "stratum://plans/plan_0/outline",
        "stratum://runs/run_0",
        "stratum://runs/..%2f..%2fx",
    ],
)
async def test_a_resource_that_is_not_there_is_an_error_of_the_request(job: Job, era: str, uri: str) -> None:
    async with talking(server_of(job), era) as talk:
        with pytest.raises(MCPError) as caught:
            await talk.read(uri)
    assert caught.value.error.code == -32602


def test_the_server_starts_without_the_engine_and_the_provider_library() -> None:
    looked_for = "('litellm', 'stratum_core.engine', 'stratum_core.contracts')"
    probe = f"import sys, stratum_mcp.server; print([m for m in {looked_for} if m in sys.modules])"
    shown = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True)
    assert (shown.stdout, shown.stderr) == ("[]\n", "")


def test_the_server_command_takes_no_arguments() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "stratum_mcp.server", "--http"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "takes no arguments" in done.stderr
    assert done.stdout == ""
