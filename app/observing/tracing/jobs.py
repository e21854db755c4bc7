"""CONSUMER spans: one for each run of a batch, linked to the traces of its messages.

What is decided after a run that failed (a retry, a dead letter) is an event of its span, which is kept back for that.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextvars import ContextVar, Token

from opentelemetry import context as contexts
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace import Link, Span, SpanContext, SpanKind, Status, StatusCode, Tracer

from app.error_words import class_name
from app.events import (
    DeadLetterDispatched,
    ErrorOccurred,
    Event,
    JobFinished,
    JobStarted,
    LoopLagMeasured,
    MessagesPolled,
    Monitor,
    PartitionsAssigned,
    RetryScheduled,
)
from app.messages import Record
from app.observing.tracing.contexts import context_of

MAX_LINKS = 128
"""OpenTelemetry's own default of how many links a span keeps."""
KEEP_BACK_S = 60.0
"""A dead letter may take so long to be stored: then the span of the failed run ends without it."""
MORE_WITHIN_S = 1.0
"""A whole batch of dead letters is told of one by one."""
Place = tuple[str, str, int]
"""Group, topic, partition."""


class RunSpan:
    """The span of one run. `until` (of `time.monotonic`) is when it ends by itself after it has failed."""

    def __init__(self, span: Span, token: Token[Context]) -> None:
        self.span = span
        self._token: Token[Context] | None = token
        self._ended_at_ns: int | None = None
        self.until = 0.0

    def over(self) -> None:
        """The consumer came back: what follows is not part of it."""
        self._ended_at_ns = time.time_ns()
        if self._token is not None:
            token, self._token = self._token, None
            contexts.detach(token)

    def end(self) -> None:
        self.span.end(self._ended_at_ns)


_running: ContextVar[RunSpan | None] = ContextVar("demijohn_run", default=None)
"""A run is told of by the task that it is a part of: its start, its end, its error."""


class JobSpans:
    """Listens to jobs. The span of a run is the current one while its consumer runs."""

    def __init__(self, tracer: Tracer, monitor: Monitor) -> None:
        self._tracer = tracer
        self._failed: dict[Place, RunSpan] = {}
        monitor.subscribe(JobStarted, self._started)
        monitor.subscribe(JobFinished, self._finished)
        monitor.subscribe(ErrorOccurred, self._error_occurred)
        monitor.subscribe(RetryScheduled, self._retry_scheduled)
        monitor.subscribe(DeadLetterDispatched, self._dead_letter_dispatched)
        monitor.subscribe(MessagesPolled, lambda event: self._let_go((event.group, event.topic, event.partition)))
        monitor.subscribe(PartitionsAssigned, self._assigned)
        monitor.subscribe(LoopLagMeasured, self._second_passed)

    def close(self) -> None:
        """Ends what is kept back."""
        for place in list(self._failed):
            self._let_go(place)

    def _started(self, event: JobStarted) -> None:
        self._let_go((event.group, event.topic, event.partition))
        attributes: dict[str, str | int] = {
            "messaging.system": "kafka",
            "messaging.operation.type": "process",
            "messaging.operation.name": "process",
            "messaging.destination.name": event.topic,
            "messaging.destination.partition.id": str(event.partition),
            "messaging.consumer.group.name": event.group,
            "messaging.batch.message_count": event.messages,
            "demijohn.consumer": event.consumer,
            "demijohn.job.id": event.job_id,
            "demijohn.attempt": event.attempt,
            "demijohn.offset.first": event.first_offset,
            "demijohn.offset.last": event.last_offset,
        }
        if event.messages == 1:
            attributes["messaging.kafka.offset"] = event.first_offset
        span = self._tracer.start_span(
            f"process {event.topic}",
            Context(),
            SpanKind.CONSUMER,
            attributes,
            links_to(event.records),
        )
        _running.set(RunSpan(span, contexts.attach(trace.set_span_in_context(span))))

    def _finished(self, event: JobFinished) -> None:
        run = _running.get()
        if run is None:
            return
        run.over()
        run.span.set_attribute("demijohn.outcome", event.outcome)
        if event.tags:
            run.span.set_attribute("demijohn.tags", event.tags)
        if event.outcome == "failed":
            run.until = time.monotonic() + KEEP_BACK_S
            place = (event.group, event.topic, event.partition)
            self._let_go(place)
            self._failed[place] = run
        else:
            _running.set(None)
            run.end()

    def _error_occurred(self, event: ErrorOccurred) -> None:
        run = _running.get()
        if event.kind != "consumer.consume" or run is None:
            return
        _running.set(None)
        error = event.error.__cause__ or event.error
        run.span.record_exception(error)
        run.span.set_attribute("error.type", class_name(error))
        run.span.set_status(Status(StatusCode.ERROR, class_name(error)))

    def _retry_scheduled(self, event: RetryScheduled) -> None:
        place = (event.group, event.topic, event.partition)
        if (run := self._failed.get(place)) is not None:
            facts = {"demijohn.offset": event.offset, "demijohn.pause_ms": event.pause_ms}
            run.span.add_event("retry scheduled", facts, _time_ns(event))
            self._let_go(place)

    def _dead_letter_dispatched(self, event: DeadLetterDispatched) -> None:
        facts: dict[str, str | int] = {"demijohn.offset": event.offset}
        if event.dlq_topic is not None:
            facts["demijohn.dlq_topic"] = event.dlq_topic
        run = self._failed.get((event.group, event.topic, event.partition))
        if run is None:  # a consumer that gives a message up by itself does so in its own span
            trace.get_current_span().add_event("dead letter dispatched", facts, _time_ns(event))
            return
        run.span.add_event("dead letter dispatched", facts, _time_ns(event))
        run.until = time.monotonic() + MORE_WITHIN_S

    def _assigned(self, event: PartitionsAssigned) -> None:
        for place in [place for place in self._failed if place[0] == event.group]:
            self._let_go(place)

    def _second_passed(self, _: LoopLagMeasured) -> None:
        now = time.monotonic()
        for place in [place for place, run in self._failed.items() if run.until <= now]:
            self._let_go(place)

    def _let_go(self, place: Place) -> None:
        if (run := self._failed.pop(place, None)) is not None:
            run.end()


def links_to(records: Sequence[Record]) -> list[Link]:
    """Links to the spans that sent `records`: each once, at most 128."""
    found: dict[int, SpanContext] = {}
    for record in records:
        if len(found) == MAX_LINKS:
            break
        if record.headers and (context := context_of(record.headers)) is not None:
            found.setdefault(context.span_id, context)
    return [Link(context) for context in found.values()]


def _time_ns(event: Event) -> int:
    return int(event.at.timestamp() * 1e9)
