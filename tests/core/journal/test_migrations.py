"""Migrations: numbered, in one transaction, after a backup."""

from __future__ import annotations

import sqlite3
import stat
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from stratum_core.errors import JournalError, JournalVersionError
from stratum_core.journal._migrations import check_version, migrate, refuse_newer

FIRST = "CREATE TABLE notes (text TEXT); INSERT INTO notes VALUES ('kept')"
SECOND = "ALTER TABLE notes ADD COLUMN at INTEGER NOT NULL DEFAULT 0"
BROKEN = "CREATE TABLE more (x); CREATE TABLE notes (again)"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "some.db"


@pytest.fixture
def connection(path: Path) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(path, isolation_level=None)) as opened:
        yield opened


def _version(connection: sqlite3.Connection) -> int:
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    return int(version)


def test_a_new_file_gets_every_step_and_no_backup(connection: sqlite3.Connection, path: Path) -> None:
    migrate(connection, path, [FIRST, SECOND])
    migrate(connection, path, [FIRST, SECOND])
    assert connection.execute("SELECT * FROM notes").fetchall() == [("kept", 0)]
    assert _version(connection) == 2
    assert [found.name for found in path.parent.iterdir()] == ["some.db"]


def test_an_older_file_is_copied_before_it_is_changed(connection: sqlite3.Connection, path: Path) -> None:
    migrate(connection, path, [FIRST])
    migrate(connection, path, [FIRST, SECOND])
    backup = path.with_name("some.db.v1.bak")
    assert stat.S_IMODE(backup.stat().st_mode) == 0o600
    with closing(sqlite3.connect(backup)) as copy:
        assert copy.execute("SELECT * FROM notes").fetchall() == [("kept",)]
        assert _version(copy) == 1
    assert connection.execute("SELECT * FROM notes").fetchall() == [("kept", 0)]


def test_a_step_that_fails_leaves_the_file_as_it_was(connection: sqlite3.Connection, path: Path) -> None:
    migrate(connection, path, [FIRST])
    with pytest.raises(sqlite3.OperationalError):
        migrate(connection, path, [FIRST, BROKEN])
    assert _version(connection) == 1
    assert connection.execute("SELECT name FROM sqlite_master").fetchall() == [("notes",)]


def test_a_newer_file_is_refused_by_its_header_and_by_sqlite(
    connection: sqlite3.Connection, path: Path
) -> None:
    migrate(connection, path, [FIRST, SECOND])
    for refuse in (lambda: refuse_newer(path, [FIRST]), lambda: migrate(connection, path, [FIRST])):
        with pytest.raises(JournalVersionError) as refused:
            refuse()
        assert refused.value.detail == {"version": 2, "known": 1}


class _MadeMeanwhile(sqlite3.Connection):
    """Another process makes the file just before its tables are counted."""

    path: Path

    def execute(self, sql: str, *parameters: object) -> sqlite3.Cursor:
        if "sqlite_master" in sql:
            with closing(sqlite3.connect(self.path, isolation_level=None)) as other:
                migrate(other, self.path, [FIRST])
        return super().execute(sql)


def test_a_file_that_is_made_while_one_looks_is_ours(path: Path) -> None:
    with closing(sqlite3.connect(path, isolation_level=None, factory=_MadeMeanwhile)) as looking:
        assert isinstance(looking, _MadeMeanwhile)
        looking.path = path
        assert check_version(looking, path, [FIRST]) == 1


def test_a_file_of_another_program_is_refused(connection: sqlite3.Connection, path: Path) -> None:
    connection.execute("CREATE TABLE theirs (x)")
    with pytest.raises(JournalError, match="of another program"):
        check_version(connection, path, [FIRST])
