"""Requests that neither client library has: sizes on disk, the leader of the quorum, deleting committed offsets.

The versions are the oldest that Kafka 4 still takes. What may be long is kept as it came and read elsewhere, as
reading it here would hold the loop.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from io import BytesIO
from typing import Any, NamedTuple

from aiokafka.client import AIOKafkaClient, CoordinationType
from aiokafka.errors import KafkaError, for_code
from aiokafka.protocol.api import Request, RequestStruct, Response
from aiokafka.protocol.types import (
    AbstractType,
    Array,
    CompactArray,
    CompactString,
    Int16,
    Int32,
    Int64,
    Schema,
    String,
    TaggedFields,
    UnsignedVarInt32,
)

from app.kafka.tasks import bounded
from app.messages import TopicPartition

DESCRIBE_LOG_DIRS, OFFSET_DELETE, DESCRIBE_QUORUM = 35, 47, 55
QUORUM_TOPIC = "__cluster_metadata"
_NAME = String("utf-8")
_COMPACT_NAME = CompactString("utf-8")


class Rest(AbstractType[bytes]):
    """Whatever comes after; only ever read."""

    @classmethod
    def decode(cls, data: BytesIO) -> bytes:
        return data.read()


class DescribeLogDirsResponse_v1(Response):  # noqa: N801  # named as aiokafka names them
    API_KEY = DESCRIBE_LOG_DIRS
    API_VERSION = 1
    SCHEMA = Schema(("throttle_time_ms", Int32), ("rest", Rest))


class DescribeLogDirsRequest_v1(RequestStruct):  # noqa: N801
    API_KEY = DESCRIBE_LOG_DIRS
    API_VERSION = 1
    RESPONSE_TYPE = DescribeLogDirsResponse_v1
    SCHEMA = Schema(("topics", Array(("topic", _NAME), ("partitions", Array(Int32)))))


class LogDirsRequest(Request[DescribeLogDirsRequest_v1]):
    """Asks one broker for the sizes of all its replicas."""

    API_KEY = DESCRIBE_LOG_DIRS

    def build(self, request_struct_class: type[DescribeLogDirsRequest_v1]) -> DescribeLogDirsRequest_v1:
        return request_struct_class(None)


class DescribeQuorumResponse_v0(Response):  # noqa: N801
    API_KEY = DESCRIBE_QUORUM
    API_VERSION = 0
    SCHEMA = Schema(("error_code", Int16), ("rest", Rest))


class DescribeQuorumRequest_v0(RequestStruct):  # noqa: N801
    FLEXIBLE_VERSION = True
    API_KEY = DESCRIBE_QUORUM
    API_VERSION = 0
    RESPONSE_TYPE = DescribeQuorumResponse_v0
    SCHEMA = Schema(
        (
            "topics",
            CompactArray(
                ("topic", _COMPACT_NAME),
                ("partitions", CompactArray(("partition", Int32), ("tags", TaggedFields))),
                ("tags", TaggedFields),
            ),
        ),
        ("tags", TaggedFields),
    )


class QuorumRequest(Request[DescribeQuorumRequest_v0]):
    """Asks any broker who leads the quorum of controllers."""

    API_KEY = DESCRIBE_QUORUM

    def build(self, request_struct_class: type[DescribeQuorumRequest_v0]) -> DescribeQuorumRequest_v0:
        return request_struct_class([(QUORUM_TOPIC, [(0, {})], {})], {})


class OffsetDeleteResponse_v0(Response):  # noqa: N801
    API_KEY = OFFSET_DELETE
    API_VERSION = 0
    SCHEMA = Schema(
        ("error_code", Int16),
        ("throttle_time_ms", Int32),
        ("topics", Array(("topic", _NAME), ("partitions", Array(("partition", Int32), ("error_code", Int16))))),
    )


class OffsetDeleteRequest_v0(RequestStruct):  # noqa: N801
    API_KEY = OFFSET_DELETE
    API_VERSION = 0
    RESPONSE_TYPE = OffsetDeleteResponse_v0
    SCHEMA = Schema(
        ("group", _NAME),
        ("topics", Array(("topic", _NAME), ("partitions", Array(Int32)))),
    )


class OffsetsDelete(Request[OffsetDeleteRequest_v0]):
    """Asks the coordinator of a group to forget offsets."""

    API_KEY = OFFSET_DELETE

    def __init__(self, group: str, partitions: Sequence[TopicPartition]) -> None:
        self._group = group
        self._partitions = partitions

    def build(self, request_struct_class: type[OffsetDeleteRequest_v0]) -> OffsetDeleteRequest_v0:
        topics = sorted({at.topic for at in self._partitions})
        by_topic = [(topic, [at.partition for at in self._partitions if at.topic == topic]) for topic in topics]
        return request_struct_class(self._group, by_topic)


class GroupPartitions(NamedTuple):
    """Partitions of which a group's offsets are to be deleted."""

    group: str
    partitions: tuple[TopicPartition, ...]


async def fetch_log_directories(client: AIOKafkaClient, timeout_s: float) -> Mapping[int, bytes]:
    """What each broker says of its log directories, for `log_sizes`; brokers that do not answer are left out.

    Raises IncompatibleBrokerVersion.
    """
    nodes = [broker.nodeId for broker in client.cluster.brokers()]

    async def ask(node: int) -> Any:
        return await bounded(client.send(node, LogDirsRequest()), timeout_s)

    answers = await asyncio.gather(*map(ask, nodes), return_exceptions=True)
    found = {}
    for node, answer in zip(nodes, answers, strict=True):
        if not isinstance(answer, BaseException):
            found[node] = answer.rest
        elif not isinstance(answer, (KafkaError, OSError, TimeoutError)) or len(nodes) == 1:
            raise answer
    return found


def log_sizes(answer: bytes) -> dict[TopicPartition, int]:
    """Bytes of each replica of one broker, all its directories together. Raises the KafkaError that it answered."""
    data = BytesIO(answer)
    sizes: dict[TopicPartition, int] = {}
    for _ in range(Int32.decode(data)):
        code, _directory = Int16.decode(data), _NAME.decode(data)
        if code:
            raise for_code(code)()
        for at, size in _replicas(data):
            sizes[at] = sizes.get(at, 0) + size
    return sizes


def _replicas(data: BytesIO) -> Iterator[tuple[TopicPartition, int]]:
    for _ in range(Int32.decode(data)):
        topic = _NAME.decode(data) or ""
        for _ in range(Int32.decode(data)):
            partition, size = Int32.decode(data), Int64.decode(data)
            Int64.decode(data)  # how far it lags behind
            data.read(1)  # whether it is being moved here
            yield TopicPartition(topic, partition), size


async def fetch_quorum_leader(client: AIOKafkaClient, _: None) -> int | None:
    """The node that leads the controllers; None where that is not known. Raises a KafkaError."""
    answer: Any = await client.send(client.get_random_node(), QuorumRequest())
    if answer.error_code:
        raise for_code(answer.error_code)()
    data = BytesIO(answer.rest)
    UnsignedVarInt32.decode(data)  # one topic
    _COMPACT_NAME.decode(data)
    UnsignedVarInt32.decode(data)  # one partition
    Int32.decode(data)
    if code := Int16.decode(data):
        raise for_code(code)()
    leader = int(Int32.decode(data))
    return None if leader < 0 else leader


async def delete_offsets(client: AIOKafkaClient, what: GroupPartitions) -> Mapping[TopicPartition, int]:
    """What was refused: the code of the error for each of those partitions. Raises a KafkaError."""
    coordinator = await client.coordinator_lookup(CoordinationType.GROUP, what.group)
    answer: Any = await client.send(coordinator, OffsetsDelete(what.group, what.partitions))
    if answer.error_code:
        raise for_code(answer.error_code)()
    refused = {}
    for topic, partitions in answer.topics:
        for partition, code in partitions:
            if code:
                refused[TopicPartition(topic, partition)] = code
    return refused
