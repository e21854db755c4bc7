"""What all instances remember together, over restarts: the compacted topic of states as a map.

Every instance reads it whole at its start, before its groups consume, and follows it afterwards.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from typing import Protocol

import orjson

from app.errors import KafkaUnavailable, ProduceError
from app.events import ErrorOccurred, Monitor, TopicCreated, WarningRaised
from app.fleet.desk import Memory
from app.fleet.topics import CONFIGS
from app.fleet.view import Row, Watch
from app.kafka.protocols import ClusterView, PartitionReader
from app.kafka.tasks import end
from app.messages import Record, TopicPartition

CREATE_TIMEOUT_S = 10.0
SETTLE_WITHIN_S = 20.0
"""Groups wait no longer for what is remembered, from when Kafka answers."""
LOOK_AGAIN_S = 0.5
READ_TIMEOUT_S = 1.0
MOST = 500
READER_GRACE_S = 1.0

OpenReader = Callable[[Mapping[TopicPartition, int | None]], PartitionReader]


class Writer(Protocol):
    """Stores one message; the producer is one."""

    async def produce_sync(self, *, topic: str, key: str, payload: bytes | None) -> Stored: ...


class Stored(Protocol):
    """Where it is."""

    @property
    def offset(self) -> int | None: ...


class States:
    """Values under keys, in `topic`. `create`: whether that may be made where it is missing."""

    def __init__(
        self,
        topic: str,
        cluster: ClusterView,
        producer: Writer,
        open_reader: OpenReader,
        monitor: Monitor,
        *,
        create: bool,
    ) -> None:
        self._topic = topic
        self._cluster = cluster
        self._producer = producer
        self._open_reader = open_reader
        self._monitor = monitor
        self._create = create
        self._memory = Memory()
        self._own: dict[str, int] = {}
        """Offsets of what this instance has written and not read again: anything older says nothing new."""
        self._following: asyncio.Task[None] | None = None
        self._answered_at: float | None = None
        self.settled = asyncio.Event()
        """Set once everything that was remembered is known, or will not be known soon."""
        self.why_local: str | None = "it has not been read yet"
        """Why what is remembered now holds for this process only; None: it is kept."""

    def start(self) -> None:
        """Begins to read; does not wait."""
        self._following = asyncio.create_task(self._keep_following(), name="fleet-states")

    def stay_local(self, why: str) -> None:
        """There is nothing to read, and never will be."""
        self.why_local = why
        self.settled.set()

    async def stop(self) -> None:
        """Within 4 s."""
        if self._following is not None:
            await end([self._following], READER_GRACE_S + 3)

    def remembered(self, prefix: str) -> Mapping[str, Row]:
        """What is known under keys that begin with `prefix`."""
        return self._memory.remembered(prefix)

    def watch(self, prefix: str, told: Watch) -> None:
        """From now on `told` hears of every change under keys that begin with `prefix`; at once of what is known."""
        self._memory.watch(prefix, told)

    async def remember(self, key: str, value: Row | None) -> None:
        """Keeps `value` under `key`; None: forgets it. Raises KafkaUnavailable, and nothing has changed yet."""
        if self.why_local is None:
            payload = None if value is None else orjson.dumps(value)
            try:
                stored = await self._producer.produce_sync(topic=self._topic, key=key, payload=payload)
            except ProduceError as error:
                raise KafkaUnavailable(f"{key} could not be stored in {self._topic}: {error.detail}") from error
            if stored.offset is not None:
                self._own[key] = max(stored.offset, self._own.get(key, -1))
        self._memory.keep(key, value)

    async def _keep_following(self) -> None:
        told = ""
        while True:
            try:
                if await self._present():
                    await self._follow()
                    told = ""
            except KafkaUnavailable as error:
                if str(error) != told and self._cluster.reachable:
                    told = str(error)
                    self._monitor.emit(ErrorOccurred("fleet.states", error))
            self._lose_patience()
            await asyncio.sleep(LOOK_AGAIN_S)

    async def _present(self) -> bool:
        """Whether the topic is there, made now if need be. Raises KafkaUnavailable."""
        if not self._cluster.reachable:
            return False
        self._answered_at = self._answered_at or time.monotonic()
        if self._topic in self._cluster.topics():
            return True
        absent = "it has not been made yet" if self._create else "KAFKA_CREATE_TOPICS is false"
        self.stay_local(f"the topic {self._topic} does not exist, and {absent}")  # nobody should wait for it
        if not self._create:
            return False
        if await self._cluster.create_topic(self._topic, 1, CONFIGS["states"], timeout_s=CREATE_TIMEOUT_S):
            self._monitor.emit(TopicCreated(self._topic, 1))
        return self._topic in await self._cluster.refresh(timeout_s=CREATE_TIMEOUT_S)

    async def _follow(self) -> None:
        """Reads all, then whatever comes; returns when the topic was made anew. Raises KafkaUnavailable."""
        topic_id = self._cluster.topic_id(self._topic)
        reader = self._open_reader(
            {TopicPartition(self._topic, at): None for at in range(self._cluster.topics()[self._topic])}
        )
        try:
            await reader.start()
            while self._cluster.topic_id(self._topic) == topic_id:
                if reader.caught_up():
                    self.why_local = None
                    self.settled.set()
                self._lose_patience()
                for record in await reader.read(MOST, READ_TIMEOUT_S):
                    self._take(record)
        finally:
            await reader.stop(READER_GRACE_S)

    def _take(self, record: Record) -> None:
        key = (record.key or b"").decode("utf-8", "replace")
        own = self._own.get(key)
        if own is not None:
            if record.offset < own:
                return
            del self._own[key]
        try:
            value = None if record.value is None else orjson.loads(record.value)
        except ValueError:
            return  # a report, or of somebody else
        if value is None or isinstance(value, dict):
            self._memory.keep(key, value)

    def _lose_patience(self) -> None:
        """Groups that wait for ever would be worse than a pause that begins late."""
        if self.settled.is_set() or self._answered_at is None:
            return
        if time.monotonic() - self._answered_at > SETTLE_WITHIN_S:
            text = f"{self._topic} could not be read in time: partitions that operators paused are consumed"
            self._monitor.emit(WarningRaised("states_unknown", text))
            self.settled.set()
