"""Promises as figures, each measured at a provider on loopback that counts what arrives, through the real litellm.

What a peer does in the same place is told in docs/durability.md where somebody measured it.
"""

from __future__ import annotations

import os
import random
import signal
import tempfile
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import cast

import anyio

from bench._hostile import measure as hostile
from bench._measure import Row
from bench._refusals import refusals
from bench._reuse import measure as reused
from stratum_core.budget import Budget
from stratum_core.checks import check
from stratum_core.contracts import JsonValue
from stratum_core.journal import MemoryJournal, RecordedAttempt
from stratum_core.llm import TRANSPORT_RETRIES, LitellmClient, PriceTable, TokenUsage
from stratum_core.money import Nusd
from stratum_core.runtime import RunContext, RunOutcome, run_program
from tests.chaos._judge import Finding, calm_run, judge, judge_paused
from tests.chaos._provider import provider
from tests.chaos._warm import warmed
from tests.chaos._world import World, environ_of
from tests.support.providers import ProviderServer, Reaction, Received, openai
from tests.support.providers._server import Connection

__all__ = ["measure"]

_MODEL = "openai/gpt-4.1-mini"
_PROMPT_TOKENS, _ANSWER_TOKENS = 100, 20
_DOCUMENT = """\
stratum: "1"
functions:
  shout: {{ mode: infer, intent: Write in capitals, input: {{ note: string }}, output: string, max_tokens: 64 }}
flows:
  main:
    input: {{ notes: list<string> }}
    output: list<string>
    steps:
      - {{ id: loud, for_each: input.notes, function: shout, inputs: {{ note: item }}, concurrency: {at_once},
          require: 0 }}
    return: loud
"""
_KILLS = 5
_ITEMS = 500
_PATIENCE_S = 300.0


def measure() -> list[Row]:
    """Return the rows of A1, A3 to A7, A11 and A12."""
    return [
        *anyio.run(_cap_worth_five),
        *_killed(),
        *reused(),
        *anyio.run(_closed_account),
        *refusals(),
        *anyio.run(_rate_limited),
        *hostile(),
    ]


async def _cap_worth_five() -> list[Row]:
    """A hundred calls at once under a cap that pays for the worst case of five."""
    one, _, _ = await _run([_answer], items=1, at_once=1, cap=Nusd(10**9))
    cap = 5 * one[0].reserved.nusd
    _, outcome, requests = await _run([_answer], items=100, at_once=100, cap=Nusd(cap))
    kept = len(cast("list[JsonValue]", outcome.partial["loud"]))
    billed = requests * _price_nusd()
    return [
        _row("A1 100 calls at once, cap for 5: billed", billed / cap * 100, "% of the cap", most=100),
        _row("A1 results kept", kept, "results", least=5),
        _row("A1 paid and discarded", requests - kept, "calls", most=0),
    ]


def _killed() -> list[Row]:
    """`kill -9` at random moments of 1,000 items, and a resume after each."""
    moments = random.Random(3)  # noqa: S311 - when to kill
    with (
        tempfile.TemporaryDirectory() as folder,
        provider() as bills,
        warmed(Path(folder), environ_of(bills)) as warm,
    ):
        calm_world = World(
            home=Path(folder) / "calm", provider=bills, moments=moments, warm=warm, items=_ITEMS
        )
        calm = calm_run(calm_world, patience_s=_PATIENCE_S)
        bills.forget()
        world = World(home=Path(folder) / "killed", provider=bills, moments=moments, warm=warm, items=_ITEMS)
        finding, run_id = Finding(), world.begin()
        for _ in range(_KILLS):
            world.wait_a_while(calls=2 * _ITEMS // _KILLS)
            finding.disturbances += world.hit(run_id, signal.SIGKILL)
            world.gone(run_id)
            judge_paused(world, run_id, finding)
            world.engine.resume(run_id)
        judge(world, world.finished(run_id, patience_s=_PATIENCE_S), calm, finding)
        calm_world.close()
        world.close()
    again = sum(check == "recorded and paid calls run again" for check, _ in finding.violations)
    return [
        _row(
            f"A3 {finding.disturbances} kills in 1,000 items: recorded calls run again",
            again,
            "calls",
            most=0,
        ),
        _row("A3 in flight at a kill, reported and charged", finding.possibly_paid, "calls", least=1),
        _row("A3 bill", finding.billed_nusd / finding.journal_nusd * 100, "% of the journal", most=100),
        _row("A3 other promises broken", len(finding.violations) - again, "promises", most=0),
    ]


async def _closed_account() -> list[Row]:
    """The account has no credit left at item 50 of 1,000."""
    at_once = 16
    reactions: list[Reaction] = [*[_answer] * 49, openai.out_of_quota()]
    _, outcome, requests = await _run(reactions, items=1000, at_once=at_once, cap=Nusd(10**10))
    return [
        _row(
            f"A5 out of credit at item 50 of 1,000, {at_once} at once: further requests",
            requests - 50,
            "calls",
            most=at_once,
        ),
        _row(f"A5 state {outcome.state}", float(outcome.state.startswith("completed")), "completed", most=0),
    ]


async def _rate_limited() -> list[Row]:
    """One call, and every request of it is answered with 429."""
    _, outcome, requests = await _run(
        [openai.rate_limited(retry_after="0")], items=1, at_once=1, cap=Nusd(10**9)
    )
    allowed = TRANSPORT_RETRIES + 1
    assert outcome.census["items_failed"] == 1
    return [_row("A11 one call under 429 for ever", requests, "requests", least=allowed, most=allowed)]


async def _answer(_: Received, connection: Connection) -> None:
    """Answer a little later, so that many are in flight."""
    await anyio.sleep(0.02)
    counts: dict[str, JsonValue] = {"prompt_tokens": _PROMPT_TOKENS, "completion_tokens": _ANSWER_TOKENS}
    await connection.send(openai.completion('{"value": "LOUD"}', usage=counts))


async def _run(
    reactions: list[Reaction], *, items: int, at_once: int, cap: Nusd
) -> tuple[tuple[RecordedAttempt, ...], RunOutcome, int]:
    """Run a map over litellm; return its attempts, how it ended, and what arrived at the provider."""
    program = check(_DOCUMENT.format(at_once=at_once)).program
    assert program is not None
    journal = MemoryJournal()
    async with ProviderServer(*reactions) as server, _client(server.url) as client:
        context = RunContext(
            program=program,
            journal=journal,
            client_for=lambda _: client,
            prices=PriceTable.load(),
            default_model=_MODEL,
        )
        notes: list[JsonValue] = [f"note {number}" for number in range(items)]
        outcome = await run_program(context, flow="main", inputs={"notes": notes}, budget=Budget(nusd=cap))
        return journal.reader().attempts(), outcome, len(server.received)


@asynccontextmanager
async def _client(url: str) -> AsyncGenerator[LitellmClient]:
    client = LitellmClient({**os.environ, "OPENAI_API_KEY": "sk-none"}, api_bases={"openai": f"{url}/v1"})
    await client.warm()
    try:
        yield client
    finally:
        await client.aclose()


def _price_nusd() -> int:
    """Return what one of the requests costs."""
    price = PriceTable.load().price(_MODEL)
    assert price is not None
    return price.cost_nusd(TokenUsage(input_tokens=_PROMPT_TOKENS, output_tokens=_ANSWER_TOKENS))


def _row(
    area: str, figure: float, unit: str, *, least: float | None = None, most: float | None = None
) -> Row:
    """Return a figure with its limits."""
    met = (least is None or figure >= least) and (most is None or figure <= most)
    sign, limit = (">=", least) if most is None else ("=" if least == most else "<=", most)
    return Row(area=area, ours=figure, unit=unit, target=f"{sign} {limit:g}", met=met)
