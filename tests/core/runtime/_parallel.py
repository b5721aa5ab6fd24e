"""One parallel of three branches in every shape, and a provider that answers in the order a test wants."""

from __future__ import annotations

from stratum_core.journal import MemoryJournal
from stratum_core.llm import ModelRequest
from stratum_core.runtime import RunOutcome
from stratum_core.testing import Answer
from tests.core.runtime._gates import GatedClient
from tests.core.runtime._trial import Trial, note_of

__all__ = ["ALL", "ANY", "OPTIONAL", "TWO", "client", "document", "loud", "run"]


def document(parallel: str = "", *, output: str, step: str = "", returns: str = "p") -> str:
    """Return a flow of one parallel over a call, a flow of two calls, and a call that is retried once."""
    return f"""\
stratum: "1"
functions:
  shout: {{ mode: infer, intent: Write in capitals, input: {{ note: string }}, output: string, retries: 1, \
max_tokens: 100, ensure: [len(result) < 9] }}
flows:
  twice:
    input: {{ note: string }}
    output: string
    steps:
      - {{ id: first, function: shout, inputs: {{ note: input.note }} }}
      - {{ id: second, function: shout, inputs: {{ note: first }} }}
    return: second
  main:
    input: {{ x: string }}
    output: {output}
    steps:
      - id: p
        parallel:
          branches:
            a: {{ function: shout, inputs: {{ note: input.x + "a" }} }}
            b: {{ flow: twice, inputs: {{ note: input.x + "b" }} }}
            c: {{ function: shout, inputs: {{ note: input.x + "c" }} }}
{parallel}{step}
    return: {returns}
"""


ALL = document(output="json")
ANY = document("          require: any\n", output="string")
TWO = document("          require: 2\n", output="list<string>")
OPTIONAL = document("          require: 0\n", output="json")


def loud(request: ModelRequest) -> Answer:
    """Write in capitals; `xc` is too long at first, and what has a `!` always."""
    note, retried = note_of(request), len(request.messages[1].blocks) > 1
    too_long = "!" in note or (note == "xc" and not retried)
    return {"value": "far too long" if too_long else note.upper()}


def client(turns: str = "", never: str = "") -> GatedClient:
    return GatedClient(loud, note_of, turns=turns.split(), never=frozenset(never.split()))


async def run(
    text: str, provider: GatedClient, *, x: str = "x", journal: MemoryJournal | None = None
) -> RunOutcome:
    return await Trial(document=text, client=provider, journal=journal or MemoryJournal()).run({"x": x})
