"""Killing a run at random moments and resuming it until it is complete, with the money counted.

Each round is `kill -9` on the runner of a map over many items with the offline model. A call whose answer is on record
must never be asked again; what was in flight at a kill is `possibly paid`, charged and reported. The result has to be
that of the same run undisturbed.
"""

from __future__ import annotations

import json
import os
import random
import signal
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import cast

import anyio
import psutil

from stratum_core.contracts import JsonValue
from stratum_core.engine import Engine, RunView, Settings
from stratum_core.errors import RunError
from stratum_core.journal import RunReader

__all__ = ["Report", "run"]

_LOOK_S = 0.01
_PATIENCE_S = 300.0
_DOCUMENT = """\
stratum: "1"
contracts:
  Note: { id: int, text: opaque<string> }
  Tone: { label: { enum: [positive, negative, neutral] }, confidence: { type: float, min: 0, max: 1 } }
functions:
  judge: { mode: infer, intent: Judge the tone of a note, input: { text: opaque<string> }, output: Tone }
flows:
  main:
    input: { notes: list<Note> }
    output: list<Tone>
    budget: { usd: 5.0 }
    steps:
      - { id: tones, for_each: input.notes, function: judge, inputs: { text: item.text }, concurrency: 8 }
    return: tones
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What came of it."""

    rounds: int
    items: int
    kills: int
    recorded_calls_run_again: int
    """Calls with an answer on record that were asked again; has to be 0."""
    possibly_paid: int
    """Attempts in flight at a kill, charged at their worst case."""
    charged_equals_record: bool
    within_cap: bool
    chain_ok: bool
    result_equal: bool

    @property
    def ok(self) -> bool:
        """Whether every promise held."""
        promises = (self.charged_equals_record, self.within_cap, self.chain_ok, self.result_equal)
        return self.recorded_calls_run_again == 0 and all(promises)

    def to_json(self) -> dict[str, object]:
        """Return the report for a machine."""
        return {
            "rounds": self.rounds,
            "items": self.items,
            "kills": self.kills,
            "recorded calls run again": self.recorded_calls_run_again,
            "possibly paid": self.possibly_paid,
            "charged = record": self.charged_equals_record,
            "within cap": self.within_cap,
            "chain ok": self.chain_ok,
            "result equal": self.result_equal,
        }


def run(*, items: int, rounds: int, seed: int) -> Report:
    """Kill and resume one run so many times, then compare it with an undisturbed one."""
    moments = random.Random(seed)  # noqa: S311 - when to kill
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        settings = Settings(
            state_dir=home / "state", roots=(home,), environ=dict(os.environ), default_model="offline"
        )
        with Engine(settings) as engine:
            calm = _end(engine, _start(engine, home, items).run_id)
            killed = _start(engine, home, items)
            kills = 0
            for round_number in range(rounds):
                kills += _kill(engine, killed.run_id, moments, left=rounds - round_number, items=items)
                _end(engine, killed.run_id)
                engine.resume(killed.run_id)
            return _judged(settings.state_dir, calm, _end(engine, killed.run_id), kills=kills, rounds=rounds)


def _start(engine: Engine, home: Path, items: int) -> RunView:
    """Plan over that many notes, agree, and start."""
    words = ("works well", "broken on arrival", "a box", "lovely", "never again")
    notes: list[JsonValue] = [
        {"id": number, "text": f"Number {number}: {words[number % len(words)]}"} for number in range(items)
    ]
    data = home / "notes.json"
    data.write_text(json.dumps(notes), "utf-8")
    # every kill charges what was in flight at its worst case, more than a proposed cap has room for
    plan = engine.plan(_DOCUMENT, inputs={"notes": {"file": str(data)}}, options={"cap_usd": 5.0})
    engine.decide(plan.plan_id, approved=True, channel="flag", note="bench")
    return engine.execute(plan.plan_id)


def _kill(engine: Engine, run_id: str, moments: random.Random, *, left: int, items: int) -> int:
    """Kill the runner at a random moment of the work that is left; return 0 when it was faster."""
    state_dir = engine.settings.state_dir
    answered = _answered(state_dir, run_id)
    until = answered + moments.randint(0, max(1, (items - answered) // left))
    while (view := engine.show_run(run_id)).live and (_answered(state_dir, run_id) < until or not view.total):
        time.sleep(_LOOK_S)
    for child in psutil.Process().children():
        if run_id in child.cmdline():
            child.send_signal(signal.SIGKILL)
            return 1
    return 0


def _answered(state_dir: Path, run_id: str) -> int:
    """Return how many answers are on record."""
    try:
        with RunReader.open(state_dir, run_id) as reader:
            return sum(attempt.state == "answered" for attempt in reader.attempts())
    except RunError:
        return 0


def _end(engine: Engine, run_id: str) -> RunView:
    """Wait until nothing works on the run any more."""
    view = anyio.run(partial(engine.wait, run_id, timeout_s=_PATIENCE_S))
    assert view.final, view.message
    return view


def _judged(state_dir: Path, calm: RunView, killed: RunView, *, kills: int, rounds: int) -> Report:
    """Compare the run that was killed with its own record and with the calm one."""
    with RunReader.open(state_dir, killed.run_id) as reader:
        attempts, chain, charged = reader.attempts(), reader.verify(), reader.snapshot().usage
    answers = Counter((a.path, a.request_hash) for a in attempts if a.state == "answered")
    return Report(
        rounds=rounds,
        items=killed.total,
        kills=kills,
        recorded_calls_run_again=sum(count - 1 for count in answers.values()),
        possibly_paid=sum(attempt.state == "possibly_paid" for attempt in attempts),
        charged_equals_record=charged.nusd == sum(attempt.usage.nusd for attempt in attempts),
        within_cap=killed.usd <= killed.cap_usd,
        chain_ok=chain.ok and chain.head == killed.chain_head,
        result_equal=killed.state == calm.state and _result(killed) == _result(calm),
    )


def _result(view: RunView) -> JsonValue:
    """Return a run's whole result."""
    return cast("JsonValue", json.loads(Path(view.result_path).read_text("utf-8")))
