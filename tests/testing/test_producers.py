"""What is shipped for tests of what users write."""

from __future__ import annotations

import pytest

from app.errors import AbortTransaction, MessageInvalid, PayloadTooLarge
from app.events import Monitor
from app.kafka.recording import RecordingKafka
from app.messages import TopicPartition
from app.producer import Producer
from app.producing.partitioners import murmur2_partition
from app.testing import recording_producer
from tests.conftest import make_settings


async def test_messages_are_recorded_with_consecutive_offsets_in_each_partition() -> None:
    producer, recorded = recording_producer(partitions=3)
    reports = await producer.produce_many_sync([{"topic": "a", "payload": n, "key": str(n % 5)} for n in range(20)])
    await producer.produce_sync(topic="b", payload={"x": 1}, headers={"h": "v"}, timestamp=5)
    handle = await producer.produce_async(topic="b", payload=None, key="k")
    assert (await handle.wait(5)).status == "delivered"
    for number in range(3):
        offsets = [message.offset for message in recorded.of("a") if message.partition == number]
        assert offsets == list(range(len(offsets)))
    by_place = {(message.partition, message.offset): message.payload for message in recorded.of("a")}
    assert [by_place[report.partition or 0, report.offset or 0] for report in reports] == list(range(20))
    assert {message.partition for message in recorded.of("a") if message.key == b"3"} == {murmur2_partition(b"3", 3)}
    first = next(message for message in recorded.of("b") if message.value is not None)
    assert (first.payload, first.headers, first.timestamp) == ({"x": 1}, [("h", b"v")], 5)
    assert len(recorded.messages) == 22
    recorded.clear()
    assert recorded.messages == []
    await producer.close(1)


async def test_it_validates_as_the_real_one_does() -> None:
    producer, recorded = recording_producer(producer_max_payload_bytes=10)
    with pytest.raises(MessageInvalid):
        await producer.produce_sync(topic="not a name", payload=1)
    with pytest.raises(PayloadTooLarge):
        await producer.produce_sync(topic="a", payload=b"x" * 11)
    assert recorded.messages == []
    await producer.close(1)


async def test_transactions_are_understood() -> None:
    producer, recorded = recording_producer()
    async with producer.transaction() as transaction:
        await producer.produce_sync(topic="a", payload=1)
        await transaction.send_offsets({TopicPartition("in", 0): 5}, "g")
        assert (recorded.messages, recorded.offsets) == ([], {})
    assert [message.payload for message in recorded.messages] == [1]
    assert recorded.offsets == {"g": {TopicPartition("in", 0): 5}}
    async with producer.transaction():
        await producer.produce_sync(topic="a", payload=2)
        raise AbortTransaction
    report = await producer.produce_sync(topic="a", payload=3)
    assert [(message.offset, message.payload) for message in recorded.messages] == [(0, 1), (report.offset, 3)]
    await producer.close(1)


async def test_the_dropping_one_keeps_nothing_and_says_delivered() -> None:
    dropping = RecordingKafka(keep=False)
    producer = Producer(make_settings("dropping:9092"), dropping, dropping.open_client, Monitor())
    assert [(await producer.produce_sync(topic="a", payload=n)).offset for n in range(3)] == [0, 1, 2]
    assert dropping.messages == []
    await producer.close(1)
