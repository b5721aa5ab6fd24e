"""Numbered migrations: one transaction, after a backup; a file from a newer Stratum is refused."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from stratum_core.errors import JournalError, JournalVersionError

__all__ = ["CACHE_FILE", "CONTROL_FILE", "RUN_FILE", "check_version", "migrate", "refuse_newer"]

RUN_FILE: tuple[str, ...] = (
    """
    CREATE TABLE run (
        run_id TEXT PRIMARY KEY, state TEXT NOT NULL, epoch INTEGER NOT NULL, owner TEXT NOT NULL,
        opened_at_ms INTEGER NOT NULL, finished TEXT, last_seq INTEGER NOT NULL, head BLOB NOT NULL,
        nusd INTEGER NOT NULL, tokens INTEGER NOT NULL, calls INTEGER NOT NULL, possibly_paid INTEGER NOT NULL
    );
    CREATE TABLE events (
        seq INTEGER PRIMARY KEY, at_ms INTEGER NOT NULL, epoch INTEGER NOT NULL, kind TEXT NOT NULL,
        path TEXT NOT NULL, data TEXT NOT NULL, hash BLOB NOT NULL
    );
    CREATE TABLE calls (
        seq INTEGER PRIMARY KEY, call_id TEXT NOT NULL, path TEXT NOT NULL, attempt INTEGER NOT NULL,
        epoch INTEGER NOT NULL, input_hash TEXT NOT NULL, request_hash TEXT NOT NULL, model TEXT NOT NULL,
        state TEXT NOT NULL, reserved_nusd INTEGER NOT NULL, reserved_tokens INTEGER NOT NULL,
        reserved_calls INTEGER NOT NULL, nusd INTEGER NOT NULL, tokens INTEGER NOT NULL, calls INTEGER NOT
        NULL, settled_seq INTEGER
    );
    CREATE UNIQUE INDEX calls_by_id ON calls (call_id) WHERE state != 'void';
    CREATE INDEX calls_by_path ON calls (path, attempt);
    CREATE INDEX calls_open ON calls (seq) WHERE state = 'open';
    CREATE TABLE progress (
        path TEXT PRIMARY KEY, total INTEGER, done INTEGER NOT NULL, failed INTEGER NOT NULL
    ) WITHOUT ROWID;
    """,
)
"""One run: its events, and the projections `run`, `calls` and `progress` that are derived from them."""

CONTROL_FILE: tuple[str, ...] = (
    """
    CREATE TABLE plans (
        plan_id TEXT PRIMARY KEY, plan_hash TEXT NOT NULL, record TEXT NOT NULL, created_at_ms INTEGER NOT
        NULL, expires_at_ms INTEGER NOT NULL, principal TEXT NOT NULL
    );
    CREATE TABLE approvals (
        seq INTEGER PRIMARY KEY, approval_id TEXT NOT NULL UNIQUE,
        plan_id TEXT NOT NULL REFERENCES plans (plan_id), plan_hash TEXT NOT NULL, cap_nusd INTEGER,
        decision TEXT NOT NULL, channel TEXT NOT NULL, principal TEXT NOT NULL, note TEXT NOT NULL,
        at_ms INTEGER NOT NULL, expires_at_ms INTEGER NOT NULL, consumed_by TEXT
    );
    CREATE INDEX approvals_by_plan ON approvals (plan_id, seq);
    CREATE TABLE runs (
        run_id TEXT PRIMARY KEY, plan_id TEXT NOT NULL UNIQUE REFERENCES plans (plan_id),
        plan_hash TEXT NOT NULL, cap_nusd INTEGER, state TEXT NOT NULL, created_at_ms INTEGER NOT NULL,
        finished_at_ms INTEGER, receipt TEXT
    );
    CREATE TABLE commands (
        seq INTEGER PRIMARY KEY, run_id TEXT NOT NULL REFERENCES runs (run_id), kind TEXT NOT NULL,
        at_ms INTEGER NOT NULL, principal TEXT NOT NULL
    );
    CREATE INDEX commands_by_run ON commands (run_id, seq);
    """,
    """
    ALTER TABLE runs ADD COLUMN started_at_ms INTEGER;
    UPDATE runs SET started_at_ms = created_at_ms WHERE state != 'ready';
    """,
    """
    CREATE TABLE reviews (
        review_id TEXT PRIMARY KEY, run_id TEXT NOT NULL REFERENCES runs (run_id), path TEXT NOT NULL,
        number INTEGER NOT NULL, question TEXT NOT NULL, created_at_ms INTEGER NOT NULL, value TEXT,
        channel TEXT, reviewer TEXT, rationale TEXT, decided_at_ms INTEGER,
        UNIQUE (run_id, path), UNIQUE (run_id, number)
    );
    """,
    """
    ALTER TABLE approvals ADD COLUMN signature TEXT NOT NULL DEFAULT '';
    """,
    """
    CREATE TABLE holds (
        seq INTEGER PRIMARY KEY, run_id TEXT NOT NULL, day TEXT NOT NULL, project TEXT NOT NULL,
        held_nusd INTEGER NOT NULL, spent_nusd INTEGER, at_ms INTEGER NOT NULL, ended_at_ms INTEGER
    );
    CREATE INDEX holds_by_day ON holds (day);
    CREATE UNIQUE INDEX holds_open ON holds (run_id) WHERE spent_nusd IS NULL;
    CREATE INDEX holds_by_run ON holds (run_id);
    CREATE TABLE raises (
        seq INTEGER PRIMARY KEY, raise_id TEXT NOT NULL UNIQUE, run_id TEXT NOT NULL, plan_hash TEXT NOT NULL,
        cap_nusd INTEGER NOT NULL, from_nusd INTEGER, decision TEXT NOT NULL, channel TEXT NOT NULL,
        principal TEXT NOT NULL, note TEXT NOT NULL, at_ms INTEGER NOT NULL, expires_at_ms INTEGER NOT NULL,
        used_at_ms INTEGER
    );
    CREATE INDEX raises_by_run ON raises (run_id, seq);
    ALTER TABLE runs ADD COLUMN planned_cap_nusd INTEGER;
    UPDATE runs SET planned_cap_nusd = cap_nusd;
    """,
    """
    CREATE TABLE seen (
        seq INTEGER PRIMARY KEY, subject TEXT NOT NULL, run_id TEXT NOT NULL, at_ms INTEGER NOT NULL,
        data TEXT NOT NULL
    );
    CREATE INDEX seen_by_subject ON seen (subject, seq);
    CREATE INDEX seen_by_run ON seen (run_id);
    CREATE TABLE outcomes (
        seq INTEGER PRIMARY KEY, run_id TEXT NOT NULL UNIQUE, work TEXT NOT NULL, simulated INTEGER NOT NULL,
        likely_nusd INTEGER NOT NULL, low_nusd INTEGER NOT NULL, high_nusd INTEGER NOT NULL,
        raw_nusd INTEGER NOT NULL, noise REAL NOT NULL, learned INTEGER NOT NULL, actual_nusd INTEGER NOT NULL,
        at_ms INTEGER NOT NULL
    );
    CREATE INDEX outcomes_by_work ON outcomes (work, seq);
    """,
)
"""Plans, approvals, the index of runs, commands to runners, questions to people, what runs hold of the limits, and
what was estimated and seen."""

CACHE_FILE: tuple[str, ...] = (
    "CREATE TABLE answers (key TEXT PRIMARY KEY, value TEXT NOT NULL, at_ms INTEGER NOT NULL) WITHOUT ROWID;",
)
"""Accepted answers by the key of their question, for functions with `cache: global`."""

_APPLICATION_ID = 0x53545241  # "STRA", so that a foreign SQLite file is not taken for ours
_HEADER_BYTES = 100  # https://www.sqlite.org/fileformat.html#the_database_header
_VERSION_AT = slice(60, 64)
_APPLICATION_AT = slice(68, 72)


def refuse_newer(path: Path, steps: Sequence[str]) -> None:
    """Refuse a file from a newer Stratum by its header alone, before SQLite touches it.

    Raises:
        JournalVersionError: Its schema has more steps than this version knows.
    """
    with path.open("rb") as file:
        header = file.read(_HEADER_BYTES)
    if header[_APPLICATION_AT] == _APPLICATION_ID.to_bytes(4, "big"):
        _refuse_version(path, int.from_bytes(header[_VERSION_AT], "big"), steps)


def check_version(connection: sqlite3.Connection, path: Path, steps: Sequence[str]) -> int:
    """Return the version of a file of ours; 0 for an empty one.

    Raises:
        JournalVersionError: The file was written by a newer Stratum.
        JournalError: It is a SQLite file of some other program.
    """
    if _number(connection, "application_id") != _APPLICATION_ID:
        if not connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
            return 0
        # Looked at again: the process that makes the file may have committed its tables and its mark in between.
        if _number(connection, "application_id") != _APPLICATION_ID:
            raise JournalError(
                f"{path} is a SQLite file of another program",
                remedy="choose another state directory",
            )
    version = _number(connection, "user_version")
    _refuse_version(path, version, steps)
    return version


def migrate(connection: sqlite3.Connection, path: Path, steps: Sequence[str]) -> None:
    """Bring a file to the last of `steps` in one transaction; an older file is copied to `FILE.vN.bak` first.

    Raises:
        JournalVersionError: The file was written by a newer Stratum.
        JournalError: It is a SQLite file of some other program.
    """
    version = check_version(connection, path, steps)
    if version == len(steps):
        return
    if version:
        _back_up(connection, path.with_name(f"{path.name}.v{version}.bak"))
    script = (
        f"BEGIN IMMEDIATE; {';'.join(steps[version:])}; PRAGMA application_id = {_APPLICATION_ID}; "
        f"PRAGMA user_version = {len(steps)}; COMMIT;"
    )
    try:
        connection.executescript(script)
    except sqlite3.Error:
        connection.rollback()
        raise


def _refuse_version(path: Path, version: int, steps: Sequence[str]) -> None:
    if version > len(steps):
        raise JournalVersionError(
            f"{path} was written by a newer Stratum: its schema is version {version}, this one knows {len(steps)}",
            remedy="install that version again to use it; the file was left as it is",
            detail={"version": version, "known": len(steps)},
        )


def _number(connection: sqlite3.Connection, pragma: str) -> int:
    (value,) = connection.execute(f"PRAGMA {pragma}").fetchone()
    return int(value)


def _back_up(connection: sqlite3.Connection, path: Path) -> None:
    os.close(os.open(path, os.O_CREAT | os.O_WRONLY, 0o600))
    with closing(sqlite3.connect(path)) as copy:
        connection.backup(copy)
