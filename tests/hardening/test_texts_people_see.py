"""ANSI, direction marks, zero-width and control characters, in every text that a person sees.

One hostile project: every place where a document, a data file, an answer or a note can hold text holds these
characters beside a word. Each surface has to show the word, so that the text came through it, and none of the
characters.
"""

from __future__ import annotations

import os
import subprocess
import sys
import unicodedata
from collections.abc import Mapping
from functools import partial
from pathlib import Path

import anyio
import pytest

from tests.cli._command import at_terminal
from tests.server._talk import Person, record_of, server_of, talking, text_of
from tests.support.jobs import Job, make_job

pytestmark = pytest.mark.slow

HOSTILE = "\x1b[2J\x1b]0;x\x07\x9b31m\x85\u202e\u2066\u2069\u200e\u061c\u200b\u200c\u200d\u2060\ufeff\u00ad\u2028\u180e"
YAML = "".join(f"\\u{ord(character):04x}" for character in HOSTILE)
"""The same in a double-quoted text of a document."""
DOCUMENT = f"""\
stratum: "1"
description: "described{YAML}"
contracts:
  Note: {{ id: int, text: opaque<string> }}
  Tone: {{ label: string }}
functions:
  judge: {{ mode: infer, intent: "intended{YAML}", input: {{ text: opaque<string> }}, output: Tone }}
flows:
  all_notes:
    input: {{ notes: list<Note> }}
    output: {{ type: string }}
    budget: {{ usd: 1.00 }}
    steps:
      - {{ id: tones, for_each: input.notes, function: judge, inputs: {{ text: item.text }}, require: 0 }}
      - id: vote
        await_human:
          question: "questioned{YAML}?"
          show: {{ first: "input.notes[0].text", second: "'shown{YAML}'" }}
          options: [send, hold]
    return: vote.value
"""
WRONG = f"""\
stratum: "1"
flows: {{ "flowed{YAML}": {{}} }}
"keyed{YAML}": 1
functions: {{ f: {{ mode: "moded{YAML}" }} }}
"""
SURFACES: Mapping[str, str] = {
    "validate": "keyed",
    "plan refused": "id",
    "plan refused by a name": "unread",
    "plan": "intended",
    "question": "intended",
    "reply of plan": "intended",
    "reply of approve": "noted",
    "progress and reply of execute": "run_",
    "form of resume": "questioned",
    "decide": "shown",
    "show plan": "noted",
    "show run": "questioned",
    "show tree": "tones",
    "runs": "run_",
    "receipt": "Done",
    "doctor": "unreadable",
}
"""What is shown -> a word that has to be in it."""


def _stratum(job: Job, *arguments: str) -> str:
    """Run a command outside a terminal and return all it says."""
    done = subprocess.run(
        [sys.executable, "-c", "from stratum_mcp.cli import main; main()", *arguments],
        cwd=job.folder,
        env={**os.environ, **job.environ, "STRATUM_MODEL": f"unreadable{HOSTILE}"}
        if arguments == ("doctor",)
        else {**os.environ, **job.environ},
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )
    return done.stdout + done.stderr


def _arguments(job: Job) -> list[str]:
    return ["plan", job.spec.name, "--input", f"notes={job.data.name}"]


async def _talked(job: Job) -> dict[str, str]:
    """Plan, be asked, run, and be asked again in a client."""
    said = Person(content={"approve": True, "note": f"noted{HOSTILE}"})
    async with talking(server_of(job), "2025-11-25", person=said) as talk:
        plan = await talk.call("plan", **job.plan_arguments())
        plan_id = str(record_of(plan)["plan_id"])
        answer = await talk.call("approve", plan_id=plan_id)
        run = await talk.call("execute", plan_id=plan_id)
        progress = "\n".join(str(message) for _, _, message in talk.progress)
        said.action, said.content = "cancel", None
        await talk.call("resume", run_id=str(record_of(run)["run_id"]))
    return {
        "plan_id": plan_id,
        "run_id": str(record_of(run)["run_id"]),
        "question": said.asked[0].message,
        "form of resume": f"{said.asked[-1].message}\n{said.asked[-1].requested_schema}",
        "reply of plan": text_of(plan),
        "reply of approve": text_of(answer),
        "progress and reply of execute": f"{progress}\n{text_of(run)}",
    }


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, str]:
    """Everything a person sees of the hostile project."""
    job = make_job(tmp_path_factory.mktemp("hostile"))
    job.spec.write_text(DOCUMENT, "utf-8")
    job.data.write_text(f"id,text\n1,rowed{HOSTILE.replace(chr(0x2028), '')}\n2,plain\n", "utf-8")
    wrong = Path(job.folder, f"wrong{HOSTILE.replace('/', '')}.yaml")
    wrong.write_text(WRONG, "utf-8")
    rows = Path(job.folder, f"bad{HOSTILE}.csv")
    rows.write_text(f"id,text\nvalued{HOSTILE},x\n", "utf-8")
    texts = {
        "validate": _stratum(job, "validate", wrong.name),
        "plan refused": _stratum(job, "plan", job.spec.name, "--input", f"notes={rows.name}"),
        "plan refused by a name": _stratum(job, "plan", job.spec.name, "--input", f"notes=unread{HOSTILE}.csv"),
        "plan": _stratum(job, *_arguments(job)),
    }  # fmt: skip
    texts.update(anyio.run(partial(_talked, job)))
    run_id, plan_id = texts.pop("run_id"), texts.pop("plan_id")
    texts["show run"] = texts["show tree"] = _stratum(job, "show", run_id)
    environ = {name: value for name, value in os.environ.items() if not name.startswith("CLAUDE")}
    answers = {"Type send or hold": "send", "Why (Enter for no reason)": "reasoned"}
    decided = at_terminal(
        ["decide", run_id], answers=answers, cwd=job.folder, environ={**environ, **job.environ}
    )
    texts["decide"] = decided.out
    texts["runs"] = _stratum(job, "runs")
    texts["show plan"] = _stratum(job, "show", plan_id)
    texts["receipt"] = _stratum(job, "resume", run_id) + _stratum(job, "show", run_id, "--json")
    texts["doctor"] = _stratum(job, "doctor")
    return texts


def _unsafe(text: str) -> set[str]:
    """Return the characters of a text that a screen would not show as themselves."""
    kept = {character for character in text if character.isprintable() or character in "\n\t"}
    return {f"U+{ord(found):04X}" for found in set(text) - kept if unicodedata.category(found) != "Zs"}


@pytest.mark.parametrize(("surface", "word"), SURFACES.items())
def test_a_text_for_a_person_has_no_character_that_acts(
    shown: Mapping[str, str], surface: str, word: str
) -> None:
    text = shown[surface].replace("\r\n", "\n").replace("\r", "")
    assert word in text
    assert _unsafe(text) == set()


def test_every_text_that_was_gathered_is_judged(shown: Mapping[str, str]) -> None:
    assert shown.keys() == SURFACES.keys()
    assert len(_unsafe(HOSTILE)) == len(set(HOSTILE) - set("[2J]0;x31m"))
