"""The run whose answers a plan reuses: read, pinned by its chain, and found again as it was.

A journal only grows, so a number and the hash of that event pin everything before it: what is added to the run later
changes nothing, and what was changed is refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from stratum_core.contracts import JsonValue
from stratum_core.errors import PlanError, RunError
from stratum_core.journal import RunReader

__all__ = ["ReusedRun", "read_reused", "reopen_reused"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReusedRun:
    """The answers of a run as of one event."""

    run_id: str
    last_seq: int
    chain_head: str
    """The hash of that event, in hex."""
    answers: Mapping[str, JsonValue]
    """By the key of their question."""

    def pin(self) -> dict[str, JsonValue]:
        """Return what a plan's hash covers of it."""
        return {"run_id": self.run_id, "last_seq": self.last_seq, "chain_head": self.chain_head}


def read_reused(state_dir: Path, run_id: str) -> ReusedRun:
    """Read the answers a run has so far.

    Raises:
        PlanError: There is no such run, or its journal was changed.
    """
    with _opened(state_dir, run_id) as reader:
        snapshot = reader.snapshot()
        return ReusedRun(
            run_id=run_id,
            last_seq=snapshot.last_seq,
            chain_head=snapshot.chain_head,
            answers=reader.answers(until_seq=snapshot.last_seq),
        )


def reopen_reused(state_dir: Path, pin: Mapping[str, JsonValue]) -> ReusedRun:
    """Read the answers again that a plan was made with.

    Raises:
        PlanError: The run is gone, or its journal is not the one that was planned with.
    """
    run_id, last_seq, head = str(pin["run_id"]), int(str(pin["last_seq"])), str(pin["chain_head"])
    with _opened(state_dir, run_id) as reader:
        found = reader.head_at(last_seq)
        if found != head:
            raise PlanError(
                f"run {run_id} is not the one the plan was made with: event {last_seq} had the hash {head[:12]}, "
                f"now it has {found[:12] or 'none'}; nothing was called",
                remedy="plan again",
                detail={"run_id": run_id},
            )
        answers = reader.answers(until_seq=last_seq)
    return ReusedRun(run_id=run_id, last_seq=last_seq, chain_head=head, answers=answers)


def _opened(state_dir: Path, run_id: str) -> RunReader:
    """Open a run whose chain is whole."""
    try:
        reader = RunReader.open(state_dir, run_id)
    except RunError as error:
        raise PlanError(
            f"reuse: {error.message}", remedy="name a run of this state directory that has started"
        ) from error
    checked = reader.verify()
    if checked.ok:
        return reader
    reader.close()
    raise PlanError(
        f"reuse: the journal of run {run_id} was changed after it was written ({checked.reason})",
        remedy="plan without `reuse`",
    )
