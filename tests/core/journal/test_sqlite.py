"""What only the journal on disk can show: durability, one owner, private files, refusals."""

from __future__ import annotations

import asyncio
import fcntl
import signal
import sqlite3
import stat
import subprocess
import sys
import threading
from contextlib import closing
from pathlib import Path

import anyio
import psutil
import pytest
from anyio import fail_after

from stratum_core.budget import Usage
from stratum_core.errors import JournalBusy, JournalError, JournalVersionError, RunError
from stratum_core.journal import RunJournal, RunReader, _owner, is_owned
from stratum_core.journal._ledger import Ledger
from stratum_core.journal._writer import Entry, resolve
from tests.support.journals import make_intent

pytestmark = pytest.mark.anyio

USED = Usage(nusd=400, tokens=60, calls=1)

# A runner that writes until it is killed; it tells on stdout which settlements are durable.
RUNNER = """
import sys
from pathlib import Path
import anyio
from stratum_core.budget import Usage
from stratum_core.journal import RunJournal
from tests.support.journals import make_intent

async def main():
    journal = RunJournal.open(Path(sys.argv[1]), "run-1", create=True)

    async def item(number):
        for round in range(1_000_000):
            path = f"steps[{number}].{round}"
            await journal.intent(make_intent(path))
            await journal.settle(
                f"{path}#0", state="answered", usage=Usage(nusd=400, tokens=60, calls=1), outcome={"of": path}
            )
            sys.stdout.write(path + "\\n")
            sys.stdout.flush()

    async with anyio.create_task_group() as group:
        for number in range(16):
            group.start_soon(item, number)

anyio.run(main)
"""


def _runner(directory: Path) -> subprocess.Popen[str]:
    root = Path(__file__).parents[3]
    return subprocess.Popen(
        [sys.executable, "-c", RUNNER, str(directory)], stdout=subprocess.PIPE, text=True, cwd=root
    )


@pytest.mark.parametrize("answers", [1, 60, 150])
async def test_after_kill_9_in_mid_write_every_acknowledged_answer_is_there_and_the_rest_is_charged(
    tmp_path: Path, answers: int
) -> None:
    with _runner(tmp_path) as runner:
        assert runner.stdout is not None
        acknowledged = [runner.stdout.readline().strip() for _ in range(answers)]
        runner.kill()
        # The kill may cut the last line off in the middle.
        acknowledged += [line.strip() for line in runner.stdout if line.endswith("\n")]
    assert not is_owned(tmp_path, "run-1")
    journal = RunJournal.open(tmp_path, "run-1", create=False)
    for path in acknowledged:
        (found,) = journal.attempts(path)
        assert (found.state, found.usage, found.outcome) == ("answered", USED, {"of": path})
    await journal.close()
    with RunReader.open(tmp_path, "run-1") as reader:
        attempts = reader.attempts()
        assert {found.state for found in attempts} <= {"answered", "possibly_paid"}
        assert len(attempts) - len(acknowledged) <= 2 * 16
        assert sum((found.usage for found in attempts), Usage()) == reader.snapshot().usage
        assert reader.snapshot().reserved == Usage()
        assert reader.verify().ok


async def test_a_live_owner_keeps_every_other_process_out(tmp_path: Path) -> None:
    with _runner(tmp_path) as runner:
        assert runner.stdout is not None
        runner.stdout.readline()
        assert is_owned(tmp_path, "run-1")
        with pytest.raises(JournalBusy, match=f"held by process {runner.pid} on "):
            RunJournal.open(tmp_path, "run-1", create=False)
        with RunReader.open(tmp_path, "run-1") as reader:
            assert reader.snapshot().state == "running"
        runner.kill()
    with RunReader.open(tmp_path, "run-1") as reader:
        assert reader.snapshot().state == "interrupted"


def test_those_who_look_whether_a_run_is_held_do_not_take_one_another_for_its_holder(tmp_path: Path) -> None:
    """Another process that looks holds the lock as those do: shared, for a moment."""
    lock = tmp_path / "runs" / "run-1.lock"
    lock.parent.mkdir()
    lock.touch()
    with lock.open("rb") as looking:
        fcntl.flock(looking, fcntl.LOCK_SH)
        assert not is_owned(tmp_path, "run-1")
        fcntl.flock(looking, fcntl.LOCK_EX)
        assert is_owned(tmp_path, "run-1")


async def test_a_stopped_runner_still_holds_its_run(tmp_path: Path) -> None:
    with _runner(tmp_path) as runner:
        assert runner.stdout is not None
        runner.stdout.readline()
        runner.send_signal(signal.SIGSTOP)
        with pytest.raises(JournalBusy):
            RunJournal.open(tmp_path, "run-1", create=False)
        with RunReader.open(tmp_path, "run-1") as reader:
            assert reader.snapshot().state == "running"
        runner.kill()


async def test_two_openers_in_one_process_exclude_each_other_too(tmp_path: Path) -> None:
    journal = RunJournal.open(tmp_path, "run-1", create=True)
    with pytest.raises(JournalBusy):
        RunJournal.open(tmp_path, "run-1", create=True)
    await journal.close()
    await RunJournal.open(tmp_path, "run-1", create=True).close()


async def test_a_busy_run_that_cannot_be_read_is_still_busy(tmp_path: Path) -> None:
    journal = RunJournal.open(tmp_path, "run-1", create=True)
    path = tmp_path / "runs" / "run-1.db"
    path.rename(path.with_name("elsewhere.db"))
    with pytest.raises(JournalBusy, match="held by another process"):
        RunJournal.open(tmp_path, "run-1", create=True)
    path.with_name("elsewhere.db").rename(path)
    await journal.close()


async def test_files_and_directories_are_private(tmp_path: Path) -> None:
    state = tmp_path / "state"
    journal = RunJournal.open(state, "run-1", create=True)
    await journal.event("something")
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (state, *state.rglob("*"))}
    await journal.close()
    assert modes == {
        "state": 0o700,
        "runs": 0o700,
        "run-1.db": 0o600,
        "run-1.db-wal": 0o600,
        "run-1.db-shm": 0o600,
        "run-1.lock": 0o600,
    }


@pytest.mark.parametrize("run_id", ["../../x", "a/b", "", ".", "a\n", "x" * 65, "-rf", "a\0b", "é"])
def test_an_id_that_could_be_a_path_is_refused_and_nothing_is_made(tmp_path: Path, run_id: str) -> None:
    with pytest.raises(RunError, match="is not a run id"):
        RunJournal.open(tmp_path, run_id, create=True)
    with pytest.raises(RunError, match="is not a run id"):
        RunReader.open(tmp_path, run_id)
    with pytest.raises(RunError, match="is not a run id"):
        is_owned(tmp_path, run_id)
    assert list(tmp_path.iterdir()) == []


def test_an_unknown_run_is_an_error_and_makes_no_file(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="there is no record of run run-9"):
        RunJournal.open(tmp_path, "run-9", create=False)
    with pytest.raises(RunError, match="no journal yet"):
        RunReader.open(tmp_path, "run-9")
    assert not is_owned(tmp_path, "run-9")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("left", ["nothing", "tables"])
async def test_a_file_that_lost_its_run_is_not_taken_for_a_new_one(tmp_path: Path, left: str) -> None:
    await RunJournal.open(tmp_path, "run-1", create=True).close()
    path = tmp_path / "runs" / "run-1.db"
    if left == "nothing":
        path.write_bytes(b"")
    else:
        with closing(sqlite3.connect(path)) as connection:
            connection.execute("DELETE FROM run")
            connection.commit()
    with pytest.raises(RunError, match="there is no record of run run-1"):
        RunJournal.open(tmp_path, "run-1", create=False)


async def test_a_file_from_a_newer_version_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    await RunJournal.open(tmp_path, "run-1", create=True).close()
    path = tmp_path / "runs" / "run-1.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA user_version = 99")
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    before = (path.read_bytes(), path.stat().st_mtime_ns)
    with pytest.raises(JournalVersionError, match="newer Stratum"):
        RunJournal.open(tmp_path, "run-1", create=True)
    with pytest.raises(JournalVersionError, match="newer Stratum"):
        RunReader.open(tmp_path, "run-1")
    assert (path.read_bytes(), path.stat().st_mtime_ns) == before
    assert not is_owned(tmp_path, "run-1")


@pytest.mark.parametrize("content", [b"hello, this is no database", b"SQLite format 3\x00" + b"\xff" * 5000])
async def test_a_damaged_file_is_named_and_the_remedy_given(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "runs" / "run-1.db"
    path.parent.mkdir()
    path.write_bytes(content)
    with pytest.raises(JournalError) as refused:
        RunJournal.open(tmp_path, "run-1", create=True)
    assert str(path) in refused.value.message
    assert refused.value.remedy
    assert path.read_bytes() == content


async def test_a_file_under_another_runs_name_is_refused(tmp_path: Path) -> None:
    await RunJournal.open(tmp_path, "run-1", create=True).close()
    (tmp_path / "runs" / "run-1.db").rename(tmp_path / "runs" / "run-2.db")
    with pytest.raises(JournalError, match="the file of run run-2 holds run run-1"):
        RunJournal.open(tmp_path, "run-2", create=False)
    (tmp_path / "runs" / "run-2.db").rename(tmp_path / "runs" / "run-1.db")
    await RunJournal.open(tmp_path, "run-1", create=False).close()


async def test_another_programs_database_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "runs" / "run-1.db"
    path.parent.mkdir()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE notes (text)")
    with pytest.raises(JournalError, match="another program"):
        RunJournal.open(tmp_path, "run-1", create=True)


async def test_a_network_file_system_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mount = type(psutil.disk_partitions(all=True)[0])("server:/home", str(tmp_path), "nfs4", "rw")

    def mounts(*, all: bool) -> list[object]:
        return [mount]

    monkeypatch.setattr(psutil, "disk_partitions", mounts)
    with pytest.raises(JournalError, match=r"network file system \(nfs4\)"):
        RunJournal.open(tmp_path, "run-1", create=True)


def test_a_state_directory_that_cannot_be_made_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(JournalError, match="cannot be made"):
        RunJournal.open(tmp_path / "file" / "state", "run-1", create=True)


def _hold(journal: RunJournal) -> threading.Event:
    """Keep the writer thread in the middle of a batch until the event is set."""
    go_on = threading.Event()
    inside = threading.Event()

    def wait(_: Ledger) -> None:
        inside.set()
        go_on.wait(10)

    journal._committer.queue(wait)
    inside.wait(10)
    return go_on


async def test_an_intent_cancelled_while_it_is_written_is_taken_back(tmp_path: Path) -> None:
    journal = RunJournal.open(tmp_path, "run-1", create=True)
    go_on = _hold(journal)
    asking = asyncio.create_task(journal.intent(make_intent("a")))
    await anyio.wait_all_tasks_blocked()
    asking.cancel()
    await anyio.wait_all_tasks_blocked()
    asking.cancel()
    await anyio.wait_all_tasks_blocked()
    assert not asking.done()
    go_on.set()
    with fail_after(5), pytest.raises(asyncio.CancelledError):
        await asking
    with RunReader.open(tmp_path, "run-1") as reader:
        assert [found.state for found in reader.attempts()] == ["void"]
        assert reader.snapshot().reserved == Usage()
    await journal.close()


async def test_an_intent_in_a_cancelled_scope_is_taken_back(tmp_path: Path) -> None:
    journal = RunJournal.open(tmp_path, "run-1", create=True)
    go_on = _hold(journal)
    returned = False

    async def ask() -> None:
        nonlocal returned
        await journal.intent(make_intent("a"))
        returned = True

    with fail_after(5):
        async with anyio.create_task_group() as group:
            group.start_soon(ask)
            await anyio.wait_all_tasks_blocked()
            group.cancel_scope.cancel()
            go_on.set()
    assert not returned
    with RunReader.open(tmp_path, "run-1") as reader:
        assert [found.state for found in reader.attempts()] == ["void"]
    await journal.close()


async def test_a_settlement_cancelled_while_it_is_written_is_kept(tmp_path: Path) -> None:
    journal = RunJournal.open(tmp_path, "run-1", create=True)
    await journal.intent(make_intent("a"))
    go_on = _hold(journal)
    settling = asyncio.create_task(journal.settle("a#0", state="answered", usage=USED, outcome={}))
    await anyio.wait_all_tasks_blocked()
    settling.cancel()
    go_on.set()
    with fail_after(5), pytest.raises(asyncio.CancelledError):
        await settling
    with RunReader.open(tmp_path, "run-1") as reader:
        assert [found.state for found in reader.attempts()] == ["answered"]
    await journal.close()


async def test_notes_alone_become_durable_without_anyone_waiting(tmp_path: Path) -> None:
    journal = RunJournal.open(tmp_path, "run-1", create=True)
    journal.note("scope_started", path="s", data={"total": 2})
    journal.note("item_done", path="s", data={"ok": True})
    with fail_after(5), RunReader.open(tmp_path, "run-1") as reader:
        while not reader.snapshot().progress:
            await anyio.lowlevel.checkpoint()
        (progress,) = reader.snapshot().progress
    assert (progress.total, progress.done) == (2, 1)
    await journal.close()


async def test_when_the_file_cannot_be_written_every_waiting_task_is_told_and_nothing_is_half_made(
    tmp_path: Path,
) -> None:
    journal = RunJournal.open(tmp_path, "run-1", create=True)
    await journal.intent(make_intent("a"))
    writing = journal._ledger._connection
    (pages,) = writing.execute("PRAGMA page_count").fetchone()
    writing.execute(f"PRAGMA max_page_count = {pages}")
    big = {"text": "x" * 100_000}
    with pytest.raises(JournalError, match="full"):
        await journal.settle("a#0", state="answered", usage=USED, outcome=big)
    writing.execute("PRAGMA max_page_count = 1000000")
    await journal.settle("a#0", state="answered", usage=USED, outcome=big)
    assert journal.recorded_usage() == USED
    await journal.close()
    with RunReader.open(tmp_path, "run-1") as reader:
        assert reader.verify().ok


async def test_a_fault_in_the_writer_reaches_the_task_that_waits(tmp_path: Path) -> None:
    journal = RunJournal.open(tmp_path, "run-1", create=True)

    def broken(_: Ledger) -> None:
        raise ZeroDivisionError

    with fail_after(5), pytest.raises(ZeroDivisionError):
        await journal._committer.commit(broken)
    await journal.event("still here")
    await journal.close()


def test_a_task_whose_loop_is_gone_does_not_stop_the_writer(tmp_path: Path) -> None:
    journal = RunJournal.open(tmp_path, "run-1", create=True)
    go_on = _hold(journal)
    loop = asyncio.new_event_loop()
    asking = loop.create_task(journal.event("unheard"))
    loop.run_until_complete(asyncio.sleep(0))
    loop.close()
    go_on.set()
    anyio.run(journal.event, "heard")
    anyio.run(journal.close)
    assert not asking.done()
    with RunReader.open(tmp_path, "run-1") as reader:
        assert [event.kind for event in reader.events(after_seq=1)] == ["unheard", "heard"]


async def test_a_cancelled_intent_that_was_refused_does_not_take_back_the_attempt_with_its_id(
    tmp_path: Path,
) -> None:
    journal = RunJournal.open(tmp_path, "run-1", create=True)
    await journal.intent(make_intent("a"))
    go_on = _hold(journal)
    asking = asyncio.create_task(journal.intent(make_intent("a")))
    await anyio.wait_all_tasks_blocked()
    asking.cancel()
    go_on.set()
    with fail_after(5), pytest.raises(asyncio.CancelledError):
        await asking
    await journal.settle("a#0", state="answered", usage=USED, outcome={})
    await journal.close()


async def test_one_refused_attempt_of_a_batch_leaves_the_others_alone(tmp_path: Path) -> None:
    journal = RunJournal.open(tmp_path, "run-1", create=True)
    await journal.intent(make_intent("a"))
    await journal.settle("a#0", state="answered", usage=USED, outcome={})
    go_on = _hold(journal)
    told: dict[str, str] = {}

    async def ask(path: str) -> None:
        try:
            await journal.intent(make_intent(path))
            told[path] = "recorded"
        except JournalError:
            told[path] = "refused"

    with fail_after(5):
        async with anyio.create_task_group() as group:
            for path in ("b", "a", "c"):
                group.start_soon(ask, path)
            await anyio.wait_all_tasks_blocked()
            go_on.set()
    assert told == {"a": "refused", "b": "recorded", "c": "recorded"}
    await journal.close()
    with RunReader.open(tmp_path, "run-1") as reader:
        assert reader.verify().ok


async def test_a_withdrawn_attempt_that_was_never_written_changes_nothing(tmp_path: Path) -> None:
    journal = RunJournal.open(tmp_path, "run-1", create=True)
    await journal._committer.commit(lambda ledger: ledger.withdraw("a#0"))
    await journal.close()
    with RunReader.open(tmp_path, "run-1") as reader:
        assert reader.attempts() == ()


async def test_what_a_faulty_batch_collected_is_forgotten(tmp_path: Path) -> None:
    journal = RunJournal.open(tmp_path, "run-1", create=True)

    def half(ledger: Ledger) -> None:
        ledger.event("half", "", "{}")
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await journal._committer.commit(half)
    await journal.event("whole")
    await journal.close()
    with RunReader.open(tmp_path, "run-1") as reader:
        assert [event.kind for event in reader.events()] == ["opened", "whole"]
        assert reader.verify().ok


async def test_more_notes_than_one_batch_holds_are_all_written(tmp_path: Path) -> None:
    journal = RunJournal.open(tmp_path, "run-1", create=True)
    go_on = _hold(journal)
    for _ in range(1300):
        journal.note("item_done", path="s", data={"ok": True})
    go_on.set()
    await journal.close()
    with RunReader.open(tmp_path, "run-1") as reader:
        assert reader.snapshot().progress[0].done == 1300


async def test_an_answer_that_comes_while_its_task_is_being_cancelled_is_kept(tmp_path: Path) -> None:
    entry = Entry(lambda _: None, asyncio.get_running_loop().create_future())
    assert entry.waiter is not None
    entry.waiter.cancel()
    refused = JournalError("refused")
    resolve([(entry, refused)])
    assert (entry.done, entry.error) == (True, refused)


def test_without_a_kernels_boot_id_the_boot_is_known_by_its_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_owner, "LINUX_BOOT_ID", tmp_path / "none")
    assert _owner.this_process().boot_id == f"{psutil.boot_time():.0f}"
