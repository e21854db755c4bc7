"""Reading partitions without a group, on a real broker."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence

import pytest
from aiokafka.admin import AIOKafkaAdminClient, RecordsToDelete
from aiokafka.structs import TopicPartition as ClientPartition

from app.errors import KafkaUnavailable
from app.kafka.embedded.apache import ApacheCluster
from app.kafka.producer_client import open_producer
from app.kafka.topic_reader import TopicReader
from app.kafka.topic_writer import handed_over
from app.messages import Record, TopicPartition
from tests.kafka.conftest import MakeTopic
from tests.kafka.doubles import batch_of, settings_of

pytestmark = pytest.mark.usefixtures("nothing_left")


async def write(kafka: ApacheCluster, at: TopicPartition, *values: bytes) -> None:
    client = await open_producer(settings_of(kafka.bootstrap_servers), kafka.bootstrap_servers)
    await (await handed_over(client, batch_of(client, *values), at, timeout_s=30))
    await client.stop(1)


def reader_of(kafka: ApacheCluster, starts: dict[TopicPartition, int | None]) -> TopicReader:
    return TopicReader(settings_of(kafka.bootstrap_servers), kafka.bootstrap_servers, starts)


async def read(reader: TopicReader, wanted: int) -> Sequence[Record]:
    """So many records, waited for."""
    records: list[Record] = []
    async with asyncio.timeout(10):
        while len(records) < wanted:
            records += await reader.read(100, 0.2)
    return records


async def test_it_reads_all_that_is_there_and_then_follows(kafka: ApacheCluster, make_topic: MakeTopic) -> None:
    topic = await make_topic(kafka, 2)
    first, second = TopicPartition(topic, 0), TopicPartition(topic, 1)
    await write(kafka, first, b"a", b"b")
    reader = reader_of(kafka, {first: None, second: None})
    await reader.start()
    assert not reader.caught_up()
    assert reader.ends == {first: 2, second: 0}
    assert [(record.offset, record.value) for record in await read(reader, 2)] == [(0, b"a"), (1, b"b")]
    assert reader.caught_up()
    await write(kafka, second, b"c")
    (record,) = await read(reader, 1)
    assert (record.topic, record.partition, record.offset, record.value) == (topic, 1, 0, b"c")
    assert (reader.position(first), reader.position(second)) == (2, 1)
    await reader.stop(1)
    await reader.stop(1)


async def test_it_begins_where_it_is_told_or_at_what_is_left(kafka: ApacheCluster, make_topic: MakeTopic) -> None:
    at = TopicPartition(await make_topic(kafka), 0)
    await write(kafka, at, b"a", b"b", b"c", b"d")
    reader = reader_of(kafka, {at: 2})
    await reader.start()
    assert [record.value for record in await read(reader, 2)] == [b"c", b"d"]
    await reader.stop(1)
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka.bootstrap_servers)
    await admin.start()
    await admin.delete_records({ClientPartition(*at): RecordsToDelete(before_offset=3)})
    await admin.close()
    trimmed = reader_of(kafka, {at: 1})
    await trimmed.start()
    assert [record.value for record in await read(trimmed, 1)] == [b"d"]
    await trimmed.stop(1)


async def test_an_empty_partition_is_read_at_once(kafka: ApacheCluster, make_topic: MakeTopic) -> None:
    reader = reader_of(kafka, {TopicPartition(await make_topic(kafka), 0): None})
    await reader.start()
    assert reader.caught_up()
    assert await reader.read(10, 0.05) == []
    await reader.stop(1)


async def test_without_a_broker_it_says_so_and_leaves_nothing() -> None:
    settings = settings_of("127.0.0.1:1")
    reader = TopicReader(settings, "127.0.0.1:1", {TopicPartition("t", 0): None})
    with pytest.raises(KafkaUnavailable, match="t cannot be read"):
        await reader.start()


async def test_it_can_be_stopped_while_the_broker_hangs(own_kafka: ApacheCluster, make_topic: MakeTopic) -> None:
    reader = reader_of(own_kafka, {TopicPartition(await make_topic(own_kafka), 0): None})
    await reader.start()
    own_kafka.pause_node(0)
    started = time.monotonic()
    assert await reader.read(10, 0.05) == []
    await reader.stop(0.2)
    assert time.monotonic() - started < 10
