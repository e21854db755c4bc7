"""Records are taken from the buffer of one partition, as aiokafka itself would give them."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka.consumer.fetcher import FetchError, FetchResult, PartitionRecords
from aiokafka.record.default_records import DefaultRecordBatchBuilder
from aiokafka.record.memory_records import MemoryRecords
from aiokafka.structs import TopicPartition as ClientPartition

from app.kafka.records import FetchedRecord, take_fetched
from app.messages import TopicPartition

AT, OTHER = TopicPartition("t", 3), TopicPartition("t", 4)
HEADERS = [("a", b"1"), ("none", None), ("a", b"2"), ("", b"")]
RECORDS = [(b"k", b"v", HEADERS), (None, None, []), (b"", b"", [])]


class Assignment:
    """As aiokafka keeps it for one partition: active, not paused, at the beginning."""

    def __init__(self) -> None:
        self.active = True
        self.state = SimpleNamespace(paused=False, position=0)
        self.state.consumed_to = lambda position: setattr(self.state, "position", position)

    def state_value(self, _: object) -> SimpleNamespace:
        return self.state


class Fetcher:
    """Holds what was fetched, and counts how often it was asked to fetch again."""

    def __init__(self, **fetched: Any) -> None:
        self._records: dict[TopicPartition, Any] = {AT if at == "at" else OTHER: held for at, held in fetched.items()}
        self._wait_consume_future = object()
        self.asked = 0

    def _notify(self, future: object) -> None:
        assert future is self._wait_consume_future
        self.asked += 1


def unpacked(compression: int = 0) -> PartitionRecords:
    builder = DefaultRecordBatchBuilder(2, compression, False, -1, -1, -1, 10_000)
    for offset, (key, value, headers) in enumerate(RECORDS):
        assert builder.append(offset, 1_700_000_000_000 + offset, key, value, headers) is not None
    records = MemoryRecords(bytes(builder.build()))
    return PartitionRecords(ClientPartition(*AT), records, None, 0, None, None, True, 0)


def fetched(assignment: Assignment | None = None, compression: int = 0) -> FetchResult:
    records = unpacked(compression)
    return FetchResult(
        ClientPartition(*AT), assignment=assignment or Assignment(), partition_records=records, backoff=0
    )


@pytest.mark.parametrize("compression", [0, 1, 4])
def test_they_are_what_aiokafka_would_give(compression: int) -> None:
    assignment = Assignment()
    made = take_fetched(Fetcher(at=fetched(assignment, compression)), AT, 100)
    assert all(isinstance(record, FetchedRecord) for record in made)
    fields = ("topic", "partition", "offset", "timestamp", "key", "value", "headers")
    expected = [tuple(getattr(record, name) for name in fields) for record in unpacked(compression)]
    assert [tuple(getattr(record, name) for name in fields) for record in made] == expected
    assert assignment.state.position == 3
    assert made[0].headers == tuple(HEADERS)


def test_so_many_are_taken_as_were_asked_for_and_the_others_stay() -> None:
    assignment = Assignment()
    fetcher = Fetcher(other=FetchError(error=ValueError(), backoff=1), at=fetched(assignment))
    assert [record.offset for record in take_fetched(fetcher, AT, 2)] == [0, 1]
    assert (assignment.state.position, fetcher.asked) == (2, 0)
    assert [record.offset for record in take_fetched(fetcher, AT, 2)] == [2]
    assert (assignment.state.position, fetcher.asked) == (3, 1)
    assert take_fetched(fetcher, AT, 2) == ()
    assert list(fetcher._records) == [OTHER]


def test_an_error_of_the_fetch_is_raised_once() -> None:
    fetcher = Fetcher(at=FetchError(error=ValueError("gone"), backoff=1))
    with pytest.raises(ValueError, match="gone"):
        take_fetched(fetcher, AT, 1)
    assert take_fetched(fetcher, AT, 1) == ()
    assert fetcher.asked == 1


@pytest.mark.parametrize("change", [{"position": 1}, {"paused": True}])
def test_what_a_seek_or_a_pause_has_overtaken_is_dropped(change: dict[str, Any]) -> None:
    assignment = Assignment()
    vars(assignment.state).update(change)
    fetcher = Fetcher(at=fetched(assignment))
    assert take_fetched(fetcher, AT, 1) == ()
    assert (fetcher._records, fetcher.asked) == ({}, 1)


def test_what_belongs_to_an_assignment_that_has_passed_is_dropped() -> None:
    assignment = Assignment()
    assignment.active = False
    fetcher = Fetcher(at=fetched(assignment))
    assert take_fetched(fetcher, AT, 1) == ()
    assert fetcher._records == {}
