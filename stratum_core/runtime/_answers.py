"""Answers that need not be bought again, found by the content of their question.

There are three sources: the run a plan reuses, the answers other runs have shared, and equal calls of this run. What
is taken from outside the run is journalled before it is used, so that a resumed run decides the same although the
source may have changed since. Calls that share their answer stand in the journal under the question instead of under
their step, so that a resumed run finds them whichever of the callers comes first.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

import anyio

from stratum_core.contracts import JsonValue
from stratum_core.errors import StratumError

__all__ = ["AnswerStore", "Answers", "Flight", "shared_path"]

_MARK = "@"


class AnswerStore(Protocol):
    """Answers that outlive their run."""

    async def get(self, key: str) -> Mapping[str, JsonValue] | None:
        """Return the answer to a question as `{"value": ...}`, None when there is none."""
        ...

    async def put(self, key: str, value: JsonValue) -> None:
        """Keep an accepted answer; the first one to a question stays."""
        ...


@dataclass(slots=True, kw_only=True, eq=False)
class Flight:
    """A question somebody of this run has asked; others wait for what comes of it."""

    landed: anyio.Event = field(default_factory=anyio.Event)
    value: JsonValue = None
    error: StratumError | None = None
    given_up: bool = False
    """Whoever asked was cancelled, or its own budget ran out: somebody else has to ask."""


@dataclass(slots=True, kw_only=True)
class Answers:
    """What one run has at hand."""

    reused: Mapping[str, JsonValue] = field(default_factory=dict[str, JsonValue])
    """Answers of the run the plan reuses, by key."""
    store: AnswerStore | None = None
    """Where answers of `cache: global` are kept; None: nowhere, they last as long as the run."""
    flights: dict[str, Flight] = field(default_factory=dict[str, Flight])
    """Questions of functions with a cache, by key."""
    _next: dict[str, int] = field(default_factory=dict[str, int])

    def number(self, path: str, attempt: int) -> int:
        """Return the number of the next attempt at a path.

        Where callers share a path, one may go on after another was cancelled; its numbers go on, too.
        """
        if _MARK not in path:
            return attempt
        number = max(attempt, self._next.get(path, 0))
        self._next[path] = number + 1
        return number


def shared_path(function: str, key: str) -> str:
    """Return where calls that share their answer stand in the journal; no step has such a path."""
    return f"{function}{_MARK}{key}"
