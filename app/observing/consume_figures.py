"""What the dashboard says of consuming: totals, rates, groups."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

from app.events import (
    ClientRebuilt,
    DeadLetterDispatched,
    ErrorOccurred,
    GroupStateChanged,
    JobFinished,
    JobStarted,
    MessagesPolled,
    Monitor,
    OffsetsCommitted,
    PartitionProgress,
    PartitionsAssigned,
    PartitionsRevoked,
    PollReturned,
    RetryScheduled,
    TopicsMissing,
)
from app.messages import TopicPartition
from app.observing.figures import Counted, Samples
from app.observing.group_figures import GroupFigures, PartitionRow, rfc_3339
from app.routes.table import RoutingTable


class ConsumeFigures:
    """Follows every group of the table and counts what its consumers do."""

    def __init__(self, table: RoutingTable, monitor: Monitor) -> None:
        self.groups = {group.name: GroupFigures(group) for group in table.groups if group.active}
        self._messages = Counted()
        self._errors = Counted()
        self._batches = self._retries = self._dead = 0
        self._consume_ms = Samples()
        self._dead_letters: dict[str, tuple[int, datetime]] = {}
        self._subscribe_groups(monitor)
        self._subscribe_jobs(monitor)

    def _subscribe_groups(self, monitor: Monitor) -> None:
        monitor.subscribe(GroupStateChanged, self._group_state_changed)
        monitor.subscribe(TopicsMissing, self._topics_missing)
        monitor.subscribe(PartitionsAssigned, self._partitions_assigned)
        monitor.subscribe(PartitionsRevoked, self._partitions_revoked)
        monitor.subscribe(PartitionProgress, self._partition_progress)
        monitor.subscribe(PollReturned, self._polled)
        monitor.subscribe(MessagesPolled, self._polled)
        monitor.subscribe(OffsetsCommitted, self._offsets_committed)
        monitor.subscribe(ClientRebuilt, self._client_rebuilt)

    def _subscribe_jobs(self, monitor: Monitor) -> None:
        monitor.subscribe(JobStarted, self._job_started)
        monitor.subscribe(JobFinished, self._job_finished)
        monitor.subscribe(RetryScheduled, self._retry_scheduled)
        monitor.subscribe(DeadLetterDispatched, self._dead_letter_dispatched)
        monitor.subscribe(ErrorOccurred, self._error_occurred)

    def _row(self, group: str, topic: str, partition: int) -> PartitionRow | None:
        figures = self.groups.get(group)
        return None if figures is None else figures.rows.get(TopicPartition(topic, partition))

    def _group_state_changed(self, event: GroupStateChanged) -> None:
        if group := self.groups.get(event.group):
            group.changed(event.state, event.reason, event.at)

    def _topics_missing(self, event: TopicsMissing) -> None:
        if group := self.groups.get(event.group):
            group.missing_topics = event.topics

    def _partitions_assigned(self, event: PartitionsAssigned) -> None:
        if group := self.groups.get(event.group):
            group.assigned(event.partitions)

    def _partitions_revoked(self, event: PartitionsRevoked) -> None:
        if group := self.groups.get(event.group):
            group.revoked(event.partitions)

    def _partition_progress(self, event: PartitionProgress) -> None:
        if row := self._row(event.group, event.topic, event.partition):
            row.progressed(event)

    def _polled(self, event: PollReturned | MessagesPolled) -> None:
        if group := self.groups.get(event.group):
            group.polled_at = event.at

    def _offsets_committed(self, event: OffsetsCommitted) -> None:
        if (group := self.groups.get(event.group)) is None:
            return
        group.committed_at = event.at
        for at, offset in event.offsets.items():
            if row := group.rows.get(at):
                row.committed_up_to(offset)

    def _client_rebuilt(self, event: ClientRebuilt) -> None:
        if group := self.groups.get(event.group):
            group.client_rebuilds += 1

    def _job_started(self, event: JobStarted) -> None:
        if row := self._row(event.group, event.topic, event.partition):
            row.job_started(event)

    def _job_finished(self, event: JobFinished) -> None:
        self._batches += 1
        self._consume_ms.add(event.took_ms)
        if event.done:
            self._messages.add(event.done)
        if row := self._row(event.group, event.topic, event.partition):
            row.job_finished(event)

    def _retry_scheduled(self, event: RetryScheduled) -> None:
        self._retries += 1
        if row := self._row(event.group, event.topic, event.partition):
            row.retry_scheduled(event)

    def _dead_letter_dispatched(self, event: DeadLetterDispatched) -> None:
        self._dead += 1
        if event.dlq_topic is not None:
            dispatched, _ = self._dead_letters.get(event.dlq_topic, (0, event.at))
            self._dead_letters[event.dlq_topic] = (dispatched + 1, event.at)

    def _error_occurred(self, event: ErrorOccurred) -> None:
        if event.kind.startswith("consumer."):
            self._errors.add()

    def document(self, now: datetime) -> dict[str, Any]:
        """The `consume` part of the snapshot."""
        groups = [group.document(now) for group in self.groups.values()]
        lag, lag_s = _most([row for group in groups for row in group["partitions"]])
        return {
            "totals": {
                "batches": self._batches,
                "messages": self._messages.total,
                "errors": self._errors.total,
                "retries": self._retries,
                "dead": self._dead,
            },
            "per_s": {
                "messages": round(self._messages.rate.per_s, 2),
                "errors": round(self._errors.rate.per_s, 2),
            },
            "consume_ms": self._consume_ms.percentiles((50, 99)),
            "lag": lag,
            "lag_s": lag_s,
            "groups": groups,
        }

    @property
    def messages_per_s(self) -> float:
        """Consumed, over the last minute."""
        return round(self._messages.rate.per_s, 2)

    def totals(self) -> dict[str, float]:
        """What was counted since the start."""
        return {
            "consumed": self._messages.total,
            "errors": self._errors.total,
            "retries": self._retries,
            "dead": self._dead,
        }

    def lags(self, now_ms: int) -> dict[str, tuple[int, float | None]]:
        """(records, seconds) of lag by topic, of all groups together; seconds are None where none is known."""
        lags: dict[str, tuple[int, float | None]] = {}
        for row in self._rows():
            lag, topic, first_ms = row.lag, row.at.topic, row.first_unmarked_ms
            if lag is None:
                continue
            lag_s = 0.0 if lag == 0 else None if first_ms is None else max(0, now_ms - first_ms) / 1000
            before, before_s = lags.get(topic, (0, None))
            longest = before_s if lag_s is None or (before_s is not None and before_s > lag_s) else lag_s
            lags[topic] = before + lag, longest
        return lags

    def remember_lags(self) -> None:
        """For the trend of each partition: to be called four times a minute."""
        for row in self._rows():
            row.remember_lag()

    def _rows(self) -> Iterator[PartitionRow]:
        return (row for group in self.groups.values() for row in group.rows.values())

    def dead_letters(self) -> list[dict[str, Any]]:
        """The `dead_letters` part of the snapshot."""
        return [
            {"topic": topic, "dispatched": dispatched, "last_at": rfc_3339(last_at)}
            for topic, (dispatched, last_at) in sorted(self._dead_letters.items())
        ]


def _most(rows: Iterable[dict[str, Any]]) -> tuple[int | None, float | None]:
    """(records of lag together, seconds of the longest) of what is known; None where nothing is."""
    lags = [lag for row in rows if (lag := row["lag"]) is not None]
    ages = [age for row in rows if (age := row["lag_s"]) is not None]
    return (sum(lags) if lags else None), max(ages, default=None)
