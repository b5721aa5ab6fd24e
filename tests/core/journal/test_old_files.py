"""Files of every version there ever was open today, with what stood in them."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from stratum_core.errors import JournalVersionError
from stratum_core.journal import AnswerCache, ControlStore, RunJournal
from stratum_core.journal._migrations import CACHE_FILE, CONTROL_FILE, RUN_FILE, migrate

_ROWS = (
    "INSERT INTO plans VALUES ('plan_000000000000', 'hash', '{\"items\": 3}', 1, 2, 'ada')",
    (
        "INSERT INTO approvals (approval_id, plan_id, plan_hash, cap_nusd, decision, channel, principal, note, at_ms,"
        " expires_at_ms, consumed_by) VALUES ('approval_0000000000000000', 'plan_000000000000', 'hash', 5, 'approved',"
        " 'terminal', 'ada', 'why', 1, 2, 'run_000000000000')"
    ),
    (
        "INSERT INTO runs (run_id, plan_id, plan_hash, cap_nusd, state, created_at_ms) VALUES"
        " ('run_000000000000', 'plan_000000000000', 'hash', 5, 'completed', 1)"
    ),
)


@pytest.mark.parametrize("version", range(1, len(CONTROL_FILE) + 1))
def test_a_control_file_of_any_version_keeps_its_plans_answers_and_runs(tmp_path: Path, version: int) -> None:
    path = tmp_path / "control.db"
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        migrate(connection, path, CONTROL_FILE[:version])
        for row in _ROWS:
            connection.execute(row)
    store = ControlStore.open(tmp_path)

    (decision,) = store.decisions("plan_000000000000")
    assert (decision.principal, decision.consumed_by, decision.note) == ("ada", "run_000000000000", "why")
    assert store.plan("plan_000000000000").record == {"items": 3}
    (run,) = store.runs()
    assert (run.run_id, run.state, run.cap_nusd) == ("run_000000000000", "completed", 5)
    backups = [each.name for each in tmp_path.glob("*.bak")]
    assert backups == ([] if version == len(CONTROL_FILE) else [f"control.db.v{version}.bak"])


@pytest.mark.parametrize(
    ("name", "steps"), [("control.db", CONTROL_FILE), ("runs/run-1.db", RUN_FILE), ("answers.db", CACHE_FILE)]
)
def test_a_file_of_the_next_version_is_refused_and_not_touched(
    tmp_path: Path, name: str, steps: tuple[str, ...]
) -> None:
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        migrate(connection, path, (*steps, "CREATE TABLE tomorrow (x)"))
    before = path.read_bytes()

    with pytest.raises(JournalVersionError, match="newer Stratum"):
        _open(tmp_path, name)
    assert path.read_bytes() == before
    assert list(tmp_path.rglob("*.bak")) == []


def _open(directory: Path, name: str) -> object:
    if name == "control.db":
        return ControlStore.open(directory)
    if name == "answers.db":
        return AnswerCache.open(directory)
    return RunJournal.open(directory, "run-1", create=True)
