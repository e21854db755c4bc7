"""One consumer object of an assignment: made at its first batch, its hooks run in order, one at a time."""

from __future__ import annotations

import inspect
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import partial

from app.consumer import Consumer
from app.consuming.announcer import PartitionAnnouncer
from app.consuming.context import Assignment, PartitionContext
from app.consuming.ending import Ending
from app.consuming.jobs import DONE, Around, Outcome, run_hook
from app.messages import Messages, Record


class JobRunner:
    """Runs the hooks of one consumer object."""

    def __init__(self, assignment: Assignment, ending: Ending, announce: PartitionAnnouncer) -> None:
        self.context = PartitionContext(assignment)
        self._subscription = assignment.subscription
        self._services = assignment.services
        self._ending = ending
        self._announce = announce
        self._consumer: Consumer | None = None
        self._cancelling = self._left_running = False
        self._progress = assignment.progress
        self._job_started_at: datetime | None = None

    def cancel(self) -> None:
        """From now on a CancelledError in a hook is one that we meant."""
        self._cancelling = True

    async def run(
        self, records: Sequence[Record], attempt: int, formed_at: datetime, lane: int | None = None
    ) -> Outcome:
        """Runs `consume` on these records, as this attempt (1-based); `formed_at` is when their batch was taken. `lane`
        is its number where other records of the batch are run beside these."""
        context = self.context
        async with self._services.slots:
            if self._ending.come:
                return Outcome("cancelled")
            now = datetime.now(UTC)
            lag_ms = int((now - formed_at).total_seconds() * 1000)
            context.messages = Messages(records, self._subscription.deserializers, formed_at, lag_ms)
            context.attempt, context.lane = attempt, lane
            outcome = await self._ready_consumer()
            if outcome is DONE:
                outcome = await self._consume(records, attempt, now)
            elif outcome.error is not None and outcome.kind != "cancelled":
                self._failed(outcome.error, records, attempt)
        if outcome.kind == "critical" and outcome.error is not None:
            self._services.crisis.critical(self._name, outcome.error)
            self._ending.set()
        return outcome

    @property
    def _name(self) -> str:
        return f"{self._subscription.consumer.__name__} on {self.context.topic}-{self.context.partition}"

    async def _ready_consumer(self) -> Outcome:
        """Makes the consumer where there is none, or where every batch gets a new one."""
        instances = self._services.instances
        if self._consumer is not None and instances.persistent:
            return DONE

        async def make() -> None:
            self._consumer = instances.make(self._subscription.consumer, self.context)

        outcome = await run_hook(make, self._is_cancelling, self._services.threads)
        if outcome is DONE:
            await self._side_hook("initialized")
        return outcome

    async def _consume(self, records: Sequence[Record], attempt: int, at: datetime) -> Outcome:
        consumer = self._consumer
        assert consumer is not None
        self._announce.job_started(records, attempt, at)
        started = time.perf_counter()
        outcome = await run_hook(
            consumer.consume, self._is_cancelling, self._services.threads, _around(consumer, "consume")
        )
        took_ms = (time.perf_counter() - started) * 1000
        if outcome.error is not None:
            self._progress.failed(outcome.error, records)
        self._announce.job_finished(records, took_ms, outcome, self._done_of(records, outcome), tuple(consumer.tags))
        if outcome.error is not None and outcome.kind != "cancelled":
            self._failed(outcome.error, records, attempt)
        self._left_running = outcome.kind == "cancelled" and not inspect.iscoroutinefunction(consumer.consume)
        return outcome

    def _done_of(self, records: Sequence[Record], outcome: Outcome) -> int:
        """How many of `records` are dealt with: all where it came back, what was marked where it failed."""
        return len(records) if outcome is DONE else len(records) - len(self._progress.remaining(records))

    def _failed(self, error: BaseException, records: Sequence[Record], attempt: int) -> None:
        self._announce.error("consumer.consume", error, (records[0].offset, records[-1].offset), attempt)

    async def eofed(self) -> None:
        """The end of the partition has been reached."""
        if self._consumer is not None and _overrides(self._consumer, "eofed"):
            async with self._services.slots:
                if not self._ending.come:
                    self.context.lane = None
                    await self._side_hook("eofed")

    async def run_last_hook(self, hook: str) -> None:
        """`revoked` or `shutdown`, where there is a consumer to tell. Errors are published and ignored. There is none
        where a thread that was cut goes on in `consume`: hooks are called one at a time."""
        if self._consumer is not None and not self._left_running:
            await self._side_hook(hook)

    async def _side_hook(self, hook: str) -> None:
        consumer = self._consumer
        if consumer is None or not _overrides(consumer, hook):
            return
        outcome = await run_hook(
            getattr(consumer, hook), self._is_cancelling, self._services.threads, _around(consumer, hook)
        )
        if outcome.kind == "critical" and outcome.error is not None:
            self._services.crisis.critical(self._name, outcome.error)
        elif outcome.error is not None:
            self._announce.error(f"consumer.{hook}", outcome.error)

    def _is_cancelling(self) -> bool:
        return self._cancelling


def _overrides(consumer: Consumer, hook: str) -> bool:
    return getattr(type(consumer), hook) is not getattr(Consumer, hook)


def _around(consumer: Consumer, hook: str) -> Around | None:
    """What `wrap` gives for this hook; None where the class does not write it."""
    if not _overrides(consumer, "wrap"):
        return None
    arguments = (hook,) if inspect.signature(consumer.wrap).parameters else ()
    return partial(consumer.wrap, *arguments)
