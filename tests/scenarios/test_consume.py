"""Consuming from a real Kafka: nothing is lost, order is kept, and only the guilty record is set aside."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import ClassVar

import pytest

from app.consumer import Consumer
from app.consuming.runtime import Runtime
from app.events import Monitor
from app.kafka.cluster import Cluster
from app.kafka.consumer_client import AiokafkaConsumer
from app.kafka.protocols import AssignmentListener
from app.messages import TopicPartition
from app.producer import Producer
from app.routes import DeadLetter, Routes
from app.routes.loading import draw_table
from app.settings import Settings
from tests.conftest import MakeTopic
from tests.waiting import until

Seen = list[tuple[int, int, object]]


class Recording(Consumer):
    """Remembers what it was given; refuses what is "bad"."""

    seen: ClassVar[Seen] = []
    ended: ClassVar[list[str]] = []

    async def consume(self) -> None:
        for message in self.messages:
            if message.payload == "bad":
                raise ValueError("refused")
            self.seen.append((message.partition, message.offset, message.payload))

    async def shutdown(self) -> None:
        self.ended.append("shutdown")

    async def revoked(self) -> None:
        self.ended.append("revoked")


@pytest.fixture
def consumer() -> type[Recording]:
    """A recording consumer of the test's own."""

    class OwnRecording(Recording):
        seen: ClassVar[Seen] = []
        ended: ClassVar[list[str]] = []

    return OwnRecording


def has_seen(consumer: type[Recording], messages: int) -> bool:
    return len(consumer.seen) >= messages


@asynccontextmanager
async def running(
    settings: Settings, cluster: Cluster, producer: Producer, draw: Callable[[Routes], None]
) -> AsyncIterator[Runtime]:
    def open_consumer(group: str, topics: Sequence[str], listener: AssignmentListener) -> AiokafkaConsumer:
        return AiokafkaConsumer(settings, settings.kafka_bootstrap_servers, group, topics, listener)

    runtime = Runtime(settings, draw_table(draw, settings), cluster, open_consumer, producer, Monitor())
    await runtime.start()
    try:
        yield runtime
    finally:
        report = await runtime.stop(time.monotonic() + 10)
        assert report.cut_jobs == ()


async def test_a_restart_resumes_where_the_last_run_stopped(
    settings: Settings, cluster: Cluster, producer: Producer, make_topic: MakeTopic, consumer: type[Recording]
) -> None:
    topic = await make_topic(partitions=2)

    def draw(routes: Routes) -> None:
        with routes.group(f"g-{topic}") as group:
            group.topic(topic, consumer)

    for start in (0, 50):
        await producer.produce_many_sync(
            [{"topic": topic, "payload": n, "key": str(n)} for n in range(start, start + 50)]
        )
        async with running(settings, cluster, producer, draw):
            await until(partial(has_seen, consumer, start + 50), "all messages")
    assert sorted(int(str(payload)) for _, _, payload in consumer.seen) == list(range(100))
    assert consumer.ended.count("shutdown") >= 2
    assert "revoked" not in consumer.ended


async def test_a_bad_record_in_the_middle_of_a_batch_reaches_the_dlq_alone(
    settings: Settings, cluster: Cluster, producer: Producer, make_topic: MakeTopic, consumer: type[Recording]
) -> None:
    topic, dlq = await make_topic(), await make_topic()
    payloads: list[object] = [*range(5), b'"bad"', 6, b"{undecodable", 8, 9]
    await producer.produce_many_sync([{"topic": topic, "payload": p, "key": "k"} for p in payloads])
    letters: list[tuple[int, dict[str, object]]] = []

    class Dead(Consumer):
        async def consume(self) -> None:
            letters.extend((message.offset, dict(message.headers)) for message in self.messages)

    def draw(routes: Routes) -> None:
        with routes.group(f"g-{topic}") as group:
            group.topic(topic, consumer, dead_letter=DeadLetter(dlq, max_retries=1))
            group.topic(dlq, Dead)

    async with running(settings, cluster, producer, draw):
        await until(lambda: len(letters) == 2 and {9} <= {seen[2] for seen in consumer.seen}, "two dead letters")
    assert {payload for _, _, payload in consumer.seen} == {0, 1, 2, 3, 4, 6, 8, 9}
    facts = {str(headers["source_offset"]): headers for _, headers in letters}
    assert sorted(facts) == ["5", "7"]
    assert facts["5"]["error_class"] == "builtins.ValueError"
    assert facts["5"]["source_attempts"] == "3"
    assert facts["7"]["error_class"] == "app.errors.UndecodablePayload"
    assert facts["5"]["source_consumer_group"] == f"g-{topic}"


async def test_a_failing_partition_holds_up_no_other(
    settings: Settings, cluster: Cluster, producer: Producer, make_topic: MakeTopic, consumer: type[Recording]
) -> None:
    topic = await make_topic(partitions=2)
    await producer.produce_sync(topic=topic, payload=b'"bad"', partition=0)

    def draw(routes: Routes) -> None:
        with routes.group(f"g-{topic}") as group:
            group.topic(topic, consumer)

    async with running(settings, cluster, producer, draw):
        for number in range(20):
            await producer.produce_sync(topic=topic, payload=number, partition=1)
        await until(lambda: len(consumer.seen) == 20, "the other partition's messages")
    assert [payload for _, _, payload in consumer.seen] == list(range(20))


async def test_a_topic_that_appears_later_is_picked_up_by_its_pattern(
    settings: Settings, cluster: Cluster, producer: Producer, make_topic: MakeTopic, consumer: type[Recording]
) -> None:
    topic = await make_topic(prefix="early")
    prefix = f"late{topic[-6:]}"

    def draw(routes: Routes) -> None:
        with routes.group(f"g-{topic}") as group:
            group.topic(topic, consumer)
            group.pattern(rf"{prefix}-.*", consumer, name="late")

    async with running(settings, cluster, producer, draw):
        await producer.produce_sync(topic=topic, payload=b'"first"')
        await until(lambda: len(consumer.seen) == 1, "the plain topic's message")
        late = await make_topic(prefix=prefix)
        await producer.produce_sync(topic=late, payload=b'"second"')
        await until(lambda: len(consumer.seen) == 2, "the new topic's message")


async def test_what_was_finished_is_committed_at_the_stop(
    settings: Settings, cluster: Cluster, producer: Producer, make_topic: MakeTopic, consumer: type[Recording]
) -> None:
    topic = await make_topic()
    await producer.produce_many_sync([{"topic": topic, "payload": number} for number in range(30)])

    def draw(routes: Routes) -> None:
        with routes.group(f"g-{topic}") as group:
            group.topic(topic, consumer)

    slow = settings.model_copy(update={"consumer_commit_interval_ms": 60_000})
    async with running(slow, cluster, producer, draw):
        await until(lambda: len(consumer.seen) == 30, "all messages")
    committed = await committed_by(settings, f"g-{topic}", topic)
    assert committed == 30


async def committed_by(settings: Settings, group: str, topic: str) -> int | None:
    """What the group has committed for partition 0, as another client sees it."""

    class Nobody:
        async def on_revoked(self, partitions: frozenset[TopicPartition]) -> None: ...
        async def on_assigned(self, partitions: frozenset[TopicPartition]) -> None: ...

    client = AiokafkaConsumer(settings, settings.kafka_bootstrap_servers, group, [topic], Nobody())
    await client.start()
    try:
        at = TopicPartition(topic, 0)
        return (await client.committed([at], timeout_s=5))[at]
    finally:
        await asyncio.wait_for(client.stop(3), 10)
