"""A map of many items: what each costs, how much memory it takes, how fast it is beside the ideal, and how it resumes.

Every figure is taken in a process of its own, over a journal on disk, with answers that cost nothing; the runner's own
work is all there is.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import anyio

from bench._measure import Row
from stratum_core.budget import Budget
from stratum_core.checks import check
from stratum_core.contracts import stored
from stratum_core.journal import RunJournal
from stratum_core.llm import ModelReply, ModelRequest, PriceTable
from stratum_core.runtime import RunContext, run_program, write_result
from stratum_core.testing import Answer, as_reply

__all__ = ["measure"]

_IN_FLIGHT = 64
_LATENCY_S = 0.020
_IDEAL_ITEMS = 10_000
_SIZES = (100, 1_000, 10_000)
_LONG = 100_000
_TARGET_FLAT = 1.25
"""An item of the largest map may cost so many times one of a thousand."""
_TARGET_MB = 10.0
_TARGET_IDEAL = 1.7
_TARGET_RESUME_S = 60.0
_DOCUMENT = f"""\
stratum: "1"
contracts:
  Label: {{ note: string, label: {{ enum: [good, bad] }}, confidence: {{ type: float, min: 0, max: 1 }} }}
functions:
  judge: {{ mode: infer, intent: Judge the note, input: {{ note: string }}, output: Label }}
flows:
  main:
    input: {{ notes: list<string> }}
    output: list<Label>
    steps:
      - {{ id: rows, for_each: input.notes, function: judge, inputs: {{ note: item }}, concurrency: {_IN_FLIGHT} }}
      - {{ id: bad, compute: "sum(1 for row in rows if row.label == 'bad')" }}
    return: rows
"""


@dataclass(frozen=True, slots=True)
class _Prompt:
    """A client that answers after a latency, and keeps nothing."""

    latency_s: float

    async def complete(self, request: ModelRequest) -> ModelReply:
        """Answer."""
        await anyio.sleep(self.latency_s)
        answer: Answer = {
            "note": "a note of some length, to have something to keep",
            "label": "good",
            "confidence": 1,
        }
        return as_reply(request, answer, "stop")


def measure(*, long: bool = False) -> list[Row]:
    """Return the figures; the map of 100,000 items takes minutes and is made only when `long` is set."""
    sizes = (*_SIZES, _LONG) if long else _SIZES
    with tempfile.TemporaryDirectory() as directory:
        made = {items: _child(Path(directory) / str(items), items) for items in sizes}
        resumed = _child(Path(directory) / str(sizes[-1]), sizes[-1])
        ideal = _child(Path(directory) / "ideal", _IDEAL_ITEMS, latency_s=_LATENCY_S)
    return [*_flat(made), _ideal(ideal), *_resumed(sizes[-1], made[sizes[-1]], resumed)]


def _flat(made: Mapping[int, Mapping[str, float]]) -> list[Row]:
    """Return what an item costs and how the memory grows."""
    base = made[1_000]
    rows = [
        Row(
            area=f"map of {items:,}: each item",
            ours=found["cpu_s"] * 1000 / items,
            unit="CPU ms",
            peer="of 1,000",
            theirs=base["cpu_s"],
            target="" if items <= 1_000 else f"<= {_TARGET_FLAT} x",
            met=None if items <= 1_000 else found["cpu_s"] * 1000 / items <= _TARGET_FLAT * base["cpu_s"],
        )
        for items, found in made.items()
    ]
    rows += [
        Row(
            area=f"map of {items:,}: memory above 1,000 items",
            ours=found["peak_mb"] - base["peak_mb"],
            unit="MB",
            target=f"<= {_TARGET_MB:g}",
            met=found["peak_mb"] - base["peak_mb"] <= _TARGET_MB,
        )
        for items, found in made.items()
        if items > 1_000
    ]
    return rows


def _ideal(found: Mapping[str, float]) -> Row:
    """Return the wall time of a map whose answers take a while, beside that of its waiting alone."""
    ideal_s = _IDEAL_ITEMS * _LATENCY_S / _IN_FLIGHT
    return Row(
        area=f"map of {_IDEAL_ITEMS:,}, {_IN_FLIGHT} in flight, {_LATENCY_S * 1000:g} ms ({found['cpu_s']:.1f} CPU s)",
        ours=found["wall_s"],
        unit="s",
        peer="waiting alone",
        theirs=ideal_s,
        target=f"<= {_TARGET_IDEAL} x",
        met=found["wall_s"] <= _TARGET_IDEAL * ideal_s,
    )


def _resumed(items: int, made: Mapping[str, float], again: Mapping[str, float]) -> list[Row]:
    """Return how long a run takes to come to its end again, what it holds, and how large its file is."""
    return [
        Row(
            area=f"resume a run of {items:,}",
            ours=again["wall_s"],
            unit="s",
            peer="CPU s to make it",
            theirs=made["cpu_s"],
            target=f"<= {_TARGET_RESUME_S:g}",
            met=again["wall_s"] <= _TARGET_RESUME_S,
        ),
        Row(area=f"resume a run of {items:,}: memory", ours=again["peak_mb"], unit="MB in all"),
        Row(area="run file for 100,000 items", ours=made["file_mb"] * 100_000 / items, unit="MB"),
    ]


def _child(directory: Path, items: int, *, latency_s: float = 0.0) -> Mapping[str, float]:
    """Run a map in a process of its own, or resume the one that is there."""
    command = [sys.executable, "-m", "bench._map", str(directory), str(items), str(latency_s)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return json.loads(done.stdout)


async def _run(directory: Path, items: int, latency_s: float) -> dict[str, float]:
    """Run the map over its journal and write its result."""
    program = check(_DOCUMENT).program
    assert program is not None
    client, prices = _Prompt(latency_s), PriceTable.load()
    notes = stored(f"note number {number} about nothing in particular" for number in range(items))
    cpu, wall = time.process_time(), time.perf_counter()
    journal = RunJournal.open(directory, "run_bench", create=True)
    context = RunContext(
        program=program,
        journal=journal,
        client_for=lambda _: client,
        prices=prices,
        default_model="openai/gpt-4.1-mini",
    )
    outcome = await run_program(context, flow="main", inputs={"notes": notes}, budget=Budget())
    assert outcome.state == "completed", outcome.error
    write_result(directory / "out.csv", outcome.value)
    await journal.close(state="completed")
    return {
        "cpu_s": time.process_time() - cpu,
        "wall_s": time.perf_counter() - wall,
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "file_mb": (directory / "runs" / "run_bench.db").stat().st_size / 1e6,
    }


if __name__ == "__main__":
    _directory, _items, _latency = sys.argv[1:]
    print(json.dumps(anyio.run(_run, Path(_directory), int(_items), float(_latency))))
