"""Where to read a partition from: at assignment, and when a position has gone."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from app.consumer import SeekTarget
from app.consuming.known_topics import KnownTopics
from app.errors import PositionLost, SeekFailed
from app.events import Monitor, PositionReset
from app.kafka.protocols import ClusterView, ConsumerClient
from app.messages import TopicPartition
from app.routes.table import InitialOffset


class Positions:
    """Looks positions up and seeks them; the client is never left to choose one."""

    def __init__(
        self, group: str, cluster: ClusterView, topics: KnownTopics, monitor: Monitor, timeout_s: float
    ) -> None:
        self._group = group
        self._cluster = cluster
        self._topics = topics
        self._monitor = monitor
        self._timeout_s = timeout_s

    async def start(
        self, client: ConsumerClient, partitions: Iterable[TopicPartition], initials: Mapping[str, InitialOffset]
    ) -> Mapping[TopicPartition, int | None]:
        """Seeks every assigned partition and returns what is committed for each; `initials`: where each topic of the
        group begins. Raises KafkaUnavailable."""
        asked = sorted(partitions)
        committed = dict(await client.committed(asked, timeout_s=self._timeout_s))
        missing = [at for at in asked if committed[at] is None]
        if any(initials[at.topic] == "latest" for at in missing):
            committed |= await self._start_at_the_end(client, missing, initials)
        fresh = [at for at in missing if committed[at] is None]
        beginnings = await client.beginning_offsets(fresh, timeout_s=self._timeout_s)
        for at in asked:
            offset = committed[at]
            client.seek(at, beginnings[at] if offset is None else offset)
        return committed

    async def _start_at_the_end(
        self, client: ConsumerClient, missing: Sequence[TopicPartition], initials: Mapping[str, InitialOffset]
    ) -> Mapping[TopicPartition, int | None]:
        """At the group's very first assignment the ends of all partitions are committed, once and together: a
        partition without a commit in a group that has some, of whichever topic, is new, and read from its beginning."""
        counts = self._cluster.topics()
        every = [TopicPartition(topic, number) for topic in sorted(initials) for number in range(counts.get(topic, 0))]
        known = await client.committed(sorted({*every, *missing}), timeout_s=self._timeout_s)
        if all(offset is None for offset in known.values()):
            latest = [at for at in known if initials[at.topic] == "latest"]
            ends = await client.end_offsets(latest, timeout_s=self._timeout_s)
            await client.commit(ends, timeout_s=self._timeout_s)
            known = ends
        return {at: known.get(at) for at in missing}

    async def find(self, client: ConsumerClient, at: TopicPartition, target: SeekTarget) -> int:
        """The offset that `target` means. Raises SeekFailed where the partition has no such offset,
        KafkaUnavailable, ValueError and TypeError for what is no target."""
        if isinstance(target, datetime):
            if target.tzinfo is None:
                raise ValueError(f"seek({target!r}): a time needs a zone, for example datetime.now(UTC)")
            offset = await client.offset_at(at, int(target.timestamp() * 1000), timeout_s=self._timeout_s)
            return await self._end(client, at) if offset is None else offset
        if target == "earliest":
            return await self._beginning(client, at)
        if target == "latest":
            return await self._end(client, at)
        if not isinstance(target, int) or isinstance(target, bool):
            raise TypeError(f'seek({target!r}): an offset, an aware datetime, "earliest" or "latest" is needed')
        beginning, end = await self.bounds(client, at)
        if not beginning <= target <= end:
            raise SeekFailed(f"{at} has no offset {target}: it has {beginning} to {end}")
        return target

    async def bounds(self, client: ConsumerClient, at: TopicPartition) -> tuple[int, int]:
        """(first offset, offset after the last). Raises KafkaUnavailable."""
        beginning, end = await asyncio.gather(self._beginning(client, at), self._end(client, at))
        return beginning, end

    async def _beginning(self, client: ConsumerClient, at: TopicPartition) -> int:
        return (await client.beginning_offsets([at], timeout_s=self._timeout_s))[at]

    async def _end(self, client: ConsumerClient, at: TopicPartition) -> int:
        return (await client.end_offsets([at], timeout_s=self._timeout_s))[at]

    async def recover(self, client: ConsumerClient, lost: PositionLost, at: TopicPartition) -> int | None:
        """Seeks the beginning that is left where the position was trimmed away, the end where the log was truncated;
        returns it. None where the topic was made anew: the group has all of it read from its beginning. Raises
        KafkaUnavailable."""
        old = lost.partitions.get(at)
        beginning, end = await self.bounds(client, at)
        if old is not None and old > end:
            await self._cluster.refresh(timeout_s=self._timeout_s)
            if self._topics.is_another(self._cluster, at.topic):
                return None
        new = beginning if old is None or old < beginning else min(old, end)
        client.seek(at, new)
        if old is not None and old != new:
            self._monitor.emit(PositionReset(self._group, at.topic, at.partition, old, new, abs(new - old)))
        return new
