"""A small job to plan and run through any surface, and the folder it lives in."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from stratum_core.contracts import JsonValue

__all__ = ["DOCUMENT", "Job", "make_job"]

DOCUMENT = """\
stratum: "1"
contracts:
  Note: { id: int, text: opaque<string> }
  Tone: { label: { enum: [positive, negative, neutral] }, confidence: { type: float, min: 0, max: 1 } }
  Report: { judged: int, unsure: int, tones: list<Tone> }
functions:
  judge:
    mode: infer
    intent: Judge the tone of a note
    input: { text: opaque<string> }
    output: Tone
flows:
  all_notes:
    input: { notes: list<Note> }
    output: Report
    budget: { usd: 1.00 }
    steps:
      - { id: tones, for_each: input.notes, function: judge, inputs: { text: item.text }, require: 0 }
    return:
      judged: len(tones)
      unsure: sum(1 for tone in tones if tone.confidence < 0.7)
      tones: tones
"""

_NOTES = ("Works very well", "Broken on arrival", "It is a box", "I love it", "Never again")


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A project folder with a document and its data, and a state directory of its own."""

    folder: Path
    state_dir: Path
    extra: dict[str, str] = field(default_factory=dict[str, str])
    """More of the environment a surface finds."""

    @property
    def spec(self) -> Path:
        """The document."""
        return self.folder / "notes.stratum.yaml"

    @property
    def data(self) -> Path:
        """The rows: id, text."""
        return self.folder / "notes.csv"

    @property
    def environ(self) -> dict[str, str]:
        """What a surface has to find in its environment."""
        return {"STRATUM_STATE_DIR": str(self.state_dir), "STRATUM_MODEL": "offline", **self.extra}

    def write_rows(self, count: int) -> None:
        """Write so many rows of data."""
        rows = (f"{number},{_NOTES[number % len(_NOTES)]}" for number in range(1, count + 1))
        self.data.write_text("\n".join(("id,text", *rows)) + "\n", "utf-8")

    def plan_arguments(self) -> dict[str, JsonValue]:
        """What the plan tool is called with."""
        return {"spec": self.spec.name, "inputs": {"notes": {"file": self.data.name}}}


def make_job(folder: Path) -> Job:
    """Write the document and five rows into a new project."""
    job = Job(folder=folder / "project", state_dir=folder / "state")
    job.folder.mkdir()
    job.spec.write_text(DOCUMENT, "utf-8")
    job.write_rows(5)
    return job
