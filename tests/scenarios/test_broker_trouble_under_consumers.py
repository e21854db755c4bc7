"""A broker is stopped, killed, hung or restarted under consumers: they go on, in order, and lose nothing."""

from __future__ import annotations

import asyncio

import pytest

from app.kafka.embedded.apache import ApacheCluster
from app.routes import Routes
from tests.scenarios.conftest import MakeStage
from tests.scenarios.stage import Seen, Stage, recording
from tests.scenarios.test_broker_trouble_under_the_producer import AWAY_S, Trouble, end_trouble, make_trouble
from tests.waiting import until

PARTITIONS = 3
ROUND = 300


async def send_round(stage: Stage, topic: str, number: int) -> None:
    """The next messages: their payloads go on from the round before."""
    await stage.producer.produce_many_sync(
        [
            {"topic": topic, "payload": payload, "partition": payload % PARTITIONS}
            for payload in range(number * ROUND, (number + 1) * ROUND)
        ]
    )


@pytest.mark.parametrize("trouble", ["stopped", "killed", "hung"])
async def test_consuming_goes_on_after_the_broker_comes_back(
    own_kafka: ApacheCluster, make_stage: MakeStage, seen: Seen, trouble: Trouble
) -> None:
    stage = await make_stage(own_kafka.bootstrap_servers)
    topic = await stage.topic(PARTITIONS)

    def draw(routes: Routes) -> None:
        with routes.group(f"g-{topic}") as group:
            group.topic(topic, recording(seen))

    async with stage.running(draw):
        await send_round(stage, topic, 0)
        await until(lambda: len(seen) >= ROUND, "the first round")
        await make_trouble(own_kafka, trouble)
        await asyncio.sleep(AWAY_S)
        await end_trouble(own_kafka, trouble)
        await until(lambda: not stage.cluster.unreachable_for_s, "Kafka back", 30)
        await send_round(stage, topic, 1)
        await until(lambda: set(seen.payloads) == set(range(2 * ROUND)), "the second round", 45)
    for partition in range(PARTITIONS):
        offsets = seen.offsets(partition)
        assert list(dict.fromkeys(offsets)) == list(range(2 * ROUND // PARTITIONS)), "first deliveries in order"
