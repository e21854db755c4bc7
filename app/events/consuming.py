"""What happens in consumer groups, partitions and jobs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from app.events.monitor import Event
from app.messages import Record, TopicPartition

GroupState = Literal["joining", "stable", "rebalancing", "waiting_for_topics", "failed", "stopped"]
PartitionState = Literal["running", "waiting", "retrying", "paused", "draining"]


@dataclass(frozen=True, slots=True)
class GroupStateChanged(Event):
    """A consumer group's client changed state. `reason` says why where it is not obvious."""

    group: str
    listener_id: str
    state: GroupState
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class GroupSubscribed(Event):
    """A group's client subscribed to these topics."""

    group: str
    listener_id: str
    topics: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TopicsMissing(Event):
    """Topics of the table that do not exist yet. Fires when the list changes; empty: all are there."""

    group: str
    topics: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PartitionsAssigned(Event):
    """Partitions came to this member. Fires once for each rebalance, also with none."""

    group: str
    listener_id: str
    partitions: frozenset[TopicPartition]


@dataclass(frozen=True, slots=True)
class PartitionsRevoked(Event):
    """Partitions are leaving this member; running jobs are being drained."""

    group: str
    listener_id: str
    partitions: frozenset[TopicPartition]


@dataclass(frozen=True, slots=True)
class MessagesPolled(Event):
    """A poll of one partition returned (only polls that returned something are announced)."""

    group: str
    listener_id: str
    topic: str
    partition: int
    messages: int
    took_ms: float


@dataclass(frozen=True, slots=True)
class JobStarted(Event):
    """A batch was handed to a consumer. `records` are read while the event is told, and not kept.

    Told by the task that the consumer runs in, as is the end of the run: what a listener makes current stays so.
    """

    group: str
    job_id: str
    consumer: str
    topic: str
    partition: int
    first_offset: int
    last_offset: int
    messages: int
    attempt: int
    records: Sequence[Record] = field(default=(), compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class JobFinished(Event):
    """A consumer has ended a run. `outcome`: `done`, `failed` or `cancelled`; `done`: how many of the messages are
    dealt with, in a run that failed too; `tags`: those of the consumer."""

    group: str
    job_id: str
    consumer: str
    topic: str
    partition: int
    messages: int
    took_ms: float
    outcome: Literal["done", "failed", "cancelled"]
    done: int
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RetryScheduled(Event):
    """A partition waits before its next attempt. `next_attempt_at` is aware, UTC."""

    group: str
    job_id: str
    consumer: str
    topic: str
    partition: int
    offset: int
    attempt: int
    pause_ms: int
    next_attempt_at: datetime


@dataclass(frozen=True, slots=True)
class DeadLetterDispatched(Event):
    """A message was given up: stored in the DLQ topic, or skipped where `dlq_topic` is None."""

    group: str
    job_id: str
    topic: str
    partition: int
    offset: int
    dlq_topic: str | None
    error: BaseException


@dataclass(frozen=True, slots=True)
class PartitionProgress(Event):
    """Where one partition stands. Offsets are of the next record; None is not known.

    `first_unmarked_timestamp_ms` is that of the first fetched record that is not marked.
    """

    group: str
    topic: str
    partition: int
    consumer: str
    state: PartitionState
    position: int | None
    marked: int | None
    committed: int | None
    end: int | None
    attempt: int
    first_unmarked_timestamp_ms: int | None = None
    job_started_at: datetime | None = None
    next_attempt_at: datetime | None = None
    paused_by: str | None = None


@dataclass(frozen=True, slots=True)
class PollReturned(Event):
    """A group's client answered polls, whether with records or not. Fires about once a second, which `took_ms` says."""

    group: str
    listener_id: str
    took_ms: float


@dataclass(frozen=True, slots=True)
class OffsetsCommitted(Event):
    """One commit of a group succeeded."""

    group: str
    offsets: dict[TopicPartition, int]
    took_ms: float


@dataclass(frozen=True, slots=True)
class CommitFailed(Event):
    """One commit of a group did not succeed: refused because of a rebalance, or without an answer."""

    group: str
    reason: str


@dataclass(frozen=True, slots=True)
class PositionReset(Event):
    """A position that had gone (trimmed or truncated away) was replaced; `lost` is how many offsets lie
    between: records that were never seen, or, where the log was cut, that are no longer in it."""

    group: str
    topic: str
    partition: int
    old: int
    new: int
    lost: int


@dataclass(frozen=True, slots=True)
class TopicCreatedAnew(Event):
    """A topic was deleted and created again under its name: the group reads it from its beginning."""

    group: str
    listener_id: str
    topic: str


@dataclass(frozen=True, slots=True)
class ClientRebuilt(Event):
    """A group's client was replaced by a new one."""

    group: str
    reason: str
