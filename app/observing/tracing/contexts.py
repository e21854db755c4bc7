"""W3C trace context of records: whose trace a record belongs to, and the headers that say so."""

from __future__ import annotations

from opentelemetry import trace
from opentelemetry.trace import Span, SpanContext
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from app.messages import Headers

NAMES = frozenset({"traceparent", "tracestate"})
_propagator = TraceContextTextMapPropagator()


def bears_trace(headers: Headers) -> bool:
    """Whether a record has a trace of its own, valid or not."""
    return any(name.lower() in NAMES for name, _ in headers)


def context_of(headers: Headers) -> SpanContext | None:
    """The span that a record came from; None where its headers name none that is valid."""
    carrier = {
        name.lower(): value.decode("ascii", "replace")
        for name, value in headers
        if value is not None and name.lower() in NAMES
    }
    if not carrier:
        return None
    context = trace.get_current_span(_propagator.extract(carrier)).get_span_context()
    return context if context.is_valid and context.is_remote else None


def headers_of(span: Span) -> list[tuple[str, bytes | None]]:
    """The record headers that name `span`."""
    carrier: dict[str, str] = {}
    _propagator.inject(carrier, trace.set_span_in_context(span))
    return [(name, value.encode("ascii")) for name, value in carrier.items()]
