"""One assigned partition: takes what was fetched, runs the consumer, and goes on when it failed."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime

from app.consuming.announcer import PartitionAnnouncer
from app.consuming.context import Assignment, GroupServices
from app.consuming.ending import Ending
from app.consuming.failures import FailureHandler
from app.consuming.intake import Intake
from app.consuming.jobs import Outcome
from app.consuming.lanes import Lanes
from app.consuming.progress import Progress
from app.consuming.runner import JobRunner
from app.consuming.steering import Steering
from app.events import PartitionState
from app.messages import Record, TopicPartition
from app.routes.table import Subscription


class PartitionWorker:
    """Runs one partition of one assignment (`epoch`). Its task lives as long as the assignment."""

    def __init__(
        self, partition: TopicPartition, epoch: int, subscription: Subscription, services: GroupServices
    ) -> None:
        self.partition = partition
        self.subscription = subscription
        self.task: asyncio.Task[None] | None = None
        self._services = services
        self._ending = Ending(services.clock)
        self._progress = Progress(partition, epoch, services.ledger)
        self._steering = Steering(self._ending, services.clock, self.wake, lambda: services.paused.get(partition))
        self._assignment = Assignment(partition, epoch, subscription, services, self._progress, self._steering)
        self._announce = PartitionAnnouncer(partition, subscription, services)
        keyed = subscription.keyed
        self._runners = [
            JobRunner(self._assignment, self._ending, self._announce) for _ in range(keyed.workers if keyed else 1)
        ]
        self._lanes = Lanes(keyed, self._assignment, self._runners, self._announce) if keyed else None
        self._intake = Intake(self._assignment, self._ending, self._announce, self._eofed)
        self._failures = FailureHandler(self._assignment, self._ending, self._announce, self._run_job)
        self._formed_at = datetime.now(UTC)
        self._owed_hook: str | None = None

    @property
    def name(self) -> str:
        return f"{self.subscription.consumer.__name__} on {self.partition}"

    @property
    def state(self) -> PartitionState:
        """What it is at, for whoever looks in from outside."""
        if self._ending.come:
            return "draining"
        if self._announce.job_started_at is not None:
            return "running"
        if self._announce.next_attempt_at is not None:
            return "retrying"
        return "paused" if self._steering.paused_by is not None else "waiting"

    @property
    def idle(self) -> bool:
        """Whether it waits for records."""
        return self._intake.idle

    def wake(self) -> None:
        """Records have arrived, or something was asked for."""
        self._intake.wake()

    def operator_changed(self) -> None:
        """An operator has paused the partition, or lets it go on."""
        self._steering.changed()
        self.report()

    def read_from(self, offset: int) -> None:
        """Whatever was marked: the next batch begins at `offset`."""
        self._steering.seek(offset)

    def order_seek(self, offset: int) -> asyncio.Event:
        """An operator sends it to `offset`, whatever it waits for; the event is set once it is there. A batch that runs
        is let finish first."""
        moved = self._steering.order_seek(offset)
        self._ending.cut_rest()
        return moved

    def end(self, *, revoked: bool) -> None:
        """Nothing more is dispatched; a job that runs goes on to its end."""
        for runner in self._runners:
            runner.context.revoked = runner.context.revoked or revoked
        self._ending.set()
        self._steering.changed()

    def cancel(self) -> None:
        """Cuts the running job: that is no failure, and nothing is marked for it."""
        for runner in self._runners:
            runner.cancel()
        if self.task is not None:
            self.task.cancel()

    def report(self) -> None:
        """Says where the partition stands."""
        self._intake.look_at_the_end()
        self._announce.progress(self.state, self._steering.paused_by)

    async def run(self, before: asyncio.Task[None] | None) -> None:
        """The worker's task. `before` is the task of an earlier assignment whose job still runs."""
        if before is not None and not before.done():
            await asyncio.wait({before})
        while not self._ending.come:
            records = await self._intake.next_batch()
            self._formed_at = datetime.now(UTC)
            if records:
                await self._work_off(records)
            if self._steering.wanted:
                await self._follow_steering()
        if self._owed_hook is not None:
            await self.run_last_hook(self._owed_hook)

    def owe(self, hook: str) -> None:
        """Its job outlives its assignment: `hook` (`revoked` or `shutdown`) is run when that has ended."""
        self._owed_hook = hook

    async def _follow_steering(self) -> None:
        """Carries out what the consumer asked for: reading on elsewhere, a pause."""
        self._move()
        if not self._ending.come and self._steering.paused_by is not None:
            self.report()
            await self._steering.stand_still()
            self.report()

    def _move(self) -> None:
        target = self._steering.take_target()
        if target is None or not self._owned:
            return
        if target.rewinds:
            self._services.ledger.rewind(self.partition, target.offset)
        self._services.client.seek(self.partition, target.offset)
        self._failures.succeeded()
        self._intake.moved()
        self._announce.next_attempt_at = self._announce.first_unmarked_ms = None
        if target.moved is not None:
            target.moved.set()

    @property
    def _owned(self) -> bool:
        return self._services.ledger.owns(self.partition, self._assignment.epoch)

    async def _work_off(self, records: Sequence[Record]) -> None:
        """Runs the consumer until every record is done, given up, or no longer ours; or until it is asked to go on
        elsewhere."""
        self._progress.begin(records)
        pending = records
        while pending and not self._ending.come:
            await self._steering.stand_still()
            if self._steering.has_target or self._ending.come:
                return
            self._steering.asked = False
            attempt = self._failures.attempt_at(pending[0].offset)
            if attempt > 1:
                await self._failures.rest_of_pause(pending[0].offset)
                if self._ending.come:
                    return
            if self._lanes is not None and pending is records and attempt == 1:
                self._announce.first_unmarked_ms = records[0].timestamp
                outcome = await self._lanes.run(records, attempt, self._formed_at)
            else:
                outcome = await self._run_job(pending, attempt)
            if outcome.kind == "done":
                self._finished(records)
                return
            self._steering.forget_target()
            if outcome.kind != "failed" or outcome.error is None or not self._owned:
                return
            pending = await self._failures.handle(outcome.error, pending, attempt)
        if not pending and not self._ending.come:
            self._finished(records)

    def _finished(self, records: Sequence[Record]) -> None:
        if self._marks_by_itself:
            self._progress.done_up_to(records[-1].offset)
        self._failures.succeeded()
        unmarked = () if self._marks_by_itself else self._progress.remaining(records)
        self._announce.first_unmarked_ms = unmarked[0].timestamp if unmarked else None
        if self._announce.next_attempt_at is not None:
            self._announce.next_attempt_at = None
            self.report()

    @property
    def _marks_by_itself(self) -> bool:
        """Whether what `consume` came back from is done."""
        return not self.subscription.manual_offsets and not self._steering.asked

    async def _run_job(self, records: Sequence[Record], attempt: int) -> Outcome:
        self._announce.first_unmarked_ms = records[0].timestamp
        return await self._runners[0].run(records, attempt, self._formed_at)

    async def _eofed(self) -> None:
        for runner in self._runners:
            await runner.eofed()

    async def run_last_hook(self, hook: str) -> None:
        """`revoked` or `shutdown`, wherever there is a consumer to tell."""
        for runner in self._runners:
            await runner.run_last_hook(hook)
