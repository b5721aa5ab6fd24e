"""What a process that was killed in the middle of a change leaves behind does not keep anyone from reading."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from stratum_core.errors import JournalError
from stratum_core.journal import ControlStore, RunJournal, RunReader

_KILLED = """
import os, signal, sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("PRAGMA cache_size = 1")
connection.execute("BEGIN IMMEDIATE")
connection.execute(sys.argv[2])
os.kill(os.getpid(), signal.SIGKILL)
"""


def _left_half_written(path: Path, change: str) -> None:
    """Let a process begin a large change, and be killed before it commits."""
    subprocess.run([sys.executable, "-c", _KILLED, str(path), change], check=False)
    assert path.with_name(f"{path.name}-journal").exists()


def test_a_control_file_left_half_written_is_read_as_it_was_before(tmp_path: Path) -> None:
    store = ControlStore.open(tmp_path)
    with closing(sqlite3.connect(store.path)) as connection, connection:
        rows = ((f"plan_{number}", os.urandom(2000).hex()) for number in range(200))
        connection.executemany("INSERT INTO plans VALUES (?, 'h', ?, 0, 0, 'p')", rows)
    _left_half_written(store.path, "UPDATE plans SET record = hex(randomblob(2000)), plan_hash = 'other'")

    assert store.runs() == ()
    with closing(sqlite3.connect(store.path)) as connection:
        assert connection.execute("SELECT DISTINCT plan_hash FROM plans").fetchall() == [("h",)]


async def test_a_run_whose_maker_was_killed_while_it_made_the_file_can_be_looked_at(tmp_path: Path) -> None:
    journal = RunJournal.open(tmp_path, "run-1", create=True)
    await journal.close(state="completed")
    path = tmp_path / "runs" / "run-1.db"
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode = DELETE")
        connection.execute("CREATE TABLE filler AS WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n LIMIT 200) SELECT hex(randomblob(2000)) AS y FROM n")  # fmt: skip  # noqa: E501
    _left_half_written(path, "UPDATE filler SET y = hex(randomblob(2000))")

    with RunReader.open(tmp_path, "run-1") as reader:
        assert reader.snapshot().state == "completed"


def test_a_file_that_cannot_be_read_for_another_reason_is_still_said_to_be_so(tmp_path: Path) -> None:
    store = ControlStore.open(tmp_path)
    store.path.unlink()

    with pytest.raises(JournalError, match="cannot be used"):
        store.runs()
