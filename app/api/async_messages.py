"""Messages that are answered before their verdict: each has a receipt and, where it fails, a dead letter."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import NamedTuple

from app.api.problems import code_of
from app.api.receipts import Receipts
from app.consuming.dead_letters import OWN_HEADERS, shortened, trace_id
from app.errors import ProduceError
from app.events import ErrorOccurred, Monitor
from app.messages import Headers, OutgoingMessage
from app.producer import DeliveryHandle, Producer

REFUSED = "refused_by_broker"
NOT_KNOWN = "-1"
"""Where Kafka itself has no number for an offset or a partition."""


class AsyncMessages:
    """Queues messages. With `dlq_topic` those that fail, or of which nothing is known, are written there."""

    def __init__(self, producer: Producer, receipts: Receipts, dlq_topic: str, monitor: Monitor) -> None:
        self._producer = producer
        self._receipts = receipts
        self._dlq_topic = dlq_topic
        self._monitor = monitor

    def check_room(self, messages: int) -> None:
        """Raises Refusal `overloaded` where so many receipts cannot be kept."""
        self._receipts.check_room(messages)

    def enqueue(self, message: OutgoingMessage) -> str:
        """Queues a message and returns its receipt's id. Raises ProduceError, or Refusal `overloaded`."""
        self._receipts.check_room(1)
        receipt = self._receipts.new(message.topic)

        def settled(handle: DeliveryHandle) -> None:
            receipt.settle(handle)
            if handle.error is not None:
                self._write(DeadLetter.of(handle, handle.error))

        on_settled = settled if self._dlq_topic else receipt.settle
        self._producer.accept(message, queued=True, on_settled=on_settled)
        self._receipts.keep(receipt)
        return receipt.id

    def _write(self, letter: DeadLetter) -> None:
        """Queues a dead letter. What a closed producer does not take, its closing reports."""
        if self._producer.status != "open":
            return
        try:
            self._producer.accept(
                letter.message(self._dlq_topic),
                queued=True,
                on_settled=lambda handle: self._letter_settled(letter, handle),
            )
        except ProduceError as error:
            self._lost(error)

    def _letter_settled(self, letter: DeadLetter, handle: DeliveryHandle) -> None:
        """Tries again what may go well later, and once without its timestamp what Kafka refused."""
        error = handle.error
        if error is None:
            return
        if code_of(error.code).retriable:
            self._write(letter)
        elif error.code == REFUSED and letter.timestamp is not None:
            self._write(letter._replace(timestamp=None))
        else:
            self._lost(error)

    def _lost(self, error: ProduceError) -> None:
        self._monitor.emit(ErrorOccurred("http.async_dlq", error, topic=self._dlq_topic))


class DeadLetter(NamedTuple):
    """A message that failed, with headers that say where it should have gone and why it did not."""

    payload: bytes | None
    key: bytes | None
    headers: Headers
    timestamp: int | None

    @classmethod
    def of(cls, handle: DeliveryHandle, error: ProduceError) -> DeadLetter:
        """That of a handle that settled with `error`."""
        return cls(handle.value, handle.key, dead_letter_headers(handle, error), handle.timestamp)

    def message(self, topic: str) -> OutgoingMessage:
        """It as a message to `topic`. Letters with the same key keep their order."""
        return OutgoingMessage(
            topic=topic, payload=self.payload, key=self.key, headers=self.headers, timestamp=self.timestamp
        )


def dead_letter_headers(handle: DeliveryHandle, error: ProduceError) -> Headers:
    """The message's own headers, then the same facts that the dead letters of consumers have, as text."""
    facts = {
        "source_topic": handle.topic,
        "source_partition": NOT_KNOWN if handle.partition is None else str(handle.partition),
        "source_offset": NOT_KNOWN,
        "source_timestamp": str(handle.timestamp),
        "source_consumer_group": "",
        "source_attempts": str(handle.attempts),
        "error_class": error.code,
        "error_message": shortened(error.detail),
        "failed_at": datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
    }
    if traced := trace_id(handle.headers):
        facts["source_trace_id"] = traced
    kept = [(name, value) for name, value in handle.headers if name not in OWN_HEADERS]
    return [*kept, *((name, text.encode("utf-8", "replace")) for name, text in facts.items())]
