"""The Kafka in memory."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from app.errors import AbortTransaction, BrokerUnavailable, KafkaUnavailable, UnknownTopic
from app.events import Monitor
from app.messages import TopicPartition
from app.producer import Producer
from app.testing import Broker
from tests.conftest import make_settings

AT = TopicPartition("t", 0)


@pytest.fixture
def broker() -> Broker:
    return Broker({"t": 2})


@pytest.fixture
async def producer(broker: Broker) -> AsyncIterator[Producer]:
    settings = make_settings("memory:9092", producer_transactional_id_prefix="p")
    made = Producer(settings, broker, broker.open_client, Monitor())
    yield made
    await made.close(1)


async def test_what_is_produced_and_what_is_given_stand_in_one_log(broker: Broker, producer: Producer) -> None:
    told: list[int] = []
    broker.watchers.append(lambda: told.append(broker.end(AT)))
    broker.give(AT, b"1", key=b"k", timestamp=5)
    report = await producer.produce_sync(topic="t", partition=0, payload=2, headers={"h": "v"})
    broker.give(AT, b"3", offset=10)
    log = broker.logs[AT]
    assert report.offset == 1
    assert [(record.offset, record.value) for record in log] == [(0, b"1"), (1, b"2"), (10, b"3")]
    assert (log[0].timestamp, log[0].key, log[1].headers) == (5, b"k", (("h", b"v"),))
    assert log[1].timestamp > 1_700_000_000_000
    assert (broker.end(AT), told) == (11, [1, 2, 11])
    assert [record.value for record in broker.produced] == [b"2"]
    with pytest.raises(ValueError, match="ends at offset 11"):
        broker.give(AT, b"4", offset=10)


async def test_other_topics_have_one_partition_but_for_those_that_are_missing(
    broker: Broker, producer: Producer
) -> None:
    broker.missing.add("gone")
    assert [await broker.partition_count(topic, timeout_s=1) for topic in ("t", "new", "gone")] == [2, 1, None]
    assert sorted(broker.topics()) == ["new", "t"]
    assert len(broker.topics()) == 2
    with pytest.raises(UnknownTopic):
        await producer.produce_sync(topic="gone", payload=1)


async def test_where_it_is_away_nothing_can_be_sent(broker: Broker, producer: Producer) -> None:
    broker.reachable_now = False
    assert (broker.reachable, dict(broker.topics())) == (False, {})
    with pytest.raises(BrokerUnavailable):
        await producer.produce_sync(topic="t", payload=1)
    with pytest.raises(KafkaUnavailable):
        await broker.refresh(timeout_s=1)


async def test_a_transaction_is_in_the_log_when_it_is_committed(broker: Broker, producer: Producer) -> None:
    async with producer.transaction() as transaction:
        await producer.produce_sync(topic="t", partition=0, payload=1)
        await transaction.send_offsets({AT: 7}, "g")
        assert (broker.logs, broker.offsets) == ({}, {})
    assert ([record.value for record in broker.logs[AT]], broker.offsets) == ([b"1"], {"g": {AT: 7}})
    async with producer.transaction():
        await producer.produce_sync(topic="t", partition=0, payload=2)
        raise AbortTransaction
    assert [record.value for record in broker.logs[AT]] == [b"1"]


def test_what_is_trimmed_away_is_gone(broker: Broker) -> None:
    for number in range(3):
        broker.give(AT, str(number).encode())
    broker.trim(AT, 2)
    assert (broker.beginning(AT), broker.end(AT), [record.offset for record in broker.logs[AT]]) == (2, 3, [2])
    broker.trim(AT, 9)
    assert (broker.beginning(AT), broker.end(AT)) == (9, 9)
