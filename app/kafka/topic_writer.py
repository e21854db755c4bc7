"""Writes what the service keeps for itself: no queue, no receipts, no counters of messages."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import NamedTuple

from aiokafka.errors import KafkaError

from app.errors import KafkaUnavailable
from app.kafka.protocols import ClientOptions, ProducerClient, ProducerOpener, RecordBatch
from app.kafka.tasks import bounded, reason
from app.messages import Headers, TopicPartition

PARTITION = 0
MOST_BATCH_BYTES = 900_000
"""Less than Kafka's default of `max.message.bytes`, which is for a whole batch."""
AS_IT_IS = ClientOptions(acks="all", compression="none")
"""What is written here is compressed already."""


class Written(NamedTuple):
    """A record to write. A `value` of None is a tombstone."""

    key: str
    value: bytes | None
    headers: Headers = ()


class TopicWriter:
    """Writes to partition 0 of any topic. Its client is opened when it is needed, and replaced after any error."""

    def __init__(self, open_client: ProducerOpener) -> None:
        self._open_client = open_client
        self._client: ProducerClient | None = None
        self._turn = asyncio.Lock()

    async def write(self, topic: str, records: Sequence[Written], *, timeout_s: float) -> None:
        """Stores all of `records`, those that fit into one batch together. Raises KafkaUnavailable: then some may be
        stored, and none of them will be later."""
        try:
            await bounded(self._write(TopicPartition(topic, PARTITION), records, timeout_s), timeout_s)
        except (KafkaError, OSError, TimeoutError) as error:
            await self.stop(0)
            raise KafkaUnavailable(f"{topic} cannot be written: {reason(error)}") from error

    async def _write(self, at: TopicPartition, records: Sequence[Written], timeout_s: float) -> None:
        async with self._turn:
            if self._client is None or not self._client.alive:
                await self.stop(0)
                self._client = await self._open_client(AS_IT_IS)
            for batch in _batches(self._client, records):
                await (await handed_over(self._client, batch, at, timeout_s=timeout_s))

    async def stop(self, grace_s: float) -> None:
        """Closes the connection, within `grace_s` + 2 s. The next write opens another."""
        client, self._client = self._client, None
        if client is not None:
            await client.stop(grace_s)


async def handed_over(
    client: ProducerClient, batch: RecordBatch, at: TopicPartition, *, timeout_s: float
) -> asyncio.Future[int | None]:
    """Hands `batch` over as `ProducerClient.send` does. The future, which may be cancelled and need not be awaited,
    gives the offset of its first record (None with acks=0) or raises what the broker answered."""
    answer: asyncio.Future[int | None] = asyncio.get_running_loop().create_future()

    def answered(offset: int | None, error: BaseException | None) -> None:
        if answer.done():
            return
        if error is None:
            answer.set_result(offset)
        else:
            answer.set_exception(error)
            answer.exception()

    await client.send(batch, at, answered, timeout_s=timeout_s)
    return answer


def _batches(client: ProducerClient, records: Sequence[Written]) -> list[RecordBatch]:
    batches: list[RecordBatch] = []
    left = 0
    for record in records:
        size = len(record.value or b"")
        if not batches or size > left:
            batches.append(client.new_batch())
            left = MOST_BATCH_BYTES
        batches[-1].append(timestamp=None, key=record.key.encode(), value=record.value, headers=list(record.headers))
        left -= size
    return batches
