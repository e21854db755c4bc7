"""Forming batches out of what the client has fetched."""

from __future__ import annotations

import asyncio

import pytest

from app.errors import FetchFailed, KafkaUnavailable, PositionLost
from app.events import ErrorOccurred, PositionReset
from tests.consuming.stage import AT, OTHER, Noted, Stage, consumer_class, line_of
from tests.fakes import records
from tests.waiting import until


async def test_a_fuller_batch_is_waited_for_where_that_is_asked(stage: Stage) -> None:
    made = consumer_class()
    stage.client.give(records(0))
    stage.assign(line_of(made, min_messages=3, max_wait_ms=10_000))
    await asyncio.sleep(0.02)
    assert made.batches == []
    stage.client.give(records(1, 2, 3))
    await stage.marked(4)
    assert made.batches == [[0, 1, 2, 3]]


async def test_the_wait_for_a_fuller_batch_has_an_end(stage: Stage) -> None:
    made = consumer_class()
    stage.client.give(records(0))
    stage.assign(line_of(made, min_messages=3, max_wait_ms=30))
    await stage.marked(1)
    assert made.batches == [[0]]


async def test_no_more_than_one_batch_is_taken_while_it_is_handled(stage: Stage) -> None:
    """What waits is the client's, whose buffer is bounded: a slow consumer costs no memory."""
    held = asyncio.Event()

    async def holds(_: Noted) -> None:
        await held.wait()

    made = consumer_class(holds)
    stage.client.give(records(*range(1000)))
    stage.assign(line_of(made, max_messages=10))
    await until(lambda: made.batches, "a batch is handled")
    await asyncio.sleep(0.02)
    assert len(stage.client.fetched[AT]) == 990
    held.set()
    await stage.marked(1000)


async def test_what_was_taken_is_not_lost_when_filling_up_fails(stage: Stage) -> None:
    made = consumer_class()
    stage.client.give(records(0))
    stage.assign(line_of(made, min_messages=3, max_wait_ms=10_000))
    await asyncio.sleep(0.01)
    stage.client.fail_take(AT, FetchFailed("a damaged record"), FetchFailed("a damaged record"))
    await stage.marked(1)
    assert made.batches == [[0]]
    await until(lambda: stage.heard.of(ErrorOccurred), "it is named when the next batch is taken")


async def test_a_partition_that_cannot_be_read_waits_and_holds_up_no_other(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.consuming.intake.FETCH_PAUSE_S", (0.01, 0.02))
    made = consumer_class()
    stage.client.fail_take(AT, FetchFailed("no right to read"), FetchFailed("no right to read"))
    stage.assign(line_of(made))
    stage.assign(line_of(made), OTHER)
    stage.client.give(records(0, partition=1))
    await stage.marked(1, OTHER)
    stage.client.give(records(0))
    await stage.marked(1)
    kinds = [(event.kind, event.partition) for event in stage.heard.of(ErrorOccurred)]
    assert kinds == [("consumer.fetch", 0)]
    stage.client.fail_take(AT, FetchFailed("an unknown codec"))
    await until(lambda: len(stage.heard.of(ErrorOccurred)) == 2, "another cause is named")


async def test_a_trimmed_position_goes_on_where_there_still_is_something(stage: Stage) -> None:
    stage.client.beginnings, stage.client.ends = {AT: 1000}, {AT: 1001}
    stage.client.fail_take(AT, PositionLost({AT: 10}))
    stage.assign(line_of(consumer_class()))
    await until(lambda: stage.client.seeks == [(AT, 1000)], "the beginning that is left was sought")
    stage.client.give(records(1000))
    await stage.marked(1001)
    assert [event.lost for event in stage.heard.of(PositionReset)] == [990]


async def test_a_position_that_cannot_be_looked_up_is_looked_up_again(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.consuming.intake.FETCH_PAUSE_S", (0.01, 0.02))
    failures = [KafkaUnavailable()]
    recover = stage.services.positions.recover

    async def fails_first(*arguments: object) -> None:
        if failures:
            raise failures.pop()
        await recover(*arguments)  # type: ignore[arg-type]  # passed on as they came

    monkeypatch.setattr(stage.services.positions, "recover", fails_first)
    stage.client.beginnings = {AT: 7}
    stage.client.fail_take(AT, PositionLost({AT: 1}), PositionLost({AT: 1}))
    stage.assign(line_of(consumer_class()))
    await until(lambda: stage.client.seeks == [(AT, 7)], "the second look-up succeeded")
    assert [event.kind for event in stage.heard.of(ErrorOccurred)] == ["consumer.position"]


async def test_where_the_topic_was_made_anew_it_waits_to_be_sent_to_the_beginning(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.consuming.intake.ANEW_PAUSE_S", 0.001)
    stage.kafka.topic_ids = {"t": b"1"}
    stage.topics.made_anew(stage.kafka, ["t"])
    stage.kafka.topic_ids = {"t": b"2"}
    stage.client.ends = {AT: 2}
    stage.client.fail_take(AT, *(PositionLost({AT: 500}) for _ in range(3)))
    worker = stage.assign(line_of(consumer_class()))
    await until(lambda: not stage.client.raises[AT], "it has looked three times")
    assert stage.client.seeks == []
    worker.read_from(0)
    stage.client.give(records(0, 1))
    await stage.marked(2)
    assert stage.client.seeks == [(AT, 0)]
    assert stage.heard.of(PositionReset) == []


async def test_at_the_end_of_the_log_a_marker_behind_the_last_record_is_no_lag(stage: Stage) -> None:
    stage.client.give(records(0, 1))
    worker = stage.assign(line_of(consumer_class()))
    await stage.marked(2)
    stage.client.at[AT] = 3  # a transaction's marker was passed over
    worker.wake()
    await stage.marked(3)


async def test_with_manual_offsets_the_position_is_nobodys_business(stage: Stage) -> None:
    made = consumer_class(lambda consumer: consumer.mark_as_consumed(consumer.messages.first))
    stage.client.give(records(0, 1))
    worker = stage.assign(line_of(made, manual_offsets=True))
    await until(lambda: made.batches and worker.idle, "the batch is done")
    worker.wake()
    await asyncio.sleep(0.01)
    assert stage.ledger.marked(AT) == 1


async def test_the_end_wakes_a_worker_that_waits(stage: Stage) -> None:
    worker = stage.assign(line_of(consumer_class()))
    await until(lambda: worker.idle, "it waits for records")
    worker.end(revoked=False)
    assert worker.task is not None
    await asyncio.wait_for(worker.task, 5)


async def test_the_wait_for_a_fuller_batch_begins_with_its_first_record(stage: Stage) -> None:
    made = consumer_class()
    worker = stage.assign(line_of(made, min_messages=3, max_wait_ms=150))
    await until(lambda: worker.idle, "it waits")
    await asyncio.sleep(0.2)
    stage.client.give(records(0))
    await until(lambda: not stage.client.has_data(AT), "the first was taken")
    stage.client.give(records(1, 2))
    await stage.marked(3)
    assert made.batches == [[0, 1, 2]]


async def test_what_is_committed_comes_back_to_the_end_of_a_log_that_was_truncated(stage: Stage) -> None:
    stage.client.beginnings, stage.client.ends = {AT: 0}, {AT: 10}
    stage.client.stored_offsets = {AT: 100}
    stage.client.fail_take(AT, PositionLost({AT: 100}))
    worker = stage.assign(line_of(consumer_class()))
    stage.ledger.assign(AT, 1, 100)
    await until(lambda: stage.client.seeks == [(AT, 10)], "it goes on at the end")
    await until(lambda: worker.idle, "it waits")
    assert stage.ledger.to_commit() == {AT: 10}
    stage.client.give(records(10, 11))
    await stage.marked(12)
    assert stage.ledger.to_commit() == {AT: 12}
