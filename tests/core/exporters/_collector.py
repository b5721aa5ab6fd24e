"""A collector on loopback: a real HTTP endpoint that answers as told and reads spans with the official definitions."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Self, TypeAlias, cast

from google.protobuf.json_format import Parse
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from stratum_core.exporters import OtlpSettings

__all__ = ["Collector", "Reply", "Told", "attributes", "parsed", "spans_of"]

Told: TypeAlias = str | bool | int | float | list[str]
_IDS = frozenset({"traceId", "spanId", "parentSpanId"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """How one request is answered."""

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    body: bytes = b"{}"
    after: threading.Event | None = None
    """Answered only once this is set."""


class Collector:
    """Answers each request with the next reply, and with 200 when none is left."""

    def __init__(self, replies: Sequence[Reply] = ()) -> None:
        self.replies = list(replies)
        self.bodies: list[bytes] = []
        self.headers: list[Mapping[str, str]] = []
        self.paths: list[str] = []
        self.arrived = threading.Semaphore(0)
        collector = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                collector.bodies.append(body)
                collector.headers.append({name.lower(): value for name, value in self.headers.items()})
                collector.paths.append(self.path)
                collector.arrived.release()
                reply = collector.replies.pop(0) if collector.replies else Reply()
                if reply.after is not None:
                    reply.after.wait(10)
                self.send_response(reply.status)
                for name, value in reply.headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(reply.body)))
                self.end_headers()
                self.wfile.write(reply.body)

            def log_message(self, format: str, *args: object) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}/v1/traces"

    def settings(self, **changes: int) -> OtlpSettings:
        """Return settings that lead here; a record waits for nothing but `flush`, `close` or a full batch."""
        return OtlpSettings(
            endpoint=self.endpoint,
            delay_ms=changes.get("delay_ms", 60_000),
            batch_size=changes.get("batch_size", 512),
            queue_size=changes.get("queue_size", 2_048),
            timeout_ms=changes.get("timeout_ms", 10_000),
        )

    @property
    def spans(self) -> list[Span]:
        """Every span received, in order."""
        return [span for body in self.bodies for span in spans_of(parsed(body))]


def parsed(body: bytes) -> ExportTraceServiceRequest:
    """Read a body with the official definitions; anything they do not know is an error.

    OTLP's JSON has ids in hex where the JSON of Protocol Buffers has base64; nothing else differs.
    """

    def with_base64_ids(value: object) -> object:
        if isinstance(value, dict):
            entries = cast("dict[str, object]", value)
            return {
                name: base64.b64encode(bytes.fromhex(str(part))).decode()
                if name in _IDS
                else with_base64_ids(part)
                for name, part in entries.items()
            }
        if isinstance(value, list):
            return [with_base64_ids(part) for part in cast("list[object]", value)]
        return value

    told = json.dumps(with_base64_ids(json.loads(body)))
    return Parse(told, ExportTraceServiceRequest(), ignore_unknown_fields=False)


def spans_of(request: ExportTraceServiceRequest) -> list[Span]:
    """Return the spans of a request."""
    return [span for part in request.resource_spans for scope in part.scope_spans for span in scope.spans]


def attributes(pairs: Sequence[KeyValue]) -> dict[str, Told]:
    """Return attributes as a mapping, each of the type it was sent as."""
    return {pair.key: _told(pair.value) for pair in pairs}


def _told(value: AnyValue) -> Told:
    match value.WhichOneof("value"):
        case "bool_value":
            return value.bool_value
        case "int_value":
            return value.int_value
        case "double_value":
            return value.double_value
        case "array_value":
            return [part.string_value for part in value.array_value.values]
        case _:
            return value.string_value
