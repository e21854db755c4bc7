"""Writes what only a client in another language would write."""

from __future__ import annotations

import struct

from aiokafka.client import AIOKafkaClient
from aiokafka.protocol.produce import ProduceRequest
from aiokafka.record.default_records import DefaultRecordBatchBuilder
from aiokafka.record.util import calc_crc32c

from app.kafka.embedded.apache import ApacheCluster
from app.messages import TopicPartition

ATTRIBUTES_OFFSET = 21
CRC_OFFSET = 17


async def write_undecodable(kafka: ApacheCluster, at: TopicPartition) -> None:
    """Appends one record whose header name is not UTF-8: the broker takes it, aiokafka cannot read it."""
    builder = DefaultRecordBatchBuilder(
        2, 0, is_transactional=0, producer_id=-1, producer_epoch=-1, base_sequence=-1, batch_size=10_000
    )
    builder.append(0, 1, None, b"value", [("NAME", b"x")])
    batch = bytearray(builder.build())
    place = batch.index(b"NAME")
    batch[place : place + 4] = b"\xff\xfe\xff\xfe"
    batch[CRC_OFFSET:ATTRIBUTES_OFFSET] = struct.pack(">I", calc_crc32c(batch[ATTRIBUTES_OFFSET:]))
    client = AIOKafkaClient(bootstrap_servers=kafka.bootstrap_servers)
    await client.bootstrap()
    topics = [(at.topic, [(at.partition, bytes(batch))])]
    request = ProduceRequest(transactional_id=None, required_acks=-1, timeout=5000, topics=topics)
    response = await client.send(client.get_random_node(), request)
    await client.close()
    assert response.topics[0][1][0][1] == 0
