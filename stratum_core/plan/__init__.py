"""Plans: a checked document with its data bound, its cost bounded and its work put in plain words.

The third stage of the pipeline, between `stratum_core.checks` and approval. `build_plan` makes a plan and
spends nothing; `Plan.to_record` stores it; the runner opens it with `reopen`, which refuses anything that
changed since.
"""

from stratum_core.plan._bind import (
    MAX_ROWS,
    BindLimits,
    BoundFile,
    BoundInput,
    FileRequest,
    read_file,
    sample,
)
from stratum_core.plan._build import build_plan, estimate_what_if
from stratum_core.plan._context import ModuleMaker, PlanContext
from stratum_core.plan._estimate import Estimate, StepEstimate
from stratum_core.plan._files import MAX_FILE_BYTES, FileData, Roots
from stratum_core.plan._history import (
    NO_HISTORY,
    Experience,
    accuracy_words,
)
from stratum_core.plan._module import PlannedModule, stands_there
from stratum_core.plan._options import OPTION_NAMES, PlanMode, PlanOptions
from stratum_core.plan._plan import (
    CapSource,
    Plan,
    ReopenedPlan,
    plan_hash_of,
    reopen,
    require_as_approved,
)
from stratum_core.plan._read import FileFormat, format_of
from stratum_core.plan._reuse import ReusedRun, read_reused, reopen_reused
from stratum_core.plan._walk import ERROR_TEXT_BYTES
from stratum_core.plan._walk_verbs import HUMAN_ANSWER_BYTES, HUMAN_NOTE_BYTES

__all__ = [
    "ERROR_TEXT_BYTES",
    "HUMAN_ANSWER_BYTES",
    "HUMAN_NOTE_BYTES",
    "MAX_FILE_BYTES",
    "MAX_ROWS",
    "NO_HISTORY",
    "OPTION_NAMES",
    "BindLimits",
    "BoundFile",
    "BoundInput",
    "CapSource",
    "Estimate",
    "Experience",
    "FileData",
    "FileFormat",
    "FileRequest",
    "ModuleMaker",
    "Plan",
    "PlanContext",
    "PlanMode",
    "PlanOptions",
    "PlannedModule",
    "ReopenedPlan",
    "ReusedRun",
    "Roots",
    "StepEstimate",
    "accuracy_words",
    "build_plan",
    "estimate_what_if",
    "format_of",
    "plan_hash_of",
    "read_file",
    "read_reused",
    "reopen",
    "reopen_reused",
    "require_as_approved",
    "sample",
    "stands_there",
]
