"""What a partition's worker shares: the surroundings of its group, and what its consumer sees."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from app.consuming.offsets import OffsetLedger
from app.consuming.positions import Positions
from app.consuming.threads import ThreadPool
from app.events import Monitor
from app.kafka.protocols import ConsumerClient
from app.messages import Messages, TopicPartition
from app.producer import Producer
from app.routes.table import Subscription

T = TypeVar("T")


class Crisis(Protocol):
    """Told of an error after which the service must stop."""

    def critical(self, consumer: str, error: BaseException) -> None: ...


@dataclass(frozen=True, slots=True)
class GroupServices:
    """What all partitions of one group's client use."""

    group: str
    listener_id: str
    client: ConsumerClient
    ledger: OffsetLedger
    positions: Positions
    producer: Producer
    monitor: Monitor
    slots: asyncio.Semaphore
    threads: ThreadPool
    crisis: Crisis
    commit: Callable[[], Awaitable[bool]]
    """Commits what is marked, for the whole group; False where the group has moved on."""
    attempts: dict[TopicPartition, tuple[int, int]]
    """Failed attempts by partition: (first unmarked offset, attempts). Bounded by the group; survives
    rebalances, as a partition that comes back at the same offset goes on counting."""


class PartitionContext:
    """Implements `app.consumer.ConsumerContext` for one assignment of one partition."""

    def __init__(
        self, partition: TopicPartition, epoch: int, subscription: Subscription, services: GroupServices
    ) -> None:
        self.topic, self.partition = partition
        self.group = services.group
        self.producer = services.producer
        self.messages = Messages(())
        self.attempt = 1
        self.revoked = False
        self._at = partition
        self._epoch = epoch
        self._ledger = services.ledger
        self._client = services.client
        self._commit = services.commit
        self._loop = asyncio.get_running_loop()

    def mark(self, offset: int) -> bool:
        return self._ledger.mark(self._at, self._epoch, offset + 1)

    @property
    def end(self) -> int | None:
        return self._client.highwater(self._at)

    async def commit(self) -> bool:
        return await self._commit() and self._ledger.owns(self._at, self._epoch)

    def wait(self, coroutine: Coroutine[Any, Any, T]) -> T:
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result()
        coroutine.close()
        raise RuntimeError("wait() is for hooks that are plain `def`: in an `async def` hook use await")
