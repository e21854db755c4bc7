"""A Kafka in memory with dead letters in it, that readers can be opened on and transactions stored in."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from app.consuming.dead_letters import dead_letter_headers
from app.errors import KafkaUnavailable
from app.events import Monitor
from app.kafka.records import FetchedRecord
from app.messages import Record, TopicPartition
from app.producer import Producer
from app.redriving.memory import RedriveMemory
from app.redriving.redrives import Means, Redrives
from tests.conftest import make_settings
from tests.fakes import FakeKafka, StoredRecord

DLQ = "orders.dlq"
TOPIC = "demijohn_redrives"


class Brokers(FakeKafka):
    """`orders` with two partitions, its DLQ with two, `other`; and, where `create` says so, what is remembered."""

    def __init__(self) -> None:
        super().__init__({"orders": 2, DLQ: 2, "other": 1})
        self.letters: dict[TopicPartition, list[FetchedRecord]] = {}
        self.created: list[str] = []
        self.readable = True
        self.beginning = 0
        """Of the first partition of the DLQ."""

    async def create_topic(self, topic: str, partitions: int, config: object = None, *, timeout_s: float) -> bool:
        self.created.append(topic)
        self.topic_partitions[topic] = partitions
        return True

    async def offsets(self, at: TopicPartition, *, timeout_s: float) -> tuple[int, int] | None:
        return self.beginning if at.partition == 0 else 0, len(self.letters.get(at, ()))

    def fail(self, *payloads: int, topic: str = "orders") -> None:
        """These are dead letters of `topic`, even ones in partition 0."""
        for payload in payloads:
            raw, partition = str(payload).encode(), payload % 2
            headers = dead_letter_headers(
                FetchedRecord(topic, partition, payload, 1000 + payload, raw, raw, (("h", b"1"),)),
                group="g",
                attempts=1,
                error=ValueError("bad"),
            )
            log = self.letters.setdefault(TopicPartition(DLQ, partition), [])
            log.append(FetchedRecord(DLQ, partition, len(log), 1000 + payload, raw, raw, tuple(headers)))

    def log(self, at: TopicPartition) -> Sequence[Record]:
        """What is stored in a partition."""
        if at in self.letters:
            return self.letters[at]
        return [
            FetchedRecord(at.topic, at.partition, offset, record.timestamp or 0, record.key, record.value, ())
            for offset, record in enumerate(self.stored.get(at, ()))
        ]

    def open_reader(self, starts: Mapping[TopicPartition, int | None]) -> Reader:
        return Reader(self, starts)

    def sent(self, topic: str = "orders") -> list[StoredRecord]:
        return self.records(topic)


class Reader:
    """Implements `app.kafka.protocols.PartitionReader`."""

    def __init__(self, brokers: Brokers, starts: Mapping[TopicPartition, int | None]) -> None:
        self._brokers = brokers
        first = {at: brokers.beginning if at == TopicPartition(DLQ, 0) else 0 for at in starts}
        self._at = {at: max(offset or 0, first[at]) for at, offset in starts.items()}
        self.ends: Mapping[TopicPartition, int] = {}

    async def start(self) -> None:
        if not self._brokers.readable:
            raise KafkaUnavailable("No broker answers")
        self.ends = {at: len(self._brokers.log(at)) for at in self._at}

    def caught_up(self) -> bool:
        return all(self._at[at] >= end for at, end in self.ends.items())

    def position(self, at: TopicPartition) -> int:
        return self._at[at]

    async def read(self, most: int, timeout_s: float) -> Sequence[Record]:
        await asyncio.sleep(0)
        for at, offset in self._at.items():
            if found := self._brokers.log(at)[offset : offset + most]:
                self._at[at] += len(found)
                return found
        return ()

    async def stop(self, grace_s: float) -> None:
        return None


class Place:
    """Redrives on such a Kafka. `fails` are payloads that it refuses for good."""

    def __init__(
        self, brokers: Brokers, monitor: Monitor, *, transactions: bool = True, remembered: str = TOPIC, **memory: Any
    ) -> None:
        self.brokers = brokers
        self.monitor = monitor
        settings = make_settings("kafka:9092")
        self.producer = Producer(settings, brokers, brokers.open_client, monitor)
        self.memory = RedriveMemory(remembered, brokers, brokers.open_reader, monitor, **{"create": True, **memory})
        means = Means(brokers, self.producer, brokers.open_reader, monitor, transactions)
        self.redrives = Redrives(means, self.memory)

    async def close(self) -> None:
        await self.redrives.stop()
        await self.producer.close(0.1)


__all__ = ["DLQ", "TOPIC", "Brokers", "Place", "Reader"]
