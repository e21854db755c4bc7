"""Carries out what was decided on a failed run: pause, isolate the guilty record, give it up."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta

from app.consuming.announcer import PartitionAnnouncer
from app.consuming.attempts import Failing
from app.consuming.context import Assignment
from app.consuming.dead_letters import dead_letter, dispatch
from app.consuming.decisions import (
    Decision,
    GiveUp,
    GiveUpAll,
    Isolate,
    RunAgain,
    StopService,
    decide,
    decide_by,
    guilty_offset,
    searches,
)
from app.consuming.ending import Ending
from app.consuming.jobs import Outcome
from app.consuming.transactional import is_transactional
from app.errors import KafkaUnavailable, ProduceError, TransactionAborted
from app.messages import Message, OutgoingMessage, Record
from app.routes.strategies import Strategy, as_verdict

RunJob = Callable[[Sequence[Record], int], Awaitable[Outcome]]
"""Runs the consumer on these records, as this attempt (1-based)."""
MOST_ERRORS = 100
"""A strategy is given so many of the latest errors of a message."""


class FailureHandler:
    """Deals with failed runs of one assignment of one partition."""

    def __init__(self, assignment: Assignment, ending: Ending, announce: PartitionAnnouncer, run_job: RunJob) -> None:
        self._assignment = assignment
        self._partition = assignment.partition
        self._subscription = assignment.subscription
        self._services = assignment.services
        self._progress = assignment.progress
        self._ending = ending
        self._announce = announce
        self._run_job = run_job
        self._errors: deque[BaseException] = deque(maxlen=MOST_ERRORS)

    def attempt_at(self, first_unmarked: int) -> int:
        """The number of the attempt that begins now. Attempts are counted for one first unmarked offset:
        progress starts them anew."""
        failing = self._services.attempts.get(self._partition)
        return failing.attempts + 1 if failing is not None and failing.offset == first_unmarked else 1

    async def rest_of_pause(self, first_unmarked: int) -> None:
        """What is left of the pause of an assignment that has passed: a rebalance does not cut it short."""
        failing = self._services.attempts.get(self._partition)
        if failing is not None and failing.offset == first_unmarked:
            left_s = failing.again_at - self._services.clock.now()
            if left_s > 0:
                await self._pause(math.ceil(left_s * 1000), first_unmarked, failing.attempts)

    def succeeded(self) -> None:
        """Nothing of the partition is failing any more."""
        self._services.attempts.pop(self._partition, None)
        self._errors.clear()

    async def handle(self, error: BaseException, records: Sequence[Record], attempt: int) -> Sequence[Record]:
        """What is left to run once the decision on `error` has been carried out."""
        unmarked = self._progress.remaining(records)
        if not unmarked:
            return ()
        if unmarked[0].offset != records[0].offset:
            attempt = 1
            self._errors.clear()
        self._errors.append(error)
        self._services.attempts[self._partition] = Failing(unmarked[0].offset, attempt)
        return await self._carry_out(self._decision(error, attempt, unmarked), unmarked, error, attempt)

    def _decision(self, error: BaseException, attempt: int, unmarked: Sequence[Record]) -> Decision:
        dead_letter = self._subscription.dead_letter
        if dead_letter is None or dead_letter.strategy is None:
            return decide(error, attempt, unmarked, self._subscription)
        return self._decision_by(dead_letter.strategy, error, attempt, unmarked)

    def _decision_by(
        self, strategy: Strategy, error: BaseException, attempt: int, unmarked: Sequence[Record]
    ) -> Decision:
        named = guilty_offset(error, unmarked) if searches(self._subscription) else None
        guilty = next((record for record in unmarked if record.offset == named), unmarked[0])
        message = Message(guilty, self._subscription.deserializers)
        try:
            verdict = as_verdict(strategy(tuple(self._errors), attempt, message))
        except Exception as broken:
            self._announce.error("consumer.strategy", broken, (guilty.offset, guilty.offset), attempt)
            return RunAgain(self._subscription.backoff.delay_ms(attempt))
        return decide_by(verdict, error, attempt, unmarked, self._subscription)

    async def _carry_out(
        self, decision: Decision, records: Sequence[Record], error: BaseException, attempt: int
    ) -> Sequence[Record]:
        match decision:
            case RunAgain(pause_ms):
                await self._pause(pause_ms, records[0].offset, attempt)
                return records
            case Isolate():
                return await self._isolate(records, attempt)
            case GiveUp():
                return await self._give_up(decision, records, error, attempt)
            case GiveUpAll():
                return await self._give_up_all(decision, records, error, attempt)
            case StopService():
                self._services.crisis.critical(f"{self._subscription.consumer.__name__} on {self._partition}", error)
                self._ending.set()
                return records

    async def _pause(self, pause_ms: int, offset: int, attempt: int) -> None:
        at = datetime.now(UTC) + timedelta(milliseconds=pause_ms)
        again_at = self._services.clock.now() + pause_ms / 1000
        self._services.attempts[self._partition] = Failing(offset, attempt, again_at)
        self._announce.retry_scheduled(offset, attempt, pause_ms, at)
        self._announce.progress("retrying")
        await self._ending.rest(pause_ms / 1000)

    async def _isolate(self, records: Sequence[Record], attempt: int) -> Sequence[Record]:
        """One record at a time, until one fails: that one is decided on alone, and the rest is an ordinary batch
        again."""
        for index, record in enumerate(records):
            if self._ending.come:
                return records[index:]
            outcome = await self._run_job([record], attempt + 1)
            if outcome.kind == "done":
                self._progress.done((record.offset,))
                continue
            if outcome.kind != "failed" or outcome.error is None:
                return records[index:]
            self._errors.append(outcome.error)
            decision = self._decision(outcome.error, attempt + 1, [record])
            return await self._carry_out(decision, records[index:], outcome.error, attempt + 1)
        return ()

    async def _give_up(
        self, decision: GiveUp, records: Sequence[Record], error: BaseException, attempt: int
    ) -> Sequence[Record]:
        guilty = next(record for record in records if record.offset == decision.offset)
        if self._transactional and not await self._finished_before(guilty, records):
            return self._progress.remaining(records)
        if not await self._dispatched(guilty, decision.topic, error, attempt):
            return records
        self._progress.done((guilty.offset,))
        self.succeeded()
        await self._ending.rest(decision.pause_ms / 1000)
        return self._progress.remaining(records)

    @property
    def _transactional(self) -> bool:
        return is_transactional(self._subscription)

    async def _finished_before(self, guilty: Record, records: Sequence[Record]) -> bool:
        """Runs what stands before `guilty` first: only an offset before which everything is done can be committed
        with it. False where the end came first."""
        before: Sequence[Record] = self._progress.remaining(r for r in records if r.offset < guilty.offset)
        while before and not self._ending.come:
            attempt = self.attempt_at(before[0].offset)
            outcome = await self._run_job(before, attempt)
            if outcome.kind == "done":
                self._progress.done(record.offset for record in before)
                self.succeeded()
            elif outcome.kind != "failed" or outcome.error is None:
                return False
            else:
                before = await self.handle(outcome.error, before, attempt)
            before = self._progress.remaining(before)
        return not self._ending.come

    async def _give_up_all(
        self, decision: GiveUpAll, records: Sequence[Record], error: BaseException, attempt: int
    ) -> Sequence[Record]:
        for index, record in enumerate(records):
            if not await self._dispatched(record, decision.topic, error, attempt):
                return records[index:]
            self._progress.done((record.offset,))
        self.succeeded()
        await self._ending.rest(decision.pause_ms / 1000)
        return ()

    async def _dispatched(self, record: Record, topic: str | None, error: BaseException, attempt: int) -> bool:
        """Stores the dead letter, however often it takes; False when the end came first, or an operator's seek."""
        tries, stored = 0, topic is None
        while topic is not None and not stored and not self._ending.come and not self._assignment.steering.ordered:
            try:
                stored = await self._store(record, topic, error, attempt)
            except (ProduceError, KafkaUnavailable, TransactionAborted, TimeoutError) as failure:
                tries += 1
                self._announce.error("consumer.dead_letter", failure, (record.offset, record.offset), tries)
                await self._pause(self._subscription.backoff.delay_ms(tries), record.offset, attempt)
        if stored:
            self._announce.dead_letter(record, topic, error)
        return stored

    async def _store(self, record: Record, topic: str, error: BaseException, attempt: int) -> bool:
        """Stores the dead letter once; False where the partition may not be ours any more: then the end has come."""
        services = self._services
        producer, group = services.producer, services.group
        if not self._transactional:
            await dispatch(producer, topic, record, group=group, attempts=attempt, error=error)
            return True
        fields = await dead_letter(producer, topic, record, group=group, attempts=attempt, error=error)
        done_before, done = self._progress.marked or record.offset, self._progress.done_with(record.offset)
        message = OutgoingMessage(**fields)
        stored = await services.transactional.dispatch(self._partition, message, done_before, done)
        if not stored:
            self._ending.set()
        return stored
