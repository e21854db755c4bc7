"""The buffer: kept until it is flushed, by call, by age, by number; what could not be sent is not lost."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from app.errors import BrokerUnavailable, MessageInvalid, ProduceManyError, ProducerClosed, QueueFull
from app.events import BufferFlushed, ErrorOccurred
from app.kafka.connection import InvalidRecord
from app.messages import OutgoingMessage
from app.producer import Producer
from tests.conftest import make_settings
from tests.fakes import FakeKafka, Heard
from tests.waiting import until


class Setting:
    """A producer with a buffer, and the broker it speaks to."""

    def __init__(self, **changes: object) -> None:
        self.kafka = FakeKafka({"t": 1})
        self.heard = Heard(BufferFlushed, ErrorOccurred)
        settings = make_settings("kafka:9092", **changes)
        self.producer = Producer(settings, self.kafka, self.kafka.open_client, self.heard.monitor)

    @property
    def stored(self) -> list[bytes | None]:
        return [record.value for record in self.kafka.records("t")]

    def buffer(self, *payloads: object) -> None:
        self.producer.buffer_many([{"topic": "t", "payload": payload} for payload in payloads])


@pytest.fixture
async def setting() -> AsyncIterator[Setting]:
    made = Setting()
    yield made
    made.kafka.answer_now()
    await made.producer.close(0.2)


async def test_nothing_is_sent_before_a_flush_and_then_everything_in_order(setting: Setting) -> None:
    setting.producer.buffer(topic="t", payload=1, label="one")
    setting.producer.buffer({"topic": "t", "payload": 2})
    setting.producer.buffer(OutgoingMessage(topic="t", payload=3))
    assert (setting.stored, setting.producer.buffer_size) == ([], 3)
    reports = await setting.producer.flush_sync()
    assert [(report.offset, report.label) for report in reports] == [(0, "one"), (1, None), (2, None)]
    assert (setting.stored, setting.producer.buffer_size) == ([b"1", b"2", b"3"], 0)
    assert await setting.producer.flush_sync() == []
    assert [event.sent for event in setting.heard.of(BufferFlushed)] == [3, 0]


async def test_an_async_flush_gives_handles_and_needs_no_await(setting: Setting) -> None:
    setting.buffer(1, 2)
    handles = await setting.producer.flush_async()
    assert [(await handle.wait(5)).offset for handle in handles] == [0, 1]
    setting.buffer(3)
    setting.producer.flush_async()
    await until(lambda: setting.stored == [b"1", b"2", b"3"], "the flush that nobody waited for")


async def test_an_invalid_message_is_named_and_dropped_and_the_others_are_sent_by_the_next_flush(
    setting: Setting,
) -> None:
    setting.buffer(1, object(), 3, b"x" * 2_000_000)
    with pytest.raises(MessageInvalid) as raised:
        await setting.producer.flush_sync()
    assert [fault.path for fault in raised.value.faults] == ["1.payload", "3.payload"]
    assert (setting.stored, setting.producer.buffer_size) == ([], 2)
    await setting.producer.flush_sync()
    assert setting.stored == [b"1", b"3"]


async def test_with_kafka_known_to_be_away_everything_stays_in_order(setting: Setting) -> None:
    setting.buffer(1, 2)
    setting.kafka.unreachable_for_s = 3.0
    with pytest.raises(BrokerUnavailable):
        await setting.producer.flush_sync()
    setting.buffer(3)
    setting.kafka.unreachable_for_s = 0.0
    await setting.producer.flush_sync()
    assert setting.stored == [b"1", b"2", b"3"]


async def test_what_is_certainly_not_stored_returns_to_the_front_and_what_was_refused_for_good_does_not() -> None:
    setting = Setting()
    setting.producer.buffer(topic="t", payload=1)
    setting.producer.buffer(topic="missing", payload="a")
    setting.producer.buffer(topic="t", payload="bad")
    setting.producer.buffer(topic="missing", payload="b")
    setting.kafka.refuses = lambda record: InvalidRecord() if record.value == b"bad" else None
    with pytest.raises(ProduceManyError) as raised:
        await setting.producer.flush_sync()
    assert [report.status for report in raised.value.reports] == ["delivered", "failed", "failed", "failed"]
    setting.producer.buffer(topic="missing", payload="c")
    setting.kafka.topic_partitions["missing"] = 1
    await setting.producer.flush_sync()
    assert [record.value for record in setting.kafka.records("missing")] == [b"a", b"b", b"c"]
    assert [(event.sent, event.returned, event.refused) for event in setting.heard.of(BufferFlushed)] == [
        (4, 2, 1),
        (3, 0, 0),
    ]
    await setting.producer.close(0.2)


async def test_what_finds_no_room_in_the_queue_returns_to_the_front() -> None:
    setting = Setting(producer_queue_messages=2, producer_queue_full_wait_s=0.02)
    setting.kafka.reachable = False
    setting.buffer(1, 2, 3, 4)
    with pytest.raises(QueueFull):
        await setting.producer.flush_async()
    assert setting.producer.buffer_size == 2
    setting.buffer(5)
    setting.kafka.reachable = True
    await until(lambda: setting.stored == [b"1", b"2"], "those that had room")
    await setting.producer.flush_sync()
    assert setting.stored == [b"1", b"2", b"3", b"4", b"5"]
    await setting.producer.close(0.2)


async def test_what_is_appended_during_a_flush_is_sent_by_the_next_one_behind_the_rest(setting: Setting) -> None:
    setting.kafka.answers = False
    setting.buffer(1)
    first = asyncio.create_task(setting.producer.flush_sync())
    await until(lambda: setting.kafka.unanswered, "the flush is under way")
    setting.buffer(2)
    second = asyncio.create_task(setting.producer.flush_sync())
    setting.buffer(3)
    setting.kafka.answer_now()
    assert [len(reports) for reports in await asyncio.gather(first, second)] == [1, 2]
    assert setting.stored == [b"1", b"2", b"3"]


async def test_middleware_sees_a_buffered_message_once_and_at_the_flush(setting: Setting) -> None:
    seen: list[object] = []

    def note(message: OutgoingMessage) -> OutgoingMessage:
        seen.append(message.payload)
        return message

    setting.producer.middleware.append(note)
    setting.buffer(1, 2)
    assert seen == []
    setting.kafka.unreachable_for_s = 3.0
    with pytest.raises(BrokerUnavailable):
        await setting.producer.flush_sync()
    setting.kafka.unreachable_for_s = 0.0
    await setting.producer.flush_sync()
    assert seen == [1, 2]


async def test_a_middleware_that_raises_loses_nothing(setting: Setting) -> None:
    def fail(message: OutgoingMessage) -> OutgoingMessage:
        raise ZeroDivisionError

    setting.buffer(1, 2)
    setting.producer.middleware.append(fail)
    with pytest.raises(ZeroDivisionError):
        await setting.producer.flush_sync()
    setting.producer.middleware.clear()
    await setting.producer.flush_sync()
    assert setting.stored == [b"1", b"2"]


async def test_age_flushes_by_itself() -> None:
    setting = Setting(producer_buffer_max_age_ms=30)
    setting.buffer(1, 2)
    assert setting.stored == []
    await until(lambda: setting.stored == [b"1", b"2"], "the flush by age")
    setting.buffer(3)
    await until(lambda: setting.stored == [b"1", b"2", b"3"], "the next one")
    await setting.producer.close(0.2)


async def test_number_flushes_by_itself() -> None:
    setting = Setting(producer_buffer_max_messages=3)
    setting.buffer(1, 2)
    await asyncio.sleep(0)
    assert setting.producer.buffer_size == 2
    setting.buffer(3)
    await until(lambda: setting.stored == [b"1", b"2", b"3"], "the flush by number")
    await setting.producer.close(0.2)


async def test_a_flush_by_itself_that_fails_is_told_and_tried_again() -> None:
    setting = Setting(producer_buffer_max_age_ms=20, producer_queue_messages=1, producer_queue_full_wait_s=0)
    setting.kafka.reachable = False
    setting.buffer(1, 2)
    await until(lambda: setting.heard.of(ErrorOccurred), "the error")
    assert setting.heard.of(ErrorOccurred)[0].kind == "producer.flush"
    setting.kafka.reachable = True
    await until(lambda: setting.stored == [b"1", b"2"], "the second flush")
    await setting.producer.close(0.2)


async def test_closing_sends_what_is_buffered_and_counts_what_cannot_be() -> None:
    setting = Setting()
    setting.buffer(1, object())
    report = await setting.producer.close(5)
    assert (setting.stored, report.undelivered) == ([b"1"], {"t": 1})
    with pytest.raises(ProducerClosed):
        setting.buffer(2)
