"""What is paid again after one function of five was edited: it and what depends on it, as the plan says beforehand."""

from __future__ import annotations

import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import anyio

from bench._measure import Row
from stratum_core.engine import Engine, PlanView, RunView, Settings

__all__ = ["measure"]

_ROWS = 20
_FUNCTIONS = 5
_DOCUMENT = """\
stratum: "1"
contracts:
  Handled: {{ answer: string, subject: string, tone: string, department: string }}
functions:
  name_it: {{ mode: infer, intent: Name the subject of a note, input: {{ note: string }}, output: string }}
  judge_it: {{ mode: infer, intent: Judge the tone of a note, input: {{ note: string }}, output: string }}
  answer_it: {{ mode: infer, intent: {intent}, input: {{ note: string }}, output: string }}
  shorten_it: {{ mode: infer, intent: Shorten an answer, input: {{ answer: string }}, output: string }}
  sort_it: {{ mode: infer, intent: Say which department a note is for, input: {{ note: string }}, output: string }}
flows:
  one:
    input: {{ note: string }}
    output: Handled
    steps:
      - {{ id: subject, function: name_it, inputs: {{ note: input.note }} }}
      - {{ id: tone, function: judge_it, inputs: {{ note: input.note }} }}
      - {{ id: answer, function: answer_it, inputs: {{ note: input.note }} }}
      - {{ id: short, function: shorten_it, inputs: {{ answer: answer }} }}
      - {{ id: department, function: sort_it, inputs: {{ note: input.note }} }}
    return: {{ answer: short, subject: subject, tone: tone, department: department }}
  main:
    input: {{ notes: list<string> }}
    output: int
    budget: {{ usd: 5.00 }}
    steps:
      - {{ id: all, for_each: input.notes, flow: one, inputs: {{ note: item }}, require: 0 }}
    return: len(all)
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Job:
    """A plan and the run it was used for."""

    plan: PlanView
    run: RunView

    def count(self, name: str) -> int:
        """Return a figure of the census."""
        return cast("int", self.run.census[name])


def measure() -> list[Row]:
    """Return the rows of A4."""
    with tempfile.TemporaryDirectory() as folder:
        environ = {**os.environ, "STRATUM_STATE_DIR": f"{folder}/state", "STRATUM_MODEL": "offline"}
        with Engine(Settings.from_environment(environ, cwd=Path(folder))) as engine:
            first = anyio.run(_run, engine, "Answer a note kindly", None)
            second = anyio.run(_run, engine, "Answer a note in one kind sentence", first.run.run_id)
    whole, dependants = _ROWS * _FUNCTIONS, _ROWS * 2
    reused = second.count("calls_reused")
    return [
        Row(
            area=f"A4 one function of {_FUNCTIONS} edited, {whole} calls: answers taken over",
            ours=reused,
            unit="calls",
            target=f">= {whole - dependants}",
            met=reused >= whole - dependants and f"run {first.run.run_id}" in second.plan.summary,
        ),
        Row(
            area="A4 paid again: the edited function and its one dependant",
            ours=whole - reused,
            unit="calls",
            target=f"<= {dependants}",
            met=_ROWS <= whole - reused <= dependants,
        ),
    ]


async def _run(engine: Engine, intent: str, reuse: str | None) -> _Job:
    """Plan and run the job to its end, the second time with the answers of the first."""
    plan = engine.plan(
        _DOCUMENT.format(intent=intent),
        flow="main",
        inputs={"notes": [f"Note {number}: the parcel is late" for number in range(_ROWS)]},
        options={} if reuse is None else {"reuse": reuse},
    )
    engine.decide(plan.plan_id, approved=True, channel="flag")
    return _Job(plan=plan, run=await engine.wait(engine.execute(plan.plan_id).run_id))
