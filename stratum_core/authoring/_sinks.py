"""Review sinks: where questions to a person go, and how their answers come back."""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
import threading
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TextIO, cast

import anyio
from pydantic_core import to_jsonable_python

from stratum_core.contracts import JsonValue, Type, check_value, describe
from stratum_core.errors import ConfigurationError, ContractViolation, RunError
from stratum_core.results import PendingReview

__all__ = ["Answer", "ConsoleReviewSink", "ReviewSink", "Waiting", "as_json"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a person said."""

    value: JsonValue
    reviewer: str
    rationale: str
    at: datetime


def _unanswered() -> asyncio.Future[Answer]:
    return asyncio.get_running_loop().create_future()


@dataclass(slots=True, kw_only=True, eq=False)
class Waiting:
    """A question that is out, and the flow that waits for it."""

    review: PendingReview
    kind: Type
    answer: asyncio.Future[Answer] = field(default_factory=_unanswered)
    """Belongs to the flow's event loop."""
    is_answered: bool = False
    """Known at once in every thread."""


@dataclass(slots=True, eq=False)
class _Desk:
    """The questions of one sink, by their ids."""

    open: dict[str, Waiting] = field(default_factory=dict[str, Waiting])
    lock: threading.Lock = field(default_factory=threading.Lock)


class ReviewSink(ABC):
    """Takes questions of flows to a person, and their answers back.

    A sink of one's own puts the question somewhere in `emit`, and calls `resolve` when the answer comes: at once, later
    from a web request, or from another thread.
    """

    @property
    def _desk(self) -> _Desk:
        """Return the questions that are out; made here, so that a sink of one's own may have any `__init__`."""
        return cast("_Desk", vars(self).setdefault("_stratum_desk", _Desk()))

    @abstractmethod
    async def emit(self, review: PendingReview) -> None:
        """Put a question to a person; the flow waits for `resolve`, not for the end of this."""

    @property
    def pending(self) -> tuple[PendingReview, ...]:
        """The questions that wait, oldest first."""
        with self._desk.lock:
            return tuple(one.review for one in self._desk.open.values() if not one.is_answered)

    def resolve(
        self, review_id: str, value: object, *, reviewer: str | None = None, rationale: str | None = None
    ) -> None:
        """Answer a question; may be called from any thread.

        Args:
            review_id: Which one.
            value: Of the decision's type, or its JSON form; one of the options where there are any.
            reviewer: Who answers.
            rationale: Why.

        Raises:
            RunError: No such question waits: it was answered, has lapsed, or its flow ended.
            ContractViolation: The value is no answer to it; the question still waits.
        """
        with self._desk.lock:
            waiting = self._desk.open.get(review_id)
            if waiting is None or waiting.is_answered:
                raise RunError(
                    f"no question {review_id} waits for an answer",
                    remedy="look at `pending`; the first answer stands",
                    detail={"review_id": review_id},
                )
            try:
                checked = check_value(waiting.kind, as_json(value))
            except ContractViolation as fault:
                raise ContractViolation(
                    f"review {review_id}: {fault.message}",
                    remedy=f"answer with {describe(waiting.kind)}; the question still waits",
                    detail=fault.detail,
                ) from None
            waiting.is_answered = True
        answer = Answer(
            value=checked, reviewer=reviewer or "", rationale=rationale or "", at=datetime.now(UTC)
        )
        waiting.answer.get_loop().call_soon_threadsafe(_tell, waiting.answer, answer)

    async def ask(self, waiting: Waiting) -> Answer:
        """Put a question and wait for its answer.

        Raises:
            RunError: It waits already, for another flow.
        """
        review_id = waiting.review.review_id
        with self._desk.lock:
            if review_id in self._desk.open:
                raise RunError(
                    f"review {review_id} waits for an answer already", remedy="let each flow ask once"
                )
            self._desk.open[review_id] = waiting
        try:
            await self.emit(waiting.review)
            return await waiting.answer
        finally:
            with self._desk.lock:
                del self._desk.open[review_id]


class ConsoleReviewSink(ReviewSink):
    """Asks at the terminal: the question and what is shown on standard error, the answer from standard input."""

    def __init__(self, *, reviewer: str | None = None, source: TextIO | None = None) -> None:
        """Prepare to ask.

        Args:
            reviewer: The name that stands in the decisions.
            source: Where answers are read from; None: standard input.
        """
        self._reviewer = reviewer
        self._source = source
        self._turn = threading.Lock()

    async def emit(self, review: PendingReview) -> None:
        """Ask until an answer fits.

        Raises:
            ConfigurationError: Standard input has ended.
        """
        await anyio.to_thread.run_sync(self._converse, review, abandon_on_cancel=True)

    def _converse(self, review: PendingReview) -> None:
        with self._turn:
            _write(_shown(review))
            while any(waiting.review_id == review.review_id for waiting in self.pending):
                line = (self._source or sys.stdin).readline()
                if not line:
                    raise ConfigurationError(
                        f"review {review.review_id} cannot be answered: standard input has ended",
                        remedy="run it at a terminal, or set another sink with configure(review_sink=...)",
                    )
                self._try(review, _readings(line.strip(), review))

    def _try(self, review: PendingReview, readings: Sequence[object]) -> None:
        """Answer with the first reading that fits, or say why the last one does not."""
        *others, last = readings
        for reading in others:
            with contextlib.suppress(ContractViolation):
                self.resolve(review.review_id, reading, reviewer=self._reviewer)
                return
        try:
            self.resolve(review.review_id, last, reviewer=self._reviewer)
        except ContractViolation as fault:
            _write(f"{fault}\n> ")


def _tell(future: asyncio.Future[Answer], answer: Answer) -> None:
    """Wake the flow, unless it has stopped to wait meanwhile."""
    if not future.done():
        future.set_result(answer)


def as_json(value: object) -> JsonValue:
    """Return what is shown to a person, or answered by one, as JSON; models become records, dates text."""
    found: JsonValue = to_jsonable_python(value, bytes_mode="base64", fallback=str)
    return found


def _shown(review: PendingReview) -> str:
    """Return the question as text."""
    lines = ["", review.context.question]
    lines += [
        f"  {label}: {json.dumps(as_json(value), ensure_ascii=False)}"
        for label, value in review.context.artifacts.items()
    ]
    lines += [f"  [{number}] {_label(option)}" for number, option in enumerate(review.options, start=1)]
    if review.expires_at is not None:
        lines.append(f"  (until {review.expires_at:%Y-%m-%d %H:%M:%S} UTC)")
    return "\n".join((*lines, "> "))


def _label(option: object) -> str:
    value = as_json(option)
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _readings(line: str, review: PendingReview) -> tuple[object, ...]:
    """Return what a line may mean: the text or the number of an option; else JSON, or the text itself."""
    if review.options:
        by_text = {_label(option): option for option in review.options}
        if line not in by_text and line.isdecimal() and 1 <= int(line) <= len(review.options):
            return (review.options[int(line) - 1],)
        return (by_text.get(line, line),)
    try:
        return json.loads(line), line
    except ValueError:
        return (line,)


def _write(text: str) -> None:
    sys.stderr.write(text)
    sys.stderr.flush()
