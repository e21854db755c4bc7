"""The producer's client: aiokafka's producer, used for whole batches only, with a stop that always ends."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError, ProducerClosed

from app.errors import KafkaUnavailable
from app.kafka.connection import connection_options
from app.kafka.protocols import RecordBatch
from app.kafka.tasks import CANCEL_TIMEOUT_S, Stop, bounded, end, reason, unless
from app.messages import TopicPartition
from app.settings import MIB, Settings

RECORD_OVERHEAD_BYTES = 64 * 1024
"""Room for key and headers beside the largest payload; each topic's own limit is held by the caller."""
METADATA_MAX_AGE_MS = 60_000
CLOSE_TIMEOUT_S = 1.0


async def open_producer(settings: Settings, bootstrap_servers: str) -> AiokafkaProducer:
    """A started producer. Raises KafkaUnavailable within twice the request timeout."""
    client = AiokafkaProducer(settings, bootstrap_servers)
    try:
        await bounded(client.start(), settings.kafka_request_timeout_ms / 1000 * 2)
    except (KafkaError, OSError, TimeoutError) as error:
        await client.stop(0)
        raise KafkaUnavailable(f"No producer could be opened: {reason(error)}") from error
    except BaseException:
        await client.stop(0)
        raise
    return client


class AiokafkaProducer:
    """Implements `app.kafka.protocols.ProducerClient`."""

    def __init__(self, settings: Settings, bootstrap_servers: str) -> None:
        self._producer = AIOKafkaProducer(**_producer_options(settings, bootstrap_servers))
        self._idempotent = settings.producer_idempotent
        self._stop = Stop(self._end)

    async def start(self) -> None:
        await self._producer.start()
        sender = self._producer._sender
        sender.sender_task.remove_done_callback(sender._fail_all)  # it breaks off where there is no transaction
        sender.sender_task.add_done_callback(self._sender_ended)

    def _sender_ended(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (error := task.exception()):
            _fail_what_is_left(self._producer._message_accumulator, error)

    def new_batch(self) -> RecordBatch:
        batch: RecordBatch = self._producer.create_batch()
        return batch

    async def send(self, batch: RecordBatch, partition: TopicPartition) -> asyncio.Future[int | None]:
        sent = await self._producer.send_batch(batch, partition.topic, partition=partition.partition)
        return _first_offset(sent)

    @property
    def alive(self) -> bool:
        task = self._producer._sender.sender_task
        return not self._stop.begun and task is not None and not task.done()

    async def stop(self, grace_s: float) -> None:
        await self._stop.within(grace_s)

    async def _end(self, hurry: asyncio.Event) -> None:
        """Flush, fail what is left, end the sender, close the sockets: aiokafka's own stop() may never end."""
        producer = self._producer
        sender, accumulator = producer._sender, producer._message_accumulator
        producer._closed = accumulator._closed = True
        task = sender.sender_task
        if task is not None and not task.done():
            await unless(hurry, accumulator.flush())
        _fail_what_is_left(accumulator, ProducerClosed())
        if task is not None:
            await _end_sender(task, sender)
        with contextlib.suppress(TimeoutError, KafkaError, OSError):
            await bounded(producer.client.close(), CLOSE_TIMEOUT_S)


def _fail_what_is_left(accumulator: Any, error: BaseException) -> None:
    """No answer will come any more. Nobody may be waiting for a batch to be drained, so that error is read here."""
    left = [batch for batches in accumulator._batches.values() for batch in batches]
    left += accumulator._pending_batches
    accumulator.fail_all(error)
    for batch in left:
        batch._drain_waiter.exception()


async def _end_sender(task: asyncio.Task[None], sender: Any) -> None:
    """Ends the sender task and the produce requests it runs, which it would otherwise wait for."""
    requests = [other for other in asyncio.all_tasks() if other is not task and _runs(other, sender._send_produce_req)]
    await end([*requests, task], CANCEL_TIMEOUT_S)


def _runs(task: asyncio.Task[Any], method: Any) -> bool:
    coroutine: Any = task.get_coro()
    frame = getattr(coroutine, "cr_frame", None)
    if frame is None or getattr(coroutine, "cr_code", None) is not method.__func__.__code__:
        return False
    return frame.f_locals.get("self") is method.__self__


def _first_offset(sent: asyncio.Future[Any]) -> asyncio.Future[int | None]:
    result: asyncio.Future[int | None] = asyncio.get_running_loop().create_future()

    def settle(done: asyncio.Future[Any]) -> None:
        error = None if done.cancelled() else done.exception()
        if result.done():
            return
        if done.cancelled():
            result.cancel()
        elif error is not None:
            result.set_exception(error)
            result.exception()
        else:
            metadata = done.result()
            result.set_result(None if metadata is None else metadata.offset)

    sent.add_done_callback(settle)
    return result


def _producer_options(settings: Settings, bootstrap_servers: str) -> dict[str, Any]:
    acks: int | str = settings.producer_acks if settings.producer_acks == "all" else int(settings.producer_acks)
    compression = settings.producer_compression
    return {
        **connection_options(settings, bootstrap_servers),
        "acks": acks,
        "enable_idempotence": settings.producer_idempotent,
        "compression_type": None if compression == "none" else compression,
        "max_batch_size": max(MIB, settings.producer_max_payload_bytes + RECORD_OVERHEAD_BYTES),
        "metadata_max_age_ms": METADATA_MAX_AGE_MS,
        "linger_ms": 0,
    }
