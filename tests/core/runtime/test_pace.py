"""The pace of a model: more in flight while answers come, half after a 429, and never out of its bounds."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import anyio
import pytest
from anyio.lowlevel import checkpoint

from stratum_core.contracts import JsonValue
from stratum_core.errors import ModelError, QuotaError, TransportError
from stratum_core.journal import MemoryJournal
from stratum_core.llm import ModelReply, ModelRequest
from stratum_core.runtime import AUTO_MOST, AUTO_START
from stratum_core.runtime._pace import Pace, Paces
from stratum_core.testing import Answer
from tests.core.runtime._trial import HeldClient, Trial, note_of

pytestmark = pytest.mark.anyio

REPLY = ModelReply(text="{}", usage=None, finish="stop", model="m")
SLOW_DOWN = TransportError("slow down", detail={"paid": "no", "status": 429})
DOCUMENT = """\
stratum: "1"
functions:
  shout: { mode: infer, intent: Write in capitals, input: { note: string }, output: string, retries: 0 }
flows:
  main:
    input: { notes: list<string> }
    output: list<string>
    steps:
      - { id: loud, for_each: input.notes, function: shout, inputs: { note: item }, concurrency: auto, require: 0 }
    return: loud
"""


def notes(count: int) -> dict[str, JsonValue]:
    return {"notes": [f"n{number}" for number in range(count)]}


def loud(request: ModelRequest) -> Answer:
    return {"value": note_of(request).upper()}


async def in_flight_after(pace: Pace, outcomes: int, outcome: ModelReply | ModelError = REPLY) -> int:
    """Let full rounds of requests end one way and return the limit."""
    for _ in range(outcomes):
        pace.in_flight = int(pace.limit)
        pace.learn(outcome, cuts=pace.cuts)
    return int(pace.limit)


async def test_a_full_round_of_answers_lets_one_more_in_flight() -> None:
    pace = Pace()
    assert await in_flight_after(pace, AUTO_START) == AUTO_START
    assert await in_flight_after(pace, 1) == AUTO_START + 1


async def test_the_limit_stays_between_one_and_the_most() -> None:
    pace = Pace()
    assert await in_flight_after(pace, 5_000) == AUTO_MOST
    assert await in_flight_after(pace, 20, SLOW_DOWN) == 1
    assert pace.cuts == 20


async def test_answers_while_places_are_free_say_nothing() -> None:
    pace = Pace(in_flight=3)
    pace.learn(REPLY, cuts=0)
    assert pace.limit == AUTO_START


async def test_only_the_first_of_the_requests_in_flight_together_halves_the_limit() -> None:
    pace = Pace(in_flight=AUTO_START)
    assert [pace.learn(SLOW_DOWN, cuts=0) for _ in range(3)] == [True, False, False]
    assert not pace.learn(REPLY, cuts=0)  # sent before the cut: no evidence for more
    assert (pace.limit, pace.cuts) == (AUTO_START / 2, 1)
    assert pace.learn(SLOW_DOWN, cuts=1)
    assert pace.limit == AUTO_START / 4


@pytest.mark.parametrize(
    "error", [TransportError("down", detail={"status": 503}), QuotaError("empty", detail={"status": 429})]
)
async def test_other_faults_do_not_slow_a_model_down(error: ModelError) -> None:
    assert not Pace().learn(error, cuts=0)


async def test_places_are_given_first_come_first_served() -> None:
    pace, order = Pace(limit=1), list[int]()

    async def worker(number: int) -> None:
        async with pace.slot():
            order.append(number)
            await checkpoint()

    with anyio.fail_after(5):
        async with anyio.create_task_group() as group:
            for number in range(5):
                group.start_soon(worker, number)
    assert (order, pace.in_flight) == ([0, 1, 2, 3, 4], 0)


async def test_who_is_cancelled_while_waiting_takes_no_place() -> None:
    pace = Pace(limit=1)
    async with pace.slot():
        with anyio.move_on_after(0):
            async with pace.slot():
                raise AssertionError("it was taken")
    assert pace.in_flight == 0
    async with pace.slot():
        assert pace.in_flight == 1


async def test_a_place_that_was_given_to_a_cancelled_task_goes_to_the_next() -> None:
    pace, got = Pace(limit=1), list[str]()
    first = pace.slot()
    await first.__aenter__()

    async def worker(name: str) -> None:
        async with pace.slot():
            got.append(name)

    with anyio.fail_after(5):
        tasks = [asyncio.ensure_future(worker(name)) for name in ("a", "b")]
        await anyio.wait_all_tasks_blocked()
        await first.__aexit__(None, None, None)  # the place is a's from here on
        tasks[0].cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    assert (got, pace.in_flight) == (["b"], 0)


def test_each_model_has_its_own_pace() -> None:
    paces = Paces()
    assert paces.of("a") is paces.of("a")
    assert paces.of("a") is not paces.of("b")


async def test_a_map_finds_more_places_as_answers_come() -> None:
    client = HeldClient(loud, held=False)
    outcome = await Trial(document=DOCUMENT, client=client).run(notes(400))
    assert outcome.state == "completed"
    assert AUTO_START + 5 < client.most_in_flight <= AUTO_MOST


def slow_after(many: int) -> Callable[[ModelRequest], Answer]:
    """Return a client that asks to slow down whenever more than so many requests are in flight."""
    return lambda request: SLOW_DOWN if client_of[0].in_flight > many else loud(request)


client_of: list[HeldClient] = []


async def test_a_map_slows_down_where_the_provider_asks_for_it_and_comes_to_its_end() -> None:
    client = HeldClient(loud, held=False)
    client_of[:] = [client]
    client.answer = slow_after(3)
    trial = Trial(document=DOCUMENT, client=client)
    outcome = await trial.run(notes(300))
    assert (outcome.state, outcome.value) == ("completed", [f"N{number}" for number in range(300)])
    assert isinstance(trial.journal, MemoryJournal)
    slowed = [event.data for event in trial.journal.reader().events(limit=5_000) if event.kind == "slowed"]
    assert slowed[0] == {"model": "openai/gpt-4.1-mini", "limit": AUTO_START // 2}
    retries = outcome.census["retries"]
    assert isinstance(retries, dict)
    assert isinstance(retries["transport"], int)
    assert retries["transport"] < 300


async def test_two_maps_share_the_pace_of_a_model_and_one_with_a_number_keeps_to_it() -> None:
    second = DOCUMENT.replace(
        "    return",
        "      - { id: also, for_each: input.notes, function: shout, inputs: { note: item } }\n    return",
    )
    client = HeldClient(loud)
    client.on_request = lambda _: client.let_go() if client.in_flight == AUTO_START else None
    with anyio.fail_after(5):
        await Trial(document=second, client=client).run(notes(8))
    assert client.most_in_flight <= AUTO_START + 1
    fixed = HeldClient(loud)
    fixed.on_request = lambda _: fixed.let_go() if fixed.in_flight == 20 else None
    await Trial(document=DOCUMENT.replace("auto", "20"), client=fixed).run(notes(40))
    assert fixed.most_in_flight == 20
