"""The tracer port: who is told of calls and flows when they are over."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Protocol, TypeVar

from stratum_core.trace._record import FlowRecord, TraceRecord

__all__ = ["Tracer", "Tracers"]

_log = logging.getLogger("stratum.trace")
_Record = TypeVar("_Record", TraceRecord, FlowRecord)


class Tracer(Protocol):
    """Something that is told of calls and flows.

    Both methods are called on the event loop between paid requests: they return at once and do not wait for anything.
    A tracer may be told of calls from several threads. A flow is told of after all its calls.
    """

    def call_ended(self, record: TraceRecord) -> None:
        """Take the record of a call."""
        ...

    def flow_ended(self, record: FlowRecord) -> None:
        """Take the record of a flow."""
        ...


class Tracers:
    """Several tracers as one. What one of them raises is logged and reaches neither the run nor the others."""

    def __init__(self, *tracers: Tracer) -> None:
        """Tell these, in this order."""
        self._tracers = tracers

    def call_ended(self, record: TraceRecord) -> None:
        """Tell every tracer of a call."""
        for tracer in self._tracers:
            _told(tracer.call_ended, record)

    def flow_ended(self, record: FlowRecord) -> None:
        """Tell every tracer of a flow."""
        for tracer in self._tracers:
            _told(tracer.flow_ended, record)


def _told(tell: Callable[[_Record], None], record: _Record) -> None:
    """Tell one tracer; a run does not fail because somebody who watches it does."""
    try:
        tell(record)
    except Exception:  # noqa: BLE001 - whatever a stranger's tracer raises, the run goes on
        _log.exception("a tracer failed; the run goes on without that record")
