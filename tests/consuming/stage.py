"""One partition's worker on a client, a producer and a table line that a test decides on."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, ClassVar

from app.consumer import Consumer
from app.consuming.attempts import Attempts
from app.consuming.clock import Clock
from app.consuming.context import GroupServices
from app.consuming.instances import Instances
from app.consuming.known_topics import KnownTopics
from app.consuming.offsets import OffsetLedger
from app.consuming.partition import PartitionWorker
from app.consuming.positions import Positions
from app.consuming.threads import ThreadPool
from app.consuming.transactional import TransactionalDeadLetters
from app.events import (
    DeadLetterDispatched,
    ErrorOccurred,
    JobFinished,
    JobStarted,
    MessagesPolled,
    PartitionProgress,
    PositionReset,
    RetryScheduled,
)
from app.messages import TopicPartition
from app.producer import Producer
from app.routes import Backoff, DeadLetter, Subscription
from tests.conftest import make_settings
from tests.fakes import FakeConsumerClient, FakeKafka, FakeRecord, Heard
from tests.waiting import until

AT = TopicPartition("t", 0)
OTHER = TopicPartition("t", 1)


def line_of(consumer: type[Consumer], **changes: Any) -> Subscription:
    """A line for topic t with a DLQ after two retries and pauses of a few milliseconds."""
    fields: dict[str, Any] = {
        "topic": "t",
        "pattern": None,
        "name": "t",
        "consumer": consumer,
        "group": "g",
        "max_messages": 10,
        "min_messages": 1,
        "max_wait_ms": 1000,
        "initial_offset": "earliest",
        "manual_offsets": False,
        "dead_letter": DeadLetter("t.dlq", max_retries=2),
        "backoff": Backoff(1, 4),
    }
    return Subscription(**(fields | changes))


class Noted(Consumer):
    """Notes its hooks, the offsets of each batch and their attempts, by class; `says` is what `consume` does."""

    hooks: ClassVar[list[str]]
    batches: ClassVar[list[list[int]]]
    attempts: ClassVar[list[int]]
    says: ClassVar[Callable[[Any], Any]]

    async def initialized(self) -> None:
        self.hooks.append("initialized")

    async def consume(self) -> None:
        self.hooks.append("consume")
        self.batches.append([message.offset for message in self.messages])
        self.attempts.append(self.attempt)
        answer = type(self).says(self)
        if asyncio.iscoroutine(answer):
            await answer

    async def revoked(self) -> None:
        self.hooks.append("revoked")

    async def shutdown(self) -> None:
        self.hooks.append("shutdown")


def consumer_class(says: Callable[[Any], Any] = lambda _: None) -> type[Noted]:
    """A class of its own whose `consume` is `says(consumer)`, awaited where that gives a coroutine."""
    return type("Made", (Noted,), {"hooks": [], "batches": [], "attempts": [], "says": staticmethod(says)})


class CriticalErrors(list[BaseException]):
    """Remembers what would stop the service."""

    def critical(self, consumer: str, error: BaseException) -> None:
        self.append(error)


class Stage:
    """The surroundings of a group with two partitions, t-0 and t-1, and a DLQ of three."""

    def __init__(self, concurrency: int = 10) -> None:
        self.heard = Heard(
            DeadLetterDispatched,
            ErrorOccurred,
            JobFinished,
            JobStarted,
            MessagesPolled,
            PartitionProgress,
            PositionReset,
            RetryScheduled,
        )
        self.kafka = FakeKafka({"t": 2, "t.dlq": 3})
        self.client = FakeConsumerClient()
        self.ledger = OffsetLedger()
        self.critical = CriticalErrors()
        self.attempts = Attempts()
        self.paused: dict[TopicPartition, str] = {}
        monitor = self.heard.monitor
        self.producer = Producer(
            make_settings("kafka:9092", producer_transactional_id_prefix="app"),
            self.kafka,
            self.kafka.open_client,
            monitor,
        )
        self.lost: list[str] = []
        self.transactional = TransactionalDeadLetters(
            "g", self.producer, self.client, self.ledger, asyncio.Lock(), self.lost.append
        )
        self.topics = KnownTopics()
        positions = Positions("g", self.kafka, self.topics, monitor, 1.0)
        slots = asyncio.Semaphore(concurrency)
        self.services = GroupServices(
            "g",
            "1" * 12,
            self.client,
            self.ledger,
            positions,
            self.producer,
            monitor,
            slots,
            ThreadPool(4),
            Instances(persistent=True),
            Clock(),
            self.critical,
            self.commit,
            self.attempts,
            self.transactional,
            self.paused,
        )
        self.workers: list[PartitionWorker] = []
        self._waking = asyncio.create_task(self._wake())

    def use(self, instances: Instances) -> None:
        """From now on workers make their consumers this way."""
        self.services = replace(self.services, instances=instances)

    async def commit(self) -> bool:
        """Commits what is marked, as a membership does."""
        offsets = self.ledger.to_commit()
        await self.client.commit(offsets, timeout_s=1)
        self.ledger.settle(offsets)
        return True

    def assign(
        self, line: Subscription, at: TopicPartition = AT, epoch: int = 1, before: asyncio.Task[None] | None = None
    ) -> PartitionWorker:
        """Assigns a partition and starts its worker."""
        self.ledger.assign(at, epoch, None)
        worker = PartitionWorker(at, epoch, line, self.services)
        worker.task = asyncio.create_task(worker.run(before))
        self.workers.append(worker)
        return worker

    async def _wake(self) -> None:
        while True:
            await asyncio.sleep(0.001)
            for worker in self.workers:
                if worker.idle and self.client.has_data(worker.partition):
                    worker.wake()

    async def marked(self, offset: int, at: TopicPartition = AT) -> None:
        """Waits until everything before `offset` is marked."""
        await until(lambda: self.ledger.marked(at) == offset, f"{at} is marked up to {offset}")

    @property
    def dead(self) -> Sequence[bytes | None]:
        """Payloads in the DLQ."""
        return [record.value for record in self.kafka.records("t.dlq")]

    async def close(self) -> None:
        self._waking.cancel()
        for worker in self.workers:
            worker.end(revoked=False)
            worker.cancel()
        tasks = [worker.task for worker in self.workers if worker.task is not None]
        await asyncio.gather(self._waking, *tasks, return_exceptions=True)
        self.kafka.answer_now()
        await self.producer.close(0.2)


def bad(offset: int) -> FakeRecord:
    """A record whose payload is not JSON."""
    return FakeRecord(offset, b"\xff{")
