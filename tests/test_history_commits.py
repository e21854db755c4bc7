"""Commits read out of Kafka's own topic are those that a client made, in order."""

from __future__ import annotations

import time
import uuid

import pytest

from app.kafka.consumer_client import AiokafkaConsumer
from app.messages import TopicPartition
from app.settings import Settings
from tests.conftest import MakeTopic
from tests.history_commits import commits_of, decoded, partition_of
from tests.kafka.doubles import Listener
from tests.waiting import until


async def test_every_commit_is_found_in_order(kafka: str, settings: Settings, make_topic: MakeTopic) -> None:
    started, topic, group = time.time(), await make_topic(partitions=2), f"g-{uuid.uuid4().hex[:8]}"
    client = AiokafkaConsumer(settings, kafka, group, [topic], Listener())
    await client.start()
    await until(lambda: len(client.assignment()) == 2, "both partitions")
    for first, second in [(1, 5), (2, 4), (2, 9)]:
        offsets = {TopicPartition(topic, 0): first, TopicPartition(topic, 1): second}
        await client.commit(offsets, timeout_s=10)
    await client.stop(5)
    commits = await commits_of(kafka, group, started)
    assert [one.offset for one in commits if one.partition == 0] == [1, 2, 2]
    assert [one.offset for one in commits if one.partition == 1] == [5, 4, 9]
    assert {one.topic for one in commits} == {topic}
    assert all(started - 1 <= one.at <= time.time() + 1 for one in commits)


@pytest.mark.parametrize("key", [b"", b"\x00\x02\x00\x01g"])
def test_records_of_another_kind_are_no_commits(key: bytes) -> None:
    assert decoded(key, b"\x00\x03", 1.0) is None


def test_a_dropped_commit_is_none() -> None:
    assert decoded(b"\x00\x01\x00\x01g\x00\x01t\x00\x00\x00\x00", None, 1.0) is None


def test_groups_lie_where_javas_hash_says() -> None:
    assert partition_of("Aa", 50) == partition_of("BB", 50) == 2112 % 50
    assert partition_of("polygenelubricants", 50) == 0, "the hash is the least whole number"
