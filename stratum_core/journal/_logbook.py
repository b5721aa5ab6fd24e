"""The logbook: what stands in the control file by date, of all plans and runs.

Stands over the same control file as the plans, and only reads. Nothing in the file is chained, so this tells what
stands there; what a run did is in its journal.
"""

from __future__ import annotations

from dataclasses import dataclass

from stratum_core.journal._control_file import ControlFile
from stratum_core.journal._control_tables import (
    read_commands_since,
    read_decisions_since,
    read_plans,
    read_runs_since,
)
from stratum_core.journal._raises import RaiseRecord, read_raises_since
from stratum_core.journal._records import ApprovalRecord, CommandRecord, PlanRecord, RunRecord
from stratum_core.journal._review_rows import read_reviews_since
from stratum_core.journal._reviews import ReviewRecord

__all__ = ["Logbook", "Since"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Since:
    """What was written since a moment, each kind oldest first."""

    decisions: tuple[ApprovalRecord, ...]
    """Answers to plans."""
    raises: tuple[RaiseRecord, ...]
    """Answers to runs that asked for more money."""
    reviews: tuple[ReviewRecord, ...]
    """Questions of runs that were decided."""
    commands: tuple[CommandRecord, ...]
    runs: tuple[RunRecord, ...]
    """Runs that were created or ended."""


class Logbook(ControlFile):
    """Plans and people's words by date."""

    def plans(self, *, limit: int) -> tuple[PlanRecord, ...]:
        """Return the newest plans, newest first.

        Raises:
            JournalError: The file cannot be read.
        """
        with self._reading() as connection:
            return read_plans(connection, limit)

    def since(self, since_ms: int) -> Since:
        """Return everything since a moment, in milliseconds since the Unix epoch.

        Raises:
            JournalError: The file cannot be read.
        """
        with self._reading() as connection:
            return Since(
                decisions=read_decisions_since(connection, since_ms),
                raises=read_raises_since(connection, since_ms),
                reviews=read_reviews_since(connection, since_ms),
                commands=read_commands_since(connection, since_ms),
                runs=read_runs_since(connection, since_ms),
            )
