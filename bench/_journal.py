"""Durable steps a second with 64 in flight, beside one commit for each step on the same disk."""

from __future__ import annotations

import sqlite3
import tempfile
import time
from contextlib import closing
from pathlib import Path

import anyio

from bench._measure import Row, alternating
from stratum_core.budget import Usage
from stratum_core.journal import Intent, RunJournal

__all__ = ["measure"]

_IN_FLIGHT = 64
_STEPS = 4_000
_TARGET = 10_000


def measure(*, rounds: int = 3) -> list[Row]:
    """Return durable commits a second: two for each call (intent, answer) for ours, one row each for the peer."""
    ours, theirs = alternating(_ours, _one_by_one, rounds=rounds)
    return [
        Row(
            area=f"durable steps, {_IN_FLIGHT} in flight",
            ours=ours,
            unit="steps/s",
            peer="sqlite3, one commit a step",
            theirs=theirs,
            target=f">= {_TARGET:,}",
            met=ours >= _TARGET,
        )
    ]


def _ours() -> float:
    with tempfile.TemporaryDirectory() as directory:
        return anyio.run(_journalled, Path(directory))


async def _journalled(directory: Path) -> float:
    """Write calls from many tasks, each call an intent and an answer that are durable when they return."""
    journal = RunJournal.open(directory, "run_bench", create=True)
    numbers = iter(range(_STEPS // 2))
    reserved, used = Usage(nusd=100, tokens=100, calls=1), Usage(nusd=50, tokens=50, calls=1)

    async def worker() -> None:
        for number in numbers:
            path = f"map[{number}]"
            await journal.intent(
                Intent(
                    call_id=f"{path}#0",
                    path=path,
                    attempt=0,
                    input_hash="0" * 12,
                    request_hash="0" * 64,
                    model="offline",
                    reserved=reserved,
                )
            )
            await journal.settle(
                f"{path}#0", state="answered", usage=used, outcome={"kind": "reply", "text": "x" * 200}
            )

    started = time.perf_counter()
    async with anyio.create_task_group() as group:
        for _ in range(_IN_FLIGHT):
            group.start_soon(worker)
    taken = time.perf_counter() - started
    await journal.close(state="completed")
    return _STEPS / taken


def _one_by_one() -> float:
    """Commit one row at a time at the same durability."""
    with (
        tempfile.TemporaryDirectory() as directory,
        closing(sqlite3.connect(Path(directory) / "peer.db", isolation_level=None)) as connection,
    ):
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("CREATE TABLE events (seq INTEGER PRIMARY KEY, data TEXT)")
        steps = _STEPS // 4
        started = time.perf_counter()
        for number in range(steps):
            connection.execute("INSERT INTO events (data) VALUES (?)", (f"{number}" + "x" * 300,))
        return steps / (time.perf_counter() - started)
