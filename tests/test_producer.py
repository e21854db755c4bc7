"""The producer's verbs, on a broker that answers as it is told."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiokafka import errors as kafka
from hypothesis import given, settings
from hypothesis import strategies as st

from app.errors import (
    BrokerUnavailable,
    DeliveryUnknown,
    MessageInvalid,
    PayloadTooLarge,
    ProduceManyError,
    ProducerClosed,
    QueueFull,
    UnknownTopic,
)
from app.events import (
    MessageProducedAsync,
    MessageProducedSync,
    MessagesAccepted,
    MessagesProducedSync,
    MessagesSettled,
    QueueFullWaited,
)
from app.events import ProducerClosed as ProducerClosedEvent
from app.kafka.connection import InvalidRecord
from app.messages import OutgoingMessage
from app.producer import DeliveryHandle, Producer
from tests.conftest import make_settings
from tests.fakes import FakeKafka, Heard, StoredRecord
from tests.waiting import until


class Setting:
    """A producer, the broker it speaks to, and what listeners heard."""

    def __init__(self, **changes: object) -> None:
        self.kafka = FakeKafka({"t": 1, "many": 4})
        self.heard = Heard(
            MessageProducedAsync,
            MessageProducedSync,
            MessagesAccepted,
            MessagesProducedSync,
            MessagesSettled,
            QueueFullWaited,
            ProducerClosedEvent,
        )
        chosen = make_settings("kafka:9092", **changes)
        self.producer = Producer(chosen, self.kafka, self.kafka.open_client, self.heard.monitor)

    async def close(self) -> None:
        self.kafka.takes = True
        self.kafka.answer_now()
        await self.producer.close(0.2)


@pytest.fixture
async def setting() -> AsyncIterator[Setting]:
    made = Setting()
    yield made
    await made.close()


async def test_sync_comes_back_with_the_brokers_word(setting: Setting) -> None:
    first = await setting.producer.produce_sync(topic="t", payload={"a": 1}, label="mine")
    second = await setting.producer.produce_sync(topic="t", payload={"a": 2})
    assert (first.offset, second.offset, first.label) == (0, 1, "mine")
    assert first.message_id.startswith(setting.producer.id)
    assert first.message_id != second.message_id
    assert len(setting.heard.of(MessageProducedSync)) == 2


async def test_async_comes_back_before_the_verdict(setting: Setting) -> None:
    setting.kafka.answers = False
    handle = await setting.producer.produce_async(topic="t", payload=1)
    assert handle.status is None
    await until(lambda: setting.kafka.unanswered, "it was sent")
    assert (setting.producer.queue_messages, setting.producer.in_flight) == (0, 1)
    setting.kafka.answer_now()
    assert (await handle.wait(5)).offset == 0
    assert setting.producer.in_flight == 0


async def test_async_counts_in_the_queue_until_it_is_handed_over(setting: Setting) -> None:
    setting.kafka.reachable = False
    handles = [await setting.producer.produce_async(topic="t", payload=b"x" * 10) for _ in range(3)]
    assert setting.producer.queue_messages == 3
    assert setting.producer.queue_bytes > 30
    assert setting.producer.queue_oldest_s is not None
    setting.kafka.reachable = True
    assert [(await handle.wait(5)).status for handle in handles] == ["delivered"] * 3
    assert (setting.producer.queue_messages, setting.producer.queue_bytes) == (0, 0)


async def test_order_of_sync_and_async_calls_of_one_caller_is_kept(setting: Setting) -> None:
    for number in range(0, 60, 3):
        await setting.producer.produce_async(topic="many", key="k", payload=number)
        await setting.producer.produce_sync(topic="many", key="k", payload=number + 1)
        await setting.producer.produce_many_sync([{"topic": "many", "key": "k", "payload": number + 2}])
    assert [record.value for record in setting.kafka.records("many")] == [str(n).encode() for n in range(60)]


async def test_a_failure_is_raised_with_its_reason(setting: Setting) -> None:
    with pytest.raises(UnknownTopic):
        await setting.producer.produce_sync(topic="nowhere", payload=1)
    with pytest.raises(MessageInvalid):
        await setting.producer.produce_sync(topic="t", payload=object())
    with pytest.raises(PayloadTooLarge):
        await setting.producer.produce_sync(topic="t", payload=b"x" * 2_000_000)
    assert setting.producer.in_flight == 0


async def test_a_caller_that_waits_no_longer_takes_its_message_back_where_it_can(setting: Setting) -> None:
    setting.kafka.reachable = False
    with pytest.raises(BrokerUnavailable, match="withdrawn"):
        await setting.producer.produce_sync(topic="t", payload=1, timeout_s=0.02)
    setting.kafka.reachable, setting.kafka.answers = True, False
    with pytest.raises(TimeoutError, match="may still be stored"):
        await setting.producer.produce_sync(topic="many", payload=2, timeout_s=0.05)
    setting.kafka.answer_now()
    await until(lambda: setting.producer.in_flight == 0, "the second got its verdict")
    assert setting.kafka.records("t") == []
    assert [record.value for record in setting.kafka.records("many")] == [b"2"]
    assert Counter(event.status for event in setting.heard.of(MessagesSettled)) == {"failed": 1, "delivered": 1}


async def test_sync_calls_fail_at_once_while_kafka_is_known_to_be_away_and_async_ones_queue(setting: Setting) -> None:
    setting.kafka.reachable, setting.kafka.unreachable_for_s = False, 2.1
    with pytest.raises(BrokerUnavailable, match="nothing was sent"):
        await setting.producer.produce_sync(topic="t", payload=1)
    handle = await setting.producer.produce_async(topic="t", payload=2)
    setting.kafka.reachable, setting.kafka.unreachable_for_s = True, 0.0
    assert (await handle.wait(5)).status == "delivered"


async def test_sync_calls_that_wait_fail_once_kafka_is_known_to_be_away_and_what_is_handed_over_waits_on(
    setting: Setting,
) -> None:
    producer, kafka = setting.producer, setting.kafka
    kafka.answers = False
    handed_over = producer.accept(OutgoingMessage(topic="t", payload=1), queued=False)
    await until(lambda: kafka.unanswered, "it was sent")
    behind = [producer.accept(OutgoingMessage(topic="t", payload=2), queued=queued) for queued in (False, True)]
    kafka.reachable = False
    in_room = [producer.accept(OutgoingMessage(topic="late", payload=3), queued=queued) for queued in (False, True)]
    kafka.unreachable_for_s = 2.1
    for handle in (behind[0], in_room[0]):
        report = await handle.wait(5)
        assert report.status == "failed"
        assert isinstance(report.error, BrokerUnavailable)
    assert [handle.status for handle in (handed_over, behind[1], in_room[1])] == [None, None, None]
    kafka.topic_partitions["late"] = 1
    kafka.reachable, kafka.unreachable_for_s = True, 0.0
    kafka.answer_now()
    for handle in (handed_over, behind[1], in_room[1]):
        assert (await handle.wait(5)).status == "delivered"
    assert [record.value for record in kafka.records("t")] == [b"1", b"2"]
    assert [record.value for record in kafka.records("late")] == [b"3"]


async def test_of_an_invalid_batch_nothing_is_sent_and_every_fault_has_its_index(setting: Setting) -> None:
    with pytest.raises(MessageInvalid) as raised:
        await setting.producer.produce_many_sync(
            [{"topic": "t", "payload": 1}, {"topic": "", "payload": 1}, {"topic": "t", "payload": 1, "partition": -1}]
        )
    assert [fault.path for fault in raised.value.faults] == ["1.topic", "2.partition"]
    assert setting.kafka.records("t") == []


async def test_a_batch_comes_back_in_order_with_every_verdict(setting: Setting) -> None:
    setting.kafka.refuses = lambda record: InvalidRecord() if record.value == b"2" else None
    messages = [OutgoingMessage(topic="t", payload=number) for number in range(4)]
    with pytest.raises(ProduceManyError, match="1 of 4") as raised:
        await setting.producer.produce_many_sync(messages)
    assert [report.status for report in raised.value.reports] == ["delivered", "delivered", "failed", "delivered"]
    assert [report.offset for report in raised.value.reports] == [0, 1, None, 2]


async def test_a_second_batch_does_not_hang(setting: Setting) -> None:
    for _ in range(3):
        async with asyncio.timeout(5):
            assert len(await setting.producer.produce_many_sync([{"topic": "t", "payload": 1}] * 10)) == 10
    assert [event.messages for event in setting.heard.of(MessagesProducedSync)] == [10, 10, 10]


async def test_an_empty_batch_has_no_reports(setting: Setting) -> None:
    assert await setting.producer.produce_many_sync([]) == []
    assert await setting.producer.produce_many_async([]) == []


async def test_a_full_queue_refuses_after_its_wait() -> None:
    setting = Setting(producer_queue_messages=2, producer_queue_full_wait_s=0.05)
    setting.kafka.reachable = False
    handles = [await setting.producer.produce_async(topic="t", payload=1) for _ in range(2)]
    with pytest.raises(QueueFull):
        await setting.producer.produce_async(topic="t", payload=2)
    assert [event.refused for event in setting.heard.of(QueueFullWaited)] == [True]
    setting.kafka.reachable = True
    assert [(await handle.wait(5)).status for handle in handles] == ["delivered"] * 2
    await setting.close()


async def test_many_that_are_more_than_the_queue_holds_are_taken_on_together_where_it_is_empty() -> None:
    setting = Setting(producer_queue_messages=2, producer_queue_full_wait_s=0.02)
    setting.kafka.reachable = False
    handles = await setting.producer.produce_many_async([{"topic": "t", "payload": n} for n in range(5)])
    with pytest.raises(QueueFull):
        await setting.producer.produce_many_async([{"topic": "t", "payload": n} for n in range(5)])
    setting.kafka.reachable = True
    assert [(await handle.wait(5)).offset for handle in handles] == [0, 1, 2, 3, 4]
    await setting.close()


async def test_middleware_changes_each_message_once(setting: Setting) -> None:
    seen: list[Any] = []

    def stamp(message: OutgoingMessage) -> OutgoingMessage:
        seen.append(message.payload)
        return OutgoingMessage(topic=message.topic, payload=message.payload, headers={"by": "me"})

    setting.producer.middleware.append(stamp)
    await setting.producer.produce_sync(topic="t", payload=1)
    await (await setting.producer.produce_async(topic="t", payload=2)).wait(5)
    await setting.producer.produce_many_sync([{"topic": "t", "payload": 3}])
    assert seen == [1, 2, 3]
    assert {tuple(record.headers) for record in setting.kafka.records("t")} == {(("by", b"me"),)}


async def test_a_tombstone_has_a_key_and_no_payload(setting: Setting) -> None:
    await setting.producer.tombstone_sync("t", "k")
    await (await setting.producer.tombstone_async("t", b"k")).wait(5)
    assert [(record.key, record.value) for record in setting.kafka.records("t")] == [(b"k", None)] * 2


async def test_a_cancelled_call_leaves_nothing_behind(setting: Setting) -> None:
    setting.kafka.answers = False
    calls = [asyncio.create_task(setting.producer.produce_sync(topic="t", payload=n)) for n in range(5)]
    await until(lambda: setting.kafka.unanswered, "it was sent")
    for call in calls:
        call.cancel()
    await asyncio.wait(calls)
    setting.kafka.answer_now()
    await until(lambda: setting.producer.in_flight == 0, "every message has its verdict")
    assert setting.producer.queue_messages == 0


async def test_closing_flushes_and_refuses_what_comes_later(setting: Setting) -> None:
    setting.kafka.answers = False
    handle = await setting.producer.produce_async(topic="t", payload=1)
    await until(lambda: setting.kafka.unanswered, "it was sent")
    closing = asyncio.create_task(setting.producer.close(5))
    await asyncio.sleep(0)
    with pytest.raises(ProducerClosed):
        await setting.producer.produce_sync(topic="t", payload=2)
    setting.kafka.answer_now()
    report = await closing
    assert (handle.status, report.undelivered) == ("delivered", {})
    assert await setting.producer.close(5) is report
    assert setting.producer.status == "closed"


async def test_closing_with_kafka_away_is_bounded_and_what_was_queued_certainly_not_stored(setting: Setting) -> None:
    setting.kafka.reachable = False
    handles = [await setting.producer.produce_async(topic="t", payload=number) for number in range(3)]
    async with asyncio.timeout(5):
        first, second = await asyncio.gather(setting.producer.close(0.2), setting.producer.close(0.2))
    assert first is second
    assert first.undelivered == {"t": 3}
    assert [handle.status for handle in handles] == ["failed"] * 3


async def test_partitions_that_meet_a_fatal_error_at_once_cause_one_rebuild(setting: Setting) -> None:
    refusals: list[Exception] = [kafka.OutOfOrderSequenceNumber() for _ in range(4)]
    setting.kafka.answers = False
    calls = [asyncio.create_task(setting.producer.produce_sync(topic="many", payload=n, partition=n)) for n in range(4)]
    await until(lambda: len(setting.kafka.unanswered) == 4, "all four were sent")
    setting.kafka.refuses = lambda _: refusals.pop() if refusals else None
    setting.kafka.answer_now()
    assert [(await call).offset for call in calls] == [0, 0, 0, 0]
    assert setting.producer.rebuilds == 1


async def test_a_batch_that_is_taken_on_while_the_producer_closes_has_a_report_for_each(setting: Setting) -> None:
    many = [OutgoingMessage(topic="t", payload=number) for number in range(1200)]
    sending = asyncio.create_task(setting.producer.produce_many_sync(many))
    await asyncio.sleep(0)
    closing = asyncio.create_task(setting.producer.close(5))
    with pytest.raises(ProduceManyError) as raised:
        await sending
    await closing
    statuses = Counter(report.status for report in raised.value.reports)
    assert statuses["delivered"] == len(setting.kafka.records("t")) > 0
    assert statuses["failed"] == 1200 - statuses["delivered"] > 0
    codes = {report.error.code for report in raised.value.reports if report.error}
    assert codes == {"draining"}


async def test_closing_before_a_silent_broker_is_bounded_and_counts_what_was_lost(setting: Setting) -> None:
    setting.kafka.answers = False
    handles = [await setting.producer.produce_async(topic="t", payload=number) for number in range(3)]
    await until(lambda: setting.kafka.unanswered, "it was sent")
    handles.append(await setting.producer.produce_async(topic="t", payload=9))
    async with asyncio.timeout(5):
        report = await setting.producer.close(0.3)
    assert report.undelivered == {"t": 4}
    assert Counter(handle.status for handle in handles) == {"unknown": 3, "failed": 1}
    assert [event.undelivered for event in setting.heard.of(ProducerClosedEvent)] == [{"t": 4}]


ANSWERS: dict[str, Exception | None] = {
    "stored": None,
    "refused": InvalidRecord(),
    "silent": kafka.RequestTimedOutError(),
    "sequence": kafka.OutOfOrderSequenceNumber(),
    "too large": kafka.MessageSizeTooLargeError(),
}


@settings(max_examples=60)
@given(
    plan=st.lists(st.sampled_from(sorted(ANSWERS)), min_size=1, max_size=12),
    calls=st.lists(st.sampled_from(["sync", "async", "batch"]), min_size=1, max_size=25),
)
def test_every_message_gets_exactly_one_verdict_and_it_is_true(plan: list[str], calls: list[str]) -> None:
    """Whatever the broker answers: delivered is stored at that offset, failed is not stored, once each."""

    async def scenario() -> None:
        setting = Setting()
        answers = list(plan)

        def answer(record: StoredRecord) -> Exception | None:
            return ANSWERS[answers.pop(0)] if answers else None

        setting.kafka.refuses = answer
        settled: Counter[str] = Counter()
        handles: list[DeliveryHandle] = []

        def note(handle: DeliveryHandle) -> None:
            settled[handle.message_id] += 1

        number = 0
        for call in calls:
            for _ in range(5 if call == "batch" else 1):
                message = OutgoingMessage(topic="many", key=str(number % 3), payload=number)
                handles.append(setting.producer.accept(message, queued=call == "async", on_settled=note))
                number += 1
            if call == "sync":
                await handles[-1].settled(20)
        for handle in handles:
            assert await handle.settled(20)
        _assert_true(setting, handles, settled)
        await setting.close()

    asyncio.run(scenario())


def _assert_true(setting: Setting, handles: list[DeliveryHandle], settled: Counter[str]) -> None:
    assert set(settled.values()) == {1}
    assert len(settled) == len(handles)
    stored = {
        (at.partition, offset): record.value
        for at, log in setting.kafka.stored.items()
        for offset, record in enumerate(log)
    }
    for handle in handles:
        if handle.status == "delivered":
            assert handle.partition is not None
            assert handle.offset is not None
            assert stored.pop((handle.partition, handle.offset)) == handle.value
        assert handle.status != "unknown" or isinstance(handle.error, DeliveryUnknown)
    assert not stored, "a record is stored that was not called delivered"
