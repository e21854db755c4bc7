"""A broker is stopped, killed, hung or restarted under consumers: they go on, in order, and lose nothing."""

from __future__ import annotations

import asyncio

import pytest

from app.kafka.embedded.apache import ApacheCluster
from app.routes import Routes
from tests.scenarios.conftest import MakeStage
from tests.scenarios.observed import Observed
from tests.scenarios.stage import Stage
from tests.scenarios.test_broker_trouble_under_the_producer import AWAY_S, Trouble, end_trouble, make_trouble
from tests.waiting import until

PARTITIONS = 3
ROUND = 300


async def send_round(stage: Stage, topic: str, number: int, observed: Observed) -> None:
    """The next messages: their payloads go on from the round before."""
    payloads = range(number * ROUND, (number + 1) * ROUND)
    messages = [{"topic": topic, "payload": payload, "partition": payload % PARTITIONS} for payload in payloads]
    observed.produced(await stage.producer.produce_many_sync(messages), payloads)


@pytest.mark.parametrize("trouble", ["stopped", "killed", "hung"])
async def test_consuming_goes_on_after_the_broker_comes_back(
    own_kafka: ApacheCluster, make_stage: MakeStage, trouble: Trouble
) -> None:
    stage = await make_stage(own_kafka.bootstrap_servers)
    topic = await stage.topic(PARTITIONS)
    observed = Observed(f"g-{topic}")

    def draw(routes: Routes) -> None:
        with routes.group(f"g-{topic}") as group:
            group.topic(topic, observed.consumer("one"))

    async with stage.running(draw):
        await send_round(stage, topic, 0, observed)
        await observed.until_given(range(ROUND))
        with observed.trouble("broker"):
            await make_trouble(own_kafka, trouble)
            await asyncio.sleep(AWAY_S)
            await end_trouble(own_kafka, trouble)
            await until(lambda: not stage.cluster.unreachable_for_s, "Kafka back", 30)
        await send_round(stage, topic, 1, observed)
        await observed.until_given(range(2 * ROUND), 45)
    report = await observed.check(stage.servers)
    assert not report.faults, report
