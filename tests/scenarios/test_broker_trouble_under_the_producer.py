"""A broker is stopped, killed, hung, slow or restarted under a producer: its verdicts stay true, and it goes on."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Literal

import pytest

from app.events import MessagesSettled
from app.kafka.embedded.apache import ApacheCluster
from tests.scenarios.conftest import MakeStage
from tests.scenarios.verdicts import Load, assert_verdicts_are_true
from tests.waiting import until

Trouble = Literal["stopped", "killed", "hung", "restarted", "slow"]
AWAY_S = 4.0
"""Longer than the two seconds after which sync calls fail at once."""


async def make_trouble(kafka: ApacheCluster, trouble: Trouble) -> None:
    if trouble in ("stopped", "restarted"):
        await kafka.stop_node(0)
    elif trouble == "slow":
        await be_slow(kafka)
    elif trouble == "killed":
        await kafka.kill_node(0)
    else:
        kafka.pause_node(0)


async def be_slow(kafka: ApacheCluster) -> None:
    """For a while it gets no processor nine tenths of the time."""
    for _ in range(10):
        kafka.pause_node(0)
        await asyncio.sleep(0.45)
        kafka.resume_node(0)
        await asyncio.sleep(0.05)


async def end_trouble(kafka: ApacheCluster, trouble: Trouble) -> None:
    if trouble == "slow":
        return
    if trouble == "hung":
        kafka.resume_node(0)
    else:
        await kafka.start_node(0)


@pytest.mark.parametrize("trouble", ["stopped", "killed", "hung", "restarted", "slow"])
async def test_verdicts_stay_true_and_producing_goes_on(
    own_kafka: ApacheCluster, make_stage: MakeStage, trouble: Trouble
) -> None:
    stage = await make_stage(own_kafka.bootstrap_servers)
    stage.remember(MessagesSettled)
    topic = await stage.topic(partitions=3)
    load = Load(stage.producer, topic)
    async with load.running():
        await until(lambda: load.count("delivered") > 100, "the first deliveries")
        await make_trouble(own_kafka, trouble)
        await asyncio.sleep(0 if trouble in ("restarted", "slow") else AWAY_S)
        await end_trouble(own_kafka, trouble)
        await until(lambda: not stage.cluster.unreachable_for_s, "Kafka back", 30)
        wanted = load.count("delivered") + 200
        await until(partial(has_delivered, load, wanted), "deliveries afterwards", 40)
    await assert_verdicts_are_true(stage, topic, load)
    if trouble in ("hung", "slow"):
        assert load.count("delivered") == len(load.verdicts), "a broker that was only silent answers in the end"
    elif trouble != "restarted":
        assert load.count("failed") > 0, "calls made while Kafka is known to be away fail at once"


def has_delivered(load: Load, messages: int) -> bool:
    return load.count("delivered") >= messages


async def test_a_broker_that_never_comes_back_leaves_every_message_a_verdict_and_the_close_is_bounded(
    own_kafka: ApacheCluster, make_stage: MakeStage
) -> None:
    stage = await make_stage(own_kafka.bootstrap_servers)
    topic = await stage.topic(partitions=2)
    await stage.producer.produce_sync(topic=topic, payload=b"before")
    own_kafka.pause_node(0)
    handles = [await stage.producer.produce_async(topic=topic, payload=number) for number in range(200)]
    async with asyncio.timeout(8):
        report = await stage.producer.close(5)
    assert sum(report.undelivered.values()) == 200
    assert {handle.status for handle in handles} <= {"failed", "unknown"}
    own_kafka.resume_node(0)
