"""Members join and leave every second: what was finished is given to nobody again, all in order."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from app.routes import Routes
from tests.history_journal import lasting
from tests.scenarios.conftest import MakeStage
from tests.scenarios.observed import Observed
from tests.scenarios.stage import Draw, Stage
from tests.scenarios.verdicts import Load
from tests.waiting import until

SEED = 7
ROUNDS = 10


class Crowd:
    """Members of one group on stages of their own, never fewer than one."""

    def __init__(self, stages: list[Stage], observed: Observed, topic: str) -> None:
        self._idle = stages
        self._members: list[tuple[Stage, AsyncExitStack]] = []
        self._observed = observed
        self._topic = topic
        self._joined = 0

    @asynccontextmanager
    async def present(self) -> AsyncIterator[None]:
        """One member at first; all leave at the end."""
        await self.join()
        try:
            yield
        finally:
            while self._members:
                await self.leave()

    async def change(self, random_: random.Random) -> None:
        """One joins, or one leaves."""
        leaving = len(self._members) > 1 and (not self._idle or random_.random() < 0.5)
        await (self.leave(random_.randrange(len(self._members))) if leaving else self.join())

    async def join(self) -> None:
        self._joined += 1
        stage, life = self._idle.pop(), AsyncExitStack()
        self._members.append((stage, life))
        await life.enter_async_context(stage.running(self._draw(f"member {self._joined}")))

    async def leave(self, index: int = 0) -> None:
        stage, life = self._members.pop(index)
        await life.aclose()
        self._idle.append(stage)

    def _draw(self, instance: str) -> Draw:
        consumer = self._observed.consumer(instance, lasting(0.02))

        def draw(routes: Routes) -> None:
            with routes.group(self._observed.group) as group:
                group.topic(self._topic, consumer)

        return draw


async def test_rebalance_after_rebalance_loses_and_repeats_nothing(kafka: str, make_stage: MakeStage) -> None:
    stages = [await make_stage(kafka) for _ in range(4)]
    topic = await stages[0].topic(partitions=6)
    for stage in stages:
        await stage.cluster.refresh(timeout_s=5)
    load, observed, random_ = Load(stages[0].producer, topic), Observed(f"g-{topic}"), random.Random(SEED)
    crowd = Crowd(stages[1:], observed, topic)
    async with crowd.present():
        async with load.running():
            await until(lambda: observed.given(), "the first member at work")
            for _ in range(ROUNDS):
                await crowd.change(random_)
                await asyncio.sleep(1)
        observed.loaded(load)
        await observed.until_given(load.delivered())
    report = await observed.check(kafka)
    assert not report.faults, report
    assert report.given == report.records, report
