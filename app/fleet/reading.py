"""Reads the fleet's topics, but for the reports: what the others are, what fails there, what is to be done here."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from typing import Protocol

from app.errors import KafkaUnavailable
from app.fleet.commands import Commands
from app.fleet.errors import FleetErrors
from app.fleet.history import History
from app.fleet.instances import Instances
from app.fleet.topics import FleetTopics
from app.fleet.wire import heading, unpack
from app.kafka.protocols import PartitionReader
from app.messages import Record, TopicPartition

ERRORS_BEFORE = 1000
"""So many records of errors are read that were written before this instance read."""
COMMANDS_BEFORE = 100
"""A command may be there already when an instance that just began to report comes to read."""
READ_S = 2.0
MOST = 500
ASK_TIMEOUT_S = 10.0
STOP_GRACE_S = 0.5
PARTITION = 0
OpenReader = Callable[[Mapping[TopicPartition, int | None]], PartitionReader]


class Offsets(Protocol):
    """What is needed of the view of the cluster."""

    async def offsets(self, at: TopicPartition, *, timeout_s: float) -> tuple[int, int] | None: ...


class Reading:
    """Fills what is known of the others. After trouble it goes on where it was."""

    def __init__(
        self, instance: str, topics: FleetTopics, instances: Instances, commands: Commands, open_reader: OpenReader
    ) -> None:
        self._this = instance
        self._topics = topics
        self._open_reader = open_reader
        self.instances = instances
        self.history = History()
        self.errors = FleetErrors()
        self.commands = commands
        self._next: dict[TopicPartition, int | None] = {}
        self._progress = asyncio.Condition()
        self.caught_up = False
        """Whether all that was there at the start has been read."""
        self.trouble: str | None = None
        """Why nothing is read now."""

    async def run(self, cluster: Offsets) -> None:
        """Reads until it is cancelled. Raises KafkaUnavailable."""
        try:
            starts = self._next or await self._starts(cluster)
            reader = self._open_reader(starts)
            try:
                await reader.start()
                while True:
                    await self._read(reader, starts)
            finally:
                await reader.stop(STOP_GRACE_S)
        except KafkaUnavailable as error:
            self.trouble = str(error)
            raise

    async def _read(self, reader: PartitionReader, starts: Iterable[TopicPartition]) -> None:
        for record in await reader.read(MOST, READ_S):
            self._take(record)
        self._next = {at: reader.position(at) for at in starts}
        self.caught_up = self.caught_up or reader.caught_up()
        self.trouble = None
        async with self._progress:
            self._progress.notify_all()

    async def _starts(self, cluster: Offsets) -> dict[TopicPartition, int | None]:
        """States and metrics are read whole; errors and commands from a while ago."""
        errors, commands = (TopicPartition(topic, PARTITION) for topic in (self._topics.errors, self._topics.commands))
        return {
            TopicPartition(self._topics.states, PARTITION): None,
            TopicPartition(self._topics.metrics, PARTITION): None,
            errors: max(0, await _end(cluster, errors) - ERRORS_BEFORE),
            commands: max(0, await _end(cluster, commands) - COMMANDS_BEFORE),
        }

    def _take(self, record: Record) -> None:
        about = heading(record)
        if record.topic == self._topics.states and about.kind in ("report", "partitions"):
            self.instances.take(about, record.value)
        elif record.topic == self._topics.metrics:
            self.history.take(about, record.value)
        elif record.topic == self._topics.commands:
            self.commands.take(about, record.value)
        elif about.kind == "error" and about.key != self._this:
            self.errors.take(about.key, unpack(record.value) or {})

    async def know_all(self, cluster: Offsets, timeout_s: float) -> None:
        """Returns once every state and every metric that is there now has been read. Raises KafkaUnavailable."""
        wanted = {
            at: await _end(cluster, at)
            for at in (TopicPartition(topic, PARTITION) for topic in (self._topics.states, self._topics.metrics))
        }
        try:
            async with asyncio.timeout(timeout_s), self._progress:
                await self._progress.wait_for(
                    lambda: all((self._next.get(at) or 0) >= end for at, end in wanted.items())
                )
        except TimeoutError as error:
            raise KafkaUnavailable("What was folded so far could not be read in time") from error

    def _has_read(self, wanted: Mapping[TopicPartition, int]) -> bool:
        return all((self._next.get(at) or 0) >= end for at, end in wanted.items())


async def _end(cluster: Offsets, at: TopicPartition) -> int:
    found = await cluster.offsets(at, timeout_s=ASK_TIMEOUT_S)
    if found is None:
        raise KafkaUnavailable(f"{at} is not there")
    return found[1]
