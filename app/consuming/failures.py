"""Carries out what was decided on a failed run: pause, isolate the guilty record, give it up."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta

from app.consuming.announcer import PartitionAnnouncer
from app.consuming.context import GroupServices, PartitionContext
from app.consuming.dead_letters import dispatch
from app.consuming.decisions import GiveUp, GiveUpAll, Isolate, Retry, decide
from app.consuming.ending import Ending
from app.consuming.jobs import Outcome
from app.errors import KafkaUnavailable, MessageFailed, ProduceError
from app.messages import Record, TopicPartition
from app.routes.table import Subscription

RunJob = Callable[[Sequence[Record], int], Awaitable[Outcome]]
"""Runs the consumer on these records, as this attempt (1-based)."""


class FailureHandler:
    """Deals with failed runs of one assignment of one partition."""

    def __init__(
        self,
        subscription: Subscription,
        services: GroupServices,
        context: PartitionContext,
        ending: Ending,
        announce: PartitionAnnouncer,
        run_job: RunJob,
    ) -> None:
        self._subscription = subscription
        self._services = services
        self._context = context
        self._partition = TopicPartition(context.topic, context.partition)
        self._ending = ending
        self._announce = announce
        self._run_job = run_job
        self._gone: set[int] = set()

    def new_batch(self) -> None:
        """What was given up belongs to an earlier batch."""
        self._gone.clear()

    def attempt_at(self, first_unmarked: int) -> int:
        """The number of the attempt that begins now. Attempts are counted for one first unmarked offset:
        progress starts them anew."""
        offset, attempts = self._services.attempts.get(self._partition, (first_unmarked, 0))
        return attempts + 1 if offset == first_unmarked else 1

    def succeeded(self) -> None:
        """Nothing of the partition is failing any more."""
        self._services.attempts.pop(self._partition, None)

    async def handle(self, error: BaseException, records: Sequence[Record], attempt: int) -> Sequence[Record]:
        """What is left to run once the decision on `error` has been carried out."""
        if isinstance(error, MessageFailed):
            self._context.mark(error.message.offset - 1)
        unmarked = self._unmarked(records)
        if not unmarked:
            return ()
        if unmarked[0].offset != records[0].offset:
            attempt = 1
        self._services.attempts[self._partition] = (unmarked[0].offset, attempt)
        match decide(error, attempt, unmarked, self._subscription):
            case Retry(pause_ms):
                await self._pause(pause_ms, unmarked[0].offset, attempt)
                return unmarked
            case Isolate():
                return await self._isolate(unmarked, attempt)
            case GiveUp() as decision:
                return await self._give_up(decision, unmarked, error, attempt)
            case GiveUpAll(pause_ms):
                return await self._give_up_all(pause_ms, unmarked, error, attempt)

    def _unmarked(self, records: Sequence[Record]) -> Sequence[Record]:
        marked = self._services.ledger.marked(self._partition) or 0
        return [record for record in records if record.offset >= marked and record.offset not in self._gone]

    async def _pause(self, pause_ms: int, offset: int, attempt: int) -> None:
        at = datetime.now(UTC) + timedelta(milliseconds=pause_ms)
        self._announce.retry_scheduled(offset, attempt, pause_ms, at)
        self._announce.progress("retrying")
        await self._ending.rest(pause_ms / 1000)

    async def _isolate(self, records: Sequence[Record], attempt: int) -> Sequence[Record]:
        """One record at a time, until one fails: that one goes, and the rest is an ordinary batch again."""
        for index, record in enumerate(records):
            if self._ending.come:
                return records[index:]
            outcome = await self._run_job([record], attempt + 1)
            if outcome.kind == "done":
                self._context.mark(record.offset)
                continue
            if outcome.kind != "failed" or outcome.error is None:
                return records[index:]
            decision = GiveUp(record.offset, self._subscription.backoff.pause_ms, rest_first=False)
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
        self._services.attempts.pop(self._partition, None)
        await self._ending.rest(decision.pause_ms / 1000)
        return rest

    async def _give_up_all(
        self, pause_ms: int, records: Sequence[Record], error: BaseException, attempt: int
    ) -> Sequence[Record]:
        for index, record in enumerate(records):
            if not await self._dispatched(record, error, attempt):
                return records[index:]
            self._context.mark(record.offset)
        self._services.attempts.pop(self._partition, None)
        await self._ending.rest(pause_ms / 1000)
        return ()

    async def _dispatched(self, record: Record, error: BaseException, attempt: int) -> bool:
        """Stores the dead letter, however often it takes; False when the end came first."""
        dead_letter = self._subscription.dead_letter
        topic = dead_letter.topic if dead_letter else None
        tries, stored = 0, topic is None
        while topic is not None and not stored and not self._ending.come:
            group = self._services.group
            try:
                await dispatch(self._services.producer, topic, record, group=group, attempts=attempt, error=error)
                stored = True
            except (ProduceError, KafkaUnavailable, TimeoutError) as failure:
                tries += 1
                self._announce.error("consumer.dead_letter", failure, (record.offset, record.offset), tries)
                await self._pause(self._subscription.backoff.delay_ms(tries), record.offset, attempt)
        if stored:
            self._announce.dead_letter(record, topic, error)
        return stored
