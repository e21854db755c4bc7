"""Stages on Kafkas, for scenarios."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path

import pytest

from app.kafka.embedded.apache import ApacheCluster
from tests.conftest import start_cluster
from tests.scenarios.stage import Seen, Stage

MakeStage = Callable[..., Awaitable[Stage]]


@pytest.fixture
async def make_stage() -> AsyncIterator[MakeStage]:
    """Makes stages: `await make_stage(servers, consumer_pause_ms=50)`. They are closed at the end."""
    stages: list[Stage] = []

    async def make(servers: str, **changes: object) -> Stage:
        stage = Stage(servers, **changes)
        stages.append(stage)
        await stage.start()
        return stage

    yield make
    await asyncio.gather(*(stage.close() for stage in stages))


@pytest.fixture
async def stage(kafka: str, make_stage: MakeStage) -> Stage:
    """A stage on the Kafka that all tests share."""
    return await make_stage(kafka)


@pytest.fixture
def three_brokers(tmp_path: Path) -> Iterator[ApacheCluster]:
    """Three brokers of the test's own, with Kafka's own patience: 9 s until a silent one counts as dead."""
    cluster = start_cluster(tmp_path / "kafka", nodes=3, session_timeout_ms=9000)
    yield cluster
    asyncio.run(cluster.stop())


@pytest.fixture
def three_quick_brokers(tmp_path: Path) -> Iterator[ApacheCluster]:
    """Three brokers of the test's own that count as dead after 2 s, and so may start again sooner."""
    cluster = start_cluster(tmp_path / "kafka", nodes=3)
    yield cluster
    asyncio.run(cluster.stop())


@pytest.fixture
def seen() -> Seen:
    return Seen()
