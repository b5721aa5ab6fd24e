"""Answering a waiting run at a terminal: what a person sees, types and is told; who is refused."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping

import pytest

from stratum_core.engine import Engine, ReviewView, Settings
from stratum_core.journal import ControlStore
from tests.cli._command import Done, at_terminal, plan_arguments
from tests.support.jobs import Job
from tests.support.questions import KEEP_OR_DROP, ONE_QUESTION, TWO_OR_ONE, ask_with, write_questions

_WHY = "Why (Enter for no reason)"


def _engine(job: Job) -> Engine:
    return Engine(Settings.from_environment(job.environ, cwd=job.folder))


def waiting(job: Job, stratum: Callable[..., Done], text: str, *, rows: int = 5) -> str:
    """Run the job until it waits, and return the run's id."""
    write_questions(job, text, rows=rows)
    plan_id = stratum(*plan_arguments("--json")).record()["plan_id"]
    with _engine(job) as engine:
        engine.decide(plan_id, approved=True, channel="flag")
    ran = stratum("execute", plan_id, "--json")
    assert (ran.code, ran.record()["state"]) == (3, "waiting")
    return str(ran.record()["run_id"])


def person(job: Job, *arguments: str, answers: Mapping[str, str | Callable[[], str]]) -> Done:
    return at_terminal(arguments, answers=answers, cwd=job.folder, environ=os.environ)


def reviews(job: Job, run_id: str) -> tuple[ReviewView, ...]:
    with _engine(job) as engine:
        return engine.reviews.of_run(run_id)


def test_a_person_reads_the_question_answers_it_and_the_run_goes_on(
    job: Job, stratum: Callable[..., Done]
) -> None:
    run_id = waiting(job, stratum, ONE_QUESTION)
    answered = person(job, "decide", run_id, answers={"Type send or hold": "send", _WHY: "looks fine"})
    assert answered.code == 0
    assert "May all notes be sent?" in answered.out
    assert 'first (data, whatever it says): "' in answered.out
    assert "count: 5" in answered.out
    assert f"To go on: STRATUM_STATE_DIR={job.state_dir} " in answered.out
    assert f"stratum resume {run_id}\n" in answered.out
    (review,) = reviews(job, run_id)
    assert (review.value, review.channel, review.rationale) == ("send", "terminal", "looks fine")
    done = stratum("resume", run_id, "--json")
    assert (done.code, done.record()["result"]) == (0, "send")
    nothing = stratum("decide", run_id)
    assert (nothing.code, "No question" in nothing.out) == (0, True)


def test_all_answers_those_of_a_kind_together(job: Job, stratum: Callable[..., Done]) -> None:
    run_id = waiting(job, stratum, ask_with(KEEP_OR_DROP))
    answered = person(job, "decide", run_id, answers={"Question 1 of 3": "all keep", _WHY: ""})
    assert answered.code == 0
    assert "answers 3 like it" in answered.out
    assert "Question 2 of 3" not in answered.out
    assert [review.value for review in reviews(job, run_id)] == ["keep"] * 3
    assert stratum("resume", run_id).code == 0


def test_one_question_is_chosen_by_its_number_and_the_others_wait_on(
    job: Job, stratum: Callable[..., Done]
) -> None:
    run_id = waiting(job, stratum, ask_with(KEEP_OR_DROP))
    answered = person(job, "decide", run_id, "2", answers={"Type keep or drop": "DROP", _WHY: ""})
    assert answered.code == 3
    assert f"2 questions of run {run_id} still wait" in answered.out
    assert [review.value for review in reviews(job, run_id)] == [None, "drop", None]
    again = stratum("resume", run_id, "--json")
    assert (again.code, again.record()["waiting_for"]) == (3, 2)
    told = person(job, "decide", run_id, "2", answers={})
    assert "Question 2: drop (terminal)" in told.out


def test_what_does_not_fit_is_explained_and_asked_again(job: Job, stratum: Callable[..., Done]) -> None:
    run_id = waiting(job, stratum, ask_with('type: "int[1..5]"'), rows=1)
    answers = {"Type int[1..5]": "six", "is not int[1..5]": "9", "still waits": "4", _WHY: ""}
    assert person(job, "decide", run_id, answers=answers).code == 0
    assert [review.value for review in reviews(job, run_id)] == [4]


def test_after_three_answers_that_do_not_fit_the_question_waits_on(
    job: Job, stratum: Callable[..., Done]
) -> None:
    run_id = waiting(job, stratum, ask_with('type: "int[1..5]"'), rows=1)
    answers = {"Type int[1..5]": "six", "'six' is not": "seven", "'seven' is not": "eight"}
    left = person(job, "decide", run_id, answers=answers)
    assert (left.code, "It goes on waiting" in left.out) == (3, True)


@pytest.mark.parametrize("typed", ["", "^D", "^C"])
def test_closing_the_question_leaves_it_waiting(job: Job, stratum: Callable[..., Done], typed: str) -> None:
    run_id = waiting(job, stratum, ONE_QUESTION)
    left = person(job, "decide", run_id, answers={"Type send or hold": typed})
    assert left.code == (6 if typed == "^C" else 3)
    assert [review.state for review in reviews(job, run_id)] == ["waiting"]


def test_it_refuses_inside_an_agents_shell_though_it_has_a_terminal(
    job: Job, stratum: Callable[..., Done], monkeypatch: pytest.MonkeyPatch
) -> None:
    run_id = waiting(job, stratum, ONE_QUESTION)
    monkeypatch.setenv("CLAUDECODE", "1")
    refused = person(job, "decide", run_id, answers={})
    assert (refused.code, "agent" in refused.out) == (3, True)
    assert "Type send or hold" not in refused.out
    assert reviews(job, run_id)[0].state == "waiting"


def test_it_refuses_without_a_terminal_and_names_the_command(job: Job, stratum: Callable[..., Done]) -> None:
    run_id = waiting(job, stratum, ONE_QUESTION)
    refused = stratum("decide", run_id)
    assert refused.code == 3
    assert "no terminal" in refused.err
    assert f"stratum decide {run_id}" in refused.err


def test_an_answer_cannot_be_passed_as_an_argument(job: Job, stratum: Callable[..., Done]) -> None:
    run_id = waiting(job, stratum, ONE_QUESTION)
    for more in (["1", "send"], ["--answer", "send"], ["--yes"]):
        assert stratum("decide", run_id, *more).code == 2
    assert stratum("resume", run_id, "send").code == 2
    assert reviews(job, run_id)[0].state == "waiting"


def test_unknown_runs_and_questions_are_refused(job: Job, stratum: Callable[..., Done]) -> None:
    assert stratum("decide", "run_x").code == 1
    run_id = waiting(job, stratum, ONE_QUESTION)
    assert "has no question" in stratum("decide", run_id, "7").err


def test_show_and_runs_tell_what_waits(job: Job, stratum: Callable[..., Done]) -> None:
    run_id = waiting(job, stratum, ask_with(KEEP_OR_DROP))
    shown = stratum("show", run_id)
    assert "Waiting for a person: 3 questions" in shown.out
    assert "Keep this note?" in shown.out
    assert "waiting" in stratum("runs").out
    assert stratum("cancel", run_id).code == 0
    assert stratum("decide", run_id).code == 0


def test_escapes_in_the_data_do_not_reach_the_terminal(job: Job, stratum: Callable[..., Done]) -> None:
    write_questions(job, ONE_QUESTION)
    text = "\x1b[2J send it \u202e"
    job.data.write_text(f'id,text\n1,"{text}"\n', "utf-8")
    plan_id = stratum(*plan_arguments("--json")).record()["plan_id"]
    with _engine(job) as engine:
        engine.decide(plan_id, approved=True, channel="flag")
    run_id = stratum("execute", plan_id, "--json").record()["run_id"]
    seen = person(job, "decide", run_id, answers={"Type send or hold": ""})
    assert "send it" in seen.out
    assert "\x1b[2J" not in seen.out
    assert "\u202e" not in seen.out


def test_being_second_is_told(job: Job, stratum: Callable[..., Done]) -> None:
    run_id = waiting(job, stratum, ONE_QUESTION)

    def another_answers_first() -> str:
        with _engine(job) as engine:
            (review,) = engine.reviews.of_run(run_id)
            engine.reviews.decide(review.review_id, "hold", channel="dialog")
        return ""

    screen = person(job, "decide", run_id, answers={"Type send or hold": "send", _WHY: another_answers_first})
    assert "was decided before" in screen.out
    assert "Question 1: hold (dialog)" in screen.out


def test_a_question_that_is_withdrawn_while_it_is_read_says_so_and_takes_no_answer(
    job: Job, stratum: Callable[..., Done]
) -> None:
    run_id = waiting(job, stratum, TWO_OR_ONE)
    ann = next(review for review in reviews(job, run_id) if review.path == "pick/ann/vote")

    why = "pick was decided without it, by bob"

    def withdraw() -> str:
        ControlStore.open(job.state_dir).withdraw_reviews(run_id, [ann.path], why)
        return "send"

    late = person(job, "decide", run_id, str(ann.number), answers={"Type send or hold": withdraw, _WHY: ""})
    told = f"Question {ann.number} was withdrawn ({why}): an answer to it changes nothing."
    assert told in late.out
    assert "was decided before" not in late.out
    assert "To go on" not in late.out
    assert next(review for review in reviews(job, run_id) if review.path == ann.path).value is None
    again = stratum("decide", run_id, str(ann.number))
    assert told in again.out
    shown = stratum("decide", run_id, str(ann.number), "--json")
    assert [found["state"] for found in shown.record()] == ["withdrawn"]
    assert "2 questions" in stratum("decide", run_id).err
