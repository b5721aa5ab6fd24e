"""The track record: what runs were estimated at and did cost, kept once for each run and never more than so much."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from stratum_core.errors import JournalError, RunError
from stratum_core.journal import KEPT_PER_SUBJECT, Outcome, TrackRecord

NOTHING: dict[str, dict[str, int]] = {}


def outcome(run_id: str, *, work: str = "work", actual: int = 110, simulated: bool = False) -> Outcome:
    return Outcome(
        run_id=run_id,
        work=work,
        simulated=simulated,
        likely_nusd=100,
        low_nusd=60,
        high_nusd=160,
        raw_nusd=90,
        noise=0.25,
        learned=True,
        actual_nusd=actual,
    )


@pytest.fixture
def record(tmp_path: Path) -> TrackRecord:
    return TrackRecord.open(tmp_path, clock=lambda: 7.5)


def test_what_a_run_showed_and_cost_is_read_as_it_was_kept(record: TrackRecord) -> None:
    record.keep("run_1", seen={"call:a": {"asks": 3}, "call:b": {"asks": 4}}, outcome=outcome("run_1"))
    record.keep("run_2", seen={"call:a": {"asks": 5}}, outcome=None)

    assert record.seen("call:a") == ({"asks": 3}, {"asks": 5})
    assert record.seen("call:c") == ()
    (kept,) = record.outcomes_of("work")
    assert kept == replace(outcome("run_1"), at_ms=7_500)
    assert round(kept.error, 6) == 0.1


def test_a_run_that_goes_on_after_its_end_is_remembered_once(record: TrackRecord) -> None:
    record.keep("run_1", seen={"call:a": {"asks": 3}, "call:b": {"asks": 4}}, outcome=outcome("run_1"))
    record.keep("run_1", seen={"call:a": {"asks": 9}}, outcome=outcome("run_1", actual=200))

    assert (record.seen("call:a"), record.seen("call:b")) == (({"asks": 9},), ())
    assert [kept.actual_nusd for kept in record.outcomes_of("work")] == [200]


def test_made_up_dollars_and_runs_that_were_free_stay_out_of_the_last_estimates(record: TrackRecord) -> None:
    record.keep("run_1", seen=NOTHING, outcome=outcome("run_1"))
    record.keep("run_2", seen=NOTHING, outcome=outcome("run_2", simulated=True))
    record.keep("run_3", seen=NOTHING, outcome=replace(outcome("run_3"), likely_nusd=0))
    record.keep("run_4", seen=NOTHING, outcome=outcome("run_4", work="other"))

    assert [kept.run_id for kept in record.last_outcomes(simulated=False, limit=5)] == ["run_1", "run_4"]
    assert [kept.run_id for kept in record.last_outcomes(simulated=False, limit=1)] == ["run_4"]
    assert [kept.run_id for kept in record.last_outcomes(simulated=True, limit=5)] == ["run_2"]


def test_of_each_subject_and_work_only_the_last_runs_are_kept(record: TrackRecord) -> None:
    for number in range(KEPT_PER_SUBJECT + 3):
        record.keep(f"run_{number}", seen={"call:a": {"asks": number}}, outcome=outcome(f"run_{number}"))

    assert [seen["asks"] for seen in record.seen("call:a")] == list(range(3, KEPT_PER_SUBJECT + 3))
    assert len(record.outcomes_of("work")) == KEPT_PER_SUBJECT


def test_of_everything_only_so_many_rows_are_kept(record: TrackRecord) -> None:
    for number in range(27):
        seen = {f"call:{number}:{part}": {"asks": 1} for part in range(210)}
        record.keep(f"run_{number}", seen=seen, outcome=None)

    assert record.seen("call:0:0") == record.seen("call:1:150") == ()
    assert record.seen("call:26:199") == ({"asks": 1},)
    assert record.seen("call:26:200") == (), "of one run, too"


def test_only_runs_are_remembered_and_only_where_that_can_be_written(
    record: TrackRecord, tmp_path: Path
) -> None:
    with pytest.raises(RunError):
        record.keep("../run", seen=NOTHING, outcome=None)
    (tmp_path / "control.db").write_bytes(b"not a database at all" * 100)
    with pytest.raises(JournalError):
        record.keep("run_1", seen=NOTHING, outcome=None)
