"""A stop ends in time whatever hangs, names what it cut, and says so by its exit code."""

from __future__ import annotations

import signal
import time

import pytest

from app.kafka.embedded.apache import ApacheCluster
from tests.scenarios.conftest import MakeStage
from tests.scenarios.stage import Stage
from tests.service_process import service


async def test_messages_that_a_hung_broker_does_not_take_are_counted_by_topic(
    own_kafka: ApacheCluster, make_stage: MakeStage
) -> None:
    stage = await make_stage(own_kafka.bootstrap_servers)
    topic = await stage.topic()
    async with service(stage.servers, "--no-consumers", shutdown_timeout_s=6) as process:
        await process.until_ready()
        assert (await process.produce(topic, 1)).status_code == 200
        own_kafka.pause_node(0)
        receipts = [(await process.produce(topic, number, mode="async")).json() for number in range(5)]
        assert len(receipts) == 5
        started = time.monotonic()
        process.send(signal.SIGTERM)
        code = await process.ended(8)
        own_kafka.resume_node(0)
        assert time.monotonic() - started < 6
        assert code == 2, process.text
    assert any(topic in line and "Not delivered at closing: 5 messages" in line for line in process.log), process.text


@pytest.mark.parametrize("shutdown_timeout_s", [4, 0.5])
async def test_a_job_that_does_not_end_is_cut_and_named(stage: Stage, shutdown_timeout_s: float) -> None:
    topic = await stage.topic()
    draw = "tests.scenarios.tables:endless"
    async with service(
        stage.servers, draw=draw, environment={"TOPIC": topic}, shutdown_timeout_s=shutdown_timeout_s
    ) as process:
        await process.until_ready()
        await process.produce(topic, 1)
        await process.until_logged("has begun")
        process.send(signal.SIGTERM)
        assert await process.ended(6) == 2, process.text
    assert f"The job of Endless on {topic}-0 did not end in time and was cut" in process.text


async def test_a_second_signal_ends_it_within_three_seconds(stage: Stage) -> None:
    topic = await stage.topic()
    draw = "tests.scenarios.tables:endless"
    async with service(stage.servers, draw=draw, environment={"TOPIC": topic}, shutdown_timeout_s=25) as process:
        await process.until_ready()
        await process.produce(topic, 1)
        await process.until_logged("has begun")
        process.send(signal.SIGTERM)
        await process.until_logged("quieting")
        process.send(signal.SIGTERM)
        assert await process.ended(3) == 2, process.text


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_an_idle_service_ends_with_0(stage: Stage, number: signal.Signals) -> None:
    async with service(stage.servers) as process:
        await process.until_ready()
        process.send(number)
        assert await process.ended(10) == 0, process.text
    assert "Traceback" not in process.text


async def test_a_critical_error_of_a_consumer_stops_it_with_3(stage: Stage) -> None:
    topic = await stage.topic()
    await stage.producer.produce_sync(topic=topic, payload=1)
    draw = "tests.scenarios.tables:quits"
    async with service(stage.servers, draw=draw, environment={"TOPIC": topic}) as process:
        assert await process.ended(30) == 3, process.text
    assert "Quits" in process.text
