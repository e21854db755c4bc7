"""The reads of Confluent's REST Proxy v2: topics, their partitions and offsets, brokers."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import orjson

from app.api.confluent_errors import V2_JSON
from app.api.confluent_produce import partition_number
from app.api.problems import Refusal
from app.api.replies import Reply
from app.api.single import missing_text
from app.api.topic_policy import KAFKA_PREFIX, TopicPolicy
from app.errors import KafkaUnavailable
from app.kafka.protocols import TopicView
from app.kafka.topic_details import PartitionDetails, TopicDetails
from app.messages import TopicPartition

T = TypeVar("T")
TIMEOUT_S = 5.0


class ConfluentReads:
    """Answers from what the brokers say now. Topics that HTTP_TOPICS does not allow do not exist here."""

    def __init__(self, cluster: TopicView, policy: TopicPolicy) -> None:
        self._cluster = cluster
        self._policy = policy

    async def topics(self) -> Reply:
        """GET /topics"""
        names = await _asked(lambda: self._cluster.refresh(timeout_s=TIMEOUT_S))
        return _reply(sorted(name for name in names if self._policy.visible(name)))

    async def topic(self, topic: str) -> Reply:
        """GET /topics/{topic}"""
        details = await self._details(topic)
        partitions = [_partition(one) for one in details.partitions]
        return _reply({"name": topic, "configs": dict(details.config), "partitions": partitions})

    async def partitions(self, topic: str) -> Reply:
        """GET /topics/{topic}/partitions"""
        return _reply([_partition(one) for one in (await self._details(topic)).partitions])

    async def partition(self, topic: str, number: str) -> Reply:
        """GET /topics/{topic}/partitions/{partition}"""
        return _reply(_partition(await self._one(topic, number)))

    async def offsets(self, topic: str, number: str) -> Reply:
        """GET /topics/{topic}/partitions/{partition}/offsets"""
        at = TopicPartition(topic, (await self._one(topic, number)).partition)
        found = await _asked(lambda: self._cluster.offsets(at, timeout_s=TIMEOUT_S))
        if found is None:
            raise _no_partition(topic, number)
        return _reply({"beginning_offset": found[0], "end_offset": found[1]})

    async def brokers(self) -> Reply:
        """GET /brokers"""
        found = await _asked(lambda: self._cluster.describe(timeout_s=TIMEOUT_S))
        return _reply({"brokers": list(found["brokers"])})

    async def _details(self, topic: str) -> TopicDetails:
        details: TopicDetails | None = None
        if self._policy.visible(topic):
            details = await _asked(lambda: self._cluster.details(topic, timeout_s=TIMEOUT_S))
        if details is None:
            raise Refusal("unknown_topic", self._missing(topic))
        return details

    def _missing(self, topic: str) -> str:
        """Nobody is advised to create a topic that is not for clients."""
        internal = topic.startswith(KAFKA_PREFIX)
        return f"There is no topic {topic} here" if internal or not self._policy.visible(topic) else missing_text(topic)

    async def _one(self, topic: str, number: str) -> PartitionDetails:
        partitions = (await self._details(topic)).partitions
        wanted = partition_number(number)
        for one in partitions:
            if one.partition == wanted:
                return one
        raise _no_partition(topic, number)


def _no_partition(topic: str, number: str) -> Refusal:
    return Refusal("unknown_partition", f"Topic {topic} has no partition {number}")


async def _asked(ask: Callable[[], Awaitable[T]]) -> T:
    try:
        return await ask()
    except KafkaUnavailable as error:
        raise Refusal("broker_unavailable", str(error)) from None


def _partition(one: PartitionDetails) -> dict[str, Any]:
    replicas = [
        {"broker": broker, "leader": broker == one.leader, "in_sync": broker in one.in_sync} for broker in one.replicas
    ]
    return {"partition": one.partition, "leader": one.leader, "replicas": replicas}


def _reply(document: Any) -> Reply:
    return Reply(200, orjson.dumps(document), V2_JSON, ((b"cache-control", b"no-store"),))
