"""One round's world: a project, its state directory, an engine over it, and the means to disturb its runners."""

from __future__ import annotations

import json
import os
import random
import signal
import time
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import cast

import anyio
import psutil

from stratum_core.approval import Policy
from stratum_core.contracts import JsonValue
from stratum_core.engine import Engine, RunView, Settings
from stratum_core.errors import RunError
from stratum_core.journal import RecordedAttempt, RunReader
from tests.chaos._provider import MODEL, Provider
from tests.chaos._warm import WarmRunners, jumping_clock, warm_up

__all__ = ["PATIENCE_S", "World", "environ_of", "result_of"]

PATIENCE_S = 60.0
_LOOK_S = 0.005
_ARRIVAL_S = 10.0
"""How long a moment that is counted in requests is waited for: there may be fewer left."""
_DOCUMENT = """\
stratum: "1"
contracts:
  Note: { id: int, text: opaque<string> }
  Tone: { label: { enum: [positive, negative, neutral] }, confidence: { type: float, min: 0, max: 1 } }
  Report: { judged: int, sure: int, tones: list<Tone>, replies: list<string> }
functions:
  judge: { mode: infer, intent: Judge the tone, input: { text: opaque<string> }, output: Tone, max_tokens: 64 }
  reply: { mode: infer, intent: Answer the writer, input: { text: opaque<string> }, output: string, max_tokens: 64 }
flows:
  main:
    input: { notes: list<Note> }
    output: Report
    steps:
      - { id: tones, for_each: input.notes, function: judge, inputs: { text: item.text }, concurrency: 8 }
      - { id: replies, for_each: input.notes, function: reply, inputs: { text: item.text }, concurrency: 8,
          after: [tones] }
    return:
      judged: len(tones)
      sure: sum(1 for tone in tones if tone.confidence >= 0.5)
      tones: tones
      replies: replies
"""


def environ_of(provider: Provider) -> dict[str, str]:
    """Return the environment of everything that works on a round."""
    return {**os.environ, "OPENAI_API_KEY": "sk-none", "OPENAI_API_BASE": f"{provider.url}/v1"}


@dataclass
class World:
    """One project with an engine whose runners are warm."""

    home: Path
    provider: Provider
    moments: random.Random
    warm: Path
    """Socket of the warm process."""
    items: int
    policy: Policy = field(default_factory=Policy)
    state_dir: Path = field(init=False)
    engine: Engine = field(init=False)
    runners: WarmRunners = field(init=False)
    clock_off_s: float = 0.0

    def __post_init__(self) -> None:
        self.home.mkdir(parents=True, exist_ok=True)
        self.state_dir = self.home / "state"
        self.reopen()

    def reopen(self, state_dir: Path | None = None) -> None:
        """Look at a state directory with a new engine."""
        self.state_dir = state_dir or self.state_dir
        self.engine = Engine(self.settings, clock=lambda: time.time() + self.clock_off_s)
        self.runners = warm_up(self.engine, self.warm)

    @property
    def settings(self) -> Settings:
        """What its engines work with."""
        return Settings(
            state_dir=self.state_dir,
            roots=(self.home,),
            policy=self.policy,
            environ=environ_of(self.provider),
            default_model=MODEL,
        )

    def approved(self, *, first: int = 0, cap_usd: float | None = None) -> str:
        """Plan over notes from a number on, have a person agree, and return the plan's id."""
        data = self.home / f"notes-{first}.json"
        notes = [{"id": each, "text": f"note number {each}"} for each in range(first, first + self.items)]
        data.write_text(json.dumps(notes), "utf-8")
        options: dict[str, JsonValue] = {} if cap_usd is None else {"cap_usd": cap_usd}
        plan = self.engine.plan(_DOCUMENT, inputs={"notes": {"file": str(data)}}, options=options)
        self.engine.decide(plan.plan_id, approved=True, channel="terminal")
        return plan.plan_id

    def begin(self, *, first: int = 0) -> str:
        """Plan, agree, start, and return the run's id."""
        return self.engine.execute(self.approved(first=first)).run_id

    def jump(self) -> None:
        """Set this process's clock, and those of runners from now on, to other times."""
        seed = self.moments.randrange(1 << 30)
        self.runners.jumps_seed = seed
        self.clock_off_s = jumping_clock(seed, lambda: 0.0)()

    def wait_a_while(self, *, calls: int) -> None:
        """Wait until a random share of so many calls has arrived, and a few milliseconds more."""
        count = self.moments.randint(0, calls)
        self.provider.wait_for(len(self.provider.arrivals) + count, timeout_s=_ARRIVAL_S)
        time.sleep(self.moments.random() * 0.03)

    def pid(self, run_id: str) -> int | None:
        """Return the process that has the run, or was started for it last; None when none is at work."""
        last = self.runners.last
        if last is not None and last.poll() is None:
            return last.pid
        with self.reading(run_id) as reader:
            opened = [] if reader is None else [e for e in reader.events(limit=-1) if e.kind == "opened"]
        owner = cast("Mapping[str, JsonValue]", json.loads(str(opened[-1].data["owner"])) if opened else {})
        found = owner.get("pid")
        return found if isinstance(found, int) and psutil.pid_exists(found) else None

    def hit(self, run_id: str, how: signal.Signals) -> bool:
        """Send a signal to the run's runner; False when none is at work."""
        pid = self.pid(run_id)
        if pid is None or not self.engine.show_run(run_id).live:
            return False
        os.kill(pid, how)
        return True

    def gone(self, run_id: str) -> None:
        """Wait until nobody works on the run."""
        until = time.monotonic() + PATIENCE_S
        while self.engine.show_run(run_id).live:
            assert time.monotonic() < until, f"run {run_id} is still held"
            time.sleep(_LOOK_S)

    def ended(self, run_id: str, *, patience_s: float = PATIENCE_S) -> RunView:
        """Wait for the run's end."""
        view = anyio.run(partial(self.engine.wait, run_id, timeout_s=patience_s))
        assert view.final, view.message
        return view

    def finished(self, run_id: str, *, resumes: int = 6, patience_s: float = PATIENCE_S) -> RunView:
        """Wait for the run's end, and resume it as often as it can be resumed."""
        view = self.ended(run_id, patience_s=patience_s)
        for _ in range(resumes):
            if not view.resumable:
                break
            self.engine.resume(run_id)
            view = self.ended(run_id, patience_s=patience_s)
        return view

    def attempts(self, run_id: str) -> tuple[RecordedAttempt, ...]:
        """Return every attempt on record."""
        with self.reading(run_id) as reader:
            return () if reader is None else reader.attempts()

    @contextmanager
    def reading(self, run_id: str) -> Generator[RunReader | None]:
        """Look into the run's journal; None while there is none."""
        try:
            reader = RunReader.open(self.state_dir, run_id)
        except RunError:
            yield None
            return
        with reader:
            yield reader

    def close(self) -> None:
        """Let go of everything."""
        self.engine.close()


def result_of(view: RunView) -> JsonValue:
    """Return a run's whole result; None when there is none."""
    path = Path(view.result_path)
    return (
        cast("JsonValue", json.loads(path.read_text("utf-8"))) if view.result_path and path.exists() else None
    )
