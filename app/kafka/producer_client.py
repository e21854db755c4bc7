"""The producer's client: aiokafka's producer, used for whole batches only, with a stop that always ends."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping
from typing import Any

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError, ProducerClosed
from aiokafka.structs import TopicPartition as KafkaPartition

from app.errors import KafkaUnavailable
from app.kafka.connection import connection_options
from app.kafka.protocols import Answered, ClientOptions, RecordBatch
from app.kafka.tasks import CANCEL_TIMEOUT_S, Stop, bounded, end, reason, unless
from app.kafka.transactions import FENCED, break_off, commit_errors, healthy, transaction_errors
from app.messages import TopicPartition
from app.settings import MIB, Settings

RECORD_OVERHEAD_BYTES = 64 * 1024
"""Room for key and headers beside the largest payload; each topic's own limit is held by the caller."""
METADATA_MAX_AGE_MS = 60_000
CLOSE_TIMEOUT_S = 1.0
TRANSACTION_TIMEOUT_MS = 60_000
"""Kafka aborts a transaction that is open for longer: twice the default delivery deadline."""
AS_CONFIGURED = ClientOptions()


async def open_producer(
    settings: Settings, bootstrap_servers: str, options: ClientOptions = AS_CONFIGURED
) -> AiokafkaProducer:
    """A started producer. Raises KafkaUnavailable within twice the request timeout."""
    client = AiokafkaProducer(settings, bootstrap_servers, options)
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

    def __init__(self, settings: Settings, bootstrap_servers: str, options: ClientOptions = AS_CONFIGURED) -> None:
        self._producer = AIOKafkaProducer(**_producer_options(settings, bootstrap_servers, options))
        self._stop = Stop(self._end)
        self._fenced = False

    async def start(self) -> None:
        await self._producer.start()
        sender = self._producer._sender
        sender.sender_task.remove_done_callback(sender._fail_all)  # it breaks off where there is no transaction
        sender.sender_task.add_done_callback(self._sender_ended)

    def _sender_ended(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (error := task.exception()):
            _fail_what_is_left(self._producer._message_accumulator, error)
            break_off(self._producer._txn_manager, error)

    def new_batch(self) -> RecordBatch:
        batch: RecordBatch = self._producer.create_batch()
        return batch

    async def send(
        self, batch: RecordBatch, partition: TopicPartition, answered: Answered, *, timeout_s: float
    ) -> None:
        sent = self._at_once(batch, partition)
        if sent is None:
            async with asyncio.timeout(timeout_s):
                sent = await self._producer.send_batch(batch, partition.topic, partition=partition.partition)

        def answer(sent: asyncio.Future[Any]) -> None:
            error = ProducerClosed() if sent.cancelled() else sent.exception()
            if error is None:
                metadata = sent.result()
                answered(None if metadata is None else metadata.offset, None)
                return
            if isinstance(error, FENCED):
                self._fenced = True
            answered(None, error)

        sent.add_done_callback(answer)

    def _at_once(self, batch: RecordBatch, partition: TopicPartition) -> asyncio.Future[Any] | None:
        """Puts `batch` where send_batch() would, which shields it by one more future: 0.02 ms of every delivery. None
        where that would wait or raise. The future is the client's own: nobody but the client may set or cancel it."""
        producer = self._producer
        accumulator, transactions = producer._message_accumulator, producer._txn_manager
        at = KafkaPartition(*partition)
        if accumulator._closed or accumulator._exception is not None or accumulator._batches.get(at):
            return None
        if at.partition not in (producer.client.cluster.partitions_for_topic(at.topic) or ()):
            return None
        if transactions is not None and transactions.transactional_id and not transactions.is_in_transaction():
            return None
        taken: asyncio.Future[Any] = accumulator._append_batch(batch, at).future
        return taken

    @property
    def fenced(self) -> bool:
        return self._fenced

    @property
    def alive(self) -> bool:
        task = self._producer._sender.sender_task
        running = not self._stop.begun and task is not None and not task.done()
        return running and healthy(self._producer._txn_manager)

    def begin(self) -> None:
        with transaction_errors():
            self._producer._txn_manager.begin_transaction()

    async def add_offsets(self, offsets: Mapping[TopicPartition, int], group: str) -> None:
        at = {KafkaPartition(*partition): offset for partition, offset in offsets.items()}
        with transaction_errors():
            await self._producer.send_offsets_to_transaction(at, group)

    async def commit(self) -> None:
        manager = self._producer._txn_manager
        with transaction_errors():
            manager.committing_transaction()
        with commit_errors():
            await asyncio.shield(manager.wait_for_transaction_end())

    async def abort(self) -> None:
        with transaction_errors():
            await self._producer.abort_transaction()

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
        break_off(producer._txn_manager, ProducerClosed())
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
    """Ends the sender task and the requests it runs, which it would otherwise wait for."""
    requests = [other for other in asyncio.all_tasks() if other is not task and _runs_request_of(other, sender)]
    await end([*requests, task], CANCEL_TIMEOUT_S)


REQUESTS = (
    "_send_produce_req",
    "_do_add_partitions_to_txn",
    "_do_add_offsets_to_txn",
    "_do_txn_offset_commit",
    "_do_txn_commit",
)
"""What the sender runs in tasks of their own."""


def _runs_request_of(task: asyncio.Task[Any], sender: Any) -> bool:
    coroutine: Any = task.get_coro()
    frame = getattr(coroutine, "cr_frame", None)
    if frame is None or getattr(coroutine, "__name__", "") not in REQUESTS:
        return False
    return frame.f_locals.get("self") is sender


def _producer_options(settings: Settings, bootstrap_servers: str, options: ClientOptions) -> dict[str, Any]:
    transactional = options.transactional_id is not None
    acks = "all" if transactional else options.acks or settings.producer_acks
    compression = options.compression or settings.producer_compression
    chosen: dict[str, Any] = {
        **connection_options(settings, bootstrap_servers),
        "acks": acks if acks == "all" else int(acks),
        "enable_idempotence": transactional or (settings.producer_idempotent and acks == "all"),
        "compression_type": None if compression == "none" else compression,
        "max_batch_size": max(MIB, settings.producer_max_payload_bytes + RECORD_OVERHEAD_BYTES),
        "metadata_max_age_ms": METADATA_MAX_AGE_MS,
        "linger_ms": 0,
    }
    if transactional:
        chosen["transactional_id"] = options.transactional_id
        chosen["transaction_timeout_ms"] = TRANSACTION_TIMEOUT_MS
    return chosen
