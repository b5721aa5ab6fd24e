"""The disturbances: each takes a fresh world, does one kind of harm at random moments, and has the outcome judged."""

from __future__ import annotations

import resource
import shutil
import signal
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import psutil

from stratum_core.approval import Policy
from stratum_core.engine import RunView
from stratum_core.errors import BudgetExceeded, StratumError
from stratum_core.journal import SpendLimits
from stratum_core.money import Nusd
from tests.chaos._judge import Calm, Finding, judge, judge_paused
from tests.chaos._racers import RACERS, Racers
from tests.chaos._world import World, result_of

__all__ = ["CALLS_PER_ITEM", "RUN_CAP_NUSD", "SCENARIOS", "Scenario", "day_policy"]

CALLS_PER_ITEM = 2
_BUSY = 75
"""Exit status of a runner that finds the run held by another."""
RUN_CAP_NUSD = 20_000_000
"""What the plans of the day-limit rounds may cost each."""

Scenario = Callable[[World, Mapping[int, Calm], Racers], Finding]
"""Disturbs runs and returns what came of it; the calm runs are by the number of their first note."""


def kill9(world: World, calm: Mapping[int, Calm], racers: Racers) -> Finding:
    """`kill -9` the runner up to three times, anywhere between its start and its end; resume after each."""
    return _hit_and_resumed(world, calm, signal.SIGKILL, times=world.moments.randint(1, 3))


def terminate(world: World, calm: Mapping[int, Calm], racers: Racers) -> Finding:
    """SIGTERM: what is in flight is settled, so that nothing is left in doubt."""
    finding = _hit_and_resumed(world, calm, signal.SIGTERM, times=world.moments.randint(1, 2))
    finding.require(
        "other surprises",
        finding.possibly_paid == 0,
        f"{finding.possibly_paid} calls are in doubt after a drain",
    )
    return finding


def pause(world: World, calm: Mapping[int, Calm], racers: Racers) -> Finding:
    """SIGSTOP and SIGCONT; while the runner stands still, nobody can take its run."""
    finding, run_id = Finding(), world.begin()
    for _ in range(world.moments.randint(1, 2)):
        world.wait_a_while(calls=world.items)
        holder = world.pid(run_id)
        if not world.hit(run_id, signal.SIGSTOP):
            break
        finding.disturbances += 1
        try:
            if world.engine._runners._started and _holds(world, run_id):
                rival = world.runners.fork(run_id)
                _await_exit(rival.poll)
                finding.require(
                    "other surprises",
                    rival.status == _BUSY,
                    f"a second runner ended with {rival.status}, not {_BUSY}",
                )
            world.engine.resume(run_id)
            time.sleep(world.moments.random() * 0.3)
        finally:
            psutil.Process(holder).send_signal(signal.SIGCONT)
    world.gone(run_id)
    judge(world, world.finished(run_id), calm[0], finding)
    return finding


def disk_full(world: World, calm: Mapping[int, Calm], racers: Racers) -> Finding:
    """No file of the runner may grow beyond a size any more, at once or after some kilobytes; then there is room."""
    finding, run_id = Finding(), world.begin()
    world.wait_a_while(calls=CALLS_PER_ITEM * world.items)
    pid = world.pid(run_id)
    if pid is not None:
        largest = max((path.stat().st_size for path in (world.state_dir / "runs").glob("*.db*")), default=0)
        room = world.moments.choice((0, largest, largest + world.moments.randint(0, 60_000)))
        if _limit_files(pid, room):
            finding.disturbances += 1
    world.ended(run_id)
    world.gone(run_id)
    judge_paused(world, run_id, finding)
    judge(world, world.finished(run_id), calm[0], finding)
    return finding


def clocks(world: World, calm: Mapping[int, Calm], racers: Racers) -> Finding:
    """Clocks of runner and engine jump by up to 400 days, back and forth, through a kill and a resume."""
    finding = Finding()
    plan_id = world.approved()
    world.jump()
    world.clock_off_s = 0.0  # the yes expires by the clock: that is meant
    run_id = world.engine.execute(plan_id).run_id
    world.jump()
    world.wait_a_while(calls=CALLS_PER_ITEM * world.items)
    finding.disturbances += 1 + world.hit(run_id, signal.SIGKILL)
    world.gone(run_id)
    judge_paused(world, run_id, finding)
    world.jump()
    judge(world, world.finished(run_id), calm[0], finding)
    return finding


def day_limit(world: World, calm: Mapping[int, Calm], racers: Racers) -> Finding:
    """Three plans inside a day's limit for two: two run at once, one of them is killed, the third has to wait."""
    finding = Finding()
    first, second, third = (world.approved(first=number, cap_usd=RUN_CAP_NUSD / 1e9) for number in calm)
    runs = [world.engine.execute(plan).run_id for plan in (first, second)]
    finding.require(
        "bill or journal above the cap",
        _refused(world, third),
        "a third run was started beyond the day's limit",
    )
    world.wait_a_while(calls=2 * CALLS_PER_ITEM * world.items)
    finding.disturbances += world.hit(runs[1], signal.SIGKILL)
    _judge_day(world, finding)
    killed = world.ended(runs[1])
    if killed.state == "interrupted":
        world.ended(runs[0])
        # What the killed run may still cost is held, so the third fits only beside what the first has given back.
        _judge_day(world, finding)
    views = [world.finished(run_id) for run_id in runs]
    views.append(world.finished(world.engine.execute(third).run_id))
    for view, number in zip(views, calm, strict=True):
        judge(world, view, calm[number], finding, first=number)
    _judge_day(world, finding)
    return finding


def race(world: World, calm: Mapping[int, Calm], racers: Racers) -> Finding:
    """Four processes execute one plan at the same moment, and resume it at the same moment after a kill."""
    finding, plan_id = Finding(), world.approved()
    ids = set(racers.all(world, "execute", plan_id))
    finding.require("other surprises", len(ids) == 1, f"{len(ids)} runs were started by one yes")
    run_id = min(ids)
    for _ in range(world.moments.randint(1, 2)):
        world.wait_a_while(calls=CALLS_PER_ITEM * world.items)
        finding.disturbances += world.hit(run_id, signal.SIGKILL)
        world.gone(run_id)
        judge_paused(world, run_id, finding)
        racers.all(world, "resume", run_id)
    view = world.finished(run_id)
    judge(world, view, calm[0], finding)
    finding.disturbances += RACERS
    return finding


def hot_copy(world: World, calm: Mapping[int, Calm], racers: Racers) -> Finding:
    """Copy the files one by one while the runner writes, lose the original, and resume from the copy."""
    finding, run_id = Finding(disturbances=1), world.begin()
    world.wait_a_while(calls=CALLS_PER_ITEM * world.items)
    before = len(world.provider.arrivals)
    copy = world.home / "copy"
    _copied(world, copy)
    world.hit(run_id, signal.SIGKILL)
    world.gone(run_id)
    lost = len(world.provider.arrivals)
    world.reopen(copy)
    try:
        world.engine.resume(run_id)
        view = world.finished(run_id)
    except StratumError as refusal:
        finding.refused = True
        finding.require("other surprises", bool(refusal.remedy), f"refused without a remedy: {refusal}")
        return finding
    _judge_copy(world, view, calm[0], finding, before=before, lost=lost)
    return finding


SCENARIOS: Mapping[str, Scenario] = {
    "kill -9": kill9,
    "SIGSTOP, SIGCONT": pause,
    "SIGTERM": terminate,
    "disk full": disk_full,
    "clock jumps": clocks,
    "two runners, one day limit": day_limit,
    "four processes, one run": race,
    "resume from a hot copy": hot_copy,
}


def day_policy() -> Policy:
    """Return a policy whose day has room for two runs and a half."""
    return Policy(limits=SpendLimits(day_nusd=Nusd(RUN_CAP_NUSD * 5 // 2)))


def _hit_and_resumed(world: World, calm: Mapping[int, Calm], how: signal.Signals, *, times: int) -> Finding:
    finding, run_id = Finding(), world.begin()
    for left in range(times, 0, -1):
        world.wait_a_while(calls=CALLS_PER_ITEM * world.items // left)
        finding.disturbances += world.hit(run_id, how)
        world.gone(run_id)
        judge_paused(world, run_id, finding)
        world.engine.resume(run_id)
    judge(world, world.finished(run_id), calm[0], finding)
    return finding


def _holds(world: World, run_id: str) -> bool:
    """Return whether a runner has the run's lock, and is not only starting."""
    with world.reading(run_id) as reader:
        return reader is not None and reader.snapshot().state == "running"


def _await_exit(poll: Callable[[], int | None]) -> None:
    until = time.monotonic() + 20
    while poll() is None:
        assert time.monotonic() < until, "a second runner neither works nor ends"
        time.sleep(0.01)


def _limit_files(pid: int, size: int) -> bool:
    """Limit what files a process may write beyond; False when it is gone."""
    try:
        psutil.Process(pid).rlimit(psutil.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))
    except psutil.NoSuchProcess:
        return False
    return True


def _refused(world: World, plan_id: str) -> bool:
    """Return whether the day's limit keeps a plan from starting."""
    try:
        world.engine.execute(plan_id)
    except BudgetExceeded:
        return True
    return False


def _judge_day(world: World, finding: Finding) -> None:
    """Compare the bill and what is held with the limit of the day."""
    limit = world.policy.limits.day_nusd or 0
    today = world.engine.money.spend().today
    bill = world.provider.bill_nusd()
    finding.require(
        "bill or journal above the cap",
        today.nusd <= limit,
        f"spent and held {today.nusd} > the day's limit {limit}",
    )
    finding.require("bill or journal above the cap", bill <= limit, f"bill {bill} > the day's limit {limit}")


def _copied(world: World, copy: Path) -> None:
    """Copy the state directory file by file in a random order, with pauses, as a backup would."""
    paths = [path for path in world.state_dir.rglob("*") if path.is_file()]
    world.moments.shuffle(paths)
    for path in paths:
        target = copy / path.relative_to(world.state_dir)
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if path.exists():
            shutil.copyfile(path, target)
        time.sleep(world.moments.choice((0.0, 0.0, 0.01, 0.05)))


def _judge_copy(world: World, view: RunView, calm: Calm, finding: Finding, *, before: int, lost: int) -> None:
    """Judge what a copy made of a run: between the copy and the loss the original spent what the copy cannot know."""
    known = world.provider.bill_nusd(0, before) + world.provider.bill_nusd(lost)
    journal = view.charged_nusd
    cap = world.engine._control.run(view.run_id).cap_nusd or 0
    checked = world.engine.audit.verify(view.run_id) if view.readable and view.chain_head else None
    finding.refused = view.state != "completed"
    if finding.refused:
        finding.require(
            "other surprises", bool(view.error), f"the copy neither completed nor said why: {view.message}"
        )
        finding.require(
            "bill above the journal",
            len(world.provider.arrivals) == lost,
            "a copy that is refused sent requests",
        )
        return
    finding.require(
        "broken audit chains",
        checked is not None and checked.ok,
        f"the copy's chain is broken: {checked}",
    )
    finding.require(
        "bill above the journal", known <= journal, f"bill {known} > journal {journal} of the copy"
    )
    finding.require(
        "bill or journal above the cap", journal <= cap, f"journal {journal} of the copy > cap {cap}"
    )
    finding.require(
        "results unlike the undisturbed run's",
        result_of(view) == calm.result,
        "the copy's result is not that of the undisturbed run",
    )
    finding.billed_nusd, finding.journal_nusd, finding.cap_nusd = known, journal, cap
    finding.possibly_paid = sum(each.state == "possibly_paid" for each in world.attempts(view.run_id))
    finding.arrivals = len(world.provider.arrivals)
