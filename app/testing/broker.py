"""Kafka in memory: the logs of its topics, from which members of groups read, and what is committed."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping

from app.errors import KafkaUnavailable
from app.kafka.protocols import ClientOptions, ProducerClient
from app.kafka.recording import RecordedMessage, RecordingKafka
from app.kafka.records import FetchedRecord
from app.messages import Headers, TopicPartition

LONG_AWAY_S = 3600.0


class Topics(Mapping[str, int]):
    """Partition counts: those given, one for any other topic, and nothing for those in `missing`."""

    def __init__(self, counts: Mapping[str, int], missing: set[str]) -> None:
        self._counts = dict(counts)
        self._missing = missing

    def __getitem__(self, topic: str) -> int:
        if topic in self._missing:
            raise KeyError(topic)
        return self._counts.setdefault(topic, 1)

    def __iter__(self) -> Iterator[str]:
        return (topic for topic in self._counts if topic not in self._missing)

    def __len__(self) -> int:
        return len(list(iter(self)))


class Broker(RecordingKafka):
    """`offsets` is what groups have committed, by group. Every topic exists but for those in `missing`."""

    def __init__(self, topics: Mapping[str, int]) -> None:
        super().__init__()
        self.missing: set[str] = set()
        """Topics that do not exist, whoever asks for them."""
        self.reachable_now = True
        """Whether Kafka answers."""
        self.logs: dict[TopicPartition, list[FetchedRecord]] = {}
        self.produced: list[FetchedRecord] = []
        """What producers have sent, in the order in which it was stored."""
        self.watchers: list[Callable[[], None]] = []
        """Called when something was stored."""
        self._beginnings: dict[TopicPartition, int] = {}
        self._counts = Topics(topics, self.missing)

    @property
    def reachable(self) -> bool | None:
        return self.reachable_now

    @property
    def unreachable_for_s(self) -> float:
        return 0.0 if self.reachable_now else LONG_AWAY_S

    @property
    def last_error(self) -> str:
        return "Kafka is away"

    def topics(self) -> Mapping[str, int]:
        return self._counts if self.reachable_now else {}

    async def refresh(self, *, timeout_s: float) -> Mapping[str, int]:
        if not self.reachable_now:
            raise KafkaUnavailable
        return self._counts

    async def partition_count(self, topic: str, *, timeout_s: float) -> int | None:
        return (await self.refresh(timeout_s=timeout_s)).get(topic)

    async def open_client(self, options: ClientOptions) -> ProducerClient:
        """A client that delivers at once. Raises KafkaUnavailable."""
        if not self.reachable_now:
            raise KafkaUnavailable
        return await super().open_client(options)

    def show(self, messages: list[RecordedMessage]) -> None:
        super().show(messages)
        for message in messages:
            at = TopicPartition(message.topic, message.partition)
            self.produced.append(
                self._append(at, message.offset, message.timestamp, message.key, message.value, message.headers)
            )

    def beginning(self, at: TopicPartition) -> int:
        """Offset of the first record that is left."""
        return self._beginnings.get(at, 0)

    def end(self, at: TopicPartition) -> int:
        """Offset of the next record that will be stored."""
        return max(self._ends[at], self.beginning(at))

    def trim(self, at: TopicPartition, before: int) -> None:
        """Records before `before` are gone, as after the topic's retention time."""
        self._beginnings[at] = before
        self.logs[at] = [record for record in self.logs.get(at, []) if record.offset >= before]

    def give(
        self,
        at: TopicPartition,
        value: bytes | None,
        *,
        key: bytes | None = None,
        headers: Headers = (),
        timestamp: int | None = None,
        offset: int | None = None,
    ) -> None:
        """Stores a record that no producer here has sent, at the end of its log or at a later `offset`; `timestamp` in
        ms. Raises ValueError for an offset that is taken or past."""
        end = self.end(at)
        if offset is not None and offset < end:
            raise ValueError(f"{at} ends at offset {end}: nothing can be stored at {offset}")
        place = end if offset is None else offset
        self._ends[at] = place + 1
        self._append(at, place, timestamp, key, value, headers)

    def _append(
        self,
        at: TopicPartition,
        offset: int,
        timestamp: int | None,
        key: bytes | None,
        value: bytes | None,
        headers: Headers,
    ) -> FetchedRecord:
        stored_at = int(time.time() * 1000) if timestamp is None else timestamp
        record = FetchedRecord(at.topic, at.partition, offset, stored_at, key, value, tuple(headers))
        self.logs.setdefault(at, []).append(record)
        for watcher in self.watchers:
            watcher()
        return record
