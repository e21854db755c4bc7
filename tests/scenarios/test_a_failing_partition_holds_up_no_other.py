"""A partition that fails for ever holds up no other."""

from __future__ import annotations

from app.routes import Routes
from tests.scenarios.stage import Seen, Stage, recording
from tests.waiting import until


async def test_messages_of_the_other_partition_arrive_in_order(stage: Stage, seen: Seen) -> None:
    topic = await stage.topic(partitions=2)
    await stage.producer.produce_sync(topic=topic, payload=b'"bad"', partition=0)

    def draw(routes: Routes) -> None:
        with routes.group(f"g-{topic}") as group:
            group.topic(topic, recording(seen, refuse=lambda payload: payload == "bad"))

    async with stage.running(draw):
        for number in range(20):
            await stage.producer.produce_sync(topic=topic, payload=number, partition=1)
        await until(lambda: len(seen) == 20, "the other partition's messages")
    assert seen.payloads == list(range(20))
