"""Questions to a person as they stand in the control file: a wait is a row, not a process.

The runner stores a question and goes on with everything else; a person answers through a channel whenever they like,
while a runner is at work or while none is. The first answer stands. Time is the wall clock: a question lapses though
nobody runs, and a lapsed one takes no answer any more. Nor does one that was withdrawn, because what came of the run no
longer depends on it; should the run ask it again after all, it waits again.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal, Protocol, TypeAlias

from stratum_core.contracts import JsonValue, Type, check_value, content_hash, type_to_json
from stratum_core.errors import ContractViolation, DeterminismError

__all__ = [
    "MAX_ANSWER_BYTES",
    "MAX_NOTE_BYTES",
    "Question",
    "ReviewChannel",
    "ReviewDecision",
    "ReviewRecord",
    "Reviews",
    "as_of",
    "check_answer",
    "lies_within",
    "new_review",
    "refuse_other",
    "review_id_of",
    "withdrawal",
]

MAX_ANSWER_BYTES = 20_000
"""What an answer may take as JSON; the estimate counts on it (`stratum_core.plan.HUMAN_ANSWER_BYTES`)."""

MAX_NOTE_BYTES = 4_000
"""What the reasons beside it may take as JSON; the estimate counts on it (`stratum_core.plan.HUMAN_NOTE_BYTES`)."""

ReviewChannel: TypeAlias = Literal["dialog", "terminal", "timeout", "withdrawn"]
"""How it ended: an answer in the client's own dialog or at a terminal, the clock, or the run itself took it back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What a person is asked."""

    text: str
    show: Mapping[str, JsonValue] = field(default_factory=dict[str, JsonValue])
    """What they see, by label."""
    opaque: tuple[str, ...] = ()
    """Labels of `show` whose values came from outside: data, whatever they say."""
    options: tuple[str, ...] = ()
    answer: Type
    """What fits as an answer."""
    timeout_s: int | None = None
    """Seconds until the question lapses; None: never."""
    on_timeout: str | None = None
    """The answer of a lapsed question; None: there is none, and the step fails."""

    def to_json(self) -> dict[str, JsonValue]:
        """Return the question as the control file keeps it."""
        return {
            "text": self.text,
            "show": dict(self.show),
            "opaque": list(self.opaque),
            "options": list(self.options),
            "answer": type_to_json(self.answer),
            "timeout_s": self.timeout_s,
            "on_timeout": self.on_timeout,
        }

    @property
    def hash(self) -> str:
        """12 hex that tell this question from any other at the same place."""
        return content_hash(self.to_json())[:12]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewDecision:
    """How a question ended: the answer that stands, or why there is none."""

    value: JsonValue
    """Of the question's type; null when it was withdrawn, or lapsed and names no answer for that."""
    channel: ReviewChannel
    reviewer: str
    """Who answered; empty where nobody did."""
    rationale: str = ""
    """Their reasons; of a question that was withdrawn why it was."""
    at_ms: int
    """Milliseconds since the Unix epoch."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewRecord:
    """One question of one run."""

    review_id: str
    run_id: str
    path: str
    """Where in the run it was asked."""
    number: int
    """Counted from 1 in the order of asking; never used again in the run."""
    question: Question
    created_at_ms: int
    decision: ReviewDecision | None = None

    @property
    def expires_at_ms(self) -> int | None:
        """When it lapses; None: never."""
        seconds = self.question.timeout_s
        return None if seconds is None else self.created_at_ms + seconds * 1000

    @property
    def lapsed(self) -> bool:
        """Whether it ended without any answer."""
        decision = self.decision
        return decision is not None and decision.channel == "timeout" and self.question.on_timeout is None

    @property
    def withdrawn(self) -> bool:
        """Whether the run took it back, so that no answer counts any more."""
        return self.decision is not None and self.decision.channel == "withdrawn"


class Reviews(Protocol):
    """Where one run puts its questions."""

    async def ask(self, path: str, question: Question) -> ReviewRecord:
        """Store a question unless it stands already, and return it with the decision that stands now.

        One that was withdrawn waits again.

        Raises:
            DeterminismError: Another question stands at this path.
            JournalError: It could not be stored.
        """
        ...

    async def withdraw(self, path: str, reason: str) -> None:
        """Take back what still waits at a path and everywhere inside it; what was answered stays as it is.

        Args:
            path: Where; inside `a` are `a/...`, `a[...]` and `a#...`.
            reason: What a person reads who comes too late.

        Raises:
            JournalError: It could not be stored.
        """
        ...


def review_id_of(run_id: str, path: str) -> str:
    """Return the id of the question at a path of a run: it depends on nothing else."""
    return f"review_{content_hash([run_id, path])[:12]}"


def new_review(run_id: str, path: str, question: Question, *, number: int, now_ms: int) -> ReviewRecord:
    """Return a question that was just asked."""
    return ReviewRecord(
        review_id=review_id_of(run_id, path),
        run_id=run_id,
        path=path,
        number=number,
        question=question,
        created_at_ms=now_ms,
    )


def as_of(review: ReviewRecord, now_ms: int) -> ReviewRecord:
    """Return a question as it stands at a moment: decided by the clock when its time is over."""
    expires_at_ms = review.expires_at_ms
    if review.decision is not None or expires_at_ms is None or now_ms < expires_at_ms:
        return review
    lapse = ReviewDecision(
        value=review.question.on_timeout, channel="timeout", reviewer="", at_ms=expires_at_ms
    )
    return replace(review, decision=lapse)


def withdrawal(reason: str, now_ms: int) -> ReviewDecision:
    """Return the end of a question that no longer matters."""
    return ReviewDecision(value=None, channel="withdrawn", reviewer="", rationale=reason, at_ms=now_ms)


def lies_within(path: str, outer: str) -> bool:
    """Return whether a question's path is another path or inside it."""
    return path == outer or path.startswith((f"{outer}/", f"{outer}[", f"{outer}#"))


def check_answer(review: ReviewRecord, value: JsonValue, rationale: str = "") -> JsonValue:
    """Return an answer in its normal form.

    Raises:
        ContractViolation: It does not fit the question, or it or its reasons are too long.
    """
    try:
        checked = check_value(review.question.answer, value)
        _refuse_longer(checked, MAX_ANSWER_BYTES, "the answer")
        _refuse_longer(rationale, MAX_NOTE_BYTES, "the reasons")
    except ContractViolation as violation:
        raise ContractViolation(
            f"question {review.number} of run {review.run_id}: {violation.message}",
            remedy="answer with what the question asks for; it still waits",
            detail=violation.detail,
        ) from None
    return checked


def _refuse_longer(value: JsonValue, most: int, what: str) -> None:
    size = len(json.dumps(value, ensure_ascii=False).encode())
    if size > most:
        raise ContractViolation(f"{size:,} bytes are too long for {what}; {most:,} are allowed")


def refuse_other(review: ReviewRecord, question: Question) -> ReviewRecord:
    """Return a stored question if it is the one that is asked now.

    Raises:
        DeterminismError: It is another.
    """
    if review.question.hash == question.hash:
        return review
    raise DeterminismError(
        f"{review.path}: another question was asked here before (review {review.review_id})",
        remedy="plan again: something the question shows has changed since",
        detail={"review_id": review.review_id},
    )
