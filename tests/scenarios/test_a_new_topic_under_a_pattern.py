"""A topic that appears later is picked up by its pattern, from its beginning, beside plain topics."""

from __future__ import annotations

from app.routes import Routes
from tests.scenarios.stage import Seen, Stage, recording
from tests.waiting import until


async def test_messages_of_the_new_topic_arrive(stage: Stage, seen: Seen) -> None:
    topic = await stage.topic(prefix="early")
    prefix = f"late{topic[-6:]}"

    def draw(routes: Routes) -> None:
        with routes.group(f"g-{topic}") as group:
            group.topic(topic, recording(seen))
            group.pattern(rf"{prefix}-.*", recording(seen), name="late")

    async with stage.running(draw):
        await stage.producer.produce_sync(topic=topic, payload=1)
        await until(lambda: seen.payloads == [1], "the plain topic's message")
        late = await stage.topic(prefix=prefix)
        await stage.producer.produce_sync(topic=late, payload=2)
        await until(lambda: seen.payloads == [1, 2], "the new topic's message")
        await stage.producer.produce_sync(topic=topic, payload=3)
        await until(lambda: seen.payloads == [1, 2, 3], "the plain topic after the new one came")
