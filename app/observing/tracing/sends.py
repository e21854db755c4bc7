"""PRODUCER spans: from the acceptance of a message, or of several at once, to the last verdict.

Messages that one task gives to one topic in one turn of the loop are a batch and have one span.
"""

from __future__ import annotations

import asyncio

from opentelemetry import trace
from opentelemetry.trace import SpanKind, Status, StatusCode, Tracer

from app.errors import ProduceError
from app.messages import Headers
from app.observing.tracing.contexts import bears_trace, context_of, headers_of
from app.producing.contract import Encoded, with_headers
from app.producing.handle import DeliveryHandle

MAX_LINKS = 128
"""OpenTelemetry's own default of how many links a span keeps."""


class SendSpan:
    """The span of what one task sends to one topic at once."""

    def __init__(self, tracer: Tracer, topic: str, client_id: str) -> None:
        attributes = {
            "messaging.system": "kafka",
            "messaging.operation.type": "send",
            "messaging.operation.name": "send",
            "messaging.destination.name": topic,
            "messaging.client.id": client_id,
        }
        self._span = tracer.start_span(f"send {topic}", kind=SpanKind.PRODUCER, attributes=attributes)
        self.headers = headers_of(self._span)
        self._open = self._failed = self._messages = self._links = 0
        self._takes_more = True
        self._last: DeliveryHandle | None = None

    def add(self, own: Headers) -> None:
        """One more message; `own` are its headers where it has a trace of its own."""
        self._messages += 1
        self._open += 1
        if own and self._links < MAX_LINKS and (context := context_of(own)) is not None:
            self._links += 1
            self._span.add_link(context)

    def settled(self, handle: DeliveryHandle) -> None:
        """A message has its verdict."""
        self._last = handle
        if handle.error is not None:
            self._fail(handle.error)
        self._one_less()

    def refused(self, error: ProduceError) -> None:
        """A message was not taken on after all."""
        self._fail(error)
        self._one_less()

    def complete(self) -> None:
        """No more messages join."""
        self._takes_more = False
        self._end_if_over()

    def _fail(self, error: ProduceError) -> None:
        self._failed += 1
        if self._failed == 1:
            self._span.record_exception(error)
            self._span.set_attribute("error.type", error.code)
            self._span.set_status(Status(StatusCode.ERROR, error.code))

    def _one_less(self) -> None:
        self._open -= 1
        self._end_if_over()

    def _end_if_over(self) -> None:
        if self._open or self._takes_more:
            return
        span, last = self._span, self._last
        if self._messages > 1:
            span.set_attribute("messaging.batch.message_count", self._messages)
            if self._failed:
                span.set_attribute("demijohn.messages.failed", self._failed)
        elif last is not None:
            if last.partition is not None:
                span.set_attribute("messaging.destination.partition.id", str(last.partition))
            if last.offset is not None:
                span.set_attribute("messaging.kafka.offset", last.offset)
            if last.value is None:
                span.set_attribute("messaging.kafka.message.tombstone", True)
        span.end()


class SendSpans:
    """Implements `app.producing.traced_acceptance.SendTracing`."""

    def __init__(self, tracer: Tracer, client_id: str) -> None:
        self._tracer = tracer
        self._client_id = client_id
        self._joinable: dict[tuple[object, int, str], SendSpan] = {}

    def begin(self, topic: str, encoded: Encoded) -> tuple[Encoded, SendSpan]:
        """The message with the trace in its headers, unless it has its own, and the span that follows it."""
        span = self._span(topic)
        if bears_trace(encoded.headers):
            span.add(encoded.headers)
            return encoded, span
        span.add(())
        return with_headers(encoded, span.headers), span

    def _span(self, topic: str) -> SendSpan:
        key = (asyncio.current_task(), trace.get_current_span().get_span_context().span_id, topic)
        span = self._joinable.get(key)
        if span is None:
            if not self._joinable:
                asyncio.get_running_loop().call_soon(self._turn_is_over)
            span = self._joinable[key] = SendSpan(self._tracer, topic, self._client_id)
        return span

    def _turn_is_over(self) -> None:
        spans, self._joinable = self._joinable, {}
        for span in spans.values():
            span.complete()
