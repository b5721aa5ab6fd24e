"""The journal: what a run writes down around every paid call, and the file of plans and approvals."""

from stratum_core.journal._archive import Archive, prune_answers, remove_run_files, run_files
from stratum_core.journal._cache import AnswerCache
from stratum_core.journal._chain import ChainCheck
from stratum_core.journal._control import ControlStore
from stratum_core.journal._holds import Claim, Hold, SpendLimits, Spent, day_of
from stratum_core.journal._logbook import Logbook, Since
from stratum_core.journal._memory import MemoryJournal
from stratum_core.journal._protocol import (
    ACCEPTED,
    ASKED,
    FINAL_STATES,
    LIBRARY_FLOW,
    REJECTED,
    TAKEN,
    AttemptState,
    Intent,
    Journal,
    RecordedAttempt,
    RunState,
    SettledState,
)
from stratum_core.journal._purse import Purse
from stratum_core.journal._raises import RaiseRecord
from stratum_core.journal._reader import JournalEvent, Progress, RunReader, RunSnapshot
from stratum_core.journal._records import (
    ApprovalRecord,
    Channel,
    CommandKind,
    CommandRecord,
    DecisionKind,
    PlanRecord,
    RunRecord,
)
from stratum_core.journal._review_desks import MemoryReviews, RunReviews
from stratum_core.journal._reviews import (
    Question,
    ReviewChannel,
    ReviewDecision,
    ReviewRecord,
    Reviews,
    check_answer,
    review_id_of,
)
from stratum_core.journal._sqlite import RunJournal, is_owned
from stratum_core.journal._subjects import call_subject, debate_place, outcome_of, step_subject, work_of
from stratum_core.journal._track_record import KEPT_PER_SUBJECT, Outcome, TrackRecord

__all__ = [
    "ACCEPTED",
    "ASKED",
    "FINAL_STATES",
    "KEPT_PER_SUBJECT",
    "LIBRARY_FLOW",
    "REJECTED",
    "TAKEN",
    "AnswerCache",
    "ApprovalRecord",
    "Archive",
    "AttemptState",
    "ChainCheck",
    "Channel",
    "Claim",
    "CommandKind",
    "CommandRecord",
    "ControlStore",
    "DecisionKind",
    "Hold",
    "Intent",
    "Journal",
    "JournalEvent",
    "Logbook",
    "MemoryJournal",
    "MemoryReviews",
    "Outcome",
    "PlanRecord",
    "Progress",
    "Purse",
    "Question",
    "RaiseRecord",
    "RecordedAttempt",
    "ReviewChannel",
    "ReviewDecision",
    "ReviewRecord",
    "Reviews",
    "RunJournal",
    "RunReader",
    "RunRecord",
    "RunReviews",
    "RunSnapshot",
    "RunState",
    "SettledState",
    "Since",
    "SpendLimits",
    "Spent",
    "TrackRecord",
    "call_subject",
    "check_answer",
    "day_of",
    "debate_place",
    "is_owned",
    "outcome_of",
    "prune_answers",
    "remove_run_files",
    "review_id_of",
    "run_files",
    "step_subject",
    "work_of",
]
