"""Rows of the consuming side, all in this process: the engine with every listener on, bare clients, FastStream."""

from __future__ import annotations

import asyncio
import gc
import logging
import time
import uuid
from collections.abc import Awaitable, Callable
from functools import partial
from statistics import quantiles
from typing import Any

import orjson
from aiokafka import AIOKafkaConsumer
from faststream.kafka import KafkaBroker
from faststream.middlewares import AckPolicy

from app.consumer import Consumer
from app.main import Service
from app.routes import Routes
from app.routes.loading import draw_table
from benchmarks.arena import Arena, payload
from benchmarks.rows import Figures, Measure, Row

RUN_TIMEOUT_S = 120.0
HANDLER_S = 0.005
PACE_S = 0.01
"""100 messages a second."""


class Progress:
    """Counts records; knows when the first came and when all were there."""

    def __init__(self, wanted: int) -> None:
        self.done = asyncio.Event()
        self.cpu_s = 0.0
        self.took_s = 0.0
        self._wanted = wanted
        self._seen = 0
        self._started = 0.0
        self._cpu = 0.0

    def add(self, records: int) -> None:
        if not self._seen:
            self._started, self._cpu = time.perf_counter(), time.process_time()
        self._seen += records
        if self._seen >= self._wanted and not self.done.is_set():
            self.took_s = time.perf_counter() - self._started
            self.cpu_s = time.process_time() - self._cpu
            self.done.set()

    async def figures(self) -> Figures:
        """Records a second, and CPU for each."""
        await asyncio.wait_for(self.done.wait(), RUN_TIMEOUT_S)
        notes = f" ({self.cpu_s / self._wanted * 1e6:.1f} µs CPU)"
        return Figures(self._wanted / self.took_s, "msg/s", notes)


class Consuming:
    """Measures of consumers. `scale` shortens the runs."""

    def __init__(self, arena: Arena, scale: float) -> None:
        self._arena = arena
        self._scale = scale
        self._topics: dict[str, str] = {}
        self._many = int(400_000 * scale)
        self._few = int(20_000 * scale)

    async def prepare(self) -> None:
        """Fills the topics that are read."""
        self._topics["all"] = await self._arena.topic(self._many)
        self._topics["one"] = await self._arena.topic(self._many, only=2)
        self._topics["24"] = await self._arena.topic(int(60_000 * self._scale), partitions=24)

    def rows(self) -> list[Row]:
        """All of them."""
        everything, few = partial(self._engine, "all", self._many), self._few
        raw = partial(self._raw, "all", self._many)
        slow = int(60_000 * self._scale)
        return [
            Row("consume", "payloads decoded one by one, to raw", 0.75, raw, partial(everything, _each)),
            Row("consume-bulk", "payloads in bulk, to raw", 0.9, raw, partial(everything, _bulk)),
            Row("consume-untouched", "payloads untouched, to raw", 0.9, raw, partial(everything, _untouched)),
            Row(
                "consume-one-busy",
                "one busy partition of six, to raw",
                0.65,
                partial(self._raw, "one", self._many),
                partial(self._engine, "one", self._many, _each),
            ),
            Row(
                "faststream-dict",
                "to FastStream, one dict for each message",
                18,
                partial(self._faststream, "all", few, batch=False),
                partial(everything, _each),
            ),
            Row(
                "faststream-batch",
                "to FastStream, batches of 500 with ACK",
                10,
                partial(self._faststream, "all", 10 * few, batch=True),
                partial(everything, _each),
            ),
            Row(
                "slow-handler",
                "5 ms handler on 24 partitions, to FastStream batches",
                9,
                partial(self._faststream, "24", slow, batch=True, pause_s=HANDLER_S),
                partial(self._engine, "24", slow, _slow),
            ),
            Row("latency-p50", "end to end p50 at 100 msg/s, to raw", 1.1, *self._latencies(0), more_is_better=False),
            Row("latency-p99", "end to end p99 at 100 msg/s, to raw", 1.5, *self._latencies(1), more_is_better=False),
            Row(
                "stuck",
                "p50 of the others while a partition is stuck, to not stuck",
                1.2,
                partial(self._engine_latency, 0, stuck=False),
                partial(self._engine_latency, 0, stuck=True),
                more_is_better=False,
            ),
        ]

    # --- rates ------------------------------------------------------------------------------------------

    async def _raw(self, topic: str, records: int) -> Figures:
        """getmany(500) and orjson, no commit."""
        consumer = self._consumer(self._topics[topic])
        await consumer.start()
        progress = Progress(records)
        while not progress.done.is_set():
            for found in (await consumer.getmany(timeout_ms=1000, max_records=500)).values():
                for record in found:
                    orjson.loads(record.value)
                progress.add(len(found))
        await consumer.stop()
        return await progress.figures()

    def _consumer(self, topic: str, **options: Any) -> AIOKafkaConsumer:
        return AIOKafkaConsumer(
            topic,
            bootstrap_servers=self._arena.servers,
            group_id=f"g-{uuid.uuid4().hex[:8]}",
            enable_auto_commit=False,
            **{"auto_offset_reset": "earliest", **options},
        )

    async def _engine(self, topic: str, records: int, handle: Handle) -> Figures:
        progress = Progress(records)
        async with Running(self._arena, self._topics[topic], handle, progress.add):
            return await progress.figures()

    async def _faststream(self, topic: str, records: int, *, batch: bool, pause_s: float = 0) -> Figures:
        progress = Progress(records)
        broker = KafkaBroker(self._arena.servers, logger=None)
        options: dict[str, Any] = {
            "group_id": f"g-{uuid.uuid4().hex[:8]}",
            "auto_offset_reset": "earliest",
            "ack_policy": AckPolicy.ACK if batch else AckPolicy.ACK_FIRST,
            "batch": batch,
        }
        if batch:
            options["max_records"] = 500

            async def many(messages: list[dict[str, Any]]) -> None:
                await asyncio.sleep(pause_s)
                progress.add(len(messages))

            broker.subscriber(self._topics[topic], **options)(many)
        else:

            async def one(message: dict[str, Any]) -> None:
                progress.add(1)

            broker.subscriber(self._topics[topic], **options)(one)
        await broker.start()
        try:
            return await progress.figures()
        finally:
            await broker.stop()

    # --- latencies --------------------------------------------------------------------------------------

    def _latencies(self, which: int) -> tuple[Measure, Measure]:
        return partial(self._raw_latency, which), partial(self._engine_latency, which, stuck=False)

    async def _raw_latency(self, which: int) -> Figures:
        topic = await self._arena.topic()
        consumer = self._consumer(topic)
        await consumer.start()
        took_ms: list[float] = []

        async def read() -> None:
            while True:
                for found in (await consumer.getmany(timeout_ms=1000, max_records=500)).values():
                    took_ms.extend(_age_ms(orjson.loads(record.value)) for record in found)

        reading = asyncio.create_task(read())
        await self._send(topic)
        reading.cancel()
        await asyncio.wait({reading})
        await consumer.stop()
        return _figures(took_ms, which)

    async def _engine_latency(self, which: int, *, stuck: bool) -> Figures:
        topic = await self._arena.topic()
        took_ms: list[float] = []

        async def handle(consumer: Consumer) -> None:
            if stuck and consumer.partition == 0:
                await asyncio.Event().wait()
            took_ms.extend(_age_ms(message.payload) for message in consumer.messages)

        async with Running(self._arena, topic, handle, lambda _: None):
            await self._send(topic)
        return _figures(took_ms, which)

    async def _send(self, topic: str) -> None:
        """Some seconds of 100 messages a second; each holds the time of its sending."""
        service = Service(self._arena.settings, draw_table(lambda routes: None, self._arena.settings))
        await service.start(consumers=False)
        for number in range(int(1000 * self._scale)):
            body = {"sent": time.perf_counter(), "text": payload(number).decode()[:150]}
            await service.producer.produce_async(topic=topic, payload=body, partition=number % 6)
            await asyncio.sleep(PACE_S)
        await asyncio.sleep(0.2)
        await service.stop()


Handle = Callable[[Consumer], Awaitable[None]]


async def _each(consumer: Consumer) -> None:
    for message in consumer.messages:
        message.payload  # noqa: B018  # decoding is what is measured


async def _bulk(consumer: Consumer) -> None:
    assert consumer.messages.payloads


async def _untouched(consumer: Consumer) -> None:
    assert consumer.messages.size


async def _slow(consumer: Consumer) -> None:
    await asyncio.sleep(HANDLER_S)


class Running:
    """The whole service with one consumer on `topic`, without its HTTP socket; log lines go nowhere."""

    def __init__(
        self, arena: Arena, topic: str, handle: Handle, count: Callable[[int], None], group: str | None = None
    ) -> None:
        class Measured(Consumer):
            async def consume(self) -> None:
                await handle(self)
                count(self.messages.size)

        def draw(routes: Routes) -> None:
            with routes.group(group or f"g-{uuid.uuid4().hex[:8]}") as drawn:
                drawn.topic(topic, Measured)

        settings = arena.settings.model_copy(update={"shutdown_timeout_s": 2.0})
        self._service = Service(settings, draw_table(draw, settings))

    async def __aenter__(self) -> None:
        logger = logging.getLogger("demijohn")
        logger.setLevel(logging.INFO)
        logger.propagate = False
        logger.handlers = [logging.NullHandler()]
        gc.collect()
        await self._service.start()
        async with asyncio.timeout(30):
            while self._service.lifecycle.state != "running" or self._service.runtime.ready_reasons():
                await asyncio.sleep(0.01)

    async def __aexit__(self, *_: object) -> None:
        await self._service.stop()


def _age_ms(body: Any) -> float:
    return (time.perf_counter() - float(body["sent"])) * 1000


def _figures(took_ms: list[float], which: int) -> Figures:
    """p50 or p99, without the first tenth."""
    cuts = quantiles(took_ms[len(took_ms) // 10 :], n=100)
    return Figures(cuts[98] if which else cuts[49], "ms", f" (p50 {cuts[49]:.1f}, p99 {cuts[98]:.1f})")
