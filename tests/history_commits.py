"""Every commit of a group, in order, out of the topic in which Kafka itself keeps them."""

from __future__ import annotations

import asyncio
import struct
import time
from collections.abc import Iterator

from confluent_kafka import Consumer, KafkaError, TopicPartition

from tests.history import Commit

OFFSETS_TOPIC = "__consumer_offsets"
OFFSET_KEY_VERSIONS = (0, 1)
"""Kafka's OffsetCommitKey; version 2 is the group's own state (GroupMetadataKey)."""


async def commits_of(servers: str, group: str, since: float, timeout_s: float = 60) -> list[Commit]:
    """What `group` has committed from `since` (seconds since 1970) on. Fails if reading takes longer."""
    return await asyncio.to_thread(_read, servers, group, since, timeout_s)


def _read(servers: str, group: str, since: float, timeout_s: float) -> list[Commit]:
    deadline = time.monotonic() + timeout_s
    consumer = Consumer(
        {
            "bootstrap.servers": servers,
            "group.id": "witness-of-commits",
            "enable.auto.commit": False,
            "enable.partition.eof": True,
            "isolation.level": "read_uncommitted",
        }
    )
    try:
        partitions = len(consumer.list_topics(OFFSETS_TOPIC, timeout=timeout_s).topics[OFFSETS_TOPIC].partitions)
        asked = TopicPartition(OFFSETS_TOPIC, partition_of(group, partitions), int(since * 1000))
        consumer.assign(consumer.offsets_for_times([asked], timeout=timeout_s))
        return list(_until_the_end(consumer, group, deadline))
    finally:
        consumer.close()


def _until_the_end(consumer: Consumer, group: str, deadline: float) -> Iterator[Commit]:
    while True:
        assert time.monotonic() < deadline, f"the commits of {group} could not be read in time"
        for message in consumer.consume(1000, timeout=0.2):
            error, key = message.error(), message.key()
            if error is not None:
                if error.code() == KafkaError._PARTITION_EOF:
                    return
                continue
            commit = decoded(key or b"", message.value(), message.timestamp()[1] / 1000)
            if commit is not None and commit[0] == group:
                yield commit[1]


def decoded(key: bytes, value: bytes | None, at: float) -> tuple[str, Commit] | None:
    """The group and its commit; None for a record of another kind, and for a commit that was dropped."""
    if value is None or len(key) < 2 or struct.unpack_from(">h", key)[0] not in OFFSET_KEY_VERSIONS:
        return None
    group, end = _text(key, 2)
    topic, end = _text(key, end)
    (partition,) = struct.unpack_from(">i", key, end)
    (offset,) = struct.unpack_from(">q", value, 2)
    return group, Commit(topic, partition, offset, at)


def _text(raw: bytes, at: int) -> tuple[str, int]:
    (length,) = struct.unpack_from(">h", raw, at)
    return raw[at + 2 : at + 2 + length].decode(), at + 2 + length


def partition_of(group: str, partitions: int) -> int:
    """Where Kafka keeps the group: by Java's hash of its name."""
    value = 0
    for character in group:
        value = (31 * value + ord(character)) & 0xFFFFFFFF
    signed = value - (1 << 32) if value >= 1 << 31 else value
    return 0 if signed == -(1 << 31) else abs(signed) % partitions
