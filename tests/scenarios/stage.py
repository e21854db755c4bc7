"""A stage for scenarios: producer, consumers and topics on one Kafka, in this process."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import TypeVar

from app.consumer import Consumer
from app.consuming.runtime import Runtime
from app.events import Event, Monitor
from app.kafka.cluster import Cluster
from app.kafka.consumer_client import AiokafkaConsumer
from app.kafka.producer_client import open_producer
from app.kafka.protocols import AssignmentListener
from app.producer import Producer
from app.routes import Routes
from app.routes.loading import draw_table
from app.settings import Settings
from tests.conftest import make_settings

Draw = Callable[[Routes], None]
E = TypeVar("E", bound=Event)


class Stage:
    """A producer and any number of consumer runtimes. `changes` are settings."""

    def __init__(self, servers: str, **changes: object) -> None:
        self.settings: Settings = make_settings(servers, **changes)
        self.servers = servers
        self.monitor = Monitor()
        self.events: list[Event] = []
        self.cluster = Cluster(self.settings, servers, self.monitor)
        self.producer = Producer(
            self.settings, self.cluster, partial(open_producer, self.settings, servers), self.monitor
        )

    async def start(self) -> None:
        await self.cluster.start()
        await self.cluster.refresh(timeout_s=10)

    async def close(self) -> None:
        await self.producer.close(5)
        await self.cluster.stop()

    def remember(self, *kinds: type[Event]) -> None:
        """From now on events of these kinds are kept in `events`."""
        for kind in kinds:
            self.monitor.subscribe(kind, self.events.append)

    def happened(self, kind: type[E]) -> list[E]:
        return [event for event in self.events if isinstance(event, kind)]

    async def topic(self, partitions: int = 1, config: dict[str, str] | None = None, prefix: str = "t") -> str:
        """A topic of a name that nobody has used."""
        name = f"{prefix}-{uuid.uuid4().hex[:10]}"
        assert await self.cluster.create_topic(name, partitions, config, timeout_s=20)
        await self.cluster.refresh(timeout_s=10)
        return name

    @asynccontextmanager
    async def running(self, draw: Draw) -> AsyncIterator[Runtime]:
        """Consumers of the table that `draw` draws; they stop in order at the end, and nothing is cut."""
        runtime = Runtime(
            self.settings,
            draw_table(draw, self.settings),
            self.cluster,
            self._open_consumer,
            self.producer,
            self.monitor,
        )
        await runtime.start()
        try:
            yield runtime
        finally:
            report = await runtime.stop(time.monotonic() + 10)
            assert report.cut_jobs == ()

    def _open_consumer(self, group: str, topics: Sequence[str], listener: AssignmentListener) -> AiokafkaConsumer:
        return AiokafkaConsumer(self.settings, self.servers, group, topics, listener)


class Seen:
    """What consumers of one test were given: (partition, offset, payload), in the order of their arrival."""

    def __init__(self) -> None:
        self.all: list[tuple[int, int, object]] = []
        self.times: list[float] = []

    def __len__(self) -> int:
        return len(self.all)

    @property
    def payloads(self) -> list[object]:
        return [payload for _, _, payload in self.all]

    def offsets(self, partition: int) -> list[int]:
        """Offsets of one partition, in the order of their arrival."""
        return [offset for at, offset, _ in self.all if at == partition]


def recording(seen: Seen, refuse: Callable[[object], bool] = lambda payload: False) -> type[Consumer]:
    """A consumer class that remembers what it is given, and fails at what `refuse` says."""

    class Recording(Consumer):
        async def consume(self) -> None:
            for message in self.messages:
                if refuse(message.payload):
                    raise ValueError("refused")
                seen.all.append((message.partition, message.offset, message.payload))
                seen.times.append(asyncio.get_running_loop().time())

    return Recording
