"""A restart goes on where the last run stopped, and what was finished is committed at the stop."""

from __future__ import annotations

from app.consumer import Consumer
from app.routes import Routes
from tests.kafka_tools import describe_group
from tests.scenarios.conftest import MakeStage
from tests.scenarios.observed import Observed
from tests.scenarios.stage import Draw, Seen, Stage, recording
from tests.waiting import until


def drawing(topic: str, consumer: type[Consumer]) -> Draw:
    def draw(routes: Routes) -> None:
        with routes.group(f"g-{topic}") as group:
            group.topic(topic, consumer)

    return draw


async def test_no_message_is_given_twice_over_ordinary_restarts(stage: Stage) -> None:
    topic = await stage.topic(partitions=2)
    observed = Observed(f"g-{topic}")
    for number in range(3):
        payloads = range(number * 50, (number + 1) * 50)
        messages = [{"topic": topic, "payload": payload} for payload in payloads]
        observed.produced(await stage.producer.produce_many_sync(messages), payloads)
        async with stage.running(drawing(topic, observed.consumer(f"run {number}"))):
            await observed.until_given(payloads)
    report = await observed.check(stage.servers)
    assert not report.faults, report
    assert report.given == report.records == 150


async def test_what_was_finished_is_committed_at_the_stop(kafka: str, make_stage: MakeStage, seen: Seen) -> None:
    stage = await make_stage(kafka, consumer_commit_interval_ms=60_000)
    topic = await stage.topic()
    await stage.producer.produce_many_sync([{"topic": topic, "payload": number} for number in range(30)])
    async with stage.running(drawing(topic, recording(seen))):
        await until(lambda: len(seen) == 30, "all messages")
    assert (await describe_group(kafka, f"g-{topic}", topic))[0].committed == 30


async def test_shutdown_is_told_once_for_each_partition_and_revoked_is_not(stage: Stage) -> None:
    topic = await stage.topic(partitions=2)
    told: list[str] = []
    consumed: list[int] = []

    class Told(Consumer):
        async def consume(self) -> None:
            consumed.append(self.partition)

        async def shutdown(self) -> None:
            told.append(f"shutdown {self.partition}")

        async def revoked(self) -> None:
            told.append(f"revoked {self.partition}")

    for partition in (0, 1):
        await stage.producer.produce_sync(topic=topic, payload=1, partition=partition)
    async with stage.running(drawing(topic, Told)):
        await until(lambda: sorted(consumed) == [0, 1], "both messages")
    assert sorted(told) == ["shutdown 0", "shutdown 1"]
