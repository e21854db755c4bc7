"""The leader of a partition moves to another broker under consumers: they follow it, and nothing is given twice."""

from __future__ import annotations

import asyncio
from functools import partial

from confluent_kafka import ElectionType, TopicPartition
from confluent_kafka.admin import AdminClient

from app.kafka.embedded.apache import ApacheCluster
from app.routes import Routes
from tests.kafka_tools import reorder_replicas
from tests.scenarios.conftest import MakeStage
from tests.scenarios.observed import Observed
from tests.scenarios.test_broker_trouble_under_the_producer import has_delivered
from tests.scenarios.verdicts import Load, assert_verdicts_are_true
from tests.waiting import until

PARTITIONS = 3


def leaders(admin: AdminClient, topic: str) -> dict[int, int]:
    """The node that leads each partition."""
    found = admin.list_topics(topic, timeout=10).topics[topic].partitions
    return {number: partition.leader for number, partition in found.items()}


async def test_consumers_follow(three_brokers: ApacheCluster, make_stage: MakeStage) -> None:
    servers = three_brokers.bootstrap_servers
    stage = await make_stage(servers)
    topic = await stage.topic(PARTITIONS)
    load, observed = Load(stage.producer, topic), Observed(f"g-{topic}")
    admin = AdminClient({"bootstrap.servers": servers})

    def draw(routes: Routes) -> None:
        with routes.group(observed.group) as group:
            group.topic(topic, observed.consumer("one"))

    async with stage.running(draw):
        async with load.running():
            await until(lambda: len(observed.given()) > 100, "the consumer at work", 40)
            before = await asyncio.to_thread(leaders, admin, topic)
            orders = {number: [leader % 3 + 1, (leader + 1) % 3 + 1, leader] for number, leader in before.items()}
            await reorder_replicas(servers, topic, orders)
            moving = [TopicPartition(topic, number) for number in before]
            await asyncio.to_thread(admin.elect_leaders(ElectionType.PREFERRED, moving).result, 30)

            async def moved() -> bool:
                now = await asyncio.to_thread(leaders, admin, topic)
                return now == {number: order[0] for number, order in orders.items()}

            await until(moved, "new leaders")
            await until(partial(has_delivered, load, load.count("delivered") + 300), "deliveries by new leaders")
        observed.loaded(load)
        await observed.until_given(load.delivered())
    await assert_verdicts_are_true(stage, topic, load)
    assert load.count("failed") + load.count("unknown") == 0, "nothing was away"
    report = await observed.check(servers)
    assert not report.faults, report
    assert report.given == report.records, report
