"""What the brokers say of one topic: who leads and holds its partitions, its configuration, its offsets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from aiokafka.client import AIOKafkaClient
from aiokafka.errors import IncompatibleBrokerVersion, for_code
from aiokafka.protocol.admin import DescribeConfigsRequest
from aiokafka.protocol.offset import OffsetRequest

from app.messages import TopicPartition

TOPIC_RESOURCE = 2
LATEST, EARLIEST = -1, -2
NO_REPLICA, READ_UNCOMMITTED = -1, 0


@dataclass(frozen=True, slots=True)
class PartitionDetails:
    """One partition. `leader` is -1 while there is none."""

    partition: int
    leader: int
    replicas: tuple[int, ...]
    in_sync: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class TopicDetails:
    """One topic. `config` is empty where it may not be read."""

    partitions: tuple[PartitionDetails, ...]
    config: Mapping[str, str | None]


async def fetch_details(client: AIOKafkaClient, topic: str) -> TopicDetails | None:
    """What is known of `topic`; None where it does not exist. Raises a KafkaError."""
    metadata = await client.fetch_all_metadata()
    found = metadata._partitions.get(topic)
    if not found:
        return None
    partitions = tuple(
        PartitionDetails(number, one.leader, tuple(one.replicas), tuple(one.isr))
        for number, one in sorted(found.items())
    )
    return TopicDetails(partitions, await _fetch_config(client, topic))


async def _fetch_config(client: AIOKafkaClient, topic: str) -> Mapping[str, str | None]:
    request = DescribeConfigsRequest([(TOPIC_RESOURCE, topic, None)])
    try:
        response = await client.send(client.get_random_node(), request)
    except IncompatibleBrokerVersion:
        return {}  # the in-memory broker has no word for it
    for code, _message, _kind, _name, entries in response.resources:
        if code == 0:
            return {entry[0]: entry[1] for entry in entries}
    return {}


async def fetch_offsets(client: AIOKafkaClient, at: TopicPartition) -> tuple[int, int] | None:
    """(first offset, offset after the last) of a partition; None where it does not exist. Raises a KafkaError."""
    metadata = await client.fetch_all_metadata()
    found = (metadata._partitions.get(at.topic) or {}).get(at.partition)
    if found is None:
        return None
    return await _offset(client, found.leader, at, EARLIEST), await _offset(client, found.leader, at, LATEST)


async def _offset(client: AIOKafkaClient, leader: int, at: TopicPartition, which: int) -> int:
    request = OffsetRequest(NO_REPLICA, READ_UNCOMMITTED, [(at.topic, [(at.partition, which)])])
    response: Any = await client.send(leader, request)
    _topic, ((_partition, code, _timestamp, offset, *_),) = response.topics[0]
    if code:
        raise for_code(code)
    return int(offset)
