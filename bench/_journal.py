"""Durable steps a second with 64 in flight, beside the disk, plain sqlite3, and two durable-execution libraries.

A step of ours is one durable commit; a model call takes two (the intent before it, the answer after it), so beside the
peers, which write a finished step once, what counts is our calls.
"""

from __future__ import annotations

import json
import os
import sqlite3
import statistics
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import anyio

from bench._measure import Row, alternating
from stratum_core.budget import Usage
from stratum_core.journal import Intent, RunJournal

__all__ = ["measure"]

_IN_FLIGHT = 64
_CALLS = 2_000
_LONG_CALLS = 50_000
_PEER_STEPS = 1_280
_TARGET_STEPS_S = 10_000
_TARGET_P99_MS = 15.0
_TARGET_FASTER = 20
_TARGET_FLAT = 0.7
_COMMIT_BYTES = 300

_PEERS = Path(__file__).parent / "peers"
_PEERS_PYTHON = Path(__file__).parents[1] / ".venv" / "peers" / "bin" / "python"
_LIBRARIES = {"DBOS, SQLite": "durable_dbos.py", "LangGraph, SQLite saver": "durable_langgraph.py"}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Rate:
    """How fast durable calls went."""

    steps_s: float
    p99_ms: float
    """Of one durable commit."""
    last_share: float
    """The rate of the last tenth as a share of the rate of the first."""


def measure(*, rounds: int = 3) -> list[Row]:
    """Return our durable commits a second beside the disk's and sqlite3's own, and our calls beside the peers'."""
    rates: list[_Rate] = []

    def ours() -> float:
        rates.append(_ours(_CALLS))
        return rates[-1].steps_s

    steps_s, one_by_one = alternating(ours, _one_by_one, rounds=rounds)
    p99_ms = statistics.median(rate.p99_ms for rate in rates)
    share = _ours(_LONG_CALLS).last_share
    label = f"durable steps, {_IN_FLIGHT} in flight"
    return [
        _row(label, steps_s, "sqlite3, one commit a step", one_by_one, _TARGET_STEPS_S),
        Row(area=label, ours=steps_s, unit="steps/s", peer="this disk: fdatasync/s", theirs=_fdatasync()),
        Row(
            area="the same, 99th percentile of a step",
            ours=p99_ms,
            unit="ms",
            target=f"<= {_TARGET_P99_MS:g}",
            met=p99_ms <= _TARGET_P99_MS,
        ),
        Row(
            area=f"steps {_LONG_CALLS * 2 * 9 // 10:,} to {_LONG_CALLS * 2:,} beside the first tenth",
            ours=share,
            unit="x",
            target=f">= {_TARGET_FLAT:g}",
            met=share >= _TARGET_FLAT,
        ),
        *_beside_libraries(steps_s / 2),
    ]


def _row(area: str, ours: float, peer: str, theirs: float, least: float) -> Row:
    return Row(
        area=area,
        ours=ours,
        unit="steps/s",
        peer=peer,
        theirs=theirs,
        target=f">= {least:,.0f}",
        met=ours >= least,
    )


def _beside_libraries(calls_s: float) -> Iterator[Row]:
    """Yield a row for each peer, and one against the faster of them; none where they are not installed."""
    if not _PEERS_PYTHON.exists():
        return
    rates = {name: _library(_PEERS / script) for name, script in _LIBRARIES.items()}
    fastest = max(rates.values())
    for name, rate in rates.items():
        least = fastest * _TARGET_FASTER
        counts = rate == fastest
        yield Row(
            area=f"durable calls, {_IN_FLIGHT} in flight",
            ours=calls_s,
            unit="calls/s",
            peer=f"{name}: steps/s",
            theirs=rate,
            target=f">= {_TARGET_FASTER}x" if counts else "",
            met=calls_s >= least if counts else None,
        )


def _library(script: Path) -> float:
    """Run a peer in its own environment and return its durable steps a second."""
    done = subprocess.run(
        [str(_PEERS_PYTHON), str(script), str(_IN_FLIGHT), str(_PEER_STEPS)],
        capture_output=True,
        text=True,
        check=True,
        timeout=300,
    )
    return float(json.loads(done.stdout.splitlines()[-1])["steps_s"])


def _ours(calls: int) -> _Rate:
    with tempfile.TemporaryDirectory() as directory:
        return anyio.run(_journalled, Path(directory), calls)


async def _journalled(directory: Path, calls: int) -> _Rate:
    """Write calls from many tasks, each call an intent and an answer that are durable when they return."""
    journal = RunJournal.open(directory, "run_bench", create=True)
    numbers = iter(range(calls))
    reserved, used = Usage(nusd=100, tokens=100, calls=1), Usage(nusd=50, tokens=50, calls=1)
    took: list[float] = []
    marks: dict[int, float] = {}

    async def worker() -> None:
        for number in numbers:
            path = f"map[{number}]"
            began = time.perf_counter()
            marks[number] = began
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
            intended = time.perf_counter()
            await journal.settle(
                f"{path}#0", state="answered", usage=used, outcome={"kind": "reply", "text": "x" * 200}
            )
            took.extend((intended - began, time.perf_counter() - intended))

    started = time.perf_counter()
    async with anyio.create_task_group() as group:
        for _ in range(_IN_FLIGHT):
            group.start_soon(worker)
    ended = time.perf_counter()
    await journal.close(state="completed")
    first, last = marks[calls // 10] - started, ended - marks[calls - calls // 10]
    return _Rate(
        steps_s=2 * calls / (ended - started),
        p99_ms=statistics.quantiles(took, n=100)[98] * 1000,
        last_share=first / last,
    )


def _one_by_one() -> float:
    """Commit one row at a time at the same durability."""
    with (
        tempfile.TemporaryDirectory() as directory,
        closing(sqlite3.connect(Path(directory) / "peer.db", isolation_level=None)) as connection,
    ):
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("CREATE TABLE events (seq INTEGER PRIMARY KEY, data TEXT)")
        steps = _CALLS // 2
        started = time.perf_counter()
        for number in range(steps):
            connection.execute("INSERT INTO events (data) VALUES (?)", (f"{number}" + "x" * _COMMIT_BYTES,))
        return steps / (time.perf_counter() - started)


def _fdatasync() -> float:
    """Return how often a second this disk makes one small append durable."""
    with tempfile.TemporaryFile() as file:
        started = time.perf_counter()
        for _ in range(_CALLS // 2):
            os.write(file.fileno(), b"x" * _COMMIT_BYTES)
            os.fdatasync(file.fileno())
        return (_CALLS // 2) / (time.perf_counter() - started)
