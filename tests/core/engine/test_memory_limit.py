"""The operator's memory limit: a runner that comes to it drains, and its run says why and goes on later."""

from __future__ import annotations

from stratum_core.approval import Policy
from tests.core.engine._bench import Bench, ended


def test_a_run_whose_runner_comes_to_the_limit_is_interrupted_with_the_cause_and_goes_on_without_it(
    bench: Bench,
) -> None:
    engine = bench.engine(policy=Policy(runner_memory_mb=1))
    run_id = engine.execute(bench.approved(engine, rows=300).plan_id).run_id
    view = ended(engine, run_id)
    assert (view.state, view.resumable, view.done < 300) == ("interrupted", True, True)
    assert "memory limit" in view.error
    assert "`runner_memory_mb` of the policy is 1;" in view.error
    assert "possibly paid" not in view.message
    later = bench.engine()
    later.resume(run_id)
    assert (ended(later, run_id).state, later.show_run(run_id).done) == ("completed", 300)


def test_a_run_below_the_limit_is_left_alone(bench: Bench) -> None:
    engine = bench.engine(policy=Policy(runner_memory_mb=4_096))
    run_id = engine.execute(bench.approved(engine).plan_id).run_id
    assert ended(engine, run_id).state == "completed"
