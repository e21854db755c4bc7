"""A Kafka that exists in memory only: clients that answer as a test tells them, and what the brokers hold."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from aiokafka import errors as kafka_errors

from app.errors import KafkaUnavailable, MembershipLost, TransactionUnknown
from app.events import Event, Monitor
from app.kafka.protocols import Answered, AssignmentListener, ClientOptions, ProducerClient, Reading, RecordBatch
from app.kafka.topic_details import PartitionDetails, TopicDetails
from app.messages import Headers, Record, TopicPartition
from app.settings import KAFKA_DEFAULT_MAX_RECORD_BYTES


@dataclass(frozen=True)
class StoredRecord:
    """What the fake broker was given."""

    timestamp: int | None
    key: bytes | None
    value: bytes | None
    headers: Headers


class FakeBatch:
    """Collects records without a limit."""

    def __init__(self) -> None:
        self.records: list[StoredRecord] = []
        self._size = 61

    def append(self, *, timestamp: int | None, key: bytes | None, value: bytes | None, headers: Headers) -> object:
        self.records.append(StoredRecord(timestamp, key, value, headers))
        self._size += len(key or b"") + len(value or b"") + 10
        return self

    def size(self) -> int:
        return self._size

    def record_count(self) -> int:
        return len(self.records)


class FakeKafka:
    """One broker: the client of the producer, and what is known of the cluster."""

    def __init__(self, topics: Mapping[str, int]) -> None:
        self.topic_partitions = dict(topics)
        self.topic_ids: dict[str, bytes] = {}
        self.stored: dict[TopicPartition, list[StoredRecord]] = {}
        self.reachable: bool | None = True
        self.unreachable_for_s = 0.0
        self.last_error = "nobody answers"
        self.answers = True
        self.takes = True
        self.refuses: Callable[[StoredRecord], Exception | None] = lambda _: None
        self.unanswered: list[tuple[Answered, FakeBatch, TopicPartition]] = []
        self.members: set[str] = set()
        self.max_record_bytes = KAFKA_DEFAULT_MAX_RECORD_BYTES
        self.opened: list[ClientOptions] = []
        self.opening_raises: list[Exception] = []
        self.transaction_raises: dict[str, list[Exception]] = {}
        """What the next calls of begin, add_offsets, commit and abort raise, one each."""
        self.commits_answered = True
        self.fenced_clients = False
        self.committed: list[tuple[str, dict[TopicPartition, int]]] = []
        self.aborted: list[list[StoredRecord]] = []

    alive = True
    fenced = False

    @property
    def brokers(self) -> int | None:
        return 1

    def topics(self) -> Mapping[str, int]:
        return self.topic_partitions if self.reachable else {}

    async def partition_count(self, topic: str, *, timeout_s: float) -> int | None:
        return (await self.refresh(timeout_s=timeout_s)).get(topic)

    async def refresh(self, *, timeout_s: float) -> Mapping[str, int]:
        if not self.reachable:
            raise KafkaUnavailable
        return self.topic_partitions

    def topic_id(self, topic: str) -> bytes | None:
        return self.topic_ids.get(topic)

    async def max_message_bytes(self, topic: str, *, timeout_s: float, fresh: bool = False) -> int:
        return self.max_record_bytes

    async def create_topic(
        self, topic: str, partitions: int, config: Mapping[str, str] | None = None, *, timeout_s: float
    ) -> bool:
        raise AssertionError("the HTTP side creates no topics")

    async def member_ids(self, group: str, *, timeout_s: float) -> frozenset[str]:
        if not self.reachable:
            raise KafkaUnavailable
        return frozenset(self.members)

    async def describe(self, *, timeout_s: float) -> Mapping[str, Any]:
        return {"brokers": (1, 2)}

    async def details(self, topic: str, *, timeout_s: float) -> TopicDetails | None:
        count = (await self.refresh(timeout_s=timeout_s)).get(topic)
        if count is None:
            return None
        partitions = tuple(PartitionDetails(number, 1, (1, 2), (1,)) for number in range(count))
        return TopicDetails(partitions, {"cleanup.policy": "delete"})

    async def offsets(self, at: TopicPartition, *, timeout_s: float) -> tuple[int, int] | None:
        count = (await self.refresh(timeout_s=timeout_s)).get(at.topic)
        return None if count is None or at.partition >= count else (0, len(self.stored.get(at, [])))

    async def open_client(self, options: ClientOptions = ClientOptions()) -> ProducerClient:  # noqa: B008
        self.opened.append(options)
        if self.opening_raises:
            raise self.opening_raises.pop(0)
        return self if options.transactional_id is None else FakeTransactionalClient(self)

    def begin(self) -> None:
        raise AssertionError("it has no transactional id")

    async def add_offsets(self, offsets: Mapping[TopicPartition, int], group: str) -> None:
        raise AssertionError("it has no transactional id")

    async def commit(self) -> None:
        raise AssertionError("it has no transactional id")

    async def abort(self) -> None:
        raise AssertionError("it has no transactional id")

    def new_batch(self) -> FakeBatch:
        return FakeBatch()

    async def send(
        self, batch: RecordBatch, partition: TopicPartition, answered: Answered, *, timeout_s: float
    ) -> None:
        assert isinstance(batch, FakeBatch)
        if not self.takes:
            async with asyncio.timeout(timeout_s):
                await asyncio.Event().wait()
        if not self.answers:
            self.unanswered.append((answered, batch, partition))
        else:
            self._answer(answered, batch, partition)

    def _answer(self, answered: Answered, batch: FakeBatch, partition: TopicPartition) -> None:
        call_soon = asyncio.get_running_loop().call_soon
        refusals = [refusal for record in batch.records if (refusal := self.refuses(record))]
        if refusals:
            call_soon(answered, None, refusals[0])
            return
        log = self.stored.setdefault(partition, [])
        call_soon(answered, len(log), None)
        log.extend(batch.records)

    def answer_now(self) -> None:
        """Answers everything that was left unanswered."""
        self.answers = True
        for answered, batch, partition in self.unanswered:
            self._answer(answered, batch, partition)
        self.unanswered.clear()

    async def stop(self, grace_s: float) -> None:
        for answered, _, _ in self.unanswered:
            asyncio.get_running_loop().call_soon(answered, None, kafka_errors.ProducerClosed())
        self.unanswered.clear()

    def records(self, topic: str) -> list[StoredRecord]:
        """All records of a topic, partition by partition."""
        return [record for at in sorted(self.stored) if at.topic == topic for record in self.stored[at]]


class FakeTransactionalClient:
    """What it sends is in the broker's log once it is committed."""

    def __init__(self, kafka: FakeKafka) -> None:
        self._kafka = kafka
        self._stopped = asyncio.Event()
        self._sent: list[tuple[TopicPartition, FakeBatch]] = []
        self._offsets: list[tuple[str, dict[TopicPartition, int]]] = []
        self.new_batch = kafka.new_batch

    @property
    def alive(self) -> bool:
        return not self._stopped.is_set()

    @property
    def fenced(self) -> bool:
        return self._kafka.fenced_clients

    async def send(
        self, batch: RecordBatch, partition: TopicPartition, answered: Answered, *, timeout_s: float
    ) -> None:
        assert isinstance(batch, FakeBatch)
        call_soon = asyncio.get_running_loop().call_soon
        refusals = [refusal for record in batch.records if (refusal := self._kafka.refuses(record))]
        if not self._kafka.answers:
            self._kafka.unanswered.append((answered, batch, partition))
        elif refusals:
            call_soon(answered, None, refusals[0])
        else:
            earlier = sum(len(other.records) for at, other in self._sent if at == partition)
            call_soon(answered, len(self._kafka.stored.get(partition, [])) + earlier, None)
            self._sent.append((partition, batch))

    def _raise(self, call: str) -> None:
        if planned := self._kafka.transaction_raises.get(call):
            raise planned.pop(0)

    def begin(self) -> None:
        self._raise("begin")

    async def add_offsets(self, offsets: Mapping[TopicPartition, int], group: str) -> None:
        self._raise("add_offsets")
        self._offsets.append((group, dict(offsets)))

    async def commit(self) -> None:
        self._raise("commit")
        if not self._kafka.commits_answered:
            await self._stopped.wait()
            raise TransactionUnknown
        for at, batch in self._sent:
            self._kafka.stored.setdefault(at, []).extend(batch.records)
        self._kafka.committed += self._offsets
        self._sent, self._offsets = [], []

    async def abort(self) -> None:
        self._raise("abort")
        self._kafka.aborted.append([record for _, batch in self._sent for record in batch.records])
        self._sent, self._offsets = [], []

    async def stop(self, grace_s: float) -> None:
        if self._sent and self.alive:
            self._kafka.aborted.append([record for _, batch in self._sent for record in batch.records])
        await self._kafka.stop(0)
        self._stopped.set()


@dataclass(frozen=True)
class FakeRecord:
    """A record as a consumer's client hands it out."""

    offset: int
    value: bytes | None = b"1"
    key: bytes | None = None
    topic: str = "t"
    partition: int = 0
    timestamp: int = 1_700_000_000_000
    headers: Headers = ()


def records(*offsets: int, topic: str = "t", partition: int = 0) -> list[FakeRecord]:
    """A record for each offset; the payload is the offset, as JSON."""
    return [FakeRecord(offset, str(offset).encode(), topic=topic, partition=partition) for offset in offsets]


class FakeConsumerClient:
    """A member of a group whose fetched records, commits and troubles a test decides on."""

    def __init__(self) -> None:
        self.listener: AssignmentListener | None = None
        self.fetched: dict[TopicPartition, list[Record]] = {}
        self.raises: dict[TopicPartition, list[Exception]] = {}
        self.at: dict[TopicPartition, int] = {}
        self.stored_offsets: dict[TopicPartition, int] = {}
        self.beginnings: dict[TopicPartition, int] = {}
        self.ends: dict[TopicPartition, int] = {}
        self.times: dict[int, int] = {}
        self.lookups_raise: list[Exception] = []
        self.refreshed = 0
        self.commits: list[dict[TopicPartition, int]] = []
        self.commit_raises: list[Exception] = []
        self.start_raises: list[Exception] = []
        self.seeks: list[tuple[TopicPartition, int]] = []
        self.readings: dict[TopicPartition, Reading] = {}
        self.troubled: str | None = None
        self.lost: MembershipLost | None = None
        self.is_rejoining = False
        self.id = "member-1"
        self.stopped = False
        self._data = asyncio.Event()

    def give(self, given: Iterable[Record]) -> None:
        """These records have been fetched."""
        for record in given:
            self.fetched.setdefault(TopicPartition(record.topic, record.partition), []).append(record)
        self._data.set()

    def fail_take(self, partition: TopicPartition, *errors: Exception) -> None:
        """The next takes of `partition` raise these, one each."""
        self.raises.setdefault(partition, []).extend(errors)
        self._data.set()

    async def start(self) -> None:
        if self.start_raises:
            raise self.start_raises.pop(0)

    def resubscribe(self, topics: Sequence[str]) -> bool:
        return False

    def reading(self, partition: TopicPartition) -> Reading | None:
        return self.readings.get(partition)

    def take(self, partition: TopicPartition, max_records: int) -> Sequence[Record]:
        if errors := self.raises.get(partition):
            raise errors.pop(0)
        waiting = self.fetched.get(partition, [])
        taken, self.fetched[partition] = waiting[:max_records], waiting[max_records:]
        if taken:
            self.at[partition] = taken[-1].offset + 1
        return taken

    def has_data(self, partition: TopicPartition) -> bool:
        return bool(self.fetched.get(partition) or self.raises.get(partition))

    def lose(self, error: MembershipLost) -> None:
        """The coordinator refuses this member."""
        self.lost = error
        self._data.set()

    def with_data(self) -> Sequence[TopicPartition]:
        return [at for at in {*self.fetched, *self.raises} if self.has_data(at)]

    async def wait_for_data(self, timeout_s: float) -> None:
        try:
            async with asyncio.timeout(timeout_s):
                await self._data.wait()
        except TimeoutError:
            return
        self._data.clear()
        if self.lost is not None:
            raise self.lost

    def assignment(self) -> frozenset[TopicPartition]:
        return frozenset(self.at)

    def seek(self, partition: TopicPartition, offset: int) -> None:
        self.seeks.append((partition, offset))
        self.at[partition] = offset

    def position(self, partition: TopicPartition) -> int | None:
        return self.at.get(partition)

    def highwater(self, partition: TopicPartition) -> int | None:
        return self.ends.get(partition)

    async def refresh_ends(self, older_than_s: float, *, timeout_s: float) -> None:
        self.refreshed += 1
        if self.lookups_raise:
            raise self.lookups_raise.pop(0)

    async def commit(self, offsets: Mapping[TopicPartition, int], *, timeout_s: float) -> None:
        if self.commit_raises:
            raise self.commit_raises.pop(0)
        self.commits.append(dict(offsets))
        self.stored_offsets.update(offsets)

    async def committed(
        self, partitions: Sequence[TopicPartition], *, timeout_s: float
    ) -> Mapping[TopicPartition, int | None]:
        return {at: self.stored_offsets.get(at) for at in partitions}

    async def beginning_offsets(
        self, partitions: Sequence[TopicPartition], *, timeout_s: float
    ) -> Mapping[TopicPartition, int]:
        if self.lookups_raise:
            raise self.lookups_raise.pop(0)
        return {at: self.beginnings.get(at, 0) for at in partitions}

    async def end_offsets(
        self, partitions: Sequence[TopicPartition], *, timeout_s: float
    ) -> Mapping[TopicPartition, int]:
        return {at: self.ends.get(at, 0) for at in partitions}

    async def offset_at(self, partition: TopicPartition, timestamp_ms: int, *, timeout_s: float) -> int | None:
        return self.times.get(timestamp_ms)

    def rejoining(self) -> bool:
        return self.is_rejoining

    def member_id(self) -> str:
        return self.id

    def trouble(self) -> str | None:
        return self.troubled

    async def stop(self, grace_s: float) -> None:
        self.stopped = True


class Heard:
    """A monitor and all it was told of the classes asked for, in order."""

    def __init__(self, *event_classes: type[Event]) -> None:
        self.monitor = Monitor()
        self.events: list[Event] = []
        for event_class in event_classes:
            self.monitor.subscribe(event_class, self.events.append)

    def of(self, event_class: type[Any]) -> list[Any]:
        """Those of one class."""
        return [event for event in self.events if type(event) is event_class]
