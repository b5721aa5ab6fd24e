"""Traces: a record of every call, who is told of it, and the recent records of this process."""

from stratum_core.trace._mask import OPAQUE, holds_opaque, masked
from stratum_core.trace._port import Tracer, Tracers
from stratum_core.trace._record import (
    AttemptClass,
    AttemptOutcome,
    AttemptRecord,
    Enforcement,
    FlowRecord,
    FlowScope,
    TraceRecord,
)
from stratum_core.trace._store import STORED_RECORDS, TraceStore, all_records, clear_traces, process_store
from stratum_core.trace._usage import CallsUsage, usage_of

__all__ = [
    "OPAQUE",
    "STORED_RECORDS",
    "AttemptClass",
    "AttemptOutcome",
    "AttemptRecord",
    "CallsUsage",
    "Enforcement",
    "FlowRecord",
    "FlowScope",
    "TraceRecord",
    "TraceStore",
    "Tracer",
    "Tracers",
    "all_records",
    "clear_traces",
    "holds_opaque",
    "masked",
    "process_store",
    "usage_of",
]
