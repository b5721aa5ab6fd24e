"""Promises about traces: records, spans, and the tree of a run."""

from __future__ import annotations

from tests.support.promise import Promise, promise

__all__ = ["TRACES"]

RECORDS = ("docs/traces.md", "Trace records")
SPANS = ("docs/traces.md", "OpenTelemetry")
FAILURES = ("docs/traces.md", "When the collector is slow or gone")
TREE = ("docs/traces.md", "A run as a tree")
DECISION = (
    "docs/decisions/0017-spans-without-the-sdk.md",
    "17. Spans are sent by 400 lines of our own, not by the OpenTelemetry SDK",
)

TRACES: tuple[Promise, ...] = (
    promise(
        "trace.collector_failures",
        "A collector that is slow, busy or gone fails no run, and what is not delivered is counted",
        FAILURES,
        "core/exporters/test_exporter.py",
        "core/engine/test_exporting.py::test_a_collector_that_hangs_does_not_hold_up_the_end_of_a_run",
    ),
    promise(
        "trace.content_stays",
        "No span holds an input, an output or a reason unless that is asked for; opaque parts never are",
        SPANS,
        "core/exporters/test_spans.py::test_neither_inputs_nor_outputs_nor_reasons_are_sent_unless_that_is_asked_for",
        "core/exporters/test_settings.py::test_content_is_exported_only_when_the_environment_says_so",
    ),
    promise(
        "trace.every_call",
        "There is a record of every call with all that was tried for it, failed ones too",
        RECORDS,
        "core/runtime/test_tracing.py",
        "core/runtime/test_tracing_resumed.py",
        "core/trace/test_record.py",
    ),
    promise(
        "trace.own_export",
        "What is sent over OTLP is read by the official definitions, and the SDK is not needed",
        DECISION,
        "core/exporters/test_spans.py::test_whatever_a_record_holds_the_official_definitions_read_it",
        "core/exporters/test_exporter.py::test_what_is_left_is_sent_when_the_program_ends",
    ),
    promise(
        "trace.spans",
        "A flow is a root span, its calls are children, their attempts events, in the words of the conventions",
        SPANS,
        "core/exporters/test_spans.py",
        "core/exporters/test_settings.py",
        "core/engine/test_exporting.py",
    ),
    promise(
        "trace.store",
        "A process keeps the newest 1,000 records, and a tracer that fails stops no run",
        RECORDS,
        "core/trace/test_store.py",
    ),
    promise(
        "trace.tree",
        "A run is shown in document order: steps, items, calls and attempts with cost, time, retries and reasons",
        TREE,
        "cli/test_show.py",
        "core/engine/test_order.py",
    ),
)
