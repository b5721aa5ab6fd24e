"""What may end a run from outside: a cancel, a signal, the end of the process it belongs to, its runner's memory limit.

Each lets nothing new be sent; what is in flight is settled.
"""

from __future__ import annotations

import logging
import os
import signal

import anyio
import psutil

from stratum_core.errors import JournalError
from stratum_core.runtime._context import RunContext
from stratum_core.runtime._job import Job

__all__ = ["obey_cancel", "obey_commands", "obey_memory_limit", "obey_signals"]

_log = logging.getLogger("stratum.runner")
_COMMAND_POLL_S = 0.25
_MIB = 1 << 20
_GOES_ON = "`resume` goes on where it stopped"


def obey_cancel(job: Job, context: RunContext) -> None:
    """Stop the run when it was cancelled, also by a command that an earlier runner did not live to see.

    Raises:
        JournalError: The control file cannot be read.
    """
    if any(command.kind == "cancel" for command in job.control.commands(job.run.run_id)):
        context.stop("cancelled", "cancelled by a person; what was in flight is settled")


async def obey_signals(context: RunContext) -> None:
    """Turn SIGTERM, SIGINT and the loss of the terminal into a drain."""
    with anyio.open_signal_receiver(signal.SIGTERM, signal.SIGINT, signal.SIGHUP) as received:
        async for _ in received:
            context.stop(
                "interrupted", "the runner was asked to stop; what was in flight is settled", remedy=_GOES_ON
            )


async def obey_commands(job: Job, context: RunContext) -> None:
    """Watch the control file for a cancel, and the process whose end is to be the run's."""
    while True:
        if job.parent is not None and os.getppid() != job.parent:
            context.stop(
                "interrupted",
                "whoever started the run is gone; what was in flight is settled",
                remedy=_GOES_ON,
            )
        try:
            await anyio.to_thread.run_sync(obey_cancel, job, context)
        except JournalError as fault:  # paid work does not end because a shared file was busy for once
            _log.warning("commands could not be read: %s", fault)
        await anyio.sleep(_COMMAND_POLL_S)


async def obey_memory_limit(job: Job, context: RunContext) -> None:
    """Drain the run when its runner holds more memory than the operator allows; looked at four times a second.

    The processes of registered functions and of a login's program are not counted: the first have limits of their own.
    """
    if job.memory_mb is None:
        return
    process = psutil.Process()
    while (held := process.memory_info().rss) <= job.memory_mb * _MIB:  # noqa: ASYNC110 - nothing tells of it
        await anyio.sleep(_COMMAND_POLL_S)
    context.stop(
        "interrupted",
        f"the runner came to its memory limit: it held {-(-held // _MIB):,} MiB, `runner_memory_mb` of the policy "
        f"is {job.memory_mb:,}; what was in flight is settled",
        remedy=f"raise it, or plan fewer rows; {_GOES_ON}",
    )
