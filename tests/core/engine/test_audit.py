"""The audit trail of a run, and whether its record is still what was written."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing

import pytest

from stratum_core.contracts import BoolType
from stratum_core.engine import Engine
from stratum_core.errors import InputError, RunError
from stratum_core.journal import Question
from stratum_core.journal._chain import genesis, link
from tests.core.engine._bench import Bench, ended

pytestmark = pytest.mark.slow


@pytest.fixture
def engine(bench: Bench) -> Engine:
    return bench.engine()


@pytest.fixture
def run_id(bench: Bench, engine: Engine) -> str:
    """A run that has ended."""
    return ended(engine, engine.execute(bench.approved(engine, rows=3).plan_id).run_id).run_id


def _journal(bench: Bench, run_id: str, *statements: str) -> None:
    with closing(sqlite3.connect(bench.private_file(run_id, ".db"))) as journal, journal:
        for statement in statements:
            journal.execute(statement)


def _rewritten(bench: Bench, run_id: str) -> None:
    """Change an event, then compute every hash anew, as whoever may write the file can."""
    with closing(sqlite3.connect(bench.private_file(run_id, ".db"))) as journal, journal:
        journal.execute("UPDATE events SET at_ms = at_ms + 1 WHERE seq = 2")
        head = genesis(run_id)
        rows = journal.execute(
            "SELECT seq, at_ms, epoch, kind, path, data FROM events ORDER BY seq"
        ).fetchall()
        for seq, at_ms, epoch, kind, path, data in rows:
            head = link(head, seq, at_ms, epoch, kind=kind, path=path, data=data)
            journal.execute("UPDATE events SET hash = ? WHERE seq = ?", (head, seq))
        journal.execute("UPDATE run SET head = ?", (head,))


def _cut(bench: Bench, run_id: str) -> None:
    """Take the last event away, and let the run say that there never was one."""
    _journal(
        bench,
        run_id,
        "DELETE FROM events WHERE seq = (SELECT max(seq) FROM events)",
        "UPDATE run SET last_seq = last_seq - 1, head = (SELECT hash FROM events ORDER BY seq DESC LIMIT 1)",
    )


def test_a_whole_record_ends_in_the_head_that_was_noted_at_its_end(engine: Engine, run_id: str) -> None:
    head = engine.show_run(run_id).chain_head
    found = engine.audit.verify(run_id, head=f" {head.upper()} ")

    assert (found.ok, found.head, found.noted) == (True, head, {head: found.events})
    assert found.to_json()["noted"] == {head: found.events}


def _edited(bench: Bench, run_id: str) -> None:
    _journal(bench, run_id, "UPDATE events SET path = 'x' WHERE seq = 4")


def _removed(bench: Bench, run_id: str) -> None:
    _journal(bench, run_id, "DELETE FROM events WHERE seq = 5")


def _reordered(bench: Bench, run_id: str) -> None:
    _journal(
        bench,
        run_id,
        "UPDATE events SET seq = -6 WHERE seq = 6",
        "UPDATE events SET seq = 6 WHERE seq = 7",
        "UPDATE events SET seq = 7 WHERE seq = -6",
    )


_CHANGED = "event 4 was changed"
_MOVED = "event 6 was changed, or stands where another one stood"
_NOT_NOTED = "noted in the control file at the run's end: the record was written anew, or cut"


@pytest.mark.parametrize(
    ("change", "found"),
    [
        (_edited, (4, _CHANGED)),
        (_removed, (5, "event 5 is missing")),
        (_reordered, (6, _MOVED)),
        (_cut, (None, _NOT_NOTED)),
        (_rewritten, (None, _NOT_NOTED)),
    ],
)
def test_a_changed_record_is_found(
    bench: Bench,
    engine: Engine,
    run_id: str,
    change: Callable[[Bench, str], None],
    found: tuple[int | None, str],
) -> None:
    change(bench, run_id)
    looked = engine.audit.verify(run_id)

    assert (looked.ok, looked.first_bad_seq) == (False, found[0])
    assert found[1] in looked.reason


def test_a_head_that_was_kept_finds_a_record_rewritten_together_with_the_control_file(
    bench: Bench, engine: Engine, run_id: str
) -> None:
    kept = engine.show_run(run_id).chain_head
    _rewritten(bench, run_id)
    with closing(sqlite3.connect(bench.job.state_dir / "control.db")) as control, control:
        control.execute("UPDATE runs SET receipt = NULL")

    assert engine.audit.verify(run_id).ok
    found = engine.audit.verify(run_id, head=kept)
    assert (found.ok, found.noted) == (False, {kept: None})
    assert "which was given" in found.reason


def test_what_is_no_head_is_refused_and_so_is_an_unknown_run(engine: Engine, run_id: str) -> None:
    for head in ("abc", "g" * 64, "0" * 65):
        with pytest.raises(InputError, match="not the head of a chain"):
            engine.audit.verify(run_id, head=head)
    with pytest.raises(RunError):
        engine.audit.verify("run_000000000000")


def test_the_trail_tells_who_when_and_how_in_order(bench: Bench, engine: Engine, run_id: str) -> None:
    desk = engine._control
    review = desk.ask_review(run_id, "ask", Question(text="Send it?", answer=BoolType()))
    with closing(sqlite3.connect(desk.path)) as control, control:
        control.execute("UPDATE runs SET state = 'waiting'")
    bench.clock.advance(60)
    desk.decide_review(
        review.review_id, value=True, channel="terminal", reviewer="ada", rationale="looks right"
    )
    open_one = desk.ask_review(run_id, "ask2", Question(text="And this?", answer=BoolType()))
    desk.request_cancel(run_id, principal="grace")

    trail = "\n".join(engine.audit.trail(run_id))
    told = [
        "made by ",
        "approved by ",
        "run created, plan hash",
        "worked on by process ",
        "ended as completed",
    ]
    assert all(words in trail for words in told)
    assert 'question 1 answered by ada (terminal): true; "looks right"' in trail
    assert trail.count("asked: ") == 2
    assert open_one.decision is None
    assert "cancel asked by grace" in trail
    assert trail.index("made by ") < trail.index("approved by ") < trail.index("answered by ada")


def test_a_run_nobody_has_started_has_a_trail_too(bench: Bench, engine: Engine, run_id: str) -> None:
    for path in bench.private_file(run_id, "").parent.glob(f"{run_id}.*"):
        path.unlink()

    assert "approved by " in engine.audit.trail(run_id)[-2] + engine.audit.trail(run_id)[-1]
