"""A job paid by the person's own Claude Code login: no key, the real program, the plan that says so."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from stratum_core.engine import Engine, Settings
from tests.claude._client import ClaudeCode
from tests.claude._messages_api import MessagesApi
from tests.claude._script import Request, Script, UseTool
from tests.support.jobs import make_job

pytestmark = [pytest.mark.claude, pytest.mark.slow, pytest.mark.anyio]

PROGRAMS = Path(__file__).parent / "node" / "node_modules" / ".bin"


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def judging(request: Request) -> Script:
    """Answer every request with a tone; the first answer breaks the contract."""
    assert request.user_text
    yield [UseTool("StructuredOutput", {"label": "negative", "confidence": 7})]
    while True:
        yield [UseTool("StructuredOutput", {"label": "negative", "confidence": 0.9})]


async def test_without_a_key_a_job_runs_through_the_login_and_the_plan_says_what_it_uses(
    claude: ClaudeCode,
) -> None:
    job = make_job(claude.home)
    with MessagesApi(judging) as api:
        environ = claude.environment(api.url, {})
        path = f"{PROGRAMS}{os.pathsep}{environ['PATH']}"
        found = {**environ, **job.environ, "PATH": path, "CLAUDECODE": "1"}
        del found["ANTHROPIC_API_KEY"]
        settings = Settings.from_environment({**found, "STRATUM_MODEL": ""}, cwd=job.folder)
        assert settings.default_model == "claude-cli/claude-haiku-4-5"
        # The scripted API wants a key where the real one takes the login.
        keyed = replace(
            settings, environ={**settings.environ, "ANTHROPIC_API_KEY": environ["ANTHROPIC_API_KEY"]}
        )
        with Engine(keyed) as engine:
            plan = engine.plan(job.spec.name, inputs={"notes": {"file": job.data.name}}, options={"rows": 3})
            assert "Uses your Claude plan's allowance" in plan.summary
            assert "127.0.0.1" in plan.summary
            engine.decide(plan.plan_id, approved=True, channel="terminal")
            run = await engine.wait(engine.execute(plan.plan_id).run_id, timeout_s=100)
    assert (run.state, run.done, api.errors) == ("completed", 3, [])
    assert 0 < run.usd <= plan.at_most_usd
    assert len(api.requests) == 4
