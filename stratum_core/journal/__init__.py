"""The journal: what a run writes down around every paid call, and the file of plans and approvals."""

from stratum_core.journal._chain import ChainCheck
from stratum_core.journal._memory import MemoryJournal
from stratum_core.journal._protocol import (
    FINAL_STATES,
    AttemptState,
    Intent,
    Journal,
    RecordedAttempt,
    RunState,
    SettledState,
)
from stratum_core.journal._reader import JournalEvent, Progress, RunReader, RunSnapshot
from stratum_core.journal._sqlite import RunJournal, is_owned

__all__ = [
    "FINAL_STATES",
    "AttemptState",
    "ChainCheck",
    "Intent",
    "Journal",
    "JournalEvent",
    "MemoryJournal",
    "Progress",
    "RecordedAttempt",
    "RunJournal",
    "RunReader",
    "RunSnapshot",
    "RunState",
    "SettledState",
    "is_owned",
]
