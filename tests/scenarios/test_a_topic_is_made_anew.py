"""A topic is deleted and created again under its name while it is consumed: what was marked of the old one says nothing
of the new one, which is read from its beginning, whole; a restart goes on behind it."""

from __future__ import annotations

import pytest

from app.errors import KafkaUnavailable
from app.events import TopicCreatedAnew
from app.routes import Routes
from tests.kafka_tools import describe_group
from tests.scenarios.conftest import MakeStage
from tests.scenarios.stage import Seen, Stage, recording
from tests.scenarios.topics import delete
from tests.waiting import until


@pytest.mark.parametrize("commit_interval_ms", [60_000, 100], ids=["marks pending", "marks committed"])
async def test_every_record_of_the_new_topic_is_delivered(
    kafka: str, make_stage: MakeStage, seen: Seen, commit_interval_ms: int
) -> None:
    stage = await make_stage(kafka, consumer_commit_interval_ms=commit_interval_ms, consumer_metadata_max_age_ms=1000)
    topic = await stage.topic()
    group_id = f"g-{topic}"

    def draw(routes: Routes) -> None:
        with routes.group(group_id) as group:
            group.topic(topic, recording(seen))

    await stage.producer.produce_many_sync([{"topic": topic, "payload": number} for number in range(50)])
    stage.remember(TopicCreatedAnew)
    async with stage.running(draw):
        await until(lambda: len(seen) == 50, "the old topic was read")
        await delete(stage.servers, topic)
        await until(lambda: _made(stage, topic), "it was made anew")
        await stage.cluster.refresh(timeout_s=5)
        await stage.producer.produce_many_sync([{"topic": topic, "payload": 100 + number} for number in range(20)])
        await until(lambda: {100 + number for number in range(20)} <= set(seen.payloads), "the new topic was read", 60)
    await stage.producer.produce_sync(topic=topic, payload=120)
    async with stage.running(draw):
        await until(lambda: 120 in seen.payloads, "what came while nobody consumed")
    new = [payload for payload in seen.payloads[50:] if isinstance(payload, int) and payload >= 100]
    assert list(dict.fromkeys(new)) == [100 + number for number in range(21)]
    assert (await describe_group(stage.servers, group_id, topic))[0].committed == 21


async def _made(stage: Stage, topic: str) -> bool:
    try:
        return await stage.cluster.create_topic(topic, 1, timeout_s=5)
    except KafkaUnavailable:
        return False
