"""The one sender of a partition: it collects while its batch is in flight, and settles each batch at once."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Coroutine, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from aiokafka.errors import KafkaError

from app.errors import (
    BrokerUnavailable,
    DeliveryUnknown,
    KafkaUnavailable,
    ProduceError,
    RecordTooLarge,
    UnknownTopic,
)
from app.events import ErrorOccurred, MessagesSettled, Monitor
from app.kafka.protocols import Answered, ClusterView, ProducerClient, RecordBatch
from app.messages import TopicPartition, status_of
from app.producing.clients import Clients
from app.producing.handle import QUEUED, DeliveryHandle
from app.producing.verdicts import Meaning, Verdict, failure, judge

BATCH_OVERHEAD_BYTES = 61
"""Header of a v2 record batch."""
LIMIT_SHARE = 0.99
LOOKUP_TIMEOUT_S = 2.0
RETRY_PAUSE_S = 0.2
OVERDUE_GRACE_S = 2.0
REFUSED_GRACE_S = 30.0
MAX_RESENDS = 3
MAX_BATCH_RECORDS = 10_000
COMPANY_WAIT_S = 0.005
COMPANY_ENOUGH = 64
"""While one small batch follows the other, messages that no call waits for are collected for 5 ms, or until there
are 64: fewer requests to Kafka, and 1.16 times as many accepted async calls."""


class DeadlinePassed(KafkaError):
    """No answer to a batch came before its deadline."""


@dataclass(frozen=True, slots=True)
class LaneServices:
    """What every lane uses. `spawn` starts a task that its owner keeps and awaits."""

    slot: Clients
    cluster: ClusterView
    monitor: Monitor
    spawn: Callable[[Coroutine[Any, Any, None]], asyncio.Task[None]]
    linger_s: float


class Lane:
    """Delivers the messages of one partition in order, one batch at a time."""

    def __init__(self, partition: TopicPartition, services: LaneServices) -> None:
        self.partition = partition
        self._services = services
        self._queue: deque[DeliveryHandle] = deque()
        self._task: asyncio.Task[None] | None = None
        self._answer: asyncio.Future[BaseException | None] | None = None
        self._in_flight: list[DeliveryHandle] = []
        self._company: asyncio.Future[None] | None = None
        self._urgent = False
        self._singles = 0
        self._resends = 0
        self._written_generation = 0
        self._limit_bytes = 0
        self._limit_read_at = 0.0

    @property
    def idle(self) -> bool:
        return self._task is None

    def add(self, handle: DeliveryHandle) -> None:
        """Queues `handle` behind what is there."""
        self._queue.append(handle)
        self._urgent = self._urgent or not handle.held
        if self._task is None:
            self._task = self._services.spawn(self._run())
        elif self._company is not None and not self._patient():
            _wake(self._company)

    def check_deadlines(self, now: float, *, away: bool = False) -> None:
        """Fails what waited in the queue for too long, and with Kafka `away` what a call waits for; gives up on a batch
        that is overdue."""
        expire(self._queue, now, self._services.monitor)
        if away and self._urgent:
            self._urgent = False
            release_awaited(self._queue, self._services.monitor)
        answer = self._answer
        if answer is not None and not answer.done() and self._in_flight[0].deadline <= now:
            answer.set_result(DeadlinePassed("no answer before the deadline"))

    def withdraw_all(self, error: Callable[[], ProduceError]) -> None:
        """Settles everything that has not been handed over."""
        waiting = [handle for handle in self._queue if handle.state == QUEUED]
        self._queue.clear()
        settle_all(waiting, error(), self._services.monitor)

    async def _run(self) -> None:
        try:
            if self._services.linger_s:
                await asyncio.sleep(self._services.linger_s)
            while self._queue:
                await self._send_next()
                if self._queue and self._patient():
                    await self._collect()
        except Exception as error:
            self._broken(error)
            raise
        finally:
            self._task = None

    def _patient(self) -> bool:
        """Whether what is queued may wait for company: little has come, and no call waits for any of it."""
        return not self._urgent and len(self._queue) < COMPANY_ENOUGH

    async def _collect(self) -> None:
        loop = asyncio.get_running_loop()
        company = self._company = loop.create_future()
        timer = loop.call_later(COMPANY_WAIT_S, _wake, company)
        try:
            await company
        finally:
            timer.cancel()
            self._company = None

    def _broken(self, error: Exception) -> None:
        """A defect must not leave messages without a verdict."""
        monitor = self._services.monitor
        monitor.emit(ErrorOccurred("producer.deliver", error, topic=self.partition.topic))
        settle_all(self._in_flight, DeliveryUnknown(f"The delivery broke off: {error!r}"), monitor)
        self.withdraw_all(lambda: BrokerUnavailable(f"The delivery broke off before the message was sent: {error!r}"))

    async def _send_next(self) -> None:
        try:
            client, generation = await self._services.slot.current()
        except KafkaUnavailable:
            await asyncio.sleep(RETRY_PAUSE_S)
            return
        limit = await self._limit()
        batch, handles = self._fill(client, limit)
        self._urgent = bool(self._queue)
        if not handles:
            return
        answer: asyncio.Future[BaseException | None] = asyncio.get_running_loop().create_future()
        if not await self._hand_over(client, batch, handles, partial(self._answered, handles, answer)):
            return
        self._in_flight, self._answer = handles, answer
        try:
            error = await answer
        except asyncio.CancelledError:
            settle_all(
                handles,
                DeliveryUnknown("The producer was stopped before Kafka answered"),
                self._services.monitor,
            )
            raise
        finally:
            self._answer = None
        if error is None:
            self._written_generation = generation
            self._resends = 0
            self._singles = max(0, self._singles - len(handles))
        else:
            await self._failed(error, handles, generation, limit)
        self._in_flight = []

    async def _limit(self, fresh: bool = False) -> int:
        now = time.monotonic()
        if fresh or now - self._limit_read_at > 30:
            topic = self.partition.topic
            self._limit_bytes = await self._services.cluster.max_message_bytes(
                topic, timeout_s=LOOKUP_TIMEOUT_S, fresh=fresh
            )
            self._limit_read_at = now
        return self._limit_bytes

    def _fill(self, client: ProducerClient, limit: int) -> tuple[RecordBatch, list[DeliveryHandle]]:
        batch = client.new_batch()
        taken: list[DeliveryHandle] = []
        queue, size = self._queue, BATCH_OVERHEAD_BYTES
        most = 1 if self._singles else MAX_BATCH_RECORDS
        cap = int(limit * LIMIT_SHARE)
        while queue and len(taken) < most:
            handle = queue[0]
            if handle.state != QUEUED:
                queue.popleft()
                self._singles = max(0, self._singles - 1)
                continue
            size += handle.size_bytes
            if (taken and size > cap) or not _append(batch, handle):
                break
            if not taken and size > limit and batch.size() > limit:
                queue.popleft()
                self._too_large(handle, batch.size(), limit)
                return self._fill(client, limit)
            queue.popleft()
            taken.append(handle)
        return batch, taken

    def _too_large(self, handle: DeliveryHandle, size: int, limit: int) -> None:
        self._singles = max(0, self._singles - 1)
        text = f"The record has {size} bytes, max.message.bytes of topic {handle.topic} allows {limit}"
        settle_all([handle], RecordTooLarge(text), self._services.monitor)
        self._limit_read_at = 0.0

    async def _hand_over(
        self, client: ProducerClient, batch: RecordBatch, handles: list[DeliveryHandle], answered: Answered
    ) -> bool:
        """Whether the client took the batch; otherwise it is queued again."""
        for handle in handles:
            handle.hand_over()
        timeout_s = max(0.0, handles[0].deadline - time.monotonic())
        try:
            await client.send(batch, self.partition, answered, timeout_s=timeout_s)
        except asyncio.CancelledError:
            self._requeue(handles)
            raise
        except (KafkaError, AssertionError, TimeoutError, OSError):
            self._requeue(handles)
            await self._look_for_the_topic()
            await asyncio.sleep(RETRY_PAUSE_S)
            return False
        return True

    async def _look_for_the_topic(self) -> None:
        """A client that refuses to take a batch may be right: the topic or partition may have gone."""
        topic, partition = self.partition
        try:
            count = (await self._services.cluster.refresh(timeout_s=LOOKUP_TIMEOUT_S)).get(topic, 0)
        except KafkaUnavailable:
            return
        if partition >= count:
            self.withdraw_all(lambda: UnknownTopic(f"Topic {topic} has no partition {partition} any more"))

    def _requeue(self, handles: Sequence[DeliveryHandle]) -> None:
        for handle in reversed(handles):
            handle.take_back()
            self._queue.appendleft(handle)
        self._urgent = True

    def _answered(
        self,
        handles: list[DeliveryHandle],
        answer: asyncio.Future[BaseException | None],
        base_offset: int | None,
        error: BaseException | None,
    ) -> None:
        """Settles what was delivered at once: a verdict that waited for the lane's turn would come a turn of the loop
        later. What failed is judged by the lane, and a defect in here breaks it."""
        if answer.done():
            return
        try:
            if error is None:
                self._delivered(handles, base_offset)
        except Exception as defect:
            answer.set_exception(defect)
        else:
            answer.set_result(error)

    def _delivered(self, handles: list[DeliveryHandle], base_offset: int | None) -> None:
        if base_offset is None:
            settle_all(handles, None, self._services.monitor)
            return
        for index, handle in enumerate(handles):
            handle.settle(None, base_offset + index)
        announce(handles, None, self._services.monitor)

    async def _failed(self, error: BaseException, handles: list[DeliveryHandle], generation: int, limit: int) -> None:
        verdict = judge(error)
        self._retire(error, verdict, generation)
        if verdict.meaning is Meaning.OUT_OF_SEQUENCE and self._resends < MAX_RESENDS:
            self._resends += 1
            self._requeue(handles)
            return
        if verdict.meaning is Meaning.TOO_LARGE:
            limit = await self._limit(fresh=True)
        alone = len(handles) == 1
        if verdict.meaning in (Meaning.TOO_LARGE, Meaning.REFUSED) and not alone:
            self._requeue(handles)
            self._singles = len(handles)
            return
        self._singles = max(0, self._singles - len(handles))
        self._resends = 0
        settle_all(handles, failure(verdict, limit), self._services.monitor)

    def _retire(self, error: BaseException, verdict: Verdict, generation: int) -> None:
        """A failed batch leaves a gap in the sequence of this partition, if the broker has seen an earlier one."""
        slot = self._services.slot
        if isinstance(error, DeadlinePassed):
            slot.retire(generation, f"{self.partition}: {verdict.text}", OVERDUE_GRACE_S)
        elif self._written_generation == generation or verdict.meaning in (
            Meaning.UNKNOWN,
            Meaning.OUT_OF_SEQUENCE,
        ):
            slot.retire(generation, f"{self.partition}: {verdict.text}", REFUSED_GRACE_S)


def _wake(company: asyncio.Future[None]) -> None:
    if not company.done():
        company.set_result(None)


def _append(batch: RecordBatch, handle: DeliveryHandle) -> bool:
    taken = batch.append(timestamp=handle.timestamp, key=handle.key, value=handle.value, headers=handle.headers)
    return taken is not None


def settle_all(handles: Sequence[DeliveryHandle], error: ProduceError | None, monitor: Monitor) -> None:
    """Gives all the same verdict and announces it."""
    open_handles = [handle for handle in handles if not handle.done]
    for handle in open_handles:
        handle.settle(error)
    announce(open_handles, error, monitor)


def announce(handles: Sequence[DeliveryHandle], error: ProduceError | None, monitor: Monitor) -> None:
    """Tells listeners of one verdict for all of `handles`, which are of one topic."""
    if not handles or not monitor.listens(MessagesSettled):
        return
    first = handles[0]
    code = None if error is None else error.code
    monitor.emit(MessagesSettled(first.topic, first.partition, status_of(error), code, len(handles), first.latency_ms))


def expire(queue: deque[DeliveryHandle], now: float, monitor: Monitor) -> None:
    """Fails the heads of `queue` whose deadline has passed: they are certainly not stored."""
    overdue = []
    while queue and (queue[0].state != QUEUED or queue[0].deadline <= now):
        handle = queue.popleft()
        if handle.state == QUEUED:
            overdue.append(handle)
    text = "Kafka could not be reached before the deadline; the message was withdrawn and is not stored"
    settle_all(overdue, BrokerUnavailable(text), monitor)


def release_awaited(queue: Iterable[DeliveryHandle], monitor: Monitor) -> None:
    """Fails what calls wait for and was never handed over: Kafka is known to be away, and async messages wait on."""
    awaited = [handle for handle in queue if handle.awaited and handle.state == QUEUED]
    text = "Kafka has not answered for more than 2 s; the message was withdrawn and is not stored"
    settle_all(awaited, BrokerUnavailable(text), monitor)
