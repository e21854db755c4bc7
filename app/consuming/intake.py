"""Takes one partition's records out of the client's buffer, without ever holding up another partition.

That buffer is the bounded queue of the partition: what is not taken is not fetched further.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from app.consuming.announcer import PartitionAnnouncer
from app.consuming.context import Assignment
from app.consuming.ending import Ending
from app.errors import FetchFailed, KafkaUnavailable, PositionLost
from app.messages import Record

FETCH_PAUSE_S = (1.0, 30.0)
"""First and longest pause of a partition that cannot be read."""

ANEW_PAUSE_S = 0.5
"""Between two looks at a partition of a topic that was made anew, until it is read from its beginning."""


class Intake:
    """Forms the batches of one assignment of one partition. `at_end` is awaited once at each end that is reached."""

    def __init__(
        self,
        assignment: Assignment,
        ending: Ending,
        announce: PartitionAnnouncer,
        at_end: Callable[[], Awaitable[None]],
    ) -> None:
        self._partition = assignment.partition
        self._assignment = assignment
        self._subscription = assignment.subscription
        self._services = assignment.services
        self._clock = assignment.services.clock
        self._ending = ending
        self._announce = announce
        self._at_end = at_end
        self._arrived: asyncio.Event | None = None
        self._last_given: int | None = None
        self._end_told = False
        self._unreadable = ""
        """The cause that was told last: it is told once, however often it is met."""

    @property
    def idle(self) -> bool:
        """Whether it waits for records."""
        return self._arrived is not None

    def wake(self) -> None:
        """Records have arrived, or the end has come."""
        if self._arrived is not None:
            self._arrived.set()

    async def next_batch(self) -> Sequence[Record]:
        """1 … `max_messages` records, as soon as there is one (or `min_messages`, or `max_wait_ms` since the first);
        empty only when the end has come, or the partition is to be paused or read elsewhere."""
        subscription = self._subscription
        started = self._clock.now()
        records = await self._take(subscription.max_messages)
        if records and len(records) < subscription.min_messages:
            records = await self._fill_up(list(records), self._clock.now() + subscription.max_wait_ms / 1000)
        if records:
            self._announce.batch_formed(len(records), (self._clock.now() - started) * 1000)
        return records

    def moved(self) -> None:
        """Reading goes on elsewhere."""
        self._last_given, self._end_told = None, False

    async def _take(self, most: int) -> Sequence[Record]:
        pause_s = FETCH_PAUSE_S[0]
        while not self._ending.come and not self._assignment.steering.wanted:
            try:
                records = self._services.client.take(self._partition, most)
            except PositionLost as lost:
                await self._recover(lost)
                continue
            except FetchFailed as error:
                if str(error) != self._unreadable:
                    self._unreadable = str(error)
                    self._announce.error("consumer.fetch", error)
                await self._ending.rest(pause_s)
                pause_s = min(pause_s * 2, FETCH_PAUSE_S[1])
                continue
            if records:
                self._unreadable = ""
                self._last_given, self._end_told = records[-1].offset, False
                return records
            self._nothing_behind()
            if self._reached_end():
                self._end_told = True
                await self._at_end()
            else:
                await self._arrival(None)
        return ()

    async def _fill_up(self, records: list[Record], deadline: float) -> Sequence[Record]:
        wanted, most = self._subscription.min_messages, self._subscription.max_messages
        while len(records) < wanted and not self._ending.come and self._clock.now() < deadline:
            try:
                more = self._services.client.take(self._partition, most - len(records))
            except (PositionLost, FetchFailed):
                return records  # it is met again, and named, when the next batch is taken
            records += more
            self._last_given = records[-1].offset
            if not more:
                await self._arrival(deadline - self._clock.now())
        return records

    async def _arrival(self, timeout_s: float | None) -> None:
        """Waits to be woken. The group's loop wakes every idle worker whose partition has data."""
        if self._ending.come or self._services.client.has_data(self._partition):
            await asyncio.sleep(0)
            return
        self._arrived = asyncio.Event()
        try:
            await self._clock.wait(self._arrived, timeout_s)
        finally:
            self._arrived = None

    def look_at_the_end(self) -> None:
        """Records that nobody is given (transaction markers, aborted ones) move the position without waking anybody."""
        if self.idle:
            self._nothing_behind()
            if self._reached_end():
                self.wake()

    def _reached_end(self) -> bool:
        client = self._services.client
        position, end = client.position(self._partition), client.highwater(self._partition)
        return not self._end_told and position is not None and end is not None and position >= end

    def _nothing_behind(self) -> None:
        """With everything given marked, the position is done too: transaction markers would else leave a lag of 1."""
        ledger, at = self._services.ledger, self._partition
        marked, position = ledger.marked(at), self._services.client.position(at)
        done = marked if marked is not None else ledger.committed(at)
        if done is None or position is None or position <= done:
            return
        if self._last_given is None or done > self._last_given:
            ledger.mark(at, self._assignment.epoch, position)

    async def _recover(self, lost: PositionLost) -> None:
        services, at = self._services, self._partition
        marked, committed = services.ledger.marked(at) or 0, services.ledger.committed(at)
        try:
            offset = await services.positions.recover(services.client, lost, at)
            if offset is None:
                await self._ending.rest(ANEW_PAUSE_S)
                return
            self.moved()
            if offset < max(marked, committed or 0) and services.ledger.owns(at, self._assignment.epoch):
                services.ledger.rewind(at, offset)
        except KafkaUnavailable as error:
            self._announce.error("consumer.position", error)
            await self._ending.rest(FETCH_PAUSE_S[0])
