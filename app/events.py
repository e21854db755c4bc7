"""Everything that happens, as frozen facts, and the monitor that hands them to listeners.

Logic emits events and never logs or counts by itself. An event is emitted per batch, never per record.
Durations are in milliseconds where the name ends in `_ms`.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal, TypeVar

from app.messages import DeliveryReport, TopicPartition

_log = logging.getLogger("demijohn.monitor")

State = Literal["initializing", "starting", "running", "quieting", "quiet", "stopping", "stopped", "failed"]
GroupState = Literal["joining", "stable", "rebalancing", "waiting_for_topics", "failed", "stopped"]
PartitionState = Literal["running", "waiting", "retrying", "paused", "draining"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """A fact, with the time it happened (aware, UTC)."""

    at: datetime = field(default_factory=lambda: datetime.now(UTC), compare=False)


@dataclass(frozen=True, slots=True)
class ServiceStateChanged(Event):
    """The service took a step forward in its life. Fires once for each state."""

    state: State
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class WarningRaised(Event):
    """Something is not as it should be, and nobody can be told but the operator."""

    code: str
    detail: str


@dataclass(frozen=True, slots=True)
class EmbeddedBrokerStarted(Event):
    """The service runs its own broker. `description` says which, and what it keeps."""

    kind: str
    bootstrap_servers: str
    description: str


@dataclass(frozen=True, slots=True)
class BrokerReachable(Event):
    """Kafka answers again, or for the first time. Fires once for each change."""

    brokers: int


@dataclass(frozen=True, slots=True)
class BrokerUnreachable(Event):
    """Kafka does not answer. Fires once for each change."""

    reason: str


@dataclass(frozen=True, slots=True)
class TopicCreated(Event):
    """The service created a topic of its table."""

    topic: str
    partitions: int


@dataclass(frozen=True, slots=True)
class ErrorOccurred(Event):
    """Something failed. `kind` is area.place (`consumer.consume`, `producer.deliver`, `commit` …)."""

    kind: str
    error: BaseException
    group: str | None = None
    topic: str | None = None
    partition: int | None = None
    first_offset: int | None = None
    last_offset: int | None = None
    attempt: int | None = None
    consumer: str | None = None


@dataclass(frozen=True, slots=True)
class MessagesAccepted(Event):
    """The producer took messages on: each will get exactly one verdict. Fires once for each call."""

    messages: int
    size_bytes: int


@dataclass(frozen=True, slots=True)
class MessageProducedSync(Event):
    """A `produce_sync` call came back with a verdict."""

    producer_id: str
    topic: str
    took_ms: float
    report: DeliveryReport


@dataclass(frozen=True, slots=True)
class MessageProducedAsync(Event):
    """A message was delegated to the dispatch queue."""

    producer_id: str
    topic: str


@dataclass(frozen=True, slots=True)
class MessagesProducedSync(Event):
    """A `produce_many_sync` call came back with all verdicts."""

    producer_id: str
    messages: int
    topics: int
    took_ms: float


@dataclass(frozen=True, slots=True)
class MessagesProducedAsync(Event):
    """Messages of a `produce_many_async` call were delegated to the dispatch queue."""

    producer_id: str
    messages: int
    topics: int


@dataclass(frozen=True, slots=True)
class MessagesSettled(Event):
    """Messages of one topic got the same verdict at once: `delivered`, `failed` or `unknown`.

    `partition` is None where none was chosen; `code` is that of the error; `latency_ms` is that of the oldest,
    from its acceptance to the verdict.
    """

    topic: str
    partition: int | None
    status: Literal["delivered", "failed", "unknown"]
    code: str | None
    messages: int
    latency_ms: float


@dataclass(frozen=True, slots=True)
class QueueFullWaited(Event):
    """An async call had to wait for room in the queue. `refused`: it got none in time."""

    waited_ms: float
    refused: bool


@dataclass(frozen=True, slots=True)
class ProducerRebuilt(Event):
    """The producer's client was replaced by a new one."""

    producer_id: str
    reason: str


@dataclass(frozen=True, slots=True)
class ProducerClosing(Event):
    """The producer takes no more messages and flushes."""

    producer_id: str


@dataclass(frozen=True, slots=True)
class ProducerClosed(Event):
    """The producer is closed. `undelivered` counts messages by topic that got no `delivered` while closing."""

    producer_id: str
    took_ms: float
    undelivered: dict[str, int]


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
    """A batch was handed to a consumer."""

    group: str
    job_id: str
    consumer: str
    topic: str
    partition: int
    first_offset: int
    last_offset: int
    messages: int
    attempt: int


@dataclass(frozen=True, slots=True)
class JobFinished(Event):
    """A consumer is done with a batch. `outcome`: `done`, `failed` or `cancelled`."""

    group: str
    job_id: str
    consumer: str
    topic: str
    partition: int
    messages: int
    took_ms: float
    outcome: Literal["done", "failed", "cancelled"]


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


@dataclass(frozen=True, slots=True)
class PollReturned(Event):
    """A group's client answered a poll, whether with records or not. Fires at most once a second."""

    group: str


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
    """A position that had gone (trimmed or truncated away) was replaced; `lost` records were never seen."""

    group: str
    topic: str
    partition: int
    old: int
    new: int
    lost: int


@dataclass(frozen=True, slots=True)
class ClientRebuilt(Event):
    """A group's client was replaced by a new one."""

    group: str
    reason: str


@dataclass(frozen=True, slots=True)
class LoopLagMeasured(Event):
    """How late the event loop was with a timer. Fires about once a second."""

    lag_ms: float


@dataclass(frozen=True, slots=True)
class RequestRefused(Event):
    """The HTTP side refused a request because of load or state (`queue_full`, `overloaded`, `draining`)."""

    code: str


E_ = TypeVar("E_", bound=Event)
Handler = Callable[[Any], None]


class Monitor:
    """Hands each event to those who subscribed to its class, in order of subscription, at once.

    A handler that raises is logged and does not disturb the emitter or other handlers.
    """

    def __init__(self) -> None:
        self._handlers: dict[type[Event], list[Handler]] = {}
        self.failures = 0

    def subscribe(self, event_class: type[E_], handler: Callable[[E_], None]) -> None:
        """Calls `handler` with every event of exactly `event_class` from now on."""
        self._handlers.setdefault(event_class, []).append(handler)

    def listens(self, event_class: type[Event]) -> bool:
        """Whether anybody subscribed to `event_class`: ask before building a costly event."""
        return event_class in self._handlers

    def emit(self, event: Event) -> None:
        """Tells every subscriber of the event's class."""
        for handler in self._handlers.get(type(event), ()):
            try:
                handler(event)
            except Exception:
                self.failures += 1
                _log.exception("A listener failed on %s", type(event).__name__)
