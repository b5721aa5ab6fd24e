"""Runs that wait for a person, through real runners: parked, answered, lapsed, cancelled, killed."""

from __future__ import annotations

import signal
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from datetime import datetime
from typing import cast

import pytest

from stratum_core.checks import check
from stratum_core.contracts import BoolType, JsonValue
from stratum_core.engine import Engine, ReviewView, RunView, command_line
from stratum_core.engine._reviews import read_answer
from stratum_core.errors import ContractViolation, InputError, RunError
from stratum_core.journal import ControlStore, Question
from stratum_core.specs import HumanVerb
from tests.core.engine._bench import Bench, ended, hit, result_of, when
from tests.support.jobs import DOCUMENT
from tests.support.questions import KEEP_OR_DROP, ONE_QUESTION, TWO_OR_ONE, ask_with


def parked(bench: Bench, engine: Engine, text: str, *, rows: int = 5) -> RunView:
    """Run a document until it waits for a person."""
    bench.job.spec.write_text(text, "utf-8")
    plan = bench.approved(engine, rows=rows)
    view = ended(engine, engine.execute(plan.plan_id).run_id)
    assert view.state == "waiting", view.message
    return view


def answer(engine: Engine, run_id: str, number: int, value: JsonValue) -> JsonValue:
    """Answer one question as a person at a terminal does, and return the answer that stands."""
    review = engine.reviews.find(run_id, str(number))
    return engine.reviews.decide(review.review_id, value, channel="terminal", note="seen").value


def votes(view: RunView) -> list[JsonValue]:
    """The person's answers in the result, null where nobody was asked."""
    report = cast("Mapping[str, list[Mapping[str, JsonValue] | None]]", result_of(view))
    return [None if vote is None else vote["value"] for vote in report["votes"]]


def test_a_run_waits_without_a_process_and_says_what_to_do(bench: Bench) -> None:
    engine = bench.engine()
    view = parked(bench, engine, ask_with(KEEP_OR_DROP))
    assert (view.final, view.live, view.waiting_for) == (True, False, 3)
    assert view.message.startswith("Waiting for a person: 3 questions.")
    typed = command_line("decide", view.run_id, state_dir=engine.settings.state_dir)
    assert view.message.endswith(f"To answer: {typed}")
    assert (view.census["items_done"], view.census["items_waiting"]) == (2, 3)
    assert sorted(str(question["number"]) for question in view.questions) == ["1", "2", "3"]
    paths = [str(question["path"]) for question in view.questions]
    assert paths == sorted(paths)
    told = view.to_json()
    assert told["waiting_for"] == 3
    assert "Works very well" not in str(told["questions"])


def test_questions_are_listed_by_their_items_however_they_were_asked(bench: Bench) -> None:
    engine = bench.engine()
    plan_id = bench.approved(engine).plan_id
    store = ControlStore.open(bench.job.state_dir, clock=lambda: bench.clock.now().timestamp())
    plan = store.plan(plan_id)
    store.create_run(plan_id, plan.plan_hash, cast("int", plan.record["cap_nusd"]), "run_000000000001")
    for path in ("rows[1]", "last", "rows[10]", "rows[2]", "deep[0][2]/a", "deep[0][1]/a"):
        store.ask_review("run_000000000001", path, Question(text="Well?", show={}, answer=BoolType()))

    assert [(review.number, review.path) for review in engine.reviews.waiting("run_000000000001")] == [
        (1, "rows[1]"), (4, "rows[2]"), (3, "rows[10]"), (2, "last"), (6, "deep[0][1]/a"), (5, "deep[0][2]/a"),
    ]  # fmt: skip
    assert [review.number for review in engine.reviews.of_run("run_000000000001")] == [1, 2, 3, 4, 5, 6]


def test_a_person_sees_what_came_from_outside_told_as_data(bench: Bench) -> None:
    engine = bench.engine()
    view = parked(bench, engine, ask_with(KEEP_OR_DROP))
    first = engine.reviews.waiting(view.run_id)[0]
    assert (first.question, first.options, first.state) == ("Keep this note?", ("keep", "drop"), "waiting")
    shown = {part.label: (part.text, part.opaque) for part in first.shown}
    assert shown["id"][1] is False
    assert shown["text"][1] is True
    assert shown["text"][0].startswith('"')


def test_an_unanswered_run_is_not_started_again(bench: Bench) -> None:
    engine = bench.engine()
    view = parked(bench, engine, ask_with(KEEP_OR_DROP))
    assert engine.resume(view.run_id).state == "waiting"
    assert not engine.show_run(view.run_id).live
    assert len(bench.openings(view.run_id)) == 1


def test_items_are_answered_singly_and_together_by_any_engine(bench: Bench) -> None:
    view = parked(bench, bench.engine(), ask_with(KEEP_OR_DROP))
    run_id, other = view.run_id, bench.engine()
    assert answer(other, run_id, 2, "drop") == "drop"
    again = ended(other, other.resume(run_id).run_id)
    assert (again.state, again.waiting_for, again.census["items_done"]) == ("waiting", 2, 3)
    for number in (1, 3):
        answer(other, run_id, number, "keep")
    assert other.show_run(run_id).message.startswith("Answered, ready to go on.")
    last = ended(other, other.resume(run_id).run_id)
    assert (last.state, last.waiting_for) == ("completed", 0)
    by_path = {review.path: review.value for review in other.reviews.of_run(run_id)}
    assert votes(last) == [by_path.get(f"votes[{index}]/vote") for index in range(5)]
    assert sorted(str(vote) for vote in votes(last)) == ["None", "None", "drop", "keep", "keep"]


def test_the_first_of_two_deciders_stands_and_the_other_is_told(bench: Bench) -> None:
    engine = bench.engine()
    view = parked(bench, engine, ONE_QUESTION)
    assert answer(engine, view.run_id, 1, "send") == "send"
    assert answer(bench.engine(), view.run_id, 1, "hold") == "send"
    done = ended(engine, engine.resume(view.run_id).run_id)
    assert (done.state, result_of(done)) == ("completed", "send")


def by_path(engine: Engine, run_id: str) -> dict[str, ReviewView]:
    return {review.path: review for review in engine.reviews.of_run(run_id)}


def test_what_a_lost_branch_asks_is_withdrawn_and_a_late_answer_changes_nothing(bench: Bench) -> None:
    engine = bench.engine()
    run_id = parked(bench, engine, TWO_OR_ONE).run_id
    asked = by_path(engine, run_id)
    assert {review.state for review in asked.values()} == {"waiting"}
    answer(engine, run_id, asked["pick/bob/vote"].number, "send")
    resumed = ended(engine, engine.resume(run_id).run_id)
    assert (resumed.state, resumed.waiting_for) == ("waiting", 1)
    assert [question["path"] for question in resumed.questions] == ["sure"]
    lost = by_path(engine, run_id)["pick/ann/vote"]
    assert (lost.state, lost.rationale) == ("withdrawn", "pick was decided without it, by bob")
    assert lost.to_json()["reason"] == lost.rationale

    late = bench.engine().reviews.decide(lost.review_id, "hold", channel="dialog")
    assert late == lost
    assert engine.show_run(run_id).waiting_for == 1
    trail = "\n".join(engine.audit.trail(run_id))
    assert f"question {lost.number} withdrawn: pick was decided without it, by bob" in trail

    answer(engine, run_id, asked["sure"].number, value=True)
    done = ended(engine, engine.resume(run_id).run_id)
    assert (done.state, result_of(done)) == ("completed", {"pick": "send", "sure": True})


def test_a_runner_that_died_before_it_withdrew_a_question_leaves_that_to_the_next(bench: Bench) -> None:
    engine = bench.engine()
    run_id = parked(bench, engine, TWO_OR_ONE).run_id
    asked = by_path(engine, run_id)
    answer(engine, run_id, asked["pick/bob/vote"].number, "send")
    ended(engine, engine.resume(run_id).run_id)
    with closing(sqlite3.connect(bench.job.state_dir / "control.db")) as control, control:
        # What a kill between the decision in the journal and the row in the control file leaves behind.
        control.execute("UPDATE reviews SET value = NULL, channel = NULL WHERE channel = 'withdrawn'")
    assert engine.show_run(run_id).waiting_for == 2
    answer(engine, run_id, asked["sure"].number, value=True)
    assert ended(engine, engine.resume(run_id).run_id).state == "completed"
    assert by_path(engine, run_id)["pick/ann/vote"].state == "withdrawn"


def test_an_answer_that_does_not_fit_leaves_the_question_waiting(bench: Bench) -> None:
    engine = bench.engine()
    view = parked(bench, engine, ask_with('type: "int[1..5]"'), rows=1)
    review = engine.reviews.find(view.run_id, "1")
    assert engine.reviews.read(view.run_id, review.review_id, " 3 ") == 3
    for wrong in ("six", "6", "1.5", ""):
        with pytest.raises((InputError, ContractViolation)):
            engine.reviews.read(view.run_id, review.review_id, wrong)
    for value in (6, "3", True):
        with pytest.raises(ContractViolation):
            engine.reviews.decide(review.review_id, value, channel="dialog")
    assert engine.show_run(view.run_id).waiting_for == 1


def test_a_question_lapses_while_no_process_runs(bench: Bench) -> None:
    engine = bench.engine()
    view = parked(bench, engine, ask_with(f"{KEEP_OR_DROP}, timeout: 30d, on_timeout: drop"), rows=1)
    (review,) = engine.reviews.of_run(view.run_id)
    assert review.expires_at.endswith("Z")
    # The runner asked by the real clock; the engine's clock is moved past that question's end.
    bench.clock.advance(_seconds_to(review.expires_at, bench) + 1)
    (late,) = engine.reviews.of_run(view.run_id)
    assert (late.state, late.value, late.channel) == ("decided", "drop", "timeout")
    assert engine.show_run(view.run_id).message.startswith("Answered, ready to go on.")
    assert answer(engine, view.run_id, 1, "keep") == "drop"
    done = ended(engine, engine.resume(view.run_id).run_id)
    assert (done.state, votes(done)) == ("completed", ["drop"])


def test_a_question_nobody_answered_in_time_fails_its_item(bench: Bench) -> None:
    engine = bench.engine()
    view = parked(bench, engine, ask_with(f"{KEEP_OR_DROP}, timeout: 30d"), rows=1)
    (review,) = engine.reviews.of_run(view.run_id)
    bench.clock.advance(_seconds_to(review.expires_at, bench) + 1)
    assert engine.reviews.of_run(view.run_id)[0].state == "lapsed"
    assert engine.reviews.waiting(view.run_id) == ()
    answer(engine, view.run_id, 1, "keep")
    done = ended(engine, engine.resume(view.run_id).run_id)
    assert (done.state, "nobody answered" in done.error) == ("failed", True)


def test_a_waiting_run_can_be_cancelled_and_takes_no_answers_then(bench: Bench) -> None:
    engine = bench.engine()
    view = parked(bench, engine, ask_with(KEEP_OR_DROP))
    cancelled = engine.cancel(view.run_id)
    assert (cancelled.state, cancelled.waiting_for) == ("cancelled", 0)
    with pytest.raises(RunError, match="nobody waits"):
        answer(engine, view.run_id, 1, "keep")
    assert engine.resume(view.run_id).state == "cancelled"
    assert not engine.show_run(view.run_id).live


def test_questions_survive_the_death_of_their_runner(bench: Bench) -> None:
    engine = bench.engine()
    bench.job.spec.write_text(_SLOW, "utf-8")
    plan = bench.approved(engine, rows=2_000)
    run_id = engine.execute(plan.plan_id).run_id
    live = when(engine, run_id, lambda view: view.live and view.waiting_for == 1)
    assert "For a person: 1 question" in live.message
    hit(run_id, signal.SIGKILL)
    dead = ended(engine, run_id)
    assert (dead.state, dead.waiting_for) == ("interrupted", 1)
    assert answer(engine, run_id, 1, "send") == "send"
    engine.resume(run_id)
    done = ended(engine, run_id, timeout_s=60)
    assert done.state == "completed", done.message
    assert result_of(done) == "send"
    paths = [
        (attempt.path, attempt.state) for attempt in bench.attempts(run_id) if attempt.state == "answered"
    ]
    assert len(paths) == len(set(paths))


def test_a_runner_that_finds_an_answer_at_its_end_goes_on_by_itself(bench: Bench) -> None:
    engine = bench.engine()
    bench.job.spec.write_text(_SLOW, "utf-8")
    plan = bench.approved(engine, rows=1_000)
    run_id = engine.execute(plan.plan_id).run_id
    when(engine, run_id, lambda view: view.waiting_for == 1)
    answer(engine, run_id, 1, "hold")
    done = ended(engine, run_id, timeout_s=60)
    assert (done.state, result_of(done)) == ("completed", "hold")
    assert len(bench.openings(run_id)) == 2


def test_questions_of_an_unknown_run_or_number_are_refused(bench: Bench) -> None:
    engine = bench.engine()
    with pytest.raises(RunError, match="no run"):
        engine.reviews.waiting("run_x")
    view = parked(bench, engine, ONE_QUESTION)
    for name in ("2", "review_x"):
        with pytest.raises(RunError, match="has no question"):
            engine.reviews.find(view.run_id, name)
    with pytest.raises(RunError, match="has no question"):
        engine.reviews.read(view.run_id, "review_x", "send")


@pytest.mark.parametrize(
    ("kind", "typed", "value"),
    [
        ("options: [Keep, drop]", "keep", "Keep"),
        ("type: bool", "yes", True),
        ("type: bool", "false", False),
        ("type: string", " as it is ", "as it is"),
        ("type: opaque<string>", "data", "data"),
        ("type: date", "2026-01-31", "2026-01-31"),
        ("type: optional<int>", "", None),
        ("type: optional<int>", "4", 4),
        ("type: list<int>", "[1, 2]", [1, 2]),
        ("type: json", "just words", "just words"),
        ("type: json", '{"a": 1}', {"a": 1}),
        ("type: float", "2", 2),
    ],
)
def test_what_a_person_types_is_read_by_the_type_of_the_answer(
    kind: str, typed: str, value: JsonValue
) -> None:
    program = check(ask_with(kind)).program
    assert program is not None
    verb = program.flows["one"].steps[0].verb
    assert isinstance(verb, HumanVerb)
    assert read_answer(verb.answer, typed) == value


_SLOW = DOCUMENT.replace("output: Report\n", "output: string\n").replace(
    "    steps:\n",
    "    steps:\n      - { id: vote, await_human: { question: Send?, options: [send, hold] } }\n",
).replace(
    """    return:
      judged: len(tones)
      unsure: sum(1 for tone in tones if tone.confidence < 0.7)
      tones: tones
""",
    "    return: vote.value\n",
)  # fmt: skip


def _seconds_to(moment: str, bench: Bench) -> float:
    return (datetime.fromisoformat(moment) - bench.clock.now()).total_seconds()
