"""Exit codes, the same for every command, so that a script need not read what a person reads."""

from __future__ import annotations

from enum import IntEnum

from stratum_core.engine import RunView
from stratum_core.errors import BudgetExceeded, NeedsApproval, QuotaError, StratumError

__all__ = ["EXIT_CODES", "Exit", "exit_for_error", "exit_for_run"]


class Exit(IntEnum):
    """How a command ended."""

    OK = 0
    FAILED = 1
    USAGE = 2
    NEEDS_APPROVAL = 3
    DECLINED = 4
    STOPPED = 5
    INTERRUPTED = 6
    INTERNAL = 70


EXIT_CODES = """\
\b
Exit codes:
  0   done
  1   the document, an input or the run is faulty
  2   wrong usage
  3   a person has to approve or answer first
  4   a person said no
  5   stopped by the cap (`stratum approve RUN --cap USD`, then `stratum resume` goes on)
      or by a provider's limit (`stratum resume` goes on)
  6   interrupted (`stratum resume` goes on) or cancelled
  70  a fault inside Stratum
"""

_BY_STATE = {
    "completed": Exit.OK,
    "completed_with_failures": Exit.OK,
    "waiting": Exit.NEEDS_APPROVAL,
    "stopped_budget": Exit.STOPPED,
    "stopped_limit": Exit.STOPPED,
    "cancelled": Exit.INTERRUPTED,
    "interrupted": Exit.INTERRUPTED,
    "ready": Exit.INTERRUPTED,
    "running": Exit.INTERRUPTED,
}


def exit_for_run(run: RunView) -> Exit:
    """Return the code for a run as it stands; one with allowed failures is done, one without its file is not."""
    if run.out_error and run.final:
        return Exit.FAILED
    return _BY_STATE.get(run.state, Exit.FAILED)


def exit_for_error(error: StratumError) -> Exit:
    """Return the code for an error."""
    if isinstance(error, NeedsApproval):
        return Exit.NEEDS_APPROVAL
    if error.detail.get("state") == "declined":
        return Exit.DECLINED
    return Exit.STOPPED if isinstance(error, (BudgetExceeded, QuotaError)) else Exit.FAILED
