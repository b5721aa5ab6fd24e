"""Durable flows: a run file around an outermost flow, so that it goes on where a crash has left it.

The file is that of every other run (`DIRECTORY/runs/RUN_ID.db`), with the same intents and settlements. A flow that is
run again with the same directory and id walks through its code again; every call that was paid for is answered from the
record. What Python itself does in between (files, clocks, random numbers) is not on record and happens again.
"""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import anyio

from stratum_core.contracts import JsonValue, content_hash
from stratum_core.errors import BudgetExceeded, DeterminismError, StratumError
from stratum_core.journal import LIBRARY_FLOW, RunJournal

__all__ = ["open_record", "run_id_of"]

_NAME_CHARACTERS = 48
_HASH_CHARACTERS = 12


def run_id_of(flow: str, arguments: Mapping[str, JsonValue]) -> str:
    """Return the run id of a flow that was given none: the same for the same flow and inputs."""
    name = re.sub(r"[^A-Za-z0-9_-]", "-", flow).lstrip("_-")[:_NAME_CHARACTERS]
    return f"{name or 'flow'}-{content_hash(dict(arguments))[:_HASH_CHARACTERS]}"


@asynccontextmanager
async def open_record(
    directory: Path, run_id: str, *, flow: str, arguments: Mapping[str, JsonValue]
) -> AsyncGenerator[RunJournal]:
    """Open the record of a run, making it where there is none, and write down how the block ended.

    Raises:
        DeterminismError: The record is of another flow, or of other inputs.
        JournalBusy: Another live process, or another task, runs it.
        JournalError: The file cannot be used.
        RunError: The id could not name a run.
    """

    def opened() -> RunJournal:
        return RunJournal.open(directory.absolute(), run_id, create=True)

    journal = await anyio.to_thread.run_sync(opened)
    try:
        await _identify(journal, flow, arguments)
        yield journal
    except BudgetExceeded as error:
        await journal.close(state="stopped_budget", data=_ending(error))
        raise
    except StratumError as error:
        await journal.close(state="failed", data=_ending(error))
        raise
    except Exception as error:
        await journal.close(state="failed", data={"error": f"{type(error).__name__}: {error}"})
        raise
    except BaseException:  # cancelled: the run counts as interrupted
        with anyio.CancelScope(shield=True):
            await journal.close()
        raise
    await journal.close(state="completed", data={})


async def _identify(journal: RunJournal, flow: str, arguments: Mapping[str, JsonValue]) -> None:
    """Write down what the record is of, or check it."""
    identity: dict[str, JsonValue] = {"flow": flow, "input_hash": content_hash(dict(arguments))}
    known = journal.recorded(LIBRARY_FLOW).get("")
    if known is None:
        await journal.event(LIBRARY_FLOW, data=identity)
    elif dict(known) != identity:
        what = f"flow `{known['flow']}`" if known["flow"] != flow else "other inputs"
        raise DeterminismError(
            f"the record of run {journal.run_id} is of {what}, so `{flow}` cannot go on with it",
            remedy="give this run an id of its own, or leave the id out",
            detail={"run_id": journal.run_id},
        )


def _ending(error: StratumError) -> dict[str, JsonValue]:
    return {"error": str(error), "cause": error.code}
