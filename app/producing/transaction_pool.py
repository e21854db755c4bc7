"""Transactional clients: one for each open transaction, taken from a small pool, or held for one id."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from app.errors import KafkaUnavailable, ProducerClosed, TransactionAborted, TransactionError, TransactionFenced
from app.kafka.protocols import ClientOptions, ProducerClient, ProducerOpener
from app.kafka.tasks import reason
from app.messages import DeliveryReport, OutgoingMessage, TopicPartition
from app.producing.handle import DeliveryHandle
from app.producing.owned_tasks import OwnedTasks
from app.producing.transaction import Transaction, TransactionServices

CLIENTS = 8
"""Most transactions that are open at once; others wait for one of them to end."""
IDLE_S = 3600.0
"""A client that has not been used for longer is replaced: Kafka forgets transactional ids after a week."""
Take = Callable[[OutgoingMessage, Transaction], DeliveryHandle]
"""Accepts a message as a part of a transaction."""


class TransactionalClient:
    """The client of one transactional id, opened when it is needed and thrown away when a transaction failed."""

    def __init__(self, transactional_id: str, open_client: ProducerOpener) -> None:
        self.id = transactional_id
        self._open_client = open_client
        self._client: ProducerClient | None = None
        self._used_at = 0.0

    async def begin(self, services: TransactionServices) -> Transaction:
        """An open transaction. Raises KafkaUnavailable, TransactionError."""
        client = await self.opened()
        self._used_at = time.monotonic()
        try:
            return Transaction(self.id, client, services)
        except TransactionError:
            await self.discard()
            raise

    @property
    def ready(self) -> bool:
        """Whether there is a client that can be used."""
        return self._client is not None and self._client.alive

    async def opened(self) -> ProducerClient:
        """The client, opened if need be: then what an earlier one of this id left open is aborted. Raises
        KafkaUnavailable."""
        client = self._client
        if client is not None and (not client.alive or time.monotonic() - self._used_at > IDLE_S):
            await self.discard()
            client = None
        if client is None:
            self._used_at = time.monotonic()
            client = self._client = await self._open_client(ClientOptions(transactional_id=self.id))
        return client

    async def discard(self) -> None:
        """Stops the client hard, within 2 s: nothing of it is sent any more."""
        client, self._client = self._client, None
        if client is not None:
            await client.stop(0)


class TransactionPool:
    """Gives each task that opens a transaction a client of its own; the task's sends go through it.

    A transaction belongs to the task that opened it: sends of other tasks, those that it starts included, never
    join.
    """

    def __init__(self, id_prefix: str, open_client: ProducerOpener, services: TransactionServices) -> None:
        self._services = services
        self._free = [TransactionalClient(f"{id_prefix}.{number}", open_client) for number in reversed(range(CLIENTS))]
        self._current: dict[asyncio.Task[Any], Transaction] = {}
        self._open: dict[Transaction, TransactionalClient] = {}
        self._room = asyncio.Semaphore(CLIENTS)
        self._tasks: OwnedTasks[None] = OwnedTasks()  # what they raise is told to the task whose transaction it was
        self._closed = False

    def current(self) -> Transaction | None:
        """The open transaction of the current task."""
        task = asyncio.current_task() if self._current else None
        return self._current.get(task) if task is not None else None

    @property
    def pending(self) -> set[DeliveryHandle]:
        """Messages of open transactions without a verdict."""
        return {handle for transaction in self._open for handle in transaction.pending}

    async def begin(self) -> Transaction:
        """Opens a transaction for the current task. Raises KafkaUnavailable, TransactionError, ProducerClosed.

        Where all clients are in use it waits for one, at most for the delivery deadline.
        """
        task = asyncio.current_task()
        if task is None or self._closed:
            raise ProducerClosed
        try:
            async with asyncio.timeout(self._services.delivery_timeout_s):
                await self._room.acquire()
        except TimeoutError as error:
            raise TransactionAborted(f"{CLIENTS} transactions are open, and none of them ended in time") from error
        client = self._free.pop()
        try:
            transaction = await client.begin(self._services)
        except BaseException:
            self._give_back(client)
            raise
        self._open[transaction] = client
        self._current[task] = transaction
        return transaction

    def _give_back(self, client: TransactionalClient) -> None:
        self._free.append(client)
        self._room.release()

    async def end(self, *, why: str | None) -> None:
        """Ends the current task's transaction: commits it, or aborts it where `why` is given. Raises
        TransactionError where the commit failed. It goes on to its end where the caller is cancelled."""
        task = asyncio.current_task()
        assert task is not None
        await asyncio.shield(self._tasks.spawn(self._end(self._current.pop(task), why)))

    async def _end(self, transaction: Transaction, why: str | None) -> None:
        try:
            if why is None:
                await transaction.commit()
            else:
                await transaction.abort(why)
        finally:
            client = self._open.pop(transaction)
            if transaction.usable:
                self._give_back(client)
            else:
                self._tasks.spawn(self._mend(client, isinstance(transaction.failure, TransactionFenced)))

    async def _mend(self, client: TransactionalClient, fenced: bool) -> None:
        """Throws the client away. A new one aborts at once what the old one has left open, so that those who read
        committed records need not wait; where another producer has the id that is done, and the id is let be."""
        try:
            await client.discard()
            if not fenced and not self._closed:
                await client.opened()
        except KafkaUnavailable:
            return
        finally:
            self._give_back(client)

    async def close(self, timeout_s: float, own: Transaction | None = None) -> None:
        """Lets open transactions end for `timeout_s`, then makes the others abort and stops every client, within
        3 s. `own`, of the one who closes, is aborted at once."""
        self._closed = True
        if own is not None:
            own.break_off(ProducerClosed())
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                for transaction in [other for other in self._open if other is not own]:
                    await transaction.ended.wait()
        for transaction, client in list(self._open.items()):
            transaction.break_off(ProducerClosed())
            self._tasks.spawn(client.discard())
        for client in self._free:
            self._tasks.spawn(client.discard())
        await self._tasks.wait(3.0)


class HeldTransactions:
    """One transactional id, held over many transactions by one caller at a time.

    The id says who may write: a new holder, in this process or another, fences the one before.
    """

    def __init__(self, client: TransactionalClient, services: TransactionServices, take: Take) -> None:
        self._client = client
        self._services = services
        self._take = take

    @property
    def transactional_id(self) -> str:
        return self._client.id

    @property
    def ready(self) -> bool:
        """Whether the next `send` need not open a client, which fences every other holder."""
        return self._client.ready

    async def initialise(self) -> None:
        """Fences an earlier holder and ends the transaction that it left open. Raises KafkaUnavailable.

        Read committed offsets only afterwards: before, they are those before that transaction.
        """
        await self._client.discard()
        await self._client.opened()

    async def send(self, message: OutgoingMessage, offsets: Mapping[TopicPartition, int], group: str) -> DeliveryReport:
        """Stores `message` and commits `offsets` of `group` in one transaction.

        Raises TransactionAborted (from the message's ProduceError where that failed): neither happened;
        TransactionFenced: another has the id, stop; TransactionUnknown: `initialise`, then look at what is
        committed; KafkaUnavailable: nothing was begun.
        """
        (report,) = await self._send([message], offsets, group)
        return report

    async def send_all(self, messages: Sequence[OutgoingMessage]) -> list[DeliveryReport]:
        """Stores all of `messages` in one transaction, or none. Raises as `send`, and MessageInvalid or
        PayloadTooLarge for one that cannot be sent."""
        return await self._send(messages, {}, "")

    async def _send(
        self, messages: Sequence[OutgoingMessage], offsets: Mapping[TopicPartition, int], group: str
    ) -> list[DeliveryReport]:
        transaction = await self._client.begin(self._services)
        try:
            handles = [self._take(message, transaction) for message in messages]
            for handle in handles:
                await handle.settled()
            await transaction.send_offsets(offsets, group)
            await transaction.commit()
        except BaseException as error:
            if not transaction.ended.is_set():
                await transaction.abort(reason(error))
            raise
        finally:
            if not transaction.usable:
                await self._client.discard()
        reports = [handle.report for handle in handles]
        return [report for report in reports if report is not None]

    async def close(self) -> None:
        """Stops the client, within 2 s."""
        await self._client.discard()
