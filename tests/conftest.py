"""Fixtures: a real Kafka for the whole run, one of its own for tests that hurt it, a topic for each test."""

from __future__ import annotations

import asyncio
import logging
import os
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Generator, Iterator
from functools import partial
from pathlib import Path

import pytest
from hypothesis import settings as settings_of_hypothesis

from app.events import Monitor
from app.kafka.cluster import Cluster
from app.kafka.connection import prepare_aiokafka
from app.kafka.embedded.apache import ApacheCluster, archive_classes, node_options
from app.kafka.embedded.jars import DEFAULT_DIRECTORY, resolve_jars
from app.kafka.producer_client import open_producer
from app.producer import Producer
from app.settings import Settings

MakeTopic = Callable[..., Awaitable[str]]
settings_of_hypothesis.register_profile("repeatable", deadline=None, derandomize=True)
settings_of_hypothesis.register_profile("search", deadline=None, max_examples=2000)
settings_of_hypothesis.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "repeatable"))


OWN_BROKERS = {"own_kafka", "three_brokers", "three_quick_brokers"}
SEAM = Path(__file__).parent / "kafka"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Marks what needs brokers of its own, so that it can be left out where only a given Kafka can be used."""
    for item in items:
        if OWN_BROKERS & set(getattr(item, "fixturenames", ())) or SEAM in item.path.parents:
            item.add_marker(pytest.mark.own_broker)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """What a test printed goes from the worker that ran it to the terminal, as UTF-8: lone surrogates are escaped."""
    report = yield
    report.sections = [
        (name, text.encode("utf-8", "backslashreplace").decode("utf-8")) for name, text in report.sections
    ]
    return report


def start_cluster(
    directory: Path, nodes: int = 1, session_timeout_ms: int = 2000, heap_mib: int = 256
) -> ApacheCluster:
    """A real Kafka below `directory`. Fails, never skips, where none can be had."""
    resolve_jars()
    asyncio.run(archive_classes(DEFAULT_DIRECTORY))
    options = node_options(DEFAULT_DIRECTORY, heap_mib=heap_mib)
    cluster = ApacheCluster(directory, nodes, options=options, session_timeout_ms=session_timeout_ms)
    asyncio.run(cluster.start())
    return cluster


@pytest.fixture(scope="session", autouse=True)
def _prepared() -> None:
    prepare_aiokafka()
    logging.getLogger("httpx").setLevel(logging.WARNING)  # a line for each request hides what a failure says


@pytest.fixture(scope="session")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Bootstrap servers of a real Kafka: the one that KAFKA_BOOTSTRAP_SERVERS names, else one of our own."""
    given = os.environ.get("KAFKA_BOOTSTRAP_SERVERS")
    if given:
        yield given
        return
    cluster = start_cluster(tmp_path_factory.mktemp("kafka"))
    yield cluster.bootstrap_servers
    asyncio.run(cluster.stop())


@pytest.fixture
def own_kafka(tmp_path: Path) -> Iterator[ApacheCluster]:
    """A Kafka of the test's own, to stop, kill and hang."""
    cluster = start_cluster(tmp_path / "kafka")
    yield cluster
    asyncio.run(cluster.stop())


@pytest.fixture
def settings(kafka: str) -> Settings:
    """Settings for the shared Kafka, quick where a test would else wait."""
    return make_settings(kafka)


def make_settings(servers: str, **changes: object) -> Settings:
    """Settings for a Kafka at `servers`; nothing comes from a file."""
    base: dict[str, object] = {
        "kafka_bootstrap_servers": servers,
        "kafka_request_timeout_ms": 5000,
        "consumer_commit_interval_ms": 300,
        "consumer_pause_ms": 100,
        "consumer_heartbeat_ms": 500,
        "consumer_session_timeout_ms": 6000,
        "consumer_rebalance_timeout_ms": 10_000,
        "consumer_drain_ms": 3000,
        "fleet": "off",
    }
    return Settings.model_validate(base | changes)


@pytest.fixture
async def cluster(settings: Settings) -> AsyncIterator[Cluster]:
    """A view of the shared Kafka, with its probe running."""
    view = Cluster(settings, settings.kafka_bootstrap_servers, Monitor())
    await view.start()
    await view.refresh(timeout_s=5)
    yield view
    await view.stop()


@pytest.fixture
async def make_topic(cluster: Cluster) -> MakeTopic:
    """Creates a topic of a name that nobody has used."""

    async def make(partitions: int = 1, config: dict[str, str] | None = None, prefix: str = "t") -> str:
        name = f"{prefix}-{uuid.uuid4().hex[:10]}"
        assert await cluster.create_topic(name, partitions, config, timeout_s=10)
        return name

    return make


@pytest.fixture
async def producer(settings: Settings, cluster: Cluster) -> AsyncIterator[Producer]:
    """A producer for the shared Kafka."""
    made = Producer(settings, cluster, partial(open_producer, settings, settings.kafka_bootstrap_servers), Monitor())
    yield made
    await made.close(5)
