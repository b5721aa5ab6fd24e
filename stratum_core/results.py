"""What library calls give beside plain values: distributions, outcomes, and what passes between a flow and a person.

Plain data that a program may keep, compare and send on. Nothing here calls a model or waits for anybody. The generic
ones have no slots: Python 3.11 cannot make a frozen one with them from `Success[int](1)`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Generic, TypeVar

from stratum_core.errors import StabilityAssertionError

__all__ = [
    "Failure",
    "HumanDecision",
    "HumanReviewContext",
    "PendingReview",
    "Probabilistic",
    "Success",
]

T_co = TypeVar("T_co", covariant=True)


@dataclass(frozen=True)
class Probabilistic(Generic[T_co]):
    """What a function with `stable=False` gives: a distribution, of which a call sees one or more samples.

    A call makes one sample; in test mode it makes `sample_n` of them, so that a test can demand agreement.
    """

    samples: tuple[T_co, ...]
    """At least one, in the order they were asked for."""

    def most_likely(self) -> T_co:
        """Return the most frequent sample; the earliest of equals."""
        return self._groups()[0][0]

    def sample(self, n: int = 1) -> tuple[T_co, ...]:
        """Return the first `n` samples.

        Raises:
            StabilityAssertionError: The call made fewer; more than one are made in test mode only.
        """
        if not 1 <= n <= len(self.samples):
            raise StabilityAssertionError(
                f"{n} samples are wanted, but the call made {len(self.samples)}",
                remedy="ask for at least one; for more, call configure(test_mode=True, sample_n=...) before the call",
                detail={"samples": len(self.samples)},
            )
        return self.samples[:n]

    def assert_stable(self, threshold: float) -> T_co:
        """Return the most frequent sample when its share of the samples is at least `threshold`.

        Args:
            threshold: Above 0, at most 1. One sample always agrees with itself.

        Raises:
            ValueError: The threshold is no such share.
            StabilityAssertionError: Too few samples agree.
        """
        if not 0 < threshold <= 1:
            raise ValueError(f"the threshold is a share above 0 and at most 1, not {threshold!r}")
        first = self._groups()[0]
        share = len(first) / len(self.samples)
        if share < threshold:
            raise StabilityAssertionError(
                f"{len(first)} of {len(self.samples)} samples agree, a share of {share:.2f}; {threshold} is wanted",
                remedy="state the task more exactly, lower the threshold, or take most_likely()",
                detail={"share": share, "threshold": threshold, "samples": len(self.samples)},
            )
        return first[0]

    def _groups(self) -> list[list[T_co]]:
        """Return equal samples together, the largest group first; true is not 1."""
        groups: list[list[T_co]] = []
        for sample in self.samples:
            same = (
                g for g in groups if g[0] == sample and isinstance(g[0], bool) == isinstance(sample, bool)
            )
            group = next(same, None)
            if group is None:
                groups.append([sample])
            else:
                group.append(sample)
        return sorted(groups, key=len, reverse=True)


@dataclass(frozen=True)
class Success(Generic[T_co]):
    """A call of a `parallel(..., require=0)` that gave a value."""

    value: T_co


@dataclass(frozen=True, slots=True)
class Failure:
    """A call of a `parallel(..., require=0)` that did not."""

    error: Exception
    """What it raised."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HumanReviewContext:
    """What a person is asked and shown."""

    question: str
    """In plain words."""
    trigger: str = "explicit"
    """Why they are asked; `explicit`: the flow says so."""
    artifacts: Mapping[str, object] = field(default_factory=dict[str, object])
    """What they see, by label: contracts, text, numbers, lists, dates."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PendingReview:
    """A question that waits for a person, as a `ReviewSink` gets it."""

    review_id: str
    """Names it when it is resolved; the same when a resumed flow asks again."""
    context: HumanReviewContext
    options: tuple[object, ...] = ()
    """The answers to choose from; empty: whatever is of the decision's type."""
    expires_at: datetime | None = None
    """When it lapses, in UTC; None: never."""


@dataclass(frozen=True, kw_only=True)
class HumanDecision(Generic[T_co]):
    """What a person decided."""

    value: T_co
    reviewer: str | None
    """Who answered, as the sink tells; None: nobody was named, or the question lapsed."""
    rationale: str | None
    """Why, in their words."""
    decided_at: datetime
    """In UTC."""
    review_id: str
