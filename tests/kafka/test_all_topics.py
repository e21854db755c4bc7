"""Metadata of all topics, with their ids."""

from __future__ import annotations

from io import BytesIO

import pytest

from app.errors import KafkaUnavailable
from app.kafka.all_topics import MetadataResponse_v12, Uuid, all_topics
from app.kafka.cluster import Cluster
from app.kafka.embedded.apache import ApacheCluster
from tests.kafka.conftest import MakeTopic
from tests.scenarios.topics import delete
from tests.waiting import until

TOPIC_ID = bytes(range(16))
ANSWER = b"".join(
    [
        bytes(4),  # throttle time
        b"\x02" + (7).to_bytes(4, "big") + b"\x05host" + (9092).to_bytes(4, "big") + b"\x00\x00",  # one broker
        b"\x00" + (7).to_bytes(4, "big"),  # no name of the cluster, its controller
        b"\x02" + bytes(2) + b"\x02t" + TOPIC_ID + b"\x00",  # one topic
        b"\x03" + 2 * (bytes(14) + b"\x02" + bytes(4) + b"\x03" + bytes(8) + b"\x01" + b"\x00"),  # two partitions
        bytes(4) + b"\x00" + b"\x00",
    ]
)


def test_an_answer_is_read_to_its_end() -> None:
    data = BytesIO(ANSWER)
    found = all_topics(MetadataResponse_v12.decode(data))
    assert data.read() == b""
    assert (found.brokers, found.controller) == ((7,), 7)
    assert (found.partitions, found.ids) == ({"t": 2}, {"t": TOPIC_ID})


def test_an_answer_that_is_cut_is_refused() -> None:
    with pytest.raises(ValueError, match="underrun"):
        Uuid.decode(BytesIO(b"short"))


async def test_kafka_says_the_same_as_to_a_client_that_asks_for_no_ids(
    kafka: ApacheCluster, cluster: Cluster, make_topic: MakeTopic
) -> None:
    topic = await make_topic(kafka, 3)
    await cluster.refresh(timeout_s=5)
    assert cluster._client is not None
    older = await cluster._metadata_without_ids(cluster._client)
    assert older.topics[topic] == cluster.topics()[topic] == 3
    assert cluster.topic_id(topic)
    assert older.brokers == cluster._state.brokers if cluster._state else False


async def test_a_topic_that_is_made_anew_has_another_id(
    kafka: ApacheCluster, cluster: Cluster, make_topic: MakeTopic
) -> None:
    topic = await make_topic(kafka, 1)
    await cluster.refresh(timeout_s=5)
    before = cluster.topic_id(topic)
    await delete(cluster.bootstrap_servers, topic)

    async def made() -> bool:
        try:
            return await cluster.create_topic(topic, 1, timeout_s=5)
        except KafkaUnavailable:
            return False

    await until(made, "it was made anew")
    await cluster.refresh(timeout_s=5)
    assert before
    assert cluster.topic_id(topic) not in (before, None)
