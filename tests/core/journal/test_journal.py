"""What every journal promises, on disk and in memory."""

from __future__ import annotations

import anyio
import pytest
from anyio import create_task_group, fail_after

from stratum_core.budget import Usage
from stratum_core.errors import JournalBusy, JournalError
from stratum_core.journal import Progress, RecordedAttempt, RunJournal
from tests.support.journals import Clock, Run, make_intent

pytestmark = pytest.mark.anyio

USED = Usage(nusd=400, tokens=60, calls=1)
RESERVED = Usage(nusd=1000, tokens=100, calls=1)


async def test_a_settled_attempt_is_found_again_with_its_outcome(run: Run) -> None:
    journal = run.open()
    await journal.intent(make_intent("a"))
    outcome = {"text": "grüße 💶 \ud83d", "parts": (1, 2.5, None, True)}
    await journal.settle("a#0", state="answered", usage=USED, outcome=outcome)
    assert journal.recorded_usage() == USED
    assert journal.attempts("a") == ()
    await journal.close()

    again = run.open()
    assert again.attempts("a") == (
        RecordedAttempt(
            call_id="a#0",
            path="a",
            attempt=0,
            input_hash="input of a",
            request_hash="request 0 of a",
            model="offline",
            state="answered",
            reserved=RESERVED,
            usage=USED,
            outcome={"text": "grüße 💶 \ud83d", "parts": [1, 2.5, None, True]},
        ),
    )
    assert again.attempts("b") == ()
    assert again.recorded_usage() == USED
    await again.close()


async def test_the_attempts_inside_a_path_are_found_together_and_no_others(run: Run) -> None:
    journal = run.open()
    for path in ("a", "a/b", "a[0]", "a[0]/c", "a/b/d", "ab", "a#2", "a.b", "A/b", "b/a", "a0", "a-b"):
        await journal.intent(make_intent(path))
        await journal.settle(f"{path}#0", state="answered", usage=USED, outcome={"of": path})
    assert journal.attempts_within("a") == ()
    await journal.close()

    again = run.open()
    await again.intent(make_intent("a/new"))
    found = again.attempts_within("a")
    assert [attempt.path for attempt in found] == ["a", "a/b", "a[0]", "a[0]/c", "a/b/d"]
    assert found[1].outcome == {"of": "a/b"}
    assert [attempt.path for attempt in again.attempts_within("a[0]")] == ["a[0]", "a[0]/c"]
    await again.close()


async def test_the_last_event_of_a_kind_at_each_path_is_found_again(run: Run) -> None:
    journal = run.open()
    await journal.event("decided", path="a", data={"winners": ["x"]})
    await journal.event("decided", path="b", data={"winners": ["y"]})
    await journal.event("told", path="a", data={})
    await journal.event("decided", path="a", data={"winners": ["z"]})
    assert journal.recorded("decided") == {}
    await journal.close()

    again = run.open()
    await again.event("decided", path="c", data={})
    assert again.recorded("decided") == {"a": {"winners": ["z"]}, "b": {"winners": ["y"]}}
    assert (len(again.recorded("decided")), again.recorded("decided").get("c")) == (2, None)
    assert again.recorded("never").get("a") is None
    await again.close()


async def test_what_was_in_flight_becomes_possibly_paid_at_its_reservation_when_the_run_is_opened_again(
    run: Run,
) -> None:
    journal = run.open()
    await journal.intent(make_intent("a"))
    await journal.intent(make_intent("b"))
    await journal.settle("b#0", state="answered", usage=USED, outcome={})
    assert journal.recorded_usage() == USED
    await journal.close()

    again = run.open()
    (lost,) = again.attempts("a")
    assert (lost.state, lost.usage, lost.outcome) == ("possibly_paid", RESERVED, {})
    assert again.recorded_usage() == USED + RESERVED
    with run.reader() as reader:
        assert [event.kind for event in reader.events(after_seq=4)] == ["opened", "possibly_paid"]
        snapshot = reader.snapshot()
        assert (snapshot.usage, snapshot.reserved) == (USED + RESERVED, Usage())
        assert snapshot.possibly_paid_count == 1
    await again.close()


async def test_attempts_come_in_attempt_order_with_every_state(run: Run) -> None:
    journal = run.open()
    for attempt in (2, 0, 1, 3):
        await journal.intent(make_intent("a", attempt))
    await journal.settle("a#1", state="failed", usage=Usage(calls=1), outcome={"code": "transport_error"})
    await journal.void("a#2")
    await journal.settle("a#0", state="possibly_paid", usage=RESERVED, outcome={})
    await journal.settle("a#3", state="answered", usage=USED, outcome={})
    await journal.close()
    again = run.open()
    assert [(found.attempt, found.state, found.usage) for found in again.attempts("a")] == [
        (0, "possibly_paid", RESERVED),
        (1, "failed", Usage(calls=1)),
        (2, "void", Usage()),
        (3, "answered", USED),
    ]
    with run.reader() as reader:
        assert [found.call_id for found in reader.attempts()] == ["a#2", "a#0", "a#1", "a#3"]
        assert reader.snapshot().possibly_paid_count == 1
    await again.close()


async def test_a_call_id_is_used_once_unless_its_request_never_left(run: Run) -> None:
    journal = run.open()
    await journal.intent(make_intent("a"))
    with pytest.raises(JournalError, match="open already"):
        await journal.intent(make_intent("a"))
    await journal.void("a#0")
    await journal.intent(make_intent("a"))
    await journal.settle("a#0", state="answered", usage=USED, outcome={})
    with pytest.raises(JournalError, match="already"):
        await journal.intent(make_intent("a"))
    await journal.close()
    again = run.open()
    with pytest.raises(JournalError, match="already"):
        await again.intent(make_intent("a"))
    assert [found.state for found in again.attempts("a")] == ["void", "answered"]
    await again.close()


async def test_only_an_open_attempt_can_be_settled_or_voided(run: Run) -> None:
    journal = run.open()
    with pytest.raises(JournalError, match="no open attempt a#0"):
        await journal.settle("a#0", state="answered", usage=USED, outcome={})
    await journal.intent(make_intent("a"))
    await journal.settle("a#0", state="answered", usage=USED, outcome={})
    for again in (
        journal.settle("a#0", state="failed", usage=USED, outcome={}),
        journal.void("a#0"),
    ):
        with pytest.raises(JournalError, match="no open attempt a#0"):
            await again
    assert journal.recorded_usage() == USED
    await journal.close()


async def test_what_is_not_json_is_refused_with_its_path_and_leaves_the_attempt_open(run: Run) -> None:
    journal = run.open()
    await journal.intent(make_intent("a"))
    with pytest.raises(JournalError) as refused:
        await journal.settle("a#0", state="answered", usage=USED, outcome={"reply": [1, {"score": {2}}]})  # pyright: ignore[reportArgumentType]
    assert refused.value.detail == {"path": "outcome.reply[1].score"}
    assert "a set" in refused.value.message
    await journal.settle("a#0", state="answered", usage=USED, outcome={})
    await journal.close()


async def test_notes_count_the_progress_of_a_scope_and_a_replay_counts_anew(run: Run) -> None:
    journal = run.open()
    for _ in range(2):
        journal.note("scope_started", path="s", data={"total": 3})
        for ok in (True, False, True):
            journal.note("item_done", path="s", data={"ok": ok})
        journal.note("item_done", path="t")
        await journal.event("checkpoint", data={"share": 0.8})
    journal.note("remark", path="s")
    await journal.close()
    with run.reader() as reader:
        assert reader.snapshot().progress == (
            Progress(path="s", total=3, done=3, failed=1),
            Progress(path="t", total=None, done=2, failed=0),
        )
        assert reader.events(after_seq=1, limit=2)[1].data == {"ok": True}
        assert [event.kind for event in reader.events(after_seq=12)] == ["checkpoint", "remark"]


async def test_a_run_ends_with_its_state_and_census(run: Run, clock: Clock) -> None:
    journal = run.open()
    clock.now += 2.5
    await journal.event("step", path="flows.main", data={"n": 1})
    await journal.close(state="completed_with_failures", data={"done": 117, "failed": 3})
    await journal.close(state="failed")
    with run.reader() as reader:
        snapshot = reader.snapshot()
        assert snapshot.state == "completed_with_failures"
        assert snapshot.finished == {"done": 117, "failed": 3}
        assert [(event.seq, event.kind, event.path, event.at_ms) for event in reader.events()] == [
            (1, "opened", "", 1_700_000_000_000),
            (2, "step", "flows.main", 1_700_000_002_500),
            (3, "finished", "", 1_700_000_002_500),
        ]
        assert snapshot.last_seq == 3
        checked = reader.verify()
        assert (checked.ok, checked.head) == (True, snapshot.chain_head)


async def test_a_run_closed_without_a_state_counts_as_interrupted_until_it_is_opened_again(run: Run) -> None:
    journal = run.open()
    with run.reader() as reader:
        assert reader.snapshot().state == "running"
    await journal.close()
    with run.reader() as reader:
        assert (reader.snapshot().state, reader.snapshot().finished) == ("interrupted", None)
    await run.open().close(state="completed")
    journal = run.open()
    with run.reader() as reader:
        assert (reader.snapshot().state, reader.snapshot().finished) == ("running", None)
    await journal.close()


async def test_a_closed_journal_writes_nothing_more(run: Run) -> None:
    journal = run.open()
    await journal.close(state="completed")
    with pytest.raises(JournalError, match="closed"):
        await journal.intent(make_intent("a"))
    with pytest.raises(JournalError, match="closed"):
        journal.note("late")


async def test_many_tasks_share_the_journal_and_every_one_gets_its_own_answer(run: Run) -> None:
    journal = run.open()
    refused: list[int] = []

    async def one(number: int) -> None:
        path = f"p{number % 40}"
        try:
            await journal.intent(make_intent(path))
        except JournalError:
            refused.append(number)
            return
        await journal.settle(f"{path}#0", state="answered", usage=USED, outcome={"n": number})
        journal.note("item_done", path="s", data={"ok": True})

    with fail_after(20):
        async with create_task_group() as group:
            for number in range(60):
                group.start_soon(one, number)
    assert len(refused) == 20
    assert journal.recorded_usage() == Usage(nusd=40 * 400, tokens=40 * 60, calls=40)
    await journal.close(state="completed")
    with run.reader() as reader:
        assert reader.snapshot().progress == (Progress(path="s", total=None, done=40, failed=0),)
        assert reader.verify().ok


async def test_once_the_run_is_opened_elsewhere_the_old_owner_cannot_write(run: Run) -> None:
    old = run.open()
    await old.intent(make_intent("a"))
    if isinstance(old, RunJournal):
        old.lock_path.unlink()  # a lock that does not hold: the epoch is the second line
    new = run.open()
    for late in (
        old.settle("a#0", state="answered", usage=USED, outcome={}),
        old.event("late"),
        old.intent(make_intent("b")),
    ):
        with pytest.raises(JournalBusy, match="taken over"):
            await late
    await new.intent(make_intent("b"))
    assert new.recorded_usage() == RESERVED
    with pytest.raises(JournalBusy):
        await old.close(state="completed")
    with run.reader() as reader:
        assert reader.snapshot().state == "running"
        assert reader.verify().ok
    await new.close()


async def test_cancellation_by_a_scope_is_raised_after_the_commit(run: Run) -> None:
    journal = run.open()
    with fail_after(5):
        with anyio.CancelScope() as scope:
            scope.cancel()
            await journal.event("last words")
            await anyio.lowlevel.checkpoint()
        await journal.close()
    assert scope.cancelled_caught
    with run.reader() as reader:
        assert "last words" in [event.kind for event in reader.events()]
