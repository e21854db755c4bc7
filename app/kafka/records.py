"""Records as consumers get them, made without aiokafka's own record class, which costs half of a poll."""

from __future__ import annotations

from typing import Any

import msgspec

from app.messages import Headers


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


def unpack_leanly(fetched: Any) -> None:
    """Makes what aiokafka has fetched for one partition (a FetchResult) give FetchedRecords, at half the cost.
    Nothing happens where it is an error, or has been drained."""
    unpacked = getattr(fetched, "_partition_records", None)
    if unpacked is not None:
        unpacked._consumer_record = _record


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
