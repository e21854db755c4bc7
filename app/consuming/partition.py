"""One assigned partition: takes what was fetched, runs the consumer, and goes on when it failed."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from datetime import UTC, datetime

from app.consumer import Consumer
from app.consuming.announcer import PartitionAnnouncer
from app.consuming.context import GroupServices, PartitionContext
from app.consuming.ending import Ending
from app.consuming.failures import FailureHandler
from app.consuming.intake import Intake
from app.consuming.jobs import Outcome, run_hook
from app.events import PartitionState
from app.messages import Messages, Record, TopicPartition
from app.routes.table import Subscription


class PartitionWorker:
    """Runs one partition of one assignment (`epoch`). Its task lives as long as the assignment."""

    def __init__(
        self, partition: TopicPartition, epoch: int, subscription: Subscription, services: GroupServices
    ) -> None:
        self.partition = partition
        self.subscription = subscription
        self.task: asyncio.Task[None] | None = None
        self._epoch = epoch
        self._services = services
        self._context = PartitionContext(partition, epoch, subscription, services)
        self._consumer: Consumer | None = None
        self._cancelling = False
        self._ending = Ending()
        self._announce = PartitionAnnouncer(partition, subscription, services)
        self._intake = Intake(partition, epoch, subscription, services, self._ending, self._announce)
        self._failures = FailureHandler(
            subscription, services, self._context, self._ending, self._announce, self._run_job
        )

    @property
    def name(self) -> str:
        return f"{self.subscription.consumer.__name__} on {self.partition}"

    @property
    def running_job(self) -> bool:
        return self._announce.job_started_at is not None

    @property
    def state(self) -> PartitionState:
        """What it is at, for whoever looks in from outside."""
        if self._ending.come:
            return "draining"
        if self.running_job:
            return "running"
        return "retrying" if self._announce.next_attempt_at is not None else "waiting"

    @property
    def idle(self) -> bool:
        """Whether it waits for records."""
        return self._intake.idle

    def wake(self) -> None:
        """Records have arrived."""
        self._intake.wake()

    def end(self, *, revoked: bool) -> None:
        """Nothing more is dispatched; a job that runs goes on to its end."""
        self._context.revoked = self._context.revoked or revoked
        self._ending.set()
        self._intake.wake()

    def cancel(self) -> None:
        """Cuts the running job: that is no failure, and nothing is marked for it."""
        self._cancelling = True
        if self.task is not None:
            self.task.cancel()

    def report(self) -> None:
        """Says where the partition stands."""
        self._announce.progress(self.state)

    async def run(self, before: asyncio.Task[None] | None) -> None:
        """The worker's task. `before` is the task of an earlier assignment whose job still runs."""
        if before is not None and not before.done():
            await asyncio.wait({before})
        while not self._ending.come:
            records = await self._intake.next_batch()
            if records:
                await self._work_off(records)

    async def _work_off(self, records: Sequence[Record]) -> None:
        """Runs the consumer until every record is done, given up, or no longer ours."""
        self._failures.new_batch()
        pending = records
        while pending and not self._ending.come:
            attempt = self._failures.attempt_at(pending[0].offset)
            outcome = await self._run_job(pending, attempt)
            if outcome.kind == "done":
                self._finished(records)
                return
            if outcome.kind != "failed" or outcome.error is None:
                return
            pending = await self._failures.handle(outcome.error, pending, attempt)
        if not pending and not self._ending.come:
            self._finished(records)

    def _finished(self, records: Sequence[Record]) -> None:
        if not self.subscription.manual_offsets:
            self._services.ledger.mark(self.partition, self._epoch, records[-1].offset + 1)
        self._failures.succeeded()
        self._announce.first_unmarked_ms = None
        if self._announce.next_attempt_at is not None:
            self._announce.next_attempt_at = None
            self.report()

    async def _run_job(self, records: Sequence[Record], attempt: int) -> Outcome:
        context = self._context
        context.messages = Messages(records, self.subscription.deserializers)
        context.attempt = attempt
        self._announce.first_unmarked_ms = records[0].timestamp
        async with self._services.slots:
            if self._ending.come:
                return Outcome("cancelled")
            consumer = self._consumer
            if consumer is None:
                consumer = self._consumer = self.subscription.consumer(context)
                await self._side_hook(consumer, "initialized")
            outcome = await self._timed(consumer, records, attempt)
        if outcome.kind == "critical" and outcome.error is not None:
            self._services.crisis.critical(self.name, outcome.error)
            self._ending.set()
        return outcome

    async def _timed(self, consumer: Consumer, records: Sequence[Record], attempt: int) -> Outcome:
        self._announce.job_started(records, attempt, datetime.now(UTC))
        started = time.perf_counter()
        outcome = await run_hook(consumer.consume, lambda: self._cancelling, self._services.threads)
        self._announce.job_finished(records, (time.perf_counter() - started) * 1000, outcome)
        if outcome.error is not None and outcome.kind != "cancelled":
            offsets = (records[0].offset, records[-1].offset)
            self._announce.error("consumer.consume", outcome.error, offsets, attempt)
        return outcome

    async def run_last_hook(self, hook: str) -> None:
        """`revoked` or `shutdown`, where there is a consumer to tell. Errors are published and ignored."""
        if self._consumer is not None:
            await self._side_hook(self._consumer, hook)

    async def _side_hook(self, consumer: Consumer, hook: str) -> None:
        if getattr(type(consumer), hook) is getattr(Consumer, hook):
            return
        outcome = await run_hook(getattr(consumer, hook), lambda: self._cancelling, self._services.threads)
        if outcome.kind == "critical" and outcome.error is not None:
            self._services.crisis.critical(self.name, outcome.error)
        elif outcome.error is not None:
            self._announce.error(f"consumer.{hook}", outcome.error)
