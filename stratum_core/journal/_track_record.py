"""The track record: what runs were estimated at, what they did cost, and what was seen of their calls on the way.

Stands over the same control file as the plans. It holds counts and sums alone, never a text that a model was sent or
gave. It is a convenience and no record of money: it is bounded in size, and what is old is forgotten.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass

from stratum_core.contracts import JsonValue
from stratum_core.journal._control_file import ControlFile
from stratum_core.journal._encoding import decode_object, encode
from stratum_core.journal._ids import check_run_id

__all__ = ["KEPT_PER_SUBJECT", "Outcome", "TrackRecord"]

KEPT_PER_SUBJECT = 24
"""Runs that are remembered of each function, condition, loop and piece of work."""
_KEPT_SUBJECTS_PER_RUN = 200
_KEPT_ROWS = 5_000
"""Rows of each of the two tables; the oldest go first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """One run that came to its end: what it was estimated at, and what it did cost."""

    run_id: str
    work: str
    """What the run did, whatever data it had: 32 hex over its document, flow and models."""
    simulated: bool
    likely_nusd: int
    low_nusd: int
    high_nusd: int
    raw_nusd: int
    """What was likely before the errors of earlier estimates were taken into account."""
    noise: float
    """The variance of the cost's logarithm that comes from the calls of one run being no two alike."""
    learned: bool
    """Whether the estimate was made from earlier runs, at least in part."""
    actual_nusd: int
    at_ms: int = 0

    @property
    def error(self) -> float:
        """How far the cost was from the estimate, as a share of the estimate."""
        return abs(self.actual_nusd / self.likely_nusd - 1)


_Row = tuple[str, str, int, int, int, int, int, float, int, int, int]


class TrackRecord(ControlFile):
    """Estimates with their outcomes, and observations of calls, in the control file."""

    def keep(
        self, run_id: str, *, seen: Mapping[str, Mapping[str, JsonValue]], outcome: Outcome | None
    ) -> None:
        """Remember a run, in the place of what was remembered of it before; what is too old or too much is forgotten.

        Args:
            run_id: The run.
            seen: Counts and sums by subject, e.g. a function on a model.
            outcome: None for a run that stopped before its end, whose cost says nothing about its estimate.

        Raises:
            JournalError: The file cannot be written.
        """
        check_run_id(run_id)
        now_ms = self._now_ms()
        rows = [
            (subject, run_id, now_ms, encode(data, where="observation"))
            for subject, data in list(seen.items())[:_KEPT_SUBJECTS_PER_RUN]
        ]
        with self._changing() as connection:
            connection.execute("DELETE FROM seen WHERE run_id = ?", (run_id,))
            connection.execute("DELETE FROM outcomes WHERE run_id = ?", (run_id,))
            connection.executemany("INSERT INTO seen VALUES (NULL, ?, ?, ?, ?)", rows)
            for subject, *_ in rows:
                _forget(connection, "seen", "subject", subject)
            if outcome is not None:
                _insert(connection, outcome, now_ms)
                _forget(connection, "outcomes", "work", outcome.work)
            for table in ("seen", "outcomes"):
                _forget_oldest(connection, table)

    def seen(self, subject: str) -> tuple[Mapping[str, JsonValue], ...]:
        """Return what the last runs showed of a subject, oldest first.

        Raises:
            JournalError: The file cannot be read.
        """
        with self._reading() as connection:
            rows = connection.execute("SELECT data FROM seen WHERE subject = ? ORDER BY seq", (subject,))
            return tuple(decode_object(data) for (data,) in rows)

    def outcomes_of(self, work: str) -> tuple[Outcome, ...]:
        """Return the last runs of a piece of work, oldest first.

        Raises:
            JournalError: The file cannot be read.
        """
        with self._reading() as connection:
            found = connection.execute("SELECT * FROM outcomes WHERE work = ? ORDER BY seq", (work,))
            return tuple(_outcome(row[1:]) for row in found)

    def last_outcomes(self, *, simulated: bool, limit: int) -> tuple[Outcome, ...]:
        """Return the last runs of any work that had something to pay, oldest first.

        Raises:
            JournalError: The file cannot be read.
        """
        with self._reading() as connection:
            found = connection.execute(
                "SELECT * FROM outcomes WHERE simulated = ? AND likely_nusd > 0 ORDER BY seq DESC LIMIT ?",
                (int(simulated), limit),
            )
            return tuple(reversed([_outcome(row[1:]) for row in found]))


def _insert(connection: sqlite3.Connection, outcome: Outcome, now_ms: int) -> None:
    row = (
        outcome.run_id,
        outcome.work,
        int(outcome.simulated),
        outcome.likely_nusd,
        outcome.low_nusd,
        outcome.high_nusd,
        outcome.raw_nusd,
        outcome.noise,
        int(outcome.learned),
        outcome.actual_nusd,
        now_ms,
    )
    connection.execute("INSERT INTO outcomes VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", row)


def _outcome(row: _Row) -> Outcome:
    run_id, work, simulated, likely, low, high, raw, noise, learned, actual, at_ms = row
    return Outcome(
        run_id=run_id,
        work=work,
        simulated=bool(simulated),
        likely_nusd=likely,
        low_nusd=low,
        high_nusd=high,
        raw_nusd=raw,
        noise=noise,
        learned=bool(learned),
        actual_nusd=actual,
        at_ms=at_ms,
    )


def _forget(connection: sqlite3.Connection, table: str, column: str, value: str) -> None:
    """Keep the last rows about one thing."""
    connection.execute(
        f"DELETE FROM {table} WHERE {column} = ? AND seq NOT IN "  # noqa: S608 - names of our own
        f"(SELECT seq FROM {table} WHERE {column} = ? ORDER BY seq DESC LIMIT ?)",
        (value, value, KEPT_PER_SUBJECT),
    )


def _forget_oldest(connection: sqlite3.Connection, table: str) -> None:
    """Keep the last rows about anything."""
    connection.execute(
        f"DELETE FROM {table} WHERE seq <= (SELECT max(seq) FROM {table}) - ?",  # noqa: S608 - names of our own
        (_KEPT_ROWS,),
    )
