"""The spans of what is sent, on a producer whose broker is in memory."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from opentelemetry.trace import SpanKind, StatusCode

from app.errors import ProduceManyError, QueueFull, UnknownTopic
from app.events import Monitor
from app.observing.tracing import sends
from app.observing.tracing.sends import SendSpans
from app.producer import Producer
from tests.conftest import make_settings
from tests.fakes import FakeKafka, StoredRecord
from tests.observing.tracing.spans import PARENT, SPAN, Spans, attributes_of, events_of, ids_of, links_of, parent_of


class Traced:
    """A producer that is traced."""

    def __init__(self, spans: Spans, **changes: object) -> None:
        self.kafka = FakeKafka({"t": 2, "other": 1})
        settings = make_settings("kafka:9092", producer_transactional_id_prefix="app", **changes)
        self.producer = Producer(
            settings, self.kafka, self.kafka.open_client, Monitor(), SendSpans(spans.tracer, "demijohn")
        )

    async def close(self) -> None:
        self.kafka.answer_now()
        await self.producer.close(1)


@pytest.fixture
async def traced(spans: Spans) -> AsyncIterator[Traced]:
    made = Traced(spans)
    yield made
    await made.close()


def parent_named_by(record: StoredRecord) -> tuple[str, str]:
    """Trace id and span id in the header of a stored record."""
    (value,) = [value for name, value in record.headers if name == "traceparent"]
    assert value is not None
    _, trace_id, span_id, _ = value.decode().split("-")
    return trace_id, span_id


async def test_one_message_has_one_span_that_its_record_names(traced: Traced, spans: Spans) -> None:
    with spans.tracer.start_as_current_span("caller"):
        report = await traced.producer.produce_sync(topic="t", payload=b"x", partition=1, headers={"own": "1"})
    span, caller = spans.one("send t"), spans.one("caller")
    assert span.kind is SpanKind.PRODUCER
    assert (ids_of(span)[0], parent_of(span)) == ids_of(caller)
    assert attributes_of(span) == {
        "messaging.system": "kafka",
        "messaging.operation.type": "send",
        "messaging.operation.name": "send",
        "messaging.destination.name": "t",
        "messaging.client.id": "demijohn",
        "messaging.destination.partition.id": "1",
        "messaging.kafka.offset": report.offset,
    }
    (record,) = traced.kafka.records("t")
    assert record.headers[0] == ("own", b"1")
    assert parent_named_by(record) == ids_of(span)


async def test_without_a_caller_a_trace_is_made(traced: Traced, spans: Spans) -> None:
    await traced.producer.produce_sync(topic="t", payload=None, key="k")
    span = spans.one("send t")
    assert span.parent is None
    assert attributes_of(span)["messaging.kafka.message.tombstone"] is True
    assert parent_named_by(traced.kafka.records("t")[0]) == ids_of(span)


async def test_a_message_with_a_trace_of_its_own_keeps_it_and_is_linked(traced: Traced, spans: Spans) -> None:
    await traced.producer.produce_sync(topic="t", payload=b"x", headers=[("Traceparent", PARENT)])
    assert traced.kafka.records("t")[0].headers == [("Traceparent", PARENT.encode())]
    assert links_of(spans.one("send t")) == [SPAN]


async def test_many_messages_have_one_span_for_each_topic(traced: Traced, spans: Spans) -> None:
    await traced.producer.produce_many_sync([{"topic": topic, "payload": b"x"} for topic in ("t", "other", "t")])
    span = spans.one("send t")
    assert attributes_of(span)["messaging.batch.message_count"] == 2
    assert {parent_named_by(record) for record in traced.kafka.records("t")} == {ids_of(span)}
    assert "messaging.batch.message_count" not in attributes_of(spans.one("send other"))


async def test_what_two_tasks_send_at_once_is_no_batch(traced: Traced, spans: Spans) -> None:
    await asyncio.gather(*(traced.producer.produce_sync(topic="t", payload=b"x") for _ in range(2)))
    first, second = spans.named("send t")
    assert ids_of(first)[0] != ids_of(second)[0]


async def test_links_are_bounded(traced: Traced, spans: Spans, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sends, "MAX_LINKS", 3)
    own = [("traceparent", f"00-{'a' * 32}-{number + 1:016x}-01") for number in range(5)]
    await traced.producer.produce_many_sync([{"topic": "t", "payload": b"x", "headers": [header]} for header in own])
    assert len(links_of(spans.one("send t"))) == 3


async def test_a_message_that_is_not_delivered_is_an_error(traced: Traced, spans: Spans) -> None:
    with pytest.raises(UnknownTopic):
        await traced.producer.produce_sync(topic="missing", payload=b"x")
    span = spans.one("send missing")
    assert span.status.status_code is StatusCode.ERROR
    assert attributes_of(span)["error.type"] == "unknown_topic"
    assert [name for name, _ in events_of(span)] == ["exception"]


async def test_a_batch_says_how_many_failed(traced: Traced, spans: Spans) -> None:
    with pytest.raises(ProduceManyError):
        await traced.producer.produce_many_sync(
            [{"topic": "other", "payload": b"x", "partition": number} for number in (0, 5, 6)]
        )
    attributes = attributes_of(spans.one("send other"))
    assert (attributes["messaging.batch.message_count"], attributes["demijohn.messages.failed"]) == (3, 2)


async def test_a_message_that_finds_no_room_ends_its_span(spans: Spans) -> None:
    traced = Traced(spans, producer_queue_messages=1, producer_queue_full_wait_s=0)
    traced.kafka.takes = False
    from app.messages import OutgoingMessage

    traced.producer.accept(OutgoingMessage(topic="t", payload=b"x"), queued=True)
    await asyncio.sleep(0)
    with pytest.raises(QueueFull):
        traced.producer.accept(OutgoingMessage(topic="t", payload=b"x"), queued=True)
    await asyncio.sleep(0)
    assert attributes_of(spans.one("send t"))["error.type"] == "queue_full"
    traced.kafka.takes = True
    await traced.close()


async def test_a_transaction_is_traced_too(traced: Traced, spans: Spans) -> None:
    async with traced.producer.transaction():
        await traced.producer.produce_async(topic="t", payload=b"x")
    assert parent_named_by(traced.kafka.records("t")[0]) == ids_of(spans.one("send t"))
