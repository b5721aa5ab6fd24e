"""A job that asks a person about some of its rows, beside rows that need nobody and no model at all."""

from __future__ import annotations

from tests.support.jobs import Job

__all__ = ["KEEP_OR_DROP", "ONE_QUESTION", "TWO_OR_ONE", "ask_with", "write_questions"]

KEEP_OR_DROP = "options: [keep, drop]"
_ASK = """\
stratum: "1"
contracts:
  Note: {{ id: int, text: opaque<string> }}
  Report: {{ votes: list<json>, reviewers: list<json> }}
flows:
  one:
    input: {{ note: Note }}
    output: json
    steps:
      - id: vote
        when: input.note.id % 2 == 1
        await_human: {{ question: Keep this note?, show: {{ text: input.note.text, id: input.note.id }}, {answer} }}
    return: vote
  all_notes:
    input: {{ notes: list<Note> }}
    output: Report
    steps:
      - {{ id: votes, for_each: input.notes, flow: one, inputs: {{ note: item }} }}
    return: {{ votes: votes, reviewers: votes }}
"""
ONE_QUESTION = """\
stratum: "1"
contracts:
  Note: { id: int, text: opaque<string> }
flows:
  all_notes:
    input: { notes: list<Note> }
    output: { type: string }
    steps:
      - id: vote
        await_human:
          question: May all notes be sent?
          show: { first: "input.notes[0].text", count: len(input.notes) }
          options: [send, hold]
    return: vote.value
"""

TWO_OR_ONE = """\
stratum: "1"
contracts:
  Note: { id: int, text: opaque<string> }
flows:
  ask:
    input: { who: string }
    output: string
    steps:
      - { id: vote, await_human: { question: May all notes be sent?, show: { who: input.who }, options: [send, hold] } }
    return: vote.value
  all_notes:
    input: { notes: list<Note> }
    output: json
    steps:
      - id: pick
        race:
          branches:
            ann: { flow: ask, inputs: { who: '"ann"' } }
            bob: { flow: ask, inputs: { who: '"bob"' } }
      - { id: sure, await_human: { question: Sure?, type: bool } }
    return: "{'pick': pick, 'sure': sure.value}"
"""
"""A race of two questions, and a third one beside it."""


def ask_with(answer: str) -> str:
    """Return the document with this kind of answer, e.g. `options: [a, b]` or `type: int`."""
    return _ASK.format(answer=answer)


def write_questions(job: Job, text: str, *, rows: int = 5) -> None:
    """Put a document in the job's place, over so many rows; the odd ones ask."""
    job.spec.write_text(text, "utf-8")
    job.write_rows(rows)
