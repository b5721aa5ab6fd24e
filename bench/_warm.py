"""From a person's yes to the first request at the provider, with a runner that waits and without."""

from __future__ import annotations

import os
import statistics
import tempfile
import time
from pathlib import Path

import anyio
import psutil

from bench._measure import Row
from stratum_core.engine import Engine, Settings
from tests.support.jobs import Job, make_job
from tests.support.providers import ProviderServer, openai

__all__ = ["measure"]

_READS_S = 20.0
"""A person reads the plan for so long, or until the runner has nothing left to do."""
_QUIET_CPU = 0.02
_PATIENCE_S = 120.0


def measure(*, rounds: int = 3) -> list[Row]:
    """Return the seconds from yes to the first request; the median of so many rounds of each, in turn."""
    warm, cold = zip(*(anyio.run(_both) for _ in range(rounds)), strict=True)
    ours, theirs = statistics.median(warm), statistics.median(cold)
    return [
        Row(
            area="yes to first request",
            ours=ours,
            unit="s",
            peer="without a warm start",
            theirs=theirs,
            target="below the other",
            met=ours < theirs,
        )
    ]


async def _both() -> tuple[float, float]:
    return await _once(warm=True), await _once(warm=False)


async def _once(*, warm: bool) -> float:
    with tempfile.TemporaryDirectory() as folder:
        job = make_job(Path(folder))
        async with ProviderServer(openai.completion('{"label": "neutral", "confidence": 0.9}')) as provider:
            with Engine(_settings(job, f"{provider.url}/v1")) as engine:
                plan_id = engine.plan(
                    str(job.spec),
                    inputs={"notes": {"file": job.data.name}},
                    options={"model": "openai/gpt-4.1-mini", "background": False},
                ).plan_id
                if warm:
                    engine.prepare(plan_id)
                    await _reading()
                said_at = time.perf_counter()
                engine.decide(plan_id, approved=True, channel="dialog")
                run_id = engine.execute(plan_id).run_id
                with anyio.fail_after(_PATIENCE_S):
                    await provider.arrived.wait()
                took = time.perf_counter() - said_at
                await engine.wait(run_id, timeout_s=_PATIENCE_S)
    return took


async def _reading() -> None:
    """Let the person read: until the runner has been idle for a second, or for the longest time."""
    (runner,) = psutil.Process().children()
    with anyio.move_on_after(_READS_S):
        before = -1.0
        while (spent := sum(runner.cpu_times()[:2])) > before + _QUIET_CPU:
            before = spent
            await anyio.sleep(1)


def _settings(job: Job, url: str) -> Settings:
    environ = {**os.environ, **job.environ, "OPENAI_API_KEY": "sk-test", "OPENAI_API_BASE": url}
    return Settings.from_environment(environ, cwd=job.folder)
