"""The engine for one group of one line: everything real but the clients, the clock, and who would stop the service."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence

from app.consuming.membership import Membership
from app.consuming.memory import Memory
from app.consuming.surroundings import Surroundings
from app.consuming.threads import ThreadPool
from app.events import (
    DeadLetterDispatched,
    ErrorOccurred,
    MessagesSettled,
    Monitor,
    PartitionProgress,
    PartitionState,
    RetryScheduled,
)
from app.kafka.protocols import AssignmentListener
from app.messages import TopicPartition
from app.observing.log import LogLines
from app.producer import Producer
from app.routes.table import Group, Subscription
from app.settings import Settings
from app.testing.broker import Broker
from app.testing.failures import NotSettled
from app.testing.member import MemoryMember
from app.testing.recorder import HookRun, RecordingInstances
from app.testing.settling import Settling

LISTENER_ID = "0" * 12
COMMIT_TIMEOUT_S = 1.0


class Engine:
    """Joins, commits and leaves as the service does. `note` is told of everything that a story is made of."""

    def __init__(
        self,
        line: Subscription,
        topic: str,
        broker: Broker,
        settling: Settling,
        note: Callable[[object], None],
        settings: Settings,
    ) -> None:
        self.group = line.group
        self.instances = RecordingInstances(note)
        self.critical_error: BaseException | None = None
        self._topic = topic
        self._broker = broker
        self._settling = settling
        self._stopping = asyncio.Event()
        self._living: asyncio.Task[str | None] | None = None
        self._progress: dict[TopicPartition, PartitionProgress] = {}
        self._monitor = self._make_monitor(note)
        self._producer = Producer(settings, broker, broker.open_client, self._monitor)
        surroundings = Surroundings(
            settings=settings,
            cluster=broker,
            open_consumer=self._open_consumer,
            producer=self._producer,
            monitor=self._monitor,
            slots=asyncio.Semaphore(settings.consumer_concurrency),
            threads=ThreadPool(settings.consumer_threads),
            instances=self.instances,
            clock=settling.clock,
            crisis=self,
            excluded=frozenset(),
        )
        group = Group(line.group, (line,))
        self._membership = Membership(group, {topic: line}, surroundings, LISTENER_ID, Memory(), lambda _: None)

    def _make_monitor(self, note: Callable[[object], None]) -> Monitor:
        monitor = Monitor()
        LogLines(monitor)
        monitor.subscribe(ErrorOccurred, note)
        monitor.subscribe(RetryScheduled, note)
        monitor.subscribe(DeadLetterDispatched, note)
        monitor.subscribe(MessagesSettled, lambda _: self._settling.stir())
        monitor.subscribe(PartitionProgress, self._progressed)
        return monitor

    def _open_consumer(self, group: str, topics: Sequence[str], listener: AssignmentListener) -> MemoryMember:
        self.member = MemoryMember(self._broker, group, topics, listener, self._settling.stir)
        return self.member

    def _progressed(self, event: PartitionProgress) -> None:
        self._progress[TopicPartition(event.topic, event.partition)] = event

    def critical(self, consumer: str, error: BaseException) -> None:
        """An error after which the service would stop."""
        self.critical_error = error
        self._settling.stir()

    @property
    def workers(self) -> int:
        """How many partitions are worked on."""
        return len(self.member.assignment())

    @property
    def running(self) -> list[HookRun]:
        return list(self.instances.running)

    @property
    def ended(self) -> str | None:
        """Why the engine itself has given up, or None."""
        if self._living is None or not self._living.done() or self._stopping.is_set():
            return None
        error = self._living.exception()
        return repr(error) if error else str(self._living.result())

    @property
    def in_flight(self) -> int:
        """Produced messages without a verdict, where they can get one."""
        return self._producer.in_flight if self._broker.reachable_now else 0

    def states(self) -> list[PartitionState]:
        """What the partitions were at when they last said so."""
        return [self._progress[at].state for at in sorted(self.member.assignment()) if at in self._progress]

    async def start(self) -> None:
        """Joins the group. Raises NotSettled."""
        self._living = asyncio.create_task(self._membership.live(self._stopping, lambda _: None))
        self._living.add_done_callback(lambda _: self._settling.stir())
        await self._settling.settle(lambda: (), None)

    async def assign_all(self) -> None:
        """A rebalance gives this member every partition of its topic."""
        count = self._broker.topics()[self._topic]
        await self.member.assign(TopicPartition(self._topic, number) for number in range(count))

    async def commit(self) -> None:
        """Commits what is marked."""
        if not await self._membership.commit(COMMIT_TIMEOUT_S):
            raise NotSettled("the group refused a commit")

    async def close(self, timeout_s: float, hook: str) -> list[str]:
        """Stops in order; running jobs have `timeout_s`. Returns the names of those that were cut."""
        self._stopping.set()
        cut = await self._membership.close(time.monotonic() + timeout_s + 1.0, 1.0, hook)
        if self._living is not None:
            self._living.cancel()
            await asyncio.wait({self._living}, timeout=1.0)
        await self._producer.close(min(1.0, timeout_s))
        return cut
