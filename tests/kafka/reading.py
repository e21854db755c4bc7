"""Reads a topic with a plain aiokafka consumer, independent of the code under test."""

from __future__ import annotations

from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition

from app.kafka.embedded.apache import ApacheCluster


async def read_all(kafka: ApacheCluster, topic: str, partition: int = 0) -> list[Any]:
    """Every record that the partition holds now."""
    consumer = AIOKafkaConsumer(bootstrap_servers=kafka.bootstrap_servers, auto_offset_reset="earliest")
    await consumer.start()
    try:
        at = TopicPartition(topic, partition)
        consumer.assign([at])
        end = (await consumer.end_offsets([at]))[at]
        found: list[Any] = []
        while await consumer.position(at) < end:
            found += (await consumer.getmany(at, timeout_ms=500)).get(at, [])
        return found
    finally:
        await consumer.stop()
