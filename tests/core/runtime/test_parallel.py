"""Parallel: which branches decide, what becomes of the others, and what caps and people do to it."""

from __future__ import annotations

import random

import anyio
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stratum_core.budget import Budget
from stratum_core.contracts import JsonValue
from stratum_core.errors import TransportError
from stratum_core.journal import MemoryJournal
from stratum_core.llm import ModelRequest
from stratum_core.testing import Answer, FunctionClient
from tests.core.runtime._gates import GatedClient, answered, events
from tests.core.runtime._parallel import ALL, ANY, OPTIONAL, TWO, client, document, loud, run
from tests.core.runtime._trial import Trial, count, note_of

pytestmark = pytest.mark.anyio


async def test_all_branches_run_at_once_and_give_a_record() -> None:
    provider = client()
    journal = MemoryJournal()
    outcome = await run(ALL, provider, journal=journal)
    assert (outcome.state, outcome.value) == ("completed", {"a": "XA", "b": "XB", "c": "XC"})
    assert provider.most_in_flight == 3
    assert set(answered(journal)) == {"p/a", "p/b/first", "p/b/second", "p/c"}
    assert events(journal, "decided") == []
    assert outcome.census["lost"] == 0


async def test_concurrency_bounds_the_branches_in_flight() -> None:
    provider = client()
    outcome = await run(document("          concurrency: 1\n", output="json"), provider)
    assert (outcome.value, provider.most_in_flight) == ({"a": "XA", "b": "XB", "c": "XC"}, 1)
    assert provider.names() == ["xa", "xb", "XB", "xc", "xc"]


async def test_the_first_failure_of_a_required_branch_cuts_the_others_off() -> None:
    provider = client(never="!b !c")
    journal = MemoryJournal()
    outcome = await run(ALL, provider, x="!", journal=journal)
    assert outcome.state == "failed"
    assert outcome.error.startswith("p/a: `shout` gave no acceptable answer")
    assert sorted(provider.cancelled) == ["!b", "!c"]
    assert events(journal, "decided") == [("p", {"winners": [], "failed": ["a"]})]
    assert (outcome.census["calls_possibly_paid"], outcome.census["lost"]) == (2, 2)
    assert outcome.census["nusd"] == sum(attempt.usage.nusd for attempt in journal.reader().attempts())


async def test_the_first_success_is_enough_for_any_and_the_losers_are_counted() -> None:
    provider = client(never="xa xc")
    journal = MemoryJournal()
    outcome = await run(ANY, provider, journal=journal)
    assert (outcome.state, outcome.value) == ("completed", "XB")
    assert sorted(provider.cancelled) == ["xa", "xc"]
    assert events(journal, "decided") == [("p", {"winners": ["b"], "failed": []})]
    assert (outcome.census["calls_possibly_paid"], outcome.census["lost"]) == (2, 2)
    lost = [attempt for attempt in journal.reader().attempts() if attempt.state == "possibly_paid"]
    assert all(attempt.usage == attempt.reserved for attempt in lost)
    assert count(outcome, "nusd") == sum(attempt.usage.nusd for attempt in journal.reader().attempts())


async def test_a_count_gives_the_first_so_many_in_the_order_of_the_branches() -> None:
    provider = client(turns="xc xa", never="xb")
    outcome = await run(TWO, provider)
    assert (outcome.state, outcome.value, outcome.census["lost"]) == ("completed", ["XA", "XC"], 1)


async def test_a_branch_that_failed_is_none_of_the_first_so_many() -> None:
    def answer(request: ModelRequest) -> Answer:
        return {"value": "far too long"} if note_of(request) == "xa" else loud(request)

    outcome = await run(TWO, GatedClient(answer, note_of, turns=("xa", "xb", "xc")))
    assert (outcome.state, outcome.value) == ("completed", ["XB", "XC"])
    assert outcome.census["failed_by_cause"] == {}


async def test_too_many_failures_end_a_count_with_the_first_of_them() -> None:
    provider = client(turns="!a !b", never="!c")
    journal = MemoryJournal()
    outcome = await run(TWO, provider, x="!", journal=journal)
    assert outcome.state == "failed"
    assert outcome.error.startswith(
        "p: 2 of 3 branches failed, but 2 must succeed; the first of them, a: p/a: `shout`"
    )
    assert events(journal, "decided") == [("p", {"winners": [], "failed": ["a", "b"]})]
    assert provider.cancelled == ["!c"]


async def test_with_none_required_nothing_is_cut_off_and_failures_are_null_and_counted() -> None:
    def answer(request: ModelRequest) -> Answer:
        return {"value": "far too long"} if note_of(request) == "xa" else loud(request)

    provider = GatedClient(answer, note_of, turns=("xa", "xb", "XB", "xc"))
    outcome = await run(OPTIONAL, provider)
    assert (outcome.state, outcome.value) == ("completed_with_failures", {"a": None, "b": "XB", "c": "XC"})
    assert (outcome.census["failed_by_cause"], provider.cancelled) == ({"postcondition_failed": 1}, [])
    assert "p/a" in str(outcome.census["failures"])


@pytest.mark.parametrize(
    ("require", "output", "condition"),
    [("all", "json", 'results.a == "{}A"'), ("2", "list<string>", 'len(results) == 2 and "{}A" in results')],
)
async def test_its_own_validate_judges_the_value(require: str, output: str, condition: str) -> None:
    def judged(prefix: str) -> str:
        quoted = condition.format(prefix).replace("'", "''")
        return document(f"          require: {require}\n          validate: '{quoted}'\n", output=output)

    good, bad = await run(judged("X"), client()), await run(judged("Y"), client())
    assert (good.state, bad.state) == ("completed", "failed")
    assert bad.error.startswith("p: `")
    assert "is false for the results of its branches" in bad.error


async def test_a_failed_parallel_can_leave_null() -> None:
    text = document(
        output="optional<string>", step="        on_error: none\n", returns="'\"none\" if p is None else p.a'"
    )
    outcome = await run(text, client(never="!b !c"), x="!")
    assert (outcome.state, outcome.value) == ("completed_with_failures", "none")
    assert outcome.census["failed_by_cause"] == {"postcondition_failed": 1}


MAPPED = """\
stratum: "1"
functions:
  shout: { mode: infer, intent: Write in capitals, input: { note: string }, output: string, retries: 0 }
flows:
  main:
    input: { xs: list<string> }
    output: list<string>
    steps:
      - id: p
        for_each: input.xs
        parallel:
          require: any
          branches:
            a: { function: shout, inputs: { note: item } }
            b: { function: shout, inputs: { note: item + item } }
    return: p
"""


async def test_a_parallel_may_stand_in_a_loop() -> None:
    provider = client(never="aa bb")
    journal = MemoryJournal()
    outcome = await Trial(document=MAPPED, client=provider, journal=journal).run({"xs": ["a", "b"]})
    assert outcome.value == ["A", "B"]
    assert sorted(path for path, _ in events(journal, "decided")) == ["p[0]", "p[1]"]


async def test_a_cap_around_the_branches_stops_the_run_and_keeps_what_is_in_flight() -> None:
    journal = MemoryJournal()
    provider = client()
    outcome = await Trial(document=ALL, client=provider, journal=journal).run(
        {"x": "x"}, budget=Budget(calls=2)
    )
    assert (outcome.state, provider.cancelled) == ("stopped_budget", [])
    assert outcome.census["calls_answered"] == 2
    assert events(journal, "decided") == []
    resumed = await run(ALL, client(), journal=MemoryJournal(after=journal))
    assert (resumed.state, resumed.census["calls_reused"]) == ("completed", 2)


async def test_a_branch_without_room_is_no_reason_to_stop_while_another_can_still_win() -> None:
    journal = MemoryJournal()
    outcome = await Trial(document=ANY, client=client(turns="xc xa"), journal=journal).run(
        {"x": "x"}, budget=Budget(calls=4)
    )
    assert outcome.state == "completed"


async def test_any_without_room_for_a_winner_stops_the_run_and_decides_nothing() -> None:
    def wrong(request: ModelRequest) -> Answer:
        return {"value": "far too long"}

    journal = MemoryJournal()
    trial = Trial(document=ANY, client=GatedClient(wrong, note_of), journal=journal)
    outcome = await trial.run({"x": "x"}, budget=Budget(calls=4))
    assert (outcome.state, events(journal, "decided")) == ("stopped_budget", [])


async def test_cancelling_the_run_cancels_every_branch_and_leaves_nothing_open() -> None:
    journal = MemoryJournal()
    provider = client(never="xa xb xc")
    with anyio.move_on_after(0.05) as scope:
        await run(ALL, provider, journal=journal)
    assert scope.cancelled_caught
    assert (provider.in_flight, sorted(provider.cancelled)) == (0, ["xa", "xb", "xc"])
    assert [attempt.state for attempt in journal.reader().attempts()] == ["possibly_paid"] * 3


async def test_a_drained_run_cuts_no_branch_off() -> None:
    provider = client()
    trial = Trial(document=ANY, client=provider)
    context = trial.context()
    context.stop("interrupted", "asked to stop")
    outcome = await trial.run({"x": "x"}, context=context)
    assert (outcome.state, provider.requests) == ("interrupted", [])


WAITING = """\
stratum: "1"
functions:
  shout: { mode: infer, intent: Write in capitals, input: { note: string }, output: string, retries: 0 }
flows:
  asked:
    input: { note: string }
    output: string
    steps:
      - { id: q, await_human: { question: Which?, show: { note: input.note }, options: [left, right] } }
    return: q.value
  main:
    input: { x: string }
    output: json
    steps:
      - id: p
        parallel:
          require: REQUIRE
          branches:
            a: { flow: asked, inputs: { note: input.x } }
            b: { function: shout, inputs: { note: input.x } }
    return: p
"""


@pytest.mark.parametrize(
    ("require", "note", "state", "value"),
    [
        ("all", "x", "waiting", None),
        ("0", "x", "waiting", None),
        ("any", "x", "completed", "X"),
        ("any", "bad", "waiting", None),
        ("all", "bad", "failed", None),
    ],
)
async def test_a_branch_that_waits_for_a_person_holds_up_only_what_needs_it(
    require: str, note: str, state: str, value: JsonValue
) -> None:
    def answer(request: ModelRequest) -> Answer:
        return "no json" if note_of(request) == "bad" else loud(request)

    text = WAITING.replace("REQUIRE", require)
    outcome = await run(text, GatedClient(answer, note_of), x=note)
    assert (outcome.state, outcome.value) == (state, value)


@settings(max_examples=30, deadline=None)
@given(
    require=st.sampled_from(["all", "any", "0", "1", "2", "3"]),
    cap=st.integers(0, 9),
    seed=st.integers(0, 1_000),
)
def test_no_cap_is_passed_whatever_answers_when(require: str, cap: int, seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311 - a repeatable test

    def answer(request: ModelRequest) -> Answer:
        if chance.random() < 0.2:
            return TransportError("lost", detail={"paid": chance.choice(["no", "unknown"])})
        return {"value": "ok" if chance.random() < 0.6 else "far too long"}

    async def story() -> None:
        notes = ["xa", "xb", "xc"]
        chance.shuffle(notes)
        never = frozenset(note for note in notes if require in {"any", "1"} and chance.random() < 0.3)
        text = document(f"          require: {require}\n", output="json")
        provider = GatedClient(
            answer, note_of, turns=[note for note in notes if note not in never], never=never
        )
        journal = MemoryJournal()
        with anyio.move_on_after(0.1):
            outcome = await Trial(document=text, client=provider, journal=journal).run(
                {"x": "x"}, budget=Budget(calls=cap)
            )
            assert count(outcome, "calls") <= cap
        used = [attempt.usage.calls for attempt in journal.reader().attempts()]
        assert (sum(used) <= cap, provider.in_flight) == (True, 0)
        assert all(attempt.state != "open" for attempt in journal.reader().attempts())

    anyio.run(story)


async def test_no_task_and_no_reservation_is_left_behind() -> None:
    before = len(anyio.get_running_tasks())
    trial = Trial(document=ANY, client=FunctionClient(loud))
    outcome = await trial.run({"x": "x"}, budget=Budget(calls=20))
    assert outcome.state == "completed"
    assert len(anyio.get_running_tasks()) == before
