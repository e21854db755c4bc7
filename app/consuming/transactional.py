"""Dead letters whose dispatch and whose source offset are one transaction: each is in the DLQ exactly once.

A partition's transactional id is PREFIX.group.topic.partition. Whoever is assigned the partition initialises it before
the committed offsets are read: that ends what a predecessor has left open, and fences it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping

from app.consuming.offsets import OffsetLedger
from app.errors import CommitRefused, CommitUnknown, KafkaUnavailable, TransactionFenced, TransactionUnknown
from app.kafka.protocols import ConsumerClient
from app.messages import OutgoingMessage, TopicPartition
from app.producer import HeldTransactions, Producer
from app.routes.table import Subscription

CHECK_TIMEOUT_S = 10.0


class TransactionalDeadLetters:
    """Of one life of a group's client. `lost` is told why the membership cannot be relied on any more: only joining
    anew, with offsets read afresh, says what was committed."""

    def __init__(
        self,
        group: str,
        producer: Producer,
        client: ConsumerClient,
        ledger: OffsetLedger,
        committing: asyncio.Lock,
        lost: Callable[[str], None],
    ) -> None:
        self._group = group
        self._producer = producer
        self._client = client
        self._ledger = ledger
        self._committing = committing
        self._lost = lost
        self._held: dict[TopicPartition, HeldTransactions] = {}

    async def take(self, partitions: Iterable[TopicPartition], lines: Mapping[str, Subscription]) -> None:
        """Initialises the ids of those partitions whose dead letters are transactional. Raises KafkaUnavailable."""
        wanted = [at for at in sorted(partitions) if is_transactional(lines[at.topic])]
        for at in wanted:
            if at not in self._held:
                self._held[at] = self._producer.hold_transactions(f"{self._group}.{at.topic}.{at.partition}")
        outcomes = await asyncio.gather(*(self._held[at].initialise() for at in wanted), return_exceptions=True)
        for outcome in outcomes:
            if isinstance(outcome, BaseException):
                raise outcome

    async def drop(self) -> None:
        """Closes every client, within 2 s; a dispatch that is under way ends with it."""
        held, self._held = self._held, {}
        await asyncio.gather(*(one.close() for one in held.values()))

    async def dispatch(self, partition: TopicPartition, message: OutgoingMessage, done_before: int, done: int) -> bool:
        """Stores `message` and moves the committed offset of `partition` from `done_before` to `done`, or neither.

        False: the partition is not surely ours any more, or it is not known whether it happened; the group joins anew.
        Raises TransactionAborted, KafkaUnavailable: neither happened, it may be tried again.
        """
        async with self._committing:
            held = self._held.get(partition)
            if held is None:
                return False
            try:
                if not held.ready:
                    await self._surely_ours(partition, done_before)
                await held.send(message, {partition: done}, self._group)
            except (TransactionFenced, CommitRefused) as error:
                self._give_up(partition, done, f"{partition} has another owner: {error}")
                return False
            except TransactionUnknown as error:
                self._give_up(partition, done, f"a dead letter of {partition}: {error}")
                return False
            except asyncio.CancelledError:
                self._ledger.settle({partition: done})
                raise
            self._ledger.settle({partition: done})
            return True

    async def _surely_ours(self, partition: TopicPartition, done_before: int) -> None:
        """A client that failed is replaced only by a member of the group's present generation: a commit that changes
        nothing tells. Else a member that was thought dead would fence the new owner."""
        try:
            await self._client.commit({partition: done_before}, timeout_s=CHECK_TIMEOUT_S)
        except CommitUnknown as error:
            raise KafkaUnavailable(str(error)) from error

    def _give_up(self, partition: TopicPartition, done: int, reason: str) -> None:
        """No later commit of this client may move the offset back: it may stand at `done`."""
        self._ledger.settle({partition: done})
        self._lost(reason)


def is_transactional(line: Subscription) -> bool:
    """Whether the dead letters of a line are dispatched in transactions."""
    return line.dead_letter is not None and line.dead_letter.transactional
