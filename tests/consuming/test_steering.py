"""Pausing, going on, and reading on elsewhere, as a consumer asks for it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from app.consumer import SeekTarget
from app.errors import KafkaUnavailable, SeekFailed
from app.events import ErrorOccurred, PartitionProgress, RetryScheduled
from app.routes import Backoff
from tests.consuming.stage import AT, Noted, Stage, consumer_class, line_of
from tests.fakes import records
from tests.waiting import until


def once(action: Callable[[Noted], Any]) -> Callable[[Noted], Any]:
    """Does `action` at the first call only."""
    left = [action]
    return lambda consumer: left.pop()(consumer) if left else None


def held(stage: Stage) -> bool:
    return any(event.state == "paused" for event in stage.heard.of(PartitionProgress))


async def test_a_paused_partition_gets_nothing_until_it_is_resumed(stage: Stage) -> None:
    seen: list[Noted] = []

    def consume(consumer: Noted) -> None:
        seen.append(consumer)
        if len(seen) == 1:
            consumer.pause()

    made = consumer_class(consume)
    stage.client.give(records(0))
    worker = stage.assign(line_of(made))
    await until(lambda: held(stage), "it is paused")
    stage.client.give(records(1))
    await asyncio.sleep(0.02)
    assert (made.batches, worker.state) == ([[0]], "paused")
    seen[0].resume()
    await until(lambda: len(made.batches) == 2, "it went on")
    assert made.batches == [[0], [1]]
    await stage.marked(2)


async def test_a_pause_with_a_time_ends_by_itself_and_its_batch_is_not_marked(stage: Stage) -> None:
    made = consumer_class(once(lambda consumer: consumer.pause(ms=20)))
    stage.client.give(records(0))
    stage.assign(line_of(made))
    await until(lambda: held(stage), "it is paused")
    assert stage.ledger.marked(AT) is None
    await until(lambda: stage.workers[0].idle, "it waits for more")
    assert stage.ledger.marked(AT) is None
    stage.client.give(records(1))
    await stage.marked(2)


async def test_a_pause_with_an_offset_goes_on_there_and_takes_back_no_commit(stage: Stage) -> None:
    made = consumer_class(once(lambda consumer: consumer.pause(offset=1, ms=1)))
    stage.client.give(records(0, 1, 2))
    stage.assign(line_of(made))
    await until(lambda: stage.client.seeks == [(AT, 1)], "it reads on at 1")
    assert stage.ledger.marked(AT) is None
    stage.client.give(records(1, 2))
    await stage.marked(3)
    assert made.batches == [[0, 1, 2], [1, 2]]


async def test_a_paused_partition_can_be_left(stage: Stage) -> None:
    made = consumer_class(once(lambda consumer: consumer.pause()))
    stage.client.give(records(0))
    worker = stage.assign(line_of(made))
    await until(lambda: held(stage), "it is paused")
    worker.end(revoked=True)
    assert worker.task is not None
    await asyncio.wait_for(worker.task, 5)


async def test_a_pause_in_a_failing_batch_holds_its_retry(stage: Stage) -> None:
    seen: list[Noted] = []

    def consume(consumer: Noted) -> None:
        seen.append(consumer)
        if len(seen) == 1:
            consumer.pause()
            raise ValueError

    made = consumer_class(consume)
    stage.client.give(records(0))
    stage.assign(line_of(made, backoff=Backoff(1, 1)))
    await until(lambda: stage.heard.of(RetryScheduled), "its retry is due")
    await asyncio.sleep(0.02)
    assert len(seen) == 1
    seen[0].resume()
    await stage.marked(1)


async def test_an_operator_holds_a_partition_whatever_its_consumer_says(stage: Stage) -> None:
    made = consumer_class()
    stage.paused[AT] = "alice"
    worker = stage.assign(line_of(made))
    worker.operator_changed()
    stage.client.give(records(0))
    await until(lambda: held(stage), "it is paused")
    assert stage.heard.of(PartitionProgress)[-1].paused_by == "alice"
    assert made.batches == []
    del stage.paused[AT]
    worker.operator_changed()
    await stage.marked(1)


@pytest.mark.parametrize(
    ("target", "offset"),
    [
        (3, 3),
        ("earliest", 2),
        ("latest", 9),
        (datetime(2026, 1, 1, tzinfo=UTC), 7),
        (datetime(2027, 1, 1, tzinfo=UTC), 9),
    ],
)
async def test_a_seek_goes_on_elsewhere_and_what_is_committed_follows(
    stage: Stage, target: SeekTarget, offset: int
) -> None:
    stage.client.beginnings[AT], stage.client.ends[AT] = 2, 9
    stage.client.times[int(datetime(2026, 1, 1, tzinfo=UTC).timestamp() * 1000)] = 7
    answers: list[bool] = []

    async def consume(consumer: Noted) -> None:
        if not answers:
            assert consumer.mark_as_consumed(consumer.messages.last)
            answers.append(await consumer.seek(target))

    made = consumer_class(consume)
    stage.client.give(records(5, 6))
    stage.assign(line_of(made))
    await until(lambda: stage.client.seeks == [(AT, offset)], "it reads on elsewhere")
    assert answers == [True]
    assert stage.ledger.marked(AT) == offset
    assert stage.ledger.to_commit() == {AT: offset}


@pytest.mark.parametrize(
    ("target", "error"),
    [(1, SeekFailed), (10, SeekFailed), (True, TypeError), ("middle", TypeError), (datetime(2026, 1, 1), ValueError)],
)
async def test_a_failed_seek_keeps_the_old_position(stage: Stage, target: Any, error: type[Exception]) -> None:
    stage.client.beginnings[AT], stage.client.ends[AT] = 2, 9
    raised: list[Exception] = []

    async def consume(consumer: Noted) -> None:
        try:
            await consumer.seek(target)
        except Exception as failure:
            raised.append(failure)

    stage.client.give(records(5, 6))
    stage.assign(line_of(consumer_class(consume)))
    await stage.marked(7)
    assert [type(failure) for failure in raised] == [error]
    assert stage.client.seeks == []


async def test_a_seek_without_kafka_keeps_the_old_position(stage: Stage) -> None:
    stage.client.lookups_raise = [KafkaUnavailable()]
    made = consumer_class(once(lambda consumer: consumer.seek("earliest")))
    stage.client.give(records(5))
    stage.assign(line_of(made, backoff=Backoff(1, 1)))
    await stage.marked(6)
    assert made.batches == [[5], [5]]
    assert stage.client.seeks == []


async def test_a_batch_that_fails_takes_its_seek_back(stage: Stage) -> None:
    stage.client.ends[AT] = 9

    async def seek_and_fail(consumer: Noted) -> None:
        await consumer.seek(0)
        raise ValueError

    made = consumer_class(once(seek_and_fail))
    stage.client.give(records(5))
    stage.assign(line_of(made, backoff=Backoff(1, 1)))
    await stage.marked(6)
    assert stage.client.seeks == []
    assert made.batches == [[5], [5]]


async def test_a_seek_of_a_partition_that_was_lost_is_false(stage: Stage) -> None:
    answers: list[bool] = []

    async def consume(consumer: Noted) -> None:
        stage.ledger.assign(AT, 2, None)
        answers.append(await consumer.seek("earliest"))

    stage.client.give(records(5))
    stage.assign(line_of(consumer_class(consume)))
    await until(lambda: answers, "it asked")
    assert answers == [False]
    assert stage.client.seeks == []
    assert stage.heard.of(ErrorOccurred) == []


async def test_a_hook_in_a_thread_may_pause_and_another_thread_resume(stage: Stage) -> None:
    class Threaded(Noted):
        def consume(self) -> None:  # type: ignore[override]  # blocking code
            self.batches.append([message.offset for message in self.messages])
            if len(self.batches) == 1:
                self.pause()
                consumers.append(self)

    consumers: list[Noted] = []
    made: Any = type("Made", (Threaded,), {"hooks": [], "batches": [], "attempts": []})
    stage.client.give(records(0))
    stage.assign(line_of(made))
    await until(lambda: held(stage), "it is paused")
    stage.client.give(records(1))
    await asyncio.to_thread(consumers[0].resume)
    await until(lambda: made.batches == [[0], [1]], "it went on")
