"""SIGTERM under load: no call is broken off, what was answered with success is stored, what was consumed is committed,
the exit in time."""

from __future__ import annotations

import asyncio
import itertools
import signal
import time
from pathlib import Path

import httpx

from tests.scenarios.observed import Observed
from tests.scenarios.stage import Stage
from tests.scenarios.verdicts import Load
from tests.scenarios.witness import stored_in
from tests.service_process import ServiceProcess, service
from tests.waiting import until

SHUTDOWN_TIMEOUT_S = 10


class Callers:
    """Sends numbered payloads by all three ways until nobody can connect any more. Fails where a call is broken off."""

    def __init__(self, process: ServiceProcess, topic: str) -> None:
        self.accepted: set[int] = set()
        self.refused: set[str] = set()
        self._process = process
        self._topic = topic
        self._numbers = itertools.count()

    async def sync(self) -> None:
        await self._call(lambda number: self._process.produce(self._topic, number), 1)

    async def queued(self) -> None:
        await self._call(lambda number: self._process.produce(self._topic, number, mode="async"), 1)

    async def batch(self) -> None:
        def send(number: int) -> object:
            messages = [{"topic": self._topic, "payload": number + index} for index in range(10)]
            return self._process.client.post("/produce/batch", json={"messages": messages})

        await self._call(send, 10)

    async def on_new_connections(self) -> None:
        async def send(number: int) -> httpx.Response:
            async with httpx.AsyncClient(base_url=self._process.url, timeout=35, trust_env=False) as client:
                return await client.post("/produce", json={"topic": self._topic, "payload": number})

        await self._call(send, 1)

    async def _call(self, send: object, messages: int) -> None:
        while True:
            number = next(self._numbers) * 10
            try:
                answer: httpx.Response = await send(number)  # type: ignore[operator]  # a function of a number
            except httpx.ConnectError:
                return
            if answer.is_success:
                self.accepted |= {number + index for index in range(messages)}
            else:
                self.refused.add(answer.json()["code"])


async def test_every_accepted_message_is_in_the_topic(stage: Stage) -> None:
    topic = await stage.topic(partitions=3)
    async with service(stage.servers, "--no-consumers", shutdown_timeout_s=SHUTDOWN_TIMEOUT_S) as process:
        await process.until_ready()
        callers = Callers(process, topic)
        calls = [callers.sync] * 6 + [callers.queued] * 4 + [callers.batch] * 2 + [callers.on_new_connections] * 2
        tasks = [asyncio.create_task(call()) for call in calls]
        while len(callers.accepted) < 2000:
            await asyncio.sleep(0.02)
        started = time.monotonic()
        process.send(signal.SIGTERM)
        assert await process.ended(SHUTDOWN_TIMEOUT_S) == 0, process.text
        assert time.monotonic() - started < SHUTDOWN_TIMEOUT_S
        await asyncio.wait_for(asyncio.gather(*tasks), 10)
    stored = {int(record.value or b"") for record in await stored_in(stage.servers, topic)}
    assert callers.accepted <= stored
    assert callers.refused <= {"draining"}


async def test_the_next_instance_is_given_everything_else_and_nothing_twice(stage: Stage, tmp_path: Path) -> None:
    topic = await stage.topic(partitions=3)
    load, observed = Load(stage.producer, topic), Observed(f"g-{topic}")
    journals = [
        {"TOPIC": topic, "JOURNAL_WORK_S": "0.02", "JOURNAL": str(observed.journal(name, tmp_path / name))}
        for name in ("first", "second")
    ]
    draw = "tests.scenarios.tables:journal"
    async with service(stage.servers, draw=draw, environment=journals[0]) as first, load.running():
        await until(lambda: len(observed.given()) > 300, "the first instance at work")
        first.send(signal.SIGTERM)
        assert await first.ended(SHUTDOWN_TIMEOUT_S) == 0, first.text
    observed.loaded(load)
    async with service(stage.servers, draw=draw, environment=journals[1]) as second:
        await observed.until_given(load.delivered())
        second.send(signal.SIGTERM)
        assert await second.ended(SHUTDOWN_TIMEOUT_S) == 0, second.text
    report = await observed.check(stage.servers)
    assert not report.faults, report
    assert report.given == report.records, report
    assert observed.given("second"), "some was left for the second"
