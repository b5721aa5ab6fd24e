"""The outline of a plan: everything a developer looks at, and nothing of the data."""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from stratum_core.engine import Engine, Settings
from stratum_core.errors import PlanError
from tests.support.jobs import make_job

SPEC = """\
stratum: "1"
contracts:
  Note: { id: int, text: { type: opaque<string>, max_length: 90 } }
  Tone: { label: { enum: [good, bad], description: how it sounds }, words: { type: "list<string>", max_length: 3 } }
  Stand: { side: { enum: [good, bad] } }
  Code: { text: { type: string, pattern: "^a" } }
functions:
  judge:
    mode: infer
    intent: Judge a note
    context: Be short.
    input: { note: Note, more: "optional<list<Note>>", said: optional<string> }
    output: Tone
    given: [note.id > 0]
    ensure: [len(result.words) > 0]
    retries: 2
    quorum: 3
    agree_on: label
    threshold: 2
    cache: session
    budget: { usd: 0.02, tokens: 90000, calls: 40 }
  mend:
    mode: infer
    intent: Write a code
    input: { note: Note }
    output: Code
    refine: { check: fits, until: check, feedback: "'again'", max_iterations: 4 }
  fits: { mode: compute, input: { result: Code }, output: bool, expression: len(result.text) > 1 }
  pair: { mode: compute, input: { n: int }, output: { type: int }, expression: n + 1, ensure: [result > n] }
  side: { mode: infer, intent: Take a side, input: { topic: Note, arguments: optional<json> }, output: Stand }
  sum_up: { mode: infer, intent: Sum up, input: { topic: Note, arguments: json, converged: bool }, output: Stand }
flows:
  one:
    input: { note: Note }
    output: Tone
    steps:
      - { id: tone, function: judge, inputs: { note: input.note } }
    return: tone
  main:
    input: { notes: list<Note> }
    output: { type: list<int> }
    budget: { usd: 3, ms: 90000 }
    steps:
      - id: tones
        for_each: input.notes
        flow: one
        inputs: { note: item }
        concurrency: 2
        require: 50%
        validate: len(results) > 0
      - { id: first, compute: "input.notes[0]" }
      - id: both
        parallel:
          branches:
            a: { function: mend, inputs: { note: first } }
            b: { function: pair, inputs: { n: first.id } }
      - id: quick
        race:
          branches:
            a: { function: mend, inputs: { note: first } }
            b: { function: mend, inputs: { note: first } }
      - id: talk
        debate:
          agents: [side, side]
          topic: first
          rounds: 2
          agree_on: side
          synthesize: sum_up
          unresolved: human
      - id: asked
        when: not talk.converged
        await_human:
          question: Which?
          show: { id: first.id }
          options: [yes_, no_]
          timeout: 1h
          on_timeout: no_
      - { id: late, after: [asked], function: mend, inputs: { note: first }, on_error: none }
    return: "[len(tones)]"
"""
_WHOLE = Path(__file__).with_name("outline.txt")


@pytest.fixture
def made(tmp_path: Path) -> tuple[Engine, str]:
    """An engine and the id of a plan over a note that nobody may see."""
    job = make_job(tmp_path)
    engine = Engine(Settings.from_environment(job.environ, cwd=job.folder))
    view = engine.plan(SPEC, flow="main", inputs={"notes": [{"id": 7, "text": "SECRET"}]})
    return engine, view.plan_id


def test_it_shows_every_part_of_a_document_in_one_text(made: tuple[Engine, str]) -> None:
    engine, plan_id = made
    text = engine.code.outline(plan_id).replace(plan_id, "plan_1")
    assert re.sub(r"\$[0-9.]+\d", "$N", text) + "\n" == _WHOLE.read_text("utf-8")


def test_no_row_of_the_data_is_in_it(made: tuple[Engine, str]) -> None:
    engine, plan_id = made
    assert "SECRET" not in engine.code.outline(plan_id)


def test_a_document_of_any_length_has_an_outline_that_can_be_read(tmp_path: Path) -> None:
    job = make_job(tmp_path)
    text = job.spec.read_text("utf-8").replace("Judge the tone of a note", f"Judge {'x' * 70_000}")
    job.spec.write_text(text, "utf-8")
    engine = Engine(Settings.from_environment(job.environ, cwd=job.folder))
    view = engine.plan(job.spec.name, inputs={"notes": {"file": job.data.name}})
    shown = engine.code.outline(view.plan_id)
    assert len(shown) < 60_100
    assert shown.endswith("cut here")


def test_a_plan_that_was_changed_where_it_is_stored_has_none(made: tuple[Engine, str]) -> None:
    engine, plan_id = made
    with closing(sqlite3.connect(engine.settings.state_dir / "control.db")) as control, control:
        control.execute("UPDATE plans SET record = replace(record, 'Judge a note', 'Judge a vote')")
    with pytest.raises(PlanError, match="reads the plan's document differently"):
        engine.code.outline(plan_id)
