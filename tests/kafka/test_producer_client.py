"""The producer's client on a real broker: handing over, answers, refusals, opening."""

from __future__ import annotations

import asyncio
import ctypes
import time

import pytest
from aiokafka.errors import KafkaError, MessageSizeTooLargeError, ProducerClosed, UnknownTopicOrPartitionError

from app.errors import KafkaUnavailable
from app.kafka.embedded.apache import ApacheCluster
from app.kafka.embedded.mock import MockBroker
from app.kafka.producer_client import open_producer
from app.kafka.topic_writer import handed_over
from app.messages import TopicPartition
from app.settings import Settings
from tests.kafka.conftest import MakeTopic
from tests.kafka.doubles import batch_of, settings_of, until
from tests.kafka.reading import read_all

pytestmark = pytest.mark.usefixtures("nothing_left")
INIT_PRODUCER_ID, COORDINATOR_LOAD_IN_PROGRESS = 22, 14


async def test_a_batch_is_stored_and_its_answer_is_the_offset_of_its_first_record(
    kafka: ApacheCluster, settings: Settings, make_topic: MakeTopic
) -> None:
    topic = await make_topic(kafka)
    client = await open_producer(settings, kafka.bootstrap_servers)
    try:
        answers = []
        for values in ((b"a", b"b"), (b"c",)):
            answers.append(
                await (await handed_over(client, batch_of(client, *values), TopicPartition(topic, 0), timeout_s=30))
            )
    finally:
        await client.stop(1)
    assert answers == [0, 2]
    assert [record.value for record in await read_all(kafka, topic)] == [b"a", b"b", b"c"]


async def test_a_record_with_neither_key_nor_value_is_stored(
    kafka: ApacheCluster, settings: Settings, make_topic: MakeTopic
) -> None:
    topic = await make_topic(kafka)
    client = await open_producer(settings, kafka.bootstrap_servers)
    try:
        await (await handed_over(client, batch_of(client, None), TopicPartition(topic, 0), timeout_s=30))
    finally:
        await client.stop(1)
    (record,) = await read_all(kafka, topic)
    assert (record.key, record.value) == (None, None)


async def test_a_batch_above_the_topics_limit_is_refused_by_name_and_the_client_lives(
    kafka: ApacheCluster, settings: Settings, make_topic: MakeTopic
) -> None:
    topic = await make_topic(kafka, max_message_bytes="1000")
    client = await open_producer(settings, kafka.bootstrap_servers)
    try:
        answer = await handed_over(client, batch_of(client, b"x" * 2000), TopicPartition(topic, 0), timeout_s=30)
        with pytest.raises(MessageSizeTooLargeError):
            await answer
        assert client.alive
    finally:
        await client.stop(1)


async def test_a_payload_of_the_largest_size_fits_into_a_batch(
    kafka: ApacheCluster, settings: Settings, make_topic: MakeTopic
) -> None:
    topic = await make_topic(kafka)
    client = await open_producer(settings, kafka.bootstrap_servers)
    try:
        largest = b"x" * settings.producer_max_payload_bytes
        batch = batch_of(client, b"small", largest)
        await (await handed_over(client, batch, TopicPartition(topic, 0), timeout_s=30))
    finally:
        await client.stop(1)
    assert [len(record.value) for record in await read_all(kafka, topic)] == [5, len(largest)]


async def test_without_acknowledgements_the_answer_is_none(kafka: ApacheCluster, make_topic: MakeTopic) -> None:
    topic = await make_topic(kafka)
    settings = settings_of(kafka.bootstrap_servers, producer_acks="0", producer_idempotent=False)
    client = await open_producer(settings, kafka.bootstrap_servers)
    try:
        assert await (await handed_over(client, batch_of(client, b"x"), TopicPartition(topic, 0), timeout_s=30)) is None
    finally:
        await client.stop(1)


@pytest.mark.parametrize("compression", ["gzip", "snappy", "lz4", "zstd"])
async def test_every_compression_is_read_back(kafka: ApacheCluster, make_topic: MakeTopic, compression: str) -> None:
    topic = await make_topic(kafka)
    settings = settings_of(kafka.bootstrap_servers, producer_compression=compression)
    client = await open_producer(settings, kafka.bootstrap_servers)
    try:
        await (
            await handed_over(client, batch_of(client, b"a" * 500, b"b" * 500), TopicPartition(topic, 0), timeout_s=30)
        )
    finally:
        await client.stop(1)
    assert [record.value for record in await read_all(kafka, topic)] == [b"a" * 500, b"b" * 500]


async def test_handing_over_to_a_known_partition_does_not_wait_for_the_broker(
    own_kafka: ApacheCluster, make_topic: MakeTopic
) -> None:
    topic = await make_topic(own_kafka)
    client = await open_producer(settings_of(own_kafka.bootstrap_servers), own_kafka.bootstrap_servers)
    try:
        await (await handed_over(client, batch_of(client, b"x"), TopicPartition(topic, 0), timeout_s=30))
        own_kafka.pause_node(0)
        started = time.monotonic()
        answer = await handed_over(client, batch_of(client, b"y"), TopicPartition(topic, 0), timeout_s=30)
        assert time.monotonic() - started < 0.1
        assert not answer.done()
        own_kafka.resume_node(0)
        assert await answer == 1
    finally:
        await client.stop(1)


async def test_while_a_batch_waits_for_the_one_in_flight_no_other_is_taken(
    own_kafka: ApacheCluster, make_topic: MakeTopic
) -> None:
    topic = await make_topic(own_kafka)
    at = TopicPartition(topic, 0)
    client = await open_producer(settings_of(own_kafka.bootstrap_servers), own_kafka.bootstrap_servers)
    try:
        await (await handed_over(client, batch_of(client, b"1"), at, timeout_s=30))
        own_kafka.pause_node(0)
        taken = [await handed_over(client, batch_of(client, b"2"), at, timeout_s=1)]
        await until(lambda: client._producer._message_accumulator._pending_batches)
        taken.append(await handed_over(client, batch_of(client, b"3"), at, timeout_s=1))
        with pytest.raises(TimeoutError):
            await handed_over(client, batch_of(client, b"4"), at, timeout_s=0.2)
        own_kafka.resume_node(0)
        assert await asyncio.gather(*taken) == [1, 2]
    finally:
        await client.stop(1)
    assert [record.value for record in await read_all(own_kafka, topic)] == [b"1", b"2", b"3"]


async def test_handing_over_to_a_topic_that_does_not_exist_ends_with_the_request_timeout(
    kafka: ApacheCluster,
) -> None:
    settings = settings_of(kafka.bootstrap_servers, kafka_request_timeout_ms=500)
    client = await open_producer(settings, kafka.bootstrap_servers)
    try:
        with pytest.raises(UnknownTopicOrPartitionError):
            async with asyncio.timeout(3):
                await handed_over(client, batch_of(client, b"x"), TopicPartition("no-such-topic", 0), timeout_s=30)
    finally:
        await client.stop(1)


async def test_an_answer_that_nobody_waits_for_is_not_complained_about(
    own_kafka: ApacheCluster, make_topic: MakeTopic
) -> None:
    topic = await make_topic(own_kafka)
    client = await open_producer(settings_of(own_kafka.bootstrap_servers), own_kafka.bootstrap_servers)
    await (await handed_over(client, batch_of(client, b"x"), TopicPartition(topic, 0), timeout_s=30))
    own_kafka.pause_node(0)
    await handed_over(client, batch_of(client, b"y"), TopicPartition(topic, 0), timeout_s=30)
    await client.stop(0)


async def test_after_a_stop_nothing_is_taken_and_a_second_stop_returns_at_once(
    kafka: ApacheCluster, settings: Settings, make_topic: MakeTopic
) -> None:
    topic = await make_topic(kafka)
    client = await open_producer(settings, kafka.bootstrap_servers)
    batch = batch_of(client, b"x")
    await (await handed_over(client, batch_of(client, b"y"), TopicPartition(topic, 0), timeout_s=30))
    await asyncio.gather(client.stop(5), client.stop(5))
    await client.stop(5)
    assert not client.alive
    with pytest.raises(ProducerClosed):
        await handed_over(client, batch, TopicPartition(topic, 0), timeout_s=30)


async def test_a_client_whose_sender_died_says_so_and_can_be_stopped(
    kafka: ApacheCluster, settings: Settings, make_topic: MakeTopic
) -> None:
    topic = await make_topic(kafka)
    client = await open_producer(settings, kafka.bootstrap_servers)
    assert client.alive

    def broken(**nodes: object) -> None:
        raise ZeroDivisionError("a defect")

    client._producer._message_accumulator.drain_by_nodes = broken
    answer = await handed_over(client, batch_of(client, b"x"), TopicPartition(topic, 0), timeout_s=30)
    with pytest.raises(KafkaError):
        await answer
    assert not client.alive
    await client.stop(1)


@pytest.mark.parametrize("idempotent", [True, False], ids=["idempotent", "plain"])
async def test_opening_fails_at_once_where_nobody_listens(idempotent: bool) -> None:
    settings = settings_of("127.0.0.1:9", producer_idempotent=idempotent)
    started = time.monotonic()
    with pytest.raises(KafkaUnavailable):
        await open_producer(settings, "127.0.0.1:9")
    assert time.monotonic() - started < 1


@pytest.mark.parametrize("idempotent", [True, False], ids=["idempotent", "plain"])
async def test_opening_fails_in_time_where_the_broker_hangs(own_kafka: ApacheCluster, idempotent: bool) -> None:
    own_kafka.pause_node(0)
    settings = settings_of(own_kafka.bootstrap_servers, producer_idempotent=idempotent, kafka_request_timeout_ms=500)
    started = time.monotonic()
    with pytest.raises(KafkaUnavailable):
        await open_producer(settings, own_kafka.bootstrap_servers)
    assert time.monotonic() - started < 2


async def test_opening_that_is_cancelled_leaves_nothing_behind(own_kafka: ApacheCluster) -> None:
    own_kafka.pause_node(0)
    opening = asyncio.create_task(open_producer(settings_of(own_kafka.bootstrap_servers), own_kafka.bootstrap_servers))
    await asyncio.wait({opening}, timeout=0.3)
    opening.cancel()
    with pytest.raises(asyncio.CancelledError):
        await opening


def _refuse_producer_ids(broker: MockBroker, times: int) -> None:
    """The mock answers the next requests for a producer id by "coordinator load in progress"."""
    refuse = broker._library.rd_kafka_mock_push_request_errors_array
    refuse.restype = None
    refuse.argtypes = [ctypes.c_void_p, ctypes.c_int16, ctypes.c_size_t, ctypes.POINTER(ctypes.c_int)]
    refuse(broker._cluster, INIT_PRODUCER_ID, times, (ctypes.c_int * times)(*[COORDINATOR_LOAD_IN_PROGRESS] * times))


async def test_opening_fails_in_time_where_the_broker_gives_out_no_producer_id() -> None:
    broker = MockBroker()
    await broker.start()
    try:
        _refuse_producer_ids(broker, times=1000)
        settings = settings_of(broker.bootstrap_servers, kafka_request_timeout_ms=300)
        started = time.monotonic()
        with pytest.raises(KafkaUnavailable, match="no answer in time"):
            await open_producer(settings, broker.bootstrap_servers)
        assert 0.5 < time.monotonic() - started < 3
    finally:
        await broker.stop()
