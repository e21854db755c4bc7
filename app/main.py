"""The composition root: builds every part, starts them in order and stops them in order.

`create_app(settings)` gives the ASGI application; its lifespan starts and stops the service. The process that
`demijohn server` runs stops the service itself, before its listener closes.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial

from fastapi import FastAPI

from app.api.admission import Admission
from app.api.application import Application, build_application
from app.api.receipts import Receipts
from app.api.services import Services
from app.api.traced_application import TracedApplication
from app.consuming.runtime import Runtime, StopReport
from app.dashboard.actions import add_actions
from app.dashboard.operating import Keeping, Operating
from app.dashboard.routes import add_pages
from app.dashboard.topic_access import topic_access
from app.dashboard.topic_actions import TopicActions
from app.events import EmbeddedBrokerStarted, ErrorOccurred, Monitor, WarningRaised
from app.exploring.explorer import Explorer
from app.fleet.here import HereAndNow
from app.fleet.opening import open_fleet
from app.fleet.telling import Local
from app.fleet.topics import fleet_topics
from app.kafka.admin.client import KafkaAdmin
from app.kafka.cluster import Cluster
from app.kafka.connecting import abandoned_ended
from app.kafka.connection import prepare_aiokafka
from app.kafka.consumer_client import AiokafkaConsumer
from app.kafka.creating import TopicCreation
from app.kafka.embedded.choice import EmbeddedBroker, client_settings, embedded_broker
from app.kafka.embedded.mock import DEFAULT_PARTITIONS, MockBroker
from app.kafka.log_reader import Isolation, LogReader, make_reader
from app.kafka.producer_client import open_producer
from app.kafka.protocols import AssignmentListener, ClientOptions, ConsumerClient, ProducerClient
from app.kafka.recording import RecordingKafka
from app.kafka.topic_reader import TopicReader
from app.lifecycle import Lifecycle
from app.messages import TopicPartition
from app.observing.log import LogLines
from app.observing.log_setup import set_up_logging
from app.observing.loop_lag import LoopLag
from app.observing.metrics import Metrics
from app.observing.process import instance_name
from app.observing.reasons import Sources
from app.observing.snapshot import Snapshot
from app.observing.tracing.choice import open_tracing
from app.producer import CloseReport, Producer
from app.redriving.redrives import Means
from app.routes.loading import load_table
from app.routes.table import RoutingTable
from app.settings import Settings, load_settings

MOST_RESERVE_S = 5.0
RESERVE_SHARE = 0.2
"""Of the whole stop so much, and 5 s at most, is kept for what comes after the jobs."""
JOBS_SHARE, LAST_SHARE = 0.5, 0.2
"""Of that, half for cutting jobs, committing and leaving groups; the producer gets the rest but for a fifth."""
HARD_STOP_S, HARD_STOP_SHARE = 3.0, 0.6
"""So much of what the producer gets is for ending a client that hangs."""
FLEET_STOP_S = 3.0
BROKER_STOP_S = 5.0
CONNECTING_S = 1.0
"""So long, at most, connections that were given up while they were made may take to be closed."""
TRACES_S = 2.0
"""So long, at most, the last traces may take to be sent."""


@dataclass(frozen=True, slots=True)
class Ending:
    """How the service ended. `exit_code`: 0 nothing was lost or cut, 2 something was, 3 a critical error."""

    exit_code: int
    cut_jobs: tuple[str, ...] = ()
    undelivered: Mapping[str, int] | None = None


class Service:
    """Everything that runs, and the order in which it starts and stops."""

    def __init__(self, settings: Settings, table: RoutingTable) -> None:
        prepare_aiokafka()
        self.settings = settings
        self.monitor = Monitor()
        set_up_logging(settings)
        LogLines(self.monitor)
        self._instance = instance_name()
        self.tracing = open_tracing(os.environ, self.monitor, settings.kafka_client_id, self._instance)
        self.lifecycle = Lifecycle(self.monitor)
        self._table = table
        self._embedded: EmbeddedBroker | None = embedded_broker(settings)
        self._client_settings = client_settings(settings, self._embedded)
        self._cluster = Cluster(self._client_settings, settings.kafka_bootstrap_servers, self.monitor)
        self.recorded = _recorded(settings)
        self.producer = self._build_producer()
        self.runtime = Runtime(settings, table, self._cluster, self._open_consumer, self.producer, self.monitor)
        in_memory = isinstance(self._embedded, MockBroker)
        means = Means(self._cluster, self.producer, self._open_reader, self.monitor, transactions=not in_memory)
        keeping = Keeping(fleet_topics(settings.fleet_name), self._makes_topics, self._why_nothing_is_kept)
        self.operating = Operating(means, self.runtime, keeping)
        self._admin = KafkaAdmin(self._client_settings, self._cluster)
        self._loop_lag = LoopLag(self.monitor)
        self.services = self._build_services()
        self.front_door: Admission | None = None
        self.stop_asked = asyncio.Event()
        """Set when an operator wants the process to end; heeded by whoever serves it."""
        self.served_alone = False
        """Whether the process is the service's own, and so ends with it."""
        self._booting: asyncio.Task[None] | None = None
        self._quieting: asyncio.Task[None] | None = None
        self._stopping: asyncio.Task[Ending] | None = None

    def _build_producer(self) -> Producer:
        recorded, spans = self.recorded, self.tracing.sends
        if recorded is None:
            return Producer(self.settings, self._cluster, self._open_producer, self.monitor, spans)
        return Producer(self.settings, recorded, recorded.open_client, self.monitor, spans)

    @property
    def _why_nothing_is_kept(self) -> str | None:
        """Why nothing that this process stores outlives it."""
        if self.recorded is not None:
            return f"PRODUCER_CLIENT is {self.settings.producer_client}"
        return "the in-memory broker keeps nothing" if isinstance(self._embedded, MockBroker) else None

    def _build_services(self) -> Services:
        settings = self.settings
        receipts = Receipts(self._instance, settings.http_receipts_max, settings.http_receipt_ttl_s)
        sources = Sources(
            instance=self._instance,
            cluster=self._cluster,
            producer=self.producer,
            runtime=self.runtime,
            receipts=receipts.counts,
            instances=lambda: self.fleet.size,
        )
        snapshot = Snapshot(settings, self._table, self.monitor, sources)
        here = HereAndNow(self._instance, snapshot)
        local = Local(self._instance, here.report, here.owns, snapshot.standing)
        self.fleet = open_fleet(settings, local, self._cluster, self.monitor)
        return Services(
            instance=self._instance,
            settings=settings,
            table=self._table,
            monitor=self.monitor,
            state=self.lifecycle,
            cluster=self._cluster,
            producer=self.producer,
            runtime=self.runtime,
            receipts=receipts,
            snapshot=snapshot,
            fleet=self.fleet,
            metrics=Metrics(settings, snapshot, sources, self.monitor),
            admin=self._admin,
            explorer=Explorer(self._log_reader),
        )

    async def _open_producer(self, options: ClientOptions) -> ProducerClient:
        return await open_producer(self.settings, self._cluster.bootstrap_servers, options)

    def _open_consumer(self, group: str, topics: Sequence[str], listener: AssignmentListener) -> ConsumerClient:
        return AiokafkaConsumer(self._client_settings, self._cluster.bootstrap_servers, group, topics, listener)

    def _open_reader(self, starts: Mapping[TopicPartition, int | None]) -> TopicReader:
        return TopicReader(self._client_settings, self._cluster.bootstrap_servers, starts)

    def _log_reader(self, topic: str, isolation: Isolation) -> LogReader:
        return make_reader(self._client_settings, self._cluster.bootstrap_servers, topic, isolation)

    @property
    def _makes_topics(self) -> bool:
        return self._embedded is not None or self.settings.kafka_create_topics

    async def start(self, *, consumers: bool = True) -> None:
        """Starts everything; does not wait for Kafka. Raises EmbeddedBrokerError."""
        self.lifecycle.advance("starting")
        if self.recorded is not None:
            text = f"PRODUCER_CLIENT is {self.settings.producer_client}: nothing that is produced reaches Kafka"
            self.monitor.emit(WarningRaised("producer_client", text))
        self._loop_lag.start()
        self._booting = asyncio.create_task(self._boot(consumers), name="boot")

    async def _boot(self, consumers: bool) -> None:
        try:
            await self._start_embedded()
            await self._cluster.start()
            await self._create_topics()
            await self.producer.start()
            self.operating.start()
            self.fleet.start()
            if consumers:
                await self.runtime.start(after=self.operating.known)
        except Exception as error:
            self.monitor.emit(ErrorOccurred("service.start", error))
            self.lifecycle.advance("failed", str(error))
            self.runtime.critical_error.set()
            return
        self.lifecycle.advance("running")

    async def _start_embedded(self) -> None:
        broker = self._embedded
        if broker is None:
            return
        await broker.start()
        self._cluster.bootstrap_servers = broker.bootstrap_servers
        event = EmbeddedBrokerStarted(broker.kind, broker.bootstrap_servers, broker.description)
        self.monitor.emit(event)

    async def _create_topics(self) -> None:
        """Creates the table's topics and all DLQs where that is wanted, as soon as Kafka answers."""
        if not self._makes_topics:
            return
        own = {self.settings.http_async_dlq_topic} - {""}
        broker = self._embedded
        create = partial(broker.create_topic, partitions=DEFAULT_PARTITIONS) if isinstance(broker, MockBroker) else None
        creation = TopicCreation(self._cluster, self.monitor, create)
        await creation.create(self._table.plain_topics() | self._table.dead_letter_topics() | own)

    def quiet(self) -> None:
        """Consumers begin nothing more; jobs go on to their end, and HTTP is served on. May be called again."""
        if self.lifecycle.advance("quieting"):
            self.runtime.quiet()
            self._quieting = asyncio.create_task(self._become_quiet(), name="quiet")

    async def _become_quiet(self) -> None:
        await self.runtime.rested()
        self.lifecycle.advance("quiet")

    def ask_to_stop(self) -> bool:
        """Begins the ordered stop, as SIGTERM does. False where the process is not the service's own."""
        if self.served_alone:
            self.stop_asked.set()
        return self.served_alone

    async def stop(self, deadline: float | None = None) -> Ending:
        """The ordered stop, until `deadline` (of `time.monotonic`; by default SHUTDOWN_TIMEOUT_S from now).

        May be called again: the first call counts.
        """
        if self._stopping is None:
            until = deadline if deadline is not None else time.monotonic() + self.settings.shutdown_timeout_s
            self._stopping = asyncio.create_task(self._stop(until), name="stop")
        return await asyncio.shield(self._stopping)

    async def _stop(self, deadline: float) -> Ending:
        self.lifecycle.advance("quieting")
        if begun := [task for task in (self._booting, self._quieting) if task is not None]:
            for task in begun:
                task.cancel()
            await asyncio.wait(begun, timeout=1.0)
        reserve_s = stop_reserve_s(deadline - time.monotonic())
        for_jobs_s, for_producer_s = reserve_s * JOBS_SHARE, reserve_s * (1 - JOBS_SHARE)
        stopped, *_ = await asyncio.gather(
            self._stop_consuming(deadline - for_producer_s, for_jobs_s),
            self._serve_on(deadline - for_producer_s),
            self.operating.stop(),
        )
        self.lifecycle.advance("stopping")
        left_s = deadline - LAST_SHARE * reserve_s - time.monotonic()
        report, _ = await asyncio.gather(
            self.producer.close(max(0.1, left_s - min(HARD_STOP_S, left_s * HARD_STOP_SHARE))),
            self.fleet.stop(min(FLEET_STOP_S, left_s)),
        )
        await self._loop_lag.stop()
        self._admin.close()
        await self._cluster.stop()
        await abandoned_ended(max(0.0, min(CONNECTING_S, deadline - time.monotonic())))
        await self.tracing.close(max(0.1, min(TRACES_S, (deadline - time.monotonic()) / 2)))
        if self._embedded is not None:
            await self._embedded.stop(BROKER_STOP_S)
        self.lifecycle.advance("stopped")
        return self._ending(stopped, report)

    async def _stop_consuming(self, deadline: float, reserve_s: float) -> StopReport:
        report = await self.runtime.stop(deadline, reserve_s)
        for name in report.cut_jobs:
            detail = f"The job of {name} did not end in time and was cut: its messages will be delivered again"
            self.monitor.emit(WarningRaised("job_cut", detail))
        self.lifecycle.advance("quiet")
        return report

    async def _serve_on(self, deadline: float) -> None:
        """Calls are still taken for HTTP_DRAIN_WAIT_S; those in flight are answered before the producer closes."""
        await asyncio.sleep(min(self.settings.http_drain_wait_s, max(0.0, deadline - time.monotonic())))
        front_door = self.front_door
        if front_door is None:
            return
        front_door.refuse_new_calls()
        while front_door.messages and time.monotonic() < deadline:
            await asyncio.sleep(0.02)

    def _ending(self, stopped: StopReport, report: CloseReport) -> Ending:
        code = 2 if stopped.cut_jobs or report.undelivered else 0
        if self.runtime.critical_error.is_set():
            code = 3
        if self.lifecycle.state == "failed":
            code = 1
        return Ending(code, stopped.cut_jobs, report.undelivered)


def stop_reserve_s(timeout_s: float) -> float:
    """How much of a stop of `timeout_s` is kept for what comes after the jobs."""
    return max(0.0, min(MOST_RESERVE_S, timeout_s * RESERVE_SHARE))


def _recorded(settings: Settings) -> RecordingKafka | None:
    """What stands for Kafka where the settings say that produced messages are kept or dropped."""
    if settings.producer_client == "kafka":
        return None
    return RecordingKafka(keep=settings.producer_client == "recording")


def build(service: Service, *, consumers: bool = True) -> Application:
    """The ASGI application of `service`. Its lifespan starts and stops it."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        await service.start(consumers=consumers)
        try:
            yield
        finally:
            await service.stop()

    spans = service.tracing.requests
    make = None if spans is None else partial(TracedApplication, tracing=spans)
    application = build_application(service.services, make=make, lifespan=lifespan)
    operating, services = service.operating, service.services
    topics = TopicActions(services, topic_access(service.settings))
    actions = [*operating.actions(services.fleet, service), *topics.actions()]
    add_pages(application, services, operating.pages(services))
    add_actions(application, services, actions)
    service.front_door = application.admission
    application.state.recorded = service.recorded
    return application


def create_app(settings: Settings | None = None) -> Application:
    """The whole service as an ASGI application, for any ASGI server: `uvicorn --factory app.main:create_app`.

    Raises ConfigurationError where settings or table are not valid.
    """
    settings = settings or load_settings()
    return build(Service(settings, load_table(settings)))
