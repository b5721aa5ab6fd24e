"""The census: what became of every item and every dollar of a run.

It is counted while the run goes on and written with the run's end, so that a result never stands without it. Replayed
answers are counted as reused and cost nothing again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from stratum_core.budget import Usage
from stratum_core.contracts import JsonValue
from stratum_core.errors import StratumError
from stratum_core.journal import RecordedAttempt

__all__ = ["Census", "Failure"]

_SHOWN_FAILURES = 20
_SHOWN_CHARACTERS = 400


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """One item or step that did not succeed."""

    path: str
    code: str
    message: str


@dataclass(slots=True, kw_only=True)
class Census:
    """Counters of one run; the runtime adds, nobody subtracts."""

    items_done: int = 0
    items_failed: int = 0
    items_waiting: int = 0
    """Items that are neither done nor failed: a person has to answer first."""
    skipped: int = 0
    """Steps whose `when` was false."""
    calls_answered: int = 0
    """Answers paid for in this process."""
    calls_reused: int = 0
    """Answers on record (of this run, a reused one, or shared ones) that were not bought again."""
    calls_possibly_paid: int = 0
    """Attempts nobody knows the outcome of; charged at their worst case."""
    retries: Counter[str] = field(default_factory=Counter[str])
    """Attempts beyond the first, by class: `contract` or `transport`."""
    failed_by_cause: Counter[str] = field(default_factory=Counter[str])
    """Failed items by error code."""
    failures: list[Failure] = field(default_factory=list["Failure"])
    """The first failures, for a person to look at."""
    lost: int = 0
    """Branches of a race or parallel that the others made superfluous; what they cost is counted."""
    simulated: bool = False
    """True when any answer came from the offline model: its dollars are not real."""
    replayed: set[str] | None = None
    """Attempts taken from the record, in a branch that may be given up halfway; None: not kept."""

    def add_failure(self, path: str, error: StratumError) -> None:
        """Count a failed item or step, and keep it when it is among the first."""
        self.failed_by_cause[error.code] += 1
        if len(self.failures) < _SHOWN_FAILURES:
            self.failures.append(Failure(path=path, code=error.code, message=str(error)[:_SHOWN_CHARACTERS]))

    def add(self, branch: Census) -> None:
        """Take over everything a branch has counted."""
        self.add_costs(branch)
        self.items_done += branch.items_done
        self.items_failed += branch.items_failed
        self.items_waiting += branch.items_waiting
        self.skipped += branch.skipped
        self.lost += branch.lost
        self.retries.update(branch.retries)
        self.failed_by_cause.update(branch.failed_by_cause)
        self.failures.extend(branch.failures[: _SHOWN_FAILURES - len(self.failures)])

    def add_costs(self, branch: Census) -> None:
        """Take over only what a branch has paid: the run goes on as if it had not been there."""
        self.calls_answered += branch.calls_answered
        self.calls_reused += branch.calls_reused
        self.calls_possibly_paid += branch.calls_possibly_paid
        self.simulated = self.simulated or branch.simulated
        if self.replayed is not None and branch.replayed is not None:
            self.replayed |= branch.replayed

    def count_replayed(self, attempt: RecordedAttempt) -> None:
        """Count an attempt that is on record and was not made again."""
        self.calls_reused += attempt.state == "answered"
        self.calls_possibly_paid += attempt.state == "possibly_paid"
        self.simulated = self.simulated or attempt.outcome.get("simulated") is True
        if self.replayed is not None:
            self.replayed.add(attempt.call_id)

    def to_json(self, usage: Usage) -> Mapping[str, JsonValue]:
        """Return the census as the JSON record every surface shows, with what the whole run used."""
        return {
            "items_done": self.items_done,
            "items_failed": self.items_failed,
            "items_waiting": self.items_waiting,
            "failed_by_cause": dict(sorted(self.failed_by_cause.items())),
            "failures": [{"path": f.path, "code": f.code, "message": f.message} for f in self.failures],
            "skipped": self.skipped,
            "calls_answered": self.calls_answered,
            "calls_reused": self.calls_reused,
            "calls_possibly_paid": self.calls_possibly_paid,
            "lost": self.lost,
            "retries": dict(sorted(self.retries.items())),
            "nusd": usage.nusd,
            "tokens": usage.tokens,
            "calls": usage.calls,
            "simulated": self.simulated,
        }
