"""A failing partition is retried after growing pauses, and the others go on meanwhile."""

from __future__ import annotations

import asyncio
import itertools

from app.consumer import Consumer
from app.routes import Backoff, Routes
from tests.scenarios.stage import Seen, Stage
from tests.waiting import until

PAUSE_MS = 150


async def test_pauses_double_up_to_their_cap_and_other_partitions_go_on(stage: Stage, seen: Seen) -> None:
    topic = await stage.topic(partitions=2)
    attempts: list[tuple[float, int]] = []

    class FailsFirst(Consumer):
        async def consume(self) -> None:
            if self.partition == 0:
                attempts.append((asyncio.get_running_loop().time(), self.attempt))
                if self.attempt < 5:
                    raise ConnectionError("the database is away")
            seen.all += [(message.partition, message.offset, message.payload) for message in self.messages]

    def draw(routes: Routes) -> None:
        with routes.group(f"g-{topic}") as group:
            group.topic(topic, FailsFirst, backoff=Backoff(PAUSE_MS, 1000, exponential=True))

    await stage.producer.produce_sync(topic=topic, payload=0, partition=0)
    async with stage.running(draw):
        await until(lambda: attempts, "the first attempt")
        for number in range(20):
            await stage.producer.produce_sync(topic=topic, payload=number, partition=1)
        await until(lambda: len(seen.offsets(1)) == 20, "the other partition")
        assert len(attempts) < 5, "the other partition has waited for the failing one"
        await until(lambda: seen.offsets(0) == [0], "the success")
    assert [attempt for _, attempt in attempts] == [1, 2, 3, 4, 5]
    waited_ms = [(later - earlier) * 1000 for (earlier, _), (later, _) in itertools.pairwise(attempts)]
    for waited, least in zip(waited_ms, [2 * PAUSE_MS, 4 * PAUSE_MS, 1000, 1000], strict=True):
        assert waited >= least - 5
