"""One of three brokers hangs: the messages of partitions that others lead are shown, and which are missing is told."""

from __future__ import annotations

import pytest

from app.kafka.admin.protocol import NewTopic
from app.kafka.embedded.apache import ApacheCluster
from tests.dashboard.real_service import real_service
from tests.waiting import until

WAIT_S = 10.0


@pytest.mark.timeout(120)
async def test_the_others_are_shown(three_quick_brokers: ApacheCluster) -> None:
    async with real_service(three_quick_brokers.bootstrap_servers) as running:
        services = running.service.services
        await services.admin.create_topic(NewTopic("spread", 3, 1), timeout_s=WAIT_S)

        async def known() -> bool:
            return "spread" in await services.cluster.refresh(timeout_s=WAIT_S)

        await until(known, "the topic is known")
        for partition in range(3):
            await running.produce("spread", {"n": partition}, partition=partition)
        path = "/dashboard/api/topics/spread/messages"
        assert len((await running.get(path))["messages"]) == 3
        last = three_quick_brokers.nodes[-1].node_id
        led = {
            one.leader: one.partition for one in (await services.admin.topics(timeout_s=WAIT_S))["spread"].partitions
        }
        three_quick_brokers.pause_node(len(three_quick_brokers.nodes) - 1)
        try:
            page = await running.get(path)
        finally:
            three_quick_brokers.resume_node(len(three_quick_brokers.nodes) - 1)
        assert page["unreadable"] == [led[last]]
        assert {message["partition"] for message in page["messages"]} == set(led.values()) - {led[last]}

        async def whole() -> bool:
            response = await running.http.get(path)
            return response.status_code == 200 and len(response.json()["messages"]) == 3

        await until(whole, "all is shown again", 30)
