"""Runners that export spans: to a real endpoint when the environment names one, and never in a run's way."""

from __future__ import annotations

import threading

import pytest

from tests.core.engine._bench import Bench, ended
from tests.core.exporters._collector import Collector, Reply, attributes

pytestmark = [pytest.mark.slow]

PATIENCE_S = 20.0


def environ(collector: Collector, **more: str) -> dict[str, str]:
    return {
        "OTEL_EXPORTER_OTLP_ENDPOINT": collector.endpoint.removesuffix("/v1/traces"),
        "OTEL_SERVICE_NAME": "reviews",
        **more,
    }


def test_a_runner_exports_its_calls_below_the_span_of_their_run(bench: Bench) -> None:
    with Collector([Reply(status=503, headers={"Retry-After": "0"})]) as collector:
        engine = bench.engine(policy=None, **environ(collector))
        run = engine.execute(bench.approved(engine, rows=5).plan_id)
        view = ended(engine, run.run_id)
        assert view.state.startswith("completed")
        while not (roots := [span for span in collector.spans if not span.parent_span_id]):
            assert collector.arrived.acquire(timeout=PATIENCE_S)
        told = [attributes(span.attributes) for span in collector.spans]
        assert {str(one["stratum.flow_id"]) for one in told} == {run.run_id}
        assert {str(one["gen_ai.operation.name"]) for one in told} == {"chat", "invoke_workflow"}
        children = [span for span in collector.spans if span.parent_span_id]
        assert len(children) >= 5
        assert {span.parent_span_id for span in children} == {roots[0].span_id}
        assert {span.trace_id for span in children} == {roots[0].trace_id}
        assert not any(name.startswith(("stratum.inputs", "stratum.output")) for one in told for name in one)


def test_a_runner_without_an_endpoint_exports_nothing(bench: Bench) -> None:
    with Collector() as collector:
        engine = bench.engine(OTEL_SERVICE_NAME="reviews")
        run = engine.execute(bench.approved(engine, rows=2).plan_id)
        assert ended(engine, run.run_id).state.startswith("completed")
        assert collector.bodies == []


def test_a_collector_that_hangs_does_not_hold_up_the_end_of_a_run(bench: Bench) -> None:
    gate = threading.Event()
    with Collector([Reply(after=gate)] * 5) as collector:
        engine = bench.engine(policy=None, **environ(collector, OTEL_BSP_MAX_EXPORT_BATCH_SIZE="1"))
        run = engine.execute(bench.approved(engine, rows=5).plan_id)
        view = ended(engine, run.run_id)
        assert view.state.startswith("completed")
        assert len(collector.bodies) == 1
        gate.set()
