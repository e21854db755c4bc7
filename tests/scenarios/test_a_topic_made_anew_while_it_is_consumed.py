"""A topic that is deleted and made anew while it is consumed is read from its beginning, also over a restart."""

from __future__ import annotations

from aiokafka.admin import AIOKafkaAdminClient

from app.routes import Routes
from tests.scenarios.conftest import MakeStage
from tests.scenarios.stage import Seen, recording
from tests.waiting import until


async def test_nothing_of_the_new_topic_is_missed(kafka: str, make_stage: MakeStage) -> None:
    stage = await make_stage(kafka, consumer_commit_interval_ms=100)
    topic, seen = await stage.topic(), Seen()

    def draw(routes: Routes) -> None:
        with routes.group(f"g-{topic}") as group:
            group.topic(topic, recording(seen))

    async with stage.running(draw):
        await stage.producer.produce_many_sync([{"topic": topic, "payload": number} for number in range(50)])
        await until(lambda: len(seen) == 50, "the old topic's messages")
        admin = AIOKafkaAdminClient(bootstrap_servers=kafka)
        await admin.start()
        await admin.delete_topics([topic])
        await admin.close()

        async def made_anew() -> bool:
            return await stage.cluster.create_topic(topic, 1, timeout_s=10)

        await until(made_anew, "the topic is made anew")
        for number in range(100, 105):
            await stage.producer.produce_sync(topic=topic, payload=number)
        await until(lambda: set(seen.payloads) >= set(range(100, 105)), "the new topic's messages", 40)
    await stage.producer.produce_sync(topic=topic, payload=105)
    async with stage.running(draw):
        await until(lambda: 105 in seen.payloads, "what came while nobody consumed")
