"""Takes one partition's records out of the client's buffer, without ever holding up another partition.

That buffer is the bounded queue of the partition: what is not taken is not fetched further.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence

from app.consuming.announcer import PartitionAnnouncer
from app.consuming.context import GroupServices
from app.consuming.ending import Ending
from app.errors import FetchFailed, KafkaUnavailable, PositionLost
from app.messages import Record, TopicPartition
from app.routes.table import Subscription

FETCH_PAUSE_S = (1.0, 30.0)
"""First and longest pause of a partition that cannot be read."""


class Intake:
    """Forms the batches of one assignment (`epoch`) of one partition."""

    def __init__(
        self,
        partition: TopicPartition,
        epoch: int,
        subscription: Subscription,
        services: GroupServices,
        ending: Ending,
        announce: PartitionAnnouncer,
    ) -> None:
        self._partition = partition
        self._epoch = epoch
        self._subscription = subscription
        self._services = services
        self._ending = ending
        self._announce = announce
        self._arrived: asyncio.Future[None] | None = None

    @property
    def idle(self) -> bool:
        """Whether it waits for records."""
        return self._arrived is not None

    def wake(self) -> None:
        """Records have arrived, or the end has come."""
        if self._arrived is not None and not self._arrived.done():
            self._arrived.set_result(None)

    async def next_batch(self) -> Sequence[Record]:
        """1 … `max_messages` records, as soon as there is one (or `min_messages`, or `max_wait_ms` have passed);
        empty only when the end has come."""
        subscription = self._subscription
        started = time.monotonic()
        records = await self._take(subscription.max_messages)
        if records and len(records) < subscription.min_messages:
            records = await self._fill_up(list(records), started + subscription.max_wait_ms / 1000)
        if records:
            self._announce.batch_formed(len(records), (time.monotonic() - started) * 1000)
        return records

    async def _take(self, most: int) -> Sequence[Record]:
        pause_s = FETCH_PAUSE_S[0]
        while not self._ending.come:
            try:
                records = self._services.client.take(self._partition, most)
            except PositionLost as lost:
                await self._recover(lost)
                continue
            except FetchFailed as error:
                self._announce.error("consumer.fetch", error)
                await self._ending.rest(pause_s)
                pause_s = min(pause_s * 2, FETCH_PAUSE_S[1])
                continue
            if records:
                return records
            self._at_the_end()
            await self._arrival(None)
        return ()

    async def _fill_up(self, records: list[Record], deadline: float) -> Sequence[Record]:
        wanted, most = self._subscription.min_messages, self._subscription.max_messages
        while len(records) < wanted and not self._ending.come and time.monotonic() < deadline:
            try:
                more = self._services.client.take(self._partition, most - len(records))
            except (PositionLost, FetchFailed):
                return records  # it is met again, and named, when the next batch is taken
            records += more
            if not more:
                await self._arrival(deadline - time.monotonic())
        return records

    async def _arrival(self, timeout_s: float | None) -> None:
        """Waits to be woken. The group's loop wakes every idle worker whose partition has data."""
        if self._ending.come or self._services.client.has_data(self._partition):
            await asyncio.sleep(0)
            return
        self._arrived = asyncio.get_running_loop().create_future()
        try:
            await asyncio.wait({self._arrived}, timeout=timeout_s)
        finally:
            self._arrived = None

    def _at_the_end(self) -> None:
        """With everything marked the position is done too: transaction markers would else leave a lag of 1."""
        ledger = self._services.ledger
        marked = ledger.marked(self._partition)
        position = self._services.client.position(self._partition)
        if marked is not None and position is not None and position > marked and not self._subscription.manual_offsets:
            ledger.mark(self._partition, self._epoch, position)

    async def _recover(self, lost: PositionLost) -> None:
        try:
            await self._services.positions.recover(self._services.client, lost, self._partition)
        except KafkaUnavailable as error:
            self._announce.error("consumer.position", error)
            await self._ending.rest(FETCH_PAUSE_S[0])
