"""Variants with other acks and compressions, and flushes of the buffer, store what they say they do."""

from __future__ import annotations

import pytest

from app.errors import BrokerUnavailable
from app.kafka.embedded.apache import ApacheCluster
from tests.scenarios.conftest import MakeStage
from tests.scenarios.stage import Stage
from tests.scenarios.witness import stored_in
from tests.waiting import until


async def test_each_variants_messages_are_at_the_offsets_of_their_reports(stage: Stage) -> None:
    topic = await stage.topic()
    producer = stage.producer
    variants = [
        producer,
        producer.variant(acks="1"),
        producer.variant(acks="1").variant(compression="zstd"),
        producer.variant(compression="lz4", delivery_timeout_s=60),
    ]
    reports = [
        await variant.produce_sync(topic=topic, payload=b"x" * 500, key=str(n)) for n, variant in enumerate(variants)
    ]
    assert [report.offset for report in reports] == [0, 1, 2, 3]
    unacknowledged = await producer.variant(acks="0").produce_sync(topic=topic, payload=b"y")
    assert (unacknowledged.status, unacknowledged.offset) == ("delivered", None)
    await until(lambda: _stored(stage, topic, 5), "the one without acknowledgement")
    assert [record.key for record in await stored_in(stage.servers, topic)][:4] == [b"0", b"1", b"2", b"3"]


async def _stored(stage: Stage, topic: str, records: int) -> bool:
    return len(await stored_in(stage.servers, topic)) == records


async def test_what_a_flush_could_not_send_while_kafka_was_away_is_sent_in_order_afterwards(
    own_kafka: ApacheCluster, make_stage: MakeStage
) -> None:
    stage = await make_stage(own_kafka.bootstrap_servers)
    topic = await stage.topic()
    producer = stage.producer
    producer.buffer_many([{"topic": topic, "payload": number} for number in range(20)])
    await producer.flush_sync()
    await own_kafka.stop_node(0)
    await until(lambda: stage.cluster.unreachable_for_s > 2.1, "Kafka is known to be away")
    producer.buffer_many([{"topic": topic, "payload": number} for number in range(20, 40)])
    with pytest.raises(BrokerUnavailable):
        await producer.flush_sync()
    producer.buffer(topic=topic, payload=40)
    assert producer.buffer_size == 21
    await own_kafka.start_node(0)
    await until(lambda: not stage.cluster.unreachable_for_s, "Kafka back", 30)
    await producer.flush_sync()
    assert [record.value for record in await stored_in(stage.servers, topic)] == [b"%d" % n for n in range(41)]
