"""Limits over all runs: a run reserves its whole cap when it is created, and gives the rest back when it ends."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from contextlib import ExitStack, closing, suppress
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stratum_core.errors import BudgetExceeded, NeedsApproval, RunError
from stratum_core.journal import Claim, ControlStore, Purse, RunState, SpendLimits, Spent, day_of
from stratum_core.journal._holds import read_holds, release, reserve, spent_by_project, spent_on
from stratum_core.journal._migrations import CONTROL_FILE, migrate
from tests.core.journal.test_control import CAP, MINUTE, NOW, PLAN, YES
from tests.support.journals import Clock

DAY_MS = 24 * 60 * MINUTE
TIGHT = SpendLimits(day_nusd=2 * CAP)


@pytest.fixture
def store(tmp_path: Path, clock: Clock) -> ControlStore:
    return ControlStore.open(tmp_path, clock=clock)


@pytest.fixture
def purse(store: ControlStore, clock: Clock) -> Purse:
    return Purse(store.path, clock=clock)


def approved(store: ControlStore, number: int, cap_nusd: int = CAP) -> None:
    """Store a plan, and a yes to it."""
    plan = replace(PLAN, plan_id=f"plan-{number}", expires_at_ms=NOW + 30 * DAY_MS)
    store.save_plan(plan)
    yes = replace(
        YES,
        approval_id=f"yes-{number}",
        plan_id=plan.plan_id,
        cap_nusd=cap_nusd,
        expires_at_ms=NOW + 30 * DAY_MS,
    )
    store.record_decision(yes)


def started(
    store: ControlStore,
    number: int,
    *,
    limits: SpendLimits = TIGHT,
    project: str = "/srv/reviews",
    cap_nusd: int = CAP,
) -> str:
    """Approve and create a run."""
    approved(store, number, cap_nusd)
    claim = Claim(project=project, limits=limits)
    return store.create_run(f"plan-{number}", "hash-1", cap_nusd, f"run-{number}", claim=claim).run_id


def test_a_run_holds_its_whole_cap_from_its_creation(store: ControlStore, purse: Purse) -> None:
    started(store, 1)
    started(store, 2)
    assert purse.spent_today() == (day_of(NOW), Spent(spent_nusd=0, held_nusd=2 * CAP))
    assert [(hold.run_id, hold.held_nusd) for hold in purse.holds()] == [("run-1", CAP), ("run-2", CAP)]


def test_a_run_that_does_not_fit_the_day_is_not_created_and_its_approval_stays(store: ControlStore) -> None:
    started(store, 1)
    started(store, 2)
    with pytest.raises(
        BudgetExceeded, match=r"does not fit today \(2023-11-14 UTC\).* \$0.00 is left"
    ) as refused:
        started(store, 3)
    assert refused.value.detail == {"scope": "day", "axis": "nusd", "cap": 2 * CAP, "needed": CAP, "left": 0}
    standing = store.standing_decision("plan-3")
    assert standing is not None
    assert (standing.decision, standing.consumed_by) == ("approved", None)
    with pytest.raises(RunError):
        store.run("run-3")
    store.update_run("run-1", state="completed", charged_nusd=0)
    claim = Claim(project="/srv/reviews", limits=TIGHT)
    assert store.create_run("plan-3", "hash-1", CAP, "run-3", claim=claim).state == "ready"


def test_what_an_ended_run_did_not_use_is_free_again_and_what_it_used_is_not(
    store: ControlStore, purse: Purse
) -> None:
    started(store, 1)
    store.update_run("run-1", state="completed", charged_nusd=CAP // 4)
    store.update_run("run-1", state="completed", charged_nusd=CAP)  # said twice, it changes nothing
    assert purse.spent_today()[1] == Spent(spent_nusd=CAP // 4, held_nusd=0)
    assert purse.holds() == ()


@pytest.mark.parametrize("state", ["running", "waiting", "interrupted"])
def test_a_run_that_may_go_on_holds_on(store: ControlStore, purse: Purse, state: RunState) -> None:
    started(store, 1)
    store.update_run("run-1", state=state, charged_nusd=5)
    assert purse.spent_today()[1] == Spent(spent_nusd=0, held_nusd=CAP)


def test_a_bill_above_the_cap_counts_in_full(store: ControlStore, purse: Purse) -> None:
    started(store, 1)
    store.update_run("run-1", state="stopped_budget", charged_nusd=CAP + 7)
    assert purse.spent_today()[1].nusd == CAP + 7


def test_the_day_ends_at_midnight_utc_and_a_run_counts_where_it_began(
    store: ControlStore, purse: Purse, clock: Clock
) -> None:
    started(store, 1)
    clock.now += 24 * 3600
    store.update_run("run-1", state="completed", charged_nusd=CAP)
    assert purse.spent_today() == (day_of(NOW + DAY_MS), Spent(spent_nusd=0, held_nusd=0))
    started(store, 2)
    started(store, 3)
    clock.now -= 24 * 3600
    assert purse.spent_today() == (day_of(NOW), Spent(spent_nusd=CAP, held_nusd=0))


def test_a_project_has_its_own_limit_over_all_days(store: ControlStore, clock: Clock) -> None:
    limits = SpendLimits(project_nusd=2 * CAP)
    started(store, 1, limits=limits)
    store.update_run("run-1", state="completed", charged_nusd=CAP + 1)
    clock.now += 10 * 24 * 3600
    with pytest.raises(BudgetExceeded, match="does not fit the project /srv/reviews") as refused:
        started(store, 2, limits=limits)
    assert (refused.value.detail["scope"], refused.value.detail["left"]) == ("project", CAP - 1)
    assert started(store, 3, limits=limits, project="/srv/reviews-2") == "run-3"


@pytest.mark.parametrize(
    ("second", "same"),
    [("/srv/a/b", True), ("/srv", True), ("/srv/a", True), ("/srv/ab", False), ("/srv/b", False)],
)
def test_a_folder_inside_or_around_a_project_is_the_project(
    store: ControlStore, purse: Purse, second: str, same: bool
) -> None:
    started(store, 1, project="/srv/a")
    assert purse.spent_by(second).held_nusd == (CAP if same else 0)


def test_a_run_without_a_cap_does_not_fit_any_limit(store: ControlStore, purse: Purse) -> None:
    refused = purse.refusal(None, Claim(project="/x", limits=TIGHT))
    assert refused is not None
    assert "a run without a cap does not fit today" in refused.message
    assert purse.refusal(None, Claim(project="/x", limits=SpendLimits())) is None
    assert store.runs() == ()


def test_a_run_that_spends_no_real_money_holds_nothing(store: ControlStore, purse: Purse) -> None:
    approved(store, 1)
    store.create_run("plan-1", "hash-1", CAP, "run-1")
    store.update_run("run-1", state="completed", charged_nusd=CAP)
    purse.reserve_rest("run-1", Claim(project="/x", limits=TIGHT))
    assert (purse.holds(), purse.spent_today()[1].nusd) == ((), 0)


def test_the_same_run_asked_for_again_holds_once(store: ControlStore, purse: Purse) -> None:
    started(store, 1)
    claim = Claim(project="/srv/reviews", limits=TIGHT)
    assert store.create_run("plan-1", "hash-1", CAP, "run-9", claim=claim).run_id == "run-1"
    assert len(purse.holds()) == 1


def test_without_an_approval_nothing_is_held(store: ControlStore, purse: Purse) -> None:
    store.save_plan(PLAN)
    with pytest.raises(NeedsApproval):
        store.create_run("plan-1", "hash-1", CAP, "run-1", claim=Claim(project="/x", limits=TIGHT))
    assert purse.holds() == ()


def test_a_run_that_goes_on_after_its_end_holds_the_rest_again(store: ControlStore, purse: Purse) -> None:
    claim = Claim(project="/srv/reviews", limits=TIGHT)
    started(store, 1)
    store.update_run("run-1", state="stopped_limit", charged_nusd=CAP // 5)
    purse.reserve_rest("run-1", claim)
    purse.reserve_rest("run-1", claim)
    assert purse.spent_today()[1] == Spent(spent_nusd=CAP // 5, held_nusd=CAP - CAP // 5)
    store.update_run("run-1", state="completed", charged_nusd=CAP // 2)
    assert purse.spent_today()[1] == Spent(spent_nusd=CAP // 2, held_nusd=0)


def test_a_run_whose_rest_does_not_fit_any_more_does_not_go_on(store: ControlStore, purse: Purse) -> None:
    started(store, 1)
    store.update_run("run-1", state="stopped_limit", charged_nusd=0)
    started(store, 2)
    started(store, 3)
    with pytest.raises(BudgetExceeded):
        purse.reserve_rest("run-1", Claim(project="/srv/reviews", limits=TIGHT))
    with pytest.raises(RunError):
        purse.reserve_rest("run-7", Claim(project="/srv/reviews", limits=TIGHT))


RACER = """
import sys
from pathlib import Path
from stratum_core.errors import BudgetExceeded
from stratum_core.journal import Claim, ControlStore, SpendLimits
number = sys.argv[2]
store = ControlStore.open(Path(sys.argv[1]), clock=lambda: 1_700_000_000.0)
claim = Claim(project="/p", limits=SpendLimits(day_nusd=70_000_000))
print("ready", flush=True)
sys.stdin.readline()
try:
    store.create_run(f"plan-{number}", "hash-1", 50_000_000, f"run-{number}", claim=claim)
except BudgetExceeded:
    print("refused")
else:
    print("created")
"""


def test_of_processes_that_race_inside_one_day_limit_only_as_many_pass_as_fit(
    store: ControlStore, purse: Purse, tmp_path: Path
) -> None:
    for number in range(4):
        approved(store, number)
    told = _race(tmp_path, 4)
    assert sorted(told) == ["created", "refused", "refused", "refused"]
    assert purse.spent_today()[1].nusd == CAP


def _race(directory: Path, count: int) -> list[str]:
    """Let so many processes create their runs at the same moment, and return what became of each."""
    root = Path(__file__).parents[3]
    with ExitStack() as stack:
        racers = [
            stack.enter_context(
                subprocess.Popen(
                    [sys.executable, "-c", RACER, str(directory), str(number)],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    text=True,
                    cwd=root,
                )
            )
            for number in range(count)
        ]
        pipes = [(racer.stdin, racer.stdout) for racer in racers]
        for _, told in pipes:
            assert told is not None
            assert told.readline() == "ready\n"
        for go, _ in pipes:
            assert go is not None
            go.write("\n")
            go.flush()
        return [told.readline().strip() for _, told in pipes if told is not None]


def test_a_control_file_from_before_limits_is_copied_and_brought_up_to_date(
    tmp_path: Path, clock: Clock
) -> None:
    path = tmp_path / "control.db"
    with closing(sqlite3.connect(path, isolation_level=None)) as old:
        migrate(old, path, CONTROL_FILE[:4])
        old.execute(
            "INSERT INTO plans VALUES ('plan-1', 'hash-1', '{}', ?, ?, 'ann')", (NOW, NOW + 60 * MINUTE)
        )
        old.execute(
            "INSERT INTO runs VALUES ('run-1', 'plan-1', 'hash-1', ?, 'running', ?, NULL, NULL, ?)",
            (CAP, NOW, NOW),
        )
    store = ControlStore.open(tmp_path, clock=clock)
    run = store.run("run-1")
    assert (run.cap_nusd, run.planned_cap_nusd, run.started_at_ms) == (CAP, CAP, NOW)
    store.update_run("run-1", state="completed", charged_nusd=CAP)
    assert Purse(store.path, clock=clock).spent_today()[1].nusd == 0  # it had reserved nothing
    assert path.with_name("control.db.v4.bak").exists()


_STEPS = st.lists(
    st.tuples(
        st.integers(0, 5),
        st.sampled_from(["/a", "/a/b", "/a/c", "/c"]),
        st.integers(0, 60),
        st.floats(0, 1.0),
    ),
    max_size=40,
)


@given(_STEPS, st.integers(0, 100), st.integers(0, 100))
def test_whatever_is_reserved_and_returned_no_limit_is_ever_passed(
    steps: list[tuple[int, str, int, float]], day: int, project: int
) -> None:
    limits = SpendLimits(day_nusd=day, project_nusd=project)
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        connection.executescript(";".join(CONTROL_FILE))
        held: dict[str, int] = {}
        for number, (action, where, nusd, share) in enumerate(steps):
            run_id, now_ms = f"run-{number}", NOW + number * (action % 2) * DAY_MS // 4
            if action < 4 or not held:
                with suppress(BudgetExceeded):
                    reserve(connection, run_id, nusd, Claim(project=where, limits=limits), now_ms)
                    held[run_id] = nusd
            else:
                ended = next(iter(held))
                release(connection, ended, int(held.pop(ended) * share), now_ms)
            for (found,) in connection.execute("SELECT DISTINCT day FROM holds"):
                assert spent_on(connection, found).nusd <= day
            for (folder,) in connection.execute("SELECT DISTINCT project FROM holds").fetchall():
                assert spent_by_project(connection, folder).nusd <= project
            assert {hold.run_id: hold.held_nusd for hold in read_holds(connection)} == held
