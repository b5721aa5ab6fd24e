"""The questions runs put to people: which ones wait, what they show, and taking a person's answer.

Only a surface that has just asked a person decides here; no argument of any tool reaches it. What a question shows may
come from anywhere, so every part of it is one line or a block of quoted data for the surface to show, never words of
Stratum's own.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal, TypeAlias, cast

from stratum_core.approval import this_principal
from stratum_core.contracts import (
    AnyType,
    BoolType,
    DateTimeType,
    DateType,
    EnumType,
    JsonType,
    JsonValue,
    OpaqueType,
    OptionalType,
    StringType,
    Type,
    describe,
    json_schema,
)
from stratum_core.errors import InputError, RunError
from stratum_core.journal import ControlStore, ReviewRecord, RunRecord, check_answer

__all__ = ["ReviewDesk", "ReviewState", "ReviewView", "Shown", "decisions_change", "read_answer"]

ReviewState: TypeAlias = Literal["waiting", "decided", "lapsed", "withdrawn"]
"""Nobody has answered; a person has; the time was over before anybody did; the run needs no answer any more."""

_ITEM = re.compile(r"\[(\d+)\]")
_YES_NO: Mapping[str, bool] = {"yes": True, "true": True, "no": False, "false": False}


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """One thing a person sees beside a question."""

    label: str
    text: str
    """Text in quotes, anything else as JSON; not made safe for a terminal."""
    opaque: bool
    """Whether it came from outside and is to be told as data."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewView:
    """One question of a run."""

    review_id: str
    run_id: str
    number: int
    """Counted from 1 in the order of asking."""
    path: str
    question: str
    shown: tuple[Shown, ...]
    options: tuple[str, ...]
    answer: str
    """What fits, as a document writes the type."""
    answer_schema: Mapping[str, JsonValue]
    """The same as JSON Schema."""
    state: ReviewState
    expires_at: str = ""
    """ISO 8601 in UTC; empty: it waits for ever."""
    value: JsonValue = None
    """The answer that stands."""
    channel: str = ""
    reviewer: str = ""
    rationale: str = ""
    """The person's reasons; of a question that was withdrawn why it was."""

    @property
    def kind(self) -> tuple[str, str]:
        """What questions have in common that one answer may fit together."""
        return self.question, self.answer

    def to_json(self) -> dict[str, JsonValue]:
        """Return the flat record a machine reads: what the person sees is left to the person."""
        record: dict[str, JsonValue] = {
            "review_id": self.review_id,
            "number": self.number,
            "path": self.path,
            "question": self.question,
            "answer": self.answer,
            "state": self.state,
        }
        if self.expires_at:
            record["expires_at"] = self.expires_at
        if self.state != "waiting":
            record |= {"value": self.value, "channel": self.channel, "reviewer": self.reviewer}
        if self.state == "withdrawn":
            record["reason"] = self.rationale
        return record

    @property
    def withdrawn_words(self) -> str:
        """What a person is told who answers a question that was withdrawn."""
        return f"Question {self.number} was withdrawn ({self.rationale}): an answer to it changes nothing."


class ReviewDesk:
    """The questions of all runs of a state directory."""

    def __init__(self, control: ControlStore) -> None:
        """Look into a control file."""
        self._control = control

    def of_run(self, run_id: str) -> tuple[ReviewView, ...]:
        """Return every question of a run, in the order of asking.

        Raises:
            RunError: There is no such run.
        """
        self._control.run(run_id)
        return tuple(_view(review) for review in self._control.reviews(run_id))

    def waiting(self, run_id: str) -> tuple[ReviewView, ...]:
        """Return the questions of a run that a person can still answer: those of one step by their items.

        The steps stand in the order of asking, and items side by side ask in any order.

        Raises:
            RunError: There is no such run.
        """
        if self._control.run(run_id).state in {"completed", "completed_with_failures", "cancelled"}:
            return ()
        return _by_items([review for review in self.of_run(run_id) if review.state == "waiting"])

    def find(self, run_id: str, name: str) -> ReviewView:
        """Return a question by its id or its number in the run.

        Raises:
            RunError: There is no such run, or no such question in it.
        """
        for review in self.of_run(run_id):
            if name in {review.review_id, str(review.number)}:
                return review
        raise _unknown(run_id, name)

    def read(self, run_id: str, review_id: str, answer: JsonValue) -> JsonValue:
        """Return what a person means by what they typed or filled in, checked against the question; nothing is stored.

        Raises:
            RunError: There is no such question.
            InputError: It cannot be read as an answer.
            ContractViolation: It can, and does not fit.
        """
        for review in self._control.reviews(run_id):
            if review.review_id == review_id:
                value = read_answer(review.question.answer, answer) if isinstance(answer, str) else answer
                return check_answer(review, value)
        raise _unknown(run_id, review_id)

    def decide(
        self,
        review_id: str,
        value: JsonValue,
        *,
        channel: Literal["dialog", "terminal"],
        note: str = "",
    ) -> ReviewView:
        """Store a person's answer; the first decision stands, a withdrawal too, and the view says which it is.

        Raises:
            RunError: There is no such question, or its run is over.
            ContractViolation: The answer does not fit; the question still waits.
        """
        return _view(
            self._control.decide_review(
                review_id, value, channel=channel, reviewer=this_principal(), rationale=note
            )
        )


def _by_items(reviews: Sequence[ReviewView]) -> tuple[ReviewView, ...]:
    """Return questions with those of equal steps together, by the numbers of their items."""
    steps: dict[str, int] = {}

    def place(review: ReviewView) -> tuple[int, list[int]]:
        step = steps.setdefault(_ITEM.sub("[]", review.path), len(steps))
        return step, [int(index) for index in _ITEM.findall(review.path)]

    return tuple(sorted(reviews, key=place))


def decisions_change(run: RunRecord, reviews: tuple[ReviewView, ...]) -> bool:
    """Return whether a runner would find more answered than the one that left the run waiting."""
    awaited = (run.receipt or {}).get("waiting_for")
    if run.state != "waiting" or not isinstance(awaited, list):
        return True
    still = {review.review_id for review in reviews if review.state == "waiting"}
    return not all(review_id in still for review_id in awaited)


def read_answer(kind: Type, text: str) -> JsonValue:
    """Return the value a person means by what they typed: text as it is, a listed word, else JSON.

    Raises:
        InputError: It is neither.
    """
    typed = text.strip()
    match kind:
        case OpaqueType(inner=inner):
            return read_answer(inner, text)
        case OptionalType(inner=inner):
            return None if typed in {"", "null"} else read_answer(inner, text)
        case StringType() | DateType() | DateTimeType():
            return typed
        case EnumType(values=values):
            return _listed(values, typed)
        case BoolType() if typed.lower() in _YES_NO:
            return _YES_NO[typed.lower()]
        case _:
            try:
                return cast("JsonValue", json.loads(typed))
            except (ValueError, RecursionError) as fault:
                if isinstance(kind, JsonType | AnyType):
                    return typed
                raise InputError(
                    f"{typed[:80]!r} is not {describe(kind)}", remedy="write it as JSON does"
                ) from fault


def _unknown(run_id: str, name: str) -> RunError:
    return RunError(
        f"run {run_id} has no question {name[:80]!r}",
        remedy=f"list its questions with: stratum show {run_id}",
    )


def _listed(values: tuple[JsonValue, ...], typed: str) -> JsonValue:
    """Return the listed value that was typed, in whatever case."""
    words = {value if isinstance(value, str) else json.dumps(value): value for value in values}
    if typed in words:
        return words[typed]
    close = [value for word, value in words.items() if word.lower() == typed.lower()]
    if len(close) == 1:
        return close[0]
    raise InputError(f"{typed[:80]!r} is none of the answers", remedy=f"choose one of: {', '.join(words)}")


def _view(review: ReviewRecord) -> ReviewView:
    question, decision = review.question, review.decision
    expires_at_ms = review.expires_at_ms
    return ReviewView(
        review_id=review.review_id,
        run_id=review.run_id,
        number=review.number,
        path=review.path,
        question=question.text,
        shown=tuple(
            Shown(label=label, text=json.dumps(value, ensure_ascii=False), opaque=label in question.opaque)
            for label, value in question.show.items()
        ),
        options=question.options,
        answer=describe(question.answer),
        answer_schema=cast("Mapping[str, JsonValue]", json_schema(question.answer)),
        state=_state(review),
        expires_at="" if expires_at_ms is None else _moment(expires_at_ms),
        value=None if decision is None else decision.value,
        channel="" if decision is None else decision.channel,
        reviewer="" if decision is None else decision.reviewer,
        rationale="" if decision is None else decision.rationale,
    )


def _state(review: ReviewRecord) -> ReviewState:
    if review.decision is None:
        return "waiting"
    if review.withdrawn:
        return "withdrawn"
    return "lapsed" if review.lapsed else "decided"


def _moment(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms // 1000, UTC).isoformat().replace("+00:00", "Z")
