"""Questions to a person: what waits, what goes on meanwhile, and what an answer, or none, leads to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import pytest
from anyio.lowlevel import checkpoint

from stratum_core.contracts import EnumType, IntType, JsonValue
from stratum_core.errors import (
    ContractViolation,
    DeterminismError,
    JournalError,
    RunStopped,
    RunWaiting,
)
from stratum_core.journal import MemoryJournal, MemoryReviews
from stratum_core.llm import ModelReply, ModelRequest
from stratum_core.runtime import RunOutcome
from stratum_core.runtime._human import ask_person
from stratum_core.testing import Answer, FunctionClient
from tests.core.runtime._trial import Trial, note_of
from tests.support.journals import Clock

SHOUT = (
    "functions:\n"
    "  shout: { mode: infer, intent: Write in capitals, input: { note: string }, output: string, retries: 0 }\n"
)


def document(steps: str, *, returns: str, output: str = "json") -> str:
    """Return a document whose outer flow has these steps."""
    return f"""\
stratum: "1"
{SHOUT}flows:
  one:
    input: {{ note: string }}
    output: string
    steps:
      - {{ id: loud, function: shout, inputs: {{ note: input.note }} }}
      - id: vote
        when: len(loud) > 2
        await_human:
          question: Keep this?
          show: {{ loud: loud, note: input.note }}
          options: [keep, drop]
    return: vote.value if vote is not None else "short"
  main:
    input: {{ notes: list<string> }}
    output: {output}
    steps:
{steps}
    return: {returns}
"""


ITEMS = document(
    "      - { id: votes, for_each: input.notes, flow: one, inputs: { note: item }, require: 0, on_error: none }",
    returns="votes",
)
ASK = """\
      - id: vote
        await_human: {{ question: How many?, show: {{ notes: input.notes }}, type: "int[1..5]"{more} }}
"""


class Forgetful(MemoryReviews):
    """Questions of a process that may die before it takes one back."""

    deaf = False

    async def withdraw(self, path: str, reason: str) -> None:
        if not self.deaf:
            await super().withdraw(path, reason)


@dataclass
class Story:
    """One run through any number of processes, with the person's side of it."""

    text: str
    clock: Clock = field(default_factory=Clock)
    journal: MemoryJournal = field(default_factory=MemoryJournal)
    requests: list[str] = field(default_factory=list[str])
    """The notes that were paid for, in every process."""

    after: str = ""
    """The path of a question that stands before the first request is answered; empty: none."""

    def __post_init__(self) -> None:
        self.reviews = Forgetful(clock=self.clock)
        self.started = False

    async def run(self, *notes: str) -> RunOutcome:
        """Run in a new process."""
        if self.started:
            self.journal = MemoryJournal(after=self.journal)
        self.started = True
        trial = Trial(document=self.text, client=_Held(self), journal=self.journal)
        context = trial.context()
        context.reviews = self.reviews
        return await trial.run({"notes": list(notes)}, context=context)

    def answer(self, request: ModelRequest) -> Answer:
        """Answer a request."""
        self.requests.append(note_of(request))
        return "no json" if note_of(request) == "bad" else {"value": note_of(request).upper()}

    def decided(self) -> list[str]:
        """The paths of the decisions in the journal."""
        with self.journal.reader() as reader:
            return [event.path for event in reader.events() if event.kind == "decided"]


@dataclass
class _Held:
    """Answers once the person has been asked."""

    story: Story

    async def complete(self, request: ModelRequest) -> ModelReply:
        while self.story.after and self.story.after not in self.story.reviews.reviews:
            await checkpoint()
        return await FunctionClient(self.story.answer).complete(request)


def ask_once(more: str = "") -> Story:
    return Story(document(ASK.format(more=more), returns="vote.value"))


@pytest.mark.anyio
async def test_a_run_waits_as_a_row_and_the_answer_becomes_its_value() -> None:
    story = ask_once()
    first = await story.run("a")
    assert (first.state, first.value, first.error) == ("waiting", None, "")
    assert [review.question.text for review in story.reviews.reviews.values()] == ["How many?"]
    assert story.decided() == []

    story.reviews.decide("vote", 3, rationale="enough")
    second = await story.run("a")
    assert (second.state, second.value) == ("completed", 3)
    assert story.decided() == ["vote"]


@pytest.mark.anyio
async def test_the_value_is_a_decision_with_reviewer_reason_and_time() -> None:
    story = Story(document(ASK.format(more=""), returns="vote"))
    await story.run()
    story.reviews.decide("vote", 2, reviewer="ann@host", rationale="two will do")
    assert (await story.run()).value == {
        "value": 2,
        "reviewer": "ann@host",
        "rationale": "two will do",
        "decided_at": "2023-11-14T22:13:20Z",
    }


@pytest.mark.anyio
async def test_asked_again_a_question_keeps_its_row_and_goes_on_waiting() -> None:
    story = ask_once()
    await story.run()
    (before,) = story.reviews.reviews.values()
    story.clock.now += 3600
    assert (await story.run()).state == "waiting"
    assert list(story.reviews.reviews.values()) == [before]


ASKED = """\
  asked:
    input: { note: string }
    output: string
    steps:
      - id: vote
        await_human: { question: Keep this?, show: { note: input.note }, options: [keep, drop] }
    return: vote.value
"""
RACE = document(
    """\
      - id: pick
        race:
          branches:
            asked: { flow: asked, inputs: { note: "input.notes[0]" } }
            written: { function: shout, inputs: { note: "input.notes[1]" } }
      - id: sure
        await_human: { question: Sure?, type: bool }
""",
    returns="\"{'pick': pick, 'sure': sure.value}\"",
).replace("flows:\n", f"flows:\n{ASKED}")


@pytest.mark.anyio
async def test_what_a_lost_branch_asks_is_withdrawn_and_an_answer_that_comes_late_changes_nothing() -> None:
    story = Story(RACE, after="pick/asked/vote")
    first = await story.run("asked", "written")
    assert first.state == "waiting"
    lost, other = story.reviews.reviews["pick/asked/vote"], story.reviews.reviews["sure"]
    assert (lost.withdrawn, other.decision) == (True, None)
    assert lost.decision is not None
    assert (lost.decision.value, lost.decision.rationale) == (None, "pick was decided without it, by written")

    late = story.reviews.decide("pick/asked/vote", "drop")
    assert late == lost
    story.reviews.decide("sure", value=True)
    assert (await story.run("asked", "written")).value == {"pick": "WRITTEN", "sure": True}
    assert story.requests == ["written"]


@pytest.mark.anyio
async def test_a_crash_between_a_decision_and_the_withdrawal_leaves_it_to_the_next_process() -> None:
    story = Story(RACE, after="pick/asked/vote")
    story.reviews.deaf = True
    assert (await story.run("asked", "written")).state == "waiting"
    assert story.reviews.reviews["pick/asked/vote"].decision is None
    story.reviews.deaf = False
    assert (await story.run("asked", "written")).state == "waiting"
    assert story.reviews.reviews["pick/asked/vote"].withdrawn
    assert story.requests == ["written"]


@pytest.mark.anyio
async def test_branches_that_both_ask_wait_until_one_is_answered_and_the_other_is_withdrawn() -> None:
    both = RACE.replace("written: { function: shout", "written: { flow: asked")
    story = Story(both)
    assert (await story.run("asked", "written")).state == "waiting"
    assert [review.decision for review in story.reviews.reviews.values()] == [None, None, None]
    story.reviews.decide("pick/written/vote", "keep")
    await story.run("asked", "written")
    assert story.reviews.reviews["pick/asked/vote"].withdrawn
    assert not story.reviews.reviews["pick/written/vote"].withdrawn


@pytest.mark.anyio
async def test_what_was_withdrawn_waits_again_when_it_is_asked_again() -> None:
    story = ask_once()
    await story.run()
    await story.reviews.withdraw("vote", "not now")
    assert story.reviews.reviews["vote"].withdrawn
    assert (await story.run()).state == "waiting"
    assert story.reviews.reviews["vote"].decision is None
    await story.reviews.withdraw("vot", "another place")
    assert story.reviews.reviews["vote"].decision is None


@pytest.mark.anyio
async def test_items_that_wait_are_neither_done_nor_failed_and_the_others_go_on() -> None:
    story = Story(ITEMS)
    outcome = await story.run("abc", "x", "bad", "def")
    assert outcome.state == "waiting"
    counted = {name: outcome.census[name] for name in ("items_done", "items_failed", "items_waiting")}
    assert counted == {"items_done": 1, "items_failed": 1, "items_waiting": 2}
    assert sorted(story.reviews.reviews) == ["votes[0]/vote", "votes[3]/vote"]
    assert outcome.partial == {"votes": ["short"]}


@pytest.mark.anyio
async def test_items_are_answered_singly_and_nothing_is_paid_twice() -> None:
    story = Story(ITEMS)
    await story.run("abc", "x", "def")
    story.reviews.decide("votes[2]/vote", "drop")
    again = await story.run("abc", "x", "def")
    assert (again.state, again.census["items_done"], again.census["items_waiting"]) == ("waiting", 2, 1)
    story.reviews.decide("votes[0]/vote", "keep")
    last = await story.run("abc", "x", "def")
    assert (last.state, last.value) == ("completed", ["keep", "short", "drop"])
    assert sorted(story.requests) == ["abc", "def", "x"]
    assert story.decided() == ["votes[2]/vote", "votes[0]/vote"]


@pytest.mark.anyio
async def test_items_answered_together_go_on_together() -> None:
    story = Story(ITEMS)
    await story.run("abc", "def", "ghi")
    for path in list(story.reviews.reviews):
        story.reviews.decide(path, "keep")
    assert (await story.run("abc", "def", "ghi")).value == ["keep"] * 3


@pytest.mark.anyio
async def test_a_map_that_cannot_reach_its_require_fails_whatever_the_person_would_say() -> None:
    story = Story(ITEMS.replace("require: 0", "require: all"))
    outcome = await story.run("abc", "bad")
    assert outcome.state == "failed"
    assert "0 of 2 items succeeded" in outcome.error


@pytest.mark.anyio
async def test_a_step_that_waits_holds_back_only_what_reads_it() -> None:
    steps = """\
      - { id: vote, await_human: { question: Go on?, options: [yes, no] } }
      - { id: beside, function: shout, inputs: { note: "'beside'" } }
      - { id: after_it, function: shout, inputs: { note: "'after ' + vote.value" } }
      - { id: last, function: shout, inputs: { note: "beside + after_it" } }
"""
    story = Story(document(steps, returns="last"))
    assert (await story.run()).state == "waiting"
    assert story.requests == ["beside"]
    story.reviews.decide("vote", "yes")
    assert (await story.run()).value == "BESIDEAFTER YES"
    assert story.requests == ["beside", "after yes", "BESIDEAFTER YES"]


@pytest.mark.anyio
async def test_a_failure_beside_a_question_fails_the_run() -> None:
    steps = """\
      - { id: vote, await_human: { question: Go on?, options: [yes, no] } }
      - { id: beside, function: shout, inputs: { note: "'bad'" } }
"""
    assert (await Story(document(steps, returns="beside")).run()).state == "failed"


@pytest.mark.anyio
async def test_no_on_error_takes_waiting_for_a_failure() -> None:
    steps = "      - { id: votes, on_error: none, flow: one, inputs: { note: 'input.notes[0]' } }"
    story = Story(document(steps, returns="votes"))
    assert (await story.run("abc")).state == "waiting"


@pytest.mark.anyio
async def test_a_question_that_lapsed_fails_or_takes_its_answer_for_that() -> None:
    fails = ask_once(", timeout: 1h")
    await fails.run()
    fails.clock.now += 3600
    outcome = await fails.run()
    assert (outcome.state, "nobody answered" in outcome.error) == ("failed", True)

    steps = """\
      - id: vote
        await_human: { question: Go?, options: [yes, no], timeout: 1h, on_timeout: no }
"""
    answers = Story(document(steps, returns="vote"))
    await answers.run()
    answers.clock.now += 3599
    assert (await answers.run()).state == "waiting"
    answers.clock.now += 1
    assert (await answers.run()).value == {
        "value": "no",
        "reviewer": None,
        "rationale": None,
        "decided_at": "2023-11-14T23:13:20Z",
    }


@pytest.mark.anyio
async def test_a_lapse_stands_though_somebody_answers_later_or_the_clock_is_set_back() -> None:
    story = ask_once(", timeout: 1h")
    await story.run()
    story.clock.now += 3600
    await story.run()
    story.clock.now -= 3600
    assert story.reviews.decide("vote", 3).lapsed
    assert (await story.run()).state == "failed"


@pytest.mark.anyio
async def test_the_journal_is_believed_over_a_row_that_was_changed_later() -> None:
    story = ask_once()
    await story.run()
    story.reviews.decide("vote", 3)
    await story.run()
    del story.reviews.reviews["vote"]
    assert (await story.run()).value == 3


@dataclass
class Asker:
    """Calls `ask_person` as verbs do."""

    journal: MemoryJournal = field(default_factory=MemoryJournal)
    reviews: MemoryReviews = field(default_factory=MemoryReviews)

    async def ask(self, question: str = "Go?", **show: JsonValue) -> Mapping[str, JsonValue]:
        trial = Trial(document=ITEMS, client=FunctionClient(lambda _: ""), journal=self.journal)
        context = trial.context()
        context.reviews = self.reviews
        options = ("yes", "no")
        return await ask_person(
            context,
            question,
            show,
            options,
            EnumType(options),
            path="s/person",
            timeout_s=None,
            on_timeout=None,
            opaque=("said",),
        )

    def next_process(self) -> None:
        self.journal = MemoryJournal(after=self.journal)


@pytest.mark.anyio
async def test_waiting_names_the_question_and_the_command() -> None:
    with pytest.raises(RunWaiting, match="stratum decide memory") as waiting:
        await Asker().ask()
    assert waiting.value.detail["state"] == "waiting"
    assert isinstance(waiting.value, RunStopped)


@pytest.mark.anyio
async def test_another_question_at_the_same_place_is_refused_before_and_after_the_answer() -> None:
    asker = Asker()
    with pytest.raises(RunWaiting):
        await asker.ask()
    with pytest.raises(DeterminismError):
        await asker.ask("Stop?")
    asker.reviews.decide("s/person", "yes")
    await asker.ask()
    asker.next_process()
    with pytest.raises(DeterminismError):
        await asker.ask("Stop?")
    assert (await asker.ask())["value"] == "yes"


@pytest.mark.anyio
async def test_what_is_shown_is_bounded_and_tells_what_is_data() -> None:
    asker = Asker()
    with pytest.raises(RunWaiting):
        await asker.ask(said="x" * 9_000, rows=[1] * 9_000, small={"a": 1})
    question = asker.reviews.reviews["s/person"].question
    assert question.opaque == ("said",)
    assert question.show["small"] == {"a": 1}
    for label in ("said", "rows"):
        shown = question.show[label]
        assert isinstance(shown, str)
        assert len(shown) < 8_100
        assert "in all)" in shown


@pytest.mark.anyio
async def test_an_answer_is_not_used_before_the_journal_has_it() -> None:
    asker = Asker()
    with pytest.raises(RunWaiting):
        await asker.ask()
    asker.reviews.decide("s/person", "yes")
    await asker.journal.close()
    with pytest.raises(JournalError):
        await asker.ask()


@pytest.mark.anyio
async def test_a_stored_answer_that_does_not_fit_is_never_a_value() -> None:
    asker = Asker()
    fact: dict[str, JsonValue] = {"lapsed": False, "value": "maybe"}
    with pytest.raises(RunWaiting):
        await asker.ask()
    fact["question"] = asker.reviews.reviews["s/person"].question.hash
    await asker.journal.event("decided", path="s/person", data=fact)
    asker.next_process()
    with pytest.raises(ContractViolation, match="person's answer"):
        await asker.ask()


@pytest.mark.anyio
async def test_nobody_is_asked_once_the_run_has_to_stop() -> None:
    story = ask_once()
    trial = Trial(document=story.text, client=FunctionClient(lambda _: ""), journal=story.journal)
    context = trial.context()
    context.stop("cancelled", "by a person")
    outcome = await trial.run({"notes": []}, context=context)
    assert outcome.state == "cancelled"
    assert isinstance(context.reviews, MemoryReviews)
    assert context.reviews.reviews == {}


@pytest.mark.anyio
async def test_an_answer_of_another_type_is_refused_and_the_question_waits_on() -> None:
    story = ask_once()
    await story.run()
    assert story.reviews.reviews["vote"].question.answer == IntType(min=1, max=5)
    for wrong in (9, "3", None, True):
        with pytest.raises(ContractViolation) as refused:
            story.reviews.decide("vote", wrong)
        assert "still waits" in refused.value.remedy
    assert (await story.run()).state == "waiting"
