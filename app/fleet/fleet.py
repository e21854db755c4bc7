"""The fleet as this instance takes part in it: tells of itself, reads of the others, folds where that is its turn."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from app.errors import KafkaUnavailable
from app.events import ErrorOccurred, FleetChanged, Monitor
from app.fleet.commands import Commands
from app.fleet.desk import Executors
from app.fleet.folding import FOLDING_TROUBLE, Folding
from app.fleet.instances import Instances
from app.fleet.reading import OpenReader, Reading
from app.fleet.telling import WRITE_TIMEOUT_S, Local, Telling
from app.fleet.topics import create, fleet_topics, missing
from app.fleet.view import Answer, Command, Execute, Owner, Range, Report, Row
from app.kafka.protocols import ConsumerOpener, ProducerOpener, TopicView
from app.kafka.tasks import AFTER_GRACE_S, CANCEL_TIMEOUT_S, bounded, end
from app.kafka.topic_writer import TopicWriter, Written
from app.settings import Settings

LOOK_EVERY_S = 1.0
TRY_AGAIN_S = 5.0
REPORTS_MISSED = 6
"""An instance of which so many reports in a row are missing is gone: with the default interval after 30 s."""
GOODBYE_SHARE = 0.3
LOOKING = "the other instances are still being looked for"


@dataclass(frozen=True, slots=True)
class Clients:
    """How the fleet's own clients are opened."""

    open_reader: OpenReader
    open_member: ConsumerOpener
    open_producer: ProducerOpener


class Fleet:
    """Implements `app.fleet.view.FleetView`, with tasks of its own between `start` and `stop`."""

    def __init__(
        self, settings: Settings, local: Local, cluster: TopicView, clients: Clients, monitor: Monitor
    ) -> None:
        self._create = settings.kafka_create_topics
        self._local = local
        self._cluster = cluster
        self._monitor = monitor
        self._topics = topics = fleet_topics(settings.fleet_name)
        self._writer = TopicWriter(clients.open_producer)
        interval_s = settings.fleet_interval_ms / 1000
        self._executors = Executors(local.instance, monitor)
        self._commands = Commands(self._executors, local.owns, self._write_command, monitor)
        instances = Instances(local.instance, REPORTS_MISSED * interval_s)
        self._reading = Reading(local.instance, topics, instances, self._commands, clients.open_reader)
        self._telling = Telling(local, topics, self._writer, monitor, interval_s)
        self._folding = Folding(topics, cluster, self._reading, clients.open_member, self._write, interval_s)
        self._there = asyncio.Event()
        self._not_created: str | None = None
        self._announced: bool | None = None
        self._tasks: list[asyncio.Task[None]] = []

    @property
    def why_off(self) -> str | None:
        if not self._cluster.reachable:
            return "Kafka does not answer"
        if absent := missing(self._topics, self._cluster):
            return self._not_created or (
                f"{', '.join(absent)} cannot be found in Kafka: create them, or set KAFKA_CREATE_TOPICS=true"
            )
        if trouble := self._reading.trouble or self._telling.trouble:
            return trouble
        return None if self._reading.caught_up else LOOKING

    @property
    def size(self) -> int:
        return 1 if self.why_off else 1 + self._reading.instances.living()

    @property
    def folds(self) -> bool:
        """Whether this instance folds the reports now."""
        return self._folding.active

    def instances(self) -> Sequence[Report]:
        here = self._local.here()
        return (here,) if self.why_off else (here, *self._reading.instances.others())

    def history(self, span: Range) -> Row | None:
        return None if self.why_off else self._reading.history.document(span, time.time())

    def errors(self) -> Sequence[Row]:
        return () if self.why_off else self._reading.errors.rows()

    async def send(self, to: str | Owner, command: Command) -> Answer:
        if to == self._local.instance or (isinstance(to, Owner) and self._local.owns(to)):
            return await self._executors.execute(command)
        if why_off := self.why_off:
            return Answer(command.id, "no_answer", detail=f"Only this instance can be reached: {why_off}")
        return await self._commands.send(to, command)

    def serve(self, name: str, execute: Execute) -> None:
        self._executors.serve(name, execute)

    async def _write(self, topic: str, records: Sequence[Written]) -> None:
        await self._writer.write(topic, records, timeout_s=WRITE_TIMEOUT_S)

    async def _write_command(self, record: Written) -> None:
        await self._write(self._topics.commands, [record])

    def start(self) -> None:
        """Takes part as soon as Kafka and the topics are there; does not wait."""
        parts = {
            "watching": self._watch,
            "telling": self._telling.run,
            "reading": lambda: self._reading.run(self._cluster),
            "folding": self._folding.run,
        }
        self._tasks = [asyncio.create_task(self._keep(run), name=f"fleet-{name}") for name, run in parts.items()]
        for task in self._tasks:
            task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (error := task.exception()):
            self._monitor.emit(ErrorOccurred("fleet.task", error))

    async def _keep(self, run: Callable[[], Awaitable[None]]) -> None:
        if run != self._watch:
            await self._there.wait()
        while True:
            try:
                await run()
            except (KafkaUnavailable, *FOLDING_TROUBLE):
                await asyncio.sleep(TRY_AGAIN_S)  # `why_off` says what it was

    async def _watch(self) -> None:
        while True:
            if self._cluster.reachable and not self._there.is_set():
                await self._look_for_topics()
            self._announce()
            await asyncio.sleep(LOOK_EVERY_S)

    async def _look_for_topics(self) -> None:
        if missing(self._topics, self._cluster) and self._create:
            try:
                await create(self._topics, self._cluster, self._monitor)
            except KafkaUnavailable as error:
                self._not_created = str(error)
                await asyncio.sleep(TRY_AGAIN_S)
        if not missing(self._topics, self._cluster):
            self._there.set()

    def _announce(self) -> None:
        """What is not settled yet is not announced: others that are still looked for, topics that are being made."""
        why_off = self.why_off
        asked_in_vain = bool(self._cluster.reachable) and not self._there.is_set() and not self._create
        settled = why_off is None or self._announced or asked_in_vain or self._not_created
        if settled and self._announced is not (why_off is None):
            self._announced = why_off is None
            self._monitor.emit(FleetChanged(why_off))

    async def stop(self, grace_s: float) -> None:
        """Says goodbye and leaves, within `grace_s` whatever the brokers do: what takes longer is cut."""
        with contextlib.suppress(TimeoutError):
            await bounded(self._stop(grace_s * GOODBYE_SHARE), max(0.0, grace_s))

    async def _stop(self, goodbye_s: float) -> None:
        watching, telling, *others = self._tasks or (None, None)
        await end([task for task in (watching, telling) if task], goodbye_s)
        if self.why_off is None:
            await self._telling.tell("stopped", goodbye_s)
        await self._commands.stop(0)
        leaving_s = AFTER_GRACE_S + CANCEL_TIMEOUT_S
        await asyncio.gather(end([task for task in others if task], leaving_s), self._writer.stop(0))
