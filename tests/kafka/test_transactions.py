"""The client's transactions: errors told apart, waits that end with a stop, nothing left behind."""

from __future__ import annotations

import asyncio

import pytest

from app.errors import TransactionAborted, TransactionError, TransactionFenced, TransactionUnknown
from app.kafka.embedded.apache import ApacheCluster
from app.kafka.producer_client import open_producer
from app.kafka.protocols import ClientOptions
from app.kafka.topic_writer import handed_over
from app.kafka.transactions import healthy
from app.messages import TopicPartition
from app.settings import Settings
from tests.kafka.conftest import MakeTopic
from tests.kafka.doubles import batch_of, settings_of

pytestmark = pytest.mark.usefixtures("nothing_left")
OPTIONS = ClientOptions(transactional_id="kafka-test")


async def test_begin_twice_and_a_commit_of_nothing_are_told_as_our_errors(
    kafka: ApacheCluster, settings: Settings
) -> None:
    client = await open_producer(settings, kafka.bootstrap_servers, OPTIONS)
    client.begin()
    with pytest.raises(TransactionAborted):
        client.begin()
    await client.commit()
    with pytest.raises(TransactionAborted):
        await client.commit()
    await client.stop(1)


async def test_a_second_client_of_an_id_fences_the_first(
    kafka: ApacheCluster, settings: Settings, make_topic: MakeTopic
) -> None:
    topic = await make_topic(kafka)
    first = await open_producer(settings, kafka.bootstrap_servers, OPTIONS)
    first.begin()
    await (await handed_over(first, batch_of(first, b"x"), TopicPartition(topic, 0), timeout_s=30))
    second = await open_producer(settings, kafka.bootstrap_servers, OPTIONS)
    with pytest.raises(TransactionFenced):
        await first.commit()
    assert not first.alive
    assert not healthy(first._producer._txn_manager)
    await asyncio.gather(first.stop(1), second.stop(1))


@pytest.mark.parametrize("waits_for", ["commit", "abort", "add_offsets"])
async def test_a_stop_ends_every_wait_before_a_hung_broker(
    own_kafka: ApacheCluster, make_topic: MakeTopic, waits_for: str
) -> None:
    topic = await make_topic(own_kafka)
    client = await open_producer(settings_of(own_kafka.bootstrap_servers), own_kafka.bootstrap_servers, OPTIONS)
    client.begin()
    await (await handed_over(client, batch_of(client, b"x"), TopicPartition(topic, 0), timeout_s=30))
    own_kafka.pause_node(0)
    if waits_for == "add_offsets":
        waiting = asyncio.create_task(client.add_offsets({TopicPartition(topic, 0): 1}, "g"))
    else:
        waiting = asyncio.create_task(client.commit() if waits_for == "commit" else client.abort())
    await asyncio.wait({waiting}, timeout=0.3)
    assert not waiting.done()
    await client.stop(0)
    with pytest.raises(TransactionUnknown if waits_for == "commit" else TransactionError):
        await asyncio.wait_for(waiting, 2)
    own_kafka.resume_node(0)
