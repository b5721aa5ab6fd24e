"""The hash chain and the projections: whoever edits, removes or moves an event is found out."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from stratum_core.budget import Usage
from stratum_core.journal import ChainCheck, RunJournal, RunReader
from tests.support.journals import make_intent

pytestmark = pytest.mark.anyio


async def _write(directory: Path) -> str:
    """Write a run of seven events and return its head."""
    journal = RunJournal.open(directory, "run-1", create=True)
    for path in ("a", "b"):
        await journal.intent(make_intent(path))
        await journal.settle(
            f"{path}#0", state="answered", usage=Usage(nusd=400, tokens=60, calls=1), outcome={"of": path}
        )
    await journal.event("checkpoint")
    await journal.close(state="completed")
    with RunReader.open(directory, "run-1") as reader:
        return reader.snapshot().chain_head


def _tamper(directory: Path, *statements: str) -> ChainCheck:
    with closing(sqlite3.connect(directory / "runs" / "run-1.db")) as connection, connection:
        for statement in statements:
            connection.execute(statement)
    with RunReader.open(directory, "run-1") as reader:
        return reader.verify()


async def test_an_untouched_run_verifies_to_the_head_it_was_closed_with(tmp_path: Path) -> None:
    head = await _write(tmp_path)
    assert _tamper(tmp_path) == ChainCheck(ok=True, events=7, first_bad_seq=None, head=head)


@pytest.mark.parametrize(
    "change",
    [
        """data = replace(data, '"of":"a"', '"of":"x"')""",
        "kind = 'failed'",
        "path = 'b'",
        "at_ms = at_ms + 1",
        "epoch = 2",
        "hash = zeroblob(32)",
    ],
)
async def test_an_edited_event_is_found(tmp_path: Path, change: str) -> None:
    await _write(tmp_path)
    found = _tamper(tmp_path, f"UPDATE events SET {change} WHERE seq = 3")  # noqa: S608
    assert (found.ok, found.first_bad_seq, found.events) == (False, 3, 2)
    assert "event 3 was changed" in found.reason


async def test_a_removed_event_is_found(tmp_path: Path) -> None:
    await _write(tmp_path)
    found = _tamper(tmp_path, "DELETE FROM events WHERE seq = 4")
    assert (found.ok, found.first_bad_seq, found.reason) == (False, 4, "event 4 is missing")


async def test_a_removed_event_is_found_although_the_later_ones_moved_up(tmp_path: Path) -> None:
    await _write(tmp_path)
    moves = [f"UPDATE events SET seq = {seq - 1} WHERE seq = {seq}" for seq in (5, 6, 7)]  # noqa: S608
    found = _tamper(tmp_path, "DELETE FROM events WHERE seq = 4", *moves)
    assert (found.ok, found.first_bad_seq) == (False, 4)


async def test_reordered_events_are_found(tmp_path: Path) -> None:
    await _write(tmp_path)
    found = _tamper(
        tmp_path,
        "UPDATE events SET seq = -1 WHERE seq = 3",
        "UPDATE events SET seq = 3 WHERE seq = 5",
        "UPDATE events SET seq = 5 WHERE seq = -1",
    )
    assert (found.ok, found.first_bad_seq) == (False, 3)


async def test_a_cut_off_end_is_found(tmp_path: Path) -> None:
    await _write(tmp_path)
    found = _tamper(tmp_path, "DELETE FROM events WHERE seq >= 6")
    assert (found.ok, found.first_bad_seq) == (False, 6)
    assert found.reason == "the run has 7 events, but only 5 are there"


async def test_a_whole_chain_computed_anew_has_another_head(tmp_path: Path) -> None:
    head = await _write(tmp_path)
    found = _tamper(
        tmp_path,
        "UPDATE run SET last_seq = 6, head = (SELECT hash FROM events WHERE seq = 6)",
        "DELETE FROM events WHERE seq = 7",
    )
    assert found.ok
    assert found.head != head


@pytest.mark.parametrize(
    ("statement", "seq", "reason"),
    [
        ("UPDATE calls SET nusd = 1 WHERE call_id = 'b#0'", 5, "attempt b#0 is not what event 5 says"),
        (
            "UPDATE calls SET state = 'failed' WHERE call_id = 'a#0'",
            3,
            "attempt a#0 is not what event 3 says",
        ),
        ("UPDATE calls SET state = 'failed', settled_seq = NULL", 2, "attempt a#0 is not what event 2 says"),
        ("DELETE FROM calls WHERE call_id = 'b#0'", 8, "the totals are not those of the attempts"),
        ("UPDATE run SET nusd = 1", 8, "the totals are not those of the attempts"),
        (
            "UPDATE calls SET state = 'open' WHERE call_id = 'a#0'",
            8,
            "the totals are not those of the attempts",
        ),
    ],
)
async def test_projections_that_differ_from_the_events_are_found(
    tmp_path: Path, statement: str, seq: int, reason: str
) -> None:
    await _write(tmp_path)
    found = _tamper(tmp_path, statement)
    assert (found.ok, found.first_bad_seq, found.reason) == (False, seq, reason)


async def test_events_of_one_run_do_not_verify_in_another(tmp_path: Path) -> None:
    await _write(tmp_path)
    with closing(sqlite3.connect(tmp_path / "runs" / "run-1.db")) as connection, connection:
        connection.execute("UPDATE run SET run_id = 'run-2'")
    (tmp_path / "runs" / "run-1.db").rename(tmp_path / "runs" / "run-2.db")
    with RunReader.open(tmp_path, "run-2") as reader:
        assert reader.verify().first_bad_seq == 1
