"""Bugs that stream consumers are known for, each with the claim that rules it out.

Others of them are ruled out where they belong: see the tests of partition, failures, steering, lanes and membership.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import time
import weakref
from collections import Counter
from collections.abc import Sequence
from functools import partial
from typing import Any

import pytest

from app.consumer import Consumer, Message, UndecodablePayload
from app.consuming.membership import Membership
from app.consuming.memory import Memory
from app.events import ErrorOccurred, JobStarted
from app.messages import Record, TopicPartition
from app.routes import DeadLetter, Keyed, Retry
from app.testing import ConsumerTest, ServiceStopped, record
from tests.consuming.groups import Place, group_of
from tests.consuming.stage import AT, OTHER, Noted, Stage, consumer_class, line_of
from tests.fakes import records
from tests.waiting import until


class StrangeError(BaseException):
    """Nothing that anybody knows."""


async def test_an_error_of_an_unknown_class_is_logged_with_its_traceback(caplog: pytest.LogCaptureFixture) -> None:
    def fail(consumer: Consumer) -> None:
        if consumer.attempt == 1:
            raise StrangeError("how odd")

    async with ConsumerTest(consumer_class(fail), "t") as test:
        assert (await test.consume(1)).marked == 1
    (entry,) = [entry for entry in caplog.records if entry.levelno == logging.ERROR]
    assert "consumer.consume failed in Made on t-0, offsets 0 to 0" in entry.getMessage()
    assert entry.exc_info is not None
    assert entry.exc_info[0] is StrangeError
    assert entry.exc_info[2] is not None


@pytest.mark.parametrize("error", [SystemExit, KeyboardInterrupt, MemoryError])
async def test_a_critical_error_in_a_lane_marks_nothing_behind_it(error: type[BaseException]) -> None:
    def fail(consumer: Noted) -> None:
        if consumer.messages.first.offset == 1:
            raise error

    line: dict[str, Any] = {"keyed": Keyed(workers=3), "dead_letter": DeadLetter("dlq", max_retries=0)}
    async with ConsumerTest(consumer_class(fail), **line) as test:
        with pytest.raises(ServiceStopped):
            await test.consume(*[record(n, key=str(n)) for n in range(3)])
        assert len(test.dead_letters) == 0
    assert test.committed() in (None, 1)


async def test_a_retry_without_a_pause_does_not_cancel_the_consumers_own_pause() -> None:
    def fail_once(consumer: Noted) -> None:
        if consumer.attempt == 1:
            consumer.pause(ms=60_000)
            raise ValueError

    def at_once(errors: Sequence[BaseException], attempt: int, message: Message) -> Retry:
        return Retry(0)

    async with ConsumerTest(consumer_class(fail_once), dead_letter=DeadLetter("dlq", strategy=at_once)) as test:
        early = await test.consume(1, for_ms=59_999)
        assert (early.retries, early.attempts) == ([0], [1])
        assert (await test.settle()).attempts == [2]


async def test_a_tombstone_is_a_message_like_any_other_and_stays_one_in_the_dlq() -> None:
    def fail(consumer: Noted) -> None:
        if consumer.messages.first.key == "bad":
            raise ValueError

    made = consumer_class(fail)
    line: dict[str, Any] = {"payload": dict, "max_messages": 1, "dead_letter": DeadLetter("dlq", max_retries=0)}
    async with ConsumerTest(made, **line) as test:
        result = await test.consume(record(None, key="good"), record(None, key="bad"))
        assert result.marked == 2
        (dead,) = result.dead_letters
        assert (dead.tombstone, dead.key) == (True, "bad")


async def test_a_payload_that_cannot_be_read_holds_up_no_other_partition() -> None:
    def read(consumer: Noted) -> None:
        assert consumer.messages.payloads

    async with ConsumerTest(consumer_class(read), partitions=2) as test:
        result = await test.consume(b"{", record(1, partition=1), record(2, partition=1), for_ms=600_000)
        assert {type(error) for error in result.errors} == {UndecodablePayload}
        assert (test.committed(0), test.committed(1)) == (None, 2)
        assert len(result.retries) > 10


async def test_a_message_from_the_future_makes_no_lag_negative() -> None:
    lags: list[tuple[int, int, int | None]] = []

    def look(consumer: Noted) -> None:
        metadata = consumer.messages.metadata
        lags.append((metadata.consumption_lag_ms, metadata.processing_lag_ms, consumer.lag))

    async with ConsumerTest(consumer_class(look)) as test:
        await test.consume(record(1, timestamp=int((time.time() + 3600) * 1000)))
    assert lags[0][0] == 0
    assert lags[0][1] >= 0
    assert lags[0][2] == 0


async def test_a_poll_that_gives_nothing_is_no_error_and_no_batch(stage: Stage) -> None:
    made = consumer_class()
    worker = stage.assign(line_of(made))
    for _ in range(3):
        await until(lambda: worker.idle, "it waits")
        worker.wake()
    stage.client.give(records(0))
    await stage.marked(1)
    assert made.batches == [[0]]
    assert len(stage.heard.of(JobStarted)) == 1
    assert stage.heard.of(ErrorOccurred) == []


class CountingMember:
    """Counts how often each partition is taken from."""

    def __init__(self, stage: Stage) -> None:
        self.taken: Counter[TopicPartition] = Counter()
        self._take = stage.client.take
        stage.client.take = self.take  # type: ignore[method-assign]  # counts beside what the double does

    def take(self, partition: TopicPartition, max_records: int) -> Sequence[Record]:
        self.taken[partition] += 1
        return self._take(partition, max_records)


async def test_idle_partitions_cost_a_busy_one_nothing(stage: Stage) -> None:
    idle = [TopicPartition("t", number) for number in range(1, 200)]
    counting, made = CountingMember(stage), consumer_class()
    workers = [stage.assign(line_of(made), at) for at in idle]
    await until(lambda: all(worker.idle for worker in workers), "all of them wait")
    before = counting.taken.copy()
    stage.client.give(records(*range(1000)))
    stage.assign(line_of(made, max_messages=10))
    await stage.marked(1000)
    assert len(made.batches) == 100
    assert {at: count for at, count in (counting.taken - before).items() if at != AT} == {}
    assert counting.taken[AT] <= 102


async def test_nothing_is_kept_of_partitions_that_have_gone() -> None:
    objects: list[weakref.ref[object]] = []

    def remember(consumer: Noted) -> None:
        objects.append(weakref.ref(consumer))

    place, memory = Place(), Memory()
    line, stopping = line_of(consumer_class(remember)), asyncio.Event()
    membership = Membership(group_of(line), {"t": line}, place.surroundings, "l" * 12, memory, lambda _: None)
    living = asyncio.create_task(membership.live(stopping, lambda _: None))
    await until(lambda: place.members and place.members[0].at, "it joined")
    member = place.members[0]
    for number in range(2, 30):
        at = TopicPartition("t", number)
        await member.rebalance(at)
        member.give(records(0, partition=number))
        await until(partial(_has, objects, number - 1), "it was worked on")
    await member.rebalance(OTHER)
    await until(lambda: gc.collect() >= 0 and not any(reference() for reference in objects), "they are gone")
    assert (memory.attempts, memory.outlived, memory.paused) == ({}, {}, {})
    stopping.set()
    await membership.close(time.monotonic() + 2, 1.0, "shutdown")
    await asyncio.wait({living}, timeout=5)


def _has(objects: Sequence[object], count: int) -> bool:
    return len(objects) == count


async def test_a_job_that_outlived_its_assignment_is_forgotten_when_it_ends() -> None:
    entered, gate = asyncio.Event(), asyncio.Event()

    async def long(_: Noted) -> None:
        entered.set()
        await gate.wait()

    place, memory = Place(consumer_drain_ms=20), Memory()
    line, stopping = line_of(consumer_class(long)), asyncio.Event()
    membership = Membership(group_of(line), {"t": line}, place.surroundings, "l" * 12, memory, lambda _: None)
    living = asyncio.create_task(membership.live(stopping, lambda _: None))
    await until(lambda: place.members and place.members[0].at, "it joined")
    place.members[0].give(records(0))
    await entered.wait()
    await place.members[0].rebalance(OTHER)
    assert list(memory.outlived) == [AT]
    gate.set()
    await until(lambda: not memory.outlived, "it is forgotten")
    stopping.set()
    await membership.close(time.monotonic() + 2, 1.0, "shutdown")
    await asyncio.wait({living}, timeout=5)


class Keys:
    """Decodes every key to None, and counts."""

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self, raw: bytes) -> None:
        self.calls += 1


async def test_a_key_that_decodes_to_nothing_is_decoded_once() -> None:
    def look(consumer: Noted) -> None:
        assert [consumer.messages.first.key, consumer.messages.first.key] == [None, None]

    keys = Keys()
    async with ConsumerTest(consumer_class(look), key=keys, max_messages=1) as test:
        assert (await test.consume(record(1, key="k"), record(2))).marked == 2
    assert keys.calls == 1
