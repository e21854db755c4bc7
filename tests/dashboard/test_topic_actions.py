"""What operators do to topics, on a real Kafka."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from app.api.keys import new_key
from app.consumer import Consumer
from app.events import OperatorActed
from app.exploring.explorer import Wanted
from app.kafka.embedded.mock import MockBroker
from app.routes.routes import Routes
from app.routes.table import DeadLetter
from tests.dashboard.real_service import RealService, real_service
from tests.waiting import until

WAIT_S = 10.0


class SomeConsumer(Consumer):
    async def consume(self) -> None:
        raise NotImplementedError


def draw(routes: Routes) -> None:
    routes.topic("drawn-topic", SomeConsumer, dead_letter=DeadLetter("drawn-topic.dlq"))


@pytest.fixture
async def running(kafka: str) -> AsyncIterator[RealService]:
    async with real_service(kafka, draw, dashboard_actions=True) as service:
        yield service


def new_name(prefix: str = "t") -> str:
    return f"{prefix}-{uuid.uuid4().hex[:10]}"


async def create(running: RealService, topic: str | None = None, **body: Any) -> str:
    topic = topic or new_name()
    await running.act("POST", "/dashboard/api/topics", {"topic": topic, **body}, 201)
    await until_known(running, topic)
    return topic


async def until_known(running: RealService, topic: str) -> None:
    async def known() -> bool:
        return topic in await running.service.services.cluster.refresh(timeout_s=WAIT_S)

    await until(known, f"{topic} is known")


async def config_of(running: RealService, topic: str) -> Mapping[str, Any]:
    return {entry["name"]: entry for entry in (await running.get(f"/dashboard/topics/{topic}"))["config"]}


async def test_a_topic_is_created_shown_at_once_and_deleted(running: RealService) -> None:
    acted: list[OperatorActed] = []
    running.service.monitor.subscribe(OperatorActed, acted.append)
    assert (await running.get("/dashboard/topics", q="t-"))["table"]["matched"] >= 0
    topic = await create(running, partitions=3, config={"retention.ms": "60000"})
    found = await running.get(f"/dashboard/topics/{topic}")
    assert len(found["partitions"]) == 3
    assert (await config_of(running, topic))["retention.ms"]["value"] == "60000"
    path = f"/dashboard/api/topics/{topic}"
    assert (await running.act("DELETE", path, {"confirm": "other"}, 422))["errors"][0]["path"] == "confirm"
    await running.act("DELETE", path, {"confirm": topic})

    async def gone() -> bool:
        return (await running.http.get(f"/dashboard/topics/{topic}")).status_code == 404

    await until(gone, "the topic is gone")
    assert [(event.action, event.target, event.outcome) for event in acted] == [
        ("topic.create", topic, "done"),
        ("topic.delete", topic, "refused"),
        ("topic.delete", topic, "done"),
    ]


async def test_what_kafka_refuses_is_told_in_its_words(running: RealService) -> None:
    topic = await create(running)
    refused = await running.act("POST", "/dashboard/api/topics", {"topic": topic}, 422)
    assert (refused["code"], "there is a topic of this name" in refused["detail"]) == ("kafka_refused", True)
    refused = await running.act("POST", "/dashboard/api/topics", {"topic": "bad name"}, 422)
    assert "invalid" in refused["detail"]
    refused = await running.act("POST", "/dashboard/api/topics", {"topic": new_name(), "replication": 99}, 422)
    assert refused["code"] == "kafka_refused"


@pytest.mark.parametrize("topic", ["drawn-topic", "drawn-topic.dlq"])
async def test_topics_that_the_service_works_with_are_not_deleted(running: RealService, topic: str) -> None:
    await running.http.post("/dashboard/api/topics", json={"topic": topic})
    await until_known(running, topic)
    refused = await running.act("DELETE", f"/dashboard/api/topics/{topic}", {"confirm": topic}, 409)
    assert refused["code"] == "conflict"
    assert topic in await running.service.services.admin.topics(timeout_s=WAIT_S)


@pytest.mark.parametrize("topic", ["__mine", "demijohn_mine"])
async def test_names_that_are_kept_for_kafka_and_the_service_are_not_taken(running: RealService, topic: str) -> None:
    await running.act("POST", "/dashboard/api/topics", {"topic": topic}, 403)


async def test_partitions_are_added_after_a_preview_that_warns(running: RealService) -> None:
    topic = await create(running, partitions=2)
    path = f"/dashboard/api/topics/{topic}/partitions"
    preview = await running.act("POST", path, {"count": 5, "preview": True})
    assert (preview["old"], preview["new"], preview["applied"]) == (2, 5, False)
    assert "Keys move" in preview["warning"]
    assert len((await running.get(f"/dashboard/topics/{topic}"))["partitions"]) == 2
    assert (await running.act("POST", path, {"count": 5}))["applied"]

    async def five() -> bool:
        return len((await running.get(f"/dashboard/topics/{topic}"))["partitions"]) == 5

    await until(five, "it has five partitions")
    fewer = await running.act("POST", path, {"count": 4}, 422)
    assert "cannot be taken away" in fewer["detail"]


async def test_a_configuration_is_changed_after_a_preview_of_old_and_new(running: RealService) -> None:
    topic = await create(running, config={"retention.ms": "60000", "segment.ms": "50000"})
    path = f"/dashboard/api/topics/{topic}/config"
    wanted = {"set": {"retention.ms": "90000"}, "reset": ["segment.ms"]}
    preview = await running.act("PATCH", path, {**wanted, "preview": True})
    assert preview["changes"] == [
        {"name": "retention.ms", "old": "60000", "new": "90000", "was_default": False},
        {"name": "segment.ms", "old": "50000", "new": None, "was_default": False},
    ]
    assert (await config_of(running, topic))["retention.ms"]["value"] == "60000"
    assert (await running.act("PATCH", path, wanted))["applied"]

    async def changed() -> bool:
        config = await config_of(running, topic)
        return bool(config["retention.ms"]["value"] == "90000" and config["segment.ms"]["default"])

    await until(changed, "the configuration is changed")
    for body in ({}, {"set": {"colour": "red"}}, {"set": {"retention.ms": "1"}, "reset": ["retention.ms"]}):
        assert (await running.act("PATCH", path, body, 422))["code"] == "invalid_action"
    refused = await running.act("PATCH", path, {"set": {"retention.ms": "soon"}, "preview": True}, 422)
    assert refused["code"] == "kafka_refused"


async def test_a_message_is_sent_once_more_byte_by_byte(running: RealService) -> None:
    topic, target = await create(running, partitions=1), await create(running, partitions=1)
    producer = running.service.producer
    headers = [("a", b"\x00\xff"), ("a", b"2"), ("none", None)]
    await producer.produce_sync(topic=topic, payload=b"\xff\x00raw", key=b"\x01key", headers=headers)
    await producer.produce_sync(topic=topic, payload=None, key=b"gone")
    path = f"/dashboard/api/topics/{topic}/messages"
    report = await running.act("POST", f"{path}/0/0/republish", {"topic": target})
    assert (report["topic"], report["partition"], report["offset"], report["status"]) == (target, 0, 0, "delivered")
    again = await running.act("POST", f"{path}/0/1/republish", {})
    assert (again["topic"], again["offset"]) == (topic, 2)
    page = await running.service.services.explorer.page(Wanted(target), 5)
    (copy,) = page.messages
    assert (copy.value, copy.key, list(copy.headers)) == (b"\xff\x00raw", b"\x01key", headers)
    tombstone = (await running.get(f"{path}/0/2"))["value"]
    assert tombstone["form"] == "null"
    await running.act("POST", f"{path}/0/99/republish", {}, 404)
    await running.act("POST", f"{path}/0/0/republish", {"topic": "nowhere"}, 404)


async def test_without_the_setting_nobody_acts(kafka: str) -> None:
    async with real_service(kafka) as running:
        body = {"topic": new_name()}
        assert "Actions are off" in (await running.act("POST", "/dashboard/api/topics", body, 403))["detail"]


async def test_a_key_acts_on_the_topics_that_it_reaches_only(running: RealService, kafka: str, tmp_path: Path) -> None:
    other = await create(running)
    block, secret = new_key("boss", ["admin"], ["mine-*"], None)
    file = tmp_path / "keys.toml"
    file.write_text(block)
    async with real_service(kafka, http_api_keys_file=str(file)) as strict:
        strict.http.headers["authorization"] = f"Bearer {secret}"
        await strict.act("POST", "/dashboard/api/topics", {"topic": new_name("theirs")}, 403)
        mine = await create(strict, new_name("mine"))
        for method, path, body in (
            ("DELETE", f"/dashboard/api/topics/{other}", {"confirm": other}),
            ("POST", f"/dashboard/api/topics/{other}/partitions", {"count": 9}),
            ("PATCH", f"/dashboard/api/topics/{other}/config", {"reset": ["retention.ms"]}),
            ("POST", f"/dashboard/api/topics/{other}/messages/0/0/republish", {"topic": mine}),
            ("POST", f"/dashboard/api/topics/{mine}/messages/0/0/republish", {"topic": other}),
        ):
            assert (await strict.act(method, path, body, 404))["detail"] == f"There is no topic {other}"


async def test_the_in_memory_broker_says_that_it_cannot() -> None:
    broker = MockBroker()
    await broker.start()
    await broker.create_topic("kept", 2)
    async with real_service(broker.bootstrap_servers, dashboard_actions=True) as running:
        refused = await running.act("POST", "/dashboard/api/topics", {"topic": "new"}, 501)
        assert refused["code"] == "not_supported"
        await running.act("POST", "/dashboard/api/topics/kept/partitions", {"count": 9}, 501)
    await broker.stop()
