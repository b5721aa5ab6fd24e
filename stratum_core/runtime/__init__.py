"""The runtime: runs a checked program under a budget, through a journal, with any model client."""

from stratum_core.runtime._branches import Branches, run_branches
from stratum_core.runtime._calls import call_function
from stratum_core.runtime._census import Census, Failure
from stratum_core.runtime._context import RunContext, Scope
from stratum_core.runtime._debate import run_debate
from stratum_core.runtime._human import ask_person
from stratum_core.runtime._map import run_map
from stratum_core.runtime._output import create_file, replace_file, rows_of, write_result
from stratum_core.runtime._pace import AUTO_MOST, AUTO_START
from stratum_core.runtime._run import RunOutcome, run_program

__all__ = [
    "AUTO_MOST",
    "AUTO_START",
    "Branches",
    "Census",
    "Failure",
    "RunContext",
    "RunOutcome",
    "Scope",
    "ask_person",
    "call_function",
    "create_file",
    "replace_file",
    "rows_of",
    "run_branches",
    "run_debate",
    "run_map",
    "run_program",
    "write_result",
]
