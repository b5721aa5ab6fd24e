"""Trace records as OTLP/JSON: a flow is a root span, a call its child, an attempt an event of the call.

Names follow the OpenTelemetry semantic conventions for generative AI, version 1.41 (`gen_ai.*`); what they have no name
for is `stratum.*`. The JSON form is that of the OTLP specification: ids in hex, 64-bit integers as text, enums as
numbers.
"""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Iterable, Mapping, Sequence
from importlib.metadata import version

from stratum_core.contracts import JsonValue, held
from stratum_core.exporters._settings import OtlpSettings
from stratum_core.llm import OFFLINE_MODEL, provider_of
from stratum_core.money import to_usd
from stratum_core.trace import AttemptRecord, FlowRecord, FlowScope, TraceRecord

__all__ = ["export_request", "is_news"]

_SCHEMA = "https://opentelemetry.io/schemas/1.41.0"
_INTERNAL, _CLIENT = 1, 3
_ERROR = 2
_CONTENT_CHARACTERS = 16_000
"""How much of one input, output or reason is sent, where content is sent at all."""

_PROVIDERS: Mapping[str, str] = {
    "azure": "azure.ai.openai",
    "azure_ai": "azure.ai.inference",
    "bedrock": "aws.bedrock",
    "gemini": "gcp.gemini",
    "mistral": "mistral_ai",
    "vertex_ai": "gcp.vertex_ai",
    "watsonx": "ibm.watsonx.ai",
    "xai": "x_ai",
}
"""Names the conventions give to providers, where they differ from the prefix of a model id."""

_Value = str | bool | int | float | Sequence[str]


def export_request(
    records: Iterable[TraceRecord | FlowRecord], settings: OtlpSettings
) -> dict[str, JsonValue]:
    """Return records as an ExportTraceServiceRequest in JSON form."""
    resource: dict[str, _Value] = {
        **settings.resource,
        "service.name": settings.service_name,
        "telemetry.sdk.name": "stratum",
        "telemetry.sdk.language": "python",
        "telemetry.sdk.version": _version(),
    }
    spans: list[JsonValue] = [
        _flow_span(record) if isinstance(record, FlowRecord) else _call_span(record, content=settings.content)
        for record in records
    ]
    return {
        "resourceSpans": [
            {
                "resource": {"attributes": _attributes(resource)},
                "scopeSpans": [
                    {
                        "scope": {"name": "stratum", "version": _version()},
                        "spans": spans,
                        "schemaUrl": _SCHEMA,
                    }
                ],
                "schemaUrl": _SCHEMA,
            }
        ]
    }


def is_news(record: TraceRecord) -> bool:
    """Return whether a record tells of something this process did.

    A call that was replayed whole was exported by the process that made it, and a call that the end of the run kept
    from being made is no call.
    """
    return not record.replayed and not (record.error_code == "run_stopped" and not record.attempts)


def _flow_span(record: FlowRecord) -> dict[str, JsonValue]:
    """Return the span of one walk of a flow."""
    scope = record.scope
    found: dict[str, _Value] = {
        "gen_ai.operation.name": "invoke_workflow",
        "gen_ai.workflow.name": scope.name,
        "stratum.flow_id": scope.flow_id,
        "stratum.state": record.state,
        "stratum.charged_usd": float(to_usd(record.charged_nusd)),
        "stratum.simulated": record.simulated,
    }
    return _span(
        f"invoke_workflow {scope.name}",
        kind=_INTERNAL,
        ids=(_trace_id(scope), _flow_span_id(scope), _flow_span_id(scope.parent) if scope.parent else ""),
        started_at_ns=scope.started_at_ns,
        duration_ms=record.duration_ms,
        attributes=found,
        error_code=record.error_code,
    )


def _call_span(record: TraceRecord, *, content: bool) -> dict[str, JsonValue]:
    """Return the span of one call or question."""
    flow = record.flow
    asks_model = record.kind == "infer"
    own = [attempt for attempt in record.attempts if not attempt.replayed]
    span = _span(
        f"chat {_model(record.model)}" if asks_model else record.function,
        kind=_CLIENT if asks_model and record.model != OFFLINE_MODEL else _INTERNAL,
        ids=(
            secrets.token_hex(16) if flow is None else _trace_id(flow),
            secrets.token_hex(8),
            "" if flow is None else _flow_span_id(flow),
        ),
        started_at_ns=record.started_at_ns,
        duration_ms=record.duration_ms,
        attributes={
            **(_model_attributes(record, own) if asks_model else {}),
            **_stratum_attributes(record),
            **(_content(record) if content else {}),
        },
        error_code=record.error_code,
    )
    return {**span, "events": [_event(attempt, content=content) for attempt in record.attempts]}


def _model_attributes(record: TraceRecord, own: Sequence[AttemptRecord]) -> dict[str, _Value]:
    """Return what the conventions say of a call, with the tokens of the attempts this process made."""
    answered = [attempt for attempt in own if attempt.response_model]
    found: dict[str, _Value] = {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": _provider(record.model),
        "gen_ai.request.model": _model(record.model),
        "gen_ai.output.type": "json",
    }
    if answered:
        found["gen_ai.response.model"] = answered[-1].response_model
        found["gen_ai.response.finish_reasons"] = [attempt.finish for attempt in answered]
    if any(attempt.input_tokens is not None for attempt in own):
        found["gen_ai.usage.input_tokens"] = sum(attempt.input_tokens or 0 for attempt in own)
        found["gen_ai.usage.output_tokens"] = sum(attempt.output_tokens or 0 for attempt in own)
        found["gen_ai.usage.cache_read.input_tokens"] = sum(attempt.cache_read_tokens for attempt in own)
        found["gen_ai.usage.cache_creation.input_tokens"] = sum(attempt.cache_write_tokens for attempt in own)
    return found


def _stratum_attributes(record: TraceRecord) -> dict[str, _Value]:
    """Return what the conventions have no name for."""
    own_nusd = sum(attempt.charged_nusd for attempt in record.attempts if not attempt.replayed)
    found: dict[str, _Value] = {
        "stratum.function": record.function,
        "stratum.path": record.path,
        "stratum.flow_id": record.flow_id or "",
        "stratum.function_hash": record.function_hash,
        "stratum.template_hash": record.template_hash,
        "stratum.prompt_hash": record.prompt_hash,
        "stratum.contract_hash": record.contract_hash,
        "stratum.schema_enforcement": record.schema_enforcement,
        "stratum.review_id": record.review_id or "",
        "stratum.cost_unknown": record.cost_unknown,
        "stratum.cache_hit": record.cache_hit,
        "stratum.simulated": record.simulated,
        "stratum.charged_usd": float(to_usd(own_nusd)),
        **{f"stratum.attempts.{name}": count for name, count in record.attempts_by_class.items()},
    }
    if record.cost_usd is not None:
        found["stratum.cost_usd"] = float(to_usd(own_nusd))
    return {name: value for name, value in found.items() if value != ""}


def _content(record: TraceRecord) -> dict[str, _Value]:
    """Return inputs, output and error as text; their opaque parts were never in the record."""
    found = {
        "stratum.inputs": _shown(record.inputs),
        "stratum.output": "" if record.output is None else _shown(record.output),
        "stratum.error": record.error[:_CONTENT_CHARACTERS],
    }
    return {name: value for name, value in found.items() if value}


def _event(attempt: AttemptRecord, *, content: bool) -> dict[str, JsonValue]:
    """Return the event of one attempt."""
    found: dict[str, _Value] = {
        "gen_ai.request.model": _model(attempt.model),
        "gen_ai.provider.name": _provider(attempt.model),
        "stratum.attempt.path": attempt.path,
        "stratum.attempt.number": attempt.number,
        "stratum.attempt.made_for": attempt.made_for,
        "stratum.attempt.outcome": attempt.outcome,
        "stratum.attempt.duration_ms": attempt.duration_ms,
        "stratum.attempt.replayed": attempt.replayed,
        "stratum.attempt.charged_usd": float(to_usd(attempt.charged_nusd)),
        "stratum.attempt.cost_known": attempt.cost_known,
    }
    if attempt.error_code:
        found["error.type"] = attempt.error_code
    if attempt.response_model:
        found["gen_ai.response.model"] = attempt.response_model
    if attempt.input_tokens is not None and attempt.output_tokens is not None:
        found["gen_ai.usage.input_tokens"] = attempt.input_tokens
        found["gen_ai.usage.output_tokens"] = attempt.output_tokens
    if content and attempt.reason:
        found["stratum.attempt.reason"] = attempt.reason[:_CONTENT_CHARACTERS]
    return {
        "timeUnixNano": str(attempt.started_at_ns),
        "name": "stratum.attempt",
        "attributes": _attributes(found),
    }


def _span(
    name: str,
    *,
    kind: int,
    ids: tuple[str, str, str],
    started_at_ns: int,
    duration_ms: float,
    attributes: Mapping[str, _Value],
    error_code: str,
) -> dict[str, JsonValue]:
    """Return a span; `ids` are those of the trace, the span and its parent."""
    trace_id, span_id, parent_id = ids
    told = {**attributes, "error.type": error_code} if error_code else attributes
    span: dict[str, JsonValue] = {
        "traceId": trace_id,
        "spanId": span_id,
        "name": name,
        "kind": kind,
        "startTimeUnixNano": str(started_at_ns),
        "endTimeUnixNano": str(started_at_ns + max(0, round(duration_ms * 1_000_000))),
        "attributes": _attributes(told),
        "status": {"code": _ERROR, "message": error_code} if error_code else {},
    }
    return {**span, "parentSpanId": parent_id} if parent_id else span


def _attributes(values: Mapping[str, _Value]) -> list[JsonValue]:
    """Return attributes in OTLP's form."""
    return [{"key": key, "value": _any_value(value)} for key, value in values.items()]


def _any_value(value: _Value) -> dict[str, JsonValue]:
    """Return one value in OTLP's form; 64-bit integers are text, because JSON numbers cannot hold them."""
    match value:
        case bool():
            return {"boolValue": value}
        case int():
            return {"intValue": str(value)}
        case float():
            return {"doubleValue": value}
        case str():
            return {"stringValue": _sendable(value)}
        case _:
            return {"arrayValue": {"values": [{"stringValue": _sendable(part)} for part in value]}}


def _sendable(text: str) -> str:
    """Return text that can be written as UTF-8: a lone half of a character is replaced."""
    return text.encode("utf-8", "replace").decode()


def _shown(value: JsonValue) -> str:
    """Return a value as JSON text of bounded length."""
    return json.dumps(held(value), ensure_ascii=False)[:_CONTENT_CHARACTERS]


def _trace_id(scope: FlowScope) -> str:
    """Return the trace of a flow: the same for every process that walks it."""
    return hashlib.sha256(f"trace {scope.root.flow_id}".encode()).hexdigest()[:32]


def _flow_span_id(scope: FlowScope) -> str:
    """Return the span of one walk of a flow: the same for whoever tells of the flow or of its calls."""
    return hashlib.sha256(f"span {scope.flow_id} {scope.started_at_ns}".encode()).hexdigest()[:16]


def _provider(model: str) -> str:
    """Return the provider's name in the conventions, for a model id as litellm spells it."""
    if model == OFFLINE_MODEL:
        return "stratum"
    named = provider_of(model)
    return _PROVIDERS.get(named, named) or "_OTHER"


def _model(model: str) -> str:
    """Return the model's own name, without its provider's."""
    return model.partition("/")[2] or model


def _version() -> str:
    return version("stratum-runtime")
