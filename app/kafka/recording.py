"""A Kafka that is none, for tests of what uses the producer: it keeps what it is given, or drops it.

Chosen by PRODUCER_CLIENT=recording or dropping. Every topic exists. Offsets count up from 0 in each partition, and as
in Kafka an aborted transaction leaves a gap.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from app.errors import TransactionAborted
from app.kafka.protocols import Answered, ClientOptions, ProducerClient, RecordBatch
from app.messages import Headers, TopicPartition
from app.serialization import decode_json
from app.settings import KAFKA_DEFAULT_MAX_RECORD_BYTES

BATCH_OVERHEAD_BYTES, RECORD_OVERHEAD_BYTES = 61, 31


@dataclass(frozen=True, slots=True)
class RecordedMessage:
    """A message as Kafka would have stored it."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: Headers
    timestamp: int | None

    @property
    def payload(self) -> Any:
        """The payload, read as JSON; None for a tombstone. Raises ValueError where it is not JSON: see `value`."""
        return None if self.value is None else decode_json(self.value)


class EveryTopic(Mapping[str, int]):
    """Any topic, with so many partitions; iterating gives those that were used."""

    def __init__(self, partitions: int) -> None:
        self._partitions = partitions
        self._used: dict[str, int] = {}

    def __getitem__(self, topic: str) -> int:
        return self._used.setdefault(topic, self._partitions)

    def __iter__(self) -> Iterator[str]:
        return iter(self._used)

    def __len__(self) -> int:
        return len(self._used)


class RecordingKafka:
    """Implements `ClusterView` and opens the clients. `messages` is what was sent and, in a transaction, committed."""

    def __init__(self, *, partitions: int = 1, keep: bool = True) -> None:
        self.messages: list[RecordedMessage] = []
        self.offsets: dict[str, dict[TopicPartition, int]] = {}
        """Offsets that transactions committed, by group."""
        self._keep = keep
        self._ends: Counter[TopicPartition] = Counter()
        self._topics = EveryTopic(partitions)

    def of(self, topic: str) -> list[RecordedMessage]:
        """The messages of one topic, in order of their arrival."""
        return [message for message in self.messages if message.topic == topic]

    def clear(self) -> None:
        """Forgets the messages; offsets go on counting."""
        self.messages.clear()

    def store(self, batch: RecordingBatch, at: TopicPartition) -> list[RecordedMessage]:
        """Gives the records of `batch` their offsets."""
        first = self._ends[at]
        self._ends[at] += batch.record_count()
        return [
            RecordedMessage(*at, first + index, key, value, headers, timestamp)
            for index, (timestamp, key, value, headers) in enumerate(batch.records)
        ]

    def show(self, messages: list[RecordedMessage]) -> None:
        """From now on `messages` can be seen."""
        if self._keep:
            self.messages += messages

    async def open_client(self, options: ClientOptions) -> ProducerClient:
        """A client that delivers at once."""
        return RecordingClient(self)

    @property
    def reachable(self) -> bool | None:
        return True

    @property
    def unreachable_for_s(self) -> float:
        return 0.0

    @property
    def last_error(self) -> str:
        return "there are no brokers"

    @property
    def brokers(self) -> int | None:
        return 0

    def topics(self) -> Mapping[str, int]:
        return self._topics

    async def partition_count(self, topic: str, *, timeout_s: float) -> int | None:
        return self._topics[topic]

    async def refresh(self, *, timeout_s: float) -> Mapping[str, int]:
        return self._topics

    def topic_id(self, topic: str) -> bytes | None:
        return None

    async def max_message_bytes(self, topic: str, *, timeout_s: float, fresh: bool = False) -> int:
        return KAFKA_DEFAULT_MAX_RECORD_BYTES

    async def create_topic(
        self, topic: str, partitions: int, config: Mapping[str, str] | None = None, *, timeout_s: float
    ) -> bool:
        return False

    async def member_ids(self, group: str, *, timeout_s: float) -> frozenset[str]:
        return frozenset()

    async def describe(self, *, timeout_s: float) -> Mapping[str, Any]:
        return {}


class RecordingBatch:
    """Records of one partition."""

    def __init__(self) -> None:
        self.records: list[tuple[int | None, bytes | None, bytes | None, Headers]] = []
        self._size = BATCH_OVERHEAD_BYTES

    def append(self, *, timestamp: int | None, key: bytes | None, value: bytes | None, headers: Headers) -> object:
        self.records.append((timestamp, key, value, headers))
        self._size += len(key or b"") + len(value or b"") + RECORD_OVERHEAD_BYTES
        return self

    def size(self) -> int:
        return self._size

    def record_count(self) -> int:
        return len(self.records)


class RecordingClient:
    """One client of a `RecordingKafka`."""

    def __init__(self, kafka: RecordingKafka) -> None:
        self._kafka = kafka
        self._stopped = False
        self._hidden: list[RecordedMessage] | None = None
        self._offsets: list[tuple[str, Mapping[TopicPartition, int]]] = []

    @property
    def alive(self) -> bool:
        return not self._stopped

    @property
    def fenced(self) -> bool:
        return False

    def new_batch(self) -> RecordBatch:
        return RecordingBatch()

    async def send(
        self, batch: RecordBatch, partition: TopicPartition, answered: Answered, *, timeout_s: float
    ) -> None:
        assert isinstance(batch, RecordingBatch)
        messages = self._kafka.store(batch, partition)
        if self._hidden is None:
            self._kafka.show(messages)
        else:
            self._hidden += messages
        asyncio.get_running_loop().call_soon(answered, messages[0].offset if messages else None, None)

    def begin(self) -> None:
        if self._hidden is not None:
            raise TransactionAborted("A transaction is open already")
        self._hidden = []

    async def add_offsets(self, offsets: Mapping[TopicPartition, int], group: str) -> None:
        self._offsets.append((group, dict(offsets)))

    async def commit(self) -> None:
        for group, offsets in self._offsets:
            self._kafka.offsets.setdefault(group, {}).update(offsets)
        self._kafka.show(self._hidden or [])
        await self.abort()

    async def abort(self) -> None:
        self._hidden = None
        self._offsets.clear()

    async def stop(self, grace_s: float) -> None:
        self._stopped = True
