"""The pages of topics and of the cluster, on a real Kafka."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiokafka import AIOKafkaConsumer

from app.api.keys import new_key
from app.consumer import Consumer
from app.kafka.admin.protocol import NewTopic
from app.kafka.embedded.mock import MockBroker
from app.messages import TopicPartition
from app.routes.routes import Routes
from app.routes.table import DeadLetter
from tests.dashboard.real_service import RealService, real_service
from tests.waiting import until

WAIT_S = 10.0


class SomeConsumer(Consumer):
    async def consume(self) -> None:
        raise NotImplementedError


@pytest.fixture
async def running(kafka: str) -> AsyncIterator[RealService]:
    def draw(routes: Routes) -> None:
        routes.pattern(r"drawn-.*", SomeConsumer, name="drawn", dead_letter=DeadLetter("drawn.dlq"))

    async with real_service(kafka, draw) as service:
        yield service


async def new_topic(running: RealService, prefix: str = "t", **new: object) -> str:
    topic = f"{prefix}-{uuid.uuid4().hex[:10]}"
    await running.service.services.admin.create_topic(NewTopic(topic, **new), timeout_s=WAIT_S)  # type: ignore[arg-type]

    async def shown() -> bool:
        known = topic in await running.service.services.cluster.refresh(timeout_s=WAIT_S)
        return known and (await running.http.get(f"/dashboard/topics/{topic}")).status_code == 200

    await until(shown, "the topic is shown")
    return topic


async def test_the_list_says_what_is_in_each_topic_and_who_reads_it(running: RealService) -> None:
    topic = await new_topic(running, "drawn", partitions=3, config={"cleanup.policy": "compact"})
    await running.produce(topic, 1, 2, 3, partition=1, key="k")
    admin, group = running.service.services.admin, f"g-{topic}"
    await admin.alter_offsets(group, {TopicPartition(topic, 1): 1}, timeout_s=WAIT_S)

    async def row() -> dict[str, object]:
        (found,) = (await running.get("/dashboard/topics", q=topic))["table"]["rows"]
        return dict(found)

    async def counted() -> bool:
        found = await row()
        return found["messages"] == 3 and bool(found["size_bytes"]) and found["groups"] == [{"group": group, "lag": 2}]

    await until(counted, "the messages are counted")
    found = await row()
    assert {name: found[name] for name in ("partitions", "replicas", "under_replicated", "offline")} == {
        "partitions": 3,
        "replicas": 1,
        "under_replicated": 0,
        "offline": 0,
    }
    assert (found["consumer"], found["dlq"], found["internal"]) == ("SomeConsumer", False, False)
    assert found["cleanup_policy"] == "compact"


async def test_internal_topics_are_listed_on_demand_and_sorted_filtered_and_paged(running: RealService) -> None:
    topics = [await new_topic(running, partitions=number) for number in (1, 2)]
    plain = await running.get("/dashboard/topics", per_page=1000)
    assert not [row for row in plain["table"]["rows"] if row["topic"].startswith("__")]
    everything = await running.get("/dashboard/topics", internal="true", per_page=1000, sort="-partitions")
    counts = [row["partitions"] for row in everything["table"]["rows"]]
    assert counts == sorted(counts, reverse=True)
    assert [row["topic"] for row in (await running.get("/dashboard/topics", q=topics[1]))["table"]["rows"]] == [
        topics[1]
    ]
    assert (await running.get("/dashboard/topics", 400, sort="colour"))["code"] == "invalid_parameter"


async def test_one_topic_tells_its_partitions_configuration_and_groups(running: RealService, kafka: str) -> None:
    topic = await new_topic(running, "drawn", partitions=2, config={"retention.ms": "60000"})
    await running.produce(topic, 1, 2, partition=0)
    group = f"g-{topic}"
    consumer = AIOKafkaConsumer(topic, bootstrap_servers=kafka, group_id=group, auto_offset_reset="earliest")
    await consumer.start()

    async def read() -> bool:
        await consumer.getmany(timeout_ms=100)
        await consumer.commit()
        found = await running.get(f"/dashboard/topics/{topic}")
        told = found["groups"] == [{"group": group, "state": "stable", "lag": 0, "members": 1}]
        return bool(told and found["partitions"][0]["messages"] == 2)

    await until(read, "the group has read all")
    found = await running.get(f"/dashboard/topics/{topic}")
    await consumer.stop()
    first = found["partitions"][0]
    assert (first["partition"], first["begin"], first["end"], first["messages"]) == (0, 0, 2, 2)
    assert first["leader"] in first["isr"]
    config = {entry["name"]: entry for entry in found["config"]}
    assert config["retention.ms"] == {
        "name": "retention.ms",
        "value": "60000",
        "source": "dynamic_topic_config",
        "default": False,
        "read_only": False,
        "sensitive": False,
    }
    assert (found["dlq"], found["masked"], found["routed"]) == (False, False, ["SomeConsumer"])


async def test_a_topic_that_is_not_there_is_not_found(running: RealService) -> None:
    assert (await running.get("/dashboard/topics/nowhere", 404))["code"] == "unknown_topic"


async def test_the_cluster_tells_its_brokers_and_that_all_is_well(running: RealService) -> None:
    found = await running.get("/dashboard/cluster", q="no such topic")
    (broker,) = found["brokers"]
    assert broker["alive"]
    assert broker["leads"] == broker["replicas"] == found["partitions"]
    assert broker["size_bytes"] > 0
    assert found["controller"] == broker["id"]
    assert broker["controller"]
    assert found["down"] == []
    assert found["troubled"]["rows"] == []


async def test_a_key_sees_the_topics_that_it_reaches_and_no_other(
    kafka: str, tmp_path: Path, running: RealService
) -> None:
    mine, other = await new_topic(running, "mine"), await new_topic(running, "other")
    block, secret = new_key("reader", ["read"], ["mine-*"], None)
    file = tmp_path / "keys.toml"
    file.write_text(block)
    async with real_service(kafka, http_api_keys_file=str(file)) as strict:
        strict.http.headers["authorization"] = f"Bearer {secret}"
        rows = (await strict.get("/dashboard/topics", per_page=1000))["table"]["rows"]
        assert mine in {row["topic"] for row in rows}
        assert all(row["topic"].startswith("mine-") for row in rows)
        assert (await strict.get(f"/dashboard/topics/{mine}"))["topic"] == mine
        hidden = [
            f"/dashboard/topics/{other}",
            f"/dashboard/api/topics/{other}/messages",
            f"/dashboard/api/topics/{other}/messages/0/0",
        ]
        for path in hidden:
            assert (await strict.get(path, 404))["detail"] == f"There is no topic {other}"


async def test_with_the_in_memory_broker_what_is_not_told_is_null() -> None:
    broker = MockBroker()
    await broker.start()
    await broker.create_topic("kept", 2)
    async with real_service(broker.bootstrap_servers) as running:
        await running.produce("kept", 1, partition=0)
        (row,) = (await running.get("/dashboard/topics"))["table"]["rows"]
        assert (row["topic"], row["partitions"], row["size_bytes"], row["cleanup_policy"]) == ("kept", 2, None, None)
        found = await running.get("/dashboard/topics/kept")
        assert (found["config"], found["groups"]) == (None, None)
        cluster = await running.get("/dashboard/cluster")
        assert (len(cluster["brokers"]), cluster["controller"]) == (1, None)
        page = await running.get("/dashboard/api/topics/kept/messages")
        assert [message["value"]["text"] for message in page["messages"]] == ["1"]
    await broker.stop()
