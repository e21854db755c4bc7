"""Which jobs run, which wait, and how much of the job slots is used."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

from app.events import (
    GroupStateChanged,
    JobFinished,
    JobStarted,
    MessagesPolled,
    Monitor,
    PartitionsAssigned,
    RetryScheduled,
)
from app.messages import TopicPartition
from app.observing.group_figures import rfc_3339

WINDOW_S = 60


Place = tuple[str, str, int]
"""One partition in one group: (group, topic, partition)."""


class Jobs:
    """Follows every job by its events. `slots`: most that run at once."""

    def __init__(
        self, instance: str, slots: int, monitor: Monitor, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._instance = instance
        self._running: dict[Place, list[JobStarted]] = {}
        self._waiting: dict[Place, MessagesPolled | RetryScheduled] = {}
        self._usage = _Usage(slots, clock)
        monitor.subscribe(MessagesPolled, self._waits)
        monitor.subscribe(RetryScheduled, self._waits)
        monitor.subscribe(JobStarted, self._started)
        monitor.subscribe(JobFinished, self._finished)
        monitor.subscribe(PartitionsAssigned, self._assigned)
        monitor.subscribe(GroupStateChanged, self._group_changed)

    def _waits(self, event: MessagesPolled | RetryScheduled) -> None:
        self._waiting[event.group, event.topic, event.partition] = event

    def _started(self, event: JobStarted) -> None:
        place = (event.group, event.topic, event.partition)
        self._waiting.pop(place, None)
        self._running.setdefault(place, []).append(event)
        self._usage.changed(1)

    def _finished(self, event: JobFinished) -> None:
        place = (event.group, event.topic, event.partition)
        running = self._running.get(place, ())
        ended = next((job for job in running if job.job_id == event.job_id and job.messages == event.messages), None)
        if ended is None:
            return
        self._usage.changed(-1)
        if len(running) == 1:
            del self._running[place]
        else:
            self._running[place] = [job for job in running if job is not ended]

    def _assigned(self, event: PartitionsAssigned) -> None:
        self._forget(event.group, event.partitions)

    def _group_changed(self, event: GroupStateChanged) -> None:
        if event.state in ("stopped", "failed"):
            self._forget(event.group, frozenset())

    def _forget(self, group: str, but: frozenset[TopicPartition]) -> None:
        """What waited will not be run here. Jobs that run end with an event of their own."""
        self._waiting = {
            place: event
            for place, event in self._waiting.items()
            if place[0] != group or TopicPartition(place[1], place[2]) in but
        }

    def second_passed(self) -> None:
        """To be called about once a second."""
        self._usage.second_passed()

    @property
    def running(self) -> int:
        """How many run now."""
        return sum(map(len, self._running.values()))

    @property
    def utilisation(self) -> float | None:
        """The share of the job slots that was used in the last minute, from 0 to 1; None before a second has passed."""
        return self._usage.share

    def rows(self) -> list[dict[str, Any]]:
        """Every job, running ones first."""
        now = datetime.now(UTC)
        running = (_running(event, now) for events in self._running.values() for event in events)
        return [{"instance": self._instance, **row} for row in (*running, *self._waiting_rows())]

    def _waiting_rows(self) -> Iterator[dict[str, Any]]:
        for place, event in self._waiting.items():
            if place not in self._running:
                yield _for_slot(event) if isinstance(event, MessagesPolled) else _for_retry(event)


class _Usage:
    """How much of the slots was used: the integral of running jobs over time, remembered for each of 60 seconds."""

    def __init__(self, slots: int, clock: Callable[[], float]) -> None:
        self._slots = slots
        self._clock = clock
        self._running = 0
        self._used_s = 0.0
        self._since = clock()
        self._marks: deque[tuple[float, float]] = deque([(self._since, 0.0)], maxlen=WINDOW_S + 1)

    def changed(self, by: int) -> None:
        self._count()
        self._running += by

    def _count(self) -> None:
        now = self._clock()
        self._used_s += self._running * (now - self._since)
        self._since = now

    def second_passed(self) -> None:
        self._count()
        self._marks.append((self._since, self._used_s))

    @property
    def share(self) -> float | None:
        self._count()
        began, used_before = self._marks[0]
        passed_s = self._since - began
        if passed_s < 1:
            return None
        return round(min(1.0, (self._used_s - used_before) / (passed_s * self._slots)), 4)


def _running(event: JobStarted, now: datetime) -> dict[str, Any]:
    return _row(
        event,
        state="running",
        consumer=event.consumer,
        offsets=(event.first_offset, event.last_offset),
        messages=event.messages,
        attempt=event.attempt,
        running_s=round(max(0.0, (now - event.at).total_seconds()), 3),
    )


def _for_slot(event: MessagesPolled) -> dict[str, Any]:
    return _row(event, state="waiting", messages=event.messages, attempt=1)


def _for_retry(event: RetryScheduled) -> dict[str, Any]:
    return _row(
        event,
        state="waiting",
        consumer=event.consumer,
        offsets=(event.offset, None),
        attempt=event.attempt,
        next_retry_at=rfc_3339(event.next_attempt_at),
    )


def _row(event: JobStarted | MessagesPolled | RetryScheduled, **known: Any) -> dict[str, Any]:
    first, last = known.get("offsets", (None, None))
    return {
        "group": event.group,
        "topic": event.topic,
        "partition": event.partition,
        "consumer": known.get("consumer"),
        "hook": "consume",
        "state": known["state"],
        "first_offset": first,
        "last_offset": last,
        "messages": known.get("messages"),
        "attempt": known["attempt"],
        "since": rfc_3339(event.at),
        "running_s": known.get("running_s"),
        "next_retry_at": known.get("next_retry_at"),
    }
