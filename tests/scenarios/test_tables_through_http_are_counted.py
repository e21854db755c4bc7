"""Three real tables go through HTTP, row by row and in batches, and a consumer's counts equal the files'."""

from __future__ import annotations

import asyncio
import signal

import pytest

from app.kafka.embedded.apache import ApacheCluster
from examples.tables.consumer import COUNTS_TOPIC
from examples.tables.send import WAYS, send_all
from examples.tables.tables import TABLES
from tests.kafka_tools import describe_group
from tests.scenarios.witness import stored_in
from tests.service_process import service
from tests.waiting import until


@pytest.mark.timeout(240)
async def test_counts_by_key_equal_those_of_the_files(own_kafka: ApacheCluster) -> None:
    servers = own_kafka.bootstrap_servers
    wanted = {
        f"{table.topic}/{way}/{key}": count for table in TABLES for way in WAYS for key, count in table.counts().items()
    }
    async with service(servers, draw="examples.tables.routing:draw", kafka_create_topics="true") as process:
        await process.until_ready()
        assert await asyncio.to_thread(send_all, process.url) == sum(wanted.values()) > 40_000

        async def counted() -> bool:
            return await last_counts(servers) == wanted

        await until(counted, "the counts of the files", 60)
        snapshot = (await process.client.get("/dashboard", headers={"Accept": "application/json"})).json()
        process.send(signal.SIGTERM)
        assert await process.ended(15) == 0, process.text
    assert snapshot["produce"]["delivered"] >= sum(wanted.values()), snapshot["produce"]
    for table in TABLES:
        lines = (await describe_group(servers, "tables", table.topic)).values()
        assert sum(line.committed or 0 for line in lines) == 2 * sum(table.counts().values())
        assert {line.lag for line in lines if line.end} <= {0}


async def last_counts(servers: str) -> dict[str, int]:
    """The last count of each key in the topic of counts."""
    stored = await stored_in(servers, COUNTS_TOPIC)
    return {(record.key or b"").decode(): int(record.value or b"0") for record in stored}
