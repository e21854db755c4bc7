"""What Kafka says of itself, kept for a few seconds for all who look: the pages of topics and of the cluster.

What a broker does not tell (the in-memory one), or the service's user may not know, is None.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Collection, Mapping
from typing import Generic, TypeVar

from app.errors import AdminRefused, KafkaUnavailable
from app.kafka.admin.protocol import Admin, ClusterDescription, GroupDescription, OffsetAt, TopicDescription
from app.messages import TopicPartition

T = TypeVar("T")
TIMEOUT_S = 5.0
FRESH_S, COSTLY_S, SELDOM_S = 2.0, 5.0, 30.0
"""How old what is shown may be: who leads what, what costs a request for each partition, what seldom changes."""
IDLE_SHARE, OLDEST_S = 20, 15.0
MOST_GROUPS = 500
GROUPS_AT_ONCE = 8
ByPartition = Mapping[TopicPartition, int]
Offsets = Mapping[TopicPartition, int | None]


class Kept(Generic[T]):
    """The last answer to a question; it is asked once for all who ask at the same time. What takes long is kept longer,
    up to 15 s, so that asking takes a small part of the time."""

    def __init__(self, ask: Callable[[], Awaitable[T]], max_age_s: float) -> None:
        self._ask = ask
        self._least_age_s = self._max_age_s = max_age_s
        self._lock = asyncio.Lock()
        self._kept: tuple[float, T] | None = None

    async def get(self) -> T:
        """Raises what asking raises."""
        async with self._lock:
            if self._kept is None or time.monotonic() - self._kept[0] > self._max_age_s:
                asked_at = time.monotonic()
                answer = await self._ask()
                took_s = time.monotonic() - asked_at
                self._max_age_s = max(self._least_age_s, min(took_s * IDLE_SHARE, OLDEST_S))
                self._kept = asked_at, answer
            return self._kept[1]

    def forget(self) -> None:
        """The next one asks anew."""
        self._kept = None


class ClusterFacts:
    """Everything the pages show that only Kafka knows."""

    def __init__(self, admin: Admin) -> None:
        self._admin = admin
        self._topics = Kept(lambda: admin.topics(timeout_s=TIMEOUT_S), FRESH_S)
        self._cluster = Kept(lambda: admin.cluster(timeout_s=TIMEOUT_S), FRESH_S)
        self._begins = Kept(lambda: self._offsets("earliest"), COSTLY_S)
        self._ends = Kept(lambda: self._offsets("latest"), FRESH_S)
        self._sizes = Kept(lambda: optional(admin.log_sizes(timeout_s=TIMEOUT_S)), COSTLY_S)
        self._committed = Kept(lambda: optional(self._all_committed()), FRESH_S)
        self._configs = Kept(self._all_configs, SELDOM_S)

    def forget(self) -> None:
        """Somebody has changed something: what comes next is asked anew."""
        for kept in (self._topics, self._cluster, self._begins, self._ends, self._sizes, self._committed):
            kept.forget()
        self._configs.forget()

    async def topics(self) -> Mapping[str, TopicDescription]:
        """All topics. Raises KafkaUnavailable, AdminRefused."""
        return await self._topics.get()

    async def cluster(self) -> ClusterDescription:
        """The cluster. Raises KafkaUnavailable, AdminRefused."""
        return await self._cluster.get()

    async def begins(self) -> Offsets | None:
        return await optional(self._begins.get())

    async def ends(self) -> Offsets | None:
        return await optional(self._ends.get())

    async def sizes(self) -> Mapping[int, ByPartition] | None:
        """Bytes of each replica, by broker."""
        return await self._sizes.get()

    async def committed(self) -> Mapping[str, ByPartition] | None:
        """By group; the first 500 of them."""
        return await self._committed.get()

    async def configs(self) -> Mapping[str, Mapping[str, str | None]] | None:
        """Of each topic the entries that lists of topics show."""
        return await self._configs.get()

    async def groups(self, names: Collection[str]) -> Mapping[str, GroupDescription] | None:
        """These groups, as they are now."""
        return await optional(self._admin.describe_groups(names, timeout_s=TIMEOUT_S))

    async def _offsets(self, at: OffsetAt) -> Offsets:
        asked = [
            TopicPartition(topic.topic, one.partition)
            for topic in (await self.topics()).values()
            for one in topic.partitions
            if one.leader >= 0
        ]
        return await self._admin.offsets(asked, at, timeout_s=TIMEOUT_S)

    async def _all_configs(self) -> Mapping[str, Mapping[str, str | None]] | None:
        return await optional(self._admin.configs(list(await self.topics()), timeout_s=TIMEOUT_S))

    async def _all_committed(self) -> Mapping[str, ByPartition]:
        names = [listing.group for listing in await self._admin.groups(timeout_s=TIMEOUT_S)][:MOST_GROUPS]
        found: dict[str, ByPartition] = {}
        for start in range(0, len(names), GROUPS_AT_ONCE):
            part = names[start : start + GROUPS_AT_ONCE]
            asked = (optional(self._admin.committed(name, timeout_s=TIMEOUT_S)) for name in part)
            answers = zip(part, await asyncio.gather(*asked), strict=True)
            found |= {name: offsets for name, offsets in answers if offsets}
        return found


async def optional(asked: Awaitable[T]) -> T | None:
    """What was asked for, or None where nobody tells."""
    with contextlib.suppress(AdminRefused, KafkaUnavailable):
        return await asked
    return None
