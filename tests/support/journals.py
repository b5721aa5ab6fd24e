"""Runs on disk and in memory that can be opened again, and a clock moved by hand."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol, TypeAlias

from stratum_core.budget import Usage
from stratum_core.journal import Intent, MemoryJournal, RunJournal, RunReader

AnyJournal: TypeAlias = MemoryJournal | RunJournal


@dataclass
class Clock:
    """Seconds since the epoch, moved by hand."""

    now: float = 1_700_000_000.0

    def __call__(self) -> float:
        return self.now


class Run(Protocol):
    """One run that can be opened again and again."""

    def open(self) -> AnyJournal: ...
    def reader(self) -> RunReader: ...


@dataclass
class DiskRun:
    directory: Path
    clock: Clock

    def open(self) -> RunJournal:
        return RunJournal.open(self.directory, "run-1", create=True, clock=self.clock)

    def reader(self) -> RunReader:
        return RunReader.open(self.directory, "run-1")


@dataclass
class MemoryRun:
    clock: Clock
    journals: list[MemoryJournal] = field(default_factory=list[MemoryJournal])

    def open(self) -> MemoryJournal:
        last = self.journals[-1] if self.journals else None
        self.journals.append(MemoryJournal("run-1", clock=self.clock, after=last))
        return self.journals[-1]

    def reader(self) -> RunReader:
        return self.journals[-1].reader()


def make_intent(path: str, attempt: int = 0, *, nusd: int = 1000) -> Intent:
    return Intent(
        call_id=f"{path}#{attempt}",
        path=path,
        attempt=attempt,
        input_hash=f"input of {path}",
        request_hash=f"request {attempt} of {path}",
        model="offline",
        reserved=Usage(nusd=nusd, tokens=100, calls=1),
    )
