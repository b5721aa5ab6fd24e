"""The control file: one yes starts one run, a no is final, and nothing else starts any."""

from __future__ import annotations

import sqlite3
import stat
import subprocess
import sys
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from stratum_core.errors import (
    ApprovalError,
    JournalBusy,
    JournalError,
    JournalVersionError,
    NeedsApproval,
    PlanError,
    RunError,
)
from stratum_core.journal import (
    ApprovalRecord,
    CommandRecord,
    ControlStore,
    PlanRecord,
    RunRecord,
    _files,
)
from tests.support.journals import Clock

NOW = 1_700_000_000_000
MINUTE = 60_000
CAP = 50_000_000

PLAN = PlanRecord(
    plan_id="plan-1",
    plan_hash="hash-1",
    record={"summary": "120 reviews", "rows": 120},
    created_at_ms=NOW,
    expires_at_ms=NOW + 60 * MINUTE,
    principal="ann@host",
)
YES = ApprovalRecord(
    approval_id="yes-1",
    plan_id="plan-1",
    plan_hash="hash-1",
    cap_nusd=CAP,
    decision="approved",
    channel="terminal",
    principal="ann@host",
    note="go",
    at_ms=NOW,
    expires_at_ms=NOW + 15 * MINUTE,
)
NO = replace(YES, approval_id="no-1", decision="declined", note="too dear")
RUN = RunRecord(
    run_id="run-1",
    plan_id="plan-1",
    plan_hash="hash-1",
    cap_nusd=CAP,
    state="ready",
    created_at_ms=NOW,
    planned_cap_nusd=CAP,
)


@pytest.fixture
def store(tmp_path: Path, clock: Clock) -> ControlStore:
    opened = ControlStore.open(tmp_path, clock=clock)
    opened.save_plan(PLAN)
    return opened


def _start(store: ControlStore, run_id: str = "run-1") -> RunRecord:
    return store.create_run("plan-1", "hash-1", CAP, run_id)


def test_a_plan_is_stored_once_under_its_id(store: ControlStore) -> None:
    assert store.plan("plan-1") == PLAN
    assert store.save_plan(replace(PLAN, record={}, created_at_ms=NOW + 1)) == PLAN
    with pytest.raises(PlanError, match="hash-1, not hash-2"):
        store.save_plan(replace(PLAN, plan_hash="hash-2"))
    with pytest.raises(PlanError, match="there is no plan plan-2"):
        store.plan("plan-2")


def test_a_plan_that_is_not_json_is_refused(store: ControlStore) -> None:
    with pytest.raises(JournalError, match=r"plan\.a is the number nan"):
        store.save_plan(replace(PLAN, plan_id="plan-2", record={"a": float("nan")}))


def test_an_approved_plan_starts_one_run_and_asked_again_returns_it(store: ControlStore) -> None:
    assert store.record_decision(YES) == YES
    assert _start(store) == RUN
    assert _start(store, "run-2") == RUN
    assert store.runs() == (RUN,)
    standing = store.standing_decision("plan-1")
    assert standing == replace(YES, consumed_by="run-1")


def test_a_started_plan_returns_its_run_even_after_everything_has_expired(
    store: ControlStore, clock: Clock
) -> None:
    store.record_decision(YES)
    _start(store)
    clock.now += 10_000
    assert _start(store) == RUN
    assert store.record_decision(NO) == replace(YES, consumed_by="run-1")


def test_without_an_answer_a_run_is_refused_with_the_command_for_the_person(store: ControlStore) -> None:
    with pytest.raises(NeedsApproval) as refused:
        _start(store)
    assert "stratum approve plan-1" in refused.value.remedy
    assert store.standing_decision("plan-1") is None
    assert store.runs() == ()


@pytest.mark.parametrize(("first", "second"), [(YES, NO), (NO, YES)])
def test_the_first_answer_wins(store: ControlStore, first: ApprovalRecord, second: ApprovalRecord) -> None:
    assert store.record_decision(first) == first
    assert store.record_decision(second) == first
    assert store.standing_decision("plan-1") == first


def test_a_no_is_final_and_never_expires(store: ControlStore, clock: Clock) -> None:
    store.record_decision(NO)
    clock.now += 30 * 60
    assert store.record_decision(YES) == NO
    with pytest.raises(ApprovalError, match="declined by ann@host"):
        _start(store)
    assert store.runs() == ()


def test_an_expired_yes_starts_nothing_and_may_be_given_again(store: ControlStore, clock: Clock) -> None:
    store.record_decision(YES)
    clock.now += 15 * 60 - 1
    assert store.standing_decision("plan-1") == YES
    clock.now += 1
    assert store.standing_decision("plan-1") is None
    with pytest.raises(ApprovalError, match="approval of plan plan-1 has expired"):
        _start(store)
    again = replace(YES, approval_id="yes-2", expires_at_ms=NOW + 30 * MINUTE)
    assert store.record_decision(again) == again
    assert _start(store).run_id == "run-1"


def test_an_expired_plan_starts_nothing_although_its_approval_stands(
    store: ControlStore, clock: Clock
) -> None:
    store.record_decision(replace(YES, expires_at_ms=NOW + 120 * MINUTE))
    clock.now += 60 * 60
    with pytest.raises(PlanError, match="has expired"):
        _start(store)
    assert store.create_run("plan-1", "hash-1", CAP, "run-1", now_ms=NOW).run_id == "run-1"


def test_an_answer_about_another_hash_is_refused(store: ControlStore) -> None:
    with pytest.raises(ApprovalError, match="hash-1, not hash-2"):
        store.record_decision(replace(YES, plan_hash="hash-2"))
    store.record_decision(YES)
    with pytest.raises(ApprovalError, match="hash-1, not hash-2"):
        store.create_run("plan-1", "hash-2", CAP, "run-1")
    assert store.runs() == ()
    _start(store)
    with pytest.raises(ApprovalError, match="hash-1, not hash-2"):
        store.create_run("plan-1", "hash-2", CAP, "run-1")


@pytest.mark.parametrize("cap", [CAP + 1, CAP - 1, None])
def test_an_approval_for_another_cap_is_refused(store: ControlStore, cap: int | None) -> None:
    store.record_decision(YES)
    with pytest.raises(ApprovalError, match=r"approved for at most \$0.05"):
        store.create_run("plan-1", "hash-1", cap, "run-1")
    assert store.runs() == ()


def test_a_yes_whose_row_is_about_another_hash_than_the_plans_row_starts_nothing(store: ControlStore) -> None:
    store.record_decision(YES)
    with closing(sqlite3.connect(store.path)) as connection:
        connection.execute("UPDATE plans SET plan_hash = 'hash-2'")
        connection.commit()
    with pytest.raises(ApprovalError, match="hash"):
        store.create_run("plan-1", "hash-2", CAP, "run-1")
    assert store.runs() == ()


def test_an_approval_without_a_cap_says_so(store: ControlStore) -> None:
    store.record_decision(replace(YES, cap_nusd=None))
    with pytest.raises(ApprovalError, match="approved for at most any amount"):
        _start(store)
    assert store.create_run("plan-1", "hash-1", None, "run-1").cap_nusd is None


def test_run_and_approval_ids_are_used_once(store: ControlStore) -> None:
    store.record_decision(YES)
    _start(store)
    store.save_plan(replace(PLAN, plan_id="plan-2"))
    with pytest.raises(ApprovalError, match="yes-1 is taken"):
        store.record_decision(replace(YES, plan_id="plan-2"))
    store.record_decision(replace(YES, plan_id="plan-2", approval_id="yes-2"))
    with pytest.raises(RunError, match="run-1 is taken"):
        store.create_run("plan-2", "hash-1", CAP, "run-1")


def test_a_run_keeps_its_state_and_its_receipt(store: ControlStore, clock: Clock) -> None:
    store.record_decision(YES)
    _start(store)
    started = replace(RUN, state="running", started_at_ms=NOW)
    assert store.update_run("run-1", state="running") == started
    clock.now += 90
    ended = store.update_run("run-1", state="completed", receipt={"head": "abc"})
    assert ended == replace(started, state="completed", finished_at_ms=NOW + 90_000, receipt={"head": "abc"})
    assert store.run("run-1") == ended
    assert store.update_run("run-1", state="running") == replace(ended, state="running", finished_at_ms=None)


def test_runs_are_listed_newest_first(store: ControlStore) -> None:
    for number in range(3):
        plan_id = f"plan-{number + 2}"
        store.save_plan(replace(PLAN, plan_id=plan_id))
        store.record_decision(replace(YES, plan_id=plan_id, approval_id=f"yes-{number + 2}"))
        store.create_run(plan_id, "hash-1", CAP, f"run-{number}", now_ms=NOW + number)
    assert [run.run_id for run in store.runs(limit=2)] == ["run-2", "run-1"]


def test_a_cancel_reaches_the_runner_as_a_row(store: ControlStore) -> None:
    store.record_decision(YES)
    _start(store)
    assert store.commands("run-1") == ()
    asked = store.request_cancel("run-1", principal="ann@host")
    assert asked == CommandRecord(seq=1, run_id="run-1", kind="cancel", at_ms=NOW, principal="ann@host")
    assert store.commands("run-1") == (asked,)
    assert store.commands("run-1", after_seq=1) == ()


@pytest.mark.parametrize("bad", ["../../x", "a/b", "", "x" * 65, "a\n", "'; DROP TABLE plans"])
def test_ids_that_are_none_are_refused_everywhere(store: ControlStore, bad: str) -> None:
    for plan_call in (
        lambda: store.plan(bad),
        lambda: store.save_plan(replace(PLAN, plan_id=bad)),
        lambda: store.standing_decision(bad),
        lambda: store.record_decision(replace(YES, plan_id=bad)),
        lambda: store.create_run(bad, "hash-1", CAP, "run-1"),
    ):
        with pytest.raises(PlanError, match="is not a plan id"):
            plan_call()
    for run_call in (
        lambda: _start(store, bad),
        lambda: store.run(bad),
        lambda: store.update_run(bad, state="running"),
        lambda: store.request_cancel(bad, principal="ann"),
        lambda: store.commands(bad),
    ):
        with pytest.raises(RunError, match="is not a run id"):
            run_call()
    with pytest.raises(ApprovalError, match="is not an approval id"):
        store.record_decision(replace(YES, approval_id=bad))


def test_what_is_not_there_is_an_error(store: ControlStore) -> None:
    for plan_call in (
        lambda: store.standing_decision("plan-9"),
        lambda: store.record_decision(replace(YES, plan_id="plan-9")),
        lambda: store.create_run("plan-9", "hash-1", CAP, "run-1"),
    ):
        with pytest.raises(PlanError, match="there is no plan plan-9"):
            plan_call()
    for run_call in (
        lambda: store.run("run-9"),
        lambda: store.update_run("run-9", state="failed"),
        lambda: store.request_cancel("run-9", principal="ann"),
    ):
        with pytest.raises(RunError, match="there is no run run-9"):
            run_call()


RACER = """
import sys
from pathlib import Path
from stratum_core.journal import ControlStore

store = ControlStore.open(Path(sys.argv[1]), clock=lambda: 1_700_000_000.0)
print("ready", flush=True)
sys.stdin.readline()
print(store.create_run("plan-1", "hash-1", 50_000_000, sys.argv[2]).run_id)
"""


def test_four_processes_that_race_for_one_approval_get_one_run(store: ControlStore) -> None:
    store.record_decision(YES)
    racers = [
        subprocess.Popen(
            [sys.executable, "-c", RACER, str(store.path.parent), f"racer-{number}"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=Path(__file__).parents[3],
        )
        for number in range(4)
    ]
    for racer in racers:
        assert racer.stdout is not None
        assert racer.stdout.readline() == "ready\n"
    for racer in racers:
        assert racer.stdin is not None
        racer.stdin.write("go\n")
        racer.stdin.flush()
    won = {racer.communicate(timeout=30)[0].strip() for racer in racers}
    assert len(won) == 1
    assert {run.run_id for run in store.runs()} == won
    standing = store.standing_decision("plan-1")
    assert standing is not None
    assert {standing.consumed_by} == won


def test_the_control_file_is_private(tmp_path: Path, clock: Clock) -> None:
    state = tmp_path / "state"
    store = ControlStore.open(state, clock=clock)
    store.save_plan(PLAN)
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (state, *state.iterdir())}
    assert modes == {"state": 0o700, "control.db": 0o600, "control.lock": 0o600}


def test_a_control_file_from_a_newer_version_is_refused_and_left_as_it_is(
    store: ControlStore, tmp_path: Path, clock: Clock
) -> None:
    with closing(sqlite3.connect(store.path)) as connection:
        connection.execute("PRAGMA user_version = 99")
    before = (store.path.read_bytes(), store.path.stat().st_mtime_ns)
    with pytest.raises(JournalVersionError, match="newer Stratum"):
        ControlStore.open(tmp_path, clock=clock)
    assert (store.path.read_bytes(), store.path.stat().st_mtime_ns) == before


@pytest.mark.parametrize("content", [b"not a database at all", b"SQLite format 3\x00" + b"\xff" * 4096])
def test_a_damaged_control_file_is_named_with_what_to_do(
    tmp_path: Path, clock: Clock, content: bytes
) -> None:
    path = tmp_path / "control.db"
    path.write_bytes(content)
    with pytest.raises(JournalError) as refused:
        ControlStore.open(tmp_path, clock=clock)
    assert str(path) in refused.value.message
    assert "move it aside" in refused.value.remedy
    assert path.read_bytes() == content


def test_a_control_file_damaged_later_is_told_by_the_next_call(store: ControlStore) -> None:
    size = store.path.stat().st_size
    store.path.write_bytes(store.path.read_bytes()[:100] + b"\xff" * (size - 100))
    with pytest.raises(JournalError, match="damaged"):
        store.runs()


def test_a_control_file_that_has_gone_is_an_error(store: ControlStore) -> None:
    store.path.unlink()
    with pytest.raises(JournalError, match="cannot be used"):
        store.runs()


def test_a_control_file_that_cannot_be_opened_is_an_error(tmp_path: Path, clock: Clock) -> None:
    (tmp_path / "control.db").mkdir()
    with pytest.raises(JournalError, match="cannot be opened"):
        ControlStore.open(tmp_path, clock=clock)


def test_a_lock_that_is_never_let_go_is_busy(store: ControlStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_files, "PATIENCE_S", 0.05)
    with _files.locked(store.path.with_suffix(".lock")), pytest.raises(JournalBusy, match="locked"):
        store.save_plan(PLAN)


@pytest.mark.parametrize("mode", [0o770, 0o707])
def test_a_state_directory_that_others_may_write_is_refused(tmp_path: Path, mode: int) -> None:
    directory = tmp_path / "shared"
    directory.mkdir()
    directory.chmod(mode)
    with pytest.raises(JournalError, match=r"can be written by others \(mode 7.*chmod go-w"):
        ControlStore.open(directory)
    assert list(directory.iterdir()) == []
    directory.chmod(0o755)
    ControlStore.open(directory)
