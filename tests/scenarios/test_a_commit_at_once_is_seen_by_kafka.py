"""A consumer that marks and commits at once: Kafka has the offset before the job ends, and with manual offsets
nothing else is ever committed."""

from __future__ import annotations

import asyncio

from app.consumer import Consumer
from app.routes import Routes
from tests.kafka_tools import describe_group
from tests.scenarios.conftest import MakeStage
from tests.waiting import until


async def test_kafka_has_the_offset_while_the_job_still_runs(kafka: str, make_stage: MakeStage) -> None:
    stage = await make_stage(kafka, consumer_commit_interval_ms=60_000)
    topic = await stage.topic()
    group_id = f"g-{topic}"
    answers: list[bool] = []
    leave = asyncio.Event()

    class Careful(Consumer):
        async def consume(self) -> None:
            answers.append(await self.mark_as_consumed_now(self.messages[2]))
            await leave.wait()

    def draw(routes: Routes) -> None:
        with routes.group(group_id, manual_offsets=True) as group:
            group.topic(topic, Careful, min_messages=5)

    await stage.producer.produce_many_sync([{"topic": topic, "payload": number} for number in range(5)])
    async with stage.running(draw):
        await until(lambda: answers, "the commit came back")
        running = await describe_group(stage.servers, group_id, topic)
        leave.set()
    left = await describe_group(stage.servers, group_id, topic)
    assert answers == [True]
    assert [(line.committed, line.lag) for line in running.values()] == [(3, 2)]
    assert [(line.committed, line.lag) for line in left.values()] == [(3, 2)]
