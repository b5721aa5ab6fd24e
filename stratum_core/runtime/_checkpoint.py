"""The checkpoint: one event in the journal when a run has used or reserved four fifths of its money cap.

It is written once for each cap, also when the run is resumed; a cap that a person has raised has its own.
"""

from __future__ import annotations

from dataclasses import dataclass

from stratum_core.budget import Meter
from stratum_core.journal import Journal

__all__ = ["CHECKPOINT", "Checkpoint", "percent_of"]

CHECKPOINT = "checkpoint"
"""The kind of the event: `cap_nusd`, `charged_nusd`, `reserved_nusd`."""

_AT_PERCENT = 80


@dataclass(slots=True)
class Checkpoint:
    """What one process knows of the run's checkpoint."""

    over: bool = False
    """Whether the event is on record."""

    def pass_by(self, journal: Journal, meter: Meter) -> None:
        """Write the event when the run has come so far and it is not on record.

        Raises:
            JournalError: The event cannot be noted.
        """
        whole = meter.scope.chain[-1]
        cap = whole.budget.nusd
        if self.over or not cap:
            return
        charged, reserved = whole.spent.nusd, whole.reserved.nusd
        if percent_of(charged + reserved, cap) < _AT_PERCENT:
            return
        self.over = True
        recorded = journal.recorded(CHECKPOINT).get("")
        if recorded is None or recorded.get("cap_nusd") != cap:
            journal.note(
                CHECKPOINT, data={"cap_nusd": cap, "charged_nusd": charged, "reserved_nusd": reserved}
            )


def percent_of(nusd: int, cap_nusd: int) -> int:
    """Return how much of a cap is used, in whole per cent rounded down."""
    return nusd * 100 // cap_nusd
