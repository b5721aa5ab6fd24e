"""The records a process keeps, and who else is told."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from decimal import Decimal

import pytest

from stratum_core.trace import (
    STORED_RECORDS,
    FlowRecord,
    FlowScope,
    TraceRecord,
    Tracers,
    TraceStore,
    all_records,
    clear_traces,
    process_store,
)


@pytest.fixture(autouse=True)
def empty_store() -> Iterator[None]:
    clear_traces()
    yield
    clear_traces()


def record(path: str, flow_id: str = "flow_1") -> TraceRecord:
    scope = FlowScope(flow_id=flow_id, name="main", started_at_ns=1)
    return TraceRecord(
        function="classify", path=path, flow=scope, started_at_ns=1, duration_ms=1.0, cost_usd=Decimal(0)
    )


def test_the_newest_records_are_kept_and_the_oldest_make_room() -> None:
    store = TraceStore(limit=2)
    for number in range(3):
        store.call_ended(record(f"s[{number}]"))
    assert [kept.path for kept in store.records()] == ["s[1]", "s[2]"]


def test_the_store_of_the_process_has_the_documented_size() -> None:
    for number in range(STORED_RECORDS + 5):
        process_store().call_ended(record(f"s[{number}]"))
    assert len(all_records()) == STORED_RECORDS
    assert all_records()[0].path == "s[5]"


def test_records_are_found_by_their_flow_and_forgotten_on_request() -> None:
    process_store().call_ended(record("a", "flow_1"))
    process_store().call_ended(record("b", "flow_2"))
    assert [kept.path for kept in all_records(flow_id="flow_2")] == ["b"]
    clear_traces()
    assert all_records() == ()


def test_records_of_several_threads_all_arrive() -> None:
    store = TraceStore(limit=1_000)
    gate = threading.Barrier(4)

    def write(name: str) -> None:
        gate.wait()
        for number in range(100):
            store.call_ended(record(f"{name}[{number}]"))

    threads = [threading.Thread(target=write, args=(name,)) for name in "abcd"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    paths = [kept.path for kept in store.records()]
    assert len(paths) == 400
    assert [path for path in paths if path.startswith("a")] == [f"a[{number}]" for number in range(100)]


def test_a_tracer_that_raises_reaches_neither_the_caller_nor_the_other_tracers(
    caplog: pytest.LogCaptureFixture,
) -> None:
    class Broken:
        def call_ended(self, record: TraceRecord) -> None:
            raise RuntimeError("no room")

        def flow_ended(self, record: FlowRecord) -> None:
            raise RuntimeError("no room")

    store = TraceStore()
    both = Tracers(Broken(), store)
    both.call_ended(record("a"))
    scope = FlowScope(flow_id="flow_1", name="main", started_at_ns=1)
    both.flow_ended(FlowRecord(scope=scope, duration_ms=1.0, state="completed"))
    assert [kept.path for kept in store.records()] == ["a"]
    assert [entry.message for entry in caplog.records] == [
        "a tracer failed; the run goes on without that record"
    ] * 2
