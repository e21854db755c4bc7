"""A consumer pauses its partition: nothing comes for it, the others go on, and it goes on when it is resumed."""

from __future__ import annotations

from app.consumer import Consumer
from app.events import PartitionsAssigned
from app.messages import TopicPartition
from app.routes import Routes
from tests.scenarios.stage import Seen, Stage, recording
from tests.waiting import until


async def test_others_go_on_while_one_is_paused(stage: Stage, seen: Seen) -> None:
    topic = await stage.topic(partitions=2)
    paused: list[Consumer] = []

    class PausesFirst(Consumer):
        async def consume(self) -> None:
            seen.all += [(message.partition, message.offset, message.payload) for message in self.messages]
            if self.partition == 0 and not paused:
                paused.append(self)
                self.pause()

    def draw(routes: Routes) -> None:
        with routes.group(f"g-{topic}") as group:
            group.topic(topic, PausesFirst, max_messages=1)

    await stage.producer.produce_many_sync([{"topic": topic, "payload": n, "partition": 0} for n in range(3)])
    async with stage.running(draw):
        await until(lambda: paused, "it paused")
        for number in range(20):
            await stage.producer.produce_sync(topic=topic, payload=number, partition=1)
        await until(lambda: len(seen.offsets(1)) == 20, "the other partition")
        assert seen.offsets(0) == [0]
        paused[0].resume()
        await until(lambda: seen.offsets(0) == [0, 1, 2], "the paused partition")


async def test_an_operators_pause_outlives_a_rebalance(stage: Stage, seen: Seen) -> None:
    topic = await stage.topic(partitions=1)
    group_id = f"g-{topic}"
    at = TopicPartition(topic, 0)

    def draw(routes: Routes) -> None:
        with routes.group(group_id) as group:
            group.topic(topic, recording(seen))

    def rebalances() -> int:
        return len([event for event in stage.happened(PartitionsAssigned) if event.group == group_id])

    stage.remember(PartitionsAssigned)
    async with stage.running(draw) as runtime:
        assert runtime.pause(group_id, at, "alice")
        assert not runtime.pause("no such group", at, "alice")
        await until(lambda: rebalances() == 1, "it joined")
        await stage.producer.produce_sync(topic=topic, payload=1)
        async with stage.running(draw) as second:
            second.pause(group_id, at, "alice")
            await until(lambda: rebalances() >= 3, "both have joined")
        assert len(seen) == 0
        runtime.resume(group_id, at)
        await until(lambda: seen.payloads == [1], "it goes on")
