"""Durable steps of DBOS on SQLite: workflows of steps, so many in flight; runs in the peers' own environment.

Prints one JSON line: steps a second, and the 99th percentile of a step's time in milliseconds.
"""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
import time

from dbos import DBOS

IN_FLIGHT, STEPS = int(sys.argv[1]), int(sys.argv[2])

times: list[float] = []


@DBOS.step()
async def answer(number: int) -> str:
    """Return what a model would."""
    return f"{number}" + "x" * 200


@DBOS.workflow()
async def ask(steps: int) -> None:
    """Take the steps one after the other."""
    for number in range(steps):
        started = time.perf_counter()
        await answer(number)
        times.append(time.perf_counter() - started)


async def measure() -> float:
    """Return the seconds all workflows took."""
    started = time.perf_counter()
    handles = [await DBOS.start_workflow_async(ask, STEPS // IN_FLIGHT) for _ in range(IN_FLIGHT)]
    await asyncio.gather(*(handle.get_result() for handle in handles))
    return time.perf_counter() - started


with tempfile.TemporaryDirectory() as directory:
    DBOS(
        config={
            "name": "bench",
            "system_database_url": f"sqlite:///{directory}/peer.sqlite",
            "log_level": "ERROR",
            "run_admin_server": False,
        }
    )
    DBOS.launch()
    taken = asyncio.run(measure())
    DBOS.destroy()
times.sort()
print(json.dumps({"steps_s": len(times) / taken, "p99_ms": times[int(len(times) * 0.99)] * 1000}))
