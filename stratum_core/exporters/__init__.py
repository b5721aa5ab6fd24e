"""Exporters: what is traced, sent to where people look at traces. OTLP over HTTP, without the OpenTelemetry SDK."""

from stratum_core.exporters._exporter import OtlpExporter
from stratum_core.exporters._settings import OtlpSettings

__all__ = ["OtlpExporter", "OtlpSettings"]
