"""What a topic holds, as a client that is not ours reads it."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, TopicPartition


@dataclass(frozen=True, slots=True)
class Stored:
    """One record as it lies in the topic."""

    partition: int
    offset: int
    key: bytes | None
    value: bytes | None


async def stored_in(servers: str, topic: str, timeout_s: float = 30) -> list[Stored]:
    """Every record of `topic`, partition after partition, read by librdkafka. Fails if it takes longer."""
    return await asyncio.to_thread(_read, servers, topic, timeout_s)


def _read(servers: str, topic: str, timeout_s: float) -> list[Stored]:
    deadline = time.monotonic() + timeout_s
    consumer = Consumer(
        {
            "bootstrap.servers": servers,
            "group.id": "witness",
            "enable.auto.commit": False,
            "enable.partition.eof": True,
            "auto.offset.reset": "earliest",
        }
    )
    try:
        partitions = consumer.list_topics(topic, timeout=timeout_s).topics[topic].partitions
        consumer.assign([TopicPartition(topic, number, OFFSET_BEGINNING) for number in partitions])
        found: list[Stored] = []
        ended: set[int] = set()
        while ended != set(partitions):
            assert time.monotonic() < deadline, f"{topic} could not be read within {timeout_s:g} s"
            for message in consumer.consume(1000, timeout=0.2):
                partition, offset, error = message.partition(), message.offset(), message.error()
                assert partition is not None
                assert offset is not None
                if error is None:
                    found.append(Stored(partition, offset, message.key(), message.value()))
                elif error.code() == KafkaError._PARTITION_EOF:
                    ended.add(partition)
        return sorted(found, key=lambda record: (record.partition, record.offset))
    finally:
        consumer.close()
