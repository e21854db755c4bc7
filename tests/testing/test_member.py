"""The member of a group on a Kafka in memory: what the real client would answer."""

from __future__ import annotations

import asyncio

import pytest

from app.errors import CommitRefused, PositionLost
from app.messages import TopicPartition
from app.testing import Broker
from app.testing.member import MemoryMember
from tests.waiting import until

AT, OTHER = TopicPartition("t", 0), TopicPartition("t", 1)


class Listener:
    """Seeks the beginning of what is assigned, and remembers."""

    def __init__(self) -> None:
        self.told: list[tuple[str, frozenset[TopicPartition]]] = []

    async def on_assigned(self, partitions: frozenset[TopicPartition]) -> None:
        self.told.append(("assigned", partitions))

    async def on_revoked(self, partitions: frozenset[TopicPartition]) -> None:
        self.told.append(("revoked", partitions))


class Place:
    """A broker with one member of group g, and three records in t-0."""

    def __init__(self) -> None:
        self.broker, self.listener, self.stirred = Broker({"t": 2}), Listener(), 0
        self.member = MemoryMember(self.broker, "g", ["t"], self.listener, self._stir)
        for number in range(3):
            self.broker.give(AT, str(number).encode(), timestamp=1000 * number)

    def _stir(self) -> None:
        self.stirred += 1


@pytest.fixture
async def place() -> Place:
    made = Place()
    await made.member.start()
    made.member.seek(AT, 0)
    made.member.seek(OTHER, 0)
    return made


async def test_it_reads_on_from_its_position(place: Place) -> None:
    member = place.member
    assert (member.has_data(AT), member.has_data(OTHER), list(member.with_data())) == (True, False, [AT])
    assert [record.offset for record in member.take(AT, 2)] == [0, 1]
    assert (member.position(AT), member.highwater(AT)) == (2, 3)
    assert [record.offset for record in member.take(AT, 2)] == [2]
    assert (list(member.take(AT, 2)), member.has_data(AT)) == ([], False)
    place.broker.give(AT, b"later", offset=7)
    assert [record.offset for record in member.take(AT, 2)] == [7]
    member.seek(AT, 1)
    assert [record.offset for record in member.take(AT, 9)] == [1, 2, 7]


async def test_a_position_that_has_gone_is_named(place: Place) -> None:
    place.broker.trim(AT, 2)
    assert place.member.has_data(AT)
    with pytest.raises(PositionLost) as lost:
        place.member.take(AT, 5)
    assert lost.value.partitions == {AT: 0}
    place.member.seek(AT, 4)
    with pytest.raises(PositionLost):
        place.member.take(AT, 5)


async def test_partitions_come_and_go_and_only_those_that_are_assigned_are_committed(place: Place) -> None:
    member = place.member
    await member.commit({AT: 2}, timeout_s=1)
    await member.revoke()
    assert (member.assignment(), list(member.take(AT, 5)), member.has_data(AT)) == (frozenset(), [], False)
    with pytest.raises(CommitRefused):
        await member.commit({AT: 3}, timeout_s=1)
    await member.assign([OTHER])
    assert [kind for kind, _ in place.listener.told] == ["assigned", "revoked", "assigned"]
    assert place.listener.told[-1][1] == frozenset({OTHER})
    assert await member.committed([AT, OTHER], timeout_s=1) == {AT: 2, OTHER: None}
    member.seek(AT, 0)
    assert member.position(AT) is None


async def test_lookups_answer_as_kafka_does(place: Place) -> None:
    member = place.member
    assert await member.beginning_offsets([AT], timeout_s=1) == {AT: 0}
    assert await member.end_offsets([AT, OTHER], timeout_s=1) == {AT: 3, OTHER: 0}
    assert [await member.offset_at(AT, time_ms, timeout_s=1) for time_ms in (0, 1001, 2001)] == [0, 2, None]


async def test_a_poll_ends_when_something_is_stored_and_says_when_it_waits(place: Place) -> None:
    await place.member.wait_for_data(5)
    assert not place.member.has_polled
    polling = asyncio.create_task(place.member.wait_for_data(60))
    await until(lambda: place.member.has_polled, "it waits")
    assert place.stirred == 2
    place.broker.give(AT, b"1")
    assert not place.member.has_polled
    await asyncio.wait_for(polling, 5)
    await place.member.wait_for_data(0.01)
