"""What one partition tells listeners: every event of its worker is built here."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import datetime

from app.consuming.context import GroupServices
from app.consuming.jobs import Outcome
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
from app.messages import Record, TopicPartition
from app.routes.table import Subscription

JOB_ID_BITS = 48


class PartitionAnnouncer:
    """Emits the events of one assignment of one partition. `job_id` is that of the batch at hand."""

    def __init__(self, partition: TopicPartition, subscription: Subscription, services: GroupServices) -> None:
        self._at = partition
        self._consumer = subscription.consumer.__name__
        self._services = services
        self._monitor = services.monitor
        self._job = secrets.randbits(JOB_ID_BITS)
        self._running = 0
        self.job_id = ""
        self.job_started_at: datetime | None = None
        self.next_attempt_at: datetime | None = None
        self.first_unmarked_ms: int | None = None
        self._told: tuple[object, ...] = ()

    def batch_formed(self, messages: int, took_ms: float) -> None:
        """A batch was taken from the client: a new job begins."""
        self._job = (self._job + 1) % (1 << JOB_ID_BITS)
        self.job_id = f"{self._job:012x}"
        if self._monitor.listens(MessagesPolled):
            topic, partition = self._at
            listener = self._services.listener_id
            self._monitor.emit(MessagesPolled(self._services.group, listener, topic, partition, messages, took_ms))

    def job_started(self, records: Sequence[Record], attempt: int, at: datetime) -> None:
        self._running += 1
        if self._running == 1:
            self.job_started_at = at
        self.next_attempt_at = None
        if self._monitor.listens(JobStarted):
            topic, partition = self._at
            first, last, size = records[0].offset, records[-1].offset, len(records)
            group, job = self._services.group, self.job_id
            self._monitor.emit(
                JobStarted(group, job, self._consumer, topic, partition, first, last, size, attempt, records)
            )

    def job_finished(
        self, records: Sequence[Record], took_ms: float, outcome: Outcome, done: int, tags: tuple[str, ...] = ()
    ) -> None:
        """`done` of the records are dealt with, and count as consumed."""
        self._running -= 1
        if not self._running:
            self.job_started_at = None
        kind = "failed" if outcome.kind == "critical" else outcome.kind
        topic, partition = self._at
        group, job, size = self._services.group, self.job_id, len(records)
        self._monitor.emit(JobFinished(group, job, self._consumer, topic, partition, size, took_ms, kind, done, tags))

    def error(
        self,
        kind: str,
        error: BaseException,
        offsets: tuple[int, int] | None = None,
        attempt: int | None = None,
    ) -> None:
        """`kind` is area.place; `offsets` are the first and last of the records in question."""
        topic, partition = self._at
        first, last = offsets or (None, None)
        group = self._services.group
        self._monitor.emit(ErrorOccurred(kind, error, group, topic, partition, first, last, attempt, self._consumer))

    def retry_scheduled(self, offset: int, attempt: int, pause_ms: int, at: datetime) -> None:
        self.next_attempt_at = at
        topic, partition = self._at
        group, job = self._services.group, self.job_id
        self._monitor.emit(RetryScheduled(group, job, self._consumer, topic, partition, offset, attempt, pause_ms, at))

    def dead_letter(self, record: Record, dlq_topic: str | None, error: BaseException) -> None:
        group, job = self._services.group, self.job_id
        topic, partition, offset = record.topic, record.partition, record.offset
        self._monitor.emit(DeadLetterDispatched(group, job, topic, partition, offset, dlq_topic, error))

    def progress(self, state: PartitionState, paused_by: str | None = None) -> None:
        """Where the partition stands, where that has changed; `paused_by`: `consumer`, or the name of an operator."""
        services, at = self._services, self._at
        if not self._monitor.listens(PartitionProgress):
            return
        retrying = services.attempts.get(at)
        facts = (
            state,
            services.client.position(at),
            services.ledger.marked(at),
            services.ledger.committed(at),
            services.client.highwater(at),
            retrying.attempts if retrying else 0,
            self.first_unmarked_ms,
            self.job_started_at,
            self.next_attempt_at,
            paused_by,
        )
        if facts != self._told:
            self._told = facts
            self._monitor.emit(PartitionProgress(services.group, at.topic, at.partition, self._consumer, *facts))
