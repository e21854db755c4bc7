"""Kafka forbids a member its topic, or its group: the cause is named once, everything else goes on, and when the right
is given everything is consumed without a restart."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from confluent_kafka.admin import (
    AclBinding,
    AclBindingFilter,
    AclOperation,
    AclPermissionType,
    AdminClient,
    ResourcePatternType,
    ResourceType,
)

from app.events import ErrorOccurred
from app.kafka.embedded.apache import ApacheCluster, node_options
from app.kafka.embedded.jars import DEFAULT_DIRECTORY, resolve_jars
from app.routes import Routes
from tests.scenarios.conftest import MakeStage
from tests.scenarios.stage import Seen, Stage, recording
from tests.waiting import until

AUTHORIZING = {
    "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
    "allow.everyone.if.no.acl.found": "true",
}


@pytest.fixture
def own_kafka(tmp_path: Path) -> Iterator[ApacheCluster]:
    """A Kafka that asks who may do what; everybody may do what nothing is said about."""
    resolve_jars()
    options = replace(node_options(DEFAULT_DIRECTORY, heap_mib=256), properties=AUTHORIZING)
    cluster = ApacheCluster(tmp_path / "kafka", options=options)
    asyncio.run(cluster.start())
    yield cluster
    asyncio.run(cluster.stop())


WHOLE, READ, DENY = ResourcePatternType.LITERAL, AclOperation.READ, AclPermissionType.DENY


async def forbid(servers: str, kind: ResourceType, name: str) -> None:
    admin = AdminClient({"bootstrap.servers": servers})
    for made in admin.create_acls([AclBinding(kind, name, WHOLE, "User:ANONYMOUS", "*", READ, DENY)]).values():
        await asyncio.to_thread(made.result, 10)


async def allow(servers: str, kind: ResourceType, name: str) -> None:
    admin = AdminClient({"bootstrap.servers": servers})
    for dropped in admin.delete_acls([AclBindingFilter(kind, name, WHOLE, "User:ANONYMOUS", "*", READ, DENY)]).values():
        await asyncio.to_thread(dropped.result, 10)


@pytest.mark.parametrize("kind", [ResourceType.TOPIC, ResourceType.GROUP])
async def test_it_is_named_and_healed(own_kafka: ApacheCluster, make_stage: MakeStage, kind: ResourceType) -> None:
    stage: Stage = await make_stage(own_kafka.bootstrap_servers)
    stage.remember(ErrorOccurred)
    forbidden, other = await stage.topic(), await stage.topic()
    missed, seen = Seen(), Seen()

    def draw(routes: Routes) -> None:
        for topic, consumer in ((forbidden, recording(missed)), (other, recording(seen))):
            with routes.group(f"g-{topic}") as group:
                group.topic(topic, consumer)

    named = forbidden if kind is ResourceType.TOPIC else f"g-{forbidden}"
    await stage.producer.produce_many_sync([{"topic": topic, "payload": 1} for topic in (forbidden, other)])
    await forbid(stage.servers, kind, named)
    async with stage.running(draw):
        await until(lambda: seen.payloads == [1], "the other topic is consumed")
        await until(lambda: stage.happened(ErrorOccurred), "the cause is named")
        await allow(stage.servers, kind, named)
        await until(lambda: missed.payloads == [1], "it is consumed once that is allowed", 60)
    errors = stage.happened(ErrorOccurred)
    assert {event.kind for event in errors} <= {"consumer.fetch", "consumer.client"}
    assert len({str(event.error) for event in errors}) == len(errors), "each cause once"
    assert any("uthorization" in str(event.error) for event in errors)
