"""Two to four instances of the service, which are killed, hung, stopped and started at random."""

from __future__ import annotations

import asyncio
import random
import signal
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.scenarios.observed import Observed
from tests.service_process import ServiceProcess, service

FEWEST, MOST = 2, 4
HANG_S = (1.0, 10.0)
"""Some hang shorter than their session of 6 s, some longer."""
PAUSE_S = (1.0, 5.0)
WORK_S = 0.02
STOP_TIMEOUT_S = 30.0
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Instance:
    """One run of the service, and what ends it."""

    name: str
    process: ServiceProcess
    life: AsyncExitStack


class Instances:
    """Those that run, and what has been done to them. `complaints` are ends that were not as they should be."""

    def __init__(self, servers: str, topic: str, observed: Observed, directory: Path, say: Say) -> None:
        self.faults: Counter[str] = Counter()
        self.complaints: list[str] = []
        self._servers = servers
        self._topic = topic
        self._observed = observed
        self._directory = directory
        self._say = say
        self._running: list[Instance] = []
        self._started = 0

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """The fewest at first. At the end those that are left stop in order, or are killed where the block failed."""
        try:
            for _ in range(FEWEST):
                await self.start()
            yield
            for instance in list(self._running):
                await self.stop(instance)
        finally:
            for instance in self._running:
                await instance.life.aclose()

    async def hurt(self, random_: random.Random, deadline: float, pace: float) -> None:
        """One trouble after the other until `deadline` (of `time.monotonic`); each is over before the next. All
        lengths of time are multiplied by `pace`."""
        while time.monotonic() < deadline:
            await asyncio.sleep(random_.uniform(*PAUSE_S) * pace)
            kind = random_.choice(["kill -9", "hang", "stop", "start"])
            victim = random_.choice(self._running)
            if kind == "start" and len(self._running) < MOST:
                await self.start()
            elif kind == "hang":
                await self.hang(victim, random_.uniform(*HANG_S) * pace)
            else:
                kind = "stop" if kind == "start" else kind
                await (self.stop(victim) if kind == "stop" else self.kill(victim))
                await asyncio.sleep(random_.uniform(*PAUSE_S) * pace)
                if len(self._running) < FEWEST:
                    await self.start()
            self.faults[f"{kind} of an instance"] += 1

    async def start(self) -> None:
        """Starts one more, and does not wait for it."""
        self._started += 1
        name, life = f"instance-{self._started}", AsyncExitStack()
        journal = self._observed.journal(name, self._directory / name)
        environment = {"TOPIC": self._topic, "JOURNAL": str(journal), "JOURNAL_WORK_S": str(WORK_S)}
        draw = "tests.scenarios.tables:journal"
        process = await life.enter_async_context(service(self._servers, draw=draw, environment=environment))
        self._running.append(Instance(name, process, life))
        self._say(f"{name} (pid {process.pid}) starts: {len(self._running)} run")

    async def stop(self, instance: Instance) -> None:
        """SIGTERM, which is to end with 0 once the process has its signals in hand."""
        await instance.process.until_logged("Listening on", STOP_TIMEOUT_S)
        self._say(f"{instance.name} is stopped")
        instance.process.send(signal.SIGTERM)
        code = await instance.process.ended(STOP_TIMEOUT_S)
        if code != 0:
            self.complaints.append(f"{instance.name} ended with exit code {code}:\n{instance.process.text[-3000:]}")
        await self._gone(instance)

    async def kill(self, instance: Instance) -> None:
        """SIGKILL."""
        self._say(f"{instance.name} is killed with -9")
        with self._observed.trouble("killed", instance.name):
            instance.process.send(signal.SIGKILL)
            await instance.process.ended()
        await self._gone(instance)

    async def hang(self, instance: Instance, seconds: float) -> None:
        """SIGSTOP, and SIGCONT after so long."""
        self._say(f"{instance.name} hangs for {seconds:.1f} s")
        with self._observed.trouble("hung", instance.name):
            instance.process.send(signal.SIGSTOP)
            await asyncio.sleep(seconds)
            instance.process.send(signal.SIGCONT)

    async def _gone(self, instance: Instance) -> None:
        self._running.remove(instance)
        (self._directory / f"{instance.name}.log").write_text(instance.process.text)
        await instance.life.aclose()
