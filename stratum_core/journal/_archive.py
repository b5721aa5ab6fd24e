"""Removing what is old: a run's files, the data of its plan, plans nobody used, and old answers.

The rows that say who agreed to what, when, and what it came to stay: they are small, hold no data of a job, and the
operator's limits and the audit trail are read from them.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path

from filelock import FileLock, Timeout

from stratum_core.contracts import JsonValue
from stratum_core.errors import JournalBusy
from stratum_core.journal._control_file import ControlFile
from stratum_core.journal._encoding import decode_object, encode
from stratum_core.journal._files import connect, connect_to_read, locked, naming_file, run_file
from stratum_core.journal._ids import check_run_id

__all__ = ["Archive", "prune_answers", "remove_run_files", "run_files"]

_DATA = ("text", "bindings", "reused", "limits")
"""The parts of a plan's record that hold the document and what it is about."""
_UNUSED = (
    "expires_at_ms < ? AND NOT EXISTS (SELECT 1 FROM approvals WHERE approvals.plan_id = plans.plan_id)"
    " AND NOT EXISTS (SELECT 1 FROM runs WHERE runs.plan_id = plans.plan_id)"
)


class Archive(ControlFile):
    """What the control file keeps of runs whose files are removed."""

    def strip(self, run_id: str, receipt: Mapping[str, JsonValue]) -> None:
        """Take the data of a job out of the rows of its run, its plan and its questions, and store what is left of it.

        Args:
            run_id: The run, which is over.
            receipt: What is to stand in place of its receipt.

        Raises:
            JournalError: The file cannot be written.
        """
        text = encode(receipt, where="receipt")
        with self._changing() as connection:
            connection.execute("UPDATE runs SET receipt = ? WHERE run_id = ?", (text, check_run_id(run_id)))
            connection.execute("DELETE FROM reviews WHERE run_id = ?", (run_id,))
            _strip_plan(connection, run_id)

    def unused_plans(self, before_ms: int) -> int:
        """Return how many plans expired before a time without an answer.

        Raises:
            JournalError: The file cannot be read.
        """
        with self._reading() as connection:
            (count,) = connection.execute(
                f"SELECT count(*) FROM plans WHERE {_UNUSED}",  # noqa: S608 - our own text
                (before_ms,),
            ).fetchone()
        return int(count)

    def remove_unused_plans(self, before_ms: int) -> None:
        """Remove the plans that expired before a time without an answer, and give their room back to the disk.

        Raises:
            JournalError: The file cannot be written.
        """
        with self._changing() as connection:
            connection.execute(f"DELETE FROM plans WHERE {_UNUSED}", (before_ms,))  # noqa: S608 - our own text
        with locked(self._lock), naming_file(self.path), closing(connect(self.path)) as connection:
            connection.execute("VACUUM")


def run_files(directory: Path, run_id: str) -> Sequence[Path]:
    """Return every file of a run: journal, backups, result and log, but not its lock.

    Raises:
        RunError: The id could not name a run.
    """
    lock = _lock_file(directory, run_id)
    found = run_file(directory, run_id).parent.glob(f"{run_id}.*")
    return sorted(path for path in found if path != lock)


def remove_run_files(directory: Path, run_id: str) -> None:
    """Remove a run's files while nobody else can take the run.

    Raises:
        JournalBusy: A live process holds the run.
        JournalError: A file cannot be removed.
    """
    lock = _lock_file(directory, run_id)
    try:
        with FileLock(lock, timeout=0, mode=0o600), naming_file(lock):
            for path in run_files(directory, run_id):
                path.unlink(missing_ok=True)
            lock.unlink(missing_ok=True)
    except Timeout as error:
        raise JournalBusy(
            f"run {run_id} is held by a live process", remedy="cancel it first, or leave it"
        ) from error


def prune_answers(directory: Path, before_ms: int, *, remove: bool) -> int:
    """Return how many answers shared by all runs were stored before a time; remove them if asked.

    Raises:
        JournalError: The file cannot be used.
    """
    path = directory / "answers.db"
    if not path.exists():
        return 0
    with locked(path.with_suffix(".lock")), naming_file(path), closing(connect_to_read(path)) as reading:
        (count,) = reading.execute("SELECT count(*) FROM answers WHERE at_ms < ?", (before_ms,)).fetchone()
    if remove and count:
        with locked(path.with_suffix(".lock")), naming_file(path), closing(connect(path)) as connection:
            connection.execute("DELETE FROM answers WHERE at_ms < ?", (before_ms,))
            connection.execute("VACUUM")
    return int(count)


def _strip_plan(connection: sqlite3.Connection, run_id: str) -> None:
    plan_id, record = connection.execute(
        "SELECT plan_id, record FROM plans WHERE plan_id = (SELECT plan_id FROM runs WHERE run_id = ?)",
        (run_id,),
    ).fetchone()
    kept = {name: value for name, value in decode_object(record).items() if name not in _DATA}
    connection.execute("UPDATE plans SET record = ? WHERE plan_id = ?", (encode(kept, where="plan"), plan_id))


def _lock_file(directory: Path, run_id: str) -> Path:
    return run_file(directory, run_id).with_suffix(".lock")
