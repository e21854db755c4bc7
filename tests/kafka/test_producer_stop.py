"""A stop of the producer's client ends in time whatever the broker does, and nothing is sent after it."""

from __future__ import annotations

import asyncio
import time
from typing import Literal

import pytest
from aiokafka.errors import ProducerClosed

from app.kafka.embedded.apache import ApacheCluster
from app.kafka.producer_client import AiokafkaProducer, open_producer
from app.kafka.topic_writer import handed_over
from app.messages import TopicPartition
from tests.kafka.conftest import MakeTopic
from tests.kafka.doubles import batch_of, settings_of, until
from tests.kafka.reading import read_all

pytestmark = pytest.mark.usefixtures("nothing_left")
GRACE_S = 0.5
Broker = Literal["up", "refused", "hung"]


async def _open(kafka: ApacheCluster, idempotent: bool) -> AiokafkaProducer:
    settings = settings_of(
        kafka.bootstrap_servers, producer_idempotent=idempotent, producer_acks="all", kafka_request_timeout_ms=10_000
    )
    return await open_producer(settings, kafka.bootstrap_servers)


async def _make(kafka: ApacheCluster, broker: Broker) -> None:
    if broker == "refused":
        await kafka.kill_node(0)
    elif broker == "hung":
        kafka.pause_node(0)


async def _bring_back(kafka: ApacheCluster) -> None:
    kafka.resume_node(0)
    if not kafka.nodes[0].running:
        await kafka.start_node(0)


@pytest.mark.parametrize("pending", [False, True], ids=["nothing pending", "pending"])
@pytest.mark.parametrize("broker", ["up", "refused", "hung"])
@pytest.mark.parametrize("idempotent", [True, False], ids=["idempotent", "plain"])
async def test_a_stop_ends_in_time_and_sends_nothing_afterwards(
    own_kafka: ApacheCluster, make_topic: MakeTopic, idempotent: bool, broker: Broker, pending: bool
) -> None:
    topic = await make_topic(own_kafka, 2)
    first, second = TopicPartition(topic, 0), TopicPartition(topic, 1)
    client = await _open(own_kafka, idempotent)
    await (await handed_over(client, batch_of(client, b"stored"), first, timeout_s=30))
    await (await handed_over(client, batch_of(client, b"stored"), second, timeout_s=30))
    await _make(own_kafka, broker)
    answers = []
    if pending:
        answers.append(await handed_over(client, batch_of(client, b"in flight"), first, timeout_s=30))
        if broker != "up":
            await until(lambda: client._producer._message_accumulator._pending_batches)
        answers.append(await handed_over(client, batch_of(client, b"waiting"), second, timeout_s=30))
    started = time.monotonic()

    await client.stop(GRACE_S)

    assert time.monotonic() - started < GRACE_S + 2
    assert not client.alive
    outcomes = await asyncio.gather(*answers, return_exceptions=True)
    await _bring_back(own_kafka)
    marker = await _open(own_kafka, idempotent)
    await (await handed_over(marker, batch_of(marker, b"marker"), first, timeout_s=30))
    await (await handed_over(marker, batch_of(marker, b"marker"), second, timeout_s=30))
    await marker.stop(1)
    values = [[record.value for record in await read_all(own_kafka, topic, at)] for at in (0, 1)]
    if pending and broker == "up":
        assert values == [[b"stored", b"in flight", b"marker"], [b"stored", b"waiting", b"marker"]]
        assert outcomes == [1, 1]
    else:
        assert [type(outcome) for outcome in outcomes] == [ProducerClosed] * len(answers)
        in_socket = [b"in flight"] if pending and broker == "hung" else []
        assert values in ([[b"stored", *in_socket, b"marker"], [b"stored", b"marker"]],)
