"""Runs of a project that stopped before their end: what a surface tells of by itself when somebody comes back."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import cast

from stratum_core.engine._settings import Settings
from stratum_core.engine._views import RunView
from stratum_core.errors import JournalError
from stratum_core.journal import ControlStore, RunState

__all__ = ["LeftOverDesk"]

_LOOKED_AT = 20
"""The newest runs of the state directory that are looked at, whatever project they belong to."""
_RECENT_MS = 7 * 24 * 3600 * 1000
_MAYBE: frozenset[RunState] = frozenset({"ready", "running", "interrupted", "waiting", "stopped_limit"})
"""States in the control file of runs that may have stopped before their end; the journal knows."""


class LeftOverDesk:
    """The runs of the engine's own folders that `resume` could take further."""

    def __init__(
        self,
        control: ControlStore,
        settings: Settings,
        *,
        clock: Callable[[], float],
        view_of: Callable[[str], RunView],
    ) -> None:
        """Look into a control file; `clock` tells seconds since the Unix epoch, `view_of` returns a run by its id."""
        self._control = control
        self._settings = settings
        self._clock = clock
        self._view_of = view_of

    def runs(self) -> tuple[RunView, ...]:
        """Return those of the last week, newest first, that were interrupted, wait for a person or met a limit.

        Only the newest 20 runs of the state directory are looked at; one whose journal cannot be read is passed over.

        Raises:
            JournalError: The control file cannot be read.
        """
        return tuple(self._found())

    def _found(self) -> Iterator[RunView]:
        since_ms = self._clock() * 1000 - _RECENT_MS
        here = self._own(self._settings.roots) or self._real(self._settings.roots)
        for run in self._control.runs(limit=_LOOKED_AT):
            if run.created_at_ms < since_ms or run.state not in _MAYBE:
                continue
            roots = cast("Sequence[str]", self._control.plan(run.plan_id).record["roots"])
            planned = self._own(roots) or self._real(roots)
            if not any(own == root or root in own.parents for own in here for root in planned):
                continue
            try:
                view = self._view_of(run.run_id)
            except JournalError:
                continue
            if view.left_over:
                yield view

    def _own(self, roots: Sequence[Path | str]) -> frozenset[Path]:
        """Return a project's own folders: without the operator's, which are those of every project."""
        return self._real(roots) - self._real(self._settings.policy.roots)

    @staticmethod
    def _real(roots: Sequence[Path | str]) -> frozenset[Path]:
        return frozenset(Path(os.path.realpath(root)) for root in roots)
