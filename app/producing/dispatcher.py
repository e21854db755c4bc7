"""From accepted messages to lanes: finds the partition, keeps what waits for metadata, watches deadlines."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable

from app.errors import KafkaUnavailable, ProduceError, ProducerClosed, UnknownPartition, UnknownTopic
from app.events import ErrorOccurred, Monitor
from app.kafka.protocols import ClusterView
from app.messages import TopicPartition
from app.producing.clients import Clients
from app.producing.handle import QUEUED, DeliveryHandle
from app.producing.lane import Lane, LaneServices, announce, expire, release_awaited, settle_all
from app.producing.owned_tasks import OwnedTasks
from app.producing.partitioners import KeyPartitioner, Spread

UNREACHABLE_AFTER_S = 2.0
"""Sync calls fail at once when Kafka has been known to be away for longer, those too that wait already."""
DEADLINE_TICK_S = 0.1
LOOKUP_TIMEOUT_S = 2.0
LOOKUP_PAUSE_S = 0.2
MOVE_AT_ONCE = 500
"""Messages moved from the waiting room to their lanes before others get their turn on the loop."""


def _closed() -> ProduceError:
    return ProducerClosed("The producer was closed before the message was sent; it is not stored")


class Dispatcher:
    """Owns the lanes and every task of the producer but those of the client slot."""

    def __init__(
        self,
        slot: Clients,
        cluster: ClusterView,
        monitor: Monitor,
        partitioner: KeyPartitioner,
        linger_s: float,
        delivery_timeout_s: float = 30,
    ) -> None:
        self.delivery_timeout_s = delivery_timeout_s
        self._cluster = cluster
        self._monitor = monitor
        self._partitioner = partitioner
        self._tasks: OwnedTasks[None] = OwnedTasks(lambda error: monitor.emit(ErrorOccurred("producer.task", error)))
        self._services = LaneServices(slot, cluster, monitor, self._tasks.spawn, linger_s)
        self._lanes: dict[tuple[str, int], Lane] = {}
        self._rooms: dict[str, deque[DeliveryHandle]] = {}
        self._spreads: dict[str, Spread] = {}
        self._ticker: asyncio.Task[None] | None = None
        self._away = False
        self.pending: set[DeliveryHandle] = set()

    def dispatch(self, handle: DeliveryHandle) -> None:
        """Queues `handle` for its partition; where that is not known yet, in the topic's waiting room."""
        self.pending.add(handle)
        if self._ticker is None:
            self._ticker = asyncio.create_task(self._watch_deadlines(), name="producer-deadlines")
        count = self._cluster.topics().get(handle.topic)
        if count is None or handle.topic in self._rooms:
            self._wait_for_metadata(handle)
        else:
            self._to_lane(handle, count)

    def settled(self, handle: DeliveryHandle) -> None:
        """`handle` has its verdict."""
        self.pending.discard(handle)

    def withdrawn(self, handle: DeliveryHandle) -> None:
        """`handle` was taken back by its caller."""
        announce([handle], handle.error, self._monitor)

    def _to_lane(self, handle: DeliveryHandle, count: int) -> None:
        partition = handle.partition
        if partition is None:
            partition = handle.partition = self._choose(handle, count)
        elif partition >= count:
            text = f"Topic {handle.topic} has partitions 0 to {count - 1}, not {partition}"
            settle_all([handle], UnknownPartition(text), self._monitor)
            return
        lane = self._lanes.get((handle.topic, partition))
        if lane is None:
            at = TopicPartition(handle.topic, partition)
            lane = self._lanes[at] = Lane(at, self._services)
        lane.add(handle)

    def _choose(self, handle: DeliveryHandle, count: int) -> int:
        key = handle.partition_key if handle.partition_key is not None else handle.key
        if key is not None:
            return self._partitioner(key, count)
        spread = self._spreads.get(handle.topic)
        if spread is None:
            spread = self._spreads[handle.topic] = Spread()
        return spread.choose(count)

    def _wait_for_metadata(self, handle: DeliveryHandle) -> None:
        room = self._rooms.get(handle.topic)
        if room is None:
            room = self._rooms[handle.topic] = deque()
            self._tasks.spawn(self._empty_room(handle.topic, room))
        room.append(handle)

    async def _empty_room(self, topic: str, room: deque[DeliveryHandle]) -> None:
        try:
            count = await self._partition_count(topic, room)
            if count is None:
                text = (
                    f"Topic {topic} does not exist; create it, for example with kafka-topics --create --topic {topic}"
                )
                settle_all([handle for handle in room if handle.state == QUEUED], UnknownTopic(text), self._monitor)
                return
            moved = 0
            while room:
                handle = room.popleft()
                if handle.state == QUEUED:
                    self._to_lane(handle, count)
                moved += 1
                if moved % MOVE_AT_ONCE == 0:
                    await asyncio.sleep(0)
        finally:
            del self._rooms[topic]

    async def _partition_count(self, topic: str, room: deque[DeliveryHandle]) -> int | None:
        """None: it does not exist, or nobody waits any more."""
        while room:
            try:
                return await self._cluster.partition_count(topic, timeout_s=LOOKUP_TIMEOUT_S)
            except KafkaUnavailable:
                await asyncio.sleep(LOOKUP_PAUSE_S)
        return None

    async def _watch_deadlines(self) -> None:
        while True:
            await asyncio.sleep(DEADLINE_TICK_S)
            now = time.monotonic()
            away_before, self._away = self._away, self._cluster.unreachable_for_s > UNREACHABLE_AFTER_S
            for room in self._rooms.values():
                expire(room, now, self._monitor)
                if self._away and not away_before:
                    release_awaited(room, self._monitor)
            for at, lane in list(self._lanes.items()):
                if lane.idle:
                    del self._lanes[at]
                else:
                    lane.check_deadlines(now, away=self._away)

    async def flush(self, timeout_s: float) -> None:
        """Waits until nothing is pending, at most `timeout_s`."""
        deadline = time.monotonic() + timeout_s
        while self._tasks and (remaining := deadline - time.monotonic()) > 0:
            await self._tasks.wait(remaining)

    def withdraw_all(self, error: Callable[[], ProduceError] = _closed) -> None:
        """Settles everything that has not been handed over."""
        for lane in self._lanes.values():
            lane.withdraw_all(error)
        for room in self._rooms.values():
            settle_all([handle for handle in room if handle.state == QUEUED], error(), self._monitor)
            room.clear()

    async def close(self) -> None:
        """Ends every task, within 2 s; batches in flight settle as unknown."""
        if self._ticker is not None:
            self._ticker.cancel()
        self._tasks.cancel()
        await self._tasks.wait(2.0)
