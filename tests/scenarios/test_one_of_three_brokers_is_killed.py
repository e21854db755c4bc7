"""One of three brokers is killed under load: after 8 to 11 s of silence all goes on, and nothing acknowledged is lost.

The silence is Kafka's own: nine seconds until a broker that does not speak counts as dead, and an election.
"""

from __future__ import annotations

from functools import partial

import pytest

from app.kafka.embedded.apache import ApacheCluster
from app.routes import Routes
from tests.scenarios.conftest import MakeStage
from tests.scenarios.observed import Observed
from tests.scenarios.test_broker_trouble_under_the_producer import has_delivered
from tests.scenarios.verdicts import Load, assert_verdicts_are_true
from tests.waiting import until


@pytest.mark.timeout(180)
async def test_nothing_acknowledged_is_lost_and_consumers_see_it_all(
    three_brokers: ApacheCluster, make_stage: MakeStage
) -> None:
    stage = await make_stage(three_brokers.bootstrap_servers)
    topic = await stage.topic(partitions=6)
    load = Load(stage.producer, topic)
    observed = Observed(f"g-{topic}")

    def draw(routes: Routes) -> None:
        with routes.group(f"g-{topic}") as group:
            group.topic(topic, observed.consumer("one"))

    async with stage.running(draw):
        async with load.running(sync_callers=12, async_callers=6):
            await until(partial(has_delivered, load, 500), "the first deliveries", 40)
            await until(lambda: len(observed.given()) > 100, "the first messages consumed", 40)
            with observed.trouble("broker"):
                await three_brokers.kill_node(1)
                wanted = load.count("delivered") + 2000
                await until(partial(has_delivered, load, wanted), "deliveries without the third broker", 60)
        await observed.until_given(load.delivered(), 60)
    observed.loaded(load)
    report = await observed.check(stage.servers)
    assert not report.faults, report
    await assert_verdicts_are_true(stage, topic, load)
    assert load.count("delivered") >= wanted
    assert load.count("failed") + load.count("unknown") == 0, "two of three brokers are enough"
