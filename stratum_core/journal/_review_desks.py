"""Where one run puts its questions: the control file, or only memory."""

from __future__ import annotations

import time
from bisect import bisect_left, insort
from dataclasses import replace

import anyio

from stratum_core.contracts import JsonValue
from stratum_core.journal._control import ControlStore
from stratum_core.journal._ledger import Clock
from stratum_core.journal._reviews import (
    Question,
    ReviewDecision,
    ReviewRecord,
    as_of,
    check_answer,
    lies_within,
    new_review,
    refuse_other,
    review_id_of,
    withdrawal,
)

__all__ = ["MemoryReviews", "RunReviews"]

_LAST = "\U0010ffff"
"""Sorts behind every character of a path."""


class RunReviews:
    """The questions of one run in the control file; see the port for what `ask` promises.

    What had been decided when it was made is known without asking the file again, so that a resumed run with
    thousands of answered questions walks on at once.
    """

    def __init__(self, control: ControlStore, run_id: str) -> None:
        """Read the run's questions.

        Raises:
            JournalError: The file cannot be read.
        """
        self._control = control
        self._run_id = run_id
        stored = control.reviews(run_id)
        self._known = {review.path: review for review in stored if _is_answered_by_a_person(review)}
        self._open: set[str] = set()
        self._waiting = sorted(review.path for review in stored if review.decision is None)
        """The paths of questions that nobody has answered as far as this process knows, in order."""

    async def ask(self, path: str, question: Question) -> ReviewRecord:
        known = self._known.get(path)
        if known is not None:
            return refuse_other(known, question)
        review = await anyio.to_thread.run_sync(self._control.ask_review, self._run_id, path, question)
        if review.decision is None:
            self._open.add(review.review_id)
            if path not in self._within(path):
                insort(self._waiting, path)
        return review

    async def withdraw(self, path: str, reason: str) -> None:
        inside = self._within(path)
        if not inside:
            return
        for each in inside:
            self._waiting.remove(each)
            self._open.discard(review_id_of(self._run_id, each))
        await anyio.to_thread.run_sync(self._control.withdraw_reviews, self._run_id, inside, reason)

    def _within(self, path: str) -> list[str]:
        """Return the paths of questions that wait at a path or inside it."""
        first, end = bisect_left(self._waiting, path), bisect_left(self._waiting, f"{path}{_LAST}")
        return [found for found in self._waiting[first:end] if lies_within(found, path)]

    @property
    def open_ids(self) -> tuple[str, ...]:
        """The questions that had no answer when they were asked and still matter, in the order of their ids."""
        return tuple(sorted(self._open))

    def answered_since(self) -> bool:
        """Return whether any of those has a decision by now.

        Raises:
            JournalError: The file cannot be read.
        """
        return any(
            review.decision is not None and review.review_id in self._open
            for review in self._control.reviews(self._run_id)
        )


class MemoryReviews:
    """Questions that are forgotten with the process; for tests and for runs nobody will resume."""

    def __init__(self, run_id: str = "memory", *, clock: Clock = time.time) -> None:
        """Start without any; `clock` tells seconds since the Unix epoch."""
        self.run_id = run_id
        self.reviews: dict[str, ReviewRecord] = {}
        """By path."""
        self._clock = clock

    async def ask(self, path: str, question: Question) -> ReviewRecord:
        stored = self.reviews.get(path)
        now_ms = int(self._clock() * 1000)
        if stored is not None and stored.withdrawn:
            stored = replace(stored, decision=None)
        if stored is None:
            number = len(self.reviews) + 1
            stored = new_review(self.run_id, path, question, number=number, now_ms=now_ms)
        self.reviews[path] = as_of(refuse_other(stored, question), now_ms)
        return self.reviews[path]

    async def withdraw(self, path: str, reason: str) -> None:
        now_ms = int(self._clock() * 1000)
        for each, review in self.reviews.items():
            standing = as_of(review, now_ms)
            if lies_within(each, path) and standing.decision is None:
                self.reviews[each] = replace(review, decision=withdrawal(reason, now_ms))

    def decide(
        self, path: str, value: JsonValue, *, reviewer: str = "ann", rationale: str = ""
    ) -> ReviewRecord:
        """Answer the question at a path as a person at a terminal does; the first decision stands.

        Raises:
            ContractViolation: The answer does not fit the question.
        """
        now_ms = int(self._clock() * 1000)
        review = as_of(self.reviews[path], now_ms)
        if review.decision is None:
            decision = ReviewDecision(
                value=check_answer(review, value, rationale),
                channel="terminal",
                reviewer=reviewer,
                rationale=rationale,
                at_ms=now_ms,
            )
            review = replace(review, decision=decision)
        self.reviews[path] = review
        return review


def _is_answered_by_a_person(review: ReviewRecord) -> bool:
    """Return whether the stored row has its answer; a lapse may still have to be written down."""
    return review.decision is not None and review.decision.channel in {"dialog", "terminal"}
