"""The spans of runs, on the engine with a broker in memory."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from opentelemetry import trace
from opentelemetry.trace import SpanKind, StatusCode

from app.errors import MessageFailed
from app.events import LoopLagMeasured
from app.observing.tracing import jobs
from app.observing.tracing.jobs import JobSpans, links_to
from app.routes import DeadLetter
from tests.consuming.stage import AT, Noted, Stage, consumer_class, line_of
from tests.fakes import FakeRecord, records
from tests.observing.tracing.spans import SPAN, TRACE, Spans, attributes_of, events_of, ids_of, links_of
from tests.waiting import until


@pytest.fixture
def job_spans(stage: Stage, spans: Spans) -> JobSpans:
    return JobSpans(spans.tracer, stage.heard.monitor)


def sent_by(span_id: str, offset: int) -> FakeRecord:
    """A record whose headers name that span."""
    return FakeRecord(offset, headers=[("traceparent", f"00-{TRACE}-{span_id}-01".encode())])


def failing(times: int) -> Callable[[Noted], None]:
    """Fails so many runs."""
    left = [ValueError(f"run {number}") for number in range(times)]

    def consume(_: Noted) -> None:
        if left:
            raise left.pop()

    return consume


async def test_a_run_is_linked_to_the_senders_of_its_messages(stage: Stage, spans: Spans, job_spans: JobSpans) -> None:
    stage.client.give([sent_by(SPAN, 5), sent_by(SPAN, 6), sent_by("1" * 16, 7), FakeRecord(8)])
    stage.assign(line_of(consumer_class(lambda consumer: consumer.tags.add("step", "mine"))))
    await stage.marked(9)
    span = spans.one("process t")
    assert (span.kind, span.parent, links_of(span)) == (SpanKind.CONSUMER, None, [SPAN, "1" * 16])
    attributes = dict(attributes_of(span))
    assert len(str(attributes.pop("demijohn.job.id"))) == 12
    assert attributes == {
        "messaging.system": "kafka",
        "messaging.operation.type": "process",
        "messaging.operation.name": "process",
        "messaging.destination.name": "t",
        "messaging.destination.partition.id": "0",
        "messaging.consumer.group.name": "g",
        "messaging.batch.message_count": 4,
        "demijohn.consumer": "Made",
        "demijohn.attempt": 1,
        "demijohn.offset.first": 5,
        "demijohn.offset.last": 8,
        "demijohn.outcome": "done",
        "demijohn.tags": ("mine",),
    }


async def test_it_is_the_current_span_of_its_consumer_in_a_thread_too(
    stage: Stage, spans: Spans, job_spans: JobSpans
) -> None:
    seen: list[int] = []

    def note(_: Any) -> None:
        seen.append(trace.get_current_span().get_span_context().span_id)

    class Blocking(Noted):
        hooks, batches, attempts = [], [], []

        def consume(self) -> None:  # type: ignore[override]  # a hook may be a plain function
            note(self)

    for consumer in (consumer_class(note), Blocking):
        stage.client.give(records(len(seen)))
        worker = stage.assign(line_of(consumer), epoch=len(seen) + 1)
        await stage.marked(len(seen) + 1)
        worker.end(revoked=False)
        stage.workers.remove(worker)
    assert seen == [int(ids_of(span)[1], 16) for span in spans.named("process t")]
    assert not trace.get_current_span().get_span_context().is_valid


async def test_a_retry_is_an_event_of_the_run_that_failed(stage: Stage, spans: Spans, job_spans: JobSpans) -> None:
    stage.client.give(records(3))
    stage.assign(line_of(consumer_class(failing(1))))
    await stage.marked(4)
    failed, done = spans.named("process t")
    assert failed.status.status_code is StatusCode.ERROR
    assert attributes_of(failed)["error.type"] == "builtins.ValueError"
    names = [name for name, _ in events_of(failed)]
    assert names == ["exception", "retry scheduled"]
    assert events_of(failed)[1][1]["demijohn.offset"] == 3
    assert (attributes_of(done)["demijohn.attempt"], events_of(done)) == (2, [])


async def test_a_dead_letter_is_an_event_of_the_run_that_failed(
    stage: Stage, spans: Spans, job_spans: JobSpans
) -> None:
    stage.client.give(records(3))
    stage.assign(line_of(consumer_class(failing(1)), dead_letter=DeadLetter("t.dlq", max_retries=0)))
    await stage.marked(4)
    job_spans.close()
    assert [event for event in events_of(spans.one("process t")) if event[0] != "exception"] == [
        ("dead letter dispatched", {"demijohn.offset": 3, "demijohn.dlq_topic": "t.dlq"})
    ]


async def test_a_consumer_that_gives_a_message_up_does_so_in_its_own_span(
    stage: Stage, spans: Spans, job_spans: JobSpans
) -> None:
    stage.client.give(records(3))
    stage.assign(line_of(consumer_class(lambda consumer: consumer.dispatch_to_dlq(consumer.messages[0]))))
    await stage.marked(4)
    span = spans.one("process t")
    assert [name for name, _ in events_of(span)] == ["dead letter dispatched"]
    assert span.status.status_code is StatusCode.UNSET


async def test_the_cause_of_a_named_failure_is_what_is_recorded(
    stage: Stage, spans: Spans, job_spans: JobSpans
) -> None:
    def consume(consumer: Noted) -> None:
        if consumer.attempt == 1:
            raise MessageFailed(consumer.messages[0]) from KeyError("id")

    stage.client.give(records(3))
    stage.assign(line_of(consumer_class(consume)))
    await stage.marked(4)
    assert attributes_of(spans.named("process t")[0])["error.type"] == "builtins.KeyError"


async def test_what_is_kept_back_ends_by_itself(
    stage: Stage, spans: Spans, job_spans: JobSpans, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs, "MORE_WITHIN_S", 0.0)
    stage.client.give(records(3))
    stage.assign(line_of(consumer_class(failing(1)), dead_letter=DeadLetter(None, max_retries=0)))
    await stage.marked(4)
    assert spans.named("process t") == []
    stage.heard.monitor.emit(LoopLagMeasured(0.0))
    assert [name for name, _ in events_of(spans.one("process t"))] == ["exception", "dead letter dispatched"]


async def test_a_failed_run_whose_dead_letter_does_not_come_is_not_kept_back_for_ever(
    stage: Stage, spans: Spans, job_spans: JobSpans, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs, "KEEP_BACK_S", 0.0)
    stage.kafka.answers = False
    stage.client.give(records(3))
    stage.assign(line_of(consumer_class(failing(1)), dead_letter=DeadLetter("t.dlq", max_retries=0)))
    await until(lambda: stage.kafka.unanswered, "the letter is on its way")
    stage.heard.monitor.emit(LoopLagMeasured(0.0))
    assert [name for name, _ in events_of(spans.one("process t"))] == ["exception"]


async def test_after_a_run_no_span_is_current(stage: Stage, spans: Spans, job_spans: JobSpans) -> None:
    seen: list[bool] = []

    class Ending(Noted):
        hooks, batches, attempts = [], [], []

        async def consume(self) -> None:
            assert trace.get_current_span().get_span_context().is_valid

        async def eofed(self) -> None:
            seen.append(trace.get_current_span().get_span_context().is_valid)

    stage.client.give(records(3))
    stage.client.ends[AT] = 4
    stage.assign(line_of(Ending))
    await until(lambda: seen, "the end is reached")
    assert seen == [False]


async def test_a_run_that_is_cut_is_no_error(stage: Stage, spans: Spans, job_spans: JobSpans) -> None:
    running: list[Noted] = []

    async def hang(consumer: Noted) -> None:
        running.append(consumer)
        await until(lambda: False, "never", 30)

    stage.client.give(records(3))
    worker = stage.assign(line_of(consumer_class(hang)))
    await until(lambda: running, "it runs")
    worker.end(revoked=True)
    worker.cancel()
    await until(lambda: spans.all, "its span has ended")
    span = spans.one("process t")
    assert attributes_of(span)["demijohn.outcome"] == "cancelled"
    assert span.status.status_code is StatusCode.UNSET


def test_links_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "MAX_LINKS", 3)
    many = [sent_by(f"{number + 1:016x}", number) for number in range(5)]
    assert len(links_to(many)) == 3
