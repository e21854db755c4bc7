"""One assigned partition: batches, jobs, hooks, the end."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest

from app.consuming.partition import PartitionWorker
from app.events import ErrorOccurred, JobFinished, JobStarted, MessagesPolled, PartitionProgress
from tests.consuming.stage import AT, OTHER, Noted, Stage, consumer_class, line_of
from tests.fakes import records
from tests.waiting import until


class Gate:
    """A job that runs until the test opens the gate."""

    def __init__(self) -> None:
        self.entered = asyncio.Event()
        self.opened = asyncio.Event()

    async def __call__(self, _: Noted) -> None:
        self.entered.set()
        await self.opened.wait()


async def test_a_batch_is_what_has_been_fetched_and_is_marked_when_it_is_done(stage: Stage) -> None:
    made = consumer_class()
    stage.client.give(records(3, 4, 5))
    stage.assign(line_of(made))
    await stage.marked(6)
    stage.client.give(records(6))
    await stage.marked(7)
    assert made.batches == [[3, 4, 5], [6]]
    assert made.hooks == ["initialized", "consume", "consume"]


async def test_where_it_stands_is_told_when_that_has_changed(stage: Stage) -> None:
    """A thousand partitions at rest have nothing to tell once a second."""
    told: list[PartitionProgress] = []
    stage.services.monitor.subscribe(PartitionProgress, told.append)
    worker = stage.assign(line_of(consumer_class()))
    await until(lambda: worker.idle, "it waits for records")
    for _ in range(3):
        worker.report()
    assert len(told) == 1
    stage.client.give(records(0, 1))
    await stage.marked(2)
    worker.report()
    worker.report()
    assert [event.marked for event in told] == [None, 2]


async def test_no_batch_is_larger_than_asked(stage: Stage) -> None:
    made = consumer_class()
    stage.client.give(records(*range(25)))
    stage.assign(line_of(made, max_messages=10))
    await stage.marked(25)
    assert [len(batch) for batch in made.batches] == [10, 10, 5]


async def test_a_job_is_told_from_start_to_end_under_an_id_of_its_own(stage: Stage) -> None:
    made = consumer_class()
    stage.client.give(records(0, 1))
    stage.assign(line_of(made))
    await stage.marked(2)
    stage.client.give(records(2))
    await stage.marked(3)
    started, finished = stage.heard.of(JobStarted), stage.heard.of(JobFinished)
    assert [(event.first_offset, event.last_offset, event.messages, event.attempt) for event in started] == [
        (0, 1, 2, 1),
        (2, 2, 1, 1),
    ]
    assert [event.outcome for event in finished] == ["done", "done"]
    ids = [event.job_id for event in started]
    assert ids == [event.job_id for event in finished]
    assert len(set(ids)) == 2
    assert all(len(job_id) == 12 and int(job_id, 16) >= 0 for job_id in ids)
    assert {event.listener_id for event in stage.heard.of(MessagesPolled)} == {"1" * 12}


async def test_partitions_run_side_by_side_and_one_consumer_runs_one_batch_at_a_time(stage: Stage) -> None:
    gate, made = Gate(), consumer_class()
    held = consumer_class(gate)
    stage.client.give(records(0))
    stage.assign(line_of(held))
    stage.assign(line_of(made), OTHER)
    await gate.entered.wait()
    stage.client.give(records(0, 1, partition=1))
    await stage.marked(2, OTHER)
    stage.client.give(records(1))
    await asyncio.sleep(0.02)
    assert held.batches == [[0]]
    gate.opened.set()
    await stage.marked(2)
    assert held.batches == [[0], [1]]


async def test_no_more_jobs_run_at_once_than_there_are_slots() -> None:
    stage = Stage(concurrency=1)
    gate = Gate()
    first, second = consumer_class(gate), consumer_class()
    stage.client.give(records(0))
    stage.assign(line_of(first))
    await gate.entered.wait()
    stage.client.give(records(0, partition=1))
    stage.assign(line_of(second), OTHER)
    await asyncio.sleep(0.02)
    assert second.batches == []
    gate.opened.set()
    await stage.marked(1, OTHER)
    await stage.close()


async def test_only_what_was_marked_counts_with_manual_offsets(stage: Stage) -> None:
    made = consumer_class(lambda consumer: consumer.mark_as_consumed(consumer.messages[1]))
    stage.client.give(records(0, 1, 2))
    worker = stage.assign(line_of(made, manual_offsets=True))
    await until(lambda: made.batches and worker.idle, "the batch is done")
    assert stage.ledger.marked(AT) == 2


async def test_marks_return_whether_the_partition_is_still_ours(stage: Stage) -> None:
    gate = Gate()
    answers: list[object] = []

    async def mark(consumer: Noted) -> None:
        answers.append(consumer.mark_as_consumed(consumer.messages.first))
        await gate(consumer)
        answers.append((consumer.is_revoked, consumer.mark_as_consumed(consumer.messages.last)))

    stage.client.give(records(0, 1))
    worker = stage.assign(line_of(consumer_class(mark)))
    await gate.entered.wait()
    worker.end(revoked=True)
    stage.ledger.revoke(AT)
    stage.ledger.assign(AT, 2, None)
    gate.opened.set()
    await until(lambda: len(answers) == 2, "the job went on to its end")
    assert answers == [True, (True, False)]
    assert stage.ledger.marked(AT) is None


async def test_a_partition_that_comes_back_waits_for_the_job_that_still_runs(stage: Stage) -> None:
    gate = Gate()
    old, new = consumer_class(gate), consumer_class()
    stage.client.give(records(0))
    first = stage.assign(line_of(old))
    await gate.entered.wait()
    first.end(revoked=True)
    stage.client.give(records(0))
    stage.assign(line_of(new), epoch=2, before=first.task)
    await asyncio.sleep(0.02)
    assert new.batches == []
    gate.opened.set()
    await until(lambda: new.batches, "the new assignment works")
    await stage.marked(1)


async def test_after_the_end_nothing_is_dispatched(stage: Stage) -> None:
    gate = Gate()
    made = consumer_class(gate)
    stage.client.give(records(0))
    worker = stage.assign(line_of(made, max_messages=1))
    await gate.entered.wait()
    worker.end(revoked=False)
    assert worker.state == "draining"
    stage.client.give(records(1))
    gate.opened.set()
    assert worker.task is not None
    await asyncio.wait_for(worker.task, 5)
    assert made.batches == [[0]]
    assert stage.ledger.marked(AT) == 1


async def test_a_job_that_is_cut_is_no_failure_and_marks_nothing(stage: Stage) -> None:
    gate = Gate()
    made = consumer_class(gate)
    stage.client.give(records(0))
    worker = stage.assign(line_of(made))
    await gate.entered.wait()
    worker.end(revoked=False)
    worker.cancel()
    assert worker.task is not None
    await asyncio.wait({worker.task}, timeout=5)
    assert [event.outcome for event in stage.heard.of(JobFinished)] == ["cancelled"]
    assert stage.heard.of(ErrorOccurred) == []
    assert stage.ledger.marked(AT) is None
    assert stage.attempts == {}


async def test_last_hooks_are_run_only_where_there_is_a_consumer(stage: Stage) -> None:
    made, never = consumer_class(), consumer_class()
    stage.client.give(records(0))
    first, second = stage.assign(line_of(made)), stage.assign(line_of(never), OTHER)
    await stage.marked(1)
    await first.run_last_hook("revoked")
    await second.run_last_hook("revoked")
    assert made.hooks == ["initialized", "consume", "revoked"]
    assert never.hooks == []


@pytest.mark.parametrize("hook", ["initialized", "revoked", "shutdown"])
async def test_an_error_in_another_hook_is_told_and_changes_nothing(stage: Stage, hook: str) -> None:
    made = consumer_class()

    async def fails(_: Noted) -> None:
        raise ValueError(hook)

    setattr(made, hook, fails)
    stage.client.give(records(0))
    worker = stage.assign(line_of(made))
    await stage.marked(1)
    if hook != "initialized":
        await worker.run_last_hook(hook)
    assert [event.kind for event in stage.heard.of(ErrorOccurred)] == [f"consumer.{hook}"]


@pytest.mark.parametrize("error", [SystemExit(1), KeyboardInterrupt(), MemoryError()])
async def test_a_critical_error_marks_nothing_and_asks_for_a_stop(stage: Stage, error: BaseException) -> None:
    def fails(_: Noted) -> None:
        raise error

    stage.client.give(records(0))
    worker = stage.assign(line_of(consumer_class(fails)))
    assert worker.task is not None
    await asyncio.wait_for(asyncio.shield(worker.task), 5)
    assert list(stage.critical) == [error]
    assert stage.ledger.marked(AT) is None
    assert stage.dead == []


def states(worker: PartitionWorker) -> tuple[str, bool]:
    return worker.state, worker.idle


async def test_what_it_is_at_can_be_seen_from_outside(stage: Stage) -> None:
    gate = Gate()
    stage.client.give(records(0))
    worker = stage.assign(line_of(consumer_class(gate)))
    await gate.entered.wait()
    assert states(worker) == ("running", False)
    gate.opened.set()
    await until(lambda: worker.idle, "it waits again")
    assert states(worker) == ("waiting", True)
    worker.end(revoked=False)
    assert worker.state == "draining"


async def test_a_consumer_sees_what_stands_behind_its_batch(stage: Stage) -> None:
    seen: list[tuple[int | None, bool]] = []
    made = consumer_class(lambda consumer: seen.append((consumer.lag, consumer.at_end)))
    stage.client.ends = {AT: 3}
    stage.client.give(records(0, 1, 2))
    stage.assign(line_of(made, max_messages=2))
    await stage.marked(3)
    assert seen == [(1, False), (0, True)]


async def test_a_consumer_may_close_the_producer(stage: Stage) -> None:
    async def consume(consumer: Noted) -> None:
        await consumer.producer.produce_async(topic="t.dlq", payload=1)
        assert (await consumer.producer.close(2)).undelivered == {}

    stage.client.give(records(0))
    stage.assign(line_of(consumer_class(consume)))
    await stage.marked(1)
    assert stage.producer.status == "closed"
    assert stage.dead == [b"1"]


async def test_a_job_that_outlives_its_assignment_is_told_of_its_end_when_it_has_ended(stage: Stage) -> None:
    gate = Gate()
    made = consumer_class(gate)
    stage.client.give(records(0))
    worker = stage.assign(line_of(made))
    await gate.entered.wait()
    worker.end(revoked=True)
    worker.owe("revoked")
    assert made.hooks == ["initialized", "consume"]
    gate.opened.set()
    assert worker.task is not None
    await asyncio.wait_for(worker.task, 5)
    assert made.hooks == ["initialized", "consume", "revoked"]


async def test_a_failure_after_the_partition_was_lost_is_no_attempt(stage: Stage) -> None:
    gate = Gate()

    async def fail_late(consumer: Noted) -> None:
        await gate(consumer)
        raise ValueError

    stage.client.give(records(0))
    worker = stage.assign(line_of(consumer_class(fail_late)))
    await gate.entered.wait()
    worker.end(revoked=True)
    stage.ledger.revoke(AT)
    gate.opened.set()
    assert worker.task is not None
    await asyncio.wait_for(worker.task, 5)
    assert stage.attempts == {}


async def test_a_cut_thread_that_goes_on_gets_no_other_hook(stage: Stage) -> None:
    entered, leave = threading.Event(), threading.Event()

    class Blocking(Noted):
        def consume(self) -> None:  # type: ignore[override]  # blocking code
            entered.set()
            leave.wait(5)

    made: Any = type("Made", (Blocking,), {"hooks": [], "batches": [], "attempts": []})
    stage.client.give(records(0))
    worker = stage.assign(line_of(made))
    await until(entered.is_set, "it blocks")
    worker.end(revoked=False)
    worker.cancel()
    assert worker.task is not None
    await asyncio.wait({worker.task}, timeout=5)
    await worker.run_last_hook("shutdown")
    leave.set()
    assert made.hooks == ["initialized"]


async def test_what_was_delivered_and_not_marked_keeps_its_age_in_sight(stage: Stage) -> None:
    stage.client.give(records(0))
    stage.assign(line_of(consumer_class(lambda consumer: consumer.pause())))
    await until(lambda: stage.workers[0].state == "paused", "it is paused")
    stage.workers[0].report()
    assert stage.heard.of(PartitionProgress)[-1].first_unmarked_timestamp_ms == records(0)[0].timestamp
