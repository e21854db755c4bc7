"""Folds the reports while this instance has their partition in the fleet's group: one instance at a time does."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import NamedTuple, Protocol

from app.errors import CommitRefused, CommitUnknown, FetchFailed, MembershipLost, PositionLost
from app.fleet.fold import Fold
from app.fleet.history import Kept
from app.fleet.reading import Reading
from app.fleet.topics import FleetTopics
from app.fleet.wire import Place
from app.kafka.protocols import ConsumerClient, ConsumerOpener
from app.kafka.topic_writer import Written
from app.messages import TopicPartition

PARTITION = 0
WAIT_S = 1.0
COMMIT_EVERY_S = 60.0
"""Only for whoever looks at the group's lag: the place that counts is kept with what was folded."""
KNOW_ALL_S = 20.0
ASK_TIMEOUT_S = 10.0
MOST = 500
STOP_GRACE_S = 0.5
FOLDING_TROUBLE = (MembershipLost, FetchFailed)
Store = Callable[[str, Sequence[Written]], Awaitable[None]]
"""Writes records into a topic. Raises KafkaUnavailable."""


class Offsets(Protocol):
    """What is needed of the view of the cluster."""

    async def offsets(self, at: TopicPartition, *, timeout_s: float) -> tuple[int, int] | None: ...
    def topic_id(self, topic: str) -> bytes | None: ...


class Folding:
    """A member of the fleet's group. Keeps the history every `interval_s`."""

    def __init__(
        self,
        topics: FleetTopics,
        cluster: Offsets,
        reading: Reading,
        open_member: ConsumerOpener,
        store: Store,
        interval_s: float,
    ) -> None:
        self._topics = topics
        self._at = TopicPartition(topics.reports, PARTITION)
        self._cluster = cluster
        self._reading = reading
        self._open_member = open_member
        self._store = store
        self._interval_s = interval_s
        self._fold: Fold | None = None
        self._lost = False
        """Whether there was nothing to read where folding would go on."""
        self._metrics_at = self._committed_at = 0.0

    @property
    def active(self) -> bool:
        """Whether this instance folds now."""
        return self._fold is not None

    async def on_revoked(self, partitions: frozenset[TopicPartition]) -> None:
        self._fold = None

    async def on_assigned(self, partitions: frozenset[TopicPartition]) -> None:
        self._fold = None

    async def run(self) -> None:
        """Is a member until cancelled. Raises KafkaUnavailable, and FOLDING_TROUBLE where a new client is needed."""
        client = self._open_member(self._topics.group, [self._topics.reports], self)
        try:
            await client.start()
            while True:
                await self._step(client)
        finally:
            self._fold = None
            await client.stop(STOP_GRACE_S)

    async def _step(self, client: ConsumerClient) -> None:
        if trouble := client.trouble():
            raise MembershipLost(trouble)
        if self._fold is None and self._at in client.assignment() and not client.rejoining():
            await self._take_over(client)
        await client.wait_for_data(WAIT_S)
        fold = self._fold
        if fold is None:
            return
        try:
            records = client.take(self._at, MOST)
        except PositionLost:
            self._fold, self._lost = None, True
            return
        self._lost = self._lost and not records
        for record in records:
            if record.offset >= fold.next.offset:
                fold.apply(record)
            await asyncio.sleep(0)
        if records and (states := fold.states()):
            await self._store(self._topics.states, states)
        if self._fold is fold:
            await self._keep(client, fold)

    async def _keep(self, client: ConsumerClient, fold: Fold) -> None:
        now = time.monotonic()
        if now - self._metrics_at >= self._interval_s and fold.changed:
            self._metrics_at = now
            await self._store(self._topics.metrics, fold.metrics())
        if now - self._committed_at >= COMMIT_EVERY_S:
            self._committed_at = now
            await _commit(client, {self._at: fold.next.offset})

    async def _take_over(self, client: ConsumerClient) -> None:
        """Goes on where whoever folded before has kept what it had."""
        await self._reading.know_all(self._cluster, KNOW_ALL_S)
        begin, end = await self._cluster.offsets(self._at, timeout_s=ASK_TIMEOUT_S) or (0, 0)
        history, instances = self._reading.history, self._reading.instances
        log = (self._cluster.topic_id(self._at.topic) or b"").hex()
        place = next_place(history.kept(), Reports(log, begin, end), instances.latest_place, lost=self._lost)
        client.seek(self._at, place.offset)
        self._fold = Fold(place, log, instances.folded(history.totals()), history.own_series())


class Reports(NamedTuple):
    """The log of reports as it is: which one (empty: not known), its first offset, and that after the last."""

    log: str
    begin: int
    end: int


def next_place(kept: Kept | None, reports: Reports, of_states: Place | None, *, lost: bool) -> Place:
    """Where folding goes on. A new era begins where the place that was kept is not one of this log: its topic was made
    anew, nothing of the history is left, or the end of the log is (`lost`: there is nothing to read at that place)."""
    if kept is None:
        return Place(0 if of_states is None else of_states.era + 1, reports.begin)
    place = kept.place
    era = max(place.era, -1 if of_states is None else of_states.era)
    same_log = kept.log == reports.log if kept.log and reports.log else place.offset <= reports.end
    if not same_log:
        return Place(era + 1, reports.begin)
    if lost and place.offset > reports.end:
        return Place(era + 1, reports.end)
    return Place(era if era == place.era else era + 1, max(reports.begin, place.offset))


async def _commit(client: ConsumerClient, offsets: Mapping[TopicPartition, int]) -> None:
    try:
        await client.commit(offsets, timeout_s=ASK_TIMEOUT_S)
    except (CommitRefused, CommitUnknown):
        return  # nothing depends on it
