"""SIGTERM under load: every message that was answered with success is in the topic, and the exit is in time."""

from __future__ import annotations

import asyncio
import itertools
import signal
import time

import httpx

from tests.scenarios.stage import Stage
from tests.scenarios.witness import stored_in
from tests.service_process import ServiceProcess, service

SHUTDOWN_TIMEOUT_S = 10


class Callers:
    """Sends numbered payloads by all three ways until the service answers no more."""

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

    async def _call(self, send: object, messages: int) -> None:
        while True:
            number = next(self._numbers) * 10
            try:
                answer: httpx.Response = await send(number)  # type: ignore[operator]  # a function of a number
            except httpx.TransportError:
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
        calls = [callers.sync] * 6 + [callers.queued] * 4 + [callers.batch] * 2
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
