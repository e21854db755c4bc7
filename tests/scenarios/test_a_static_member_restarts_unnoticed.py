"""A static member that is back within its session has its partitions again, and no other member notices."""

from __future__ import annotations

from app.events import PartitionsAssigned, PartitionsRevoked
from app.messages import TopicPartition
from app.routes import Routes
from tests.scenarios.conftest import MakeStage
from tests.scenarios.stage import Seen, Stage, recording
from tests.waiting import until

GROUP_EVENTS = (PartitionsAssigned, PartitionsRevoked)


def given(stage: Stage) -> frozenset[TopicPartition]:
    """The last assignment."""
    assigned = stage.happened(PartitionsAssigned)
    return assigned[-1].partitions if assigned else frozenset()


async def test_the_others_keep_what_they_have(kafka: str, make_stage: MakeStage) -> None:
    restarting = await make_stage(kafka, consumer_instance_id="pod-0")
    staying = await make_stage(kafka, consumer_instance_id="pod-1")
    for stage in (restarting, staying):
        stage.remember(*GROUP_EVENTS)
    topic, seen = await staying.topic(4), Seen()
    await restarting.cluster.refresh(timeout_s=5)

    def draw(routes: Routes) -> None:
        with routes.group(f"g-{topic}") as group:
            group.topic(topic, recording(seen))

    async with staying.running(draw):
        await until(lambda: len(given(staying)) == 4, "the first member has it all")
        async with restarting.running(draw):
            await until(lambda: len(given(restarting)) == len(given(staying)) == 2, "they share")
        kept, before = given(restarting), len(staying.events)
        await staying.producer.produce_many_sync(
            [{"topic": topic, "payload": number, "partition": number % 4} for number in range(40)]
        )
        restarting.events.clear()
        async with restarting.running(draw):
            await until(lambda: given(restarting) == kept, "it has its partitions again")
            await until(lambda: len(seen) == 40, "what came meanwhile is consumed")
            assert len(staying.events) == before, "the other member heard of nothing"
    assert sorted(seen.payloads, key=str) == sorted(range(40), key=str)
