"""Warm-first over the wire: the real provider library, a server that counts what a cache really gives, and money."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import cast

import anyio
import pytest
from anyio.lowlevel import checkpoint

from stratum_core.journal import MemoryJournal
from stratum_core.llm import LitellmClient
from stratum_core.runtime import RunOutcome
from stratum_core.runtime._prefix import PATIENCE_S, Prefixes
from tests.core.runtime._trial import Trial, count
from tests.core.runtime.test_warm_first import LONG, document, notes
from tests.support.providers import ProviderServer, Received
from tests.support.providers.prefixes import PrefixKeeper

pytestmark = [pytest.mark.anyio, pytest.mark.slow]

ITEMS = 24
TOGETHER = 8
RULES = LONG * 3
GPT = "openai/gpt-4.1-mini"
CLAUDE = "anthropic/claude-sonnet-5"


@pytest.fixture(scope="module", autouse=True)
async def close_connections() -> AsyncIterator[None]:
    client = LitellmClient({})
    await client.warm()
    yield
    await client.aclose()


def shouted(request: Received) -> str:
    messages = cast("list[dict[str, list[dict[str, str]]]]", request.body["messages"])
    return json.dumps({"value": messages[-1]["content"][0]["text"].removeprefix("note: ").upper()})


async def ran(
    model: str, *, rule: str = RULES, patience_s: float = PATIENCE_S, first: int = TOGETHER
) -> tuple[RunOutcome, PrefixKeeper, Trial]:
    """Run over a server that answers nothing before `first` calls were sent or are held; check what was sent then."""
    keeper = PrefixKeeper(answer=shouted)
    async with ProviderServer(keeper) as server:
        client = LitellmClient(
            {"OPENAI_API_KEY": "sk-test", "ANTHROPIC_API_KEY": "sk-test"},
            api_bases={"openai": f"{server.url}/v1", "anthropic": server.url},
        )
        trial = Trial(document=document(rule=rule), client=client)
        context = replace(trial.context(), default_model=model, prefixes=Prefixes(patience_s=patience_s))
        outcomes: list[RunOutcome] = []

        async def run() -> None:
            outcomes.append(await trial.run(notes(ITEMS), context=context))

        with anyio.fail_after(20):
            async with anyio.create_task_group() as group:
                group.start_soon(run)
                while len(server.received) + context.prefixes.held < TOGETHER or len(server.received) < first:
                    await checkpoint()
                assert len(server.received) == first
                keeper.let_go.set()
        assert len(server.received) == ITEMS
    assert outcomes[0].value == [f"N{number}" for number in range(ITEMS)]
    return outcomes[0], keeper, trial


@pytest.mark.parametrize("model", [GPT, CLAUDE])
async def test_one_request_is_in_flight_until_it_is_answered_and_all_others_are_read_from_the_cache(
    model: str,
) -> None:
    outcome, keeper, trial = await ran(model, first=1)
    assert keeper.hits == ITEMS - 1
    cold, missed, _ = await ran(model, patience_s=0, first=TOGETHER)
    assert missed.hits == ITEMS - TOGETHER
    assert outcome.value == cold.value
    assert count(outcome, "nusd") < count(cold, "nusd") * (0.55 if model == CLAUDE else 0.8)
    journal = trial.journal
    assert isinstance(journal, MemoryJournal)
    record = MemoryJournal(after=journal)
    usages = [
        cast("dict[str, int]", attempt.outcome["usage"])
        for number in range(ITEMS)
        for attempt in record.attempts(f"loud[{number}]")
    ]
    assert sum(usage["cache_read_tokens"] for usage in usages) == keeper.read_tokens > 0
    assert sum(usage["cache_write_tokens"] for usage in usages) == keeper.written_tokens


async def test_a_short_prompt_is_held_by_nobody_and_marked_by_nobody() -> None:
    for model in (GPT, CLAUDE):
        _, keeper, _ = await ran(model, rule="Mind the house style.")
        assert (keeper.hits, keeper.written_tokens) == (0, 0)
