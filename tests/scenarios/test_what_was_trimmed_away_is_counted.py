"""A position that Kafka has trimmed away goes on at the first record that is left, whatever `initial_offset` says, and
what lies between is counted."""

from __future__ import annotations

from aiokafka.admin import AIOKafkaAdminClient, RecordsToDelete
from aiokafka.structs import TopicPartition

from app.events import PartitionsAssigned, PositionReset
from app.routes import Routes
from tests.scenarios.stage import Seen, Stage, recording
from tests.waiting import until


async def trim(servers: str, topic: str, before: int) -> None:
    """The log of partition 0 begins at `before` from now on."""
    admin = AIOKafkaAdminClient(bootstrap_servers=servers)
    await admin.start()
    try:
        await admin.delete_records({TopicPartition(topic, 0): RecordsToDelete(before)})
    finally:
        await admin.close()


async def test_a_group_that_comes_back_late_begins_at_what_is_left(stage: Stage, seen: Seen) -> None:
    topic = await stage.topic()
    stage.remember(PartitionsAssigned, PositionReset)

    def draw(routes: Routes) -> None:
        with routes.group(f"g-{topic}", initial_offset="latest") as group:
            group.topic(topic, recording(seen))

    async with stage.running(draw):
        await until(lambda: stage.happened(PartitionsAssigned), "it has begun at the end")
        await stage.producer.produce_many_sync([{"topic": topic, "payload": number} for number in range(10)])
        await until(lambda: len(seen) == 10, "what came since")
    await stage.producer.produce_many_sync([{"topic": topic, "payload": number} for number in range(10, 300)])
    await trim(stage.servers, topic, 100)
    async with stage.running(draw):
        await until(lambda: seen.payloads[-1] == 299, "the end")
    assert seen.offsets(0) == [*range(10), *range(100, 300)]
    assert [(event.old, event.new, event.lost) for event in stage.happened(PositionReset)] == [(10, 100, 90)]
