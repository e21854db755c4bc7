"""The page that teaches Kafka's words draws this cluster: brokers, partitions with their leaders, who has what."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator
from typing import Any

import pytest

from app.consumer import Consumer
from app.dashboard.learn_page import MOST_MEMBERS, MOST_PARTITIONS, MOST_TOPICS, taught_group, taught_topic
from app.kafka.admin.protocol import GroupDescription, GroupMember, NewTopic, TopicDescription
from app.kafka.topic_details import PartitionDetails
from app.messages import TopicPartition
from app.routes.routes import Routes
from tests.api.service import Service
from tests.dashboard.real_service import RealService, real_service
from tests.waiting import until

WAIT_S = 10.0


class Idle(Consumer):
    async def consume(self) -> None:
        return


@pytest.fixture
def name() -> str:
    return f"learn-{uuid.uuid4().hex[:10]}"


@pytest.fixture
async def running(kafka: str, name: str) -> AsyncIterator[RealService]:
    def draw(routes: Routes) -> None:
        routes.topic(name, Idle)

    async with real_service(kafka, draw, consumer_group_id=f"g-{name}") as service:
        yield service


async def test_the_group_of_the_table_is_drawn_with_its_members_and_topics(running: RealService, name: str) -> None:
    services = running.service.services
    await services.admin.create_topic(NewTopic(name, partitions=3), timeout_s=WAIT_S)
    await services.cluster.refresh(timeout_s=WAIT_S)
    await running.service.runtime.start()

    async def document() -> Any:
        return await running.get("/dashboard/learn")

    async def drawn() -> bool:
        found = await document()
        members = [member for group in found["groups"] for member in group["members"]]
        known = {one["begin"] for topic in found["topics"] if topic["topic"] == name for one in topic["partitions"]}
        return any(len(member["partitions"]) == 3 for member in members) and known == {0}

    await until(drawn, "the member has its three partitions, and their offsets are known")
    found = await document()
    assert [broker["id"] for broker in found["brokers"]] == [1]
    topic = found["topics"][0]
    assert (topic["topic"], len(topic["partitions"]), len(found["topics"]) <= MOST_TOPICS) == (name, 3, True)
    assert topic["partitions"][0] == {
        "partition": 0,
        "leader": 1,
        "replicas": [1],
        "isr": [1],
        "begin": 0,
        "end": 0,
    }
    (group,) = found["groups"]
    assert (group["group"], group["idle"]) == (f"g-{name}", 0)
    assert {"member", "instance", "client_id", "partitions"} == set(group["members"][0])


async def test_with_kafka_away_there_is_nothing_to_draw(service: Service) -> None:
    service.kafka.reachable = False
    answer = await service.http.get("/dashboard/learn", headers={"accept": "application/json"})
    assert (answer.status_code, answer.json()["code"]) == (503, "broker_unavailable")


def test_what_would_not_fit_a_picture_is_counted_and_left_out() -> None:
    details = tuple(PartitionDetails(number, -1 if number == 0 else 1, (1,), ()) for number in range(500))
    topic = taught_topic(TopicDescription("t", False, details), {}, {TopicPartition("t", 1): 7})
    assert (topic["count"], len(topic["partitions"])) == (500, MOST_PARTITIONS)
    assert [(one["leader"], one["end"]) for one in topic["partitions"][:2]] == [(None, None), (1, 7)]
    members = tuple(
        GroupMember(f"m{number}", "c", "h", None, (TopicPartition("t", number),) if number < 500 else ())
        for number in range(510)
    )
    group = taught_group(GroupDescription("g", "stable", None, "range", 1, members))
    assert (len(group["members"]), group["idle"]) == (MOST_MEMBERS, 10)
