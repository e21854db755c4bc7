"""python -m benchmarks.feed SERVERS TOPIC PARTITIONS PER_S SECONDS: writes evenly, from a process of its own."""

from __future__ import annotations

import asyncio
import sys
import time

from aiokafka import AIOKafkaProducer

from benchmarks.arena import payload

TURN_S = 0.01


async def feed(servers: str, topic: str, partitions: int, per_s: int, seconds: float) -> None:
    """`per_s` records a second, partition after partition."""
    async with AIOKafkaProducer(bootstrap_servers=servers) as producer:
        started, sent = time.monotonic(), 0
        while (passed := time.monotonic() - started) < seconds:
            for number in range(sent, int(passed * per_s)):
                await producer.send(topic, payload(number), partition=number % partitions)
                sent += 1
            await asyncio.sleep(TURN_S)
        await producer.flush()


if __name__ == "__main__":
    asyncio.run(feed(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]), float(sys.argv[5])))
