"""Three brokers are restarted one by one under producers and two consuming instances: nothing is lost or disordered."""

from __future__ import annotations

from functools import partial

import pytest

from app.kafka.embedded.apache import ApacheCluster
from app.routes import Routes
from tests.scenarios.conftest import MakeStage
from tests.scenarios.observed import Observed
from tests.scenarios.stage import Draw
from tests.scenarios.test_broker_trouble_under_the_producer import has_delivered
from tests.scenarios.verdicts import Load, assert_verdicts_are_true
from tests.waiting import until


@pytest.mark.timeout(180)
async def test_consuming_goes_on_in_order(three_quick_brokers: ApacheCluster, make_stage: MakeStage) -> None:
    servers = three_quick_brokers.bootstrap_servers
    first, second = await make_stage(servers), await make_stage(servers)
    topic = await first.topic(partitions=6)
    await second.cluster.refresh(timeout_s=5)
    load, observed = Load(first.producer, topic), Observed(f"g-{topic}")

    def drawing(instance: str) -> Draw:
        def draw(routes: Routes) -> None:
            with routes.group(observed.group) as group:
                group.topic(topic, observed.consumer(instance))

        return draw

    async with first.running(drawing("first")), second.running(drawing("second")):
        async with load.running():
            await until(lambda: observed.given("first") and observed.given("second"), "both at work", 40)
            with observed.trouble("broker"):
                for node in range(3):
                    await three_quick_brokers.stop_node(node)
                    await until(partial(has_delivered, load, load.count("delivered") + 300), "deliveries by two", 40)
                    await three_quick_brokers.start_node(node)
                    await until(partial(has_delivered, load, load.count("delivered") + 300), "deliveries by all", 40)
        observed.loaded(load)
        await observed.until_given(load.delivered(), 60)
    await assert_verdicts_are_true(first, topic, load)
    report = await observed.check(servers)
    assert not report.faults, report
