"""Records as OTLP/JSON, read back with the official definitions."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from stratum_core.contracts import JsonValue
from stratum_core.exporters import OtlpSettings
from stratum_core.exporters._spans import export_request, is_news
from stratum_core.trace import AttemptRecord, FlowRecord, FlowScope, TraceRecord
from tests.core.exporters._collector import Told, attributes, parsed, spans_of

HERE = OtlpSettings(
    endpoint="http://localhost:4318/v1/traces", service_name="billing", resource={"zone": "a"}
)
FLOW = FlowScope(flow_id="run_1", name="main", started_at_ns=1_000_000_000)
FIRST = AttemptRecord(
    path="s[3]",
    number=0,
    made_for="first",
    model="openai/gpt-4.1",
    outcome="rejected",
    reason="the answer said whispered words",
    response_model="gpt-4.1-2025",
    finish="stop",
    enforcement="strict",
    input_tokens=100,
    output_tokens=20,
    cache_read_tokens=64,
    charged_nusd=2_000_000,
    request_hash="ab" * 32,
    started_at_ns=1_100_000_000,
    duration_ms=20.5,
)
SECOND = replace(FIRST, number=1, made_for="contract", outcome="accepted", reason="", charged_nusd=1_000_000)
CALL = TraceRecord(
    function="classify",
    model="openai/gpt-4.1",
    path="s[3]",
    flow=FLOW,
    inputs={"note": "whispered words", "letter": "(opaque)"},
    opaque=("letter",),
    output={"tone": "whispered"},
    function_hash="f" * 12,
    template_hash="t" * 12,
    prompt_hash="p" * 12,
    contract_hash="c" * 12,
    attempts=(FIRST, SECOND),
    started_at_ns=1_050_000_000,
    duration_ms=120.25,
    cost_usd=Decimal("0.003"),
    schema_enforcement="strict",
)
DONE = FlowRecord(scope=FLOW, duration_ms=500.0, state="completed", charged_nusd=3_000_000)


def sent(*records: TraceRecord | FlowRecord, settings: OtlpSettings = HERE) -> list[Span]:
    return spans_of(parsed(json.dumps(export_request(records, settings)).encode()))


def one(record: TraceRecord | FlowRecord, settings: OtlpSettings = HERE) -> tuple[Span, Mapping[str, Told]]:
    (span,) = sent(record, settings=settings)
    return span, attributes(span.attributes)


def test_a_flow_is_the_root_and_its_calls_are_children_in_one_trace() -> None:
    call, flow = sent(CALL, DONE)
    assert flow.parent_span_id == b""
    assert call.parent_span_id == flow.span_id
    assert call.trace_id == flow.trace_id
    assert (len(flow.trace_id), len(flow.span_id), len(call.span_id)) == (16, 8, 8)
    assert call.span_id != flow.span_id
    assert (flow.start_time_unix_nano, flow.end_time_unix_nano) == (1_000_000_000, 1_500_000_000)
    assert call.end_time_unix_nano - call.start_time_unix_nano == 120_250_000
    assert (flow.kind, call.kind) == (Span.SPAN_KIND_INTERNAL, Span.SPAN_KIND_CLIENT)


def test_a_flow_is_a_workflow_in_the_words_of_the_conventions() -> None:
    span, told = one(DONE)
    assert span.name == "invoke_workflow main"
    assert told == {
        "gen_ai.operation.name": "invoke_workflow",
        "gen_ai.workflow.name": "main",
        "stratum.flow_id": "run_1",
        "stratum.state": "completed",
        "stratum.charged_usd": 0.003,
        "stratum.simulated": False,
    }


def test_a_call_carries_the_names_of_the_conventions_and_our_own() -> None:
    span, told = one(CALL)
    assert span.name == "chat gpt-4.1"
    assert told == {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": "gpt-4.1",
        "gen_ai.response.model": "gpt-4.1-2025",
        "gen_ai.response.finish_reasons": ["stop", "stop"],
        "gen_ai.output.type": "json",
        "gen_ai.usage.input_tokens": 200,
        "gen_ai.usage.output_tokens": 40,
        "gen_ai.usage.cache_read.input_tokens": 128,
        "gen_ai.usage.cache_creation.input_tokens": 0,
        "stratum.function": "classify",
        "stratum.path": "s[3]",
        "stratum.flow_id": "run_1",
        "stratum.function_hash": "f" * 12,
        "stratum.template_hash": "t" * 12,
        "stratum.prompt_hash": "p" * 12,
        "stratum.contract_hash": "c" * 12,
        "stratum.schema_enforcement": "strict",
        "stratum.cache_hit": False,
        "stratum.simulated": False,
        "stratum.charged_usd": 0.003,
        "stratum.cost_usd": 0.003,
        "stratum.attempts.first": 1,
        "stratum.attempts.contract": 1,
    }


def test_each_attempt_is_an_event_of_its_call() -> None:
    span, _ = one(CALL)
    assert [event.name for event in span.events] == ["stratum.attempt"] * 2
    assert span.events[0].time_unix_nano == FIRST.started_at_ns
    assert attributes(span.events[0].attributes) == {
        "gen_ai.request.model": "gpt-4.1",
        "gen_ai.provider.name": "openai",
        "gen_ai.response.model": "gpt-4.1-2025",
        "gen_ai.usage.input_tokens": 100,
        "gen_ai.usage.output_tokens": 20,
        "stratum.attempt.path": "s[3]",
        "stratum.attempt.number": 0,
        "stratum.attempt.made_for": "first",
        "stratum.attempt.outcome": "rejected",
        "stratum.attempt.duration_ms": 20.5,
        "stratum.attempt.replayed": False,
        "stratum.attempt.charged_usd": 0.002,
        "stratum.attempt.cost_known": True,
    }


def test_the_program_is_named_as_the_resource() -> None:
    request = parsed(json.dumps(export_request([DONE], HERE)).encode())
    (part,) = request.resource_spans
    told = attributes(part.resource.attributes)
    assert (told["service.name"], told["zone"], told["telemetry.sdk.name"]) == ("billing", "a", "stratum")
    assert part.scope_spans[0].scope.name == "stratum"
    assert part.schema_url.endswith("/1.41.0")


def test_neither_inputs_nor_outputs_nor_reasons_are_sent_unless_that_is_asked_for() -> None:
    failed = replace(CALL, error="it said whispered words", error_code="parse_failure", output=None)
    for record in (CALL, failed):
        assert "whispered" not in json.dumps(export_request([record], HERE))
    asked = replace(HERE, content=True)
    span, told = one(CALL, asked)
    assert told["stratum.inputs"] == '{"note": "whispered words", "letter": "(opaque)"}'
    assert told["stratum.output"] == '{"tone": "whispered"}'
    assert attributes(span.events[0].attributes)["stratum.attempt.reason"] == FIRST.reason
    assert one(failed, asked)[1]["stratum.error"] == "it said whispered words"


def test_content_is_sent_in_bounded_pieces() -> None:
    long = replace(CALL, inputs={"note": "x" * 50_000}, attempts=(replace(FIRST, reason="y" * 50_000),))
    span, told = one(long, replace(HERE, content=True))
    assert len(str(told["stratum.inputs"])) == 16_000
    assert len(str(attributes(span.events[0].attributes)["stratum.attempt.reason"])) == 16_000


def test_a_failed_call_is_an_error_with_its_stable_code() -> None:
    lost = replace(
        FIRST,
        outcome="failed",
        error_code="transport_error",
        response_model="",
        finish="",
        input_tokens=None,
        output_tokens=None,
    )
    failed = replace(
        CALL,
        error="no",
        error_code="transport_error",
        output=None,
        attempts=(lost,),
        cost_usd=None,
        cost_unknown="nobody knows",
    )
    span, told = one(failed)
    assert (span.status.code, span.status.message) == (Status.STATUS_CODE_ERROR, "transport_error")
    assert told["error.type"] == "transport_error"
    assert told["stratum.cost_unknown"] == "nobody knows"
    assert "stratum.cost_usd" not in told
    assert not any(name.startswith(("gen_ai.usage", "gen_ai.response")) for name in told)
    assert attributes(span.events[0].attributes)["error.type"] == "transport_error"


def test_only_what_this_process_sent_counts_as_usage() -> None:
    resumed = replace(CALL, attempts=(replace(FIRST, replayed=True), SECOND))
    span, told = one(resumed)
    assert (told["gen_ai.usage.input_tokens"], told["stratum.charged_usd"]) == (100, 0.001)
    assert attributes(span.events[0].attributes)["stratum.attempt.replayed"] is True


def test_calls_that_were_replayed_whole_or_never_made_are_no_news() -> None:
    assert is_news(CALL)
    assert is_news(replace(CALL, attempts=(), cache_hit=True))
    assert is_news(replace(CALL, attempts=(), error_code="precondition_failed"))
    assert not is_news(replace(CALL, attempts=(replace(FIRST, replayed=True),)))
    assert not is_news(replace(CALL, attempts=(), error_code="run_stopped"))


def test_a_flow_inside_a_flow_is_its_child_and_a_resumed_walk_a_root_of_the_same_trace() -> None:
    inner = FlowScope(flow_id="flow_2", name="part", started_at_ns=5, parent=FLOW)
    outer_span, inner_span, call = sent(DONE, replace(DONE, scope=inner), replace(CALL, flow=inner))
    assert inner_span.parent_span_id == outer_span.span_id
    assert call.parent_span_id == inner_span.span_id
    assert call.trace_id == inner_span.trace_id == outer_span.trace_id
    again, _ = one(replace(DONE, scope=replace(FLOW, started_at_ns=9)))
    assert again.trace_id == outer_span.trace_id
    assert again.span_id != outer_span.span_id


def test_a_call_outside_any_flow_is_a_trace_of_its_own() -> None:
    first, second = sent(replace(CALL, flow=None), replace(CALL, flow=None))
    assert first.parent_span_id == b""
    assert first.trace_id != second.trace_id


def test_a_question_to_a_person_is_a_span_with_its_review() -> None:
    asked = TraceRecord(
        kind="human", function="await_human", path="ok", flow=FLOW, review_id="review_1", started_at_ns=1,
        duration_ms=1.0, cost_usd=Decimal(0),
    )  # fmt: skip
    span, told = one(asked)
    assert (span.name, span.kind) == ("await_human", Span.SPAN_KIND_INTERNAL)
    assert told["stratum.review_id"] == "review_1"
    assert not any(name.startswith("gen_ai") for name in told)


@pytest.mark.parametrize(
    ("model", "provider", "name"),
    [
        ("anthropic/claude-sonnet-4", "anthropic", "claude-sonnet-4"),
        ("gemini/gemini-2.5-pro", "gcp.gemini", "gemini-2.5-pro"),
        ("bedrock/us.meta/llama", "aws.bedrock", "us.meta/llama"),
        ("gpt-4.1", "openai", "gpt-4.1"),
        ("mystery", "_OTHER", "mystery"),
        ("offline", "stratum", "offline"),
    ],
)
def test_providers_are_named_as_the_conventions_name_them(model: str, provider: str, name: str) -> None:
    _, told = one(replace(CALL, model=model))
    assert (told["gen_ai.provider.name"], told["gen_ai.request.model"]) == (provider, name)


def test_the_offline_model_is_no_client_of_anybody() -> None:
    assert one(replace(CALL, model="offline"))[0].kind == Span.SPAN_KIND_INTERNAL


_TEXT = st.text(st.characters(codec=None), max_size=20)
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | _TEXT,
    lambda part: st.lists(part, max_size=3) | st.dictionaries(_TEXT, part, max_size=3),
    max_leaves=6,
)


@settings(max_examples=60, deadline=None)
@given(text=_TEXT, value=_JSON)
def test_whatever_a_record_holds_the_official_definitions_read_it(text: str, value: JsonValue) -> None:
    record = replace(
        CALL, inputs={"note": value}, output=text, error=text, path=text,
        attempts=(replace(FIRST, reason=text, response_model=text),),
    )  # fmt: skip
    span, _ = one(record, replace(HERE, content=True))
    assert span.events[0].name == "stratum.attempt"
