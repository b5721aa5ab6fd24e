"""Files that are no journal of ours, or not yet one, are refused as what they are."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from filelock import FileLock

from stratum_core.errors import JournalBusy, JournalError, RunError
from stratum_core.journal import RunJournal, RunReader
from stratum_core.journal._migrations import RUN_FILE, migrate

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


async def test_a_reader_refuses_another_programs_database(tmp_path: Path) -> None:
    path = tmp_path / "runs" / "run-1.db"
    path.parent.mkdir()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE notes (text)")
    with pytest.raises(JournalError, match="another program"):
        RunReader.open(tmp_path, "run-1")


async def test_a_file_whose_runner_has_only_just_made_it_is_no_journal_yet(tmp_path: Path) -> None:
    path = tmp_path / "runs" / "run-1.db"
    path.parent.mkdir()
    path.touch()
    with pytest.raises(RunError, match="no journal yet"):
        RunReader.open(tmp_path, "run-1")
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        migrate(connection, path, RUN_FILE)
    with pytest.raises(RunError, match="no journal yet"):
        RunReader.open(tmp_path, "run-1")
    with (
        FileLock(path.with_suffix(".lock")),
        pytest.raises(JournalBusy, match="held by another process"),
    ):
        RunJournal.open(tmp_path, "run-1", create=True)
    await RunJournal.open(tmp_path, "run-1", create=True).close()
