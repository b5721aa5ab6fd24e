"""The exporter against a real HTTP endpoint on loopback, through its failures; nothing here waits by the clock."""

from __future__ import annotations

import socket
import subprocess
import sys
import textwrap
import threading
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from email.utils import formatdate

import pytest

from stratum_core.exporters import OtlpExporter, OtlpSettings
from stratum_core.exporters._post import Answer, Post, post
from tests.core.exporters._collector import Collector, Reply, attributes, parsed, spans_of
from tests.core.exporters.test_spans import CALL, DONE, FIRST

PATIENCE_S = 10.0
BUSY = Reply(status=503)


@dataclass
class Pauses:
    """Waits that end at once, and how long they were asked to be."""

    asked: list[float] = field(default_factory=list[float])
    now: float = 0.0

    def wait(self, event: threading.Event, seconds: float) -> None:
        self.asked.append(seconds)
        self.now += seconds

    def clock(self) -> float:
        return self.now


@contextmanager
def exporting(
    settings: OtlpSettings, pauses: Pauses | None = None, send: Post = post
) -> Generator[OtlpExporter]:
    """Return an exporter whose retries take no time, closed at the end."""
    paced = pauses or Pauses()
    exporter = OtlpExporter(settings, send=send, jitter=lambda: 0.0, clock=paced.clock, wait=paced.wait)
    yield exporter
    exporter.close(PATIENCE_S)


def nowhere() -> OtlpSettings:
    """Return settings that lead to a port nobody listens on."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return OtlpSettings(endpoint=f"http://127.0.0.1:{taken.getsockname()[1]}/v1/traces", delay_ms=60_000)


def test_records_arrive_in_one_request_with_its_headers() -> None:
    with Collector() as collector:
        settings = replace(collector.settings(), headers={"api-key": "k"})
        with exporting(settings) as exporter:
            exporter.call_ended(CALL)
            exporter.flow_ended(DONE)
            assert exporter.flush(PATIENCE_S)
            assert [span.name for span in collector.spans] == ["chat gpt-4.1", "invoke_workflow main"]
            assert collector.headers[0]["content-type"] == "application/json"
            assert collector.headers[0]["api-key"] == "k"
            assert (collector.paths, exporter.dropped) == (["/v1/traces"], 0)


def test_a_record_does_not_wait_for_others_longer_than_the_delay() -> None:
    with Collector() as collector, exporting(collector.settings(delay_ms=1)) as exporter:
        exporter.call_ended(CALL)
        assert collector.arrived.acquire(timeout=PATIENCE_S)


def test_a_full_batch_is_sent_at_once_and_no_batch_is_larger() -> None:
    with Collector() as collector, exporting(collector.settings(batch_size=2)) as exporter:
        for _ in range(5):
            exporter.call_ended(CALL)
        assert collector.arrived.acquire(timeout=PATIENCE_S)
        assert exporter.flush(PATIENCE_S)
        assert sum(len(spans_of(parsed(body))) for body in collector.bodies) == 5
        assert max(len(spans_of(parsed(body))) for body in collector.bodies) == 2


def test_what_was_replayed_is_not_sent_again() -> None:
    with Collector() as collector, exporting(collector.settings()) as exporter:
        exporter.call_ended(replace(CALL, attempts=(replace(FIRST, replayed=True),)))
        exporter.flow_ended(DONE)
        assert exporter.flush(PATIENCE_S)
        assert [span.name for span in collector.spans] == ["invoke_workflow main"]


@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_a_busy_server_is_tried_again_with_growing_pauses(status: int) -> None:
    pauses = Pauses()
    with (
        Collector([Reply(status=status)] * 3) as collector,
        exporting(collector.settings(), pauses) as exporter,
    ):
        exporter.call_ended(CALL)
        assert exporter.flush(PATIENCE_S)
        assert (len(collector.bodies), exporter.dropped) == (4, 0)
        assert len(set(collector.bodies)) == 1
        assert pauses.asked == [0.5, 1.0, 2.0]


def test_the_server_says_how_long_to_wait_in_seconds() -> None:
    pauses = Pauses()
    asks = [
        Reply(status=503, headers={"Retry-After": "17"}),
        Reply(status=429, headers={"Retry-After": "soon"}),
    ]
    with Collector(asks) as collector, exporting(collector.settings(), pauses) as exporter:
        exporter.call_ended(CALL)
        assert exporter.flush(PATIENCE_S)
        assert (pauses.asked, exporter.dropped) == ([17.0, 1.0], 0)


def test_the_server_says_how_long_to_wait_as_a_date_or_for_too_long() -> None:
    pauses = Pauses()
    asks = [
        Reply(status=503, headers={"Retry-After": formatdate(4_000_000_000, usegmt=True)}),
        Reply(status=503, headers={"Retry-After": formatdate(0, usegmt=True)}),
    ]
    with Collector(asks) as collector, exporting(collector.settings(), pauses) as exporter:
        exporter.call_ended(CALL)
        assert exporter.flush(PATIENCE_S)
        assert (pauses.asked, exporter.dropped) == ([600.0, 1.0], 0)


@pytest.mark.parametrize("status", [400, 401, 404, 500, 307])
def test_what_the_server_will_never_take_is_dropped_counted_and_said_once(
    status: int, caplog: pytest.LogCaptureFixture
) -> None:
    away = Reply(status=status, headers={"Location": "http://127.0.0.1:9/elsewhere"})
    with Collector([away, away]) as collector, exporting(collector.settings()) as exporter:
        exporter.call_ended(CALL)
        assert exporter.flush(PATIENCE_S)
        exporter.call_ended(CALL)
        assert exporter.flush(PATIENCE_S)
        exporter.call_ended(CALL)
        assert exporter.flush(PATIENCE_S)
        assert (len(collector.bodies), exporter.dropped) == (3, 2)
    said = [record.message for record in caplog.records]
    assert [f"HTTP {status}" in message for message in said] == [True, False]
    assert "2 spans were not delivered" in said[1]


def test_spans_a_server_leaves_out_are_counted() -> None:
    partial = Reply(body=b'{"partialSuccess": {"rejectedSpans": "1", "errorMessage": "no"}}')
    garbled = Reply(body=b'{"partialSuccess": {"rejectedSpans": "many"}}')
    odd = Reply(body=b"[]")
    with Collector([partial, garbled, odd]) as collector, exporting(collector.settings()) as exporter:
        for _ in range(3):
            exporter.call_ended(CALL)
            exporter.flow_ended(DONE)
            assert exporter.flush(PATIENCE_S)
        assert exporter.dropped == 1


def test_nobody_listening_is_tried_again_and_then_given_up(caplog: pytest.LogCaptureFixture) -> None:
    pauses = Pauses()
    with exporting(nowhere(), pauses) as exporter:
        exporter.call_ended(CALL)
        assert exporter.flush(PATIENCE_S)
        assert exporter.dropped == 1
    assert pauses.asked == [0.5, 1.0, 2.0, 4.0, 8.0]
    assert "no answer (ConnectionRefusedError)" in caplog.text


def test_a_slow_server_holds_up_nobody_and_what_does_not_fit_is_dropped_and_counted() -> None:
    gate = threading.Event()
    with (
        Collector([Reply(after=gate)]) as collector,
        exporting(collector.settings(batch_size=1, queue_size=3)) as exporter,
    ):
        exporter.call_ended(CALL)
        assert collector.arrived.acquire(timeout=PATIENCE_S)
        for _ in range(5):
            exporter.call_ended(CALL)
        assert not exporter.flush(0)
        assert exporter.dropped == 2
        gate.set()
        assert exporter.flush(PATIENCE_S)
        assert (len(collector.spans), exporter.dropped) == (4, 2)


def test_a_server_that_takes_too_long_is_tried_again() -> None:
    gate = threading.Event()
    with Collector([Reply(after=gate)]) as collector:
        with exporting(collector.settings(timeout_ms=30)) as exporter:
            exporter.call_ended(CALL)
            assert exporter.flush(PATIENCE_S)
            assert (len(collector.bodies), exporter.dropped) == (2, 0)
        gate.set()


def test_an_answer_that_is_not_http_is_no_answer() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def babble() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(65_536)
                connection.sendall(b"hello?\r\n\r\n")

        thread = threading.Thread(target=babble)
        thread.start()
        endpoint = f"http://127.0.0.1:{server.getsockname()[1]}/"
        answer = post(OtlpSettings(endpoint=endpoint), b"{}")
        thread.join(PATIENCE_S)
    assert (answer.verdict, answer.reason) == ("unreachable", "no answer (BadStatusLine)")


def test_a_server_that_does_not_speak_tls_gets_nothing_over_https() -> None:
    with Collector() as collector:
        answer = post(OtlpSettings(endpoint=collector.endpoint.replace("http:", "https:")), b"{}")
        assert answer.verdict == "unreachable"
        assert "SSL" in answer.reason
        assert collector.bodies == []


def test_the_query_of_an_endpoint_is_sent_and_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    with Collector([Reply(status=403)]) as collector:
        settings = replace(collector.settings(), endpoint=f"{collector.endpoint}?key=hush")
        with exporting(settings) as exporter:
            exporter.call_ended(CALL)
            assert exporter.flush(PATIENCE_S)
        assert collector.paths == ["/v1/traces?key=hush"]
    assert "HTTP 403" in caplog.text
    assert "hush" not in caplog.text


def test_closing_sends_what_is_left_and_takes_nothing_more() -> None:
    with Collector() as collector, exporting(collector.settings()) as exporter:
        exporter.call_ended(CALL)
        exporter.close(PATIENCE_S)
        assert len(collector.spans) == 1
        exporter.call_ended(CALL)
        exporter.close(PATIENCE_S)
        assert (len(collector.spans), exporter.dropped) == (1, 1)


def test_closing_gives_a_busy_server_its_pause_while_there_is_time() -> None:
    pauses = Pauses()
    busy = [Reply(status=503, headers={"Retry-After": "2"}), BUSY, BUSY]
    with Collector(busy) as collector, exporting(collector.settings(), pauses) as exporter:
        exporter.call_ended(CALL)
        exporter.close(4.0)
        assert (len(collector.bodies), exporter.dropped) == (3, 1)
        assert pauses.asked == [2.0, 1.0]


def test_closing_does_not_wait_for_a_server_that_is_gone() -> None:
    pauses = Pauses()
    with exporting(nowhere(), pauses) as exporter:
        exporter.call_ended(CALL)
        exporter.close(PATIENCE_S)
        assert (pauses.asked, exporter.dropped) == ([], 1)


def test_closing_ends_a_pause(caplog: pytest.LogCaptureFixture) -> None:
    waiting = threading.Event()

    def wait(event: threading.Event, seconds: float) -> None:
        waiting.set()
        assert event.wait(PATIENCE_S)

    exporter = OtlpExporter(nowhere(), wait=wait)
    exporter.call_ended(CALL)
    exporter.flush(0)
    assert waiting.wait(PATIENCE_S)
    exporter.close(PATIENCE_S)
    assert exporter.dropped == 1
    assert "1 spans were not delivered" in caplog.text


def test_closing_does_not_wait_for_a_server_that_hangs() -> None:
    gate = threading.Event()
    with Collector([Reply(after=gate)]) as collector:
        exporter = OtlpExporter(collector.settings(batch_size=1))
        exporter.call_ended(CALL)
        exporter.call_ended(CALL)
        assert collector.arrived.acquire(timeout=PATIENCE_S)
        exporter.close(0.02)
        assert exporter.dropped == 2
        gate.set()
        assert exporter._thread
        exporter._thread.join(PATIENCE_S)
        assert exporter.dropped == 2


def test_a_fault_of_our_own_loses_one_batch_and_not_the_thread(caplog: pytest.LogCaptureFixture) -> None:
    answers = [Answer(verdict="taken")]

    def send(settings: OtlpSettings, body: bytes) -> Answer:
        return answers.pop()

    with exporting(nowhere(), send=send) as exporter:
        exporter.call_ended(CALL)
        assert exporter.flush(PATIENCE_S)
        exporter.call_ended(CALL)
        assert exporter.flush(PATIENCE_S)
        assert exporter.dropped == 1
        answers.append(Answer(verdict="taken"))
        exporter.call_ended(CALL)
        assert exporter.flush(PATIENCE_S)
        assert exporter.dropped == 1
    assert "a batch of 1 spans could not be sent" in caplog.text


def test_what_is_left_is_sent_when_the_program_ends() -> None:
    program = textwrap.dedent("""
        import os
        from decimal import Decimal
        from stratum_core.exporters import OtlpExporter, OtlpSettings
        from stratum_core.trace import TraceRecord
        exporter = OtlpExporter(OtlpSettings.from_environ(os.environ))
        exporter.call_ended(
            TraceRecord(function="f", model="offline", path="s", started_at_ns=1, duration_ms=1, cost_usd=Decimal(0))
        )
    """)
    with Collector([BUSY]) as collector:
        environ = {"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": collector.endpoint, "OTEL_SERVICE_NAME": "script"}
        done = subprocess.run(
            [sys.executable, "-c", program],
            env=environ,
            timeout=60,
            check=True,
            capture_output=True,
            text=True,
        )
        assert [attributes(span.attributes)["stratum.function"] for span in collector.spans] == ["f", "f"]
        assert "HTTP 503" in done.stderr


def test_closing_an_exporter_that_was_told_nothing_does_nothing(caplog: pytest.LogCaptureFixture) -> None:
    exporter = OtlpExporter(nowhere())
    exporter.close(PATIENCE_S)
    assert (exporter.dropped, caplog.records) == (0, [])
