"""A map of many items: what each costs, how much memory it takes, how fast it is beside the ideal, and how it resumes.

Every figure is taken in a process of its own, over a journal on disk, with answers that cost nothing; the runner's own
work is all there is. Planning is measured over a csv file of the same many rows, with a flow of three steps for each.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import anyio

from bench._measure import Row
from stratum_core.budget import Budget
from stratum_core.checks import check
from stratum_core.contracts import stored
from stratum_core.journal import RunJournal
from stratum_core.llm import ModelReply, ModelRequest, PriceTable, TokenUsage
from stratum_core.plan import PlanContext, Roots, build_plan
from stratum_core.runtime import RunContext, run_program, write_result

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


_ANSWER = '{"note": "a note of some length, to keep something", "label": "good", "confidence": 1}'
_PLANNED = """\
stratum: "1"
contracts:
  Review: { id: string, text: opaque<string>, stars: { type: int, min: 1, max: 5 } }
  Label: { label: { enum: [good, bad] }, confidence: { type: float, min: 0, max: 1 } }
functions:
  judge: { mode: infer, intent: Judge the review, input: { review: Review }, output: Label }
  unsure: { mode: compute, input: { label: Label }, output: bool, expression: label.confidence < 0.7 }
  reply: { mode: infer, intent: Reply, input: { text: opaque<string> }, output: { type: string, max_length: 900 } }
flows:
  one:
    input: { review: Review }
    output: json
    steps:
      - { id: tone, function: judge, inputs: { review: input.review } }
      - { id: check, function: unsure, inputs: { label: tone } }
      - { id: answer, when: tone.label == "bad", function: reply, inputs: { text: input.review.text } }
    return: { id: input.review.id, label: tone.label, flagged: check, reply: answer }
  all:
    input: { reviews: list<Review> }
    output: list<json>
    steps:
      - { id: rows, for_each: input.reviews, flow: one, inputs: { review: item }, require: 95% }
    return: rows
"""


@dataclass(frozen=True, slots=True)
class _Prompt:
    """A client that answers after a latency, and keeps nothing."""

    latency_s: float

    async def complete(self, request: ModelRequest) -> ModelReply:
        """Answer."""
        await anyio.sleep(self.latency_s)
        usage = TokenUsage(input_tokens=120, output_tokens=30)
        return ModelReply(text=_ANSWER, usage=usage, finish="stop", model=request.model)


def measure(*, long: bool = False) -> list[Row]:
    """Return the figures; those of 100,000 items take minutes and are made only when `long` is set."""
    sizes = (*_SIZES, _LONG) if long else _SIZES
    with tempfile.TemporaryDirectory() as directory:
        base, most = Path(directory), sizes[-1]
        made = {items: _child("run", base / str(items), items) for items in sizes}
        resumed = {items: _child("run", base / str(items), items) for items in (1_000, most)}
        planned = {items: _child("plan", base / f"plan{items}", items) for items in (1_000, most)}
        ideal = _child("run", base / "ideal", _IDEAL_ITEMS, latency_s=_LATENCY_S)
    return [
        *_flat(made),
        _ideal(ideal),
        *_again(f"resume a run of {most:,}", resumed, _TARGET_RESUME_S),
        *_again(f"plan {most:,} rows of a csv file", planned, None),
        Row(area="run file for 100,000 items", ours=made[most]["file_mb"] * 100_000 / most, unit="MB"),
    ]


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


def _again(what: str, found: Mapping[int, Mapping[str, float]], most_s: float | None) -> list[Row]:
    """Return how long something takes for very many items, and what it holds above doing it for a thousand."""
    least, largest = (found[items] for items in sorted(found))
    grown_mb = largest["peak_mb"] - least["peak_mb"]
    return [
        Row(
            area=f"{what} ({largest['cpu_s']:.1f} CPU s)",
            ours=largest["wall_s"],
            unit="s",
            target="" if most_s is None else f"<= {most_s:g}",
            met=None if most_s is None else largest["wall_s"] <= most_s,
        ),
        Row(
            area=f"{what}: memory above 1,000",
            ours=grown_mb,
            unit="MB",
            target=f"<= {_TARGET_MB:g}",
            met=grown_mb <= _TARGET_MB,
        ),
    ]


def _child(what: str, directory: Path, items: int, *, latency_s: float = 0.0) -> Mapping[str, float]:
    """Do one thing in a process of its own: run a map, resume the one that is there, or plan one."""
    command = [sys.executable, "-m", "bench._map", what, str(directory), str(items), str(latency_s)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return json.loads(done.stdout)


async def _run(directory: Path, items: int, latency_s: float) -> dict[str, float]:
    """Run the map over its journal and write its result."""
    program = check(_DOCUMENT).program
    assert program is not None
    client, prices = _Prompt(latency_s), PriceTable.load()
    notes = stored(f"note number {number} about nothing in particular" for number in range(items))
    watch = _Watch()
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
    return watch.seen(file_mb=sum(part.stat().st_size for part in (directory / "runs").iterdir()) / 1e6)


def _plan(directory: Path, items: int) -> dict[str, float]:
    """Plan over a file of so many rows."""
    directory.mkdir()
    with (directory / "reviews.csv").open("w", encoding="utf-8") as file:
        file.write("id,text,stars\n")
        file.writelines(f"r{row},{'words ' * (10 + row * 7 % 50)},{1 + row % 5}\n" for row in range(items))
    context = PlanContext(
        roots=Roots(directory), prices=PriceTable.load(), now=datetime.now(UTC), default_model="offline"
    )
    watch = _Watch()
    plan = build_plan(_PLANNED, inputs={"reviews": {"file": "reviews.csv"}}, flow="all", context=context)
    assert plan.items == items
    return watch.seen()


class _Watch:
    """The time from now on, and the peak of the process's memory."""

    def __init__(self) -> None:
        self._cpu_s, self._wall_s = time.process_time(), time.perf_counter()

    def seen(self, **more: float) -> dict[str, float]:
        """Return what was taken."""
        return {
            "cpu_s": time.process_time() - self._cpu_s,
            "wall_s": time.perf_counter() - self._wall_s,
            "peak_mb": _peak_mb(),
            **more,
        }


def _peak_mb() -> float:
    """Return the most memory this program has had; `getrusage` would count that of the one which started it, too."""
    lines = Path("/proc/self/status").read_text("utf-8").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:")) / 1024


if __name__ == "__main__":
    _what, _directory, _items, _latency = sys.argv[1:]
    print(
        json.dumps(
            _plan(Path(_directory), int(_items))
            if _what == "plan"
            else anyio.run(_run, Path(_directory), int(_items), float(_latency))
        )
    )
