"""What a partition's worker shares: the surroundings of its group, and what its consumer sees."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from app.consumer import SeekTarget
from app.consuming.attempts import Attempts
from app.consuming.clock import Clock
from app.consuming.dead_letters import dispatch
from app.consuming.instances import Instances
from app.consuming.offsets import OffsetLedger
from app.consuming.positions import Positions
from app.consuming.progress import Progress
from app.consuming.steering import Steering
from app.consuming.threads import ThreadPool
from app.consuming.transactional import TransactionalDeadLetters
from app.errors import DispatchedByConsumer
from app.events import DeadLetterDispatched, Monitor
from app.kafka.protocols import ConsumerClient
from app.messages import Message, Messages, TopicPartition
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
    instances: Instances
    clock: Clock
    crisis: Crisis
    commit: Callable[[], Awaitable[bool]]
    """Commits what is marked, for the whole group; False where the group has moved on."""
    attempts: Attempts
    """Failed attempts by partition. Survives rebalances: one that comes back at the same offset goes on counting."""
    transactional: TransactionalDeadLetters
    paused: dict[TopicPartition, str]
    """Partitions that an operator has paused, and who. Survives rebalances."""


@dataclass(frozen=True, slots=True)
class Assignment:
    """One assignment of one partition: what its worker, its consumers and its failures have in common."""

    partition: TopicPartition
    epoch: int
    subscription: Subscription
    services: GroupServices
    progress: Progress
    steering: Steering


class PartitionContext:
    """Implements `app.consumer.ConsumerContext` for one consumer object.

    In a `lane` its messages are some of the partition's only, and a mark covers just that lane.
    """

    def __init__(self, assignment: Assignment) -> None:
        self.topic, self.partition = assignment.partition
        self.group = assignment.services.group
        self.producer = assignment.services.producer
        self.messages = Messages(())
        self.attempt = 1
        self.revoked = False
        self._assignment = assignment
        self.lane: int | None = None
        self._loop = asyncio.get_running_loop()

    def mark(self, offset: int) -> bool:
        progress = self._assignment.progress
        return progress.done_up_to(offset) if self.lane is None else progress.lane_done_up_to(self.lane, offset)

    @property
    def end(self) -> int | None:
        return self._assignment.services.client.highwater(self._assignment.partition)

    async def commit(self) -> bool:
        return await self._assignment.services.commit() and self._owned

    @property
    def _owned(self) -> bool:
        assignment = self._assignment
        return assignment.services.ledger.owns(assignment.partition, assignment.epoch)

    def pause(self, offset: int | None, ms: int | None) -> None:
        self._assignment.steering.pause(offset, ms)

    def resume(self) -> None:
        self._assignment.steering.resume()

    async def seek(self, target: SeekTarget) -> bool:
        services, partition = self._assignment.services, self._assignment.partition
        offset = await services.positions.find(services.client, partition, target)
        if self._owned:
            self._assignment.steering.seek(offset)
        return self._owned

    async def dispatch_to_dlq(self, message: Message, error: BaseException | None) -> bool:
        services, dead_letter = self._assignment.services, self._assignment.subscription.dead_letter
        if dead_letter is None or dead_letter.topic is None:
            raise RuntimeError(f"{self.topic} has no DLQ: give its line dead_letter=DeadLetter(topic)")
        if self.revoked or not self._owned:
            return False
        cause = error or DispatchedByConsumer()
        record, topic = message.record, dead_letter.topic
        await dispatch(services.producer, topic, record, group=services.group, attempts=self.attempt, error=cause)
        at = (message.topic, message.partition, message.offset)
        services.monitor.emit(DeadLetterDispatched(services.group, "", *at, topic, cause))
        return True

    def wait(self, coroutine: Coroutine[Any, Any, T]) -> T:
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result()
        coroutine.close()
        raise RuntimeError("wait() is for hooks that are plain `def`: in an `async def` hook use await")
