"""Dead letters in transactions: both or neither, never by a member that is not surely the owner."""

from __future__ import annotations

from typing import Any

import pytest
from aiokafka import errors as kafka_errors

from app.errors import CommitRefused, CommitUnknown, TransactionFenced, TransactionUnknown, UndecodablePayload
from app.events import DeadLetterDispatched, ErrorOccurred
from app.kafka.connection import InvalidRecord
from app.routes import Backoff, DeadLetter
from tests.consuming.stage import AT, Noted, Stage, consumer_class, line_of
from tests.fakes import FakeRecord, records
from tests.waiting import until

LETTER = DeadLetter("t.dlq", max_retries=0, transactional=True)


def refusing(*guilty: int) -> type[Noted]:
    def consume(consumer: Noted) -> None:
        for message in consumer.messages:
            if message.offset in guilty:
                raise ValueError(f"offset {message.offset}")

    return consumer_class(consume)


async def assigned(stage: Stage, consumer: type[Noted], **options: Any) -> Any:
    line = line_of(consumer, **{"dead_letter": LETTER, "backoff": Backoff(1, 2), **options})
    await stage.transactional.take([AT], {"t": line})
    return stage.assign(line)


async def test_the_letter_and_the_offset_are_committed_together(stage: Stage) -> None:
    made = refusing(1)
    stage.client.give(records(0, 1, 2))
    await assigned(stage, made)
    await stage.marked(3)
    assert stage.dead == [b"1"]
    assert stage.kafka.committed == [("g", {AT: 2})]
    assert [options.transactional_id for options in stage.kafka.opened] == ["app.g.t.0"]
    assert stage.ledger.committed(AT) == 2
    assert stage.ledger.to_commit() == {AT: 3}


async def test_what_stands_before_an_undecodable_record_is_done_first(stage: Stage) -> None:
    def consume(consumer: Noted) -> None:
        for message in consumer.messages:
            assert message.payload is not UndecodablePayload

    made = consumer_class(consume)
    stage.client.give([*records(0, 1), FakeRecord(2, b"{"), *records(3)])
    await assigned(stage, made)
    await stage.marked(4)
    assert made.batches == [[0, 1, 2, 3], [0, 1], [3]]
    assert stage.kafka.committed == [("g", {AT: 3})]
    assert stage.dead == [b"{"]


async def test_what_fails_before_it_has_its_own_turn(stage: Stage) -> None:
    failures = [0, 0]

    def consume(consumer: Noted) -> None:
        for message in consumer.messages:
            if message.offset == 1 and failures:
                failures.pop()
                raise ValueError("not yet")
            assert message.payload is not None

    made = consumer_class(consume)
    stage.client.give([*records(0, 1), FakeRecord(2, b"{"), *records(3)])
    await assigned(stage, made, dead_letter=DeadLetter("t.dlq", max_retries=9, transactional=True))
    await stage.marked(4)
    assert stage.dead == [b"{"]
    assert made.batches[-1] == [3]


async def test_a_refused_letter_is_tried_again_once_the_group_says_that_the_partition_is_ours(stage: Stage) -> None:
    refusals = [InvalidRecord()]
    stage.kafka.refuses = lambda _: refusals.pop() if refusals else None
    stage.client.give(records(5, 6))
    await assigned(stage, refusing(5))
    await stage.marked(7)
    assert stage.dead == [b"5"]
    assert stage.client.commits[0] == {AT: 5}
    assert len(stage.kafka.opened) == 2
    assert [event.kind for event in stage.heard.of(ErrorOccurred)].count("consumer.dead_letter") == 1


async def test_without_an_answer_of_the_group_no_other_client_is_opened(stage: Stage) -> None:
    refusals = [InvalidRecord()]
    stage.kafka.refuses = lambda _: refusals.pop() if refusals else None
    stage.client.commit_raises = [CommitUnknown()]
    stage.client.give(records(5, 6))
    await assigned(stage, refusing(5))
    await stage.marked(7)
    assert len(stage.kafka.opened) == 2
    assert [event.kind for event in stage.heard.of(ErrorOccurred)].count("consumer.dead_letter") == 2


async def test_where_the_group_has_moved_on_nothing_is_dispatched_any_more(stage: Stage) -> None:
    stage.kafka.refuses = lambda _: InvalidRecord()
    stage.client.commit_raises = [CommitRefused()]
    stage.client.give(records(5, 6))
    worker = await assigned(stage, refusing(5))
    await until(lambda: stage.lost, "the membership was given up")
    await until(worker.task.done, "the worker ended")
    assert len(stage.kafka.opened) == 1
    assert (stage.dead, stage.heard.of(DeadLetterDispatched)) == ([], [])


@pytest.mark.parametrize("error", [TransactionFenced(), TransactionUnknown()], ids=["fenced", "unknown"])
async def test_fenced_or_unknown_gives_the_membership_up_and_no_commit_goes_back(
    stage: Stage, error: Exception
) -> None:
    stage.kafka.transaction_raises["commit"] = [error]
    stage.client.give(records(5, 6))
    worker = await assigned(stage, refusing(6))
    await until(lambda: stage.lost, "the membership was given up")
    await until(worker.task.done, "the worker ended")
    assert len(stage.kafka.opened) == 1
    assert stage.ledger.to_commit() == {}


async def test_a_fence_that_a_message_meets_is_told_from_a_failure(stage: Stage) -> None:
    stage.kafka.refuses = lambda _: kafka_errors.ProducerFenced()
    stage.kafka.fenced_clients = True
    stage.client.give(records(5))
    await assigned(stage, refusing(5))
    await until(lambda: stage.lost, "the membership was given up")
    assert len(stage.kafka.opened) == 1


async def test_after_the_drop_nothing_is_dispatched(stage: Stage) -> None:
    await assigned(stage, refusing(0))
    await stage.transactional.drop()
    stage.client.give(records(0))
    await until(lambda: stage.workers[0].task is None or stage.workers[0].task.done(), "the worker ended")
    assert stage.dead == []
