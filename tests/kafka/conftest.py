"""Brokers, topics and a guard against what clients may leave behind, for the tests of the seam."""

from __future__ import annotations

import asyncio
import gc
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from app.kafka.cluster import Cluster
from app.kafka.connection import prepare_aiokafka
from app.kafka.embedded.apache import ApacheCluster, archive_classes, node_options
from app.kafka.embedded.jars import DEFAULT_DIRECTORY
from app.settings import Settings
from tests.kafka.doubles import Remembering, settings_of

MakeTopic = Callable[..., Awaitable[str]]


@pytest.fixture(scope="session", autouse=True)
def _prepared() -> None:
    prepare_aiokafka()


def _start(directory: Path) -> ApacheCluster:
    asyncio.run(archive_classes(DEFAULT_DIRECTORY))
    cluster = ApacheCluster(directory, options=node_options(DEFAULT_DIRECTORY))
    asyncio.run(cluster.start())
    return cluster


@pytest.fixture(scope="session")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApacheCluster]:
    """A broker that all tests share: none stops it."""
    cluster = _start(tmp_path_factory.mktemp("kafka"))
    yield cluster
    asyncio.run(cluster.stop(0))


@pytest.fixture(scope="module")
def _mortal_kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApacheCluster]:
    cluster = _start(tmp_path_factory.mktemp("mortal"))
    yield cluster
    asyncio.run(cluster.stop(0))


@pytest.fixture
async def own_kafka(_mortal_kafka: ApacheCluster) -> AsyncIterator[ApacheCluster]:
    """A broker to kill and to pause; it is well again for the next test."""
    yield _mortal_kafka
    _mortal_kafka.resume_node(0)
    if not _mortal_kafka.nodes[0].running:
        await _mortal_kafka.start_node(0)


@pytest.fixture
async def make_topic() -> AsyncIterator[MakeTopic]:
    """Creates topics of new names: `await make_topic(kafka, partitions, **config)`."""
    clusters: dict[str, Cluster] = {}

    async def make(kafka: ApacheCluster, partitions: int = 1, **config: str) -> str:
        servers = kafka.bootstrap_servers
        cluster = clusters.setdefault(servers, Cluster(settings_of(servers), servers, Remembering().monitor))
        topic = f"t-{uuid.uuid4().hex[:10]}"
        dotted = {name.replace("_", "."): value for name, value in config.items()}
        assert await cluster.create_topic(topic, partitions, dotted, timeout_s=20)
        return topic

    yield make
    for cluster in clusters.values():
        await cluster.stop()


@pytest.fixture
async def nothing_left() -> AsyncIterator[None]:
    """Fails the test if a task outlives it, or if an error ended in the loop's exception handler."""
    loop = asyncio.get_running_loop()
    complaints: list[dict[str, Any]] = []
    loop.set_exception_handler(lambda _, context: complaints.append(context))
    before = asyncio.all_tasks()
    yield
    async with asyncio.timeout(5):
        while left := asyncio.all_tasks() - before - {asyncio.current_task()}:
            await asyncio.wait(left, timeout=0.1)
    gc.collect()
    await asyncio.sleep(0)
    assert complaints == []


@pytest.fixture
def settings(kafka: ApacheCluster) -> Settings:
    return settings_of(kafka.bootstrap_servers)
