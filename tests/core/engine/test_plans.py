"""The list of plans and the log of what was decided, without a runner: rows of the control file by date."""

from __future__ import annotations

import pytest

from stratum_core.contracts import BoolType, JsonValue
from stratum_core.engine import Engine
from stratum_core.errors import PlanError
from stratum_core.journal import ControlStore, Purse, Question, RaiseRecord
from tests.core.engine._bench import Bench

_DAY_S = 86_400


@pytest.fixture
def engine(bench: Bench) -> Engine:
    return bench.engine()


def _store(bench: Bench) -> ControlStore:
    return ControlStore.open(bench.job.state_dir, clock=lambda: bench.clock.now().timestamp())


def _used(bench: Bench, engine: Engine, run_id: str = "run_000000000001") -> str:
    """Return a plan whose yes has started a run, which no runner works on."""
    plan_id = bench.approved(engine).plan_id
    store = _store(bench)
    plan = store.plan(plan_id)
    bench.clock.advance(1)
    cap = plan.record["cap_nusd"]
    assert isinstance(cap, int)
    store.create_run(plan_id, plan.plan_hash, cap, run_id)
    return plan_id


def test_plans_are_listed_newest_first_each_with_how_it_stands(bench: Bench, engine: Engine) -> None:
    expired = bench.plan(engine).plan_id
    bench.clock.advance(40 * _DAY_S)
    waiting = bench.plan(engine).plan_id
    declined = bench.plan(engine).plan_id
    engine.decide(declined, approved=False, channel="dialog")
    approved = bench.approved(engine, rows=3).plan_id
    revoked = bench.approved(engine).plan_id
    engine.answers.revoke(revoked, channel="flag")
    used = _used(bench, engine)

    found = engine.answers.plans()

    assert [(line.plan_id, line.state, line.run_id) for line in found] == [
        (used, "used", "run_000000000001"),
        (revoked, "revoked", ""),
        (approved, "approved", ""),
        (declined, "declined", ""),
        (waiting, "waiting", ""),
        (expired, "expired", ""),
    ]
    assert [line.plan_id for line in engine.answers.plans(limit=2)] == [used, revoked]
    assert engine.answers.state(expired) == "expired"
    view, line = engine.show_plan(approved), found[2].to_json()
    assert line == {
        "plan_id": approved,
        "state": "approved",
        "flow": "all_notes",
        "items": 3,
        "likely_usd": view.likely_usd,
        "at_most_usd": view.at_most_usd,
        "simulated": True,
        "created_at": line["created_at"],
        "run_id": "",
    }
    assert str(line["created_at"]).endswith("+00:00")


def test_a_yes_that_lapsed_lets_the_plan_wait_again(bench: Bench, engine: Engine) -> None:
    plan_id = bench.approved(engine).plan_id
    bench.clock.advance(3 * 3600)
    assert engine.answers.state(plan_id) == "waiting"
    with pytest.raises(PlanError, match="there is no plan plan_000000000000"):
        engine.answers.state("plan_000000000000")


def test_the_log_has_one_line_for_each_answer_and_each_end_of_a_run(bench: Bench, engine: Engine) -> None:
    declined = bench.plan(engine).plan_id
    engine.decide(declined, approved=False, channel="dialog", note="too dear")
    used = _used(bench, engine)
    store = _store(bench)
    run = store.run("run_000000000001")
    asked = store.ask_review(run.run_id, "a", Question(text="Really?", show={}, answer=BoolType()))
    other = store.ask_review(run.run_id, "b", Question(text="And now?", show={}, answer=BoolType()))
    store.ask_review(run.run_id, "c", Question(text="Still open?", show={}, answer=BoolType()))
    bench.clock.advance(1)
    store.decide_review(asked.review_id, True, channel="terminal", reviewer="bob", rationale="sure")
    store.withdraw_reviews(run.run_id, [other.path], "the branch was given up")
    bench.clock.advance(1)
    now_ms = int(bench.clock.now().timestamp() * 1000)
    answer = RaiseRecord(
        raise_id="raise_1",
        run_id=run.run_id,
        plan_hash=run.plan_hash,
        cap_nusd=2_000_000_000,
        from_nusd=run.cap_nusd,
        decision="approved",
        channel="terminal",
        principal="bob",
        at_ms=now_ms,
        expires_at_ms=now_ms + 60_000,
    )
    Purse(store.path, clock=lambda: bench.clock.now().timestamp()).record_raise(answer)
    bench.clock.advance(1)
    store.request_cancel(run.run_id, principal="carol")
    bench.clock.advance(1)
    store.update_run(run.run_id, state="cancelled")

    entries = engine.audit.log()

    assert [(entry.kind, entry.how, entry.line.partition(" UTC: ")[2]) for entry in entries] == [
        ("answer", "dialog", entries[0].line.partition(" UTC: ")[2]),
        ("answer", "terminal", entries[1].line.partition(" UTC: ")[2]),
        ("started", "", f"run_000000000001 started for {used}, at most $0.00099"),
        ("question", "terminal", 'run_000000000001 question 1 answered by bob (terminal): true; "sure"'),
        ("question", "withdrawn", "run_000000000001 question 2 withdrawn: the branch was given up"),
        ("more_money", "terminal", "run_000000000001 approved to a cap of $2.00 by bob (terminal)"),
        ("cancel", "", "run_000000000001 cancel asked by carol"),
        ("ended", "", "run_000000000001 ended as cancelled"),
    ]
    assert f"{declined} declined by {entries[0].who} (dialog)" in entries[0].line
    assert entries[0].line.endswith('; "too dear"')
    assert f"{used} approved by " in entries[1].line
    assert entries[1].line.endswith("; started run_000000000001")
    record: dict[str, JsonValue] = entries[6].to_json()
    assert (record["who"], record["run_id"], record["kind"]) == ("carol", run.run_id, "cancel")


def test_the_log_of_a_time_leaves_out_what_was_before(bench: Bench, engine: Engine) -> None:
    _used(bench, engine)
    bench.clock.advance(1)
    since_ms = int(bench.clock.now().timestamp() * 1000)
    assert engine.audit.log(since_ms=since_ms) == ()
    _store(bench).update_run("run_000000000001", state="failed")
    assert [entry.kind for entry in engine.audit.log(since_ms=since_ms)] == ["ended"]
