"""Producing to a real Kafka: verdicts are honest, and one bad message never takes a good one with it."""

from __future__ import annotations

import asyncio
import time

import pytest

from app.errors import ProduceManyError, RecordTooLarge, UnknownPartition, UnknownTopic
from app.producer import Producer
from tests.conftest import MakeTopic


async def test_a_delivered_message_has_a_partition_and_an_offset(producer: Producer, make_topic: MakeTopic) -> None:
    topic = await make_topic(partitions=3)
    report = await producer.produce_sync(topic=topic, payload={"a": 1}, key="k", label="mine")
    assert (report.status, report.offset, report.label, report.key) == ("delivered", 0, "mine", b"k")


async def test_messages_of_one_key_stay_in_order(producer: Producer, make_topic: MakeTopic) -> None:
    topic = await make_topic(partitions=4)
    handles = [await producer.produce_async(topic=topic, payload=number, key="k") for number in range(200)]
    reports = [await handle.wait(20) for handle in handles]
    assert [report.offset for report in reports] == list(range(200))
    assert len({report.partition for report in reports}) == 1


async def test_a_topic_that_does_not_exist_is_told_within_a_second(producer: Producer) -> None:
    started = time.monotonic()
    with pytest.raises(UnknownTopic):
        await producer.produce_sync(topic="nobody-made-this", payload=1)
    assert time.monotonic() - started < 5


async def test_a_partition_that_does_not_exist_is_refused(producer: Producer, make_topic: MakeTopic) -> None:
    with pytest.raises(UnknownPartition):
        await producer.produce_sync(topic=await make_topic(partitions=2), payload=1, partition=2)


async def test_only_the_record_that_kafka_refuses_fails(producer: Producer, make_topic: MakeTopic) -> None:
    topic = await make_topic(config={"cleanup.policy": "compact"})
    await producer.produce_sync(topic=topic, payload=b"first", key="k")
    messages = [{"topic": topic, "payload": number, "key": None if number == 50 else "k"} for number in range(100)]
    with pytest.raises(ProduceManyError) as caught:
        await producer.produce_many_sync(messages)
    failed = {index: report.error.code for index, report in enumerate(caught.value.reports) if report.error}
    assert failed == {50: "refused_by_broker"}
    assert [report.offset for report in caught.value.reports if not report.error] == list(range(1, 100))
    assert (await producer.produce_sync(topic=topic, payload=b"last", key="k")).offset == 100


async def test_small_records_that_together_exceed_the_topic_limit_all_arrive(
    producer: Producer, make_topic: MakeTopic
) -> None:
    topic = await make_topic(config={"max.message.bytes": "20000"})
    reports = await producer.produce_many_sync([{"topic": topic, "payload": b"x" * 1000} for _ in range(50)])
    assert [report.offset for report in reports] == list(range(50))
    with pytest.raises(RecordTooLarge, match="20000"):
        await producer.produce_sync(topic=topic, payload=b"x" * 30_000)
    assert (await producer.produce_sync(topic=topic, payload=b"after")).offset == 50


async def test_twenty_thousand_concurrent_calls_are_all_delivered(producer: Producer, make_topic: MakeTopic) -> None:
    topic = await make_topic(partitions=6)
    calls = (producer.produce_async(topic=topic, payload=b"x", key=str(number)) for number in range(20_000))
    handles = await asyncio.gather(*calls)
    assert {(await handle.wait(30)).status for handle in handles} == {"delivered"}
