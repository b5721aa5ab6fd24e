"""Questions in the control file: one row each, the first answer stands, and time runs without anybody."""

from __future__ import annotations

import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from stratum_core.contracts import EnumType, IntType, ListType, StringType
from stratum_core.errors import ContractViolation, DeterminismError, RunError
from stratum_core.journal import ApprovalRecord, ControlStore, PlanRecord, Question, RunReviews, RunState
from stratum_core.journal._migrations import CONTROL_FILE
from tests.support.journals import Clock

ASK = Question(
    text="Keep it?",
    show={"text": "as it is \u202e", "rows": [1, {"a": None}]},
    opaque=("text",),
    options=("keep", "drop"),
    answer=EnumType(("keep", "drop")),
)
HOUR = 3600


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store(tmp_path: Path, clock: Clock) -> ControlStore:
    """A control file with one run."""
    made = ControlStore.open(tmp_path, clock=clock)
    now = int(clock() * 1000)
    made.save_plan(
        PlanRecord(
            plan_id="p", plan_hash="h", record={}, created_at_ms=now, expires_at_ms=now + 1, principal="ann"
        )
    )
    made.record_decision(
        ApprovalRecord(
            approval_id="yes", plan_id="p", plan_hash="h", cap_nusd=None, decision="approved",
            channel="terminal", principal="ann", at_ms=now, expires_at_ms=now + 1,
        )
    )  # fmt: skip
    made.create_run("p", "h", None, "run-1")
    return made


def decide(store: ControlStore, review_id: str, value: str, reviewer: str = "ann") -> str:
    """Answer, and return whose answer stands."""
    stored = store.decide_review(review_id, value, channel="terminal", reviewer=reviewer)
    assert stored.decision is not None
    return stored.decision.reviewer


def test_a_question_comes_back_as_it_was_asked(store: ControlStore) -> None:
    asked = store.ask_review("run-1", "a", ASK)
    assert store.reviews("run-1") == (asked,)
    assert (asked.question, asked.number, asked.decision) == (ASK, 1, None)


def test_questions_are_numbered_in_the_order_of_asking_and_asked_once(store: ControlStore) -> None:
    for path in ("b", "a", "b"):
        store.ask_review("run-1", path, ASK)
    assert [(review.path, review.number) for review in store.reviews("run-1")] == [("b", 1), ("a", 2)]


def test_another_question_at_the_same_place_is_refused(store: ControlStore) -> None:
    store.ask_review("run-1", "a", ASK)
    with pytest.raises(DeterminismError):
        store.ask_review("run-1", "a", replace(ASK, show={"text": "other"}))


def test_a_question_needs_its_run(store: ControlStore) -> None:
    with pytest.raises(RunError):
        store.ask_review("run-2", "a", ASK)
    for unknown in ("review_000000000000", "../etc"):
        with pytest.raises(RunError):
            decide(store, unknown, "keep")


def test_the_first_answer_stands(store: ControlStore, clock: Clock) -> None:
    asked = store.ask_review("run-1", "a", ASK)
    clock.now += 5
    assert decide(store, asked.review_id, "keep", "ann") == "ann"
    assert decide(store, asked.review_id, "drop", "bob") == "ann"
    (stored,) = store.reviews("run-1")
    assert stored.decision is not None
    assert (stored.decision.value, stored.decision.at_ms) == ("keep", 1_700_000_005_000)
    assert store.ask_review("run-1", "a", ASK) == stored


def test_of_many_who_answer_at_once_one_wins_and_all_are_told_which(store: ControlStore) -> None:
    asked = store.ask_review("run-1", "a", ASK)
    names = [f"person-{number}" for number in range(8)]
    with ThreadPoolExecutor(8) as people:
        told = set(people.map(partial(decide, store, asked.review_id, "keep"), names))
    assert len(told) == 1


def test_an_answer_that_does_not_fit_leaves_the_question_open(store: ControlStore) -> None:
    asked = store.ask_review("run-1", "a", ASK)
    for wrong in ("", "KEEP", "keep it"):
        with pytest.raises(ContractViolation, match="question 1 of run run-1"):
            decide(store, asked.review_id, wrong)
    many = store.ask_review("run-1", "b", replace(ASK, options=(), answer=ListType(item=IntType())))
    with pytest.raises(ContractViolation):
        store.decide_review(many.review_id, [1, "2"], channel="dialog", reviewer="ann")
    long = store.ask_review("run-1", "c", replace(ASK, options=(), answer=StringType()))
    with pytest.raises(ContractViolation, match="allowed"):
        decide(store, long.review_id, "x" * 30_000)
    assert [review.decision for review in store.reviews("run-1")] == [None] * 3


def test_an_answer_or_reasons_longer_than_the_estimate_counts_on_leave_the_question_open(
    store: ControlStore,
) -> None:
    asked = store.ask_review("run-1", "step", replace(ASK, options=(), answer=StringType()))

    with pytest.raises(ContractViolation, match="20,003 bytes are too long for the answer; 20,000"):
        store.decide_review(asked.review_id, "x" * 20_001, channel="terminal", reviewer="ann")
    with pytest.raises(ContractViolation, match="4,002 bytes are too long for the reasons; 4,000"):
        store.decide_review(asked.review_id, "x", channel="terminal", reviewer="ann", rationale="é" * 2_000)
    assert decide(store, asked.review_id, "x" * 19_998) == "ann"


@pytest.mark.parametrize("state", ["completed", "completed_with_failures", "cancelled"])
def test_a_run_that_is_over_takes_no_answers(store: ControlStore, state: RunState) -> None:
    asked = store.ask_review("run-1", "a", ASK)
    store.update_run("run-1", state=state)
    with pytest.raises(RunError, match="nobody waits"):
        decide(store, asked.review_id, "keep")


@pytest.mark.parametrize("state", ["running", "waiting", "interrupted", "failed", "stopped_budget"])
def test_a_run_that_may_go_on_takes_them(store: ControlStore, state: RunState) -> None:
    asked = store.ask_review("run-1", "a", ASK)
    store.update_run("run-1", state=state)
    assert decide(store, asked.review_id, "keep") == "ann"


@pytest.mark.parametrize("on_timeout", [None, "drop"])
def test_a_question_lapses_though_no_process_runs(
    store: ControlStore, clock: Clock, on_timeout: str | None
) -> None:
    timed = replace(ASK, timeout_s=HOUR, on_timeout=on_timeout)
    asked = store.ask_review("run-1", "a", timed)
    clock.now += HOUR - 1
    assert store.reviews("run-1")[0].decision is None
    clock.now += 1
    (late,) = store.reviews("run-1")
    assert late.decision is not None
    assert (late.decision.channel, late.decision.value, late.lapsed) == (
        "timeout",
        on_timeout,
        on_timeout is None,
    )
    assert late.decision.at_ms == asked.expires_at_ms
    assert decide(store, asked.review_id, "keep") == ""


@pytest.mark.parametrize("who", ["the runner", "a late person"])
def test_a_lapse_is_written_down_once_somebody_came_to_it(
    store: ControlStore, clock: Clock, who: str
) -> None:
    timed = replace(ASK, timeout_s=HOUR)
    asked = store.ask_review("run-1", "a", timed)
    clock.now += HOUR
    if who == "the runner":
        store.ask_review("run-1", "a", timed)
    else:
        decide(store, asked.review_id, "keep")
    clock.now -= HOUR
    assert store.reviews("run-1")[0].lapsed
    assert decide(store, asked.review_id, "keep") == ""


def test_an_answer_in_time_does_not_lapse(store: ControlStore, clock: Clock) -> None:
    timed = replace(ASK, timeout_s=HOUR)
    asked = store.ask_review("run-1", "a", timed)
    assert decide(store, asked.review_id, "keep") == "ann"
    clock.now += 2 * HOUR
    assert not store.ask_review("run-1", "a", timed).lapsed


@pytest.mark.anyio
async def test_a_runner_knows_what_was_answered_before_it_and_what_it_left_open(store: ControlStore) -> None:
    first = RunReviews(store, "run-1")
    opened = [await first.ask(path, ASK) for path in ("a", "b")]
    assert first.open_ids == tuple(sorted(review.review_id for review in opened))
    assert not first.answered_since()
    decide(store, opened[0].review_id, "keep")
    assert first.answered_since()

    second = RunReviews(store, "run-1")
    assert (await second.ask("a", ASK)).decision is not None
    assert (await second.ask("b", ASK)).decision is None
    assert second.open_ids == (opened[1].review_id,)
    assert not second.answered_since()
    with pytest.raises(DeterminismError):
        await second.ask("a", replace(ASK, text="Drop it?"))


def test_a_control_file_from_before_gets_the_table_and_keeps_its_rows(tmp_path: Path) -> None:
    path = tmp_path / "control.db"
    with closing(sqlite3.connect(path, isolation_level=None)) as old:
        old.executescript(CONTROL_FILE[0])
        old.execute("INSERT INTO plans VALUES ('p', 'h', '{}', 0, 1, 'ann')")
        old.executescript(f"PRAGMA application_id = {0x53545241}; PRAGMA user_version = 1")
    store = ControlStore.open(tmp_path)
    assert store.plan("p").principal == "ann"
    assert store.reviews("run-1") == ()
    assert (tmp_path / "control.db.v1.bak").exists()


def test_a_question_that_was_withdrawn_takes_no_answer_and_says_why(store: ControlStore) -> None:
    asked = store.ask_review("run-1", "a", ASK)
    other = store.ask_review("run-1", "b", ASK)
    store.withdraw_reviews("run-1", ["a", "nowhere"], "b was first")
    (taken, waits) = store.reviews("run-1")
    assert (taken.withdrawn, taken.lapsed, waits) == (True, False, other)
    assert taken.decision is not None
    assert (taken.decision.value, taken.decision.rationale) == (None, "b was first")
    late = store.decide_review(asked.review_id, "keep", channel="terminal", reviewer="ann")
    assert late == taken == store.reviews("run-1")[0]


def test_what_was_answered_or_has_lapsed_is_not_withdrawn(store: ControlStore, clock: Clock) -> None:
    answered = store.ask_review("run-1", "a", ASK)
    decide(store, answered.review_id, "keep")
    store.ask_review("run-1", "b", replace(ASK, timeout_s=HOUR))
    clock.now += HOUR
    store.withdraw_reviews("run-1", ["a", "b"], "too late")
    assert [review.withdrawn for review in store.reviews("run-1")] == [False, False]
    assert [review.lapsed for review in store.reviews("run-1")] == [False, True]


def test_a_question_that_was_withdrawn_and_is_asked_again_waits_again(store: ControlStore) -> None:
    asked = store.ask_review("run-1", "a", ASK)
    store.withdraw_reviews("run-1", ["a"], "b was first")
    assert store.ask_review("run-1", "a", ASK) == asked
    assert decide(store, asked.review_id, "keep") == "ann"


@pytest.mark.anyio
async def test_a_runner_withdraws_what_waits_inside_a_path_and_waits_for_it_no_longer(
    store: ControlStore,
) -> None:
    inside = ["race/a", "race/a/vote", "race/a[3]/vote", "race/a#0/again"]
    beside = ["race/ab/vote", "race", "race/b/vote"]
    first = RunReviews(store, "run-1")
    for path in inside[:2]:
        await first.ask(path, ASK)
    runner = RunReviews(store, "run-1")
    for path in (*inside[2:], *beside, inside[0]):
        await runner.ask(path, ASK)
    await runner.withdraw("race/a", "b was first")
    stored = store.reviews("run-1")
    assert sorted(review.path for review in stored if review.withdrawn) == sorted(inside)
    assert runner.open_ids == tuple(sorted(review.review_id for review in stored if not review.withdrawn))
    assert not runner.answered_since()
    await runner.withdraw("race/a", "again")
    assert store.reviews("run-1") == stored
    again = await RunReviews(store, "run-1").ask("race/a", ASK)
    assert again.decision is None
