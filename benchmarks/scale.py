"""Rows of size: a thousand partitions in one instance, and a million records behind a slow consumer."""

from __future__ import annotations

import asyncio
import os
import sys
import time
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from functools import partial

from aiokafka import AIOKafkaConsumer

from app.consumer import Consumer
from app.routes import Routes
from benchmarks.arena import Arena, server
from benchmarks.consuming import RUN_TIMEOUT_S, Progress, Running
from benchmarks.rows import Figures, Measure, Row

PARTITIONS = 1000
PER_S = 400
SETTLE_S = 3.0
BEHIND = 1_000_000
SLOW_S = 0.1
SLOW_TOPIC = "BENCH_SLOW_TOPIC"
Count = Callable[[int], None]
Reading = Callable[[str, Count], AbstractAsyncContextManager[None]]
"""Reads the topic as a member of the group of that name, and tells how many records came."""


class Scale:
    """Measures of one instance with much to look after. `scale` shortens the runs."""

    def __init__(self, arena: Arena, scale: float) -> None:
        self._arena = arena
        self._window_s = max(5.0, 20 * scale)
        self._behind = int(BEHIND * scale)
        self._wide: str | None = None

    def rows(self) -> list[Row]:
        """All of them."""
        text = "1,000 partitions: "
        return [
            self._row("wide-start", text + "from start until each has given its record, to raw", 1.5, self._start),
            self._row("wide-idle", text + "CPU at rest, to one raw getmany loop", 2, partial(self._cpu, 0)),
            self._row("wide-load", text + "CPU at 400 msg/s, to one raw getmany loop", 1.2, partial(self._cpu, PER_S)),
            self._row("wide-rebalance", text + "until a second member has its share, to raw", 1.5, self._join),
            Row(
                "behind",
                "memory with 1,000,000 records behind a slow consumer, to an empty topic",
                1.3,
                partial(self._memory, 0),
                partial(self._memory, self._behind),
                more_is_better=False,
            ),
        ]

    def _row(self, name: str, text: str, goal: float, measure: Callable[[Reading], Measure]) -> Row:
        return Row(name, text, goal, measure(self._raw), measure(self._engine), more_is_better=False)

    async def _topic(self) -> str:
        if self._wide is None:
            self._wide = await self._arena.topic(PARTITIONS, partitions=PARTITIONS)
        return self._wide

    # --- who reads --------------------------------------------------------------------------------------

    @asynccontextmanager
    async def _raw(self, group: str, count: Count) -> AsyncIterator[None]:
        consumer = AIOKafkaConsumer(
            await self._topic(),
            bootstrap_servers=self._arena.servers,
            group_id=group,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
        )
        await consumer.start()

        async def read() -> None:
            while True:
                for found in (await consumer.getmany(timeout_ms=1000, max_records=500)).values():
                    count(len(found))

        reading = asyncio.create_task(read())
        try:
            yield
        finally:
            reading.cancel()
            await asyncio.wait({reading})
            await consumer.stop()

    @asynccontextmanager
    async def _engine(self, group: str, count: Count) -> AsyncIterator[None]:
        async def handle(consumer: Consumer) -> None:
            assert consumer.messages.size

        async with Running(self._arena, await self._topic(), handle, count, group):
            yield

    # --- what is measured -------------------------------------------------------------------------------

    def _start(self, reading: Reading) -> Measure:
        async def measure() -> Figures:
            await self._topic()
            progress = Progress(PARTITIONS)
            started = time.perf_counter()
            async with reading(_group(), progress.add):
                await asyncio.wait_for(progress.done.wait(), RUN_TIMEOUT_S)
                return Figures(time.perf_counter() - started, "s")

        return measure

    def _join(self, reading: Reading) -> Measure:
        async def measure() -> Figures:
            group = _group()
            async with AsyncExitStack() as members:
                await members.enter_async_context(reading(group, _ignore))
                await asyncio.sleep(SETTLE_S)
                started = time.perf_counter()
                await members.enter_async_context(reading(group, _ignore))
                return Figures(time.perf_counter() - started, "s")

        return measure

    def _cpu(self, per_s: int, reading: Reading) -> Measure:
        async def measure() -> Figures:
            async with reading(_group(), _ignore), self._fed(per_s):
                await asyncio.sleep(SETTLE_S)
                used, started = time.process_time(), time.perf_counter()
                await asyncio.sleep(self._window_s)
                return Figures(100 * (time.process_time() - used) / (time.perf_counter() - started), "% of a core")

        return measure

    @asynccontextmanager
    async def _fed(self, per_s: int) -> AsyncIterator[None]:
        if not per_s:
            yield
            return
        order = (self._arena.servers, await self._topic(), PARTITIONS, per_s, SETTLE_S + self._window_s + 2)
        process = await asyncio.create_subprocess_exec(sys.executable, "-m", "benchmarks.feed", *map(str, order))
        try:
            yield
        finally:
            await asyncio.wait_for(process.wait(), 30)

    async def _memory(self, records: int) -> Figures:
        """Of a service whose consumer takes 100 ms for each batch, once `records` have been written."""
        topic = await self._arena.topic()
        environment = {
            "KAFKA_BOOTSTRAP_SERVERS": self._arena.servers,
            "ROUTES": "benchmarks.scale:slow",
            SLOW_TOPIC: topic,
        }
        async with server("-m", "app", "server", environment=environment) as running:
            await self._arena.fill(topic, records)
            await asyncio.sleep(self._window_s)
            return Figures(running.rss_mib(), "MiB")


class Slow(Consumer):
    """Takes its time, and looks at every payload."""

    async def consume(self) -> None:
        for message in self.messages:
            message.payload  # noqa: B018  # decoding belongs to it
        await asyncio.sleep(SLOW_S)


def slow(routes: Routes) -> None:
    """The table of the service that falls behind."""
    with routes.group(_group()) as group:
        group.topic(os.environ[SLOW_TOPIC], Slow)


def _ignore(_: int) -> None:
    """For measures that count nothing."""


def _group() -> str:
    return f"g-{uuid.uuid4().hex[:8]}"
