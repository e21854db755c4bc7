"""The SDK of OpenTelemetry, set up as its own environment variables say. Imported only where it is asked for."""

from __future__ import annotations

from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import OTELResourceDetector, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, ConsoleSpanExporter, SpanExporter

from app import __version__
from app.observing.tracing.exporters import Exporter


def make_provider(exporter: Exporter, instance: str) -> TracerProvider:
    """A provider that sends spans where OTEL_EXPORTER_OTLP_* say, or prints them. It becomes the process's, so that
    consumers may trace by themselves; where the process has one already, that one is used.

    Named `demijohn` unless OTEL_SERVICE_NAME or OTEL_RESOURCE_ATTRIBUTES say otherwise.
    """
    present = trace.get_tracer_provider()
    if isinstance(present, TracerProvider):
        return present
    own = {"service.name": "demijohn", "service.version": __version__, "service.instance.id": instance}
    given = OTELResourceDetector().detect().attributes
    provider = TracerProvider(resource=Resource.create({**own, **given}), shutdown_on_exit=False)
    chosen: SpanExporter = OTLPSpanExporter() if exporter == "otlp" else ConsoleSpanExporter()
    provider.add_span_processor(BatchSpanProcessor(chosen))
    trace.set_tracer_provider(provider)
    return provider
