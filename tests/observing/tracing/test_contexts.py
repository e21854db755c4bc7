"""Trace context in the headers of records."""

from __future__ import annotations

from app.messages import Headers
from app.observing.tracing.contexts import bears_trace, context_of, headers_of
from tests.observing.tracing.spans import PARENT, SPAN, TRACE, Spans


def test_the_headers_of_a_span_lead_back_to_it(spans: Spans) -> None:
    span = spans.tracer.start_span("any")
    context = context_of(headers_of(span))
    assert context is not None
    assert context.span_id == span.get_span_context().span_id
    span.end()


def test_a_record_names_its_sender() -> None:
    context = context_of([("other", None), ("Traceparent", PARENT.encode()), ("tracestate", b"a=1")])
    assert context is not None
    assert (f"{context.trace_id:032x}", f"{context.span_id:016x}") == (TRACE, SPAN)
    assert context.trace_state.get("a") == "1"


def test_what_is_not_valid_names_nobody() -> None:
    unusable: list[Headers] = [[], [("traceparent", None)], [("traceparent", b"\xff")], [("traceparent", b"00-0-0-00")]]
    for headers in unusable:
        assert context_of(headers) is None


def test_a_current_span_is_not_mistaken_for_the_sender(spans: Spans) -> None:
    with spans.tracer.start_as_current_span("current"):
        assert context_of([("traceparent", b"nonsense")]) is None


def test_any_trace_header_is_a_trace_of_its_own() -> None:
    assert bears_trace([("TraceState", b"a=1")])
    assert not bears_trace([("trace", b"a=1")])
