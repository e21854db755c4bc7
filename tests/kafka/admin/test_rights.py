"""A right that the service's user lacks is named, whichever way the question goes."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from confluent_kafka.admin import (
    AclBinding,
    AclOperation,
    AclPermissionType,
    AdminClient,
    ResourcePatternType,
    ResourceType,
)

from app.errors import AdminForbidden
from app.kafka.admin.protocol import ConfigChanges, NewTopic
from app.kafka.embedded.apache import ApacheCluster, node_options
from app.kafka.embedded.jars import DEFAULT_DIRECTORY
from app.messages import TopicPartition
from tests.kafka.admin.conftest import MakeAdmin
from tests.waiting import until

AUTHORIZING = {
    "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
    "allow.everyone.if.no.acl.found": "true",
}
WAIT_S = 10.0


@pytest.fixture
def strict_kafka(tmp_path: Path) -> Iterator[ApacheCluster]:
    """A Kafka that asks who may do what; everybody may do what nothing is said about."""
    options = replace(node_options(DEFAULT_DIRECTORY), properties=AUTHORIZING)
    cluster = ApacheCluster(tmp_path / "kafka", options=options)
    asyncio.run(cluster.start())
    yield cluster
    asyncio.run(cluster.stop(0))


async def forbid(servers: str, kind: ResourceType, name: str, *operations: AclOperation) -> None:
    admin = AdminClient({"bootstrap.servers": servers})
    whole, deny = ResourcePatternType.LITERAL, AclPermissionType.DENY
    bindings = [AclBinding(kind, name, whole, "User:ANONYMOUS", "*", operation, deny) for operation in operations]
    for made in admin.create_acls(bindings).values():
        await asyncio.to_thread(made.result, 10)


async def test_it_is_named(strict_kafka: ApacheCluster, make_admin: MakeAdmin) -> None:
    servers = strict_kafka.bootstrap_servers
    admin = make_admin(servers)
    await admin.create_topic(NewTopic("orders", 1), timeout_s=WAIT_S)
    topic = [AclOperation.ALTER_CONFIGS, AclOperation.ALTER, AclOperation.DESCRIBE_CONFIGS]
    await forbid(servers, ResourceType.TOPIC, "orders", *topic)
    await forbid(servers, ResourceType.GROUP, "readers", AclOperation.DELETE)

    async def denied() -> bool:
        try:
            await admin.config("orders", timeout_s=WAIT_S)
        except AdminForbidden:
            return True
        return False

    await until(denied, "Kafka goes by the new rules")
    asked = {
        "Alter on the topic orders": admin.add_partitions("orders", 3, timeout_s=WAIT_S),
        "AlterConfigs on the topic orders": admin.alter_config(
            "orders", ConfigChanges({"retention.ms": "1"}), timeout_s=WAIT_S
        ),
        "DescribeConfigs on the topic orders": admin.config("orders", timeout_s=WAIT_S),
        "Delete on the group readers": admin.delete_groups(["readers"], timeout_s=WAIT_S),
    }
    answers = await asyncio.gather(*asked.values(), return_exceptions=True)
    for right, answer in zip(asked, answers, strict=True):
        assert isinstance(answer, AdminForbidden), f"{right}: {answer!r}"
        assert right in str(answer)
    with pytest.raises(AdminForbidden, match="Delete on the group readers"):
        await admin.delete_offsets("readers", [TopicPartition("orders", 0)], timeout_s=WAIT_S)
    assert await admin.configs(["orders"], timeout_s=WAIT_S) == {}
