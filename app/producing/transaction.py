"""One open transaction: its messages go through one client, and their first failure ends it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from app.errors import (
    ProduceError,
    RolledBack,
    TransactionAborted,
    TransactionError,
    TransactionFenced,
    TransactionUnknown,
)
from app.events import Monitor, TransactionCommitted, TransactionStarted
from app.events import TransactionAborted as TransactionAbortedEvent
from app.kafka.protocols import ClusterView, ProducerClient
from app.kafka.tasks import bounded, reason
from app.messages import TopicPartition
from app.producing.clients import OneClient
from app.producing.dispatcher import Dispatcher
from app.producing.handle import DeliveryHandle
from app.producing.lane import settle_all
from app.producing.partitioners import KeyPartitioner

ABORT_TIMEOUT_S = 5.0


@dataclass(frozen=True, slots=True)
class TransactionServices:
    """What every transaction of a producer uses."""

    producer_id: str
    cluster: ClusterView
    monitor: Monitor
    partitioner: KeyPartitioner
    delivery_timeout_s: float


class Transaction:
    """All or nothing, over any topics and partitions. Opened by its construction, ended once.

    A failed message makes a commit impossible: the client that it failed on is not fit for another transaction
    either. `usable` says whether the client may be used again; `ended` is set when it is over.
    """

    def __init__(self, transactional_id: str, client: ProducerClient, services: TransactionServices) -> None:
        client.begin()
        self.transactional_id = transactional_id
        self.delivery_timeout_s = services.delivery_timeout_s
        self.messages = 0
        self.usable = True
        self.ended = asyncio.Event()
        self.failure: Exception | None = None
        self._client = client
        self._services = services
        self._started = time.monotonic()
        self._open = True
        self._group: str | None = None
        self._dispatcher = Dispatcher(
            OneClient(client, lambda why: self.break_off(TransactionAborted(f"The transaction cannot go on: {why}"))),
            services.cluster,
            services.monitor,
            services.partitioner,
            0,
            services.delivery_timeout_s,
        )
        services.monitor.emit(TransactionStarted(services.producer_id, transactional_id))

    @property
    def pending(self) -> set[DeliveryHandle]:
        """Its messages without a verdict."""
        return self._dispatcher.pending

    def dispatch(self, handle: DeliveryHandle) -> None:
        """Sends `handle` as a part of this transaction."""
        self.messages += 1
        if self.failure is not None or not self._open:
            settle_all([handle], self._rolled_back(), self._services.monitor)
        else:
            self._dispatcher.dispatch(handle)

    def settled(self, handle: DeliveryHandle) -> None:
        """`handle` has its verdict."""
        self._dispatcher.settled(handle)
        if handle.error is None:
            return
        self.break_off(handle.error)
        failure = self.failure
        if isinstance(failure, TransactionAborted) and not isinstance(handle.error, RolledBack):
            failure.__cause__ = failure.__cause__ or handle.error

    def withdrawn(self, handle: DeliveryHandle) -> None:
        """`handle` was taken back by its caller."""
        self._dispatcher.withdrawn(handle)

    async def send_offsets(self, offsets: Mapping[TopicPartition, int], group: str) -> None:
        """Commits `offsets` of consumer group `group` with the transaction: the next offset to read, by partition.

        Raises ValueError for a second group, TransactionError where it cannot go on.
        """
        if self._group not in (None, group):
            raise ValueError(f"Offsets of group {self._group} are in this transaction: none of {group} can join")
        self._group = group
        self._check()
        if not offsets:
            return
        try:
            await bounded(self._client.add_offsets(dict(offsets), group), self.delivery_timeout_s)
        except (TransactionError, TimeoutError) as error:
            self.break_off(error)
            self._check()

    def _check(self) -> None:
        if isinstance(self.failure, TransactionError):
            raise self.failure
        if self.failure is not None:
            raise TransactionAborted(f"The transaction is aborted: {reason(self.failure)}") from self.failure
        if not self._open:
            raise TransactionAborted("The transaction has ended")

    def break_off(self, error: Exception) -> None:
        """Makes a commit impossible from now on, where it has not begun."""
        if self.failure is None and self._open:
            self.failure = TransactionFenced() if self._client.fenced else error
            self.usable = False
            asyncio.get_running_loop().call_soon(self._roll_back)

    def _rolled_back(self) -> ProduceError:
        why = f": {reason(self.failure)}" if self.failure is not None else ""
        return RolledBack(f"The transaction of this message was aborted{why}")

    def _roll_back(self) -> None:
        """There will be no commit: whatever becomes of them, nobody will see its messages."""
        self._dispatcher.withdraw_all(self._rolled_back)
        for handle in list(self.pending):
            settle_all([handle], self._rolled_back(), self._services.monitor)

    async def commit(self) -> None:
        """Waits for every verdict, then commits. Takes at most twice the delivery deadline. Raises TransactionError:
        with TransactionAborted nothing is visible."""
        try:
            if self.failure is None:
                await self._dispatcher.flush(self.delivery_timeout_s + 1)
            self._check()
            self._open = False
            await self._commit_client()
        except BaseException as error:
            await self._not_committed(error)
            raise
        took_ms = (time.monotonic() - self._started) * 1000
        await self._close()
        event = TransactionCommitted(self._services.producer_id, self.transactional_id, self.messages, took_ms)
        self._services.monitor.emit(event)

    async def _not_committed(self, error: BaseException) -> None:
        sent = not self._open
        self.break_off(TransactionAborted("The commit was given up"))
        self.usable = False
        refused = isinstance(error, (TransactionAborted, TransactionFenced))
        self.failure = self.failure or TransactionUnknown()
        if isinstance(error, TransactionFenced):
            self.failure = error
        await self._end("unknown" if sent and not refused else "aborted", reason(error))

    async def _commit_client(self) -> None:
        try:
            await bounded(self._client.commit(), self.delivery_timeout_s)
        except TimeoutError as error:
            raise TransactionUnknown from error

    async def abort(self, why: str) -> None:
        """Nothing of it will be visible. Never raises; takes at most 5 s and a little."""
        self._open = False
        self._dispatcher.withdraw_all(self._rolled_back)
        if self.failure is None:
            try:
                await bounded(self._client.abort(), ABORT_TIMEOUT_S)
            except (TransactionError, TimeoutError):
                self.usable = False  # Kafka aborts it when the id is used again, or when its time is over
        await self._end("aborted", why)

    async def _end(self, outcome: Literal["aborted", "unknown"], why: str) -> None:
        self._open = False
        self._roll_back()
        await self._close()
        took_ms = (time.monotonic() - self._started) * 1000
        self._services.monitor.emit(
            TransactionAbortedEvent(
                self._services.producer_id, self.transactional_id, outcome, self.messages, why, took_ms
            )
        )

    async def _close(self) -> None:
        await self._dispatcher.close()
        self.ended.set()
