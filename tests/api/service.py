"""A whole HTTP side on a Kafka that exists in memory only: real producer, real listeners, a client that answers
as it is told."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx

from app.api.application import Application, build_application
from app.api.receipts import Receipts
from app.api.services import Services
from app.consumer import Consumer
from app.dashboard.routes import add_pages
from app.errors import KafkaUnavailable
from app.events import BrokerReachable, Monitor
from app.kafka.protocols import RecordBatch
from app.lifecycle import Lifecycle
from app.messages import Headers, TopicPartition
from app.observing.log import LogLines
from app.observing.metrics import Metrics
from app.observing.reasons import Note, Reason, Sources
from app.observing.snapshot import Snapshot
from app.producer import Producer
from app.routes.loading import draw_table
from app.routes.routes import Routes
from app.routes.table import DeadLetter
from app.settings import KAFKA_DEFAULT_MAX_RECORD_BYTES, Settings

WAIT_S = 5.0
ORIGIN = "http://127.0.0.1:3000"


async def until(condition: Callable[[], bool]) -> None:
    """Returns when `condition` holds; fails after 5 s."""
    async with asyncio.timeout(WAIT_S):
        while not condition():
            await asyncio.sleep(0.002)


@dataclass(frozen=True)
class StoredRecord:
    """What the fake broker was given."""

    timestamp: int | None
    key: bytes | None
    value: bytes | None
    headers: Headers


class FakeBatch:
    """Collects records without a limit."""

    def __init__(self) -> None:
        self.records: list[StoredRecord] = []
        self._size = 61

    def append(self, *, timestamp: int | None, key: bytes | None, value: bytes | None, headers: Headers) -> object:
        self.records.append(StoredRecord(timestamp, key, value, headers))
        self._size += len(key or b"") + len(value or b"") + 10
        return self

    def size(self) -> int:
        return self._size

    def record_count(self) -> int:
        return len(self.records)


class FakeKafka:
    """One broker: the client of the producer, and what is known of the cluster."""

    def __init__(self, topics: Mapping[str, int]) -> None:
        self.topic_partitions = dict(topics)
        self.stored: dict[TopicPartition, list[StoredRecord]] = {}
        self.reachable: bool | None = True
        self.unreachable_for_s = 0.0
        self.answers = True
        self.takes = True
        self.refuses: Callable[[StoredRecord], Exception | None] = lambda _: None
        self.unanswered: list[tuple[asyncio.Future[int | None], FakeBatch, TopicPartition]] = []
        self.max_record_bytes = KAFKA_DEFAULT_MAX_RECORD_BYTES

    alive = True

    @property
    def brokers(self) -> int | None:
        return 1

    def topics(self) -> Mapping[str, int]:
        return self.topic_partitions if self.reachable else {}

    async def partition_count(self, topic: str, *, timeout_s: float) -> int | None:
        return (await self.refresh(timeout_s=timeout_s)).get(topic)

    async def refresh(self, *, timeout_s: float) -> Mapping[str, int]:
        if not self.reachable:
            raise KafkaUnavailable
        return self.topic_partitions

    async def max_message_bytes(self, topic: str, *, timeout_s: float, fresh: bool = False) -> int:
        return self.max_record_bytes

    async def create_topic(
        self, topic: str, partitions: int, config: Mapping[str, str] | None = None, *, timeout_s: float
    ) -> bool:
        raise AssertionError("the HTTP side creates no topics")

    async def describe(self, *, timeout_s: float) -> Mapping[str, Any]:
        return {}

    async def open_client(self) -> FakeKafka:
        return self

    def new_batch(self) -> FakeBatch:
        return FakeBatch()

    async def send(self, batch: RecordBatch, partition: TopicPartition) -> asyncio.Future[int | None]:
        assert isinstance(batch, FakeBatch)
        future: asyncio.Future[int | None] = asyncio.get_running_loop().create_future()
        if not self.takes:
            await asyncio.Event().wait()
        if not self.answers:
            self.unanswered.append((future, batch, partition))
        else:
            self._answer(future, batch, partition)
        return future

    def _answer(self, future: asyncio.Future[int | None], batch: FakeBatch, partition: TopicPartition) -> None:
        refusals = [refusal for record in batch.records if (refusal := self.refuses(record))]
        if refusals:
            future.set_exception(refusals[0])
            return
        log = self.stored.setdefault(partition, [])
        future.set_result(len(log))
        log.extend(batch.records)

    def answer_now(self) -> None:
        """Answers everything that was left unanswered."""
        self.answers = True
        for future, batch, partition in self.unanswered:
            if not future.done():
                self._answer(future, batch, partition)
        self.unanswered.clear()

    async def stop(self, grace_s: float) -> None:
        for future, _, _ in self.unanswered:
            if not future.done():
                future.cancel()

    def records(self, topic: str) -> list[StoredRecord]:
        """All records of a topic, partition by partition."""
        return [record for at in sorted(self.stored) if at.topic == topic for record in self.stored[at]]


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


class SomeConsumer(Consumer):
    async def consume(self) -> None:
        raise NotImplementedError


def draw(routes: Routes) -> None:
    routes.topic("example", SomeConsumer, dead_letter=DeadLetter("example.dlq"))


class Service:
    """Everything wired as the composition root does it; `http` speaks to it in process."""

    def __init__(self, *, fast_lane: bool = True, topics: Mapping[str, int] | None = None, **settings: Any) -> None:
        self.settings = Settings(_env_file=None, kafka_bootstrap_servers="kafka:9092", **settings)  # type: ignore[call-arg]  # pydantic-settings adds it
        self.kafka = FakeKafka({"example": 2, "other": 1} if topics is None else topics)
        self.monitor = Monitor()
        self.lines = LogLines(self.monitor)
        self.state = Lifecycle(self.monitor)
        self.producer = Producer(self.settings, self.kafka, self.kafka.open_client, self.monitor)
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
        services = Services(
            settings=self.settings,
            table=self.table,
            monitor=self.monitor,
            state=self.state,
            cluster=self.kafka,
            producer=self.producer,
            runtime=self.runtime,
            receipts=self.receipts,
            snapshot=self.snapshot,
            metrics=self.metrics,
        )
        application = build_application(services, fast_lane=fast_lane)
        add_pages(application, self.snapshot.document)
        return application

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
