"""Records made leanly are those that aiokafka would have made."""

from __future__ import annotations

import pytest
from aiokafka.consumer.fetcher import FetchError, PartitionRecords
from aiokafka.record.default_records import DefaultRecordBatchBuilder
from aiokafka.record.memory_records import MemoryRecords
from aiokafka.structs import TopicPartition as ClientPartition

from app.kafka.records import FetchedRecord, unpack_leanly

AT = ClientPartition("t", 3)
HEADERS = [("a", b"1"), ("none", None), ("a", b"2"), ("", b"")]


class Fetched:
    """As aiokafka's FetchResult holds them."""

    def __init__(self, records: bytes) -> None:
        self._partition_records = PartitionRecords(AT, MemoryRecords(records), None, 0, None, None, True, 0)


def batch(compression: int = 0) -> bytes:
    builder = DefaultRecordBatchBuilder(2, compression, False, -1, -1, -1, 10_000)
    for offset, (key, value, headers) in enumerate([(b"k", b"v", HEADERS), (None, None, []), (b"", b"", [])]):
        assert builder.append(offset, 1_700_000_000_000 + offset, key, value, headers) is not None
    return bytes(builder.build())


@pytest.mark.parametrize("compression", [0, 1, 4])
def test_they_are_what_aiokafka_would_give(compression: int) -> None:
    lean, own = Fetched(batch(compression)), Fetched(batch(compression))
    unpack_leanly(lean)
    made = list(lean._partition_records)
    assert all(isinstance(record, FetchedRecord) for record in made)
    fields = ("topic", "partition", "offset", "timestamp", "key", "value", "headers")
    expected = [tuple(getattr(record, name) for name in fields) for record in own._partition_records]
    assert [tuple(getattr(record, name) for name in fields) for record in made] == expected
    assert lean._partition_records.next_fetch_offset == own._partition_records.next_fetch_offset == 3
    assert made[0].headers == tuple(HEADERS)


def test_errors_and_what_was_drained_are_left_as_they_are() -> None:
    drained = Fetched(batch())
    drained._partition_records = None
    for nothing in (None, FetchError(error=ValueError(), backoff=1), drained):
        unpack_leanly(nothing)
