"""Writing what the service keeps for itself, on a real broker."""

from __future__ import annotations

import os
from functools import partial

import pytest

from app.errors import KafkaUnavailable
from app.kafka.embedded.apache import ApacheCluster
from app.kafka.producer_client import open_producer
from app.kafka.topic_writer import MOST_BATCH_BYTES, TopicWriter, Written
from tests.kafka.conftest import MakeTopic
from tests.kafka.doubles import settings_of
from tests.kafka.reading import read_all

pytestmark = pytest.mark.usefixtures("nothing_left")


def writer_to(servers: str) -> TopicWriter:
    return TopicWriter(partial(open_producer, settings_of(servers), servers))


async def test_records_are_stored_in_their_order_however_many_batches_they_need(
    kafka: ApacheCluster, make_topic: MakeTopic
) -> None:
    topic, writer = await make_topic(kafka), writer_to(kafka.bootstrap_servers)
    size = MOST_BATCH_BYTES // 2
    records = [Written(f"k{number}", os.urandom(size), [("n", b"%d" % number)]) for number in range(5)]
    await writer.write(topic, [*records, Written("k1", None)], timeout_s=10)
    await writer.stop(1)
    found = await read_all(kafka, topic)
    assert [record.key for record in found] == [b"k0", b"k1", b"k2", b"k3", b"k4", b"k1"]
    assert [len(record.value or b"") for record in found] == [*[size] * 5, 0]
    assert found[3].headers == (("n", b"3"),)


async def test_after_a_record_that_kafka_refuses_it_writes_on(kafka: ApacheCluster, make_topic: MakeTopic) -> None:
    topic, writer = await make_topic(kafka, **{"max.message.bytes": "1000"}), writer_to(kafka.bootstrap_servers)
    with pytest.raises(KafkaUnavailable, match=f"{topic} cannot be written"):
        await writer.write(topic, [Written("k", b"x" * 2000)], timeout_s=10)
    await writer.write(topic, [Written("k", b"y")], timeout_s=10)
    await writer.stop(1)
    assert [record.value for record in await read_all(kafka, topic)] == [b"y"]


async def test_nothing_is_written_where_nobody_answers_and_nothing_is_left_behind() -> None:
    writer = writer_to("127.0.0.1:1")
    with pytest.raises(KafkaUnavailable):
        await writer.write("t", [Written("k", b"x")], timeout_s=5)
    await writer.stop(0)
