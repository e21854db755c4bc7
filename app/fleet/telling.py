"""Tells the others of this instance, again and again."""

from __future__ import annotations

import asyncio
import time
import zlib
from collections.abc import Callable
from dataclasses import dataclass

import msgspec

from app.errors import KafkaUnavailable
from app.events import Monitor
from app.fleet.alone import Here, Owns
from app.fleet.errors import ErrorsToTell
from app.fleet.reporting import Reporting
from app.fleet.topics import FleetTopics
from app.fleet.wire import pack, written
from app.kafka.topic_writer import TopicWriter, Written
from app.observing.history import Standing

WRITE_TIMEOUT_S = 10.0
PHASES = 0.8
"""Instances report at different times of each interval, and never so late that it would be the next one's."""


@dataclass(frozen=True, slots=True)
class Local:
    """This instance: its report, which partitions it has, and how it stands."""

    instance: str
    here: Here
    owns: Owns
    standing: Callable[[], Standing]


class Telling:
    """Reports every `interval_s`."""

    def __init__(
        self, local: Local, topics: FleetTopics, writer: TopicWriter, monitor: Monitor, interval_s: float
    ) -> None:
        self._local = local
        self._topics = topics
        self._writer = writer
        self._interval_s = interval_s
        self._phase_s = zlib.crc32(local.instance.encode()) / 2**32 * PHASES * interval_s
        self._reporting = Reporting(local.instance)
        self._errors = ErrorsToTell(monitor)
        self.trouble: str | None = None
        """Why the last report did not reach Kafka."""

    async def run(self) -> None:
        """Until it is cancelled. A report that cannot be written is not written later: the next one says more."""
        while True:
            await self.tell()
            await asyncio.sleep(self._wait_s(time.time()))

    def _wait_s(self, now: float) -> float:
        return self._interval_s - (now - self._phase_s) % self._interval_s

    async def tell(self, state: str | None = None, timeout_s: float = WRITE_TIMEOUT_S) -> None:
        """One report, in this state or in its own; and the errors since the last one."""
        try:
            await self._writer.write(self._topics.reports, await self._records(state), timeout_s=timeout_s)
            await self._tell_errors(timeout_s)
        except KafkaUnavailable as error:
            self._reporting.not_stored()
            self.trouble = str(error)
        else:
            self.trouble = None

    async def _records(self, state: str | None) -> list[Written]:
        records = []
        for record in self._reporting.records(self._local.here(), self._local.standing(), state):
            records.append(record)
            await asyncio.sleep(0)
        return records

    async def _tell_errors(self, timeout_s: float) -> None:
        entries = self._errors.take()
        if not entries:
            return
        value = pack({"errors": msgspec.to_builtins(entries)})
        try:
            record = written("error", self._local.instance, value)
            await self._writer.write(self._topics.errors, [record], timeout_s=timeout_s)
        except KafkaUnavailable:
            self._errors.give_back(entries)
            raise
