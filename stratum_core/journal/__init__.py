"""The journal: what a run writes down around every paid call, and the file of plans and approvals."""

from stratum_core.journal._protocol import (
    FINAL_STATES,
    AttemptState,
    Intent,
    Journal,
    RecordedAttempt,
    RunState,
    SettledState,
)

__all__ = [
    "FINAL_STATES",
    "AttemptState",
    "Intent",
    "Journal",
    "RecordedAttempt",
    "RunState",
    "SettledState",
]
