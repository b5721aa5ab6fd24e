"""How long a resumed run takes to come to where it was, beside the CPU time its calls cost when they were made."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

import anyio

from bench._measure import Row
from stratum_core.budget import Budget
from stratum_core.checks import check
from stratum_core.contracts import JsonValue
from stratum_core.journal import RunJournal
from stratum_core.llm import ModelRequest, PriceTable
from stratum_core.runtime import RunContext, run_program
from stratum_core.testing import Answer, FunctionClient

__all__ = ["measure"]

_ITEMS = 2_000
_TARGET_US = 460
"""A tenth of the CPU time of one call through litellm (4.6 ms), which a real run pays for beside the waiting."""
_DOCUMENT = """\
stratum: "1"
functions:
  shout: { mode: infer, intent: Write in capitals, input: { note: string }, output: string }
flows:
  main:
    input: { notes: list<string> }
    output: list<string>
    steps:
      - { id: loud, for_each: input.notes, function: shout, inputs: { note: item }, concurrency: 64 }
    return: loud
"""


def measure() -> list[Row]:
    """Return CPU microseconds for each call: replayed from the journal, and made (the answer itself is free)."""
    with tempfile.TemporaryDirectory() as directory:
        made = anyio.run(_run, Path(directory))
        replayed = anyio.run(_run, Path(directory))
    return [
        Row(
            area="replay a recorded call",
            ours=replayed,
            unit="CPU us",
            peer="make it, answer free",
            theirs=made,
            target=f"<= {_TARGET_US} us",
            met=replayed <= _TARGET_US,
        )
    ]


async def _run(directory: Path) -> float:
    """Run over the journal, and return the CPU microseconds of each item."""
    program = check(_DOCUMENT).program
    assert program is not None
    journal = RunJournal.open(directory, "run_bench", create=True)
    client = FunctionClient(_answer)
    context = RunContext(
        program=program,
        journal=journal,
        client_for=lambda _: client,
        prices=PriceTable.load(),
        default_model="openai/gpt-4.1-mini",
    )
    notes: list[JsonValue] = [f"note {number}" for number in range(_ITEMS)]
    started = time.process_time()
    outcome = await run_program(context, flow="main", inputs={"notes": notes}, budget=Budget())
    spent = time.process_time() - started
    assert outcome.state == "completed", outcome.error
    await journal.close()
    return spent * 1e6 / _ITEMS


def _answer(_: ModelRequest) -> Answer:
    return {"value": "LOUD"}
