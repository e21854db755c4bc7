"""A member of a consumer group on a broker in memory, which gets partitions and loses them when a test says so."""

from __future__ import annotations

import asyncio
from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping, Sequence

from app.errors import CommitRefused, PositionLost
from app.kafka.protocols import AssignmentListener, Reading
from app.messages import Record, TopicPartition
from app.testing.broker import Broker


class MemoryMember:
    """Implements `app.kafka.protocols.ConsumerClient`. `stir` is called when a poll has found nothing to give."""

    def __init__(
        self, broker: Broker, group: str, topics: Sequence[str], listener: AssignmentListener, stir: Callable[[], None]
    ) -> None:
        self._broker = broker
        self._group = group
        self._topics = topics
        self._listener = listener
        self._stir = stir
        self._positions: dict[TopicPartition, int | None] = {}
        self._data = asyncio.Event()
        self._polling = False
        broker.watchers.append(self._data.set)

    async def start(self) -> None:
        counts = self._broker.topics()
        await self.assign({TopicPartition(topic, n) for topic in self._topics for n in range(counts.get(topic, 0))})

    async def assign(self, partitions: Iterable[TopicPartition]) -> None:
        """These partitions come, in a rebalance."""
        self._positions = dict.fromkeys(sorted(partitions))
        await self._listener.on_assigned(frozenset(self._positions))
        self._data.set()

    async def revoke(self) -> None:
        """All partitions go, in a rebalance. As with Kafka they are this member's until the listener is done."""
        await self._listener.on_revoked(frozenset(self._positions))
        self._positions = {}
        self._stir()

    @property
    def has_polled(self) -> bool:
        """Whether it waits for records, and everybody has been told of those that are there."""
        return self._polling and not self._data.is_set()

    def resubscribe(self, topics: Sequence[str]) -> bool:
        return False

    def reading(self, partition: TopicPartition) -> Reading | None:
        return None

    def take(self, partition: TopicPartition, max_records: int) -> Sequence[Record]:
        position = self._positions.get(partition)
        if position is None:
            return ()
        if not self._broker.beginning(partition) <= position <= self._broker.end(partition):
            raise PositionLost({partition: position})
        log = self._broker.logs.get(partition, [])
        start = bisect_left(log, position, key=lambda record: record.offset)
        taken = log[start : start + max_records]
        if taken:
            self._positions[partition] = taken[-1].offset + 1
        return taken

    def has_data(self, partition: TopicPartition) -> bool:
        position = self._positions.get(partition)
        return position is not None and position != self._broker.end(partition)

    def with_data(self) -> Sequence[TopicPartition]:
        return [at for at in self._positions if self.has_data(at)]

    async def wait_for_data(self, timeout_s: float) -> None:
        self._polling = True
        self._stir()
        try:
            async with asyncio.timeout(timeout_s):
                await self._data.wait()
        except TimeoutError:
            return
        finally:
            self._polling = False
        self._data.clear()

    def assignment(self) -> frozenset[TopicPartition]:
        return frozenset(self._positions)

    def seek(self, partition: TopicPartition, offset: int) -> None:
        if partition in self._positions:
            self._positions[partition] = offset
            self._data.set()

    def position(self, partition: TopicPartition) -> int | None:
        return self._positions.get(partition)

    def highwater(self, partition: TopicPartition) -> int | None:
        return self._broker.end(partition)

    async def refresh_ends(self, older_than_s: float, *, timeout_s: float) -> None:
        """Nothing to do: the end of a log in memory is always known."""

    async def commit(self, offsets: Mapping[TopicPartition, int], *, timeout_s: float) -> None:
        if not set(offsets) <= set(self._positions):
            raise CommitRefused
        self._broker.offsets.setdefault(self._group, {}).update(offsets)

    async def committed(
        self, partitions: Sequence[TopicPartition], *, timeout_s: float
    ) -> Mapping[TopicPartition, int | None]:
        known = self._broker.offsets.get(self._group, {})
        return {at: known.get(at) for at in partitions}

    async def beginning_offsets(
        self, partitions: Sequence[TopicPartition], *, timeout_s: float
    ) -> Mapping[TopicPartition, int]:
        return {at: self._broker.beginning(at) for at in partitions}

    async def end_offsets(
        self, partitions: Sequence[TopicPartition], *, timeout_s: float
    ) -> Mapping[TopicPartition, int]:
        return {at: self._broker.end(at) for at in partitions}

    async def offset_at(self, partition: TopicPartition, timestamp_ms: int, *, timeout_s: float) -> int | None:
        log = self._broker.logs.get(partition, [])
        return next((record.offset for record in log if record.timestamp >= timestamp_ms), None)

    def rejoining(self) -> bool:
        return False

    def member_id(self) -> str:
        return "member"

    def trouble(self) -> str | None:
        return None

    async def stop(self, grace_s: float) -> None:
        self._positions = {}
