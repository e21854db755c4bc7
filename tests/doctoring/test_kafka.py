"""What doctor says of a real Kafka."""

from __future__ import annotations

import pytest

from app.cli.connecting import connect_admin
from app.consumer import Consumer
from app.doctoring import kafka as checked
from app.doctoring.examination import Finding, examine
from app.doctoring.kafka import kafka_checks
from app.doctoring.network import Address
from app.kafka.admin.client import KafkaAdmin
from app.kafka.admin.protocol import ConfigChanges, Rights
from app.messages import TopicPartition
from app.producer import Producer
from app.routes import DeadLetter, Routes
from app.routes.loading import draw_table
from app.settings import Settings
from tests.conftest import MakeTopic
from tests.service_process import free_port

WAIT_S = 10.0


class Nothing(Consumer):
    async def consume(self) -> None:
        return


async def found(settings: Settings, topic: str, dlq: str = "") -> dict[str, Finding]:
    def draw(routes: Routes) -> None:
        with routes.group(f"g-{topic}") as group:
            group.topic(topic, Nothing, dead_letter=DeadLetter(dlq) if dlq else None)

    async with connect_admin(settings) as admin:
        checks = kafka_checks(settings, draw_table(draw, settings), admin)
        return {one.check: one async for one in examine(checks)}


async def test_all_is_well_but_for_the_single_replica(settings: Settings, make_topic: MakeTopic) -> None:
    topic = await make_topic()
    seen = await found(settings, topic)
    assert {name: one.state for name, one in seen.items() if one.state != "ok"} == {"replication": "warn"}, seen
    assert seen["groups"].detail == f"g-{topic} is new"


async def test_topics_that_are_missing_fail_unless_they_will_be_created(
    settings: Settings, make_topic: MakeTopic
) -> None:
    topic = await make_topic()
    seen = await found(settings, topic, dlq="no-such-dlq")
    assert (seen["topics"].state, seen["dead letter topics"].state) == ("ok", "fail")
    assert "no-such-dlq: not there" in seen["dead letter topics"].detail
    creating = settings.model_copy(update={"kafka_create_topics": True})
    assert (await found(creating, "no-such-topic"))["topics"].state == "ok"


async def test_limits_and_lost_records_are_warned_about(
    settings: Settings, make_topic: MakeTopic, producer: Producer
) -> None:
    topic = await make_topic()
    at = TopicPartition(topic, 0)
    await producer.produce_many_sync([{"topic": topic, "payload": number} for number in range(5)])
    async with connect_admin(settings) as admin:
        await admin.alter_config(topic, ConfigChanges({"max.message.bytes": "5000"}), timeout_s=WAIT_S)
        await admin.alter_offsets(f"g-{topic}", {at: 1}, timeout_s=WAIT_S)
        await admin.delete_records({at: 3}, timeout_s=WAIT_S)
    seen = await found(settings, topic)
    assert f"{topic} takes 5000 bytes, PRODUCER_MAX_PAYLOAD_BYTES is" in seen["topic limits"].detail
    assert seen["groups"].detail == f"g-{topic} stands at 1 of {topic}-0, which begins at 3"
    assert (seen["topic limits"].state, seen["groups"].state) == ("warn", "warn")


async def test_a_right_that_the_brokers_say_is_missing_fails(
    settings: Settings, make_topic: MakeTopic, monkeypatch: pytest.MonkeyPatch
) -> None:
    topic, dlq = await make_topic(), await make_topic()
    assert "are allowed: 3 topics and groups" in (await found(settings, topic, dlq))["rights"].detail
    fewer = Rights({topic: frozenset({"read"}), dlq: frozenset({"read"})}, {f"g-{topic}": frozenset({"describe"})})

    async def told(*_: object, **__: object) -> Rights:
        return fewer

    monkeypatch.setattr(KafkaAdmin, "rights", told)
    seen = (await found(settings, topic, dlq))["rights"]
    assert seen.state == "fail"
    assert seen.detail == f"the user may not: read on the group g-{topic}, write on the topic {dlq}"


async def test_advertised_addresses_that_cannot_be_reached_fail(
    settings: Settings, make_topic: MakeTopic, monkeypatch: pytest.MonkeyPatch
) -> None:
    topic, port = await make_topic(), free_port()
    monkeypatch.setattr(checked, "Address", lambda host, _: Address(host, port))
    seen = await found(settings, topic)
    assert (seen["login"].state, seen["advertised brokers"].state, seen["topics"].state) == ("ok", "fail", "skipped")
    assert "advertised.listeners" in (seen["advertised brokers"].remedy or "")
