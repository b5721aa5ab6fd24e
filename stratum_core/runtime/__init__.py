"""The runtime: runs a checked program under a budget, through a journal, with any model client."""

from stratum_core.runtime._census import Census, Failure
from stratum_core.runtime._context import DEFAULT_CONCURRENCY, RunContext
from stratum_core.runtime._output import replace_file, rows_of, write_result
from stratum_core.runtime._run import RunOutcome, run_program

__all__ = [
    "DEFAULT_CONCURRENCY",
    "Census",
    "Failure",
    "RunContext",
    "RunOutcome",
    "replace_file",
    "rows_of",
    "run_program",
    "write_result",
]
