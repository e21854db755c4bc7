"""The span of a request."""

from __future__ import annotations

from opentelemetry import trace
from opentelemetry.trace import SpanKind, StatusCode

from app.observing.tracing.requests import RequestSpans
from tests.observing.tracing.spans import PARENT, SPAN, TRACE, Spans, attributes_of, ids_of, parent_of


def test_it_goes_on_from_the_caller_and_is_current_meanwhile(spans: Spans) -> None:
    with RequestSpans(spans.tracer).serving(
        "/produce/{topic}", "/produce/a", "https", {"traceparent": PARENT}
    ) as request:
        assert trace.get_current_span().get_span_context().is_valid
        request.answered(200)
    assert not trace.get_current_span().get_span_context().is_valid
    span = spans.one("POST /produce/{topic}")
    assert (span.kind, ids_of(span)[0], parent_of(span)) == (SpanKind.SERVER, TRACE, SPAN)
    assert attributes_of(span) == {
        "http.request.method": "POST",
        "http.route": "/produce/{topic}",
        "url.path": "/produce/a",
        "url.scheme": "https",
        "http.response.status_code": 200,
    }
    assert span.status.status_code is StatusCode.UNSET


def test_only_what_the_service_could_not_do_is_an_error(spans: Spans) -> None:
    requests = RequestSpans(spans.tracer)
    for status in (422, 503):
        with requests.serving("/produce", "/produce", "http", {}) as request:
            request.answered(status)
    refused, failed = spans.named("POST /produce")
    assert refused.status.status_code is StatusCode.UNSET
    assert failed.status.status_code is StatusCode.ERROR
    assert attributes_of(failed)["error.type"] == "503"


def test_a_client_that_has_gone_has_no_status(spans: Spans) -> None:
    with RequestSpans(spans.tracer).serving("/produce", "/produce", "http", {}):
        pass
    attributes = attributes_of(spans.one("POST /produce"))
    assert attributes["error.type"] == "client_gone"
    assert "http.response.status_code" not in attributes
