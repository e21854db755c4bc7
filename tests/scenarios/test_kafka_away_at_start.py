"""Kafka is away when the service starts: it is live and says why it is not ready, and works once Kafka comes."""

from __future__ import annotations

import signal

from app.kafka.embedded.apache import ApacheCluster
from tests.service_process import service
from tests.waiting import until


async def test_it_comes_up_when_kafka_does(own_kafka: ApacheCluster) -> None:
    await own_kafka.stop_node(0)
    async with service(own_kafka.bootstrap_servers, kafka_create_topics="true") as process:
        await process.until_live()

        async def reason_is_told() -> bool:
            ready = await process.client.get("/health/ready")
            return ready.status_code == 503 and "broker_unreachable" in ready.text

        await until(reason_is_told, "why it is not ready")
        await process.until_logged(own_kafka.bootstrap_servers)
        refused = await process.produce("example", 1)
        assert refused.status_code == 503
        assert refused.json()["code"] == "broker_unavailable", refused.text
        await own_kafka.start_node(0)
        await process.until_ready()
        assert (await process.produce("example", {"ping": "pong"})).status_code == 200
        await process.until_logged("{'ping': 'pong'}")
        process.send(signal.SIGTERM)
        assert await process.ended(10) == 0, process.text


async def test_it_ends_with_0_where_kafka_never_came() -> None:
    async with service("127.0.0.1:1") as process:
        await process.until_live()
        process.send(signal.SIGINT)
        assert await process.ended(10) == 0, process.text
