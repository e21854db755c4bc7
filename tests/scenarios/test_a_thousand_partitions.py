"""A thousand partitions of several topics work in one instance, move to a second and back, and nothing is missed."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from app.consumer import Consumer
from app.events import PartitionsAssigned
from app.kafka.embedded.apache import ApacheCluster
from app.routes import Routes
from tests.conftest import start_cluster
from tests.scenarios.conftest import MakeStage
from tests.scenarios.stage import Stage
from tests.waiting import until

TOPICS, PARTITIONS = 4, 250
ALL = TOPICS * PARTITIONS
Place = tuple[str, int]


@pytest.fixture
def roomy_kafka(tmp_path: Path) -> Iterator[ApacheCluster]:
    """A Kafka of the test's own, with memory for a thousand partitions."""
    cluster = start_cluster(tmp_path / "kafka", heap_mib=768)
    yield cluster
    asyncio.run(cluster.stop())


class Given:
    """What consumers were given: the numbers of each partition, in the order of their arrival."""

    def __init__(self) -> None:
        self.numbers: dict[Place, list[int]] = {}

    def complete(self, rounds: int) -> bool:
        """Whether every partition has been given the numbers of all rounds, however often."""
        return len(self.numbers) == ALL and all(set(given) == set(range(rounds)) for given in self.numbers.values())

    def consumer(self) -> type[Consumer]:
        numbers = self.numbers

        class Collecting(Consumer):
            async def consume(self) -> None:
                numbers.setdefault((self.topic, self.partition), []).extend(self.messages.payloads)

        return Collecting


async def send_round(stage: Stage, topics: Sequence[str], number: int) -> None:
    """One message to every partition."""
    messages = [
        {"topic": topic, "partition": partition, "payload": number}
        for topic in topics
        for partition in range(PARTITIONS)
    ]
    reports = await stage.producer.produce_many_sync(messages)
    assert all(report.error is None for report in reports)


async def test_they_are_read_in_order_by_one_by_two_and_by_one_again(
    roomy_kafka: ApacheCluster, make_stage: MakeStage
) -> None:
    first = await make_stage(roomy_kafka.bootstrap_servers)
    second = await make_stage(roomy_kafka.bootstrap_servers)
    topics = [await first.topic(PARTITIONS) for _ in range(TOPICS)]
    await second.cluster.refresh(timeout_s=10)
    first.remember(PartitionsAssigned)
    second.remember(PartitionsAssigned)
    given = Given()

    def draw(routes: Routes) -> None:
        with routes.group(f"g-{topics[0]}") as group:
            for topic in topics:
                group.topic(topic, given.consumer())

    async with first.running(draw):
        await send_round(first, topics, 0)
        await until(lambda: given.complete(1), "one instance has read all", 60)
        async with second.running(draw):
            await until(lambda: shares(first, second) == [ALL // 2, ALL // 2], "each has its half", 60)
            await send_round(first, topics, 1)
            await until(lambda: given.complete(2), "two instances have read all", 60)
        await until(lambda: shares(first, second)[0] == ALL, "the first has them all again", 60)
        await send_round(first, topics, 2)
        await until(lambda: given.complete(3), "one instance has read all again", 60)
    assert [len(event.partitions) for event in first.happened(PartitionsAssigned)] == [ALL, ALL // 2, ALL]
    assert [len(event.partitions) for event in second.happened(PartitionsAssigned)] == [ALL // 2]
    assert all(given == sorted(given) for given in given.numbers.values()), "out of order"
    assert sum(map(len, given.numbers.values())) == 3 * ALL, "delivered twice although nothing went wrong"


def shares(*stages: Stage) -> list[int]:
    """How many partitions each instance has, as of its last assignment."""
    last = [stage.happened(PartitionsAssigned)[-1:] for stage in stages]
    return [len(event.partitions) for events in last for event in events]
