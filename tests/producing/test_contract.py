"""What a message must be like, and its bytes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from aiokafka.record.default_records import DefaultRecordBatchBuilder
from hypothesis import given
from hypothesis import strategies as st

from app.errors import MessageInvalid, PayloadTooLarge
from app.messages import OutgoingMessage
from app.producing.contract import encode

LIMIT = 10_000


def encoded(**fields: Any) -> Any:
    return encode(OutgoingMessage(**{"topic": "t", **fields}), LIMIT)


@pytest.mark.parametrize(
    ("payload", "stored"),
    [
        (b"raw", b"raw"),
        (bytearray(b"raw"), b"raw"),
        (memoryview(b"raw"), b"raw"),
        ("tëxt", "tëxt".encode()),
        ("", b""),
        (None, None),
        ({"a": 1}, b'{"a":1}'),
        ([1, None], b"[1,null]"),
        (0, b"0"),
        (False, b"false"),
    ],
)
def test_bytes_and_text_stay_as_they_are_and_the_rest_becomes_json(payload: Any, stored: bytes | None) -> None:
    assert encoded(payload=payload).value == stored


def test_an_empty_key_is_a_key_and_none_is_none() -> None:
    assert encoded(key="").key == b""
    assert encoded(key=None).key is None


def test_headers_may_be_a_mapping_or_pairs_with_repeats_and_nulls() -> None:
    assert encoded(headers={"a": "1", "b": None}).headers == [("a", b"1"), ("b", None)]
    assert encoded(headers=[("a", b"1"), ("a", "2")]).headers == [("a", b"1"), ("a", b"2")]
    assert encoded(headers=None).headers == []


def test_a_timestamp_is_milliseconds_or_an_aware_datetime() -> None:
    assert encoded(timestamp=5).timestamp_ms == 5
    assert encoded(timestamp=datetime(1970, 1, 1, 1, tzinfo=timezone(timedelta(hours=1)))).timestamp_ms == 0
    assert encoded(timestamp=datetime(1970, 1, 1, 0, 0, 1, tzinfo=UTC)).timestamp_ms == 1000


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("topic", ""),
        ("topic", "."),
        ("topic", "a b"),
        ("topic", "x" * 250),
        ("topic", None),
        ("payload", object()),
        ("payload", float("nan")),
        ("payload", "\ud800"),
        ("key", 5),
        ("partition_key", 5),
        ("headers", {"": "x"}),
        ("headers", {"a": 5}),
        ("headers", ["a"]),
        ("headers", 5),
        ("timestamp", -1),
        ("timestamp", 2**63),
        ("timestamp", True),
        ("timestamp", datetime(2026, 1, 1)),  # naive on purpose
        ("partition", -1),
        ("partition", 2**31),
        ("partition", True),
        ("partition", "0"),
    ],
)
def test_a_bad_field_is_named(field: str, value: Any) -> None:
    with pytest.raises(MessageInvalid) as raised:
        encoded(**{field: value})
    assert [fault.path for fault in raised.value.faults] == [field]
    assert raised.value.faults[0].message


def test_all_faults_are_told_at_once() -> None:
    with pytest.raises(MessageInvalid) as raised:
        encoded(topic="..", key=1, partition=-3, timestamp=-1)
    assert {fault.path for fault in raised.value.faults} == {"topic", "key", "partition", "timestamp"}


def test_the_limit_is_of_the_payload_alone_and_inclusive() -> None:
    assert encoded(payload=b"x" * LIMIT).value is not None
    with pytest.raises(PayloadTooLarge, match=f"{LIMIT + 1} bytes"):
        encoded(payload=b"x" * (LIMIT + 1))


@given(
    value=st.none() | st.binary(max_size=400),
    key=st.none() | st.binary(max_size=100),
    headers=st.lists(st.tuples(st.text(st.characters(codec="utf-8"), min_size=1), st.none() | st.binary()), max_size=5),
    timestamp=st.integers(0, 2**62),
)
def test_no_record_is_larger_than_was_counted(
    value: bytes | None, key: bytes | None, headers: list[tuple[str, bytes | None]], timestamp: int
) -> None:
    made = encoded(payload=value, key=key, headers=headers, timestamp=timestamp)
    builder = DefaultRecordBatchBuilder(2, 0, False, -1, -1, -1, 10**7)
    builder.append(0, 0, None, b"", [])
    before = builder.size()
    builder.append(1, timestamp, made.key, made.value, list(made.headers))
    assert builder.size() - before <= made.size_bytes
