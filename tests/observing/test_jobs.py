"""Which jobs run and wait, and the share of the slots that they use."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

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
from app.observing.jobs import Jobs

RETRY_AT = datetime(2026, 1, 5, 10, tzinfo=UTC)


class Clock:
    """Goes on when it is told to."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def monitor() -> Monitor:
    return Monitor()


@pytest.fixture
def jobs(monitor: Monitor, clock: Clock) -> Jobs:
    return Jobs("here", 4, monitor, clock)


def started(partition: int = 0, job: str = "j", messages: int = 10) -> JobStarted:
    return JobStarted("g", job, "C", "t", partition, 5, 14, messages, 1)


def finished(partition: int = 0, job: str = "j", messages: int = 10) -> JobFinished:
    return JobFinished("g", job, "C", "t", partition, messages, 1.0, "done", messages)


def only(jobs: Jobs) -> dict[str, Any]:
    (row,) = jobs.rows()
    return row


def test_a_batch_waits_for_a_slot_runs_and_ends(jobs: Jobs, monitor: Monitor) -> None:
    monitor.emit(MessagesPolled("g", "l", "t", 0, 10, 1.0))
    assert (only(jobs)["state"], only(jobs)["messages"], only(jobs)["running_s"]) == ("waiting", 10, None)
    monitor.emit(started())
    row = only(jobs)
    assert (row["state"], row["consumer"], row["first_offset"], row["last_offset"]) == ("running", "C", 5, 14)
    assert row["running_s"] >= 0
    monitor.emit(finished())
    assert jobs.rows() == []


def test_a_failed_batch_waits_for_its_retry(jobs: Jobs, monitor: Monitor) -> None:
    monitor.emit(started())
    monitor.emit(RetryScheduled("g", "j", "C", "t", 0, 7, 2, 100, RETRY_AT))
    assert only(jobs)["state"] == "running"
    monitor.emit(finished())
    row = only(jobs)
    assert (row["state"], row["attempt"], row["first_offset"]) == ("waiting", 2, 7)
    assert row["next_retry_at"] == "2026-01-05T10:00:00.000Z"


def test_lanes_of_one_batch_are_jobs_of_their_own(jobs: Jobs, monitor: Monitor) -> None:
    monitor.emit(started(messages=3))
    monitor.emit(started(messages=7))
    assert jobs.running == 2
    monitor.emit(finished(messages=7))
    assert only(jobs)["messages"] == 3


def test_what_waited_for_a_partition_that_left_is_forgotten(jobs: Jobs, monitor: Monitor) -> None:
    for partition in (0, 1):
        monitor.emit(MessagesPolled("g", "l", "t", partition, 10, 1.0))
    monitor.emit(PartitionsAssigned("g", "l", frozenset({TopicPartition("t", 1)})))
    assert only(jobs)["partition"] == 1
    monitor.emit(GroupStateChanged("g", "l", "stopped"))
    assert jobs.rows() == []


def test_the_share_of_the_slots_is_that_of_the_last_minute(jobs: Jobs, monitor: Monitor, clock: Clock) -> None:
    assert jobs.utilisation is None
    monitor.emit(started(0))
    monitor.emit(started(1))
    for _ in range(30):
        clock.now += 1
        jobs.second_passed()
    assert jobs.utilisation == 0.5
    monitor.emit(finished(0))
    monitor.emit(finished(1))
    for _ in range(30):
        clock.now += 1
        jobs.second_passed()
    assert jobs.utilisation == 0.25
    for _ in range(60):
        clock.now += 1
        jobs.second_passed()
    assert jobs.utilisation == 0


def test_an_end_without_a_beginning_counts_for_nothing(jobs: Jobs, monitor: Monitor) -> None:
    monitor.emit(finished())
    assert jobs.running == 0
