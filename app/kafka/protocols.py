"""What the service needs of a Kafka client. The real ones are opened by `app.kafka`; tests bring others.

All offsets are those of the next record to read or the record's own; all waits are bounded by the caller's
`timeout_s` or by the settings' request timeout.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

from app.kafka.topic_details import TopicDetails
from app.messages import Headers, Record, TopicPartition


class RecordBatch(Protocol):
    """Records of one partition, collected to be sent as one. Shaped like aiokafka's BatchBuilder."""

    def append(
        self, *, timestamp: int | None, key: bytes | None, value: bytes | None, headers: Headers
    ) -> object | None:
        """Adds a record (`timestamp` in ms); None when the batch is full and took nothing."""

    def size(self) -> int:
        """Bytes so far, uncompressed, overhead included."""

    def record_count(self) -> int: ...


@dataclass(frozen=True, slots=True)
class ClientOptions:
    """How a producer's client differs from what the settings say; None: as they say."""

    acks: str | None = None
    compression: str | None = None
    transactional_id: str | None = None


Answered = Callable[[int | None, BaseException | None], None]
"""What is told of a batch: the offset of its first record (None with acks=0), or the error."""


class ProducerClient(Protocol):
    """One idempotent producer. One batch per partition may be in flight at a time.

    The methods on transactions are for a client with a transactional id. They have no bound of their own.
    """

    def new_batch(self) -> RecordBatch: ...

    async def send(
        self, batch: RecordBatch, partition: TopicPartition, answered: Answered, *, timeout_s: float
    ) -> None:
        """Hands `batch` over, and does not wait where the client knows the partition. `answered` is called once, on the
        loop and at the latest when the client is stopped.

        What `answered` gets as an error is what the broker answered (an error of `aiokafka.errors`), or ProducerClosed
        of aiokafka when the client was stopped: then it is not known whether the batch is stored. What this raises
        means that the batch was not taken and will not be stored: an error of `aiokafka.errors`, AssertionError for a
        partition that there is not, TimeoutError after `timeout_s`.
        """

    @property
    def alive(self) -> bool:
        """False once its sender task has died, or its transaction has failed: it will never deliver again."""

    @property
    def fenced(self) -> bool:
        """Whether Kafka has said that another producer has its transactional id."""

    async def stop(self, grace_s: float) -> None:
        """Flushes for at most `grace_s`, then fails what is left, ends every task and closes the sockets.

        Never raises, takes at most `grace_s` + 2 s whatever the brokers do, may be called twice. When it
        returns nothing will ever be sent again.
        """

    def begin(self) -> None:
        """Opens a transaction: what is sent from now on is in it. Raises TransactionFenced, TransactionAborted."""

    async def add_offsets(self, offsets: Mapping[TopicPartition, int], group: str) -> None:
        """Puts the commit of `offsets` into the transaction. Of one group only. Raises as `begin`."""

    async def commit(self) -> None:
        """Ends the transaction when everything sent has its answer. Raises as `begin`, and TransactionUnknown;
        cancelled, it leaves the outcome unknown too."""

    async def abort(self) -> None:
        """Ends the transaction, and nothing of it will be visible. Raises as `begin`."""


class Reading(NamedTuple):
    """Where a partition is read. `answered_at_ms`: when a broker last answered a fetch of it, also with nothing;
    `end`: up to which offset consumers may read, as of then. None: not known."""

    answered_at_ms: int | None
    position: int | None
    end: int | None


class AssignmentListener(Protocol):
    """Told of every change of the assignment by the client; both are awaited within the rebalance."""

    async def on_revoked(self, partitions: frozenset[TopicPartition]) -> None: ...
    async def on_assigned(self, partitions: frozenset[TopicPartition]) -> None: ...


class ConsumerClient(Protocol):
    """One member of a consumer group, subscribed to a list of topics."""

    async def start(self) -> None:
        """Joins the group; returns once it has an assignment. Raises KafkaUnavailable, DuplicateInstance."""

    def resubscribe(self, topics: Sequence[str]) -> bool:
        """Takes these topics from now on, after a rebalance. False, and nothing done, where that is not safe now: in a
        rebalance, before the first poll after one, without a coordinator. What was marked must be committed before."""

    def take(self, partition: TopicPartition, max_records: int) -> Sequence[Record]:
        """Fetched records of `partition`, at most `max_records`, without waiting; empty where there are none.

        Raises PositionLost (seek, then go on), FetchFailed (this partition cannot be read at its position, or
        soon after: what is before the bad record is given by the next calls).
        """

    def has_data(self, partition: TopicPartition) -> bool:
        """Whether `take` has something to give or to raise."""

    def with_data(self) -> Sequence[TopicPartition]:
        """The partitions that `has_data` is true of, in no order."""

    async def wait_for_data(self, timeout_s: float) -> None:
        """Returns when something was fetched for any partition, or after `timeout_s`. Raises MembershipLost, and
        its kind DuplicateInstance."""

    def assignment(self) -> frozenset[TopicPartition]: ...
    def seek(self, partition: TopicPartition, offset: int) -> None:
        """Goes on from `offset`, dropping what was fetched. Does nothing where the partition is not assigned."""

    def position(self, partition: TopicPartition) -> int | None:
        """Offset of the next record that a poll would return, if it is known without asking a broker."""

    def highwater(self, partition: TopicPartition) -> int | None:
        """End of the partition as of its last fetch."""

    async def refresh_ends(self, older_than_s: float, *, timeout_s: float) -> None:
        """Asks for the ends of partitions whose last fetch is longer ago: what waits in the buffer is not fetched
        further, and `highwater` would stand still. Raises KafkaUnavailable."""

    def reading(self, partition: TopicPartition) -> Reading | None:
        """Where it is read; None where the partition is not assigned, or has no leader that could be asked."""

    async def commit(self, offsets: Mapping[TopicPartition, int], *, timeout_s: float) -> None:
        """Commits, in the current generation; partitions may be any. Raises CommitRefused (moved on) or
        CommitUnknown (no answer in time)."""

    async def committed(
        self, partitions: Sequence[TopicPartition], *, timeout_s: float
    ) -> Mapping[TopicPartition, int | None]: ...
    async def beginning_offsets(
        self, partitions: Sequence[TopicPartition], *, timeout_s: float
    ) -> Mapping[TopicPartition, int]: ...
    async def end_offsets(
        self, partitions: Sequence[TopicPartition], *, timeout_s: float
    ) -> Mapping[TopicPartition, int]: ...

    async def offset_at(self, partition: TopicPartition, timestamp_ms: int, *, timeout_s: float) -> int | None:
        """Offset of the first record at or after `timestamp_ms`; None where there is none. Raises KafkaUnavailable."""

    def rejoining(self) -> bool:
        """Whether the group is being rebalanced, or joined for the first time."""

    def member_id(self) -> str:
        """The id that the coordinator gave this member when it last joined; empty where it has forgotten it."""

    def trouble(self) -> str | None:
        """Why this client can no longer work (a dead fetch or coordination task), or None. For the watchdog."""

    async def stop(self, grace_s: float) -> None:
        """Leaves the group. Bounded by `grace_s` + 2 s, never raises, may be called twice, leaks nothing."""


class PartitionReader(Protocol):
    """Reads partitions from a place on, without a group."""

    async def start(self) -> None:
        """Raises KafkaUnavailable; then it need not be stopped."""

    @property
    def ends(self) -> Mapping[TopicPartition, int]:
        """Up to where each partition could be read when it was started."""

    def caught_up(self) -> bool:
        """Whether everything that was there at the start has been given."""

    def position(self, at: TopicPartition) -> int:
        """The offset that is read next."""

    async def read(self, most: int, timeout_s: float) -> Sequence[Record]:
        """At most so many records, in order for each partition; none where none came in time. Raises KafkaUnavailable
        where they cannot be read."""

    async def stop(self, grace_s: float) -> None:
        """Within `grace_s` + 2 s; never raises, may be called twice, leaks nothing."""


ConsumerOpener = Callable[[str, Sequence[str], AssignmentListener], ConsumerClient]
"""(group id, topics, listener) to a client that is not started yet."""
ProducerOpener = Callable[[ClientOptions], Awaitable[ProducerClient]]
"""Opens a started producer. Raises KafkaUnavailable. One with a transactional id fences every earlier one of that
id, and a transaction that was left open is aborted, or its commit completed, before it is opened."""


class ClusterView(Protocol):
    """What is known of the brokers and their topics, kept up to date by a probe every 3 s."""

    @property
    def reachable(self) -> bool | None:
        """None until the first answer or failure."""

    @property
    def unreachable_for_s(self) -> float:
        """Seconds since the brokers stopped answering; 0 while they answer or have not been asked."""

    @property
    def last_error(self) -> str:
        """Why the brokers could not be reached when that was last tried, in words, without secrets."""

    @property
    def brokers(self) -> int | None: ...

    def topics(self) -> Mapping[str, int]:
        """Partition count by topic, as of the last answer."""

    def topic_id(self, topic: str) -> bytes | None:
        """What tells a topic from another one of its name that was deleted; None where that is not known."""

    async def partition_count(self, topic: str, *, timeout_s: float) -> int | None:
        """How many partitions; None if the topic does not exist. Asks again, coalesced and at most once a
        second, when the topic is not known. Raises KafkaUnavailable when the brokers do not answer in time."""

    async def refresh(self, *, timeout_s: float) -> Mapping[str, int]:
        """Asks now. Raises KafkaUnavailable."""

    async def max_message_bytes(self, topic: str, *, timeout_s: float, fresh: bool = False) -> int:
        """The topic's `max.message.bytes`, cached for a minute; Kafka's default where it may not be read."""

    async def create_topic(
        self, topic: str, partitions: int, config: Mapping[str, str] | None = None, *, timeout_s: float
    ) -> bool:
        """Creates a topic with the brokers' default replication; False if it was there. Raises KafkaUnavailable."""

    async def member_ids(self, group: str, *, timeout_s: float) -> frozenset[str]:
        """The ids of the group's members, as its coordinator knows them. Raises KafkaUnavailable."""

    async def describe(self, *, timeout_s: float) -> Mapping[str, Any]: ...


class TopicView(ClusterView, Protocol):
    """What is known of the brokers, and what they can be asked about single topics."""

    async def details(self, topic: str, *, timeout_s: float) -> TopicDetails | None:
        """Asks now; None where the topic does not exist. Raises KafkaUnavailable."""

    async def offsets(self, at: TopicPartition, *, timeout_s: float) -> tuple[int, int] | None:
        """(first offset, offset after the last); None where there is no such partition. Raises KafkaUnavailable."""
