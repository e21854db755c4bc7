"""A join is one request, however many assignors a member offers; a member knows when it was last heard."""

from __future__ import annotations

import uuid

import pytest

from app.kafka.consumer_client import AiokafkaConsumer
from app.kafka.embedded.apache import ApacheCluster
from app.kafka.producer_client import open_producer
from app.kafka.topic_writer import handed_over
from app.messages import TopicPartition
from tests.kafka.conftest import MakeTopic
from tests.kafka.doubles import Listener, batch_of, settings_of, until

pytestmark = pytest.mark.usefixtures("nothing_left")


@pytest.mark.parametrize("assignors", ["range", "range,roundrobin", "roundrobin,range,sticky"])
async def test_joining_costs_the_group_one_rebalance(
    kafka: ApacheCluster, make_topic: MakeTopic, assignors: str
) -> None:
    topic, servers = await make_topic(kafka), kafka.bootstrap_servers
    settings = settings_of(servers, consumer_assignor=assignors)
    client = AiokafkaConsumer(settings, servers, f"g-{uuid.uuid4().hex}", [topic], Listener())
    await client.start()
    assert client._consumer._coordinator.generation == 1
    await client.stop(1)


async def test_a_static_member_gets_one_member_id_for_one_join(kafka: ApacheCluster, make_topic: MakeTopic) -> None:
    topic, servers, group = await make_topic(kafka), kafka.bootstrap_servers, f"g-{uuid.uuid4().hex}"
    settings = settings_of(servers, consumer_instance_id="pod-1")
    first = AiokafkaConsumer(settings, servers, group, [topic], Listener())
    await first.start()
    earlier = first.member_id()
    await first.stop(1)
    again = AiokafkaConsumer(settings, servers, group, [topic], Listener())
    await again.start()
    assert earlier != again.member_id()
    assert again.member_id().startswith(f"pod-1-{group}-")
    assert again._consumer._coordinator.generation == 1, "nobody else would have noticed"
    await again.stop(1)


async def test_nothing_is_taken_where_the_session_may_be_over_until_the_coordinator_answers(
    kafka: ApacheCluster, make_topic: MakeTopic
) -> None:
    topic, servers = await make_topic(kafka), kafka.bootstrap_servers
    at, settings = TopicPartition(topic, 0), settings_of(servers, consumer_heartbeat_ms=500)
    producer = await open_producer(settings, servers)
    await (await handed_over(producer, batch_of(producer, b"a", b"b"), at, timeout_s=30))
    await producer.stop(1)
    client = AiokafkaConsumer(settings, servers, f"g-{uuid.uuid4().hex}", [topic], Listener())
    await client.start()
    client.seek(at, 0)
    await until(lambda: client.has_data(at))
    coordinator = client._consumer._coordinator
    coordinator.heard_at -= settings.consumer_session_timeout_ms / 1000
    assert not client.has_data(at)
    assert not client.with_data()
    assert not client.take(at, 10)
    await until(lambda: client.has_data(at))
    assert [record.value for record in client.take(at, 10)] == [b"a", b"b"]
    await client.stop(1)
