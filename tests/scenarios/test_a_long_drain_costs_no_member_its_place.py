"""A member drains longer than a request may take: whoever joins meanwhile waits for it, and no coordinator counts as
dead."""

from __future__ import annotations

import asyncio
import logging

import pytest

from app.consumer import Consumer
from app.events import CommitFailed, ErrorOccurred, PartitionsAssigned
from app.routes import Routes
from tests.scenarios.conftest import MakeStage
from tests.scenarios.stage import Seen
from tests.waiting import until

DRAIN_S = 4.0
REQUEST_TIMEOUT_MS = 2000


async def test_the_newcomer_waits_for_the_drain(
    kafka: str, make_stage: MakeStage, seen: Seen, caplog: pytest.LogCaptureFixture
) -> None:
    changes = {
        "kafka_request_timeout_ms": REQUEST_TIMEOUT_MS,
        "consumer_rebalance_timeout_ms": 20_000,
        "consumer_drain_ms": 10_000,
    }
    first, second = await make_stage(kafka, **changes), await make_stage(kafka, **changes)
    topic = await first.topic(partitions=2)
    for stage in (first, second):
        stage.remember(PartitionsAssigned, CommitFailed, ErrorOccurred)
    begun = asyncio.Event()

    class Slow(Consumer):
        async def consume(self) -> None:
            if not begun.is_set():
                begun.set()
                while not self.is_revoked:
                    await asyncio.sleep(0.05)
                await asyncio.sleep(DRAIN_S)
            seen.all += [(message.partition, message.offset, message.payload) for message in self.messages]

    def draw(routes: Routes) -> None:
        with routes.group(f"g-{topic}") as group:
            group.topic(topic, Slow)

    await first.producer.produce_sync(topic=topic, payload=1, partition=0)
    async with first.running(draw):
        await until(begun.is_set, "the job runs")
        async with second.running(draw):
            await until(lambda: second.happened(PartitionsAssigned), "the newcomer has its part", 30)
            await second.producer.produce_sync(topic=topic, payload=2, partition=1)
            await until(lambda: {1, 2} <= set(seen.payloads), "both were consumed")
            assert seen.payloads.count(1) == 1
    for stage in (first, second):
        assert stage.happened(CommitFailed) + stage.happened(ErrorOccurred) == []
    assert [record for record in caplog.records if record.levelno >= logging.ERROR] == []
