"""Commits of what is marked."""

from __future__ import annotations

import asyncio

import pytest

from app.consuming.commits import Commits
from app.consuming.offsets import OffsetLedger
from app.errors import CommitRefused, CommitUnknown, TopicsGone
from app.events import CommitFailed, OffsetsCommitted
from app.messages import TopicPartition
from tests.consuming.stage import AT, OTHER
from tests.fakes import FakeConsumerClient, FakeKafka, Heard


class Desk:
    """A ledger, a client and what is told of commits."""

    def __init__(self) -> None:
        self.kafka, self.client, self.ledger = FakeKafka({"t": 2, "u": 1}), FakeConsumerClient(), OffsetLedger()
        self.heard = Heard(CommitFailed, OffsetsCommitted)
        self.commits = Commits("g", self.client, self.ledger, self.kafka, self.heard.monitor)

    def mark(self, at: TopicPartition, offset: int) -> None:
        self.ledger.assign(at, 1, None)
        self.ledger.mark(at, 1, offset)


@pytest.fixture
def desk() -> Desk:
    return Desk()


async def test_everything_marked_is_committed_once(desk: Desk) -> None:
    desk.mark(AT, 3)
    desk.mark(OTHER, 5)
    assert await desk.commits.commit(1)
    assert await desk.commits.commit(1)
    assert desk.client.commits == [{AT: 3, OTHER: 5}]


@pytest.mark.parametrize(("error", "ours"), [(CommitRefused("moved on"), False), (CommitUnknown("no answer"), True)])
async def test_what_failed_is_told_and_committed_with_the_next(desk: Desk, error: Exception, ours: bool) -> None:
    desk.mark(AT, 3)
    desk.client.commit_raises = [error]
    assert await desk.commits.commit(1) is ours
    assert [event.reason for event in desk.heard.of(CommitFailed)] == [str(error)]
    assert await desk.commits.commit(1)
    assert desk.client.commits == [{AT: 3}]


async def test_offsets_of_a_deleted_topic_hold_up_no_others(desk: Desk) -> None:
    gone = TopicPartition("u", 0)
    desk.mark(AT, 3)
    desk.mark(gone, 8)
    del desk.kafka.topic_partitions["u"]
    assert await desk.commits.commit(1)
    assert desk.client.commits == [{AT: 3}]
    assert desk.heard.of(CommitFailed) == []


async def test_an_offset_of_a_topic_that_kafka_no_longer_knows_is_not_sent_again(desk: Desk) -> None:
    desk.mark(AT, 3)
    desk.client.commit_raises = [TopicsGone()]
    assert await desk.commits.commit(1)
    assert await desk.commits.commit(1)
    assert desk.client.commits == []


async def test_the_wait_for_an_earlier_commit_is_part_of_its_time(desk: Desk) -> None:
    desk.mark(AT, 3)
    async with desk.commits.lock:
        assert await desk.commits.commit(0.01)
        (failed,) = desk.heard.of(CommitFailed)
        assert failed.reason == "The one before it had no answer within 0.01 s"
        waiting = asyncio.create_task(desk.commits.commit(30))
        await asyncio.sleep(0)
        assert not waiting.done()
    assert await waiting
    assert desk.client.commits == [{AT: 3}]
    assert not desk.commits.lock.locked()
