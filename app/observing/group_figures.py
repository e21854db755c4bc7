"""What the dashboard says of one consumer group of this instance, and of its partitions."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from app.events import (
    GroupState,
    JobFinished,
    JobStarted,
    PartitionProgress,
    PartitionState,
    RetryScheduled,
)
from app.messages import TopicPartition
from app.routes.table import Group

Trend = Literal["growing", "shrinking", "steady"]
LAGS_KEPT = 4
"""Of the last minute: two older ones, two newer ones."""


@dataclass(slots=True)
class PartitionRow:
    """Where one partition of this member stands. Offsets are of the next record, None where not known."""

    at: TopicPartition
    consumer: str | None
    state: PartitionState = "waiting"
    position: int | None = None
    marked: int | None = None
    committed: int | None = None
    end: int | None = None
    attempt: int = 1
    first_unmarked_ms: int | None = None
    job_started_at: datetime | None = None
    next_retry_at: datetime | None = None
    retrying_since: datetime | None = None
    paused_by: str | None = None
    begun_at: int | None = None
    """Where reading began: what stands before it is done, as far as this group is concerned."""
    _lags: tuple[int, ...] = ()
    _shown: dict[str, Any] | None = None
    _told: dict[str, Any] | None = None

    def progressed(self, event: PartitionProgress) -> None:
        self.consumer = event.consumer
        self.position, self.marked = event.position, event.marked
        self.begun_at = event.position if self.begun_at is None else self.begun_at
        self.committed, self.end = event.committed, event.end
        self.first_unmarked_ms = event.first_unmarked_timestamp_ms
        self.job_started_at = event.job_started_at
        self.next_retry_at = event.next_attempt_at
        self.paused_by = event.paused_by
        self._become(event.state, event.attempt, event.at)

    def job_started(self, event: JobStarted) -> None:
        self.consumer, self.job_started_at, self.next_retry_at = event.consumer, event.at, None
        self.begun_at = event.first_offset if self.begun_at is None else self.begun_at
        self._become("running", event.attempt, event.at)

    def job_finished(self, event: JobFinished) -> None:
        self.job_started_at = self._shown = None
        self.state = "waiting"
        if event.outcome == "done":
            self.retrying_since = None

    def retry_scheduled(self, event: RetryScheduled) -> None:
        self.next_retry_at = event.next_attempt_at
        self._become("retrying", event.attempt, event.at)

    def committed_up_to(self, offset: int) -> None:
        self.committed, self._shown = offset, None

    def taken_away(self) -> None:
        self.state, self._shown = "draining", None

    def _become(self, state: PartitionState, attempt: int, at: datetime) -> None:
        self.state, self.attempt, self._shown = state, max(1, attempt), None
        if state == "retrying":
            self.retrying_since = self.retrying_since or at
        elif attempt <= 1:
            self.retrying_since = None

    @property
    def lag(self) -> int | None:
        """Records that are not marked yet; None where an end or a mark is not known."""
        done = self.marked if self.marked is not None else self.committed
        if done is None:
            done = self.begun_at
        if self.end is None or done is None:
            return None
        return max(0, self.end - done)

    def lag_s(self, now_ms: int) -> float | None:
        """Age of the first unmarked record; 0 at the end; None while that record has not been fetched."""
        if self.lag == 0:
            return 0.0
        return None if self.first_unmarked_ms is None else max(0, now_ms - self.first_unmarked_ms) / 1000

    def remember_lag(self) -> None:
        """To be called four times a minute."""
        lag = self.lag
        self._lags = () if lag is None else (*self._lags[1 - LAGS_KEPT :], lag)

    @property
    def trend(self) -> Trend | None:
        """Where its lag goes: `growing` where all of the last half minute was above all of the one before, so that
        batches that come and go do not count; None before a minute has passed."""
        if len(self._lags) < LAGS_KEPT:
            return None
        older, newer = self._lags[: LAGS_KEPT // 2], self._lags[LAGS_KEPT // 2 :]
        if min(newer) > max(older):
            return "growing"
        return "shrinking" if max(newer) < min(older) else "steady"

    def document(self, now_ms: int) -> dict[str, Any]:
        """Kept until something changes, as most of ten thousand partitions are at rest. The next call writes the
        ages of what waits and runs into the same one."""
        shown = self._shown
        if shown is None:
            shown = self._shown = self._document(now_ms)
            self._told = None
        else:
            self._age(shown, now_ms)
        return shown

    def told(self, now_ms: int, group: str, instance: str) -> dict[str, Any]:
        """The document with the group, the instance and the trend; kept in the same way."""
        shown, told = self.document(now_ms), self._told
        if told is None:
            told = self._told = {"group": group, "instance": instance, **shown, "trend": None}
        else:
            self._age(told, now_ms)
        if self._lags:
            told["trend"] = self.trend
        return told

    def _age(self, shown: dict[str, Any], now_ms: int) -> None:
        if self.first_unmarked_ms is not None and shown["lag"]:
            age_ms = now_ms - self.first_unmarked_ms
            shown["lag_s"] = age_ms / 1000 if age_ms > 0 else 0.0
        if self.job_started_at is not None:
            shown["job_running_s"] = self._running_s(now_ms)

    def _running_s(self, now_ms: int) -> float | None:
        started = self.job_started_at
        return None if started is None else max(0, now_ms - int(started.timestamp() * 1000)) / 1000

    def _document(self, now_ms: int) -> dict[str, Any]:
        retry = self.next_retry_at
        return {
            "topic": self.at.topic,
            "partition": self.at.partition,
            "consumer": self.consumer,
            "state": self.state,
            "committed": self.committed,
            "position": self.position,
            "end": self.end,
            "lag": self.lag,
            "lag_s": self.lag_s(now_ms),
            "attempt": self.attempt,
            "next_retry_at": None if retry is None or self.state != "retrying" else rfc_3339(retry),
            "job_running_s": self._running_s(now_ms),
            "paused_by": self.paused_by,
        }


class GroupFigures:
    """One group as this member sees it."""

    def __init__(self, group: Group) -> None:
        self.name = group.name
        self.state: GroupState = "joining"
        self.state_since = datetime.now(UTC)
        self.reason: str | None = None
        self.rows: dict[TopicPartition, PartitionRow] = {}
        self.rebalances = 0
        self.client_rebuilds = 0
        self.polled_at: datetime | None = None
        self.committed_at: datetime | None = None
        self.missing_topics: tuple[str, ...] = ()
        self._group = group

    def changed(self, state: GroupState, reason: str | None, at: datetime) -> None:
        if state != self.state:
            self.state_since = at
        self.state, self.reason = state, reason
        if state in ("stopped", "failed"):
            self.rows.clear()

    def assigned(self, partitions: frozenset[TopicPartition]) -> None:
        """`partitions` is the whole assignment from now on."""
        self.rebalances += 1
        lines = self._group.resolve({at.topic for at in partitions}, frozenset())
        consumers = {topic: line.consumer.__name__ for topic, line in lines.items()}
        self.rows = {at: PartitionRow(at, consumers.get(at.topic)) for at in sorted(partitions)}

    def revoked(self, partitions: frozenset[TopicPartition]) -> None:
        for at in partitions & self.rows.keys():
            self.rows[at].taken_away()

    def document(self, now: datetime) -> dict[str, Any]:
        now_ms = int(now.timestamp() * 1000)
        return {**self.summary(now), "partitions": [row.document(now_ms) for row in self.rows.values()]}

    def summary(self, now: datetime) -> dict[str, Any]:
        """The document without its partitions."""
        return {
            "name": self.name,
            "state": self.state,
            "assigned": len(self.rows),
            "rebalances": self.rebalances,
            "last_poll_s": _ago(self.polled_at, now),
            "last_commit_s": _ago(self.committed_at, now),
            "client_rebuilds": self.client_rebuilds,
        }


def _ago(at: datetime | None, now: datetime) -> float | None:
    return None if at is None else round(max(0.0, (now - at).total_seconds()), 3)


def rfc_3339(at: datetime) -> str:
    """An aware time as RFC 3339, UTC, with milliseconds."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
