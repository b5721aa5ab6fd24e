"""What one typed call costs beside the provider library alone, and what a price costs to look up.

Both sides ask the same questions of the same provider on loopback, 64 in flight, through the real litellm, each in a
process of its own: ours with contract, budget and a journal on disk; the peer with a pydantic model. The first calls
of a process, which import and warm the library up, are left out. Waiting is not counted, only CPU time.
"""

from __future__ import annotations

import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import anyio
import anyio.to_thread
import pydantic

from bench._measure import Row, alternating
from stratum_core.budget import Budget
from stratum_core.checks import check
from stratum_core.contracts import JsonValue
from stratum_core.journal import RunJournal
from stratum_core.llm import LitellmClient, PriceTable
from stratum_core.runtime import RunContext, run_program
from tests.support.providers import ProviderServer, Received, openai
from tests.support.providers._server import Connection

__all__ = ["measure"]

_MODEL = "openai/gpt-4.1-mini"
_IN_FLIGHT = 64
_WARM_UP, _CALLS = 64, 640
_ROUNDS = 3
_TARGET_OVER_MS = 0.25
"""What contract, budget and journal may add to a call of the library."""
_TARGET_RETRY = 2.0
_TARGET_LOOKUP_US = 1.0
_TARGET_READ_MS = 10.0
_LOOKUPS = 20_000
_NOTE = re.compile(r"note \d+")
_RIGHT = '{"label": "good", "confidence": 0.9, "reason": "it says so"}'
_WRONG = '{"label": "splendid", "confidence": 0.9, "reason": "it says so"}'
_DOCUMENT = f"""\
stratum: "1"
contracts:
  Label:
    label: {{ enum: [good, bad] }}
    confidence: {{ type: float, min: 0, max: 1 }}
    reason: {{ type: string, max_length: 200 }}
functions:
  judge:
    mode: infer
    intent: Judge the note
    input: {{ note: string }}
    output: Label
    retries: 1
flows:
  main:
    input: {{ notes: list<string> }}
    output: list<Label>
    steps:
      - {{ id: labels, for_each: input.notes, function: judge, inputs: {{ note: item }}, concurrency: {_IN_FLIGHT} }}
    return: labels
"""


class _Label(pydantic.BaseModel):
    """The contract, as a user of the library would write it."""

    label: Literal["good", "bad"]
    confidence: float = pydantic.Field(ge=0, le=1)
    reason: str = pydantic.Field(max_length=200)


def measure() -> list[Row]:
    """Return CPU milliseconds of a call, a call with one retry, and the look-up of a price."""
    asked = anyio.run(_request)
    ours, theirs = alternating(lambda: _cpu("ours"), lambda: _cpu("peer", asked), rounds=_ROUNDS)
    retried = statistics.median(_cpu("ours", wrong_first=True) for _ in range(_ROUNDS))
    return [
        Row(
            area=f"one typed call, {_IN_FLIGHT} in flight, journal on disk",
            ours=ours,
            unit="CPU ms",
            peer="litellm and pydantic",
            theirs=theirs,
            target=f"<= peer + {_TARGET_OVER_MS}",
            met=ours <= theirs + _TARGET_OVER_MS,
        ),
        Row(
            area="  the same with one retry on an invalid answer",
            ours=retried,
            unit="CPU ms",
            peer="a call without",
            theirs=ours,
            target=f"<= {_TARGET_RETRY:g} x",
            met=retried <= _TARGET_RETRY * ours,
        ),
        *_prices(),
    ]


def _prices() -> list[Row]:
    """Return what reading the price table costs, and looking one price up."""
    started = time.process_time()
    table = PriceTable.load()
    read_ms = (time.process_time() - started) * 1e3
    started = time.process_time()
    for _ in range(_LOOKUPS):
        table.price(_MODEL)
    ours = (time.process_time() - started) * 1e6 / _LOOKUPS
    theirs = float(_in_child("lookup", "", ""))
    return [
        Row(
            area="look a price up",
            ours=ours,
            unit="CPU us",
            peer="litellm.get_model_info",
            theirs=theirs,
            target=f"<= {_TARGET_LOOKUP_US:g} us",
            met=ours <= _TARGET_LOOKUP_US,
        ),
        Row(
            area="  read the table of prices, once in a process",
            ours=read_ms,
            unit="CPU ms",
            target=f"<= {_TARGET_READ_MS:g} ms",
            met=read_ms <= _TARGET_READ_MS,
        ),
    ]


async def _request() -> str:
    """Return the body that ours sends for one note, for the peer to send the same."""
    async with ProviderServer(openai.completion(_RIGHT)) as server:
        await anyio.to_thread.run_sync(_in_child, "ours", server.url, "1")
        return json.dumps(server.received[0].body)


def _cpu(who: str, asked: str = "", *, wrong_first: bool = False) -> float:
    """Return the CPU milliseconds of each call."""
    return anyio.run(_served, who, asked, wrong_first)


async def _served(who: str, asked: str, wrong_first: bool) -> float:  # noqa: FBT001 - anyio.run passes by position
    """Be the provider of a process that makes the calls."""
    waiting: set[str] = set()

    async def answer(received: Received, connection: Connection) -> None:
        """Answer rightly; if asked for it, only every second time that a note comes."""
        (note,) = set(_NOTE.findall(json.dumps(received.body["messages"])))
        wrong = wrong_first and note not in waiting
        (waiting.add if wrong else waiting.discard)(note)
        await connection.send(openai.completion(_WRONG if wrong else _RIGHT))

    async with ProviderServer(answer) as server:
        return float(await anyio.to_thread.run_sync(_in_child, who, server.url, str(_CALLS), asked))


def _in_child(who: str, url: str, calls: str, asked: str = "") -> str:
    """Return what a process of its own prints."""
    command = [sys.executable, "-m", "bench._calls", who, url, calls, asked]
    environment = {**os.environ, "LITELLM_LOCAL_MODEL_COST_MAP": "True"}
    done = subprocess.run(
        command, cwd=Path(__file__).parent.parent, env=environment, check=True, capture_output=True, text=True
    )
    return done.stdout.strip().splitlines()[-1]


async def _ours(url: str, calls: int) -> float:
    """Make the calls as a run; return the CPU milliseconds of each behind the first ones."""
    program = check(_DOCUMENT).program
    assert program is not None
    client = LitellmClient({"OPENAI_API_KEY": "sk-none"}, api_bases={"openai": f"{url}/v1"})
    spent = 0.0
    with tempfile.TemporaryDirectory() as directory:
        for name, count in (("run_warm", min(_WARM_UP, calls)), ("run_bench", calls)):
            journal = RunJournal.open(Path(directory), name, create=True)
            context = RunContext(
                program=program,
                journal=journal,
                client_for=lambda _: client,
                prices=PriceTable.load(),
                default_model=_MODEL,
            )
            notes: list[JsonValue] = [f"note {number}" for number in range(count)]
            started = time.process_time()
            outcome = await run_program(context, flow="main", inputs={"notes": notes}, budget=Budget())
            spent = time.process_time() - started
            assert outcome.state == "completed", outcome.error
            await journal.close(state=outcome.state)
    await client.aclose()
    return spent * 1e3 / calls


async def _peer(url: str, calls: int, asked: Mapping[str, JsonValue]) -> float:
    """Make the calls with the library alone; return the CPU milliseconds of each behind the first ones."""
    import litellm  # noqa: PLC0415 - seconds of work that only this process is to pay

    litellm.suppress_debug_info = True
    arguments = {**asked, "model": _MODEL, "api_key": "sk-none", "api_base": f"{url}/v1", "num_retries": 0}
    slots = anyio.CapacityLimiter(_IN_FLIGHT)

    async def call() -> None:
        async with slots:
            reply = await litellm.acompletion(**arguments)
            assert isinstance(reply, litellm.ModelResponse)
            _Label.model_validate_json(reply.choices[0].message.content or "")

    async def together(count: int) -> float:
        started = time.process_time()
        async with anyio.create_task_group() as group:
            for _ in range(count):
                group.start_soon(call)
        return time.process_time() - started

    await together(_WARM_UP)
    return await together(calls) * 1e3 / calls


def _lookup() -> float:
    """Return the CPU microseconds of one look-up in the library's own table."""
    import litellm  # noqa: PLC0415 - seconds of work that only this process is to pay

    litellm.get_model_info(_MODEL)
    count = _LOOKUPS // 20
    started = time.process_time()
    for _ in range(count):
        litellm.get_model_info(_MODEL)
    return (time.process_time() - started) * 1e6 / count


def _main(who: str, url: str, calls: str, asked: str) -> None:
    """Print one figure."""
    match who:
        case "ours":
            print(anyio.run(_ours, url, int(calls)))
        case "peer":
            print(anyio.run(_peer, url, int(calls), json.loads(asked)))
        case _:
            print(_lookup())


if __name__ == "__main__":
    _main(*sys.argv[1:])
