"""What a transaction sends, and the offsets that join it, those who read committed see as a whole or not at all."""

from __future__ import annotations

import asyncio
import uuid

import pytest
from aiokafka import AIOKafkaConsumer
from aiokafka.structs import TopicPartition as KafkaPartition

from app.errors import AbortTransaction, ProduceError, RecordTooLarge, RolledBack, TransactionAborted, TransactionFenced
from app.events import TransactionCommitted
from app.kafka.embedded.apache import ApacheCluster
from app.kafka.producer_client import open_producer
from app.kafka.protocols import ClientOptions
from app.kafka.topic_writer import handed_over
from app.messages import OutgoingMessage, TopicPartition
from tests.scenarios.conftest import MakeStage
from tests.scenarios.stage import Stage
from tests.scenarios.witness import stored_in
from tests.waiting import until


@pytest.fixture
async def stage(kafka: str, make_stage: MakeStage) -> Stage:
    return await make_stage(kafka, producer_transactional_id_prefix=f"p-{uuid.uuid4().hex[:8]}")


async def values(stage: Stage, topic: str) -> list[bytes | None]:
    """What one who reads committed sees, partition by partition."""
    return [record.value for record in await stored_in(stage.servers, topic)]


async def committed_offset(stage: Stage, group: str, at: TopicPartition) -> int | None:
    """What Kafka says is committed."""
    consumer = AIOKafkaConsumer(bootstrap_servers=stage.servers, group_id=group, enable_auto_commit=False)
    await consumer.start()
    try:
        offset: int | None = await consumer.committed(KafkaPartition(*at))
        return offset
    finally:
        await consumer.stop()


async def test_a_committed_transaction_is_seen_over_topics_and_its_reports_are_true(stage: Stage) -> None:
    first, second = await stage.topic(partitions=2), await stage.topic()
    at = TopicPartition(second, 0)
    for round_number in range(3):
        async with stage.producer.transaction():
            report = await stage.producer.produce_sync(topic=first, key="k", payload=round_number)
            handle = await stage.producer.produce_async(topic=second, payload=round_number)
            await stage.producer.send_offsets_to_transaction({at: round_number + 1}, f"{first}-group")
        places = {(record.partition, record.offset): record.value for record in await stored_in(stage.servers, first)}
        assert report.partition is not None
        assert report.offset is not None
        assert places[report.partition, report.offset] == str(round_number).encode()
        assert handle.status == "delivered"
    assert await values(stage, second) == [b"0", b"1", b"2"]
    assert await committed_offset(stage, f"{first}-group", at) == 3


async def test_an_aborted_one_is_never_seen_and_the_next_one_is_at_once(stage: Stage) -> None:
    topic = await stage.topic()
    async with stage.producer.transaction() as transaction:
        await stage.producer.produce_sync(topic=topic, payload="aborted")
        await transaction.send_offsets({TopicPartition(topic, 0): 1}, f"{topic}-group")
        await asyncio.create_task(stage.producer.produce_sync(topic=topic, payload="another task's"))
        raise AbortTransaction
    async with stage.producer.transaction():
        await stage.producer.produce_sync(topic=topic, payload="committed")
    assert await values(stage, topic) == [b"another task's", b"committed"]
    assert await committed_offset(stage, f"{topic}-group", TopicPartition(topic, 0)) is None


async def test_one_record_that_kafka_refuses_takes_all_others_and_the_offsets_with_it(stage: Stage) -> None:
    ordinary, small = await stage.topic(), await stage.topic(config={"max.message.bytes": "2000"})

    async def block() -> None:
        async with stage.producer.transaction() as transaction:
            await stage.producer.produce_async(topic=ordinary, payload="innocent")
            await stage.producer.produce_async(topic=small, payload=b"x" * 5000)
            await transaction.send_offsets({TopicPartition(ordinary, 0): 7}, f"{ordinary}-group")

    with pytest.raises(TransactionAborted) as raised:
        await block()
    assert isinstance(raised.value.__cause__, (RecordTooLarge, RolledBack))
    async with stage.producer.transaction():
        await stage.producer.produce_sync(topic=ordinary, payload="next")
        await stage.producer.produce_sync(topic=small, payload="next")
    assert (await values(stage, ordinary), await values(stage, small)) == ([b"next"], [b"next"])
    assert await committed_offset(stage, f"{ordinary}-group", TopicPartition(ordinary, 0)) is None


async def test_many_tasks_open_transactions_at_once(stage: Stage) -> None:
    stage.remember(TransactionCommitted)
    topic = await stage.topic(partitions=3)

    async def one(number: int) -> None:
        async with stage.producer.transaction():
            for part in range(3):
                await stage.producer.produce_sync(topic=topic, key=f"{number}", payload=f"{number}.{part}")
            if number % 3 == 0:
                raise AbortTransaction

    await asyncio.gather(*(one(number) for number in range(30)))
    expected = {f"{number}.{part}".encode() for number in range(30) if number % 3 for part in range(3)}
    found = await values(stage, topic)
    assert set(found) == expected
    assert len(found) == len(expected)
    assert len(stage.happened(TransactionCommitted)) == 20


async def test_who_takes_an_id_over_ends_the_transaction_of_the_one_before_and_fences_it(stage: Stage) -> None:
    topic = await stage.topic()
    before, after = stage.producer.hold_transactions("g.in.0"), stage.producer.hold_transactions("g.in.0")
    at = TopicPartition(topic, 0)
    await before.initialise()
    await before.send(OutgoingMessage(topic=topic, payload="before"), {at: 1}, f"{topic}-group")
    left_open = await open_producer(
        stage.settings, stage.servers, ClientOptions(transactional_id=before.transactional_id)
    )
    left_open.begin()
    batch = left_open.new_batch()
    batch.append(timestamp=None, key=None, value=b"left open", headers=[])
    await (await handed_over(left_open, batch, at, timeout_s=30))
    await after.initialise()
    await after.send(OutgoingMessage(topic=topic, payload="after"), {at: 2}, f"{topic}-group")
    with pytest.raises((TransactionFenced, TransactionAborted)):
        await before.send(OutgoingMessage(topic=topic, payload="fenced"), {at: 9}, f"{topic}-group")
    assert await values(stage, topic) == [b"before", b"after"]
    assert await committed_offset(stage, f"{topic}-group", at) == 2
    await asyncio.gather(left_open.stop(0), before.close(), after.close())


@pytest.mark.parametrize("trouble", ["killed", "hung"])
async def test_with_the_broker_gone_a_block_ends_in_time_and_nothing_of_it_is_seen(
    own_kafka: ApacheCluster, make_stage: MakeStage, trouble: str
) -> None:
    stage = await make_stage(
        own_kafka.bootstrap_servers, producer_transactional_id_prefix="p", kafka_request_timeout_ms=2000
    )
    topic = await stage.topic()
    async with stage.producer.transaction():
        await stage.producer.produce_sync(topic=topic, payload="before")

    async def block() -> None:
        async with stage.producer.transaction():
            await stage.producer.produce_sync(topic=topic, payload="inside")
            if trouble == "killed":
                await own_kafka.kill_node(0)
            else:
                own_kafka.pause_node(0)
            await until(lambda: stage.cluster.unreachable_for_s > 2.1, "Kafka is known to be away")
            await stage.producer.produce_sync(topic=topic, payload="later")

    async with asyncio.timeout(30):
        with pytest.raises(ProduceError):
            await block()
    if trouble == "killed":
        await own_kafka.start_node(0)
    else:
        own_kafka.resume_node(0)
    await until(lambda: not stage.cluster.unreachable_for_s, "Kafka back", 40)

    async def again() -> None:
        async with stage.producer.transaction():
            await stage.producer.produce_sync(topic=topic, payload="after")

    await asyncio.wait_for(again(), 40)
    found = [record.value for record in await stored_in(stage.servers, topic, timeout_s=90)]
    assert found == [b"before", b"after"]
