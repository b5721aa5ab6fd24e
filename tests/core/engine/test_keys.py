"""A provider's key stays in the environment and goes only where the plan says: nothing written down holds it."""

from __future__ import annotations

import json
from functools import partial

import anyio
import anyio.to_thread
import pytest

from stratum_core.engine._approvals import _require_reachable
from stratum_core.errors import ConfigurationError
from tests.core.engine._bench import Bench, ended
from tests.support.providers import ProviderServer, openai

KEY = "sk-" + "never" * 8


def test_a_key_in_the_environment_is_in_no_file_and_no_answer(bench: Bench) -> None:
    engine = bench.engine(OPENAI_API_KEY=KEY)
    run = engine.execute(bench.approved(engine).plan_id)
    run = ended(engine, run.run_id)
    assert run.state == "completed"
    files = [path for path in bench.job.state_dir.rglob("*") if path.is_file()]
    assert len(files) > 3
    assert [path.name for path in files if KEY.encode() in path.read_bytes()] == []
    assert KEY not in json.dumps([run.to_json(), engine.run_report(run.run_id)], default=str)


@pytest.mark.slow
@pytest.mark.anyio
async def test_requests_go_where_the_approved_plan_says_whatever_the_environment_says_later(
    bench: Bench,
) -> None:
    answer = openai.completion('{"label": "neutral", "confidence": 0.9}')
    async with ProviderServer(answer) as planned, ProviderServer(answer) as later:
        engine = bench.engine(OPENAI_API_KEY=KEY, OPENAI_API_BASE=f"{planned.url}/v1")
        plan = await anyio.to_thread.run_sync(
            partial(bench.approved, engine, rows=2, model="openai/gpt-4.1-mini")
        )
        assert f"at {planned.url.removeprefix('http://')}" in plan.summary
        other = bench.engine(OPENAI_API_KEY=KEY, OPENAI_BASE_URL=f"{later.url}/v1")
        run = await anyio.to_thread.run_sync(other.execute, plan.plan_id)
        view = await other.wait(run.run_id, timeout_s=60)
        assert (view.state, view.done) == ("completed", 2)
        assert (len(planned.received), len(later.received)) == (2, 0)


def test_a_run_that_needs_a_login_whose_program_is_gone_says_so_on_resume() -> None:
    with pytest.raises(ConfigurationError, match="needs the `claude` program") as raised:
        _require_reachable(
            ["claude-cli/claude-haiku-4-5"], {"PATH": "/nowhere"}, told="run run_1: {}", then="then resume"
        )
    assert raised.value.detail == {"model": "claude-cli/claude-haiku-4-5", "program": "claude"}
    assert "set PATH" not in raised.value.remedy
