"""`Producer`: how everything in this process puts messages into Kafka.

    report = await producer.produce_sync(topic="example", payload={"ping": "pong"})
    handle = await producer.produce_async(topic="example", payload=b"raw", key="k")
    report = await handle.wait(timeout_s=5)

Every accepted message gets exactly one verdict within PRODUCER_DELIVERY_TIMEOUT_S: delivered, failed (it is
certainly not stored) or unknown (it may be stored). After its verdict a message is never sent again.
"""

from __future__ import annotations

import asyncio
import copy
import time
import uuid
from collections.abc import Iterable, Mapping
from contextlib import AbstractAsyncContextManager
from typing import Any, Literal

from app.errors import AbortTransaction, KafkaUnavailable, ProduceError, ProduceManyError
from app.errors import ProducerClosed as ProducerClosedError
from app.events import (
    MessageProducedAsync,
    MessageProducedSync,
    MessagesProducedAsync,
    MessagesProducedSync,
    Monitor,
    ProducerClosed,
    ProducerClosing,
)
from app.kafka.protocols import ClusterView, ProducerOpener
from app.messages import DeliveryReport, OutgoingMessage
from app.producing.closing import CloseReport, Ending
from app.producing.dispatcher import UNREACHABLE_AFTER_S
from app.producing.flushing import Accept
from app.producing.handle import DeliveryHandle, OnSettled
from app.producing.outlets import AS_CONFIGURED
from app.producing.preparation import Given, Middleware, as_message
from app.producing.traced_acceptance import SendTracing, accepting
from app.producing.transaction import Transaction
from app.producing.transaction_pool import HeldTransactions
from app.settings import Settings

__all__ = [
    "AbortTransaction",
    "CloseReport",
    "DeliveryHandle",
    "HeldTransactions",
    "OutgoingMessage",
    "Producer",
    "Transaction",
]

Acks = Literal["all", "1", "0"]
Compression = Literal["none", "gzip", "snappy", "lz4", "zstd"]
Status = Literal["open", "closing", "closed"]
CLOSE_RESERVE_S = 1.0
YIELD_EVERY = 500


class Producer:
    """Safe to use from any task of the event loop. Connects at its first message."""

    def __init__(
        self,
        settings: Settings,
        cluster: ClusterView,
        open_client: ProducerOpener,
        monitor: Monitor,
        tracing: SendTracing | None = None,
    ) -> None:
        self.id = f"demijohn-{uuid.uuid4().hex[:12]}"
        self._cluster = cluster
        self._monitor = monitor
        self._log_payloads = settings.log_payloads
        self._acceptance = accepting(settings, cluster, open_client, monitor, self.id, tracing)
        self._options = AS_CONFIGURED
        self._ending = Ending()

    @property
    def status(self) -> Status:
        return self._acceptance.status

    @property
    def middleware(self) -> list[Middleware]:
        """Each takes a message and returns the one to send instead: once for each message, before it is validated."""
        return self._acceptance.preparation.middleware

    def variant(
        self,
        *,
        acks: Acks | None = None,
        compression: Compression | None = None,
        delivery_timeout_s: float | None = None,
    ) -> Producer:
        """This producer with other delivery settings, which are those of `self` where not given. `self` stays as it is.

        Variants have a client and lanes of their own, opened at their first message: the order of messages is kept
        within a variant, not between two. Acks below `all` give up idempotence. Everything else is shared: queue,
        buffer, middleware, transactions, and the end.
        """
        if delivery_timeout_s is not None and not 0 < delivery_timeout_s <= 3600:
            raise ValueError(f"delivery_timeout_s must be above 0 and at most 3600, not {delivery_timeout_s}")
        view = copy.copy(self)
        view._options = self._options.changed(acks, compression, delivery_timeout_s)
        return view

    @property
    def queue_messages(self) -> int:
        """Messages that async calls have queued and that are not handed over yet."""
        return self._acceptance.budget.messages

    @property
    def queue_bytes(self) -> int:
        return self._acceptance.budget.size_bytes

    @property
    def queue_oldest_s(self) -> float | None:
        """Age of the oldest queued message; None when there is none."""
        return self._acceptance.budget.oldest_s

    @property
    def in_flight(self) -> int:
        """Accepted messages without a verdict."""
        return self._acceptance.in_flight

    @property
    def rebuilds(self) -> int:
        """How often a client was replaced."""
        return self._acceptance.outlets.rebuilds

    @property
    def queue_size(self) -> int:
        """Accepted messages without a verdict, wherever they are."""
        return self.in_flight

    @property
    def buffer_size(self) -> int:
        """Messages in the buffer."""
        return len(self._acceptance.flusher.buffer)

    async def start(self) -> None:
        """Opens the client if Kafka answers; otherwise the first message will try again."""
        try:
            await self._acceptance.outlets.own_slot.current()
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
            self._monitor.emit(MessageProducedSync(self.id, handle.topic, took_ms, report, self._shown(handle)))
        if report.error is not None:
            raise report.error
        return report

    async def produce_async(self, **message: Any) -> DeliveryHandle:
        """Queues one message; arguments are those of `OutgoingMessage`. Raises MessageInvalid, QueueFull."""
        prepared = self._acceptance.preparation.one(OutgoingMessage(**message))
        outlet = self._acceptance.outlet(self._options)
        await self._acceptance.room(outlet, 1, prepared.encoded.size_bytes)
        handle = self._acceptance.take(prepared, outlet, queued=True)
        if self._monitor.listens(MessageProducedAsync):
            self._monitor.emit(MessageProducedAsync(self.id, handle.topic, self._shown(handle)))
        return handle

    async def produce_many_sync(self, messages: Iterable[Given]) -> list[DeliveryReport]:
        """Sends messages and waits for all verdicts, in order of `messages`.

        Raises MessageInvalid, and nothing is sent, if any message is invalid (paths begin with its index);
        ProduceManyError with all reports if any was not delivered.
        """
        started = time.monotonic()
        acceptance = self._acceptance
        prepared = acceptance.preparation.many(messages)
        outlet = acceptance.outlet(self._options)
        handles = [acceptance.take(item, outlet, queued=False) for item in prepared[:1]]
        for index, item in enumerate(prepared[1:]):
            handles.append(acceptance.take_another(item, outlet))
            if index % YIELD_EVERY == YIELD_EVERY - 1:
                await asyncio.sleep(0)
        reports = [await handle.wait() for handle in handles]
        topics = len({handle.topic for handle in handles})
        took_ms = (time.monotonic() - started) * 1000
        self._monitor.emit(MessagesProducedSync(self.id, len(handles), topics, took_ms))
        if any(report.error is not None for report in reports):
            raise ProduceManyError(reports)
        return reports

    async def produce_many_async(self, messages: Iterable[Given]) -> list[DeliveryHandle]:
        """Queues messages. Raises MessageInvalid or QueueFull, and nothing was sent."""
        acceptance = self._acceptance
        prepared = acceptance.preparation.many(messages)
        outlet = acceptance.outlet(self._options)
        await acceptance.room(outlet, len(prepared), sum(item.encoded.size_bytes for item in prepared))
        handles = [acceptance.take(item, outlet, queued=True, admitted=True) for item in prepared]
        topics = len({handle.topic for handle in handles})
        self._monitor.emit(MessagesProducedAsync(self.id, len(handles), topics))
        return handles

    async def tombstone_sync(self, topic: str, key: bytes | str, partition: int | None = None) -> DeliveryReport:
        """Sends a null payload, which deletes `key` from a compacted topic."""
        return await self.produce_sync(topic=topic, key=key, partition=partition, payload=None)

    async def tombstone_async(self, topic: str, key: bytes | str, partition: int | None = None) -> DeliveryHandle:
        """Queues a null payload, which deletes `key` from a compacted topic."""
        return await self.produce_async(topic=topic, key=key, partition=partition, payload=None)

    def buffer(self, given: Given | None = None, /, **message: Any) -> None:
        """Keeps one message for a later flush: an OutgoingMessage, a mapping, or the arguments of one.

        It is looked at by the flush. PRODUCER_BUFFER_MAX_AGE_MS and PRODUCER_BUFFER_MAX_MESSAGES flush by themselves.
        """
        self.buffer_many([message if given is None else given])

    def buffer_many(self, messages: Iterable[Given]) -> None:
        """Keeps messages for a later flush. Raises ProducerClosed."""
        if self._acceptance.status != "open":
            raise ProducerClosedError
        self._acceptance.flusher.buffer.add([as_message(given) for given in messages])

    async def flush_sync(self) -> list[DeliveryReport]:
        """Sends what is buffered and waits for all verdicts.

        Raises MessageInvalid with the index of each invalid message: those are dropped, nothing was sent, the others
        stay in the buffer. Raises ProduceManyError with all reports if any was not delivered: what is certainly not
        stored and may succeed later is in the buffer again, at its front, in order. Raises ProducerClosed or
        BrokerUnavailable, and everything is in the buffer.
        """
        return await self._acceptance.flusher.flush_sync(self._here())

    def flush_async(self) -> asyncio.Task[list[DeliveryHandle]]:
        """Begins to queue what is buffered; await the task for the handles.

        The task raises MessageInvalid as `flush_sync` does, and QueueFull: what found no room is in the buffer again.
        """
        return self._acceptance.flusher.flush_async(self._here())

    def transaction(self) -> AbstractAsyncContextManager[Transaction]:
        """`async with producer.transaction():` what this task sends in the block is stored as a whole or not at all.

        When the block ends, every message is awaited; if one failed, or the block raises, all are aborted. The error
        goes on, but AbortTransaction ends the block quietly. A transaction inside another is a part of it. Sends of
        other tasks, of those that the block starts too, do not join.

        Needs PRODUCER_TRANSACTIONAL_ID_PREFIX (SettingsInvalid). Raises KafkaUnavailable where none could be opened,
        TransactionError where it was not committed. Kafka aborts what is open for more than 60 s.
        """
        return self._acceptance.transactions.block()

    async def send_offsets_to_transaction(self, offsets: Mapping[tuple[str, int], int], group: str) -> None:
        """Commits `offsets` of a consumer group with the current transaction: the next offset to read, by (topic,
        partition). Of one group only. Raises TransactionError, ValueError."""
        await self._acceptance.transactions.send_offsets(offsets, group)

    def hold_transactions(self, name: str, prefix: str | None = None) -> HeldTransactions:
        """Transactions of the one stable id `PRODUCER_TRANSACTIONAL_ID_PREFIX.name`, for an owner that must fence its
        predecessor. `prefix` is taken where that is not set; SettingsInvalid is raised where there is none at all."""
        return self._acceptance.transactions.hold(name, prefix)

    def accept(self, message: OutgoingMessage, *, queued: bool, on_settled: OnSettled | None = None) -> DeliveryHandle:
        """Takes `message` on without waiting. `queued` messages count against the queue's bound.

        Raises MessageInvalid, PayloadTooLarge, ProducerClosed; QueueFull where `queued` and there is no room;
        BrokerUnavailable where not `queued` and Kafka is known to be away. `on_settled` is called once, with
        the handle, when the verdict is there.
        """
        acceptance = self._acceptance
        prepared = acceptance.preparation.one(message)
        return acceptance.take(prepared, acceptance.outlet(self._options), queued=queued, on_settled=on_settled)

    def accept_each(self, messages: Iterable[OutgoingMessage]) -> list[DeliveryHandle | ProduceError]:
        """Takes each of `messages` on as `accept` does, not `queued`; in the place of one that is not taken on stands
        what `accept` would raise."""
        acceptance = self._acceptance
        return acceptance.take_each(messages, acceptance.outlet(self._options))

    def has_room(self, messages: int, size_bytes: int) -> bool:
        """Whether `room` would return at once."""
        return self._acceptance.budget.free(messages, size_bytes)

    async def room(self, messages: int, size_bytes: int) -> None:
        """Waits until the queue has room, at most PRODUCER_QUEUE_FULL_WAIT_S. Raises QueueFull."""
        await self._acceptance.budget.room(messages, size_bytes)

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

    def _here(self) -> Accept:
        """Accepts as the current task would, whichever task it is called in."""
        outlet = self._acceptance.outlet(self._options)
        return lambda prepared, queued: self._acceptance.take(prepared, outlet, queued=queued)

    def _shown(self, handle: DeliveryHandle) -> bytes | None:
        """The payload, where it may be shown to listeners."""
        return handle.value if self._log_payloads else None

    async def close(self, timeout_s: float) -> CloseReport:
        """Refuses new messages, flushes for at most `timeout_s` less a second, then gives up on the rest.

        Takes at most `timeout_s` + 3 s whatever the brokers do. May be called again: the first call counts.
        """
        acceptance, ending = self._acceptance, self._ending
        if ending.task is None:
            acceptance.status = "closing"
            own = acceptance.transactions.current()
            ending.task = asyncio.create_task(self._close(timeout_s, own), name="producer-close")
        return await asyncio.shield(ending.task)

    async def _close(self, timeout_s: float, own: Transaction | None) -> CloseReport:
        started = time.monotonic()
        self._monitor.emit(ProducerClosing(self.id))
        flush_s, grace_s = max(0.0, timeout_s - CLOSE_RESERVE_S), min(CLOSE_RESERVE_S, timeout_s)
        undelivered = await self._acceptance.close(flush_s, grace_s, own)
        report = CloseReport(undelivered, (time.monotonic() - started) * 1000)
        self._monitor.emit(ProducerClosed(self.id, report.took_ms, dict(undelivered)))
        return report
