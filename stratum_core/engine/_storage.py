"""Retention: what the state directory holds, what of it is old, and removing that.

A run at work is never touched. One that waits for a person, can be resumed, or could go on under a higher cap is left
alone unless that is asked for: what is removed of it is lost, though it was paid for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from stratum_core.contracts import JsonValue
from stratum_core.engine._audit import AuditDesk
from stratum_core.engine._removed import is_removed, removed_receipt
from stratum_core.engine._settings import Settings
from stratum_core.engine._views import RunView
from stratum_core.errors import JournalBusy, JournalError
from stratum_core.journal import (
    Archive,
    ControlStore,
    RunRecord,
    prune_answers,
    remove_run_files,
    run_files,
)

__all__ = ["KeptRun", "OldRun", "StorageDesk", "StorageView"]

_MS_PER_S = 1000
_ALL = 1_000_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class OldRun:
    """A run that is old enough to be removed."""

    run_id: str
    state: str
    ended_at_ms: int
    """When it ended, or was created where nobody wrote down an end."""
    size_bytes: int
    """Of its files."""
    gives_up: bool
    """Whether it could have gone on."""

    def to_json(self) -> dict[str, JsonValue]:
        """Return the flat record a surface shows."""
        ended = datetime.fromtimestamp(self.ended_at_ms / _MS_PER_S, UTC).isoformat(timespec="seconds")
        return {
            "run_id": self.run_id,
            "state": self.state,
            "ended_at": ended,
            "size_bytes": self.size_bytes,
            "gives_up": self.gives_up,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptRun:
    """A run that is old and is kept all the same."""

    run_id: str
    size_bytes: int
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StorageView:
    """What is old, and whether it was removed."""

    removed: bool
    """False: it only would be."""
    runs: tuple[OldRun, ...]
    kept: tuple[KeptRun, ...]
    unused_plans: int
    """Plans that expired without an answer before the time asked for."""
    answers: int
    """Answers shared by all runs (`cache: global`) that are as old."""
    total_bytes: int
    """Of the whole state directory before anything was removed."""

    @property
    def run_bytes(self) -> int:
        """What the files of the old runs take."""
        return sum(run.size_bytes for run in self.runs)

    def to_json(self) -> dict[str, JsonValue]:
        """Return the flat record a surface shows."""
        return {
            "removed": self.removed,
            "runs": [run.to_json() for run in self.runs],
            "kept": [
                {"run_id": each.run_id, "size_bytes": each.size_bytes, "why": each.why} for each in self.kept
            ],
            "unused_plans": self.unused_plans,
            "answers": self.answers,
            "run_bytes": self.run_bytes,
            "total_bytes": self.total_bytes,
        }


class StorageDesk:
    """The files of one state directory."""

    def __init__(
        self,
        control: ControlStore,
        settings: Settings,
        audit: AuditDesk,
        *,
        clock: Callable[[], float],
        view_of: Callable[[str], RunView],
    ) -> None:
        """Look after the files beside a control file; the arguments are the engine's own."""
        self._control = control
        self._archive = Archive(control.path, clock=clock)
        self._settings = settings
        self._audit = audit
        self._clock = clock
        self._view_of = view_of

    def collect(self, *, older_than_s: float, resumable: bool = False, remove: bool) -> StorageView:
        """Find what is older than a time, and remove it if asked; money that removed runs held is given back.

        Of a removed run the rows about money and approvals stay, with its census and the head of its chain.

        Args:
            older_than_s: Seconds since a run ended, a plan expired or an answer was stored.
            resumable: Also runs that wait for a person or could go on.
            remove: Remove it; False only looks.

        Raises:
            JournalError: A file cannot be read or removed.
        """
        now_ms = int(self._clock() * _MS_PER_S)
        before_ms = now_ms - int(older_than_s * _MS_PER_S)
        found = [self._judged(run, resumable=resumable) for run in self._old(before_ms)]
        view = StorageView(
            removed=remove,
            runs=tuple(each for each in found if isinstance(each, OldRun)),
            kept=tuple(each for each in found if isinstance(each, KeptRun)),
            unused_plans=self._archive.unused_plans(before_ms),
            answers=prune_answers(self._settings.state_dir, before_ms, remove=remove),
            total_bytes=_size(self._settings.state_dir.rglob("*")),
        )
        if remove:
            for old in view.runs:
                self._remove(old.run_id, now_ms)
            self._archive.remove_unused_plans(before_ms)
        return view

    def _old(self, before_ms: int) -> Iterator[RunRecord]:
        """Yield the runs that ended before a time and still have files, oldest first."""
        for run in reversed(self._control.runs(limit=_ALL)):
            if not is_removed(run) and _ended_ms(run) < before_ms:
                yield run

    def _judged(self, run: RunRecord, *, resumable: bool) -> OldRun | KeptRun:
        """Return whether an old run may be removed, or why it is kept."""
        size = _size(run_files(self._settings.state_dir, run.run_id))
        try:
            view = self._view_of(run.run_id)
        except JournalError as fault:
            return KeptRun(run_id=run.run_id, size_bytes=size, why=f"cannot be read: {fault}")
        why = _why_kept(view)
        if view.live or (why and not resumable):
            return KeptRun(run_id=run.run_id, size_bytes=size, why=why or "is at work")
        return OldRun(
            run_id=run.run_id,
            state=view.state,
            ended_at_ms=_ended_ms(run),
            size_bytes=size,
            gives_up=bool(why),
        )

    def _remove(self, run_id: str, now_ms: int) -> None:
        """Remove one run, unless somebody took it meanwhile."""
        view = self._view_of(run_id)
        if view.live:
            return
        given_up = bool(_why_kept(view))
        receipt = removed_receipt(view, given_up=given_up, trail=self._audit.trail(run_id), now_ms=now_ms)
        try:
            remove_run_files(self._settings.state_dir, run_id)
        except JournalBusy:
            return
        if given_up:
            self._control.update_run(run_id, state="cancelled", charged_nusd=view.charged_nusd)
        self._archive.strip(run_id, receipt)


def _why_kept(view: RunView) -> str:
    """Return why a run is not removed unless that is asked for; empty when it may be."""
    reasons: Mapping[str, bool] = {
        "is at work": view.live,
        "waits for a person": view.state == "waiting",
        "can be resumed": view.resumable or not view.final,
        "could go on under a higher cap": view.needs_cap,
    }
    return next((why for why, holds in reasons.items() if holds), "")


def _ended_ms(run: RunRecord) -> int:
    return run.finished_at_ms or run.started_at_ms or run.created_at_ms


def _size(paths: Iterable[Path]) -> int:
    """Return what files take, in bytes; one that went away meanwhile takes nothing."""
    total = 0
    for path in paths:
        try:
            total += path.stat().st_size if path.is_file() else 0
        except FileNotFoundError:
            continue
    return total
