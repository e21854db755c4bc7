"""What a producer offers of transactions: blocks of code, offsets that join them, ids held by one owner."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from app.errors import AbortTransaction, Fault, SettingsInvalid, TransactionError
from app.kafka.protocols import ProducerOpener
from app.kafka.tasks import reason
from app.messages import TopicPartition
from app.producing.handle import DeliveryHandle
from app.producing.transaction import Transaction, TransactionServices
from app.producing.transaction_pool import HeldTransactions, Take, TransactionalClient, TransactionPool


class Transactions:
    """The transactions of one producer. `id_prefix` None: there are none."""

    def __init__(
        self, id_prefix: str | None, open_client: ProducerOpener, services: TransactionServices, take: Take
    ) -> None:
        self._id_prefix = id_prefix
        self._open_client = open_client
        self._services = services
        self._take = take
        self._pool: TransactionPool | None = None

    def current(self) -> Transaction | None:
        """The open transaction of the current task."""
        return None if self._pool is None else self._pool.current()

    @property
    def pending(self) -> set[DeliveryHandle]:
        """Messages of open transactions without a verdict."""
        return set() if self._pool is None else self._pool.pending

    def _prefix(self) -> str:
        if not self._id_prefix:
            text = "must be set before transactions can be used: the beginning of their transactional ids"
            raise SettingsInvalid([Fault("PRODUCER_TRANSACTIONAL_ID_PREFIX", text)])
        return self._id_prefix

    def _opened_pool(self) -> TransactionPool:
        if self._pool is None:
            own = self._services.producer_id.rpartition("-")[2]
            self._pool = TransactionPool(f"{self._prefix()}.{own}", self._open_client, self._services)
        return self._pool

    @asynccontextmanager
    async def block(self) -> AsyncIterator[Transaction]:
        """A transaction around a block of code; inside another one of the same task it is a part of that."""
        outer = self.current()
        if outer is not None:
            yield outer
            return
        pool = self._opened_pool()
        transaction = await pool.begin()
        try:
            yield transaction
        except AbortTransaction:
            await pool.end(why="it was asked for")
        except BaseException as error:
            await pool.end(why=reason(error))
            raise
        else:
            await pool.end(why=None)

    async def send_offsets(self, offsets: Mapping[tuple[str, int], int], group: str) -> None:
        """Puts the commit of `offsets` into the current task's transaction. Raises TransactionError, ValueError."""
        transaction = self.current()
        if transaction is None:
            raise TransactionError("Offsets can join a transaction only inside `async with producer.transaction():`")
        await transaction.send_offsets({TopicPartition(*at): offset for at, offset in offsets.items()}, group)

    def hold(self, name: str, prefix: str | None = None) -> HeldTransactions:
        """Transactions of the stable id `prefix.name`; `prefix` is taken where the settings have none. Raises
        SettingsInvalid where there is none at all."""
        client = TransactionalClient(f"{self._id_prefix or prefix or self._prefix()}.{name}", self._open_client)
        return HeldTransactions(client, self._services, self._take)

    async def close(self, timeout_s: float, own: Transaction | None) -> None:
        """Lets open transactions end for `timeout_s`, then makes them abort; takes at most 3 s more."""
        if self._pool is not None:
            await self._pool.close(timeout_s, own)
