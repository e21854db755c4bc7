"""Metadata of all topics with their ids (KIP-516): one that was deleted and created anew has its name and another id.

aiokafka's newest metadata request is older than topic ids, so this is one of our own: Metadata v12, Kafka 2.8 or later.
It counts partitions and leaves out the rest of what is said of them: of 10,000 each would cost more than all else.
"""

from __future__ import annotations

from collections.abc import Mapping
from io import SEEK_CUR, BytesIO
from typing import Any, NamedTuple

from aiokafka.protocol.api import Request, RequestStruct, Response
from aiokafka.protocol.types import (
    AbstractType,
    Boolean,
    CompactArray,
    CompactString,
    Int16,
    Int32,
    Schema,
    TaggedFields,
    UnsignedVarInt32,
)

METADATA = 3
ID_BYTES = 16
INT32_BYTES = 4
PARTITION_BYTES = 14
"""An error's code, and the numbers of the partition, its leader and the leader's epoch."""


class Uuid(AbstractType[bytes]):
    """16 bytes."""

    @classmethod
    def encode(cls, value: bytes) -> bytes:
        return value

    @classmethod
    def decode(cls, data: BytesIO) -> bytes:
        value = data.read(ID_BYTES)
        if len(value) != ID_BYTES:
            raise ValueError("Buffer underrun decoding a uuid")
        return value


class PartitionCount(AbstractType[int]):
    """How many partitions are listed; only ever read."""

    @classmethod
    def decode(cls, data: BytesIO) -> int:
        count = int(UnsignedVarInt32.decode(data)) - 1
        for _ in range(count):
            data.seek(PARTITION_BYTES, SEEK_CUR)
            for _ in ("replicas", "in-sync replicas", "offline replicas"):
                listed = UnsignedVarInt32.decode(data) - 1
                data.seek(INT32_BYTES * max(0, listed), SEEK_CUR)
            TaggedFields.decode(data)
        return max(0, count)


_NAME = CompactString("utf-8")


class MetadataResponse_v12(Response):  # noqa: N801  # named as aiokafka names them
    API_KEY = METADATA
    API_VERSION = 12
    SCHEMA = Schema(
        ("throttle_time_ms", Int32),
        (
            "brokers",
            CompactArray(("node_id", Int32), ("host", _NAME), ("port", Int32), ("rack", _NAME), ("tags", TaggedFields)),
        ),
        ("cluster_id", _NAME),
        ("controller_id", Int32),
        (
            "topics",
            CompactArray(
                ("error_code", Int16),
                ("name", _NAME),
                ("topic_id", Uuid),
                ("is_internal", Boolean),
                ("partitions", PartitionCount),
                ("authorized_operations", Int32),
                ("tags", TaggedFields),
            ),
        ),
        ("tags", TaggedFields),
    )


class MetadataRequest_v12(RequestStruct):  # noqa: N801
    FLEXIBLE_VERSION = True
    API_KEY = METADATA
    API_VERSION = 12
    RESPONSE_TYPE = MetadataResponse_v12
    SCHEMA = Schema(
        ("topics", CompactArray(("topic_id", Uuid), ("name", _NAME), ("tags", TaggedFields))),
        ("allow_auto_topic_creation", Boolean),
        ("include_topic_authorized_operations", Boolean),
        ("tags", TaggedFields),
    )


class AllTopicsRequest(Request[MetadataRequest_v12]):
    """Asks for all topics, and creates none."""

    API_KEY = METADATA

    def build(self, request_struct_class: type[MetadataRequest_v12]) -> MetadataRequest_v12:
        return request_struct_class(None, False, False, {})


class AllTopics(NamedTuple):
    """Numbers of the live brokers and of what they name as the controller; of each topic how many partitions it has,
    and its id."""

    brokers: tuple[int, ...]
    controller: int
    partitions: Mapping[str, int]
    ids: Mapping[str, bytes]


def all_topics(response: Any) -> AllTopics:
    """What the answer to an `AllTopicsRequest` says."""
    topics = [(name, topic_id, count) for _, name, topic_id, _, count, *_ in response.topics if name and count]
    return AllTopics(
        tuple(sorted(broker[0] for broker in response.brokers)),
        response.controller_id,
        {name: count for name, _, count in topics},
        {name: topic_id for name, topic_id, _ in topics},
    )
