"""Long maps: what a short map gives, from files instead of memory; and accounts that close while many items wait."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import anyio
import pytest

from stratum_core.contracts import JsonValue, StoredList, stored
from stratum_core.journal import MemoryJournal, RunJournal
from stratum_core.llm import LitellmClient, ModelReply, ModelRequest
from stratum_core.runtime import RunOutcome
from stratum_core.testing import Answer, as_reply
from tests.core.runtime._trial import Trial, note_of
from tests.support.providers import Answer as HttpAnswer
from tests.support.providers import ProviderServer, openai

pytestmark = pytest.mark.anyio

COUNT = 1_200
BAD = {3, 700, 1_199}


ASKED = "function: shout, inputs: { note: item }"
COMPUTED = "compute: \"'N' + item[1:]\""


def document(
    *, output: str = "list<string>", returns: str = "loud", step: str = "", more: str = "", verb: str = ASKED
) -> str:
    return f"""\
stratum: "1"
functions:
  shout: {{ mode: infer, intent: Write in capitals, input: {{ note: string }}, output: string, retries: 0 }}
  longest:
    {{ mode: compute, input: {{ notes: list<string> }}, output: int, expression: "max([len(n) for n in notes])" }}
flows:
  main:
    input: {{ notes: list<string> }}
    output: {output}
    steps:
      - {{ id: loud, for_each: input.notes, {verb}, concurrency: 32{step} }}
{more}    return: {returns}
"""


def failing(*bad: int) -> Callable[[ModelRequest], Answer]:
    return lambda request: (
        "no json" if int(note_of(request)[1:]) in bad else {"value": note_of(request).upper()}
    )


def notes(count: int = COUNT) -> dict[str, JsonValue]:
    return {"notes": stored(f"n{number}" for number in range(count))}


def listed(value: JsonValue) -> list[JsonValue]:
    assert isinstance(value, Sequence)
    return list(value)


async def mapped(text: str, *bad: int, count: int = COUNT) -> RunOutcome:
    return await Trial.answering(text, failing(*bad)).run(notes(count))


async def test_a_long_map_gives_its_results_in_input_order_from_a_file() -> None:
    outcome = await mapped(document(step=", require: 0"), *BAD)
    assert isinstance(outcome.value, StoredList)
    assert list(outcome.value) == [f"N{number}" for number in range(COUNT) if number not in BAD]
    assert (outcome.census["items_done"], outcome.census["items_failed"]) == (COUNT - 3, 3)


async def test_failed_items_of_a_long_map_can_leave_null() -> None:
    outcome = await mapped(
        document(output="list<optional<string>>", step=", require: 0, on_error: none"), *BAD
    )
    assert listed(outcome.value) == [None if n in BAD else f"N{n}" for n in range(COUNT)]


async def test_failed_items_of_a_long_map_can_be_kept_with_their_reasons() -> None:
    outcome = await mapped(
        document(
            output="list<json>",
            step=", require: 0, on_error: keep",
            returns='"[{\\"ok\\": o.ok, \\"why\\": o.error, \\"at\\": o.index} for o in loud]"',
        ),
        *BAD,
    )
    rows = listed(outcome.value)
    assert rows[1] == {"ok": True, "why": None, "at": 1}
    failed = rows[700]
    assert isinstance(failed, dict)
    assert (failed["ok"], failed["at"]) == (False, 700)
    assert str(failed["why"]).startswith("loud[700]: `shout` gave no acceptable answer")


async def test_too_few_successes_of_a_long_map_keep_what_is_done() -> None:
    outcome = await mapped(document(step=", require: 1199"), 3, 700)
    assert outcome.state == "failed"
    assert "item 4: loud[3]" in outcome.error
    assert listed(outcome.partial["loud"])[:4] == ["N0", "N1", "N2", "N4"]


@pytest.mark.parametrize(
    ("expression", "output", "expected"),
    [
        ("count(x == 'N7' for x in loud)", "int", 1),
        ("sum(len(x) for x in loud)", "int", sum(len(f"N{n}") for n in range(COUNT))),
        ("len([x for x in loud if len(x) == 5])", "int", 200),
        ("loud[1100]", "string", "N1100"),
        ("loud[-2:]", "list<string>", ["N1198", "N1199"]),
        ("last(loud)", "optional<string>", "N1199"),
        ("top([len(x) for x in loud], 2)", "list<int>", [5, 5]),
        ("longest", "int", 5),
        ("any(x == 'N1199' for x in loud)", "bool", True),
    ],
)
async def test_expressions_go_over_long_lists(expression: str, output: str, expected: JsonValue) -> None:
    more = "      - { id: longest, function: longest, inputs: { notes: loud } }\n"
    outcome = await mapped(document(output=output, returns=f'"{expression}"', more=more, verb=COMPUTED))
    assert (outcome.error, outcome.value) == ("", expected)


async def test_what_is_filtered_from_a_long_list_is_mapped_again() -> None:
    more = "      - { id: again, for_each: \"[x for x in loud if x != 'N1']\", compute: item + '!', concurrency: 4 }\n"
    outcome = await mapped(document(returns="again", more=more, verb=COMPUTED))
    assert isinstance(outcome.value, StoredList)
    assert (len(outcome.value), outcome.value[1]) == (COUNT - 1, "N2!")


async def test_a_long_map_that_is_resumed_buys_nothing_and_gives_the_same() -> None:
    trial = Trial.answering(document(step=", require: 0"), failing(*BAD))
    first = await trial.run(notes())
    assert isinstance(trial.journal, MemoryJournal)
    asked = len(trial.requests)
    again = replace(trial, journal=MemoryJournal(after=trial.journal))
    second = await again.run(notes())
    assert (listed(second.value), len(trial.requests)) == (listed(first.value), asked)
    assert second.census["calls_reused"] == COUNT
    assert isinstance(again.journal, MemoryJournal)
    (progress,) = again.journal.reader().snapshot().progress
    assert (progress.total, progress.done, progress.failed) == (COUNT, COUNT, 3)
    told = [event for event in again.journal.reader().events(limit=100_000) if event.kind == "item_done"]
    assert len(told) < COUNT + 200  # what is replayed is told in few words


class Forgetful:
    """A client that answers everything, and keeps nothing."""

    async def complete(self, request: ModelRequest) -> ModelReply:
        return as_reply(request, {"value": "x" * 300}, "stop")


@pytest.mark.slow
async def test_a_map_of_many_items_holds_neither_them_nor_their_results(tmp_path: Path) -> None:
    peaks: list[int] = []
    for count in (1_200, 2_400):
        journal = RunJournal.open(tmp_path, f"run_{count}", create=True)
        trial = Trial(document=document(step=", require: 0"), client=Forgetful(), journal=journal)
        items = notes(count)
        tracemalloc.start()
        try:
            outcome = await trial.run(items)
            peaks.append(tracemalloc.get_traced_memory()[1])
        finally:
            tracemalloc.stop()
        await journal.close()
        assert outcome.state == "completed"
    assert peaks[1] - peaks[0] < 200_000  # 1,200 results alone are more than twice that


@pytest.mark.slow
@pytest.mark.parametrize(
    "closed", [openai.out_of_quota(), openai.error(401, "no", code="invalid_api_key")], ids=["quota", "key"]
)
@pytest.mark.parametrize("concurrency", ["16", "auto"])
async def test_a_closed_account_stops_a_map_within_the_calls_in_flight(
    closed: HttpAnswer, concurrency: str
) -> None:
    good = openai.completion('{"value": "N"}')
    text = document(step=", require: 0").replace("concurrency: 32", f"concurrency: {concurrency}")
    async with ProviderServer(*[good] * 49, closed) as server:
        client = LitellmClient(
            {"OPENAI_API_KEY": "sk-test-0123456789abcdef"}, api_bases={"openai": f"{server.url}/v1"}
        )
        await client.warm()
        trial = Trial(document=text, client=client)
        with anyio.fail_after(60):
            outcome = await trial.run(notes(1_000))
        await client.aclose()
        most = 16 if concurrency == "16" else 64
        assert 50 <= len(server.received) <= 50 + most
    assert outcome.state == "stopped_limit"
    assert outcome.census["items_done"] == 49
    assert len(listed(outcome.partial["loud"])) == 49


async def test_a_threshold_that_cannot_be_met_any_more_stops_the_map_early() -> None:
    trial = Trial.answering(
        document(step=', require: "99%"').replace("concurrency: 32", "concurrency: 8"),
        failing(*range(0, 1_000, 2)),
    )
    outcome = await trial.run(notes(1_000))
    assert outcome.state == "failed"
    assert len(trial.requests) <= 22 + 8  # the eleventh failure decides
