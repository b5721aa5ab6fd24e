"""Where spans go, from the standard variables: nothing is sent unless an endpoint is named."""

from __future__ import annotations

import pytest

from stratum_core import configure
from stratum_core.exporters import OtlpExporter, OtlpSettings

HERE = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://localhost:4318"}


def read(**more: str) -> OtlpSettings:
    settings = OtlpSettings.from_environ(HERE | more)
    assert settings is not None
    return settings


@pytest.mark.parametrize(
    "environ",
    [
        {},
        {"OTEL_SERVICE_NAME": "billing"},
        {"OTEL_EXPORTER_OTLP_ENDPOINT": "  "},
        HERE | {"OTEL_SDK_DISABLED": "true"},
        HERE | {"OTEL_TRACES_EXPORTER": "none"},
    ],
)
def test_nothing_is_exported_unless_the_environment_names_an_endpoint(environ: dict[str, str]) -> None:
    assert OtlpSettings.from_environ(environ) is None
    assert OtlpExporter.from_environ(environ) is None


def test_a_program_gets_its_tracer_from_the_environment_in_one_call() -> None:
    exporter = OtlpExporter.from_environ(HERE)
    assert exporter is not None
    with configure(tracer=exporter):
        pass
    exporter.close()
    assert exporter.dropped == 0


def test_the_general_endpoint_gets_the_path_of_traces_and_the_special_one_is_taken_as_it_is() -> None:
    assert read().endpoint == "http://localhost:4318/v1/traces"
    slash = read(OTEL_EXPORTER_OTLP_ENDPOINT="https://collect.example/otlp/")
    assert slash.endpoint == "https://collect.example/otlp/v1/traces"
    own = read(OTEL_EXPORTER_OTLP_TRACES_ENDPOINT="http://other:1234/in?key=1")
    assert (own.endpoint, own.place) == ("http://other:1234/in?key=1", "http://other:1234")


@pytest.mark.parametrize(
    "address",
    ["localhost:4318", "ftp://localhost", "http://", "http://[::1", "http://host:port", "file:///etc/passwd"],
)
def test_an_endpoint_that_is_no_http_address_exports_nothing_and_says_so(
    address: str, caplog: pytest.LogCaptureFixture
) -> None:
    assert OtlpSettings.from_environ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": address}) is None
    assert "no spans are sent" in caplog.text


def test_an_endpoint_with_a_password_is_refused_and_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    assert OtlpSettings.from_environ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://me:hush@localhost"}) is None
    assert "HEADERS" in caplog.text
    assert "hush" not in caplog.text


def test_headers_are_decoded_and_those_for_traces_stand_before_the_general_ones() -> None:
    assert read(OTEL_EXPORTER_OTLP_HEADERS="api-key=a%20b, x-team = red ").headers == {
        "api-key": "a b",
        "x-team": "red",
    }
    both = read(OTEL_EXPORTER_OTLP_HEADERS="a=1", OTEL_EXPORTER_OTLP_TRACES_HEADERS="b=2")
    assert both.headers == {"b": "2"}


@pytest.mark.parametrize(
    "headers", ["bad name=hush", "x=hush%0d%0aevil: 1", "content-length=5", "x=hüsh", "no-equals", "=hush"]
)
def test_a_header_that_cannot_be_sent_is_left_out_and_its_value_not_logged(
    headers: str, caplog: pytest.LogCaptureFixture
) -> None:
    assert read(OTEL_EXPORTER_OTLP_HEADERS=f"ok=1,{headers}").headers == {"ok": "1"}
    assert caplog.records
    assert "hush" not in caplog.text


def test_headers_are_not_in_the_text_of_the_settings() -> None:
    assert "hush" not in repr(read(OTEL_EXPORTER_OTLP_HEADERS="api-key=hush"))


def test_the_service_name_comes_from_its_variable_then_from_the_resource_then_is_stratum() -> None:
    assert read().service_name == "stratum"
    named = read(OTEL_RESOURCE_ATTRIBUTES="service.name=billing,deployment.environment=prod")
    assert (named.service_name, named.resource) == ("billing", {"deployment.environment": "prod"})
    assert (
        read(OTEL_SERVICE_NAME="shop", OTEL_RESOURCE_ATTRIBUTES="service.name=billing").service_name == "shop"
    )


@pytest.mark.parametrize(
    ("said", "content"),
    [("", False), ("false", False), ("no_content", False), ("true", True), ("SPAN_ONLY", True)],
)
def test_content_is_exported_only_when_the_environment_says_so(said: str, *, content: bool) -> None:
    assert read(OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT=said).content is content


def test_sizes_and_times_are_read_and_a_wrong_one_is_said_and_left_out(
    caplog: pytest.LogCaptureFixture,
) -> None:
    found = read(
        OTEL_EXPORTER_OTLP_TIMEOUT="2500",
        OTEL_BSP_MAX_QUEUE_SIZE="10",
        OTEL_BSP_MAX_EXPORT_BATCH_SIZE="-3",
        OTEL_BSP_SCHEDULE_DELAY="soon",
        OTEL_EXPORTER_OTLP_CERTIFICATE="/etc/ca.pem",
    )
    assert (found.timeout_ms, found.queue_size, found.batch_size, found.delay_ms) == (2_500, 10, 512, 5_000)
    assert found.certificate == "/etc/ca.pem"
    assert len(caplog.records) == 2


def test_another_protocol_is_said_and_json_is_sent(caplog: pytest.LogCaptureFixture) -> None:
    assert read(OTEL_EXPORTER_OTLP_PROTOCOL="grpc").endpoint
    assert "http/json" in caplog.text
