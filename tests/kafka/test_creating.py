"""Topics that a service wants to be there."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import pytest

from app.errors import KafkaUnavailable
from app.events import TopicCreated, WarningRaised
from app.kafka import creating
from app.kafka.creating import BROKER_DEFAULT, TopicCreation
from tests.fakes import FakeKafka, Heard
from tests.waiting import until


class Brokers(FakeKafka):
    """Brokers that create topics, with three partitions where nobody says how many."""

    def __init__(self) -> None:
        super().__init__({"there": 1})
        self.asked: list[tuple[str, int]] = []

    async def create_topic(
        self, topic: str, partitions: int, config: Mapping[str, str] | None = None, *, timeout_s: float
    ) -> bool:
        self.asked.append((topic, partitions))
        self.topic_partitions[topic] = 3
        return True


@pytest.fixture
def brokers() -> Brokers:
    return Brokers()


@pytest.fixture
def heard() -> Heard:
    return Heard(TopicCreated, WarningRaised)


async def test_what_is_missing_is_created_with_the_brokers_defaults_and_told(brokers: Brokers, heard: Heard) -> None:
    await TopicCreation(brokers, heard.monitor).create({"there", "b", "a"})
    assert brokers.asked == [("a", BROKER_DEFAULT), ("b", BROKER_DEFAULT)]
    assert [(event.topic, event.partitions) for event in heard.of(TopicCreated)] == [("a", 3), ("b", 3)]


async def test_it_waits_for_kafka_and_says_so(brokers: Brokers, heard: Heard, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(creating, "RETRY_PAUSE_S", 0.001)
    brokers.reachable = False
    creation = asyncio.create_task(TopicCreation(brokers, heard.monitor).create({"a"}))
    await until(lambda: len(heard.of(WarningRaised)) > 1, "it tries again")
    brokers.reachable = True
    await asyncio.wait_for(creation, 5)
    assert brokers.asked == [("a", BROKER_DEFAULT)]


async def test_another_way_to_create_is_used_where_there_is_one(brokers: Brokers, heard: Heard) -> None:
    created: list[str] = []

    async def create(topic: str) -> bool:
        created.append(topic)
        return False

    await TopicCreation(brokers, heard.monitor, create).create({"a"})
    assert (created, brokers.asked, heard.events) == (["a"], [], [])


async def test_a_topic_that_could_not_be_created_is_tried_again(
    brokers: Brokers, heard: Heard, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(creating, "RETRY_PAUSE_S", 0.001)
    failures = [KafkaUnavailable("not now")]

    async def create(topic: str) -> bool:
        if failures:
            raise failures.pop()
        brokers.topic_partitions[topic] = 4
        return True

    await TopicCreation(brokers, heard.monitor, create).create({"a"})
    assert [event.code for event in heard.of(WarningRaised)] == ["topics_not_created"]
    assert [event.partitions for event in heard.of(TopicCreated)] == [4]
