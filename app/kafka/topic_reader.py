"""Reads partitions from a place on, without a group: nothing is committed, and nobody else is disturbed."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping, Sequence
from typing import Any

from aiokafka import AIOKafkaConsumer
from aiokafka import TopicPartition as ClientPartition
from aiokafka.errors import KafkaError

from app.errors import KafkaUnavailable
from app.kafka.connection import connection_options
from app.kafka.records import FetchedRecord
from app.kafka.tasks import CANCEL_TIMEOUT_S, Stop, bounded, end, reason, unless
from app.messages import Record, TopicPartition
from app.settings import Settings

CLOSE_TIMEOUT_S = 1.0
FETCH_WAIT_MS = 2000
"""A fetch stays so long with an idle broker; a record that comes ends it at once."""


class TopicReader:
    """Gives committed records of `starts`' partitions from those offsets on; None: from the beginning.

    A partition must exist, or it would be waited for. Where the log was trimmed behind an offset, it goes on at the
    beginning that is left.
    """

    def __init__(self, settings: Settings, bootstrap_servers: str, starts: Mapping[TopicPartition, int | None]) -> None:
        self._starts = {ClientPartition(*at): offset for at, offset in starts.items()}
        self._timeout_s = settings.kafka_request_timeout_ms / 1000
        self._consumer = AIOKafkaConsumer(
            **connection_options(settings, bootstrap_servers),
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            isolation_level="read_committed",
            fetch_max_wait_ms=min(FETCH_WAIT_MS, settings.kafka_request_timeout_ms // 2),
        )
        self._ends: Mapping[Any, int] = {}
        self._stop = Stop(self._end)

    async def start(self) -> None:
        """Raises KafkaUnavailable; then it need not be stopped."""
        try:
            await bounded(self._start(), self._timeout_s)
        except (KafkaError, OSError, TimeoutError) as error:
            await self.stop(0)
            names = ", ".join(sorted({at.topic for at in self._starts}))
            raise KafkaUnavailable(f"{names} cannot be read: {reason(error)}") from error

    async def _start(self) -> None:
        consumer = self._consumer
        await consumer.start()
        consumer.assign(list(self._starts))
        beginnings = await consumer.beginning_offsets(list(self._starts))
        self._ends = await consumer.end_offsets(list(self._starts))
        for at, offset in self._starts.items():
            consumer.seek(at, beginnings[at] if offset is None else max(offset, beginnings[at]))

    @property
    def ends(self) -> Mapping[TopicPartition, int]:
        """Up to where each partition could be read when it was started."""
        return {TopicPartition(*at): offset for at, offset in self._ends.items()}

    def caught_up(self) -> bool:
        """Whether everything that was there at the start has been given."""
        return all(self._position(at) >= end for at, end in self._ends.items())

    def position(self, at: TopicPartition) -> int:
        """The offset that is read next."""
        return self._position(ClientPartition(*at))

    def _position(self, at: Any) -> int:
        state = self._consumer._subscription.subscription.assignment.state_value(at)
        return int(state.position) if state is not None and state.has_valid_position else -1

    async def read(self, most: int, timeout_s: float) -> Sequence[Record]:
        """At most so many records, in order for each partition; none where none came in time. Raises KafkaUnavailable
        where they cannot be read."""
        if self._consumer._fetcher._fetch_task.done():
            raise KafkaUnavailable("Records cannot be read: the fetch task is dead")
        try:
            found = await self._consumer.getmany(timeout_ms=int(timeout_s * 1000), max_records=most)
        except Exception as error:  # decoders raise anything
            raise KafkaUnavailable(f"Records cannot be read: {reason(error)}") from error
        return [_record(record) for records in found.values() for record in records]

    async def stop(self, grace_s: float) -> None:
        """Ends every task and closes the sockets, within `grace_s` + 2 s; never raises, may be called twice."""
        await self._stop.within(grace_s)

    async def _end(self, hurry: asyncio.Event) -> None:
        consumer = self._consumer
        await unless(hurry, consumer.stop())
        fetcher, coordinator = consumer._fetcher, consumer._coordinator
        tasks = [consumer._client._sync_task, getattr(coordinator, "_reset_committed_task", None)]
        if fetcher is not None:
            tasks += [fetcher._fetch_task, *fetcher._pending_tasks]
        await end([task for task in tasks if task is not None], CANCEL_TIMEOUT_S)
        with contextlib.suppress(TimeoutError, KafkaError, OSError):
            await bounded(consumer._client.close(), CLOSE_TIMEOUT_S)


def _record(found: Any) -> Record:
    return FetchedRecord(
        found.topic, found.partition, found.offset, found.timestamp, found.key, found.value, tuple(found.headers)
    )
