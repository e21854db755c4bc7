"""What cannot be sent is told by its name, at once, and nothing is created or stored for it."""

from __future__ import annotations

import pytest

from app.errors import UnknownPartition, UnknownTopic
from tests.scenarios.stage import Stage
from tests.scenarios.witness import stored_in


async def test_a_topic_that_does_not_exist_is_named_and_not_created(stage: Stage) -> None:
    with pytest.raises(UnknownTopic, match="nobody-made-this"):
        await stage.producer.produce_sync(topic="nobody-made-this", payload=1)
    assert "nobody-made-this" not in await stage.cluster.refresh(timeout_s=5)


async def test_a_partition_that_does_not_exist_is_refused(stage: Stage) -> None:
    topic = await stage.topic(partitions=2)
    with pytest.raises(UnknownPartition):
        await stage.producer.produce_sync(topic=topic, payload=1, partition=2)
    assert await stored_in(stage.servers, topic) == []


async def test_a_topic_that_was_just_created_is_found(stage: Stage) -> None:
    topic = f"{await stage.topic()}-later"
    assert await stage.cluster.create_topic(topic, 1, None, timeout_s=20)
    assert (await stage.producer.produce_sync(topic=topic, payload=1, label="mine")).offset == 0
