"""`Producer`: how everything in this process puts messages into Kafka.

    report = await producer.produce_sync(topic="example", payload={"ping": "pong"})
    handle = await producer.produce_async(topic="example", payload=b"raw", key="k")
    report = await handle.wait(timeout_s=5)

Every accepted message gets exactly one verdict within PRODUCER_DELIVERY_TIMEOUT_S: delivered, failed (it is
certainly not stored) or unknown (it may be stored). After its verdict a message is never sent again.
"""

from __future__ import annotations

import asyncio
import itertools
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from app.errors import BrokerUnavailable, Fault, KafkaUnavailable, MessageInvalid, ProduceManyError
from app.errors import ProducerClosed as ProducerClosedError
from app.events import (
    MessageProducedAsync,
    MessageProducedSync,
    MessagesAccepted,
    MessagesProducedAsync,
    MessagesProducedSync,
    Monitor,
    ProducerClosed,
    ProducerClosing,
)
from app.kafka.protocols import ClusterView, ProducerOpener
from app.messages import DeliveryReport, OutgoingMessage
from app.producing.budget import QueueBudget
from app.producing.clients import ClientSlot
from app.producing.contract import Encoded, encode
from app.producing.dispatcher import Dispatcher
from app.producing.handle import DeliveryHandle, OnSettled
from app.producing.partitioners import PARTITIONERS
from app.settings import Settings

__all__ = ["CloseReport", "DeliveryHandle", "OutgoingMessage", "Producer"]

Middleware = Callable[[OutgoingMessage], OutgoingMessage]
UNREACHABLE_AFTER_S = 2.0
"""Sync calls fail at once when Kafka has been known to be away for longer."""
CLOSE_RESERVE_S = 1.0
YIELD_EVERY = 500


@dataclass(frozen=True, slots=True)
class CloseReport:
    """How closing went. `undelivered` counts messages by topic that did not become `delivered`."""

    undelivered: Mapping[str, int] = field(default_factory=dict)
    took_ms: float = 0.0


class Producer:
    """Safe to use from any task of the event loop. Connects at its first message."""

    def __init__(self, settings: Settings, cluster: ClusterView, open_client: ProducerOpener, monitor: Monitor) -> None:
        self.id = f"demijohn-{uuid.uuid4().hex[:12]}"
        self.middleware: list[Middleware] = []
        self._settings = settings
        self._cluster = cluster
        self._monitor = monitor
        self._slot = ClientSlot(open_client, monitor, self.id)
        self._dispatcher = Dispatcher(
            self._slot,
            cluster,
            monitor,
            PARTITIONERS[settings.producer_partitioner],
            settings.producer_linger_ms / 1000,
        )
        self._budget = QueueBudget(
            settings.producer_queue_messages,
            settings.producer_queue_bytes,
            settings.producer_queue_full_wait_s,
            monitor,
        )
        self._sequence = itertools.count(1)
        self._closing: asyncio.Task[CloseReport] | None = None
        self._status: Literal["open", "closing", "closed"] = "open"

    @property
    def status(self) -> Literal["open", "closing", "closed"]:
        return self._status

    @property
    def queue_messages(self) -> int:
        """Messages that async calls have queued and that are not handed over yet."""
        return self._budget.messages

    @property
    def queue_bytes(self) -> int:
        return self._budget.size_bytes

    @property
    def queue_oldest_s(self) -> float | None:
        """Age of the oldest queued message; None when there is none."""
        return self._budget.oldest_s

    @property
    def in_flight(self) -> int:
        """Accepted messages without a verdict."""
        return len(self._dispatcher.pending)

    @property
    def rebuilds(self) -> int:
        """How often the client was replaced."""
        return self._slot.rebuilds

    async def start(self) -> None:
        """Opens the client if Kafka answers; otherwise the first message will try again."""
        try:
            await self._slot.current()
        except KafkaUnavailable:
            return  # announced by the cluster's probe

    async def produce_sync(self, *, timeout_s: float | None = None, **message: Any) -> DeliveryReport:
        """Sends one message and waits for its verdict; arguments are those of `OutgoingMessage`.

        `timeout_s` is how long to wait, by default until the delivery deadline. Raises a ProduceError.
        """
        started = time.monotonic()
        handle = self.accept(OutgoingMessage(**message), queued=False)
        if not await handle.settled(timeout_s):
            handle.withdraw()
        report = handle.report
        if report is None:
            raise TimeoutError(f"No verdict on message {handle.message_id} yet: it may still be stored")
        if self._monitor.listens(MessageProducedSync):
            took_ms = (time.monotonic() - started) * 1000
            self._monitor.emit(MessageProducedSync(self.id, handle.topic, took_ms, report))
        if report.error is not None:
            raise report.error
        return report

    async def produce_async(self, **message: Any) -> DeliveryHandle:
        """Queues one message; arguments are those of `OutgoingMessage`. Raises MessageInvalid, QueueFull."""
        outgoing = self._through_middleware(OutgoingMessage(**message))
        encoded = encode(outgoing, self._settings.producer_max_payload_bytes)
        await self.room(1, encoded.size_bytes)
        handle = self._take(outgoing, encoded, queued=True, on_settled=None)
        if self._monitor.listens(MessageProducedAsync):
            self._monitor.emit(MessageProducedAsync(self.id, handle.topic))
        return handle

    async def produce_many_sync(self, messages: Iterable[OutgoingMessage | Mapping[str, Any]]) -> list[DeliveryReport]:
        """Sends messages and waits for all verdicts, in order of `messages`.

        Raises MessageInvalid, and nothing is sent, if any message is invalid (paths begin with its index);
        ProduceManyError with all reports if any was not delivered.
        """
        started = time.monotonic()
        prepared = self._prepare(messages)
        handles = []
        for index, (outgoing, encoded) in enumerate(prepared):
            handles.append(self._take(outgoing, encoded, queued=False, on_settled=None))
            if index % YIELD_EVERY == YIELD_EVERY - 1:
                await asyncio.sleep(0)
        reports = [await handle.wait() for handle in handles]
        topics = len({handle.topic for handle in handles})
        took_ms = (time.monotonic() - started) * 1000
        self._monitor.emit(MessagesProducedSync(self.id, len(handles), topics, took_ms))
        if any(report.error is not None for report in reports):
            raise ProduceManyError(reports)
        return reports

    async def produce_many_async(self, messages: Iterable[OutgoingMessage | Mapping[str, Any]]) -> list[DeliveryHandle]:
        """Queues messages. Raises MessageInvalid or QueueFull, and nothing was sent."""
        prepared = self._prepare(messages)
        await self.room(len(prepared), sum(encoded.size_bytes for _, encoded in prepared))
        handles = [self._take(outgoing, encoded, queued=True, on_settled=None) for outgoing, encoded in prepared]
        topics = len({handle.topic for handle in handles})
        self._monitor.emit(MessagesProducedAsync(self.id, len(handles), topics))
        return handles

    async def tombstone_sync(self, topic: str, key: bytes | str, partition: int | None = None) -> DeliveryReport:
        """Sends a null payload, which deletes `key` from a compacted topic."""
        return await self.produce_sync(topic=topic, key=key, partition=partition, payload=None)

    async def tombstone_async(self, topic: str, key: bytes | str, partition: int | None = None) -> DeliveryHandle:
        """Queues a null payload, which deletes `key` from a compacted topic."""
        return await self.produce_async(topic=topic, key=key, partition=partition, payload=None)

    def accept(self, message: OutgoingMessage, *, queued: bool, on_settled: OnSettled | None = None) -> DeliveryHandle:
        """Takes `message` on without waiting. `queued` messages count against the queue's bound.

        Raises MessageInvalid, PayloadTooLarge, ProducerClosed; QueueFull where `queued` and there is no room;
        BrokerUnavailable where not `queued` and Kafka is known to be away. `on_settled` is called once, with
        the handle, when the verdict is there.
        """
        message = self._through_middleware(message)
        encoded = encode(message, self._settings.producer_max_payload_bytes)
        return self._take(message, encoded, queued=queued, on_settled=on_settled)

    def has_room(self, messages: int, size_bytes: int) -> bool:
        """Whether `room` would return at once."""
        return self._budget.free(messages, size_bytes)

    async def room(self, messages: int, size_bytes: int) -> None:
        """Waits until the queue has room, at most PRODUCER_QUEUE_FULL_WAIT_S. Raises QueueFull."""
        await self._budget.room(messages, size_bytes)

    async def partition_count(self, topic: str) -> int | None:
        """How many partitions `topic` has; None if it does not exist. Raises KafkaUnavailable."""
        return await self._cluster.partition_count(topic, timeout_s=UNREACHABLE_AFTER_S)

    def knows(self, topic: str) -> bool:
        """Whether `topic` is known to exist, without asking."""
        return topic in self._cluster.topics()

    async def known_topic(self, topic: str) -> bool | None:
        """Whether `topic` exists; None where that cannot be found out now."""
        if self.knows(topic):
            return True
        try:
            return await self.partition_count(topic) is not None
        except KafkaUnavailable:
            return None

    def _through_middleware(self, message: OutgoingMessage) -> OutgoingMessage:
        for step in self.middleware:
            message = step(message)
        return message

    def _prepare(
        self, messages: Iterable[OutgoingMessage | Mapping[str, Any]]
    ) -> list[tuple[OutgoingMessage, Encoded]]:
        prepared: list[tuple[OutgoingMessage, Encoded]] = []
        faults: list[Fault] = []
        for index, given in enumerate(messages):
            message = given if isinstance(given, OutgoingMessage) else OutgoingMessage(**given)
            message = self._through_middleware(message)
            try:
                prepared.append((message, encode(message, self._settings.producer_max_payload_bytes)))
            except MessageInvalid as error:
                faults += [Fault(f"{index}.{fault.path}", fault.message) for fault in error.faults]
        if faults:
            raise MessageInvalid(faults)
        return prepared

    def _take(
        self, message: OutgoingMessage, encoded: Encoded, *, queued: bool, on_settled: OnSettled | None
    ) -> DeliveryHandle:
        if self._status != "open":
            raise ProducerClosedError
        if not queued and self._cluster.unreachable_for_s > UNREACHABLE_AFTER_S:
            raise BrokerUnavailable("Kafka has not answered for more than 2 s; nothing was sent")
        handle = DeliveryHandle(
            message.topic,
            encoded,
            message.partition,
            message.label,
            self._settings.producer_delivery_timeout_s,
            (self.id, next(self._sequence)),
        )
        if queued:
            self._budget.take(handle)
        release = self._budget.release if queued else None
        handle.watch(self._dispatcher.settled, release, self._dispatcher.withdrawn, on_settled)
        self._monitor.emit(MessagesAccepted(1, handle.size_bytes))
        self._dispatcher.dispatch(handle)
        return handle

    async def close(self, timeout_s: float) -> CloseReport:
        """Refuses new messages, flushes for at most `timeout_s` less a second, then gives up on the rest.

        Takes at most `timeout_s` + 3 s whatever the brokers do. May be called again: the first call counts.
        """
        if self._closing is None:
            self._status = "closing"
            self._closing = asyncio.create_task(self._close(timeout_s), name="producer-close")
        return await asyncio.shield(self._closing)

    async def _close(self, timeout_s: float) -> CloseReport:
        started = time.monotonic()
        self._monitor.emit(ProducerClosing(self.id))
        pending = list(self._dispatcher.pending)
        await self._dispatcher.flush(max(0.0, timeout_s - CLOSE_RESERVE_S))
        self._dispatcher.withdraw_all()
        await self._slot.close(grace_s=min(CLOSE_RESERVE_S, timeout_s))
        await self._dispatcher.close()
        undelivered = Counter(handle.topic for handle in pending if handle.status != "delivered")
        self._status = "closed"
        report = CloseReport(dict(undelivered), (time.monotonic() - started) * 1000)
        self._monitor.emit(ProducerClosed(self.id, report.took_ms, dict(undelivered)))
        return report
