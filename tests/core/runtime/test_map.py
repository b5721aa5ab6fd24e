"""The map: how many at a time, in which order, and what failed items leave."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from stratum_core.contracts import JsonValue
from stratum_core.journal import MemoryJournal
from stratum_core.llm import ModelRequest
from stratum_core.runtime import AUTO_START, RunOutcome
from stratum_core.testing import Answer
from tests.core.runtime._trial import HeldClient, Trial, note_of

pytestmark = pytest.mark.anyio


def document(*, output: str = "list<string>", returns: str = "loud", step: str = "") -> str:
    return f"""\
stratum: "1"
functions:
  shout: {{ mode: infer, intent: Write in capitals, input: {{ note: string }}, output: string, retries: 0 }}
flows:
  main:
    input: {{ notes: list<string> }}
    output: {output}
    steps:
      - {{ id: loud, for_each: input.notes, function: shout, inputs: {{ note: item }}{step} }}
    return: {returns}
"""


def failing(*bad: int) -> Callable[[ModelRequest], Answer]:
    """Return a function that fails at these notes and writes the others in capitals."""
    return lambda request: (
        "no json" if int(note_of(request)[1:]) in bad else {"value": note_of(request).upper()}
    )


def notes(count: int) -> dict[str, JsonValue]:
    return {"notes": [f"n{number}" for number in range(count)]}


async def mapped(text: str, *bad: int, count: int = 10) -> RunOutcome:
    return await Trial.answering(text, failing(*bad)).run(notes(count))


def census(outcome: RunOutcome, *names: str) -> list[JsonValue]:
    return [outcome.census[name] for name in names]


@pytest.mark.parametrize(
    ("step", "most"), [("", AUTO_START), (", concurrency: 3", 3), (", concurrency: 99", 10)]
)
async def test_at_most_so_many_items_are_in_flight(step: str, most: int) -> None:
    client = HeldClient(failing())
    client.on_request = lambda _: client.let_go() if client.in_flight == most else None
    outcome = await Trial(document=document(step=step), client=client).run(notes(10))
    assert (client.most_in_flight, outcome.value) == (most, [f"N{number}" for number in range(10)])


async def test_an_empty_list_is_done_at_once() -> None:
    outcome = await mapped(document(), count=0)
    assert (outcome.state, outcome.value) == ("completed", [])


@pytest.mark.parametrize("require", ["all", "9", "81%"])
async def test_too_few_successes_fail_the_step_and_keep_what_is_done(require: str) -> None:
    outcome = await mapped(document(step=f', require: "{require}", concurrency: 1'.replace('"9"', "9")), 3, 5)
    assert outcome.state == "failed"
    assert "items succeeded, but" in outcome.error
    assert "the first that failed, item 4: loud[3]: `shout` gave no acceptable answer" in outcome.error
    assert outcome.partial == {"loud": [f"N{n}" for n in range(3 if require == "all" else 5) if n != 3]}


async def test_nothing_new_is_started_once_too_many_have_failed() -> None:
    trial = Trial.answering(document(step=", concurrency: 1"), failing(2))
    await trial.run(notes(10))
    assert len(trial.requests) == 3


@pytest.mark.parametrize("require", ["8", "80%", "0"])
async def test_enough_successes_complete_the_step_and_count_the_failures(require: str) -> None:
    outcome = await mapped(document(step=f", require: {require}"), 3, 5)
    assert (outcome.state, outcome.value) == (
        "completed_with_failures",
        [f"N{number}" for number in range(10) if number not in {3, 5}],
    )
    assert census(outcome, "items_done", "items_failed", "failed_by_cause") == [8, 2, {"parse_failure": 2}]
    assert outcome.partial == {}


async def test_a_failed_item_can_leave_null_in_its_place() -> None:
    outcome = await mapped(
        document(output="list<optional<string>>", step=", require: 0, on_error: none"), 1, count=3
    )
    assert outcome.value == ["N0", None, "N2"]


async def test_a_failed_item_can_be_kept_as_an_outcome() -> None:
    text = document(
        output="list<string>",
        returns='"[str(o.index) if o.value is None else o.value for o in loud]"',
        step=", require: 0, on_error: keep",
    )
    outcome = await mapped(text, 1, count=3)
    assert outcome.value == ["N0", "1", "N2"]


async def test_results_can_be_judged_as_a_whole() -> None:
    text = document(step=', require: 0, validate: "len(results) > 8"')
    good, bad = await mapped(text, 3), await mapped(text, 3, 5)
    assert (good.state, bad.state) == ("completed_with_failures", "failed")
    assert bad.error.startswith("loud: `len(results) > 8` is false for the step's results")


async def test_only_the_first_failures_are_shown_but_all_are_counted() -> None:
    outcome = await mapped(document(step=", require: 0"), *range(30), count=30)
    failures = outcome.census["failures"]
    assert isinstance(failures, list)
    assert (len(failures), outcome.census["items_failed"], outcome.value) == (20, 30, [])


async def test_progress_is_counted_in_the_journal() -> None:
    trial = Trial.answering(document(step=", require: 0"), failing(4))
    await trial.run(notes(6))
    assert isinstance(trial.journal, MemoryJournal)
    (progress,) = trial.journal.reader().snapshot().progress
    assert (progress.path, progress.total, progress.done, progress.failed) == ("loud", 6, 6, 1)


async def test_items_are_judged_over_long_lists_without_holding_up_the_others() -> None:
    text = document(output="int", returns="sum(len(x) for x in loud)", step=", require: 0, concurrency: 64")
    outcome = await mapped(text, count=2_500)
    assert outcome.value == sum(len(f"n{number}") for number in range(2_500))


async def test_a_list_that_is_none_is_refused_with_its_expression() -> None:
    text = (
        document(step=", require: 0")
        .replace("list<string> }", "json }")
        .replace("note: item", "note: str(item)")
    )
    outcome = await Trial.answering(text, failing()).run({"notes": "not a list"})
    assert (outcome.state, "gave str, not a list" in outcome.error) == ("failed", True)


async def test_a_finished_map_survives_a_later_failure() -> None:
    text = document(output="int", returns="b").replace(
        "    return", '      - { id: b, compute: "1 // (len(loud) - 3)" }\n    return'
    )
    outcome = await mapped(text, count=3)
    assert (outcome.state, outcome.partial) == ("failed", {"loud": ["N0", "N1", "N2"]})


NESTED = """\
stratum: "1"
functions:
  shout: { mode: infer, intent: Write in capitals, input: { note: string }, output: string, retries: 0 }
flows:
  one:
    input: { notes: list<string> }
    output: list<string>
    steps: [{ id: loud, for_each: input.notes, function: shout, inputs: { note: item } }]
    return: loud
  main:
    input: { groups: list<list<string>> }
    output: list<list<string>>
    steps: [{ id: groups, for_each: input.groups, flow: one, inputs: { notes: item }, require: 0 }]
    return: groups
"""


async def test_a_list_inside_a_list_fails_with_its_group_alone() -> None:
    trial = Trial.answering(NESTED, failing(2))
    outcome = await trial.run({"groups": [["n0", "n1"], ["n2", "n3"], []]})
    assert (outcome.state, outcome.value) == ("completed_with_failures", [["N0", "N1"], []])
    assert isinstance(trial.journal, MemoryJournal)
    paths = {progress.path for progress in trial.journal.reader().snapshot().progress}
    assert paths == {"groups", "groups[0]/loud", "groups[1]/loud", "groups[2]/loud"}
