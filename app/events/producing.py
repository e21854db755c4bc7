"""What happens to messages on their way into Kafka."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from app.events.monitor import Event
from app.messages import DeliveryReport


@dataclass(frozen=True, slots=True)
class MessagesAccepted(Event):
    """The producer took messages on: each will get exactly one verdict. Fires at most once in a turn of the loop."""

    messages: int
    size_bytes: int


@dataclass(frozen=True, slots=True)
class MessageProducedSync(Event):
    """A `produce_sync` call came back with a verdict. `payload` is None unless LOG_PAYLOADS asks for it."""

    producer_id: str
    topic: str
    took_ms: float
    report: DeliveryReport
    payload: bytes | None = None


@dataclass(frozen=True, slots=True)
class MessageProducedAsync(Event):
    """A message was delegated to the dispatch queue. `payload` is None unless LOG_PAYLOADS asks for it."""

    producer_id: str
    topic: str
    payload: bytes | None = None


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
class BufferFlushed(Event):
    """Buffered messages were given to the producer. `sent` were accepted, `returned` are in the buffer again,
    `refused` were invalid or refused for good."""

    producer_id: str
    sent: int
    returned: int
    refused: int
    took_ms: float


@dataclass(frozen=True, slots=True)
class TransactionStarted(Event):
    """A transaction was opened."""

    producer_id: str
    transactional_id: str


@dataclass(frozen=True, slots=True)
class TransactionCommitted(Event):
    """A transaction was committed, `took_ms` after it was opened."""

    producer_id: str
    transactional_id: str
    messages: int
    took_ms: float


@dataclass(frozen=True, slots=True)
class TransactionAborted(Event):
    """A transaction was not committed: `aborted`, or `unknown` where Kafka did not answer the commit."""

    producer_id: str
    transactional_id: str
    outcome: Literal["aborted", "unknown"]
    messages: int
    reason: str
    took_ms: float


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
