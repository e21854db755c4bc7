"""Creates the topics that a service wants to be there, as soon as Kafka answers."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable

from app.errors import KafkaUnavailable
from app.events import Monitor, TopicCreated, WarningRaised
from app.kafka.protocols import ClusterView

CREATE_TIMEOUT_S = 10.0
RETRY_PAUSE_S = 1.0
BROKER_DEFAULT = -1
CreateTopic = Callable[[str], Awaitable[bool]]
"""Creates a topic of that name; False where it is there already. Raises KafkaUnavailable."""


class TopicCreation:
    """Announces each topic that it has created. `create` is another way to, where the brokers know none."""

    def __init__(self, cluster: ClusterView, monitor: Monitor, create: CreateTopic | None = None) -> None:
        self._cluster = cluster
        self._monitor = monitor
        self._create = create or self._create_with_defaults

    async def create(self, topics: Iterable[str]) -> None:
        """Returns when all of them exist, however long Kafka is away."""
        wanted = sorted(topics)
        while wanted:
            try:
                existing = await self._cluster.refresh(timeout_s=CREATE_TIMEOUT_S)
                for topic in list(wanted):
                    if topic not in existing:
                        await self._create_one(topic)
                    wanted.remove(topic)
            except KafkaUnavailable as error:
                self._monitor.emit(WarningRaised("topics_not_created", str(error)))
                await asyncio.sleep(RETRY_PAUSE_S)

    async def _create_one(self, topic: str) -> None:
        if await self._create(topic):
            count = (await self._cluster.refresh(timeout_s=CREATE_TIMEOUT_S)).get(topic, 0)
            self._monitor.emit(TopicCreated(topic, count))

    async def _create_with_defaults(self, topic: str) -> bool:
        return await self._cluster.create_topic(topic, BROKER_DEFAULT, timeout_s=CREATE_TIMEOUT_S)
