"""The OTLP exporter: a tracer that sends what it is told to a collector, from one thread of its own.

It never blocks or fails who tells it something: records wait in a bounded queue, and what does not fit is dropped and
counted. The thread sends batches, tries again with growing pauses while the server is busy or gone, and waits as long
as the server asks. When the program ends, what is left is sent within a few seconds, or dropped and counted.
"""

from __future__ import annotations

import atexit
import itertools
import json
import logging
import random
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from typing import Self

from stratum_core.exporters._post import Answer, Post, post
from stratum_core.exporters._settings import OtlpSettings
from stratum_core.exporters._spans import export_request, is_news
from stratum_core.trace import FlowRecord, TraceRecord

__all__ = ["OtlpExporter"]

_log = logging.getLogger("stratum.otlp")
_ATTEMPTS = 6
_FIRST_PAUSE_S = 1.0
_LONGEST_PAUSE_S = 30.0
_LONGEST_ASKED_S = 600.0
_CLOSE_S = 5.0


class OtlpExporter:
    """A tracer that exports; it may be told of records from several threads."""

    def __init__(
        self,
        settings: OtlpSettings,
        *,
        send: Post = post,
        jitter: Callable[[], float] = random.random,
        clock: Callable[[], float] = time.monotonic,
        wait: Callable[[threading.Event, float], object] = threading.Event.wait,
    ) -> None:
        """Prepare to export; the thread starts with the first record.

        Args:
            settings: Where to, and what.
            send: Makes one request.
            jitter: A number between 0 and 1 that spreads retries apart.
            clock: Seconds that never go back.
            wait: Waits for an event, so many seconds at most; paces the retries.
        """
        self._settings = settings
        self._send = send
        self._jitter = jitter
        self._clock = clock
        self._wait = wait
        self._queue: deque[TraceRecord | FlowRecord] = deque()
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._taken_in = 0
        self._done_with = 0
        self._dropped = 0
        self._hurry = False
        self._closing = threading.Event()
        self._closes_at: float | None = None
        self._complained = False

    @classmethod
    def from_environ(cls, environ: Mapping[str, str]) -> Self | None:
        """Return an exporter as the environment asks for it, or None when it asks for no export.

        configure(tracer=OtlpExporter.from_environ(os.environ))
        """
        settings = OtlpSettings.from_environ(environ)
        return None if settings is None else cls(settings)

    @property
    def dropped(self) -> int:
        """How many records were not delivered: no room in the queue, refused, or given up."""
        return self._dropped

    def call_ended(self, record: TraceRecord) -> None:
        """Take a call to export, when this process had a part in it."""
        if is_news(record):
            self._take(record)

    def flow_ended(self, record: FlowRecord) -> None:
        """Take a flow to export."""
        self._take(record)

    def flush(self, timeout_s: float = _CLOSE_S) -> bool:
        """Send what is waiting now; return whether all of it was delivered or given up in time."""
        with self._changed:
            wanted = self._taken_in
            self._hurry = bool(self._queue)
            self._changed.notify_all()
            return self._changed.wait_for(lambda: self._done_with >= wanted, timeout_s)

    def close(self, timeout_s: float = _CLOSE_S) -> None:
        """Send what is waiting, in at most so many seconds, and stop; what is left is dropped and counted.

        It is called when the program ends, and does nothing the second time.
        """
        with self._changed:
            if self._closes_at is not None:
                return
            self._closes_at = self._clock() + timeout_s
            self._closing.set()
            self._changed.notify_all()
        atexit.unregister(self.close)
        if self._thread is not None:
            self._thread.join(timeout_s)
        with self._changed:
            self._dropped += self._taken_in - self._done_with
            self._done_with = self._taken_in
            if self._dropped:
                _log.warning("%d spans were not delivered to %s", self._dropped, self._settings.place)

    def _take(self, record: TraceRecord | FlowRecord) -> None:
        """Put a record into the queue when there is room."""
        with self._changed:
            if self._closes_at is not None or len(self._queue) >= self._settings.queue_size:
                self._dropped += 1
                return
            self._queue.append(record)
            self._taken_in += 1
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._work, name="stratum-otlp", daemon=True)
                self._thread.start()
                atexit.register(self.close)
            elif len(self._queue) >= self._settings.batch_size:
                self._changed.notify_all()

    def _work(self) -> None:
        """Send batches until the exporter is closed and nothing is left."""
        while batch := self._next_batch():
            delivered = 0
            try:
                delivered = self._deliver(batch)
            except Exception:  # noqa: BLE001 - the thread goes on with the next batch
                _log.exception("a batch of %d spans could not be sent", len(batch))
            with self._changed:
                if self._done_with < self._taken_in:  # otherwise `close` has counted the batch as dropped
                    self._dropped += len(batch) - delivered
                    self._done_with += len(batch)
                    self._changed.notify_all()

    def _next_batch(self) -> list[TraceRecord | FlowRecord]:
        """Wait for a batch: a full one, or what is there after a while; empty once the exporter is closed."""
        size = self._settings.batch_size
        with self._changed:
            self._changed.wait_for(lambda: self._queue or self._closes_at is not None)
            self._changed.wait_for(
                lambda: len(self._queue) >= size or self._hurry or self._closes_at is not None,
                self._settings.delay_ms / 1000,
            )
            batch = [self._queue.popleft() for _ in range(min(size, len(self._queue)))]
            self._hurry = self._hurry and bool(self._queue)
            return batch

    def _deliver(self, batch: list[TraceRecord | FlowRecord]) -> int:
        """Send a batch, again while that may help; return how many of its spans were delivered."""
        body = json.dumps(export_request(batch, self._settings), separators=(",", ":")).encode()
        for number in itertools.count(1):
            answer = self._send(self._settings, body)
            if answer.verdict == "taken":
                return max(0, len(batch) - answer.rejected)
            self._complain(answer)
            if answer.verdict == "refused" or number == _ATTEMPTS or not self._pause(answer, number):
                break
        return 0

    def _pause(self, answer: Answer, number: int) -> bool:
        """Wait before a batch is sent again; return False when there is no time left to."""
        pause_s = min(_FIRST_PAUSE_S * 2 ** (number - 1), _LONGEST_PAUSE_S) * (0.5 + self._jitter() / 2)
        if answer.retry_after_s is not None:
            pause_s = max(pause_s, min(answer.retry_after_s, _LONGEST_ASKED_S))
        if self._closes_at is None:
            self._wait(self._closing, pause_s)
            if self._closes_at is None:
                return True
        # The program ends: a busy server gets its pause while there is time for it, one that is gone does not.
        if answer.verdict == "unreachable" or self._clock() + pause_s > self._closes_at:
            return False
        self._wait(threading.Event(), pause_s)
        return True

    def _complain(self, answer: Answer) -> None:
        """Say once that spans do not arrive, and why."""
        if not self._complained:
            self._complained = True
            _log.warning("spans do not reach %s: %s", self._settings.place, answer.reason)
