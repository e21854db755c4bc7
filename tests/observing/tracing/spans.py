"""The SDK of OpenTelemetry with its exporter in memory."""

from __future__ import annotations

from collections.abc import Mapping

from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
PARENT = f"00-{TRACE}-{SPAN}-01"
"""A caller's `traceparent`."""


class Spans:
    """Every span that has ended, in order."""

    def __init__(self) -> None:
        self._exporter = InMemorySpanExporter()
        self.provider = TracerProvider(shutdown_on_exit=False)
        self.provider.add_span_processor(SimpleSpanProcessor(self._exporter))
        self.tracer = self.provider.get_tracer("test")

    @property
    def all(self) -> tuple[ReadableSpan, ...]:
        return self._exporter.get_finished_spans()

    def named(self, name: str) -> list[ReadableSpan]:
        return [span for span in self.all if span.name == name]

    def one(self, name: str) -> ReadableSpan:
        """The only span of that name."""
        (span,) = self.named(name)
        return span


def attributes_of(span: ReadableSpan) -> Mapping[str, object]:
    return dict(span.attributes or {})


def ids_of(span: ReadableSpan) -> tuple[str, str]:
    """Trace id and span id, as `traceparent` has them."""
    context = span.get_span_context()
    assert context is not None
    return f"{context.trace_id:032x}", f"{context.span_id:016x}"


def parent_of(span: ReadableSpan) -> str | None:
    return None if span.parent is None else f"{span.parent.span_id:016x}"


def links_of(span: ReadableSpan) -> list[str]:
    """Span ids of what it is linked to."""
    return [f"{link.context.span_id:016x}" for link in span.links]


def events_of(span: ReadableSpan) -> list[tuple[str, Mapping[str, object]]]:
    return [(event.name, dict(event.attributes or {})) for event in span.events]
