"""One assigned partition: takes what was fetched, runs the consumer, decides what a failure means.

The worker's task lives as long as the assignment. It takes records from the client's own buffer without
waiting (that buffer is the bounded queue), so a partition that stands still holds up no other.
"""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from app.consumer import Consumer
from app.consuming.context import GroupServices, PartitionContext
from app.consuming.dead_letters import dispatch
from app.consuming.decisions import GiveUp, Isolate, Retry, decide
from app.consuming.jobs import Outcome, run_hook
from app.errors import FetchFailed, KafkaUnavailable, MessageFailed, PositionLost, ProduceError
from app.events import (
    DeadLetterDispatched,
    ErrorOccurred,
    JobFinished,
    JobStarted,
    MessagesPolled,
    PartitionProgress,
    PartitionState,
    RetryScheduled,
)
from app.messages import Messages, Record, TopicPartition
from app.routes.table import Subscription

FETCH_PAUSE_S = (1.0, 30.0)
"""First and longest pause of a partition that cannot be read."""


class PartitionWorker:
    """Runs one partition of one assignment (`epoch`)."""

    def __init__(
        self, partition: TopicPartition, epoch: int, subscription: Subscription, services: GroupServices
    ) -> None:
        self.partition = partition
        self.subscription = subscription
        self.state: PartitionState = "waiting"
        self.task: asyncio.Task[None] | None = None
        self._epoch = epoch
        self._services = services
        self._context = PartitionContext(partition, epoch, subscription, services)
        self._consumer: Consumer | None = None
        self._ending = asyncio.Event()
        self._arrived: asyncio.Future[None] | None = None
        self._cancelling = False
        self._gone: set[int] = set()
        self._first_unmarked_ms: int | None = None
        self._job_started_at: datetime | None = None
        self._next_attempt_at: datetime | None = None
        self._job_id = uuid.uuid4().hex[:12]

    @property
    def running_job(self) -> bool:
        return self._job_started_at is not None

    @property
    def name(self) -> str:
        return f"{self.subscription.consumer.__name__} on {self.partition}"

    def wake(self) -> None:
        """Records have arrived, or the end has come."""
        if self._arrived is not None and not self._arrived.done():
            self._arrived.set_result(None)

    @property
    def idle(self) -> bool:
        """Whether it waits for records."""
        return self._arrived is not None

    def end(self, *, revoked: bool) -> None:
        """Nothing more is dispatched; a job that runs goes on to its end."""
        self._context.revoked = self._context.revoked or revoked
        self.state = "draining"
        self._ending.set()
        self.wake()

    def cancel(self) -> None:
        """Cuts the running job: that is no failure, and nothing is marked for it."""
        self._cancelling = True
        if self.task is not None:
            self.task.cancel()

    async def run(self, before: asyncio.Task[None] | None) -> None:
        """The worker's task. `before` is the task of an earlier assignment whose job still runs."""
        if before is not None and not before.done():
            await asyncio.wait({before})
        while not self._ending.is_set():
            records = await self._next_records()
            if records:
                await self._work_off(records)

    async def run_last_hook(self, hook: str) -> None:
        """`revoked` or `shutdown`, where there is a consumer to tell. Errors are published and ignored."""
        if self._consumer is not None:
            await self._side_hook(self._consumer, hook)

    async def _side_hook(self, consumer: Consumer, hook: str) -> None:
        outcome = await run_hook(getattr(consumer, hook), lambda: self._cancelling)
        if outcome.kind == "critical" and outcome.error is not None:
            self._services.crisis.critical(self.name, outcome.error)
        elif outcome.error is not None:
            self._error(f"consumer.{hook}", outcome.error)

    # --- taking -----------------------------------------------------------------------------------------

    async def _next_records(self) -> Sequence[Record]:
        subscription = self.subscription
        started = time.monotonic()
        records = await self._take(subscription.max_messages)
        if records and len(records) < subscription.min_messages:
            records = await self._fill_up(list(records), started + subscription.max_wait_ms / 1000)
        if records and self._services.monitor.listens(MessagesPolled):
            took_ms = (time.monotonic() - started) * 1000
            topic, partition = self.partition
            self._services.monitor.emit(
                MessagesPolled(self._services.group, self._job_id, topic, partition, len(records), took_ms)
            )
        return records

    async def _take(self, most: int) -> Sequence[Record]:
        pause_s = FETCH_PAUSE_S[0]
        while not self._ending.is_set():
            try:
                records = self._services.client.take(self.partition, most)
            except PositionLost as lost:
                await self._recover(lost)
                continue
            except FetchFailed as error:
                self._error("consumer.fetch", error)
                await self._rest(pause_s)
                pause_s = min(pause_s * 2, FETCH_PAUSE_S[1])
                continue
            if records:
                return records
            self._at_the_end()
            await self._arrival(None)
        return ()

    async def _fill_up(self, records: list[Record], deadline: float) -> Sequence[Record]:
        wanted, most = self.subscription.min_messages, self.subscription.max_messages
        while len(records) < wanted and not self._ending.is_set() and time.monotonic() < deadline:
            more = self._services.client.take(self.partition, most - len(records))
            records += more
            if not more:
                await self._arrival(deadline - time.monotonic())
        return records

    async def _arrival(self, timeout_s: float | None) -> None:
        """Waits to be woken. The group's loop wakes every idle worker whose partition has data."""
        if self._ending.is_set() or self._services.client.has_data(self.partition):
            await asyncio.sleep(0)
            return
        self._arrived = asyncio.get_running_loop().create_future()
        try:
            await asyncio.wait({self._arrived}, timeout=timeout_s)
        finally:
            self._arrived = None

    def _at_the_end(self) -> None:
        """With everything marked the position is done too: transaction markers would else leave a lag of 1."""
        ledger = self._services.ledger
        marked = ledger.marked(self.partition)
        position = self._services.client.position(self.partition)
        if marked is not None and position is not None and position > marked and not self.subscription.manual_offsets:
            ledger.mark(self.partition, self._epoch, position)

    async def _recover(self, lost: PositionLost) -> None:
        try:
            await self._services.positions.recover(self._services.client, lost, self.partition)
        except KafkaUnavailable as error:
            self._error("consumer.position", error)
            await self._rest(FETCH_PAUSE_S[0])

    async def _rest(self, seconds: float) -> bool:
        """Waits; False when the end came first."""
        if seconds <= 0:
            return not self._ending.is_set()
        ending = asyncio.ensure_future(self._ending.wait())
        try:
            await asyncio.wait({ending}, timeout=seconds)
        finally:
            ending.cancel()
        return not self._ending.is_set()

    # --- running ----------------------------------------------------------------------------------------

    async def _work_off(self, records: Sequence[Record]) -> None:
        """Runs the consumer until every record is done, given up, or no longer ours."""
        self._gone.clear()
        pending = records
        while pending and not self._ending.is_set():
            attempt = self._begin_attempt(pending[0].offset)
            outcome = await self._job(pending, attempt)
            if outcome.kind == "done":
                self._finished(records)
                return
            if outcome.kind != "failed" or outcome.error is None:
                self._abandon(outcome)
                return
            pending = await self._after_failure(outcome.error, pending, attempt)
        if not pending and not self._ending.is_set():
            self._finished(records)

    def _finished(self, records: Sequence[Record]) -> None:
        if not self.subscription.manual_offsets:
            self._services.ledger.mark(self.partition, self._epoch, records[-1].offset + 1)
        self._services.attempts.pop(self.partition, None)
        self._first_unmarked_ms = None
        self._become("waiting")

    def _abandon(self, outcome: Outcome) -> None:
        if outcome.kind == "critical" and outcome.error is not None:
            self._services.crisis.critical(self.name, outcome.error)
            self._ending.set()

    def _begin_attempt(self, first_unmarked: int) -> int:
        """Attempts are counted for one first unmarked offset: progress starts them anew."""
        offset, attempts = self._services.attempts.get(self.partition, (first_unmarked, 0))
        return attempts + 1 if offset == first_unmarked else 1

    async def _job(self, records: Sequence[Record], attempt: int) -> Outcome:
        context = self._context
        context.messages = Messages(records, self.subscription.deserializers)
        context.attempt = attempt
        self._first_unmarked_ms = records[0].timestamp
        async with self._services.slots:
            if self._ending.is_set():
                return Outcome("cancelled")
            consumer = self._consumer
            if consumer is None:
                consumer = self._consumer = self.subscription.consumer(context)
                await self._side_hook(consumer, "initialized")
            return await self._timed(consumer, records, attempt)

    async def _timed(self, consumer: Consumer, records: Sequence[Record], attempt: int) -> Outcome:
        monitor, group, job = self._services.monitor, self._services.group, self._job_id
        topic, partition = self.partition
        name = type(consumer).__name__
        first, last, size = records[0].offset, records[-1].offset, len(records)
        self._job_started_at = datetime.now(UTC)
        self._next_attempt_at = None
        self._become("running")
        if monitor.listens(JobStarted):
            monitor.emit(JobStarted(group, job, name, topic, partition, first, last, size, attempt))
        started = time.perf_counter()
        outcome = await run_hook(consumer.consume, lambda: self._cancelling)
        took_ms = (time.perf_counter() - started) * 1000
        self._job_started_at = None
        kind = "failed" if outcome.kind == "critical" else outcome.kind
        monitor.emit(JobFinished(group, job, name, topic, partition, size, took_ms, kind))
        if outcome.error is not None and outcome.kind != "cancelled":
            self._error("consumer.consume", outcome.error, first, last, attempt)
        return outcome

    # --- failing ----------------------------------------------------------------------------------------

    async def _after_failure(self, error: BaseException, records: Sequence[Record], attempt: int) -> Sequence[Record]:
        """What is left to run once the decision on `error` has been carried out."""
        if isinstance(error, MessageFailed):
            self._context.mark(error.message.offset - 1)
        unmarked = self._unmarked(records)
        if not unmarked:
            return ()
        if unmarked[0].offset != records[0].offset:
            attempt = 1
        self._services.attempts[self.partition] = (unmarked[0].offset, attempt)
        match decide(error, attempt, unmarked, self.subscription):
            case Retry(pause_ms):
                await self._pause(pause_ms, unmarked[0].offset, attempt)
                return unmarked
            case Isolate():
                return await self._isolate(unmarked, attempt)
            case GiveUp() as decision:
                return await self._give_up(decision, unmarked, error, attempt)

    def _unmarked(self, records: Sequence[Record]) -> Sequence[Record]:
        marked = self._services.ledger.marked(self.partition) or 0
        return [record for record in records if record.offset >= marked and record.offset not in self._gone]

    async def _pause(self, pause_ms: int, offset: int, attempt: int) -> None:
        self._next_attempt_at = datetime.now(UTC) + timedelta(milliseconds=pause_ms)
        monitor, (topic, partition) = self._services.monitor, self.partition
        name = self.subscription.consumer.__name__
        self._become("retrying")
        monitor.emit(
            RetryScheduled(
                self._services.group,
                self._job_id,
                name,
                topic,
                partition,
                offset,
                attempt,
                pause_ms,
                self._next_attempt_at,
            )
        )
        await self._rest(pause_ms / 1000)

    async def _isolate(self, records: Sequence[Record], attempt: int) -> Sequence[Record]:
        """One record at a time, until one fails: that one goes, and the rest is an ordinary batch again."""
        for index, record in enumerate(records):
            if self._ending.is_set():
                return records[index:]
            outcome = await self._job([record], attempt + 1)
            if outcome.kind == "done":
                self._context.mark(record.offset)
                continue
            if outcome.kind != "failed" or outcome.error is None:
                self._abandon(outcome)
                self._ending.set()
                return records[index:]
            decision = GiveUp(record.offset, self.subscription.backoff.pause_ms, rest_first=False)
            return await self._give_up(decision, records[index:], outcome.error, attempt + 1)
        return ()

    async def _give_up(
        self, decision: GiveUp, records: Sequence[Record], error: BaseException, attempt: int
    ) -> Sequence[Record]:
        guilty = next(record for record in records if record.offset == decision.offset)
        if not await self._dispatched(guilty, error, attempt):
            return records
        self._gone.add(guilty.offset)
        rest = [record for record in records if record.offset != guilty.offset]
        if not decision.rest_first or records[0] is guilty:
            self._context.mark(guilty.offset)
        self._services.attempts.pop(self.partition, None)
        await self._rest(decision.pause_ms / 1000)
        return rest

    async def _dispatched(self, record: Record, error: BaseException, attempt: int) -> bool:
        """Stores the dead letter, however often it takes; False when the end came first."""
        dead_letter = self.subscription.dead_letter
        topic = dead_letter.topic if dead_letter else None
        tries, stored = 0, topic is None
        while topic is not None and not self._ending.is_set():
            try:
                await dispatch(
                    self._services.producer,
                    topic,
                    record,
                    group=self._services.group,
                    attempts=attempt,
                    error=error,
                )
                stored = True
                break
            except (ProduceError, KafkaUnavailable, TimeoutError) as failure:
                tries += 1
                self._error("consumer.dead_letter", failure, record.offset, record.offset, tries)
                await self._pause(self.subscription.backoff.delay_ms(tries), record.offset, attempt)
        if not stored:
            return False
        self._services.monitor.emit(
            DeadLetterDispatched(
                self._services.group,
                self._job_id,
                record.topic,
                record.partition,
                record.offset,
                topic,
                error,
            )
        )
        return True

    # --- telling ----------------------------------------------------------------------------------------

    def _error(
        self,
        kind: str,
        error: BaseException,
        first: int | None = None,
        last: int | None = None,
        attempt: int | None = None,
    ) -> None:
        topic, partition = self.partition
        name = self.subscription.consumer.__name__
        self._services.monitor.emit(
            ErrorOccurred(kind, error, self._services.group, topic, partition, first, last, attempt, name)
        )

    def _become(self, state: PartitionState) -> None:
        if self.state != "draining":
            unusual = state == "retrying" or self.state == "retrying"
            self.state = state
            if unusual:
                self.report()

    def report(self) -> None:
        """Says where the partition stands: at every retry, and once a second."""
        services = self._services
        if not services.monitor.listens(PartitionProgress):
            return
        topic, partition = self.partition
        retrying = services.attempts.get(self.partition)
        services.monitor.emit(
            PartitionProgress(
                services.group,
                topic,
                partition,
                self.subscription.consumer.__name__,
                self.state,
                services.client.position(self.partition),
                services.ledger.marked(self.partition),
                services.ledger.committed(self.partition),
                services.client.highwater(self.partition),
                retrying[1] if retrying else 0,
                self._first_unmarked_ms,
                self._job_started_at,
                self._next_attempt_at,
            )
        )
