"""One group of a table on clients that a test leads by the hand."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from app.consuming.clock import Clock
from app.consuming.instances import Instances
from app.consuming.surroundings import Surroundings
from app.consuming.threads import ThreadPool
from app.errors import KafkaUnavailable
from app.events import (
    ClientRebuilt,
    CommitFailed,
    ErrorOccurred,
    GroupStateChanged,
    GroupSubscribed,
    OffsetsCommitted,
    PartitionsAssigned,
    PartitionsRevoked,
    PollReturned,
    TopicsMissing,
    WarningRaised,
)
from app.kafka.protocols import AssignmentListener
from app.messages import TopicPartition
from app.producer import Producer
from app.routes.table import Group, Subscription
from tests.conftest import make_settings
from tests.consuming.stage import CriticalErrors
from tests.fakes import FakeConsumerClient, FakeKafka, Heard

EVENTS = (
    ClientRebuilt,
    CommitFailed,
    ErrorOccurred,
    GroupStateChanged,
    GroupSubscribed,
    OffsetsCommitted,
    PartitionsAssigned,
    PartitionsRevoked,
    PollReturned,
    TopicsMissing,
    WarningRaised,
)


class Member(FakeConsumerClient):
    """A client that is given `partitions` when it starts, and keeps what is committed in `offsets`."""

    def __init__(
        self, listener: AssignmentListener, topics: Sequence[str], given: Mapping[TopicPartition, int], offsets: Any
    ) -> None:
        super().__init__()
        self.told = listener
        self.topics = topics
        self.given = given
        self.stored_offsets = offsets
        self.resubscribes = True

    async def start(self) -> None:
        await super().start()
        await self.told.on_assigned(frozenset(self.given))

    def resubscribe(self, topics: Sequence[str]) -> bool:
        """Gets partition 0 of each of `topics`, in a rebalance to come."""
        if self.resubscribes:
            self.topics = topics
            given = [TopicPartition(topic, 0) for topic in topics]
            self.rebalancing = asyncio.ensure_future(self.rebalance(*given))
        return self.resubscribes

    async def rebalance(self, *partitions: TopicPartition) -> None:
        """Takes everything away and gives `partitions`."""
        await self.told.on_revoked(frozenset(self.given))
        self.given = dict.fromkeys(partitions, 0)
        await self.told.on_assigned(frozenset(partitions))


class Place:
    """What a group runs in: a broker in memory, and every client that was opened."""

    def __init__(self, topics: Mapping[str, int] | None = None, **settings: object) -> None:
        self.heard = Heard(*EVENTS)
        self.kafka = FakeKafka({"t": 2} if topics is None else topics)
        self.settings = make_settings("kafka:9092", **{"consumer_commit_interval_ms": 20, **settings})
        self.critical = CriticalErrors()
        self.members: list[Member] = []
        self.offsets: dict[TopicPartition, int] = {}
        self.start_fails = 0
        monitor = self.heard.monitor
        self.producer = Producer(self.settings, self.kafka, self.kafka.open_client, monitor)
        self.surroundings = Surroundings(
            self.settings,
            self.kafka,
            self.open_consumer,
            self.producer,
            monitor,
            asyncio.Semaphore(10),
            ThreadPool(4),
            Instances(persistent=True),
            Clock(),
            self.critical,
            frozenset({"t.dlq"}),
        )

    def open_consumer(self, group: str, topics: Sequence[str], listener: AssignmentListener) -> Member:
        """A client that gets every partition of its topics; the first `start_fails` cannot join."""
        counts = self.kafka.topic_partitions
        given = {TopicPartition(topic, n): 0 for topic in topics for n in range(counts.get(topic, 0))}
        member = Member(listener, topics, given, self.offsets)
        if self.start_fails:
            self.start_fails -= 1
            member.start_raises.append(KafkaUnavailable("no coordinator"))
        self.members.append(member)
        return member

    def states(self) -> list[str]:
        return [event.state for event in self.heard.of(GroupStateChanged)]


def group_of(*lines: Subscription) -> Group:
    return Group("g", lines)
