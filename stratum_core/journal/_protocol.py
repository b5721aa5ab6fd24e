"""The journal port: what a run writes down, and what it finds when it is opened again.

Every paid call is two commits: *intent and reservation* before the request leaves, *answer and settlement*
after it. A crash before the first means nothing was paid; after the second the call is never run again; in
between nobody can know, so the attempt is `possibly_paid` and charged at its reservation.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol, TypeAlias

from stratum_core.budget import Usage
from stratum_core.contracts import JsonValue

__all__ = [
    "ACCEPTED",
    "ASKED",
    "FINAL_STATES",
    "LIBRARY_FLOW",
    "REJECTED",
    "TAKEN",
    "AttemptState",
    "Intent",
    "Journal",
    "RecordedAttempt",
    "RunState",
    "SettledState",
]

ACCEPTED = "accepted"
"""The kind of event that keeps an answer the run has paid for and accepted: its `key` and `value`."""

ASKED = "asked"
"""The kind of event that says where a question that calls share was asked first: `at`; nothing is decided by it."""

REJECTED = "rejected"
"""The kind of event that says why an answer was not accepted: its `call_id` and `reason`; nothing is decided by it."""

TAKEN = "taken"
"""The kind of event that keeps an answer from outside the run, written before it is used: `key` and `value`."""

LIBRARY_FLOW = "library_flow"
"""The kind of event that says which flow in Python a record is of: its `flow` and `input_hash`, among the first."""

SettledState: TypeAlias = Literal["answered", "failed", "possibly_paid"]
"""How an attempt ended: with a reply, without one at a known cost, or without anyone knowing what it cost."""

AttemptState: TypeAlias = Literal["answered", "failed", "possibly_paid", "void", "open"]
"""A settled attempt, one whose request never left (`void`), or one that is in flight (`open`)."""

RunState: TypeAlias = Literal[
    "ready",
    "running",
    "waiting",
    "completed",
    "completed_with_failures",
    "stopped_budget",
    "stopped_limit",
    "failed",
    "cancelled",
    "interrupted",
]
"""Where a run stands; `waiting` and `interrupted` runs can be resumed."""

FINAL_STATES: frozenset[RunState] = frozenset(
    {"completed", "completed_with_failures", "stopped_budget", "stopped_limit", "failed", "cancelled"},
)
"""The states a run ends in by its own account (`stopped_*` and `failed` runs may still be resumed)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Intent:
    """One attempt that is about to be sent, with the most it can use."""

    call_id: str
    """Unique in the run; may be used again only after it was voided."""
    path: str
    """Where in the run: IR path, item index, round."""
    attempt: int
    """Counted from 0 within the path."""
    input_hash: str
    request_hash: str
    model: str
    reserved: Usage


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedAttempt:
    """One attempt as the journal holds it."""

    call_id: str
    path: str
    attempt: int
    input_hash: str
    request_hash: str
    model: str
    state: AttemptState
    reserved: Usage
    usage: Usage
    """What is charged: settled usage; the reservation while open or possibly paid; zero when void."""
    outcome: Mapping[str, JsonValue] = field(default_factory=dict[str, JsonValue])
    """The reply or error record as given to `settle`; empty when there is none."""


class Journal(Protocol):
    """One run's durable memory, held by the one process that runs it."""

    @property
    def run_id(self) -> str:
        """The run this journal belongs to."""
        ...

    async def intent(self, intent: Intent) -> None:
        """Record an attempt and its reservation; durable when it returns.

        Cancellation waits for the commit. When this raises, cancellation included, no open intent is left
        behind.

        Raises:
            JournalError: The call id is in use, or another process has taken the run over.
        """
        ...

    async def settle(
        self,
        call_id: str,
        *,
        state: SettledState,
        usage: Usage,
        outcome: Mapping[str, JsonValue],
    ) -> None:
        """Record how an open attempt ended; durable when it returns or is cancelled.

        For `possibly_paid` pass the reservation as `usage`.

        Raises:
            JournalError: No such open attempt, an outcome that is not JSON, or the run was taken over.
        """
        ...

    async def void(self, call_id: str) -> None:
        """Take back an open intent whose request never left; nothing is charged.

        Raises:
            JournalError: No such open attempt, or the run was taken over.
        """
        ...

    async def event(self, kind: str, *, path: str = "", data: Mapping[str, JsonValue] | None = None) -> None:
        """Append an event; durable when it returns or is cancelled.

        Raises:
            JournalError: The data is not JSON, or the run was taken over.
        """
        ...

    def note(self, kind: str, *, path: str = "", data: Mapping[str, JsonValue] | None = None) -> None:
        """Queue an event that becomes durable with the next commit; never blocks.

        `scope_started` with `{"total": n}` and `item_done` with `{"ok": bool}`, and `"count"` when it is about several
        items, also count progress of `path`.

        Raises:
            JournalError: The data is not JSON.
        """
        ...

    def attempts(self, path: str) -> Sequence[RecordedAttempt]:
        """Return what was recorded at a path before this process opened the run, in attempt order."""
        ...

    def attempts_within(self, path: str) -> Sequence[RecordedAttempt]:
        """Return what was recorded at a path and everywhere inside it before this process opened the run.

        Inside `a` are `a/...` and `a[...]`; the attempts stand in the order of their intents.
        """
        ...

    def recorded(self, kind: str) -> Mapping[str, Mapping[str, JsonValue]]:
        """Return the data of the last event of a kind at each path, as recorded before this process opened the run."""
        ...

    def recorded_usage(self) -> Usage:
        """Return everything charged so far, possibly paid attempts at worst case; nothing for open ones."""
        ...

    async def close(
        self,
        *,
        state: RunState | None = None,
        data: Mapping[str, JsonValue] | None = None,
    ) -> None:
        """Write the run's end (its state and census), when given, and let go of the run.

        Without a state the run counts as interrupted.
        """
        ...
