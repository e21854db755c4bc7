"""SERVER spans: one for each call that produces."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from opentelemetry.trace import Span, SpanKind, Status, StatusCode, Tracer, use_span
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

SERVER_ERROR = 500
CLIENT_GONE = "client_gone"


class ServedRequest:
    """The span of one request while it is answered."""

    def __init__(self, span: Span) -> None:
        self._span = span
        self._answered = False

    def answered(self, status: int) -> None:
        """The head of the answer is sent. Only the first one counts."""
        if self._answered:
            return
        self._answered = True
        self._span.set_attribute("http.response.status_code", status)
        if status >= SERVER_ERROR:
            self._span.set_attribute("error.type", str(status))
            self._span.set_status(Status(StatusCode.ERROR))

    def close(self) -> None:
        """The call is over; where nothing was answered its client had gone."""
        if not self._answered:
            self._span.set_attribute("error.type", CLIENT_GONE)


class RequestSpans:
    """Makes the span of a request the current one of the task that answers it."""

    def __init__(self, tracer: Tracer) -> None:
        self._tracer = tracer
        self._propagator = TraceContextTextMapPropagator()

    @contextmanager
    def serving(self, route: str, path: str, scheme: str, trace: Mapping[str, str]) -> Iterator[ServedRequest]:
        """The span of a POST to `path`, whose template is `route`. `trace`: the caller's valid trace headers."""
        span = self._tracer.start_span(
            f"POST {route}",
            self._propagator.extract(trace),
            SpanKind.SERVER,
            {"http.request.method": "POST", "http.route": route, "url.path": path, "url.scheme": scheme},
        )
        request = ServedRequest(span)
        with use_span(span, end_on_exit=True):
            try:
                yield request
            finally:
                request.close()
