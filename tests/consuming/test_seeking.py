"""An operator sends a partition elsewhere while its group runs."""

from __future__ import annotations

import asyncio

import pytest

from app.consuming import seeking
from app.consuming.seeking import Sought, seek
from app.errors import KafkaUnavailable, SeekFailed
from app.events import ErrorOccurred, RetryScheduled
from app.routes import Backoff, DeadLetter
from tests.consuming.stage import AT, Noted, Stage, consumer_class, line_of
from tests.fakes import records
from tests.waiting import until


async def test_a_preview_says_what_would_be_and_moves_nothing(stage: Stage) -> None:
    made = consumer_class()
    stage.client.give(records(0, 1, 2))
    stage.client.ends[AT] = 10
    stage.client.beginnings[AT] = 1
    worker = stage.assign(line_of(made))
    await stage.marked(3)
    back = await seek(stage.services, worker, "earliest", preview=True)
    assert (back, back.again, back.skipped) == (Sought(3, 1, 1, 10), 2, 0)
    ahead = await seek(stage.services, worker, "latest", preview=True)
    assert (ahead.new, ahead.again, ahead.skipped, ahead.applied) == (10, 0, 7, False)
    assert stage.client.seeks == []


async def test_an_idle_partition_goes_there_at_once_and_that_is_committed(stage: Stage) -> None:
    made = consumer_class()
    stage.client.give(records(0, 1, 2))
    stage.client.ends[AT] = 3
    worker = stage.assign(line_of(made))
    await stage.marked(3)
    await stage.commit()
    sought = await seek(stage.services, worker, 1, preview=False)
    assert (sought.applied, sought.waiting) == (True, False)
    assert stage.client.seeks == [(AT, 1)]
    assert stage.client.commits[-1] == {AT: 1}
    stage.client.give(records(1, 2))
    await stage.marked(3)
    assert made.batches == [[0, 1, 2], [1, 2]]


async def test_a_batch_that_runs_is_let_finish(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(seeking, "MOVED_WITHIN_S", 0.05)
    go_on = asyncio.Event()

    async def slowly(_: Noted) -> None:
        await go_on.wait()

    made = consumer_class(slowly)
    stage.client.give(records(0))
    stage.client.ends[AT] = 9
    worker = stage.assign(line_of(made))
    await until(lambda: made.batches, "it runs")
    sought = await seek(stage.services, worker, 5, preview=False)
    assert (sought.applied, sought.waiting) == (False, True)
    assert stage.client.seeks == []
    go_on.set()
    await until(lambda: stage.client.seeks == [(AT, 5)], "it went on there")
    assert stage.ledger.marked(AT) == 5


async def test_a_partition_that_waits_to_retry_does_not_wait_any_longer(stage: Stage) -> None:
    def fail(consumer: Noted) -> None:
        if consumer.messages.first.offset == 0:
            raise ValueError

    made = consumer_class(fail)
    stage.client.give(records(0))
    stage.client.ends[AT] = 2
    worker = stage.assign(line_of(made, dead_letter=None, backoff=Backoff(60_000, 60_000)))
    await until(lambda: stage.heard.of(RetryScheduled), "it waits")
    assert (await seek(stage.services, worker, 1, preview=False)).applied
    assert worker.state == "waiting"
    stage.client.give(records(1))
    await stage.marked(2)
    assert made.batches == [[0], [1]]


async def test_a_dead_letter_that_cannot_be_stored_holds_it_no_longer(stage: Stage) -> None:
    def fail(_: Noted) -> None:
        raise ValueError

    made = consumer_class(fail)
    stage.client.give(records(0))
    stage.client.ends[AT] = 2
    line = line_of(made, dead_letter=DeadLetter("missing", max_retries=0), backoff=Backoff(60_000, 60_000))
    worker = stage.assign(line)

    def not_stored() -> bool:
        return any(event.kind == "consumer.dead_letter" for event in stage.heard.of(ErrorOccurred))

    await until(not_stored, "the dead letter was refused")
    assert (await seek(stage.services, worker, 1, preview=False)).applied
    assert stage.ledger.marked(AT) == 1


async def test_a_run_that_fails_does_not_take_an_operators_seek_back(stage: Stage) -> None:
    go_on = asyncio.Event()

    async def fail(_: Noted) -> None:
        await go_on.wait()
        raise ValueError

    made = consumer_class(fail)
    stage.client.give(records(0))
    stage.client.ends[AT] = 9
    worker = stage.assign(line_of(made, dead_letter=None, backoff=Backoff(1, 1)))
    await until(lambda: made.batches, "it runs")
    seeking_on = asyncio.create_task(seek(stage.services, worker, 7, preview=False))
    await asyncio.sleep(0.01)
    go_on.set()
    assert (await seeking_on).applied
    assert stage.client.seeks == [(AT, 7)]


async def test_nor_does_its_consumer_go_elsewhere_instead(stage: Stage) -> None:
    go_on = asyncio.Event()

    async def stray(consumer: Noted) -> None:
        await go_on.wait()
        await consumer.seek(2)
        consumer.pause(3, ms=1)

    made = consumer_class(stray)
    stage.client.give(records(0))
    stage.client.ends[AT] = 9
    worker = stage.assign(line_of(made))
    await until(lambda: made.batches, "it runs")
    seeking_on = asyncio.create_task(seek(stage.services, worker, 7, preview=False))
    await asyncio.sleep(0.01)
    go_on.set()
    assert (await seeking_on).applied
    assert stage.client.seeks == [(AT, 7)]


async def test_a_paused_partition_goes_there_and_stays_paused(stage: Stage) -> None:
    made = consumer_class()
    stage.paused[AT] = "ann"
    stage.client.give(records(0, 1))
    stage.client.ends[AT] = 9
    worker = stage.assign(line_of(made))
    await until(lambda: worker.state == "paused", "it is paused")
    assert (await seek(stage.services, worker, 1, preview=False)).applied
    assert stage.client.commits[-1] == {AT: 1}
    assert (worker.state, made.batches) == ("paused", [])
    stage.client.fetched[AT] = []
    stage.client.give(records(1))
    del stage.paused[AT]
    worker.operator_changed()
    await stage.marked(2)
    assert made.batches == [[1]]


async def test_a_place_that_is_not_there_changes_nothing(stage: Stage) -> None:
    stage.client.ends[AT] = 3
    worker = stage.assign(line_of(consumer_class()))
    with pytest.raises(SeekFailed, match="it has 0 to 3"):
        await seek(stage.services, worker, 4, preview=False)
    stage.client.lookups_raise.append(KafkaUnavailable("no answer"))
    with pytest.raises(KafkaUnavailable):
        await seek(stage.services, worker, 1, preview=False)
    assert stage.client.seeks == []
