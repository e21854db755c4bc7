"""Takes messages on: from its acceptance until its verdict a message is in one place that is known here."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Literal

from app.errors import BrokerUnavailable, MessageInvalid, PayloadTooLarge, ProduceError, ProducerClosed
from app.events import MessagesAccepted, Monitor
from app.kafka.protocols import ClusterView, ProducerOpener
from app.messages import OutgoingMessage
from app.producing.budget import QueueBudget
from app.producing.dispatcher import UNREACHABLE_AFTER_S, Dispatcher
from app.producing.flushing import Flusher
from app.producing.handle import DeliveryHandle, OnSettled
from app.producing.outlets import AS_CONFIGURED, DeliveryOptions, Outlets
from app.producing.partitioners import PARTITIONERS
from app.producing.preparation import Preparation, Prepared
from app.producing.transaction import Transaction, TransactionServices
from app.producing.transactions import Transactions
from app.settings import Settings

Outlet = Dispatcher | Transaction


class Acceptance:
    """What a producer and its variants share."""

    def __init__(
        self, settings: Settings, cluster: ClusterView, open_client: ProducerOpener, monitor: Monitor, producer_id: str
    ) -> None:
        self._cluster = cluster
        self._monitor = monitor
        self._producer_id = producer_id
        self._sequence = itertools.count(1)
        self._new_messages = self._new_bytes = 0
        self.preparation = Preparation(settings.producer_max_payload_bytes)
        self.outlets = Outlets(settings, cluster, open_client, monitor, producer_id)
        self.budget = QueueBudget(
            settings.producer_queue_messages,
            settings.producer_queue_bytes,
            settings.producer_queue_full_wait_s,
            monitor,
        )
        self.flusher = Flusher(settings, self.preparation, self.budget, monitor, producer_id, self._accept_by_itself)
        partitioner = PARTITIONERS[settings.producer_partitioner]
        services = TransactionServices(producer_id, cluster, monitor, partitioner, settings.producer_delivery_timeout_s)
        self.transactions = Transactions(
            settings.producer_transactional_id_prefix, open_client, services, self._take_into
        )
        self.status: Literal["open", "closing", "closed"] = "open"

    @property
    def in_flight(self) -> int:
        """Accepted messages without a verdict."""
        return self.outlets.in_flight + len(self.transactions.pending)

    def outlet(self, options: DeliveryOptions) -> Outlet:
        """Where a message of the current task goes: its transaction, else the lanes for `options`."""
        own = self.outlets.own if options is AS_CONFIGURED else None
        return self.transactions.current() or own or self.outlets.of(options)

    def refusal(self, outlet: Outlet, *, queued: bool) -> ProduceError | None:
        """Why no message is taken now. An open transaction may go on while the producer is closing."""
        if self.status != "open" and (self.status == "closed" or not isinstance(outlet, Transaction)):
            return ProducerClosed()
        if not queued and self._cluster.unreachable_for_s > UNREACHABLE_AFTER_S:
            why = self._cluster.last_error
            return BrokerUnavailable(f"Kafka has not answered for more than 2 s; nothing was sent ({why})")
        return None

    def take(
        self,
        prepared: Prepared,
        outlet: Outlet,
        *,
        queued: bool,
        on_settled: OnSettled | None = None,
        admitted: bool = False,
    ) -> DeliveryHandle:
        """Takes a message on. Raises ProducerClosed, BrokerUnavailable, QueueFull: a transaction cannot be committed
        then, even if the caller goes on. `admitted`: `room` has said that it and others fit together."""
        try:
            if (refusal := self.refusal(outlet, queued=queued)) is not None:
                raise refusal
            handle = self._take(prepared, outlet, queued=queued, on_settled=on_settled, admitted=admitted)
        except ProduceError as error:
            if isinstance(outlet, Transaction):
                outlet.break_off(error)
            raise
        handle.awaited = not queued
        return handle

    async def room(self, outlet: Outlet, messages: int, size_bytes: int) -> None:
        """Waits until the queue has room for messages to `outlet`. Raises QueueFull, as `take` does."""
        try:
            await self.budget.room(messages, size_bytes)
        except ProduceError as error:
            if isinstance(outlet, Transaction):
                outlet.break_off(error)
            raise

    def _take(
        self,
        prepared: Prepared,
        outlet: Outlet,
        *,
        queued: bool,
        on_settled: OnSettled | None = None,
        admitted: bool = False,
    ) -> DeliveryHandle:
        handle = self._handle(prepared, outlet)
        if queued:
            self.budget.take(handle, admitted=admitted)
        release = self.budget.release if queued else None
        handle.watch(outlet.settled, release, outlet.withdrawn, on_settled)
        self._count(handle)
        outlet.dispatch(handle)
        return handle

    def _count(self, handle: DeliveryHandle) -> None:
        if not self._new_messages:
            asyncio.get_running_loop().call_soon(self._tell_accepted)
        self._new_messages += 1
        self._new_bytes += handle.size_bytes

    def _tell_accepted(self) -> None:
        """One event for all of a turn of the loop: one for each message was a tenth of a batch's cost."""
        messages, size_bytes, self._new_messages, self._new_bytes = self._new_messages, self._new_bytes, 0, 0
        self._monitor.emit(MessagesAccepted(messages, size_bytes))

    def _handle(self, prepared: Prepared, outlet: Outlet) -> DeliveryHandle:
        message = prepared.message
        identity = (self._producer_id, next(self._sequence))
        deadline_s = outlet.delivery_timeout_s
        return DeliveryHandle(message.topic, prepared.encoded, message.partition, message.label, deadline_s, identity)

    def take_each(self, messages: Iterable[OutgoingMessage], outlet: Outlet) -> list[DeliveryHandle | ProduceError]:
        """As `take`, for many that nobody has queued; in the place of one that is not taken on stands why."""
        refusal = self.refusal(outlet, queued=False)
        taken: list[DeliveryHandle | ProduceError] = []
        for message in messages:
            try:
                if refusal is not None:
                    raise refusal
                handle = self._take(self.preparation.one(message), outlet, queued=False)
                handle.awaited = True
                taken.append(handle)
            except ProduceError as error:
                if isinstance(outlet, Transaction):
                    outlet.break_off(error)
                taken.append(error)
        return taken

    def take_another(self, prepared: Prepared, outlet: Outlet) -> DeliveryHandle:
        """As `take`, for those after the first of a call, when it is too late to raise: a handle that has failed."""
        refusal = self.refusal(outlet, queued=False)
        if refusal is None:
            handle = self._take(prepared, outlet, queued=False)
            handle.awaited = True
            return handle
        handle = self._handle(prepared, outlet)
        handle.settle(refusal)
        return handle

    def _accept_by_itself(self, prepared: Prepared, queued: bool) -> DeliveryHandle:
        return self.take(prepared, self.outlets.own, queued=queued)

    def _take_into(self, message: OutgoingMessage, transaction: Transaction) -> DeliveryHandle:
        return self.take(self.preparation.one(message), transaction, queued=False)

    async def close(self, flush_s: float, grace_s: float, own: Transaction | None) -> Mapping[str, int]:
        """Ends transactions, sends what is buffered, flushes, for at most `flush_s` together; then stops everything.
        Returns how many messages of each topic were not delivered. `own`: the transaction of the one who closes."""
        deadline = time.monotonic() + flush_s
        pending = [*self.outlets.pending, *self.transactions.pending]
        await self.transactions.close(flush_s, own)
        await self.flusher.close()
        lost = self._send_buffered(pending)
        await self.outlets.close(max(0.0, deadline - time.monotonic()), grace_s)
        self.status = "closed"
        lost.update(handle.topic for handle in pending if handle.status != "delivered")
        return dict(lost)

    def _send_buffered(self, pending: list[DeliveryHandle]) -> Counter[str]:
        """Dispatches what is left in the buffer, and counts what is invalid."""
        invalid: Counter[str] = Counter()
        for kept in self.flusher.buffer.drain():
            try:
                prepared = kept if isinstance(kept, Prepared) else self.preparation.one(kept)
            except (MessageInvalid, PayloadTooLarge):
                invalid[str(kept.topic if isinstance(kept, OutgoingMessage) else kept.message.topic)] += 1
                continue
            pending.append(self._take(prepared, self.outlets.own, queued=False))
        return invalid
