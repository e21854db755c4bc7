"""Records as consumers get them, read straight from aiokafka's buffer.

Its own `getmany` looks at every buffered partition at each call, which is quadratic where a thousand have data; and
its record class is half the cost of a poll.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice
from typing import Any

import msgspec
from aiokafka.consumer.fetcher import FetchResult

from app.messages import Headers, Record, TopicPartition


class FetchedRecord(msgspec.Struct, frozen=True, gc=False):
    """Implements `app.messages.Record`. It refers to nothing that could refer back: the cyclic collector need not look
    at it."""

    topic: str
    partition: int
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: Headers


def take_fetched(fetcher: Any, partition: TopicPartition, most: int) -> Sequence[Record]:
    """At most `most` records of `partition` out of the buffer of aiokafka's fetcher; empty where there are none.

    The partition is fetched again once its buffer is empty. Raises what fetching it, or decoding its records, raised.
    """
    fetched = fetcher._records.get(partition)
    if fetched is None:
        return ()
    if type(fetched) is not FetchResult:
        _emptied(fetcher, partition)
        fetched.check_raise()
    if not fetched.check_assignment(partition):
        _emptied(fetcher, partition)
        return ()
    unpacked = fetched._partition_records
    unpacked._consumer_record = _record
    records = list(islice(unpacked._records_iterator, most))
    fetched._update_position()
    if len(records) < most:
        fetched._partition_records = None
        _emptied(fetcher, partition)
    return records


def _emptied(fetcher: Any, partition: TopicPartition) -> None:
    del fetcher._records[partition]
    fetcher._notify(fetcher._wait_consume_future)


def _record(at: Any, unpacked: Any) -> FetchedRecord:
    headers = unpacked.headers
    return FetchedRecord(
        at[0],
        at[1],
        unpacked.offset,
        unpacked.timestamp,
        unpacked.key,
        unpacked.value,
        tuple(headers) if headers else (),
    )
