"""Where spans go and what may be in them, read from the standard OpenTelemetry variables."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import SplitResult, unquote, urlsplit

__all__ = ["OtlpSettings"]

_log = logging.getLogger("stratum.otlp")
_PREFIX = "OTEL_EXPORTER_OTLP_"
_CONTENT = "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT"
_CONTENT_YES = frozenset({"true", "span_only", "span_and_event"})
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_OWN_HEADERS = frozenset({"content-type", "content-length", "host", "connection", "transfer-encoding"})


@dataclass(frozen=True, slots=True, kw_only=True)
class OtlpSettings:
    """One place to send spans to."""

    endpoint: str
    """The whole address, its path included: `http://localhost:4318/v1/traces`."""
    headers: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)
    """Sent with every request; they often hold a key, so nothing prints them."""
    certificate: str = ""
    """A file of certificates to trust for https; empty: those of the system."""
    service_name: str = "stratum"
    resource: Mapping[str, str] = field(default_factory=dict[str, str])
    """More attributes of the program the spans come from."""
    content: bool = False
    """Whether inputs, outputs and reasons are sent. Opaque parts never are."""
    timeout_ms: int = 10_000
    """How long one request may take."""
    queue_size: int = 2_048
    """Records that wait to be sent; more are dropped and counted."""
    batch_size: int = 512
    """Spans in one request."""
    delay_ms: int = 5_000
    """How long a record waits for others to be sent with."""

    @property
    def place(self) -> str:
        """The endpoint's scheme and host, for messages: its path and query may hold a key."""
        parts = urlsplit(self.endpoint)
        return f"{parts.scheme}://{parts.netloc}"

    @classmethod
    def from_environ(cls, environ: Mapping[str, str]) -> OtlpSettings | None:
        """Return the settings the environment asks for, or None when it asks for no export.

        An endpoint has to be named for anything to be sent. What cannot be understood is logged and left out: telemetry
        that is set up wrongly does not stop a run.
        """
        if environ.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
            return None
        if environ.get("OTEL_TRACES_EXPORTER", "").strip().lower() == "none":
            return None
        endpoint = _endpoint(environ)
        if endpoint is None:
            return None
        resource = _pairs(environ.get("OTEL_RESOURCE_ATTRIBUTES", ""), "OTEL_RESOURCE_ATTRIBUTES")
        named = resource.pop("service.name", "")
        return cls(
            endpoint=endpoint,
            headers=_headers(environ),
            certificate=_of_traces(environ, "CERTIFICATE"),
            service_name=environ.get("OTEL_SERVICE_NAME", "").strip() or named or "stratum",
            resource=resource,
            content=environ.get(_CONTENT, "").strip().lower() in _CONTENT_YES,
            timeout_ms=_number(_of_traces(environ, "TIMEOUT"), f"{_PREFIX}TIMEOUT", 10_000),
            queue_size=_size(environ, "OTEL_BSP_MAX_QUEUE_SIZE", 2_048),
            batch_size=_size(environ, "OTEL_BSP_MAX_EXPORT_BATCH_SIZE", 512),
            delay_ms=_size(environ, "OTEL_BSP_SCHEDULE_DELAY", 5_000),
        )


def _endpoint(environ: Mapping[str, str]) -> str | None:
    """Return the address spans go to: one for traces as it is, the general one with their path appended."""
    own = environ.get(f"{_PREFIX}TRACES_ENDPOINT", "").strip()
    general = environ.get(f"{_PREFIX}ENDPOINT", "").strip()
    if not own and not general:
        return None
    found = own or f"{general.rstrip('/')}/v1/traces"
    parts = _split(found)
    if parts is None or parts.scheme not in {"http", "https"} or not parts.hostname:
        name = f"{_PREFIX}TRACES_ENDPOINT" if own else f"{_PREFIX}ENDPOINT"
        _log.warning("%s is no address that starts with http:// or https://; no spans are sent", name)
        return None
    if parts.username or parts.password:
        _log.warning(
            "the OTLP endpoint holds a name or password; put it into %sHEADERS; no spans are sent", _PREFIX
        )
        return None
    protocol = _of_traces(environ, "PROTOCOL").lower()
    if protocol not in {"", "http/json", "http/protobuf"}:
        _log.warning("%sPROTOCOL is %r; spans are sent as http/json", _PREFIX, protocol)
    return found


def _split(address: str) -> SplitResult | None:
    """Return the parts of an address, or None when it has none."""
    try:
        parts = urlsplit(address)
        _ = parts.port  # read, because only this checks it
    except ValueError:
        return None
    return parts


def _of_traces(environ: Mapping[str, str], name: str) -> str:
    """Return a variable of the exporter: the one for traces stands before the general one."""
    return (environ.get(f"{_PREFIX}TRACES_{name}", "") or environ.get(f"{_PREFIX}{name}", "")).strip()


def _headers(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the headers to send; a wrong one is left out, and its value is not logged."""
    found = _pairs(_of_traces(environ, "HEADERS"), f"{_PREFIX}HEADERS")
    kept: dict[str, str] = {}
    for name, value in found.items():
        fits = _HEADER_NAME.fullmatch(name) and name.lower() not in _OWN_HEADERS
        if fits and value.isascii() and value.isprintable():
            kept[name] = value
        else:
            _log.warning("%sHEADERS: header %r cannot be sent", _PREFIX, name[:40])
    return kept


def _pairs(text: str, variable: str) -> dict[str, str]:
    """Return `a=1,b=2` as pairs; values are percent-encoded."""
    found: dict[str, str] = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        name, equals, value = part.partition("=")
        if not equals or not name.strip():
            _log.warning("%s: a part without `name=value` is left out", variable)
            continue
        found[unquote(name.strip())] = unquote(value.strip())
    return found


def _size(environ: Mapping[str, str], name: str, default: int) -> int:
    return _number(environ.get(name, ""), name, default)


def _number(text: str, name: str, default: int) -> int:
    """Return a whole number above zero, or the default."""
    if not text.strip():
        return default
    if text.strip().isdecimal() and 0 < int(text) < 10**9:
        return int(text)
    _log.warning("%s is %r, not a whole number above zero; %d is used", name, text[:40], default)
    return default
