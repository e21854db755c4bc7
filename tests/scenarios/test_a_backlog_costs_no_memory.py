"""A million records behind a slow consumer cost the service no memory: they stay at the broker."""

from __future__ import annotations

import os
from pathlib import Path

from aiokafka import AIOKafkaProducer

from tests.scenarios.stage import Stage
from tests.service_process import ServiceProcess, service
from tests.waiting import until

RECORDS, PARTITIONS = 1_000_000, 2
VALUE = b'{"id":1}'
MAY_GROW_MIB = 48
"""A few fetched responses. The records as Python objects would take more than 300 MiB."""


async def test_memory_does_not_follow_the_lag(stage: Stage) -> None:
    topic = await stage.topic(PARTITIONS)
    draw = "tests.scenarios.tables:slow"
    async with service(stage.servers, draw=draw, environment={"TOPIC": topic}) as process:
        await process.until_ready()
        before = rss_mib(process)
        await write(stage.servers, topic)

        async def is_behind() -> bool:
            consume = (await process.client.get("/dashboard")).json()["consume"]
            return consume["totals"]["batches"] >= 40 and (consume["lag"] or 0) > RECORDS * 0.9

        await until(is_behind, "the consumer works, far behind", 60)
        assert rss_mib(process) - before < MAY_GROW_MIB


async def write(servers: str, topic: str) -> None:
    """All records, in batches as large as a batch may be."""
    async with AIOKafkaProducer(bootstrap_servers=servers, max_batch_size=900_000) as producer:
        for partition in range(PARTITIONS):
            left = RECORDS // PARTITIONS
            while left:
                batch = producer.create_batch()
                while left and batch.append(key=None, value=VALUE, timestamp=None) is not None:
                    left -= 1
                await (await producer.send_batch(batch, topic, partition=partition))


def rss_mib(process: ServiceProcess) -> float:
    """Resident memory of the service."""
    pages = int(Path(f"/proc/{process.pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20
