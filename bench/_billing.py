"""What a provider bills for a run that is cut down: real litellm over loopback to a provider that bills on arrival.

The provider counts every request it has received as paid, answered or not. The run's journal has to know of at least
as much, and the cap has to hold over both: bill <= journal <= cap.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import anyio
import anyio.to_thread

from stratum_core.budget import Budget
from stratum_core.checks import check
from stratum_core.contracts import JsonValue
from stratum_core.journal import RunJournal, RunReader
from stratum_core.llm import LitellmClient, PriceTable, TokenUsage
from stratum_core.money import Nusd, format_usd
from stratum_core.runtime import RunContext, run_program
from tests.support.providers import ProviderServer, Received, openai
from tests.support.providers._server import Connection

__all__ = ["Report", "run"]

_MODEL = "openai/gpt-4.1-mini"
_RUN = "run_bill"
_CAP = Nusd(6_000_000)
_ITEMS = 40
_KILL_AFTER = 25
_PROMPT_TOKENS, _ANSWER_TOKENS = 100, 20
_ANSWER_S = 0.03
_DOCUMENT = """\
stratum: "1"
functions:
  shout: { mode: infer, intent: Write in capitals, input: { note: string }, output: string, max_tokens: 64 }
flows:
  main:
    input: { notes: list<string> }
    output: list<string>
    steps:
      - { id: loud, for_each: input.notes, function: shout, inputs: { note: item }, concurrency: 8 }
    return: loud
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What came of it."""

    items: int
    requests: int
    """Requests that reached the provider: all of them are on its bill."""
    possibly_paid: int
    billed_nusd: int
    journal_nusd: int
    state: str

    @property
    def ok(self) -> bool:
        """Whether the journal knows of everything billed, the cap holds, and the work was done."""
        return self.billed_nusd <= self.journal_nusd <= _CAP and self.state == "completed"

    def to_json(self) -> dict[str, object]:
        """Return the report for a machine."""
        return {
            "items": self.items,
            "requests at the provider": self.requests,
            "possibly paid": self.possibly_paid,
            "bill": format_usd(self.billed_nusd),
            "journal": format_usd(self.journal_nusd),
            "cap": format_usd(_CAP),
            "bill <= journal <= cap": self.billed_nusd <= self.journal_nusd <= _CAP,
            "state": self.state,
        }


def run() -> Report:
    """Run over litellm, kill the process in the middle, resume it, and compare the bill with the journal."""
    with tempfile.TemporaryDirectory() as folder:
        return anyio.run(_billed, Path(folder))


async def _billed(folder: Path) -> Report:
    """Be the provider while two processes, one after the other, do the work."""
    half_done = anyio.Event()

    async def answer_in_time(_: Received, connection: Connection) -> None:
        """Bill the request, which is on record by now, and answer a little later."""
        if len(server.received) == _KILL_AFTER:
            half_done.set()
        await anyio.sleep(_ANSWER_S)
        counts: dict[str, JsonValue] = {"prompt_tokens": _PROMPT_TOKENS, "completion_tokens": _ANSWER_TOKENS}
        await connection.send(openai.completion('{"value": "LOUD"}', usage=counts))

    server = ProviderServer(answer_in_time)
    async with server:
        with _start(folder, server.url) as first:
            await half_done.wait()
            first.kill()
        with _start(folder, server.url) as second:
            await anyio.to_thread.run_sync(second.wait)
        requests = len(server.received)
    price = PriceTable.load().price(_MODEL)
    assert price is not None
    with RunReader.open(folder, _RUN) as reader:
        snapshot = reader.snapshot()
    usage = TokenUsage(input_tokens=_PROMPT_TOKENS, output_tokens=_ANSWER_TOKENS)
    return Report(
        items=_ITEMS,
        requests=requests,
        possibly_paid=snapshot.possibly_paid_count,
        billed_nusd=requests * price.cost_nusd(usage),
        journal_nusd=snapshot.usage.nusd,
        state=snapshot.state,
    )


def _start(folder: Path, url: str) -> subprocess.Popen[bytes]:
    """Start a process that works on the run."""
    command = [sys.executable, "-m", "bench._billing", str(folder), url]
    return subprocess.Popen(command, cwd=Path(__file__).parent.parent)


async def _work(folder: Path, url: str) -> None:
    """Do the work of the run that is not on record yet."""
    program = check(_DOCUMENT).program
    assert program is not None
    client = LitellmClient({"OPENAI_API_KEY": "sk-none"}, api_bases={"openai": f"{url}/v1"})
    journal = RunJournal.open(folder, _RUN, create=True)
    context = RunContext(
        program=program,
        journal=journal,
        client_for=lambda _: client,
        prices=PriceTable.load(),
        default_model=_MODEL,
    )
    notes: list[JsonValue] = [f"note {number}" for number in range(_ITEMS)]
    outcome = await run_program(context, flow="main", inputs={"notes": notes}, budget=Budget(nusd=_CAP))
    await journal.close(state=outcome.state, data={"error": outcome.error})
    await client.aclose()


if __name__ == "__main__":
    anyio.run(_work, Path(sys.argv[1]), sys.argv[2])
