"""Estimates through the engine: a run is remembered when it ends, and the next plan of the same work says so."""

from __future__ import annotations

from stratum_core.journal import TrackRecord
from tests.core.engine._bench import Bench, ended


def test_the_next_plan_learns_from_a_run_and_is_the_same_plan_to_approve(bench: Bench) -> None:
    engine = bench.engine()
    first = bench.approved(engine, rows=8)
    assert engine.estimate(first.plan_id).basis.startswith("from general experience")

    view = ended(engine, engine.execute(first.plan_id).run_id)
    again = bench.plan(engine)

    before, after = engine.estimate(first.plan_id), engine.estimate(again.plan_id)
    (kept,) = TrackRecord.open(bench.job.state_dir).last_outcomes(simulated=True, limit=5)
    assert (kept.run_id, kept.actual_nusd, kept.learned) == (view.run_id, view.charged_nusd, False)
    assert after.basis.startswith("from your last run of")
    assert after.worst_case_usd == before.worst_case_usd
    assert again.at_most_usd == first.at_most_usd
    assert after.likely_low_usd <= view.usd <= after.likely_high_usd
    assert engine.estimate(again.plan_id, batch=True).worst_case_usd < after.worst_case_usd


def test_a_run_that_was_stopped_early_says_nothing_about_its_estimate(bench: Bench) -> None:
    engine = bench.engine()
    plan = bench.approved(engine, rows=8, cap_calls=3)

    view = ended(engine, engine.execute(plan.plan_id).run_id)

    record = TrackRecord.open(bench.job.state_dir)
    assert view.state == "stopped_budget"
    assert record.last_outcomes(simulated=True, limit=5) == ()
    assert "from your last run of" in engine.estimate(bench.plan(engine).plan_id).basis
