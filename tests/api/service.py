"""A whole HTTP side on a Kafka that exists in memory only: real producer, real listeners, a client that answers
as it is told."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import httpx
from opentelemetry.sdk.trace import TracerProvider

from app.api.application import Application, build_application
from app.api.receipts import Receipts
from app.api.services import Services
from app.api.traced_application import TracedApplication
from app.consumer import Consumer
from app.dashboard.actions import Action, add_actions, audit_page
from app.dashboard.dead_letter_pages import DeadLetterPages
from app.dashboard.pages import Page
from app.dashboard.redrive_actions import redrive_pages
from app.dashboard.routes import add_pages
from app.errors import KafkaUnavailable
from app.events import BrokerReachable, Monitor
from app.exploring.explorer import Explorer
from app.fleet.alone import Alone
from app.fleet.here import HereAndNow
from app.kafka.admin.client import KafkaAdmin
from app.kafka.cluster import Cluster
from app.kafka.log_reader import make_reader
from app.kafka.protocols import PartitionReader
from app.lifecycle import Lifecycle
from app.messages import TopicPartition
from app.observing.audit import Audit
from app.observing.log import LogLines
from app.observing.metrics import Metrics
from app.observing.reasons import Note, Reason, Sources
from app.observing.snapshot import Snapshot
from app.observing.tracing.choice import NoTracing, trace_with
from app.producer import Producer
from app.redriving.memory import RedriveMemory
from app.redriving.redrives import Means, Redrives
from app.routes.loading import draw_table
from app.routes.routes import Routes
from app.routes.table import DeadLetter
from app.settings import Settings
from tests.fakes import FakeKafka

WAIT_S = 5.0
NOT_BUILT = Path("/nothing/was/built/here")
"""The web page may have been built beside the tests; they look at what is there without it."""
ORIGIN = "http://127.0.0.1:3000"


async def until(condition: Callable[[], bool]) -> None:
    """Returns when `condition` holds; fails after 5 s."""
    async with asyncio.timeout(WAIT_S):
        while not condition():
            await asyncio.sleep(0.002)


@dataclass
class FakeRuntime:
    """A consuming side that is as the test says."""

    ready: list[Reason] = field(default_factory=list)
    live: list[Reason] = field(default_factory=list)
    noted: list[Note] = field(default_factory=list)

    def ready_reasons(self) -> Sequence[Reason]:
        return self.ready

    def live_reasons(self) -> Sequence[Reason]:
        return self.live

    def notes(self) -> Sequence[Note]:
        return self.noted


def _unreadable(starts: Mapping[TopicPartition, int | None]) -> PartitionReader:
    raise KafkaUnavailable


class SomeConsumer(Consumer):
    async def consume(self) -> None:
        raise NotImplementedError


def draw(routes: Routes) -> None:
    routes.topic("example", SomeConsumer, dead_letter=DeadLetter("example.dlq"))


class Service:
    """Everything wired as the composition root does it; `http` speaks to it in process."""

    def __init__(
        self,
        *,
        fast_lane: bool = True,
        topics: Mapping[str, int] | None = None,
        actions: Sequence[Action[Any]] = (),
        pages: Sequence[Page] = (),
        traced_by: TracerProvider | None = None,
        **settings: Any,
    ) -> None:
        self.settings = Settings(_env_file=None, kafka_bootstrap_servers="kafka:9092", **settings)  # type: ignore[call-arg]  # pydantic-settings adds it
        self.kafka = FakeKafka({"example": 2, "other": 1} if topics is None else topics)
        self.monitor = Monitor()
        self.lines = LogLines(self.monitor)
        self.state = Lifecycle(self.monitor)
        self.actions = actions
        self.pages = pages
        tracing = NoTracing() if traced_by is None else trace_with(traced_by, self.monitor, "demijohn")
        self._request_spans = tracing.requests
        self.producer = Producer(self.settings, self.kafka, self.kafka.open_client, self.monitor, tracing.sends)
        self.runtime = FakeRuntime()
        self.receipts = Receipts("host:1:ab", self.settings.http_receipts_max, self.settings.http_receipt_ttl_s)
        self.table = draw_table(draw, self.settings)
        sources = Sources(
            instance="host:1:ab",
            cluster=self.kafka,
            producer=self.producer,
            runtime=self.runtime,
            receipts=self.receipts.counts,
        )
        self.snapshot = Snapshot(self.settings, self.table, self.monitor, sources)
        self.metrics = Metrics(self.settings, self.snapshot, sources, self.monitor)
        self.application = self._build(fast_lane)
        self.http = self.client()
        self.state.advance("running")
        self.monitor.emit(BrokerReachable(1))

    def _build(self, fast_lane: bool) -> Application:
        here = HereAndNow("host:1:ab", self.snapshot)
        cluster = Cluster(self.settings, "kafka:9092", self.monitor)
        services = Services(
            instance="host:1:ab",
            settings=self.settings,
            table=self.table,
            monitor=self.monitor,
            state=self.state,
            cluster=self.kafka,
            producer=self.producer,
            runtime=self.runtime,
            receipts=self.receipts,
            snapshot=self.snapshot,
            fleet=Alone("host:1:ab", "alone in a test", here.report, here.owns, self.monitor),
            metrics=self.metrics,
            admin=KafkaAdmin(self.settings, cluster),
            explorer=Explorer(partial(make_reader, self.settings, "kafka:9092")),
        )
        spans = self._request_spans
        make = None if spans is None else partial(TracedApplication, tracing=spans)
        application = build_application(services, make=make, fast_lane=fast_lane)
        add_pages(application, services, [*self.pages, *self._pages_for_operators(services)], NOT_BUILT)
        self.guard = add_actions(application, services, self.actions)
        return application

    def _pages_for_operators(self, services: Services) -> Iterator[Page]:
        """No partition can be read here."""
        memory = RedriveMemory("demijohn_redrives", self.kafka, _unreadable, self.monitor, create=False)
        redrives = Redrives(Means(self.kafka, self.producer, _unreadable, self.monitor), memory)
        yield audit_page(Audit(self.monitor))
        yield from redrive_pages(redrives)
        yield from DeadLetterPages(services, redrives).pages()

    def client(self) -> httpx.AsyncClient:
        transport = httpx.ASGITransport(self.application, raise_app_exceptions=True)
        return httpx.AsyncClient(transport=transport, base_url=ORIGIN)

    async def produce(self, query: str = "", **message: Any) -> httpx.Response:
        """POST /produce with a message made of the arguments."""
        return await self.http.post(f"/produce{query}", json={"topic": "example", **message})

    async def produce_raw(self, body: bytes, query: str = "") -> httpx.Response:
        """POST /produce with these bytes, as JSON."""
        return await self.http.post(f"/produce{query}", content=body, headers={"content-type": "application/json"})

    async def batch(self, *messages: Any, query: str = "") -> httpx.Response:
        """POST /produce/batch."""
        return await self.http.post(f"/produce/batch{query}", json={"messages": list(messages)})

    async def close(self) -> None:
        await self.http.aclose()
        self.kafka.takes = True
        await self.producer.close(0.1)
