"""Topics of a pattern come and go: each change is one rebalance, and new ones are read from their beginning."""

from __future__ import annotations

import asyncio
from functools import partial

from app.events import ClientRebuilt, CommitFailed, ErrorOccurred, GroupSubscribed, PartitionsAssigned
from app.routes import Routes
from tests.scenarios.stage import Draw, Seen, Stage, recording
from tests.scenarios.topics import delete
from tests.waiting import until


def drawing(topic: str, prefix: str, seen: Seen) -> Draw:
    def draw(routes: Routes) -> None:
        with routes.group(f"g-{topic}") as group:
            group.topic(topic, recording(seen))
            group.pattern(rf"{prefix}-.*", recording(seen), name="late")

    return draw


def counts(seen: Seen, messages: int) -> bool:
    return len(seen) == messages


async def test_messages_of_the_new_topic_arrive_after_one_rebalance(stage: Stage, seen: Seen) -> None:
    stage.remember(PartitionsAssigned, ClientRebuilt)
    topic = await stage.topic(prefix="early")
    prefix = f"late{topic[-6:]}"
    async with stage.running(drawing(topic, prefix, seen)):
        await stage.producer.produce_sync(topic=topic, payload=1)
        await until(lambda: seen.payloads == [1], "the plain topic's message")
        late = await stage.topic(prefix=prefix)
        await stage.producer.produce_sync(topic=late, payload=2)
        await until(lambda: seen.payloads == [1, 2], "the new topic's message, written before it was joined")
        await stage.producer.produce_sync(topic=topic, payload=3)
        await until(lambda: seen.payloads == [1, 2, 3], "the plain topic after the new one came")
        assert len(stage.happened(PartitionsAssigned)) == 2
    assert stage.happened(ClientRebuilt) == []


async def test_deleted_topics_go_away_quietly(stage: Stage, seen: Seen) -> None:
    stage.remember(PartitionsAssigned, ClientRebuilt, ErrorOccurred, CommitFailed, GroupSubscribed)
    topic = await stage.topic(prefix="early")
    prefix = f"late{topic[-6:]}"
    late = await stage.topic(prefix=prefix)
    async with stage.running(drawing(topic, prefix, seen)):
        await stage.producer.produce_sync(topic=late, payload=1)
        await until(lambda: seen.payloads == [1], "a message")
        await delete(stage.servers, late)
        await until(lambda: stage.happened(GroupSubscribed)[-1].topics == (topic,), "it has gone")
        await stage.producer.produce_sync(topic=topic, payload=2)
        await until(lambda: seen.payloads == [1, 2], "the other topic's message")
    assert stage.happened(ClientRebuilt) == []
    assert stage.happened(ErrorOccurred) == []
    assert len(stage.happened(PartitionsAssigned)) <= 3


async def test_many_topics_that_come_and_go_leave_nothing_behind(stage: Stage, seen: Seen) -> None:
    stage.remember(ClientRebuilt, GroupSubscribed)
    topic = await stage.topic(prefix="early")
    prefix = f"late{topic[-6:]}"
    async with stage.running(drawing(topic, prefix, seen)) as runtime:
        for number in range(2):
            fresh = await asyncio.gather(*(stage.topic(prefix=prefix) for _ in range(5)))
            for name in fresh:
                await stage.producer.produce_sync(topic=name, payload=number)
            await until(partial(counts, seen, 5 * (number + 1)), "the new topics' messages", 30)
            await delete(stage.servers, *fresh)
        await until(lambda: stage.happened(GroupSubscribed)[-1].topics == (topic,), "only the plain topic is left")
        membership = runtime.groups[0]._membership
        assert membership is not None
        assert membership._client.assignment() <= {(topic, 0)}
        await until(lambda: membership._workers.partitions == {(topic, 0)}, "one worker")
        await stage.producer.produce_sync(topic=topic, payload=99)
        await until(lambda: seen.payloads[-1] == 99, "the plain topic's message")
    assert stage.happened(ClientRebuilt) == []
