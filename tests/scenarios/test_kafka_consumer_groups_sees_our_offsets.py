"""kafka-consumer-groups sees what we have consumed, while we run and after we have left."""

from __future__ import annotations

from app.events import OffsetsCommitted
from app.routes import Routes
from tests.kafka_tools import describe_group
from tests.scenarios.stage import Seen, Stage, recording
from tests.waiting import until


async def test_committed_offsets_are_those_of_what_was_consumed(stage: Stage, seen: Seen) -> None:
    topic = await stage.topic(partitions=2)
    group_id = f"g-{topic}"
    stage.remember(OffsetsCommitted)

    def draw(routes: Routes) -> None:
        with routes.group(group_id) as group:
            group.topic(topic, recording(seen))

    await stage.producer.produce_many_sync(
        [{"topic": topic, "payload": number, "partition": number % 2} for number in range(31)]
    )
    async with stage.running(draw):
        await until(lambda: len(seen) == 31, "all messages")
        await until(lambda: committed_messages(stage) == 31, "the commits")
        running = await describe_group(stage.servers, group_id, topic)
    assert [(line.committed, line.end, line.lag) for _, line in sorted(running.items())] == [(16, 16, 0), (15, 15, 0)]
    assert all(line.member.startswith("demijohn") for line in running.values())
    await stage.producer.produce_sync(topic=topic, payload="later", partition=1)
    left = await describe_group(stage.servers, group_id, topic)
    assert [(line.committed, line.lag, line.member) for _, line in sorted(left.items())] == [(16, 0, "-"), (15, 1, "-")]


def committed_messages(stage: Stage) -> int:
    latest: dict[object, int] = {}
    for event in stage.happened(OffsetsCommitted):
        latest.update(event.offsets)
    return sum(latest.values())
