"""The producer's client on a real broker: handing over, answers, refusals, opening."""

from __future__ import annotations

import asyncio
import time

import pytest
from aiokafka.errors import MessageSizeTooLargeError

from app.errors import KafkaUnavailable
from app.kafka.embedded.apache import ApacheCluster
from app.kafka.producer_client import open_producer
from app.messages import TopicPartition
from app.settings import Settings
from tests.kafka.conftest import MakeTopic
from tests.kafka.doubles import batch_of, settings_of
from tests.kafka.reading import read_all

pytestmark = pytest.mark.usefixtures("nothing_left")


async def test_a_batch_is_stored_and_its_answer_is_the_offset_of_its_first_record(
    kafka: ApacheCluster, settings: Settings, make_topic: MakeTopic
) -> None:
    topic = await make_topic(kafka)
    client = await open_producer(settings, kafka.bootstrap_servers)
    try:
        answers = []
        for values in ((b"a", b"b"), (b"c",)):
            answers.append(await (await client.send(batch_of(client, *values), TopicPartition(topic, 0))))
    finally:
        await client.stop(1)
    assert answers == [0, 2]
    assert [record.value for record in await read_all(kafka, topic)] == [b"a", b"b", b"c"]


async def test_a_record_with_neither_key_nor_value_is_stored(
    kafka: ApacheCluster, settings: Settings, make_topic: MakeTopic
) -> None:
    topic = await make_topic(kafka)
    client = await open_producer(settings, kafka.bootstrap_servers)
    try:
        await (await client.send(batch_of(client, None), TopicPartition(topic, 0)))
    finally:
        await client.stop(1)
    (record,) = await read_all(kafka, topic)
    assert (record.key, record.value) == (None, None)
