"""A join is one request, however many assignors a member offers."""

from __future__ import annotations

import uuid

import pytest

from app.kafka.consumer_client import AiokafkaConsumer
from app.kafka.embedded.apache import ApacheCluster
from tests.kafka.conftest import MakeTopic
from tests.kafka.doubles import Listener, settings_of

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
